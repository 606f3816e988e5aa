# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms as containerd compares them: which images of an index a node takes.

Source: `platformVector`, `normalizeArch` and `DefaultSpec` in containerd's platforms package. An image that is no index
is pulled whatever it was built for.
"""

from __future__ import annotations

from typing import NamedTuple


class Platform(NamedTuple):
    """What a containerd was built for."""

    architecture: str
    variant: str = ""  # of arm alone
    os: str = "linux"

    def __str__(self) -> str:
        return "/".join(filter(None, [self.os, self.architecture, self.variant]))


_ELF = {
    3: "386", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 258: "loong64"
}  # fmt: skip
_LITTLE = {"mips": "mipsle", "ppc64": "ppc64le"}
_MACHINES = {
    "x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "loongarch64": "loong64",
    "armv6l": "arm", "armv7l": "arm", "armv8l": "arm",
}  # fmt: skip
_SAME = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}


def of_node(machine: str, elf: int | None = None, little: bool = True) -> Platform:
    """Return the platform of a containerd: by the number in its executable's head, else by the kernel's machine."""
    name = _ELF.get(elf or 0)
    architecture = (_LITTLE.get(name, name) if little else name) if name else _MACHINES.get(machine, machine)
    if architecture != "arm":
        return Platform(architecture)
    return Platform("arm", "v6" if machine == "armv6l" else "v7")


def takes(mine: Platform, offered: str) -> bool:
    """Whether a node takes an image of an index: `offered` is OS/ARCHITECTURE[/VARIANT], "" where it is not told."""
    if not offered:
        return True
    system, dummy, rest = offered.lower().partition("/")
    name, dummy, variant = rest.partition("/")
    name = _SAME.get(name, name)
    if system != mine.os:
        return False
    if (mine.architecture, name) == ("amd64", "amd64"):
        return variant in ("", "v1")
    if (mine.architecture, name) in (("arm64", "arm64"), ("arm64", "arm")):
        return variant in (("", "v8") if name == "arm64" else ("", "v8", "v7", "v6", "v5"))
    if (mine.architecture, name) == ("arm", "arm"):
        return (variant or "v7") <= mine.variant
    return name in (mine.architecture, "386" if mine.architecture == "amd64" else mine.architecture)
