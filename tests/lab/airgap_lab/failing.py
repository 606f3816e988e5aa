# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that is there and serves nothing: below /STATUS/v2/ every request for an image is answered with STATUS.

The API itself answers 200, as that of a registry whose storage has gone. It is a program of its own:
``python3 failing.py ADDRESS PORT LOG``.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass carries where to log."""

    protocol_version = "HTTP/1.1"
    log: Path

    def do_GET(self) -> None:
        """Answer a request; every method comes here."""
        status = self.path.split("/")[1]
        self.answer(200 if self.path == f"/{status}/v2/" else int(status) if status.isdigit() else 404)

    do_HEAD = do_GET

    def answer(self, status: int) -> None:
        """Send the answer and note it in the log, in the form of the Harbor stand-in's."""
        entry = {"time": time.time(), "client": self.client_address[0], "method": self.command, "path": self.path}
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({**entry, "user": None, "auth": None, "status": status}) + "\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: ``answer`` keeps the log."""


if __name__ == "__main__":
    address, port, log = sys.argv[1:]
    ThreadingHTTPServer((address, int(port)), type("Bound", (Handler,), {"log": Path(log)})).serve_forever()
