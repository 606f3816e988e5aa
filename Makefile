# On a fresh Debian 12 with git, make and python3, `make demo` and `make test` install the rest by themselves:
# Debian's python3-venv if it is missing, and Python packages from PyPI into .venv. Nothing else outside the checkout
# is changed, except by the lab, which says what. PYTHON=/path/to/python3 chooses another interpreter.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
.DEFAULT_GOAL := help

BUILD := $(CURDIR)/.build
STAGE := $(BUILD)/ansible_collections/airgap/containerd
# How to call a tool on the staged copy: from its root, with only that copy to resolve airgap.containerd.*, and with a
# separate home, because antsibull-docs logs there.
STAGED = cd $(STAGE) && HOME=$(BUILD)/home PATH=$(TEST):$$PATH ANSIBLE_COLLECTIONS_PATH=$(BUILD) PYTHONPATH=
RUN := $(CURDIR)/.venv/run/bin
TEST := $(CURDIR)/.venv/test/bin
GALAXY := $(CURDIR)/.venv/galaxy/bin
OUT := .
REPORTS := $(BUILD)/reports
# More than the cores of a small machine: a node that boots or restarts leaves them idle.
WORKERS := 3
PROPERTIES := tests/unit -m properties

# Tools that keep caches below ANSIBLE_HOME keep them here.
export ANSIBLE_HOME := $(BUILD)/home/.ansible
# Makes ansible_collections.airgap.containerd importable: the folder holds a link to this checkout.
export PYTHONPATH := $(CURDIR)/.collections

.PHONY: help
help: ## Show this list
	@sed -En 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

# --- The lab: real nodes in network namespaces (root only) -------------------------------------------------------

.PHONY: demo lab-up lab-down
demo: need-root venv-run ## Set up the lab's nodes with the playbook and watch them pull (root)
	@PATH=$(RUN):$$PATH $(RUN)/python tests/lab/demo

lab-up: need-root venv-run ## Start the lab and leave it running (root)
	@PATH=$(RUN):$$PATH $(RUN)/python tests/lab/lab up

lab-down: need-root venv-run ## Stop the lab (root)
	@PATH=$(RUN):$$PATH $(RUN)/python tests/lab/lab down

# --- Tests, the fast ones first ----------------------------------------------------------------------------------

.PHONY: test lint unit search unit-oldest ends sanity tarball integration
test: need-root venv-test ## Run all of the following up to integration, stop at the first failure (root)
	@rm -rf $(REPORTS)
	@status=0; $(MAKE) --no-print-directory --jobs=2 --output-sync=target SIDE_BY_SIDE=1 \
		static-half unit-half && $(MAKE) --no-print-directory integration || status=$$?; \
	echo; echo "== Figures"; \
	[ $$status -eq 0 ] || echo "A step above failed; the steps after it did not run."; \
	$(TEST)/python tests/tools/figures.py $(addprefix $(REPORTS)/,unit.xml integration.xml alone.xml) || status=1; \
	exit $$status

# Two halves that take about the same time, one for each core. Lint and sanity work on one staged copy, so not at once.
.PHONY: static-half unit-half
static-half:
	@$(MAKE) --no-print-directory SIDE_BY_SIDE= lint sanity tarball search unit-oldest
unit-half:
	@$(MAKE) --no-print-directory SIDE_BY_SIDE= unit ends

lint: stage ## ruff, mypy, yamllint, vermin, antsibull and ansible-lint
	@echo "== ruff"
	@$(TEST)/ruff check --quiet .
	@$(TEST)/ruff format --check --quiet .
	@echo "== mypy: the code of the control node, in strict mode"
	@$(TEST)/mypy --no-error-summary $(addprefix -p ansible_collections.airgap.containerd.plugins.,plugin_utils action filter)
	@echo "== yamllint"
	@$(TEST)/yamllint --strict .
	@echo "== vermin: the code of the nodes works with Python 3.6"
	@$(TEST)/vermin --quiet --no-tips --violations --target=3.6- plugins/modules plugins/module_utils
	@echo "== antsibull-changelog"
	@$(STAGED) antsibull-changelog lint
	@echo "== antsibull-docs"
	@$(STAGED) antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck \
		--validate-collection-refs=all .
	@echo "== ansible-lint"
	@$(STAGED) ansible-lint --offline --nocolor

