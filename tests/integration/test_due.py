# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others change a node in every way: a restart is needed exactly if the running containerd has not read the change."""

from __future__ import annotations

import os
import random

import pytest
import yaml
from support import CONFIG, ENDS, pid

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

STEPS = 5
SEED = int(os.environ.get("DUE_SEED", "1"))
DROP_IN = "/etc/containerd/conf.d/a.toml"
MARK = "# and imported:"
HAND = "sed -i -e '/^oom_score/d' -e '1i oom_score = {number}' " + CONFIG
WAYS = {
    "edit": HAND,
    "comment": f"echo '# by hand {{number}}' >> {CONFIG}",
    "touch": f"touch {CONFIG}",
    "old copy": f"cp -p {CONFIG} /root/copy; sed -i '1i oom_score = {{number}}' /root/copy; "
    f"sed -i '2,$ {{{{/^oom_score/d}}}}' /root/copy; touch -d 2001-01-01 /root/copy; cp -p /root/copy {CONFIG}",
    "moved": f"cp -p {CONFIG} /etc/containerd/old; {HAND}; touch -d 2001-01-01 {CONFIG}",
    "back": f"[ ! -e /etc/containerd/old ] || mv /etc/containerd/old {CONFIG}",
    "import": f'printf \'[timeouts]\\n"x" = "{{number}}s"\\n\' > {DROP_IN}',
    "no import": f"rm -f {DROP_IN}",
    "touched import": f"[ ! -e {DROP_IN} ] || touch -d 2035-01-01 {DROP_IN}",
    "upgrade": "cp -p /usr/bin/containerd /usr/bin/containerd.new; mv /usr/bin/containerd.new /usr/bin/containerd",
}


@pytest.fixture
def live(play, tmp_path):
    """Apply these changes to the nodes in one play; return for each step why a restart is needed, and the files."""

    def run(commands: list[str]) -> list[dict[str, tuple]]:
        tasks = []
        for command in commands:
            shown = f"cat {CONFIG}; echo {MARK}; cat {DROP_IN} || :"
            tasks += [{"ansible.builtin.shell": f"{command}\n{shown}"}, {"airgap.containerd.containerd_info": {}}]
        playbook = tmp_path / "live.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        done = play(playbook=str(playbook)).ok()
        results = {node: [each["result"] for each in done.results if each["host"] == node] for node in ENDS}
        return [
            {
                node: (found[2 * step + 1]["containerd"]["restart_due"], _said(found[2 * step]["stdout"]))
                for node, found in results.items()
            }
            for step in range(len(commands))
        ]

    return run


def _said(shown: str) -> list:
    return [load(text) for text in shown.split(MARK)]


@pytest.mark.nodes(*ENDS)
def test_a_restart_is_due_when_the_running_containerd_has_not_read_what_is_there(fresh, play, live):
    dice = random.Random(SEED)
    for node in ENDS:
        fresh.run(node, ["mkdir", "-p", "/etc/containerd/conf.d"])
        fresh.run(node, ["sed", "-i", '1i imports = ["/etc/containerd/conf.d/*.toml"]', CONFIG])
    play().ok()
    assert not any(play().ok().changed().values())
    ways = [dice.choice(sorted(WAYS)) for dummy in range(STEPS)]
    numbers = [dice.randint(1, 9) if "import" in way else dice.randint(-900, 900) for way in ways]
    first, *steps = live([":", *(WAYS[way].format(number=number) for way, number in zip(ways, numbers, strict=True))])
    was_due = {}
    for step, answers in enumerate(steps):
        history = ways[: step + 1]
        for node, (due, said) in answers.items():
            was_due[node] = "upgrade" in history or said != first[node][1]
            assert (due is not None) == was_due[node], (node, history, due)
    before = {node: pid(fresh, node) for node in ENDS}
    done = play().ok()
    for node in ENDS:
        assert done.of(node)["restarted"] == was_due[node] == (pid(fresh, node) != before[node]), (node, ways)
    assert not any(play().ok().changed().values()), ways
