# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Docker Engine, for tests that also run where pytest reads no conftest.py."""

import http.server
import json
import os
import socketserver
import tempfile
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    """Has images, and fails on request."""

    def _reply(self, status, text):
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path in self.server.answers:
            self._reply(200, self.server.answers[self.path])
            return
        name = unquote(self.path[len("/images/") : -len("/json")])
        found = self.server.images.get(name)
        self._reply(200, json.dumps(found)) if found else self._reply(404, '{"message": "No such image"}')

    def do_POST(self):
        query = parse_qs(urlsplit(self.path).query)
        name, tag = query["fromImage"][0], query["tag"][0]
        self.server.asked.append((name, tag, self.headers.get("X-Registry-Auth")))
        error = self.server.errors.get(name)
        if name == "slow":
            self.send_response(200)
            self.end_headers()
            for _dummy in range(50):
                try:
                    self.wfile.write(b'{"status": "Downloading"}\n')
                except OSError:
                    return
                time.sleep(0.1)
            return
        if error:
            self._reply(*error)
            return
        full = name + ("@" if ":" in tag else ":") + tag
        self.server.images[full] = {"RepoDigests": [name + "@sha256:1"], "Size": 5}
        self._reply(200, '{"status": "Pulling"}\n{"status": "done"}\n')

    def do_DELETE(self):
        name = unquote(self.path[len("/images/") :])
        if name in self.server.used:
            self._reply(409, '{"message": "conflict: a container uses it"}')
            return
        self.server.images.pop(name)
        self._reply(200, "[]")

    def address_string(self):
        return "unix"

    def log_message(self, *dummy):
        pass


def running(monkeypatch):
    """Yield an engine behind the socket that the code of the nodes uses."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = Engine(path, Handler)
        server.images, server.errors, server.used, server.asked, server.answers = {}, {}, set(), [], {}
        monkeypatch.setattr(places, "DOCKER", path)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        server.server_close()
        thread.join()