unit: venv-test ## The unit tests, about a minute
	@echo "== unit tests"
	@$(TEST)/python -m pytest tests/unit --quiet --junitxml=$(REPORTS)/unit.xml

search: venv-test ## A random search for TOML edits, answers and replies that fail, ten seconds
	@echo "== properties, a long random search"
	@$(TEST)/python -m pytest $(PROPERTIES) --quiet --hypothesis-profile=random --hypothesis-seed=$${SEED:-$$RANDOM}

.PHONY: properties
properties: venv-test ## The same search with many more cases (not part of `make test`)
	@$(TEST)/python -m pytest $(PROPERTIES) --hypothesis-profile=long --hypothesis-show-statistics \
		--hypothesis-seed=$${SEED:-$$RANDOM}

unit-oldest: venv-test ## The unit tests of code that runs on nodes, with the oldest supported Python, if this machine has it
	@echo "== unit tests of the code of the nodes"
	@$(TEST)/python tests/tools/oldest.py

ends: venv-test ## The control node's unit tests with the oldest and the newest supported pair of ansible-core and Python
	@$(TEST)/python tests/tools/matrix.py --ends

sanity: stage ## ansible-test sanity, on every Python that this machine has
	@echo "== ansible-test sanity"
	@$(TEST)/python tests/tools/sanity.py

tarball: venv-test ## Build the collection, compare the tarball with the repository, install it
	@echo "== tarball"
	@$(TEST)/python tests/tools/tarball.py

integration: need-root venv-test ## The integration tests, on several labs in parallel (root)
	@echo "== integration tests"
	@PATH=$(TEST):$$PATH $(TEST)/python -m pytest tests/integration -m "not audit and not alone" \
		--numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder --junitxml=$(REPORTS)/integration.xml
	@echo "== integration tests that look at the whole machine"
	@PATH=$(TEST):$$PATH $(TEST)/python -m pytest tests/integration -m "not audit and alone" \
		--junitxml=$(REPORTS)/alone.xml

# --- Longer tests, not part of `make test` ------------------------------------------------------------------------

.PHONY: ansible-units ansible-integration audit differential living reading starting matrix systems molecule bench faults fatal
ansible-units: stage ## The unit tests as `ansible-test units` runs them; ARGS="--python default" for every Python here
	@$(TEST)/python tests/tools/units.py $(ARGS)

ansible-integration: need-root stage ## `ansible-test integration`, on a node of the lab; ARGS=containerd_config (root)
	@PATH=$(TEST):$$PATH PYTHONPATH=$(PYTHONPATH):tests/lab $(TEST)/python tests/tools/targets.py $(ARGS)

audit: need-root venv-test ## The complete secret audit: run everything with a canary password and search for it everywhere (root)
	@PATH=$(TEST):$$PATH $(TEST)/python -m pytest tests/integration/test_audit.py

differential: need-root venv-test ## Compare the predictions of `resolve` with the requests of real releases; ARGS="--seed 1 --cases 300" (root)
	@PATH=$(TEST):$$PATH PYTHONPATH=$(PYTHONPATH):tests/lab:tests/integration $(TEST)/python -m differential $(ARGS)

starting: need-root venv-test ## Start containerd in many ways: compare the file that we report with the one that it reads; ARGS="--seed 1 --rounds 25" (root)
	@PATH=$(TEST):$$PATH PYTHONPATH=$(PYTHONPATH):tests/lab:tests/integration $(TEST)/python -m starting $(ARGS)

reading: need-root venv-test ## Compare how each release reads configurations with how we do; ARGS="--seed 1 --cases 300" (root)
	@PATH=$(TEST):$$PATH PYTHONPATH=$(PYTHONPATH):tests/lab:tests/integration $(TEST)/python -m reading $(ARGS)

living: need-root venv-test ## A long random sequence of changes on nodes, each run checked; ARGS="--seed 1 --steps 1000" (root)
	@PATH=$(TEST):$$PATH PYTHONPATH=$(PYTHONPATH):tests/lab:tests/integration $(TEST)/python -m living $(ARGS)

matrix: need-root venv-test ## The tests with every supported pair of ansible-core and Python, about an hour; ARGS="--only 2.16-3.10" (root)
	@$(TEST)/python tests/tools/matrix.py $(ARGS)

