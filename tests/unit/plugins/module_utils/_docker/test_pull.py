# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls through Docker Engine's API, from an engine that is made up."""

import http.server
import json
import os
import socketserver
import tempfile
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._docker import engine, pull
from ansible_collections.airgap.containerd.plugins.module_utils._docker.engine import EngineError
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

REQUEST = {"images": [], "parallel": 2, "timeout": 5, "keep": False, "login": None}


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    """Has images, and fails as it is told."""

    def _reply(self, status, text):
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/info":
            self._reply(200, self.server.info)
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


@pytest.fixture
def docker(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = Engine(path, Handler)
        server.images, server.errors, server.used, server.asked, server.info = {}, {}, set(), [], "{}"
        monkeypatch.setattr(places, "DOCKER", path)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        server.server_close()
        thread.join()


def pulled(*images, **changes):
    return pull.pull(dict(REQUEST, images=images, **changes))


def test_what_is_pulled_is_removed_again_and_what_was_there_stays(docker):
    docker.images["a/b:1"] = {"RepoDigests": ["a/b@sha256:2"], "Size": 7}
    there, new = pulled("a/b:1", "docker.io/library/busybox:1")
    assert there["present"] and there["digest"] == "sha256:2" and there["bytes"] is None and not there["removed"]
    assert new["digest"] == "sha256:1" and new["bytes"] == 5 and new["removed"] and new["error"] is None
    assert list(docker.images) == ["a/b:1"]
    assert docker.asked == [("docker.io/library/busybox", "1", None)]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("busybox", ("busybox", "latest")),
        ("registry.lan:5000/busybox", ("registry.lan:5000/busybox", "latest")),
        ("registry.lan:5000/busybox:1", ("registry.lan:5000/busybox", "1")),
        ("quay.io/a/b@sha256:ab", ("quay.io/a/b", "sha256:ab")),
        ("quay.io/a/b:1@sha256:ab", ("quay.io/a/b:1", "sha256:ab")),
    ],
)
def test_one_tag_or_digest_is_asked_for(docker, name, asked):
    pulled(name)
    assert docker.asked[0][:2] == asked


def test_what_stays_is_told_with_the_reason(docker):
    docker.used.add("a/b:1")
    (used,) = pulled("a/b:1")
    assert used["kept"] == "a container uses it" and not used["removed"]
    (kept,) = pulled("c/d:1", keep=True)
    assert not kept["removed"] and kept["kept"] is None and "c/d:1" in docker.images


def test_an_error_may_come_as_a_status_or_in_the_stream(docker):
    docker.errors = {
        "a": (404, '{"message": "not found"}'),
        "b": (200, '{"status": "x"}\nnonsense\n{"errorDetail": {"message": "no"}, "error": "unauthorized"}\n'),
        "c": (500, "<html>"),
    }
    found = [each["error"] for each in pulled("a:1", "b:1", "c:1")]
    assert found == [
        {"code": "NOT_FOUND", "message": "not found"},
        {"code": "UNKNOWN", "message": "unauthorized"},
        {"code": "UNKNOWN", "message": "<html>"},
    ]


def test_a_pull_secret_is_sent_and_never_told(docker):
    (found,) = pulled("a:1", login=("user", "Secr3t"))
    assert docker.asked[0][2] and "Secr3t" not in repr(found)


def test_a_pull_that_does_not_end_is_given_up(docker):
    docker.errors = {"slow": None}
    start = time.monotonic()
    (found,) = pulled("slow:1", timeout=1)
    assert found["error"] == {"code": "DEADLINE_EXCEEDED", "message": "no answer in 1 s"}
    assert time.monotonic() - start < 4


def test_an_engine_that_does_not_answer_is_unavailable(docker, monkeypatch):
    monkeypatch.setattr(places, "DOCKER", places.DOCKER + "-none")
    (found,) = pulled("a:1")
    assert found["error"]["code"] == "UNAVAILABLE" and "No such file" in found["error"]["message"]


@pytest.mark.parametrize("info", ["nonsense", "3", '"text"', "[" * 100000])
def test_an_answer_that_is_none_is_an_error(docker, info):
    docker.info = info
    with pytest.raises(EngineError, match="the answer is no"):
        engine.asked("GET", "/info", 5)
