# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries on the node itself: containerd's own rule for them, plain HTTP, stays in force where they are direct."""

from __future__ import annotations

import pytest
from airgap_lab import LabError
from support import NODES

PORT = 31999
NAMES = ("127.0.0.1", "localhost")
SERVER = f"""
import socketserver
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(65536)  # where it is the beginning of TLS, as Go's servers answer it
        self.request.sendall(b"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
socketserver.ThreadingTCPServer(("127.0.0.1", {PORT}), Handler).serve_forever()
"""


def _says(lab, node: str, name: str) -> str:
    """Return how a pull fails from a web server without images."""
    with pytest.raises(LabError) as caught:
        lab.pull(node, f"{name}:{PORT}/team/app:1")
    return str(caught.value)


def test_a_direct_registry_on_the_node_is_asked_as_before(fresh, play):
    for node in NODES:
        fresh.write(node, "/opt/registry.py", SERVER)
        fresh.run(node, ["systemd-run", "--unit=own-registry", "python3", "/opt/registry.py"])
    before = {(node, name): _says(fresh, node, name) for node in NODES for name in NAMES}
    assert all("HTTPS client" not in text for text in before.values()), before
    direct = [f"{name}:{PORT}" for name in (*NAMES, "[::1]")]
    assert play(direct=direct).ok().changed() == dict.fromkeys(NODES, 1)
    after = {(node, name): _says(fresh, node, name) for node in NODES for name in NAMES}
    assert after == before
    assert play(direct=direct).ok().changed() == dict.fromkeys(NODES, 0)
