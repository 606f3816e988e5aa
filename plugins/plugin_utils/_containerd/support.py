# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a release is looked after, and by whom: for people, as nothing that is done depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release


class Support(NamedTuple):
    """What is known of one containerd."""

    end_of_life: str | None  # of its line, as a date; None: unknown
    security_update: str | None  # the release that this one should be updated to
    package: bool  # its distribution maintains it, and announces itself what it has fixed and for how long
    warnings: list[str]  # which name the release and no node


def support(text: str, today: str, legacy: bool = False) -> Support:
    """Return it for what `containerd --version` prints, on a day (YYYY-MM-DD); raises ReleaseError.

    `legacy`: whether it has mirrors in config.toml.
    """
    rel = releases.release(releases.parse(text))
    package = releases.is_package(text)
    warnings = [
        *(_unsupported(rel, today) if not package else ()),
        *(_mirrors_go(rel) if legacy else ()),
        *(_upgrade(rel) if legacy else ()),
    ]
    return Support(rel.end_of_life or None, rel.security_update or None, package, warnings)


def _unsupported(rel: Release, today: str) -> Iterator[str]:
    has_ended = rel.end_of_life and rel.end_of_life < today
    ended = f"out of support since {rel.end_of_life}"
    if rel.security_update:
        line = ".".join(map(str, rel.version[:2]))
        better = f", or better to a newer release line, because {line} is {ended}" if has_ended else ""
        yield (
            f"containerd {rel} has a vulnerability ({releases.KNOWN_HOLE}) that {rel.security_update} fixes: update it"
            f"{better}"
        )
    elif has_ended:
        yield (f"containerd {rel} is {ended}, and receives no security fixes: upgrade to a supported release line")


def _mirrors_go(rel: Release) -> Iterator[str]:
    if not rel.tls_tables:  # 2.0 on; who is below has it ahead, and is moved by the upgrade to 2.x
        version, when = releases.MIRRORS_GO
        yield (
            f"containerd {version}, planned for {when}, will drop mirrors in config.toml: the role moves them to "
            "hosts.toml if containerd_registry_mode is auto"
        )


def _upgrade(rel: Release) -> Iterator[str]:
    """Warn before an upgrade after which nothing could be pulled."""
    first = releases.first(lambda each: each.mirrors_impossible)
    after = releases.first(lambda each: each.version > first and not each.mirrors_impossible)
    if rel.version < first:
        last = (*after[:2], after[2] - 1)
        when = "before the upgrade" if rel.config_path else "right after the upgrade"
        yield (
            f"CRI of containerd {releases.dotted(first)} to {releases.dotted(last)} does not load with mirrors in "
            f"config.toml: upgrade to another release, or run the role with containerd_registry_mode auto {when}"
        )
