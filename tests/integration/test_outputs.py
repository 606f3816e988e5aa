# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks print with Ansible's defaults, from an empty folder: their tables are text, and no data in quotes."""

from __future__ import annotations

import re

import pytest
from support import NEWEST, ROOT, Run

REPORT = "airgap.containerd.containerd_report"
GIVEN = {
    "images": ["-e", "image=busybox:1,quay.io/a/none:1"],
    "resolve": ["-e", "image=busybox:1"],
    "render": ["-e", "containerd_registry_version=1.7.24"],
    "rollback": ["--check"],
    "schedule": ["-e", f"containerd_registry_schedule_on={NEWEST}", "-e", "containerd_registry_schedule_state=absent"],
    "site": [],
    "uninstall": ["--check"],
    "verify": ["-e", "image=busybox:1,quay.io/a/none:1"],
}
"""What each playbook needs on the command line."""

ORDER = ("site", "resolve", "verify", "images", "rollback", "uninstall", "render", "schedule")
FAILING = ("verify", "images")  # as there is no such image
QUOTED = re.compile(r"""^\s*(?:[{"']|\[[\[{"']|- ["']|"?(?:msg|lines)"?:)""")
"""How lines begin that are data and no text."""


def test_every_playbook_is_tried():
    assert sorted(ORDER) == sorted(GIVEN) == sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


@pytest.fixture(scope="module")
def printed(lab, play, tmp_path_factory) -> dict[str, Run]:
    """What each playbook prints, run from an empty folder."""
    lab.reset(NEWEST)
    folder = tmp_path_factory.mktemp("empty")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "PWD": str(folder)}
    return {
        name: play(f"--limit={NEWEST}", *GIVEN[name], playbook=f"airgap.containerd.{name}", cwd=folder, env=env)
        for name in ORDER
    }


@pytest.mark.parametrize("name", ORDER)
def test_tables_look_like_tables(printed, name):
    run = printed[name]
    assert run.rc == (2 if name in FAILING else 0), run.output
    lines = [line for line in run.output.splitlines() if not line.startswith("fatal: ")]
    assert [line for line in lines if QUOTED.match(line)] == []
    tables = [each["result"] for each in run.results if each["task"] == REPORT]
    assert tables or name == "schedule"
    for table in tables:
        wanted = [table["msg"]] if name in FAILING else table.get("lines", [])
        assert set(wanted) <= set(run.output.splitlines()), run.output
