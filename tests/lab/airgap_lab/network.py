# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's LAN: one network namespace for each machine on it, joined by a bridge in the namespace of the control node.

The kernel is the only record of what is up. Every process of the lab lives in one of these namespaces from its first
instant, so every process in them belongs to the lab, also after the program that started it was killed.
"""

from __future__ import annotations

import ctypes
import http.client
import ipaddress
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from airgap_lab.config import NAMESPACE_PREFIX, LabError, namespace

NAMESPACES = Path("/run/netns")
LAN = namespace("lan")
BRIDGE = "br0"
INTERFACE = "eth0"
CLONE_NEWNET = 0x40000000
# Time limit for processes to disappear after SIGKILL, and for links after their namespace.
VANISH_SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def create_lan(addresses: list[str], owner: Path) -> None:
    """Create the control node's namespace and the bridge, on which ``owner``, the lab's state folder, is noted.

    ``addresses`` are an IPv4 and an IPv6 address with the lengths of their prefixes.
    """
    _ip("netns", "add", LAN)
    _ip("-n", LAN, "link", "set", "lo", "up")
    _ip("-n", LAN, "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0")
    _add_addresses(LAN, addresses, BRIDGE)
    _ip("-n", LAN, "link", "set", BRIDGE, "up")
    # Last, because a bridge with an owner is taken for a complete one.
    _ip("-n", LAN, "link", "set", BRIDGE, "alias", str(owner))


def create(name: str, addresses: list[str]) -> None:
    """Make the namespace called ``name`` with one interface on the LAN, these addresses and no default route."""
    port = name.removeprefix(NAMESPACE_PREFIX)
    # A machine that is made again keeps its MAC address, so that no neighbour has an outdated one.
    mac = ":".join(f"{byte:02x}" for byte in b"\x02\x00" + ipaddress.ip_interface(addresses[0]).packed)
    _ip("netns", "add", name)
    peer = ["peer", "name", INTERFACE, "address", mac, "netns", name]
    _ip("-n", LAN, "link", "add", port, "type", "veth", *peer)
    _ip("-n", LAN, "link", "set", port, "master", BRIDGE, "up")
    _ip("-n", name, "link", "set", "lo", "up")
    _add_addresses(name, addresses, INTERFACE)
    _ip("-n", name, "link", "set", INTERFACE, "up")


def destroy(name: str) -> None:
    """Kill every process in the namespace called ``name`` and remove it; nothing happens if there is none."""
    if not exists(name):
        return
    kill_processes(name)
    port = name.removeprefix(NAMESPACE_PREFIX)
    # The kernel removes a dead namespace's link only later, and until then its name is taken.
    if name != LAN and exists(LAN):
        subprocess.run(["ip", "-n", LAN, "link", "delete", port], capture_output=True)
    _ip("netns", "delete", name)


def owner() -> str | None:
    """State folder of the lab that is up, or None; of a lab whose start was cut short it may be unknown."""
    if not exists(LAN):
        return None
    shown = subprocess.run(["ip", "-n", LAN, "-json", "link", "show", BRIDGE], capture_output=True, text=True)
    return json.loads(shown.stdout)[0].get("ifalias") if shown.returncode == 0 else None


def existing() -> list[str]:
    """Namespaces of a lab, the control node's last."""
    names = (path.name for path in NAMESPACES.glob(NAMESPACE_PREFIX + "*"))
    return sorted(names, key=lambda name: (name == LAN, name))


def exists(name: str) -> bool:
    """Whether there is a namespace called ``name``."""
    return (NAMESPACES / name).exists()


def any_lab() -> bool:
    """Whether there is a lab on this machine, by whatever name."""
    return any(NAMESPACES.glob("airgap*-lan"))


def remove_namespaces_folder() -> bool:
    """Remove the folder of named namespaces, which ``ip`` makes a mount point, unless others have theirs there.

    Returns whether it is gone.
    """
    if NAMESPACES.exists() and not any(NAMESPACES.iterdir()):
        subprocess.run(["umount", str(NAMESPACES)], capture_output=True)
        NAMESPACES.rmdir()
    return not NAMESPACES.exists()


def processes(name: str) -> list[int]:
    """Ids of the processes in the namespace called ``name``; zombies have left it."""
    inode = _inode(NAMESPACES / name)
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if inode and _inode(entry / "ns/net") == inode]


def kill_processes(name: str) -> None:
    """End every process in the namespace called ``name`` except the caller and its ancestors."""
    spared = _ancestry()
    deadline = time.monotonic() + VANISH_SECONDS
    while pids := [pid for pid in processes(name) if pid not in spared]:
        if time.monotonic() > deadline:
            raise LabError(f"Processes {pids} in {name} do not end although they were killed.")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def enter(name: str) -> list[str]:
    """Beginning of a command line that runs the rest in the namespace called ``name``."""
    return ["nsenter", f"--net={NAMESPACES / name}", "--"]


def start(name: str, command: list[str], output: IO[bytes], environment: Mapping[str, str] | None = None) -> None:
    """Start a program that goes on by itself in the namespace called ``name``; ``environment`` adds to ours."""
    # setsid comes after nsenter, so that the program is in the namespace before it is on its own.
    subprocess.run(
        [*enter(name), "setsid", "--fork", *command],
        cwd="/",
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=True,
    )


def inside(name: str, function: Callable[[], T]) -> T:
    """Result of ``function``, called in a thread that has joined the namespace called ``name``.

    Sockets it opens stay in that namespace and may be returned.
    """

    def call() -> T:
        library = ctypes.CDLL(None, use_errno=True)
        with open(NAMESPACES / name, "rb") as handle:
            if library.setns(handle.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter network namespace {name}")
        return function()

    if not exists(name):
        raise LabError("The lab is not up.")
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(call).result()


def reachable(address: str, port: int, seconds: float = 1.0) -> bool:
    """Whether the control node can open a TCP connection to ``address`` and ``port``."""

    def connect() -> bool:
        try:
            socket.create_connection((address, port), timeout=seconds).close()
        except OSError:
            return False
        return True

    return exists(LAN) and inside(LAN, connect)


def request(
    address: str, port: int, method: str, path: str, headers: Mapping[str, str], seconds: float = 10.0
) -> Response:
    """One HTTP request from the control node."""

    def send() -> Response:
        connection = http.client.HTTPConnection(address, port, timeout=seconds)
        try:
            connection.request(method, path, headers=dict(headers))
            answer = connection.getresponse()
            return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    return inside(LAN, send)


def _add_addresses(name: str, addresses: list[str], interface: str) -> None:
    for address in addresses:
        # No other namespace can have it, and searching them would take a second.
        option = ["nodad"] if ":" in address else []
        _ip("-n", name, "addr", "add", address, "dev", interface, *option)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _ancestry() -> set[int]:
    """The calling process and those it descends from."""
    pids, pid = set(), os.getpid()
    while pid:
        pids.add(pid)
        # The command name before it may contain blanks and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        pid = int(fields[1])
    return pids


def _ip(*arguments: str) -> None:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if result.returncode:
        raise LabError(f"ip {' '.join(arguments)} failed: {result.stderr.strip()}")
