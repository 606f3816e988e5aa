# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others change a node in every way there is: a restart is due exactly when the running containerd has not read it."""

from __future__ import annotations

import os
import random

import pytest
from support import CONFIG, NODES, pid

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

STEPS = 14
SEED = int(os.environ.get("DUE_SEED", "1"))
DROP_IN = "/etc/containerd/conf.d/a.toml"
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


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_a_restart_is_due_when_the_running_containerd_has_not_read_what_is_there(fresh, play, task, seed):
    dice = random.Random(seed)
    for node in NODES:
        fresh.run(node, ["mkdir", "-p", "/etc/containerd/conf.d"])
        fresh.run(node, ["sed", "-i", '1i imports = ["/etc/containerd/conf.d/*.toml"]', CONFIG])
    play().ok()
    assert not any(play().ok().changed().values())

    def said(node: str) -> list:
        texts = [fresh.run(node, ["cat", path]).stdout for path in (CONFIG, DROP_IN)]
        return [load(text) for text in texts]

    read = {node: said(node) for node in NODES}
    upgraded, history = False, []
    for _step in range(STEPS):
        way = dice.choice(sorted(WAYS))
        history.append(way)
        upgraded = upgraded or way == "upgrade"
        command = WAYS[way].format(number=dice.randint(-900, 900) if "import" not in way else dice.randint(1, 9))
        for node in NODES:
            fresh.run(node, ["sh", "-c", command])
        run, info = task("containerd_info")
        for node in NODES:
            due = info(node)["containerd"]["restart_due"]
            assert (due is not None) == (upgraded or said(node) != read[node]), (node, history, due, run.output)
    before = {node: pid(fresh, node) for node in NODES}
    done = play().ok()
    for node in NODES:
        was_due = upgraded or said(node) != read[node]
        assert done.of(node)["restarted"] == was_due == (pid(fresh, node) != before[node]), (node, history)
    again = play().ok()
    assert not any(again.changed().values()), history
