# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers with just the bytes that a test says, however it likes to."""

import contextlib
import socket
import threading


class RawServer:
    """Answers every connection with the chunks that ``answer(request)`` yields, ``request`` as bytes."""

    def __init__(self, answer, context=None):
        self.requests = []
        self._answer = answer
        self._context = context
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(50)
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError, ValueError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            request = connection.recv(1 << 16)
            self.requests.append(request)
            for chunk in self._answer(request):
                connection.sendall(chunk)
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *dummy):
        self._socket.close()


def answer(status, headers=(), body=b""):
    """Return an answer as bytes; headers are lines."""
    lines = [b"HTTP/1.1 " + status] + list(headers) + [b"Content-Length: %d" % len(body), b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
