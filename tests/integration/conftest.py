# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every integration test starts from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

# Each worker of pytest-xdist has a lab of its own; the lab's code and its inventory look here.
os.environ["AIRGAP_LAB_NAME"] = os.environ.get("AIRGAP_LAB_NAME", "") + os.environ.get("PYTEST_XDIST_WORKER", "")

import pytest
import yaml
from airgap_lab import Lab
from support import NODES, ROLE, Player

LONG = ("test_fatal", "test_due", "test_living", "test_faults", "test_differential", "test_starting", "test_reading")
"""Files of one long test: begun last, they would leave the other worker idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slowest files; pytest-xdist, configured not to sort, hands them out in this order."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.stem not in LONG, -tests[item.path]))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The running lab; afterwards it is as it was before the tests, except that a worker's lab is stopped."""
    lab = Lab()
    stays = lab.is_up() and "PYTEST_XDIST_WORKER" not in os.environ
    lab.up()
    yield lab
    if not stays:
        lab.down()


@pytest.fixture(scope="module")
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Player:
    """Run a playbook on the lab; a file of tests that names PLAYBOOK has that one where a test names none."""
    return Player(tmp_path_factory.mktemp("plays"), getattr(request.module, "PLAYBOOK", ROLE))


@pytest.fixture(autouse=True)
def its_nodes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The nodes that the mark `nodes` of a test names, to which its runs are limited; all of them without one."""
    mark = request.node.get_closest_marker("nodes")
    monkeypatch.setattr(Player, "limit", ",".join(mark.args) if mark else "")
    return mark.args if mark else NODES


@pytest.fixture
def fresh(lab: Lab, its_nodes: tuple[str, ...]) -> Lab:
    """The lab with the nodes of this test in their first state."""
    lab.reset(*its_nodes)
    return lab


@pytest.fixture
def task(play, tmp_path):
    """Run one task on all nodes, or on one."""

    def run(module: str, *arguments: str, **options):
        playbook = tmp_path / "task.yml"
        tasks = [{f"airgap.containerd.{module}": options}]
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        result = play(*arguments, playbook=str(playbook))
        return result, lambda node: result.of(node, f"airgap.containerd.{module}")

    return run


@pytest.fixture
def config(play, tmp_path):
    """Run containerd_config once or several times in one play; return the run and the results by node and task.

    `task` in a step holds keywords of the task, such as ignore_errors.
    """

    def run(*steps: dict, limit: str = "all", arguments: tuple[str, ...] = (), env: dict | None = None):
        playbook = tmp_path / "config.yml"
        tasks = [{**each.pop("task", {}), "airgap.containerd.containerd_config": each} for each in map(dict, steps)]
        playbook.write_text(yaml.safe_dump([{"hosts": limit, "gather_facts": False, "tasks": tasks}]))
        done = play(*arguments, playbook=str(playbook), env=env)
        results = {node: [each["result"] for each in done.results if each["host"] == node] for node in NODES}
        return done, results

    return run
