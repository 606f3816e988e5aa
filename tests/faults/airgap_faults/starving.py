# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a whole directory: a disk that is really full, and one that cannot be written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from airgap_faults.direct import Target

CONFIG, STATE = "/etc/containerd", "/var/lib/airgap-containerd"
_KEPT = "/run/airgap-faults"

_FILL = """
mkdir -p {place} {kept}
cp -a {place}/. {kept}/
mount -t tmpfs -o size=512k,mode=755 tmpfs {place}
cp -a {kept}/. {place}/
dd if=/dev/zero of={place}/.filler bs=4k 2>/dev/null || true
truncate -s -{room}k {place}/.filler
"""
_EMPTY = """
rm -f {place}/.filler
rm -rf {kept}; mkdir {kept}; cp -a {place}/. {kept}/
umount {place}
find {place} -mindepth 1 -delete
cp -a {kept}/. {place}/
rm -rf {kept}
[ {place} != {state} ] || rmdir {place} 2>/dev/null || true
"""


class Starvation(NamedTuple):
    """A directory that is full but for `room` KiB, or read-only where `room` is None."""

    place: str
    room: int | None

    @property
    def kind(self) -> str:
        """What is wrong with it."""
        return "read-only" if self.room is None else "disk full"

    @property
    def spares_restart(self) -> bool:
        """Whether somebody else may do the pending restart: everybody may."""
        return False

    def __str__(self) -> str:
        return f"{self.place} {self.kind}" + (f" but for {self.room} KiB" if self.room else "")

    @contextmanager
    def on(self, target: Target) -> Iterator[None]:
        """Keep the node's directory like this; what is in it then stays."""
        if self.room is None:
            place = self.place
            target.shell(f"mkdir -p {place}; mount --bind {place} {place}; mount -o remount,ro,bind {place}")
        else:
            target.shell(_FILL.format(place=self.place, kept=_KEPT, room=self.room))
        try:
            yield
        finally:
            target.shell(
                f"umount {self.place}; [ {self.place} != {STATE} ] || rmdir {self.place} 2>/dev/null || true"
                if self.room is None
                else _EMPTY.format(place=self.place, kept=_KEPT, state=STATE)
            )


def all_of_them() -> list[Starvation]:
    """Every one that is tried in each kind of run: each room more lets one more file be written."""
    rooms: list[int | None] = [None, 0, 4, 8, 12, 16, 24]
    return [Starvation(place, room) for place in (CONFIG, STATE) for room in rooms]
