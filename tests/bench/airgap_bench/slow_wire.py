# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry one connection with a delay each way: python3 slow_wire.py HOST PORT MILLISECONDS, for ssh's ProxyCommand.

A queueing discipline would do it for whole interfaces, but netem is a module that many kernels come without.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable


def carry(
    read: Callable[[], bytes], write: Callable[[bytes], object], close: Callable[[], object], delay: float
) -> None:
    """Pass on all that `read` returns, each piece `delay` seconds later, and then `close`."""
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def deliver() -> None:
        while True:
            due, piece = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                close()
                return
            write(piece)

    threading.Thread(target=deliver, daemon=False).start()
    piece = b"-"
    while piece:
        piece = read()
        waiting.put((time.monotonic() + delay, piece))


def main() -> None:
    """Carry standard input and output."""
    host, port, milliseconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    wire = socket.create_connection((host, port))
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    delay = milliseconds / 1000
    there = (lambda: os.read(0, 65536), wire.sendall, lambda: wire.shutdown(socket.SHUT_WR), delay)
    threading.Thread(target=carry, args=there, daemon=True).start()
    carry(lambda: wire.recv(65536), lambda piece: os.write(1, piece), lambda: os._exit(0), delay)


if __name__ == "__main__":
    main()
