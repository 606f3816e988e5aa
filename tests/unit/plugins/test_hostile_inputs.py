# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of hostile_inputs.md gets exactly the error in that row, from the real action plugins."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from fake_node import ANSWERS, answering, observe, replying, run

from ansible_collections.airgap.containerd.plugins.action import (
    containerd_config,
    containerd_harbor,
    containerd_hosts,
    containerd_images,
    containerd_info,
    containerd_pull,
    containerd_registry,
    containerd_report,
    containerd_restart,
)
from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem, imports
from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire

PAGE = Path(__file__).with_name("hostile_inputs.md")
MODULES = {
    "containerd_pull": (containerd_pull, {}),
    "containerd_registry": (containerd_registry, {"url": "http://registry.lan", "preflight": False, "restart": False}),
    "containerd_config": (containerd_config, {}),
    "containerd_harbor": (containerd_harbor, {"projects": {"*": "mirror"}}),
    "containerd_hosts": (containerd_hosts, {}),
    "containerd_images": (containerd_images, {"ask": False}),
    "containerd_info": (containerd_info, {}),
    "containerd_report": (containerd_report, {}),
    "containerd_restart": (containerd_restart, {}),
}
SECRET = "CaN4ry"


def rows() -> dict[str, list[tuple[str, str]]]:
    """Return `{section: [(input, error)]}` of the page."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = found.setdefault(line.split()[-1].strip("`"), [])
        match = re.fullmatch(r"\| `(.*)` \| (.*) \|", line)
        if match:
            section.append((match.group(1), match.group(2).replace("\\|", "|")))
    return found


ROWS = rows()


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    return {**observe(folder), "endpoints": []}


def outcome(result, error: str) -> None:
    assert result.get("failed"), result
    head, cut, tail = error.partition(" … ")
    assert result["msg"] == error or (cut and result["msg"].startswith(head) and result["msg"].endswith(tail))
    assert SECRET not in json.dumps(result) and result["msg"].isprintable()


def test_the_table_is_long_enough():
    assert sum(map(len, ROWS.values())) >= 100 and set(MODULES) < set(ROWS)


@pytest.mark.parametrize(
    ("module", "given", "error"),
    [(module, given, error) for module in MODULES for given, error in ROWS[module]],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_variables(observed, module, given, error):
    action, base = MODULES[module]
    answer = replying(answering(action, observed))
    outcome(run(action, answer, **{**base, **yaml.safe_load(given)}), error)


@pytest.mark.parametrize(("given", "error"), ROWS["config.toml"])
def test_the_configuration_of_a_node(observed, given, error):
    config = {**observed["config"], "path": "/etc/containerd/config.toml"}
    config["content"] = wire.pack(yaml.safe_load(given).encode("latin-1"))
    action, base = MODULES["containerd_registry"]
    outcome(run(action, replying(answering(action, {**observed, "config": config})), **base), error)


@pytest.mark.parametrize(("given", "error"), ROWS["record.json"])
def test_the_record_of_a_node(observed, given, error):
    action, base = MODULES["containerd_registry"]
    outcome(run(action, replying(answering(action, {**observed, "record": yaml.safe_load(given)})), **base), error)


@pytest.mark.parametrize(("name", "error"), ROWS["answers"])
def test_answers_of_a_node(name, error):
    outcome(run(containerd_info, ANSWERS[name]), error)


def test_all_answers_are_in_the_table():
    assert {name for name, dummy in ROWS["answers"]} == set(ANSWERS)


def prepare(folder: Path, name: str) -> None:
    """Put something hostile on a node of files."""
    config, directory = folder / "config.toml", folder / "certs.d" / "docker.io"
    if name in ("config.toml is a FIFO", "config.toml is a device", "config.toml is larger than 1 MiB"):
        config.unlink()
    if name == "config.toml is a FIFO":
        os.mkfifo(config)
    elif name == "config.toml is a device":
        config.symlink_to("/dev/zero")
    elif name == "config.toml is larger than 1 MiB":
        config.write_bytes(b"#" * (filesystem.MAX_FILE + 1))
    elif name == "config.toml is in a directory that everyone can write to":
        folder.chmod(0o777)
    elif name == "config.toml is in a directory that a group can write to":
        os.chown(folder, 0, 1000)
        folder.chmod(0o775)
    elif name == "config.toml can be written by everyone":
        config.chmod(0o666)
    elif name == "config.toml is owned by a user, and a group can write to it":
        os.chown(config, 1000, 1000)
        config.chmod(0o664)
    elif name == "docker.io is owned by a user":
        directory.mkdir()
        os.chown(directory, 1000, 1000)
    elif name == "certs.d is somebody's link in a sticky directory":
        (folder / "certs.d").rename(folder / "elsewhere")
        (folder / "certs.d").symlink_to(folder / "elsewhere")
        os.lchown(folder / "certs.d", 65534, 65534)
        folder.chmod(0o1777)
    elif name == "certs.d holds 1001 entries":
        for number in range(filesystem.MAX_NAMES):
            (folder / "certs.d" / str(number)).touch()
    elif name == "config.toml imports 101 files":
        config.write_text('imports = ["*.toml"]\n')
        for number in range(imports.MAX_IMPORTS + 1):
            (folder / f"{number}.toml").touch()
    elif name == "docker.io is a link to another directory":
        directory.symlink_to("/etc")
    elif name == "docker.io/hosts.toml is a link to another file":
        directory.mkdir()
        (directory / "hosts.toml").symlink_to("/etc/passwd")
    elif name == "docker.io/hosts.toml is a directory":
        (directory / "hosts.toml").mkdir(parents=True)


@pytest.mark.parametrize(("name", "error"), ROWS["files"])
def test_files_of_a_node(tmp_path, name, error):
    observe(tmp_path)
    prepare(tmp_path, name)
    action, base = MODULES["containerd_registry"]
    try:
        answer = replying(answering(action, {**observe(tmp_path, prepared=True), "endpoints": []}))
    except OSError as exc:
        answer = {"failed": True, "msg": f"{exc.filename}: {exc.strerror}"}
    result = run(action, answer, **{**base, "upstreams": ["docker.io"]})
    result["msg"] = result["msg"].replace(str(tmp_path), "/etc/containerd")
    outcome(result, error)