systems: need-root venv-test ## Nodes on other Debian systems, from first run to removal, with and without pipelining (root)
	@PATH=$(TEST):$$PATH AIRGAP_SYSTEMS=1 $(TEST)/python -m pytest tests/integration/test_systems.py

molecule: need-root venv-test ## The molecule scenarios, on the lab's nodes; ARGS="--scenario-name legacy" (root)
	@PATH=$(TEST):$$PATH ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.collections \
		molecule test --report $(if $(ARGS),$(ARGS),--all)

bench: need-root venv-run ## Compare run times with a ping and with conventional tasks, on an idle machine; PARTS="wire cri" (root)
	@PATH=$(RUN):$$PATH $(RUN)/python tests/bench/bench $(PARTS)

faults: need-root venv-test ## Kill a run, or make it fail, at every step on a node of the lab; a quarter of an hour (root)
	@command -v strace >/dev/null || apt-get -qq install --yes --no-install-recommends strace
	@PATH=$(TEST):$$PATH $(TEST)/python tests/faults/faults

fatal: need-root venv-test ## Every configuration that keeps containerd from starting, on the lab; a quarter of an hour (root)
	@PATH=$(TEST):$$PATH FATAL_EVERY=1 $(TEST)/python -m pytest tests/integration/test_fatal.py -q -s

# --- For a release -----------------------------------------------------------------------------------------------

.PHONY: build galaxy docs role-readme pictures changelog
build: ## Build the collection from committed files, with the ansible-galaxy in PATH; OUT=. is the target folder
	@rm -rf $(BUILD)/committed && mkdir -p $(BUILD)/committed
	@git archive HEAD | tar -x -C $(BUILD)/committed
	@ansible-galaxy collection build --force --output-path $(OUT) $(BUILD)/committed

galaxy: tarball ## The check that Galaxy runs on uploads, and a build context of ansible-builder, about a minute
	@python3 tests/tools/venv.py galaxy
	@cd $(BUILD)/tarball && PATH=$(GALAXY):$$PATH python -m galaxy_importer.main *.tar.gz
	@PATH=$(GALAXY):$$PATH $(GALAXY)/python tests/tools/environment.py

docs: stage ## The HTML pages of the modules, the filters and the role, into .build/docs/html
	@python3 tests/tools/venv.py docs
	@$(CURDIR)/.venv/docs/bin/python tests/tools/docset.py

role-readme: venv-test ## Regenerate the table of variables in the role's README, from its specification
	@$(TEST)/python tests/tools/role_readme.py

pictures: need-root venv-test demo ## Regenerate the pictures in the README from the report of the demo (root)
	@PYTHONPATH=$(PYTHONPATH):tests/lab:tests/integration $(TEST)/python tests/tools/pictures.py

changelog: stage ## Regenerate CHANGELOG.md from changelogs/fragments, the plugins and the roles
	@# The release is written from scratch: a refresh would lose its playbooks, which only the fragments name.
	@$(TEST)/python -c "import pathlib, yaml; path = pathlib.Path('$(STAGE)/changelogs/changelog.yaml'); \
		data = yaml.safe_load(path.read_text()); version = yaml.safe_load(open('galaxy.yml'))['version']; \
		data['releases'].pop(version, None); path.write_text(yaml.safe_dump(data))"
	@$(STAGED) antsibull-changelog release --reload-plugins
	@cp $(STAGE)/CHANGELOG.md .
	@cp $(STAGE)/changelogs/changelog.yaml changelogs/

# --- What the targets above share --------------------------------------------------------------------------------

.PHONY: clean stage need-root venv-run venv-test
clean: ## Remove everything that these targets created in the checkout
	rm -rf .venv .build .pytest_cache .ruff_cache .hypothesis tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +

# A clean copy below ansible_collections/airgap/containerd, which some tools require.
stage: venv-test
	@mkdir -p $(BUILD)/home
	@$(TEST)/python tests/tools/stage.py

need-root:
	@[ "$$(id -u)" -eq 0 ] || { echo "This needs root: the lab creates network namespaces and starts nodes in them."; exit 1; }

venv-run venv-test: venv-%:
	@python3 tests/tools/venv.py $*
