# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of an image's endpoints, against registries of every kind on loopback."""

import base64
import http.server
import json
import threading

import pytest
from web_server import WebServer

from ansible_collections.airgap.containerd.plugins.module_utils._registry import probe, web
from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts

LOGIN = "Basic " + base64.b64encode(b"u:p").decode()
DIGEST = "sha256:" + "0" * 64


INDEX = "application/vnd.oci.image.index.v1+json"
LISTED = [
    {"platform": {"os": "linux", "architecture": "amd64"}},
    {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
    {"platform": {"os": "linux", "architecture": 5}},
    {"platform": "linux"},
    {},
    "linux/amd64",
]


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers as the first part of the path says."""

    def do_GET(self):
        kind = self.path.split("/")[1].partition("?")[0]
        given = self.headers.get("Authorization")
        realm = f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token",service="s",scope="x"'
        refused = (401, b"", {"WWW-Authenticate": 'Basic realm="r"'})
        good = (200, b"{}", {"Docker-Content-Digest": DIGEST, "Content-Type": "application/json; charset=x"})
        answers = {
            "open": good,
            "basic": good if given == LOGIN else refused,
            "bearer": good if given == "Bearer t" else (401, b"", {"WWW-Authenticate": realm}),
            "token": (200, b'{"token": "t"}', {}) if given == LOGIN else (401, b"", {}),
            "html": (200, b"<html>", {"Content-Type": "text/html; charset=utf-8"}),
            "missing": (404, b'{"errors": [{"code": "X", "message": "no such"}, {"code": "Y"}]}', {}),
            "page": (400, b"<h1>The plain HTTP\n</h1> request was sent to <b>HTTPS</b> port", {}),
            "index": (200, json.dumps({"manifests": LISTED}).encode(), {"Content-Type": INDEX}),
            "noindex": (200, b'{"manifests": {"a": [', {"Content-Type": INDEX}),
            "token-index": (
                (200, json.dumps({"manifests": LISTED[:1]}).encode(), {"Content-Type": INDEX})
                if given == "Bearer t"
                else (401, b"", {"WWW-Authenticate": realm})
            ),
            "odd": (500, b'{"errors": 5}' + b"\xff" * 9999, {}),
        }
        status, body, headers = answers[kind]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args):
        """Nothing to see."""


@pytest.fixture(scope="module")
def ask():
    server = WebServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def ask(*kinds, login=None, header=None, platforms=False):
        headers = {"Authorization": header} if header else {}
        wanted = [
            {"url": f"http://127.0.0.1:{server.server_port}/{kind}", "headers": headers, "login": login, "tls": {}}
            for kind in kinds
        ]
        return probe.probe({"images": [wanted], "platforms": platforms})["images"][0]

    yield ask
    server.shutdown()


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("open", {}, {"status": 200, "digest": DIGEST, "kind": "application/json", "failure": None}),
        ("basic", {}, {"status": 401, "challenge": "basic", "anonymous": None}),
        ("basic", {"login": LOGIN}, {"status": 200, "challenge": "basic"}),
        ("basic", {"header": LOGIN}, {"status": 200, "challenge": None}),
        ("basic", {"login": "Basic eDp5"}, {"status": 401, "anonymous": 401, "login": False}),
        ("bearer", {"login": LOGIN}, {"status": 200, "challenge": "bearer"}),
        ("bearer", {"login": "Basic eDp5"}, {"failure": "credentials", "status": 401}),
        ("html", {}, {"status": 200, "kind": "text/html"}),
        ("missing", {}, {"status": 404, "message": "no such; Y"}),
        ("page", {}, {"status": 400, "message": "The plain HTTP request was sent to HTTPS port"}),
    ],
)
def test_answers(ask, kind, options, expected):
    (answer,) = ask(kind, **options)
    assert {key: answer[key] for key in expected} == expected
    assert "eDp5" not in json.dumps(answer)


def test_the_first_that_serves_is_the_last_asked(ask):
    assert [each["status"] for each in ask("missing", "html", "open", "missing")] == [404, 200, 200]
    assert [verdicts.serves(each["status"], each["kind"]) for each in ask("missing", "html", "open")] == [
        False,
        False,
        True,
    ]


def test_platforms_of_an_index(ask):
    assert ask("index")[0]["platforms"] is None, "only if that is asked for"
    assert ask("index", platforms=True)[0]["platforms"] == ["linux/amd64", "linux/arm/v7", "linux", "", "", ""]
    assert ask("token-index", login=LOGIN, platforms=True)[0]["platforms"] == ["linux/amd64"]
    for kind in ("noindex", "open", "missing", "html"):
        assert ask(kind, platforms=True)[0]["platforms"] is None


def test_words_are_bounded(ask):
    assert len(ask("odd")[0]["message"]) <= web.MAX_TEXT


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://127.0.0.1:1/", "refused"),
        ("http://nowhere.invalid/", "dns"),
        ("http://127.0.0.1:99999/", "no_http"),
        ("ftp://127.0.0.1:1/", "no_http"),
    ],
)
def test_nobody_there(url, failure):
    endpoint = {"url": url, "headers": {}, "login": None, "tls": {}}
    assert probe.probe({"images": [[endpoint]]})["images"][0][0]["failure"] == failure
