# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What three changes do to the defaults of each release and to files that are hard to edit.

The expected diffs are in fixtures/expected, one file per fixture. After an intended change, rewrite them with
`python tests/unit/plugins/x.py` and read what git says.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

FIXTURES = Path(__file__).parents[3] / "fixtures"
EXPECTED = FIXTURES / "expected"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.toml"))
NVIDIA = {
    "runtime_type": "io.containerd.runc.v2",
    "options": {"BinaryName": "/usr/bin/nvidia-container-runtime", "SystemdCgroup": True},
}


def changes(data: dict) -> Iterator[tuple[str, dict, list]]:
    """The changes, each with its name, for the tables that a file of this version has."""
    images, runtime = {1: ["cri"] * 2, 2: ["io.containerd.grpc.v1.cri"] * 2}.get(
        data.get("version", 1), ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
    )
    registry = ["plugins", images, "registry"]
    yield (
        "a registry",
        {"plugins": {images: {"registry": {"config_path": "/etc/containerd/certs.d"}}}},
        [[*registry, "mirrors"], [*registry, "configs"]],
    )
    containerd = {"default_runtime_name": "nvidia", "runtimes": {"nvidia": NVIDIA}}
    yield "a runtime", {"plugins": {runtime: {"containerd": containerd}}}, []
    yield "a removal", {}, [registry, ["debug"], ["plugins", runtime, "containerd", "runtimes", "runc", "options"]]


def diffs(name: str, ending: str = "\n") -> str:
    """The diffs of all changes to one fixture; the line ends are left out, but for those that are not as they were."""
    before = (FIXTURES / f"{name}.toml").read_bytes().decode().replace("\n", ending)
    result = ""
    for title, merge, remove in changes(load(before)):
        after = edit.edit(before, merge, remove)
        assert edit.edit(after, merge, remove) is after
        sides = [text.replace(ending, "\n").splitlines(keepends=True) for text in (before, after)]
        result += "".join(difflib.unified_diff(*sides, f"{name}.toml", title)) + "\n"
    return result


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_expected_diffs(name: str, ending: str) -> None:
    assert diffs(name, ending) == (EXPECTED / f"{name}.diff").read_text()


if __name__ == "__main__":
    for each in NAMES:
        (EXPECTED / f"{each}.diff").write_text(diffs(each))
