# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry under any name that answers what a script says, and remembers every request.

It distinguishes nodes by address, and pulls by the case that the repository's name holds (`…/c0012/…`). `Recorder`
starts it, on the LAN and on the loopback of each node; run as a program it serves.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PLAIN, SYSTEM, PRIVATE = "plain", "system", "private"
PORTS = {80: PLAIN, 5000: PLAIN, 8080: PLAIN, 443: SYSTEM, 5443: SYSTEM, 8443: PRIVATE}
"""What listens where: plain HTTP, HTTPS that the nodes' system trusts, HTTPS of a private certificate authority."""

CASE = re.compile(r"\bc\d{4,}\b")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
START_SECONDS = 15.0
TLS_HANDSHAKE = 0x16


def manifest(case: str) -> tuple[bytes, bytes]:
    """Manifest and configuration of an image without layers, different for each case."""
    settings = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "case": case}
    config = json.dumps(settings).encode()
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config), "digest": digest(config)}
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
    return json.dumps(document).encode(), config


def page(case: str) -> bytes:
    """The answer of a server that is not a registry."""
    return f"<!doctype html><title>{case}</title>".encode()


def digest(blob: bytes) -> str:
    """A blob's name in registries."""
    return "sha256:" + hashlib.sha256(blob).hexdigest()


