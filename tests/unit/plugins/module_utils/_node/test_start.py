# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service starts containerd: from its unit, and from the process that runs."""

import os

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import process, start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places


@pytest.fixture
def bin_dir(tmp_path):
    """Return a directory of programs: containerd, a wrapper, one with an odd name."""
    for name in ("containerd", "taskset", "odd"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _shown(command, **more):
    return [("ExecStart", f"{{ path=x ; argv[]={command} ; ignore_errors=no ; pid=0 }}"), *more.items()]


@pytest.mark.parametrize(
    ("command", "config", "is_sure"),
    [
        ("{bin}/containerd", places.DEFAULT_CONFIG, True),
        ("{bin}/containerd --config=/a.toml", "/a.toml", True),
        ("{bin}/containerd --log-level debug -c /x//y/../a.toml", "/x/a.toml", True),
        ("{bin}/containerd --config a.toml", "/work/a.toml", True),
        ("{bin}/containerd --config ${{CONFIG}}", "/env.toml", True),
        ("{bin}/containerd --config ${{PREFIX}}${{CONFIG}}", "/env.toml", False),
        ("{bin}/containerd $OPTIONS", "/opt.toml", True),
        ("{bin}/containerd $UNSET", places.DEFAULT_CONFIG, False),
        ("{bin}/taskset -c 0 {bin}/containerd --config /a.toml", "/a.toml", False),
        ("/usr/bin/nice -n -5 /usr/bin/ionice -c 2 {bin}/containerd -c /a.toml", "/a.toml", False),
        ("/usr/bin/env -u X A=1 {bin}/containerd -c /a.toml", "/a.toml", False),
        ("/usr/bin/systemd-cat -t containerd {bin}/containerd -c /a.toml", "/a.toml", False),
        ('/bin/sh -c exec {bin}/containerd --config "/a b.toml"', "/a b.toml", False),
        ("/bin/bash -ec modprobe overlay; exec {bin}/containerd -c /a.toml; exit 1", "/a.toml", False),
        ("/bin/sh -c {bin}/containerd >/log 2>&1 --config /a.toml", places.DEFAULT_CONFIG, False),
        ("/bin/sh -c exec {bin}/containerd --config $FILE", None, False),
        ("/bin/sh -c exec {bin}/containerd --config ${{CONFIG}}", "/env.toml", False),
        ("/bin/sh -c exec {bin}/containerd --config $CONFIG", "/env.toml", False),
        ("/bin/sh -c exec {bin}/containerd $OPTIONS", "/opt.toml", False),
        ("/bin/sh -c exec {bin}/containerd --config $(cat /where)", None, False),
        ("{bin}/containerd --config /a b.toml", None, False),
        ("/bin/sh -c exec start-it -c /a.toml", None, False),
        ("/usr/bin/k0s controller --config=/etc/k0s/k0s.yaml", None, False),
        ("/usr/local/bin/start.sh --root {bin}", None, False),
    ],
)
def test_what_a_unit_says(bin_dir, command, config, is_sure):
    shown = _shown(
        command.format(bin=bin_dir),
        Environment="CONFIG=/env.toml",
        EnvironmentFiles=f"{bin_dir}/environment (ignore_errors=no)",
        WorkingDirectory="!/work",
    )
    (bin_dir / "environment").write_text("OPTIONS=--log-level info --config /opt.toml\n")
    found = start.look(shown)
    assert (found.config, found.is_sure, found.reads) == (config, is_sure, None)
    assert found.program == (str(bin_dir / "containerd") if config else None)
    assert found.unknown == (None if config else command.format(bin=bin_dir).partition(" ")[0])


def test_without_a_unit_nothing_is_known():
    assert start.look([]) == (None, None, None, False, None, None)


@pytest.fixture
def processes(monkeypatch):
    """Return what runs, to be filled: ``{pid: (command line, program, working directory)}``; 1 is the parent of all."""
    found = {}
    monkeypatch.setattr(process, "words", lambda pid, name: found[str(pid)][0] if str(pid) in found else [])
    monkeypatch.setattr(process, "link", lambda pid, name: found[str(pid)][1 if name == "exe" else 2])
    monkeypatch.setattr(process, "family", lambda pid: [str(pid), *(each for each in found if each != str(pid))])
    return found


@pytest.mark.parametrize(
    "unit",
    [
        "{bin}/taskset -c 0 {bin}/containerd --config /etc/containerd/config.toml",
        "/bin/sh -c exec {bin}/containerd --config $FILE",
        "{bin}/containerd --config ${{PREFIX}}${{FILE}}",
        "/usr/bin/k0s controller --config=/etc/k0s/k0s.yaml",
        "/opt/start.sh",
    ],
)
def test_the_process_that_runs_tells_what_a_unit_does_not(bin_dir, processes, unit):
    program = str(bin_dir / "containerd")
    processes["7"] = ([program, "--config", "real.toml", "-a", "/run/x.sock"], program, "/etc")
    found = start.look(_shown(unit.format(bin=bin_dir), MainPID="7"))
    assert found == (program, "/etc/real.toml", "/run/x.sock", True, "/etc/real.toml", None)


def test_a_unit_that_is_exact_tells_of_the_next_start(bin_dir, processes):
    program = str(bin_dir / "containerd")
    processes["7"] = ([program, "--config", "/old.toml"], program, "/")
    found = start.look(_shown(f"{program} --config /new.toml", MainPID="7"))
    assert (found.config, found.is_sure, found.reads) == ("/new.toml", True, "/old.toml")


def test_a_path_with_a_blank_is_known_from_the_process(bin_dir, processes):
    program = str(bin_dir / "containerd")
    processes["7"] = ([program, "--config", "/a b.toml"], program, "/")
    assert start.look(_shown(f"{program} --config /a b.toml", MainPID="7")).config == "/a b.toml"


def test_containerd_is_looked_for_among_the_children(bin_dir, processes):
    program = str(bin_dir / "containerd")
    processes["7"] = (["/usr/bin/k0s", "controller", "--config=/etc/k0s/k0s.yaml"], "/usr/bin/k0s", "/")
    processes["8"] = ([f"{program}-shim-runc-v2", "-id", "containerd"], f"{program}-shim-runc-v2", "/")
    processes["9"] = (["containerd", "-c", "/k0s.toml"], f"{bin_dir}/odd (deleted)", "/")
    found = start.look(_shown("/usr/bin/k0s controller", MainPID="7"))
    assert (found.program, found.config) == (program, "/k0s.toml")


def test_a_program_with_another_name_is_found_when_it_is_asked_for(bin_dir, processes):
    odd = str(bin_dir / "odd")
    assert start.look(_shown(f"/bin/wrap {odd} -c /a.toml"), odd).config == "/a.toml"
    processes["7"] = ([odd, "-c", "/b.toml"], odd, "/")
    assert start.look(_shown("/bin/wrap", MainPID="7"), odd).config == "/b.toml"


def test_the_process_on_the_socket_counts_without_a_unit(bin_dir, processes):
    processes["5"] = ([str(bin_dir / "odd")], str(bin_dir / "odd"), "/")
    found = start.look([], peer=5)
    assert found == (str(bin_dir / "odd"), places.DEFAULT_CONFIG, None, True, places.DEFAULT_CONFIG, None)


def test_a_process_that_is_there():
    assert start.reads(os.getpid()) == places.DEFAULT_CONFIG
    assert start.reads(2**22 + 1) is None
