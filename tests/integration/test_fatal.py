# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd serves, and its configuration was changed to one that it would not start with: it has to go on serving.

A sample, the same in every run; `make fatal` does all, and restarts containerd by hand to see that they are fatal.
"""

from __future__ import annotations

import os
import random

from fatal_configs import DROP_IN, NAMES, files
from support import BETWEEN, CONFIG, ENDS, NODES, pid

EVERY = bool(os.environ.get("FATAL_EVERY"))
SAMPLE = NAMES if EVERY else tuple(random.Random(7).sample(NAMES, 4))
AT_LEAST = 40  # fatal configurations


def _nodes(number: int) -> tuple[str, ...]:
    """The nodes that one of the configurations is tried on: those of the sample take turns."""
    return NODES if EVERY else (ENDS, BETWEEN)[number % 2]


def _put(lab, node: str, config: str, imported: str | None) -> None:
    lab.write(node, CONFIG, config)
    if imported is None:
        lab.run(node, ["rm", "-f", DROP_IN])
    else:
        lab.write(node, DROP_IN, imported)


def test_no_containerd_that_serves_is_ended(fresh, task):
    good = {node: fresh.read(node, CONFIG) for node in NODES}
    fatal, told = set(), []
    for number, name in enumerate(SAMPLE):
        config, imported = files(name)
        nodes = _nodes(number)
        limit = f"--limit={','.join(nodes)}"
        for node in nodes:
            _put(fresh, node, config, imported)
        before = {node: pid(fresh, node) for node in nodes}
        foretold, foretells = {}, EVERY or number < 2
        if foretells:
            dummy, result = task("containerd_registry", limit, "--check", url="http://registry.lan", preflight=False)
            foretold = {node: result(node).get("msg") for node in nodes if result(node).get("failed")}
        run, result = task("containerd_registry", limit, url="http://registry.lan", preflight=False)
        if foretells:
            assert foretold == {node: result(node)["msg"] for node in nodes if result(node).get("failed")}, name
        serves = {node: fresh.serves_cri(node) for node in nodes}
        assert all(serves.values()), (name, serves, run.output)
        for node in nodes:
            failed, same = bool(result(node).get("failed")), pid(fresh, node) == before[node]
            told.append(f"{name} on {node}: {result(node)['msg'][:300]}")
            if failed:
                assert fresh.read(node, CONFIG) == config, (name, node)
                assert "Nothing was changed" in result(node)["msg"] or not same, told[-1]
                assert "********" not in result(node)["msg"] or "TOML" in result(node)["msg"].upper(), told[-1]
        if EVERY:
            _restart_by_hand(fresh, task, name, (config, imported), result, fatal)
        for node in nodes:
            _put(fresh, node, good[node], None)
            fresh.run(node, ["rm", "-rf", "/var/lib/airgap-containerd", "/etc/containerd/certs.d"])
            fresh.run(node, ["systemctl", "reset-failed", "containerd"])
            fresh.run(node, ["systemctl", "restart", "containerd"])
    print("\n".join(told))
    assert not EVERY or len({name for name, dummy in fatal}) >= AT_LEAST, sorted(fatal)


def _restart_by_hand(lab, task, name: str, texts: tuple[str, str | None], result, fatal: set[tuple[str, str]]) -> None:
    """Note where the configuration is fatal; there, the role must have refused, and nowhere else."""
    for node in NODES:
        _put(lab, node, *texts)
        lab.run(node, ["systemctl", "reset-failed", "containerd"])
        lab.run(node, ["systemctl", "restart", "containerd"])
    dummy, info = task("containerd_info")
    serves = {node: info(node)["containerd"]["cri"]["loaded"] for node in NODES}
    fatal.update((name, node) for node in NODES if not serves[node])
    wrong = [node for node in NODES if serves[node] and result(node).get("failed")]
    print(f"{name}: fatal on {sorted(node for node in NODES if not serves[node])}, refused for nothing on {wrong}")
