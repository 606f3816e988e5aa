# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight against registries of every kind, on loopback."""

from __future__ import annotations

import base64
import http.server
import threading

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils import _preflight

LOGIN = "Basic " + base64.b64encode(b"u:p").decode()


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers as the path's first part says."""

    def do_GET(self):
        kind, port = self.path.split("/")[1], self.server.server_port
        right = self.headers.get("Authorization") == LOGIN
        bearer = f'Bearer realm="http://127.0.0.1:{port}/token-{kind}",service="s"'
        answers = {
            "open": (200, "{}", None),
            "basic": (200, "{}", None) if right else (401, "", 'Basic realm="r"'),
            "strict": (401, "", bearer),
            "notoken": (401, "", bearer),
            "html": (200, "<html>", None),
            "broken": (500, "", None),
            "token-strict": (200, '{"token": "t"}', None) if right else (401, "", None),
            "token-notoken": (200, "[]", None),
        }
        status, body, challenge = answers[kind.split("?")[0]]
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        """Nothing to see."""


@pytest.fixture(scope="module")
def port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def probe(url: str, authorization: str | None, **more):
    return _preflight.probe({"url": url, "authorization": authorization, "digest": "d", **more})


@pytest.mark.parametrize(
    ("kind", "authorization", "auth"),
    [("open", None, "none"), ("open", LOGIN, "basic"), ("basic", LOGIN, "basic"), ("strict", LOGIN, "bearer")],
)
def test_what_works(port, kind, authorization, auth):
    url = f"http://127.0.0.1:{port}/{kind}/v2/"
    assert probe(url, authorization) == {"url": url, "digest": "d", "auth": auth, "error": None, "reachable": True}


@pytest.mark.parametrize(
    ("kind", "authorization", "error"),
    [
        ("basic", None, "it wants a username and password"),
        ("basic", "Basic eDp5", "it refuses the username and password (status 401)"),
        ("strict", "Basic eDp5", "refuses the username and password (status 401)"),
        ("notoken", LOGIN, "gave no token"),
        ("html", LOGIN, "answers with a web page"),
        ("broken", LOGIN, "answers with status 500"),
    ],
)
def test_what_does_not(port, kind, authorization, error):
    answer = probe(f"http://127.0.0.1:{port}/{kind}/v2/", authorization)
    assert answer["auth"] is None and error in answer["error"]
    assert "eDp5" not in answer["error"]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1/v2/", "cannot connect to 127.0.0.1:1: Connection refused"),
        ("http://nowhere.invalid/v2/", "nowhere.invalid does not resolve on this node"),
    ],
)
def test_nobody_there(url, error):
    assert error in probe(url, None)["error"]


def test_http_where_https_is_wanted(port):
    assert "TLS with" in probe(f"https://127.0.0.1:{port}/open/v2/", None)["error"]
