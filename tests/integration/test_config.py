# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd_config on real nodes: what it writes takes effect, and what it refuses, they ignore."""

from __future__ import annotations

import pytest
import yaml
from support import (
    BOTH_LINES,
    CONFIG,
    DOWNLOADS,
    LAST_1,
    NEWEST,
    NODES,
    OLDEST,
    RELEASES,
    V2,
    V3_IMAGES,
    cri,
    dump,
    files,
)

DROP_IN = "/etc/containerd/conf.d/50-test.toml"


def test_a_runtime_by_alias_on_every_release(fresh, config, play, tmp_path):
    runtime = {"runtime_type": "io.containerd.runc.v2", "options": {"BinaryName": "/usr/bin/nvidia"}}
    runtimes = {"runc": {"runtime_type": "io.containerd.runc.v2"}, "nvidia": runtime}
    step = {"merge": {"plugins": {"cri_runtime": {"containerd": {"runtimes": runtimes}}}}, "backup": True}
    before = {node: fresh.read(node, CONFIG) for node in NODES}
    run, results = config(step)
    assert run.ok().changed() == dict.fromkeys(NODES, 1)
    playbook = tmp_path / "restart.yml"
    tasks = [{"airgap.containerd.containerd_restart": {}}]
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    play(playbook=str(playbook)).ok()
    for node in NODES:
        assert (
            cri(dump(fresh, node), True)["containerd"]["runtimes"]["nvidia"]["runtime_type"] == runtime["runtime_type"]
        )
        assert fresh.read(node, results[node][0]["backup_file"]) == before[node]
        assert not results[node][0]["backup_file"].endswith(".toml")
    run, results = config(step)
    assert run.ok().changed() == dict.fromkeys(NODES, 0)


def test_a_runtime_that_would_take_the_default_one_away(fresh, config):
    """Releases 1.5 to 1.7 drop their own runc as soon as the file has a runtime, and CRI does not load without it."""
    runtimes = {"nvidia": {"runtime_type": "io.containerd.runc.v2"}}
    merge = {"plugins": {"cri_runtime": {"containerd": {"runtimes": runtimes}}}}
    before = files(fresh, LAST_1)
    run, dummy = config({"merge": merge}, limit=LAST_1)
    assert run.rc != 0 and "would remove" in run.failed() and "runtimes.runc" in run.failed()
    assert files(fresh, LAST_1) == before
    fresh.write(
        LAST_1, "/root/t/c.toml", f'version = 2\n[plugins."{V2}".containerd.runtimes.nvidia]\nruntime_type = "x"\n'
    )
    assert set(cri(dump(fresh, LAST_1, "/root/t/c.toml"))["containerd"]["runtimes"]) == {"nvidia"}
    run, dummy = config({"merge": merge}, limit=f"{OLDEST},{NEWEST}")
    run.ok()


def test_a_runtime_that_is_taken_back_leaves_the_defaults(fresh, config):
    runc = {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": True}}
    for node in NODES:
        fresh.write(node, CONFIG, f"version = {RELEASES[node].new_file}\n")
    before = {node: (fresh.read(node, CONFIG), dump(fresh, node)) for node in NODES}
    steps = [
        {"merge": {"plugins": {"cri_runtime": {"containerd": {"runtimes": {"runc": runc}}}}}},
        {"remove": [["plugins", "cri_runtime", "containerd", "runtimes", "runc"]]},
    ]
    run, results = config(*steps)
    assert run.ok().changed() == dict.fromkeys(NODES, 2)
    assert before == {node: (fresh.read(node, CONFIG), dump(fresh, node)) for node in NODES}
    told = results[LAST_1][0]["warnings"][0]
    assert f"runtimes.runc: containerd {RELEASES[LAST_1]} drops its defaults" in told
    assert 'sandbox_mode was "podsandbox"' in told
    assert "warnings" not in results[LAST_1][1]


IGNORED = [
    (LAST_1, 2, V3_IMAGES, V2),
    (LAST_1, None, V2, "plugins.cri"),
    (OLDEST, 2, V3_IMAGES, V2),
    (NEWEST, None, "cri", V3_IMAGES),
    (NEWEST, 2, "cri", V2),
    (NEWEST, 3, V2, V3_IMAGES),
]


@pytest.mark.parametrize(("node", "version", "table", "instead"), IGNORED)
def test_a_table_that_is_ignored_is_refused_and_really_is(fresh, config, node, version, table, instead):
    head = f"version = {version}\n" if version else "[plugins.opt]\npath = '/opt/x'\n"
    fresh.write(node, CONFIG, head)
    before = files(fresh, node)
    run, dummy = config({"merge": {"plugins": {table: {"max_concurrent_downloads": 7}}}}, limit=node)
    assert run.rc != 0 and "ignores this in a file of version" in run.failed(), run.output
    assert instead in run.failed() and files(fresh, node) == before
    fresh.write(node, "/root/t/c.toml", f'{head}[plugins."{table}"]\nmax_concurrent_downloads = 7\n')
    assert cri(dump(fresh, node, "/root/t/c.toml"))["max_concurrent_downloads"] == 3
    run, dummy = config({"merge": DOWNLOADS}, limit=node)
    run.ok()
    assert cri(dump(fresh, node))["max_concurrent_downloads"] == 7


@pytest.mark.nodes(*BOTH_LINES)
def test_a_drop_in_that_wipes_the_main_file(fresh, config):
    """Up to 1.7 it really removes the whole table; 2.x merges it."""
    cni = {"conf_dir": "/etc/cni/other.d"}
    for node in BOTH_LINES:
        fresh.write(node, CONFIG, fresh.read(node, CONFIG).replace("/etc/cni/net.d", cni["conf_dir"]))
    imports = {"merge": {"imports": ["/etc/containerd/conf.d/*.toml"]}, "lists": "union"}
    run, dummy = config(imports, {"path": DROP_IN, "merge": DOWNLOADS}, limit=",".join(BOTH_LINES))
    assert run.stats[LAST_1]["failures"] == 1 and run.stats[NEWEST]["failures"] == 0
    assert "ineffective, such as" in run.failed() and CONFIG in run.failed() and "replaces it entirely" in run.failed()
    assert fresh.run(LAST_1, ["test", "-e", DROP_IN]).returncode != 0
    both = cri(dump(fresh, NEWEST)), cri(dump(fresh, NEWEST), True)
    assert both[0]["max_concurrent_downloads"] == 7 and both[1]["cni"]["conf_dir"] == cni["conf_dir"]
    assert cri(dump(fresh, LAST_1))["cni"]["conf_dir"] == cni["conf_dir"]
    fresh.write(LAST_1, DROP_IN, f'version = 2\n[plugins."{V2}"]\nmax_concurrent_downloads = 7\n')
    assert cri(dump(fresh, LAST_1))["cni"]["conf_dir"] == "/etc/cni/net.d", "so the refusal was right"
    # and now that the drop-in owns the table, a change in the main file would have no effect
    run, dummy = config({"merge": {"plugins": {"cri_runtime": {"enable_selinux": True}}}}, limit=LAST_1)
    assert run.rc != 0 and DROP_IN in run.failed() and "has no effect in" in run.failed()