class Recorder:
    """The recorder of one lab; `folder` keeps its files, the certificates of `SYSTEM` and `PRIVATE` among them."""

    def __init__(self, config: Any, folder: Path, address: str) -> None:
        self.config = config
        self.folder = folder
        self.address = address
        self.log = folder / "requests.jsonl"

    def start(self) -> None:
        """Listen on the LAN and on every node's loopback; returns when all answer."""
        from airgap_lab import network
        from airgap_lab.config import LabError, namespace

        self.stop()
        self.log.touch()
        network.create(namespace("rec"), self.config.addresses(self.address))
        places = {"rec": "::", **dict.fromkeys(self.config.nodes, "127.0.0.1")}
        for name, address in places.items():
            settings = {"folder": str(self.folder), "name": name, "address": address}
            with (self.folder / f"{name}.err").open("wb") as errors:
                command = [sys.executable, __file__, json.dumps(settings)]
                network.start(namespace(name), command, errors)
        deadline = time.monotonic() + START_SECONDS
        while not all((self.folder / f"{name}.pid").exists() for name in places):
            if time.monotonic() > deadline:
                raise LabError(f"The recorder did not start; see {self.folder}.")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, and forget what it recorded."""
        from airgap_lab import network
        from airgap_lab.config import namespace

        for file in self.folder.glob("*.pid"):
            pid = int(file.read_text())
            with contextlib.suppress(OSError):
                if __file__.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            file.unlink()
        network.destroy(namespace("rec"))
        self.log.unlink(missing_ok=True)

    def script(self, answers: dict[str, dict[str, str]]) -> None:
        """Set what each case is answered, by `host[:port]`; hosts that are not named say 404."""
        unfinished = self.folder / "script.new"
        unfinished.write_text(json.dumps(answers))
        unfinished.replace(self.folder / "script.json")

    def requests(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Everything recorded so far, by node and case, each in the order of arrival."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        nodes = {}
        for node in self.config.nodes.values():
            nodes.update({node.address: node.name, self.config.address6(node.address): node.name})
        for line in self.log.read_text().splitlines():
            entry = json.loads(line)
            node = nodes.get(entry.pop("client").removeprefix("::ffff:"), entry["listener"])
            found.setdefault((node, entry.pop("case")), []).append(entry)
        return found


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass made by `serve` carries the attributes."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    folder: Path
    name: str
    kind: str
    lock = threading.Lock()
    loaded: tuple[int, dict[str, dict[str, str]]] = (0, {})

    def handle_one_request(self) -> None:
        """Answer a client that speaks TLS as a plain web server does."""
        if self.kind == PLAIN:
            with contextlib.suppress(OSError):
                if self.connection.recv(1, socket.MSG_PEEK)[:1] == bytes([TLS_HANDSHAKE]):
                    self.connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                    self.close_connection = True
                    return
        super().handle_one_request()

    def do_GET(self) -> None:
        """Record a request and answer it; every method comes here."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = CASE.search(self.path)
        self.case = match.group() if match else ""
        self.auth = (self.headers.get("Authorization") or "").partition(" ")[0].lower() or None
        self.note()
        answer = self.script().get(self.case, {}).get(self.headers.get("Host", ""), "404")
        self.answer(answer, urlsplit(self.path).path)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def script(self) -> dict[str, dict[str, str]]:
        """The present script, read again when it was replaced."""
        file = self.folder / "script.json"
        stamp = file.stat().st_mtime_ns
        if Handler.loaded[0] != stamp:
            Handler.loaded = (stamp, json.loads(file.read_text()))
        return Handler.loaded[1]

    def note(self) -> None:
        """Append the request to the log."""
        certificate = self.kind != PLAIN and bool(self.connection.getpeercert())
        entry = {
            "client": self.client_address[0],
            "listener": self.name,
            "case": self.case,
            "method": self.command,
            "scheme": "http" if self.kind == PLAIN else "https",
            "host": self.headers.get("Host", ""),
            "path": self.path,
            "auth": self.auth,
            "certificate": certificate,
        }
        with Handler.lock, (self.folder / "requests.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def answer(self, answer: str, path: str) -> None:
        """Answer as the script says: a status, a challenge and what follows it, an image, or a page."""
        challenge, dummy, then = answer.partition(" then ")
        if challenge == "basic":
            if self.auth != "basic":
                self.send(401, {"Www-Authenticate": 'Basic realm="recorder"'})
                return
            answer = then
        elif challenge == "bearer":
            if path.endswith("/token"):
                self.token()
                return
            if self.auth != "bearer":
                scheme = "http" if self.kind == PLAIN else "https"
                realm = f"{scheme}://{self.headers['Host']}/{self.case}/token"
                self.send(401, {"Www-Authenticate": f'Bearer realm="{realm}",service="recorder"'})
                return
            answer = then
        if answer == "image":
            self.image(path)
        elif answer == "html":
            self.send(200, {"Content-Type": "text/html"}, page(self.case))
        elif answer == "no-head" and self.command == "HEAD":
            self.send(405)
        else:
            self.send(404 if answer == "no-head" else int(answer))

    def token(self) -> None:
        """A token service that knows GET alone."""
        if self.command == "GET":
            self.send(200, {"Content-Type": "application/json"}, b'{"token": "t", "access_token": "t"}')
        else:
            self.send(404)

    def image(self, path: str) -> None:
        """The image of the case, whatever its tag."""
        document, config = manifest(self.case)
        if "/manifests/" in path:
            self.send(200, {"Content-Type": MANIFEST, "Docker-Content-Digest": digest(document)}, document)
        elif path.endswith(digest(config)):
            self.send(200, {"Content-Type": "application/octet-stream"}, config)
        else:
            self.send(404)

    def send(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Send a whole answer."""
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """One port; TLS is spoken by the connection's own thread."""

    daemon_threads = True
    request_queue_size = 256  # with a short queue a busy machine drops connections, and a client waits for a minute
    context: ssl.SSLContext | None = None

    def __init__(self, address: tuple[str, int], handler: type) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Start TLS, then read requests; a client that disconnects or does not trust us leaves no trace."""
        with contextlib.suppress(OSError, ssl.SSLError):
            request.settimeout(Handler.timeout)
            wrapped = self.context.wrap_socket(request, server_side=True) if self.context else request
            super().finish_request(wrapped, client_address)
            if self.context:
                wrapped.close()


def _contexts(folder: Path) -> Iterator[tuple[str, ssl.SSLContext | None]]:
    yield PLAIN, None
    for kind in (SYSTEM, PRIVATE):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / kind / "recorder.crt", folder / kind / "recorder.key")
        context.load_verify_locations(folder / PRIVATE / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        yield kind, context


def serve(folder: Path, name: str, address: str) -> None:
    """Answer on all ports until killed."""
    contexts = dict(_contexts(folder))
    for port, kind in PORTS.items():
        attributes = {"folder": folder, "name": name, "kind": kind}
        server = Server((address, port), type("BoundHandler", (Handler,), attributes))
        server.context = contexts[kind]
        threading.Thread(target=server.serve_forever).start()
    (folder / f"{name}.pid").write_text(str(os.getpid()))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    serve(Path(given["folder"]), given["name"], given["address"])
