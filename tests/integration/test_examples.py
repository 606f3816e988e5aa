# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the modules run, and so do the five lines of the README."""

from __future__ import annotations

import re

import pytest
import yaml
from pages import Page
from support import ENDS, HARBOR, LAB_VARIABLES, NEWEST, ROOT, assert_served

PASSWORD = LAB_VARIABLES["containerd_registry_password"]
ACCOUNT = {
    "vault_harbor_password": PASSWORD,
    "vault_quay_username": LAB_VARIABLES["containerd_registry_username"],
    "vault_quay_password": PASSWORD,
}
# What comes before the examples of a module: a run of site.yml with these variables.
BEFORE = {
    "containerd_harbor": HARBOR,
    "containerd_images": {"containerd_registry_verify": True},  # so that nodes have an image
    "containerd_node_extra": {},
    "containerd_pull": {},
    "containerd_report": {},
}
RENDERED = "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: 'quay.io/coreos/etcd:1'}]}}\n"


def examples(module: str) -> list[dict]:
    source = (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
    return yaml.safe_load(re.search(r'EXAMPLES = r"""(.*?)"""', source, re.S).group(1))


@pytest.mark.nodes(NEWEST)
@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")))
def test_examples_of_modules(fresh, play, tmp_path, module):
    # The lab's control node has no address there: a node is used instead.
    tasks = [{key: value for key, value in each.items() if key != "delegate_to"} for each in examples(module)]
    (tmp_path / "rendered.yaml").write_text(RENDERED)
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    variables = tmp_path / "vars.yml"
    variables.write_text(yaml.safe_dump({**ACCOUNT, **BEFORE.get(module, {})}))
    if module in BEFORE:
        play("-e", f"@{variables}").ok()
    run = play("-e", f"@{variables}", playbook=str(playbook)).ok()
    assert len(run.results) == len(tasks) and {each["outcome"] for each in run.results} == {"ok"}


@pytest.mark.nodes(*ENDS)
def test_the_five_lines_and_the_role_in_ones_own_playbook(fresh, play, tmp_path):
    blocks = Page(ROOT / "README.md").blocks
    five_lines, own_playbook = (
        next(block.data for block in blocks if block.kind == kind) for kind in ("variables", "playbook")
    )
    assert len(five_lines) == 4 and own_playbook[0]["hosts"] == "kube_node"
    own_playbook[0]["hosts"] = "all"
    playbook = tmp_path / "own.yml"
    playbook.write_text(yaml.safe_dump(own_playbook))
    variables = tmp_path / "vars.yml"
    # The address alone is the lab's, which cannot have the name of the example.
    variables.write_text(
        yaml.safe_dump(
            {**five_lines, "containerd_registry_url": "http://harbor.lan", "vault_harbor_password": PASSWORD}
        )
    )
    play("-e", f"@{variables}", playbook=str(playbook)).ok()
    for node in ENDS:
        assert_served(fresh, node, "docker.io/library/busybox:1", "harbor.lan", "dockerhub/library/busybox")
        assert_served(fresh, node, "registry.k8s.io/pause:3.9", "harbor.lan", "mirror/pause")
