# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms as containerd compares them: which images of an index a node takes.

Source: `platformVector`, `normalizeArch` and `DefaultSpec` in containerd's platforms package, `ImageFilter` in its
transfer service. An image without an index is pulled whatever it was built for.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release


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


def takes(mine: Platform, offered: str, rel: Release, exactly: bool = False) -> bool:
    """Whether a node takes an image of an index: `offered` is OS/ARCHITECTURE[/VARIANT], "" where it is not known.

    The transfer service takes its own platform `exactly`.
    """
    if not offered:
        return True
    system, dummy, rest = offered.lower().partition("/")
    name, dummy, variant = rest.partition("/")
    name, variant = _normal(_SAME.get(name, name), variant, rel)
    if system != mine.os:
        return False
    if exactly or mine.architecture == name != "arm":
        return (name, variant) == (mine.architecture, mine.variant)
    if name == "arm":
        below = {"arm": mine.variant, "arm64": "v8" if rel.lesser_platforms else ""}.get(mine.architecture, "")
        return "v5" <= variant <= below
    return (mine.architecture, name) == ("amd64", "386") and rel.lesser_platforms


def _normal(name: str, variant: str, rel: Release) -> tuple[str, str]:
    """Return an architecture and its variant as containerd compares them."""
    if (name, variant) in (("arm64", "v8"), ("arm64", "8")) or (name == "amd64" and variant == "v1" and rel.amd64_v1):
        return name, ""
    return name, f"v{variant.removeprefix('v') or '7'}" if name == "arm" else variant
