# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of every simulated registry: a request, an answer, and an HTTP server that logs both.

A simulated registry is a function from a `Request` to an `Answer`, or to a `Forward` if a real registry is behind it.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FORWARDED_HEADERS = (
    "Accept", "Content-Range", "Content-Type", "Host", "If-None-Match", "Range", "User-Agent",
)  # fmt: skip
DROPPED_HEADERS = ("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")
BACKEND_SECONDS = 30


@dataclass(frozen=True)
class Request:
    """A request as it came; ``target`` is the path with the query, names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(urlsplit(self.target).query)

    @property
    def scheme(self) -> str | None:
        """How it logs in: "basic", "bearer" or whatever it says, None where it does not."""
        return self.headers.get("authorization", "").partition(" ")[0].lower() or None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password of Basic; None if there are none that can be read."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if scheme.lower() == "basic" and colon else None

    @property
    def bearer(self) -> str | None:
        """The token of Bearer."""
        return self.headers["authorization"].partition(" ")[2] if self.scheme == "bearer" else None


@dataclass(frozen=True)
class Answer:
    """An answer; ``user`` is the account of the request, for the log."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


@dataclass(frozen=True)
class Forward:
    """What the registry behind answers; ``missing`` replaces its 404."""

    user: str | None
    missing: Answer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Stand = Callable[[Request], "Answer | Forward"]


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8", **headers})


def error(status: int, code: str, message: str, challenge: str | None = None) -> Answer:
    """Answer with an error in the registry API's form; ``challenge`` may be empty, as that of Harbor is."""
    headers = {} if challenge is None else {"Www-Authenticate": challenge}
    return as_json({"errors": [{"code": code, "message": message}]}, status, **headers)


class _Handler(BaseHTTPRequestHandler):
    """One connection; a subclass made by ``serve`` carries the four attributes below."""

    protocol_version = "HTTP/1.1"
    stand: Callable[[Request], Answer | Forward]
    backend: tuple[str, int] | None
    log: Path
    log_lock: threading.Lock

    def do_GET(self) -> None:
        """Answer a request; every method comes here."""
        body = self.body()
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        answer = type(self).stand(request)
        if isinstance(answer, Forward):
            answer = self.forward(answer, body)
        self.note(request, answer)
        self.send_response(answer.status)
        # The length of an answer to HEAD is that of the omitted body, and comes from the registry behind.
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def body(self) -> bytes:
        """Read what the request sends, in one piece or, as a push does, in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def forward(self, wish: Forward, sent_body: bytes) -> Answer:
        """Pass the request on to the registry behind; 502 without a body where it is away."""
        assert self.backend
        connection = http.client.HTTPConnection(*self.backend, timeout=BACKEND_SECONDS)
        sent = {name: self.headers[name] for name in FORWARDED_HEADERS if name in self.headers}
        try:
            connection.request(self.command, self.path, sent_body or None, sent)
            response = connection.getresponse()
            body = response.read()
        except OSError:
            return Answer(502, b"", wish.headers, wish.user)
        finally:
            connection.close()
        if response.status == 404 and wish.missing:
            return replace(wish.missing, headers={**wish.missing.headers, **wish.headers}, user=wish.user)
        headers = {name: value for name, value in response.getheaders() if name.lower() not in DROPPED_HEADERS}
        headers["Content-Length"] = response.headers.get("Content-Length") or str(len(body))
        return Answer(response.status, body, {**headers, **wish.headers}, wish.user)

    def note(self, request: Request, answer: Answer) -> None:
        """Append the request to the log as one line of JSON, before the client can go on."""
        entry = {
            "time": time.time(),
            "client": self.client_address[0],
            "method": request.method,
            "path": request.target,
            "user": answer.user,
            "auth": request.scheme,
            "status": answer.status,
        }
        with self.log_lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: ``note`` keeps the log."""


def serve(stand: Stand, address: tuple[str, int], log: Path, backend: tuple[str, int] | None = None) -> None:
    """Answer requests as ``stand`` says until killed."""
    attributes = {"stand": staticmethod(stand), "backend": backend, "log": log, "log_lock": threading.Lock()}
    ThreadingHTTPServer(address, type("Bound", (_Handler,), attributes)).serve_forever()
