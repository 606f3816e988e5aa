# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight against registries of every kind, on loopback."""

import base64
import http.server
import os
import ssl
import stat
import threading

import pki
import pytest
from raw_server import RawServer, answer
from web_server import WebServer

from ansible_collections.airgap.containerd.plugins.module_utils._registry import preflight, web
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

LOGIN = "Basic " + base64.b64encode(b"u:p").decode()


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers as the path's first part says."""

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        body = b'{"access_token": "t"}' if "refresh_token=right" in form else b""
        self.send_response(200 if body else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        kind, port = self.path.split("/")[1], self.server.server_port
        right = self.headers.get("Authorization") == LOGIN
        bearer = f'Bearer realm="http://127.0.0.1:{port}/token-{kind}",service="s"'
        answers = {
            "open": (200, "{}", None),
            "basic": (200, "{}", None) if right else (401, "", 'Basic realm="r"'),
            "strict": (401, "", bearer),
            "notoken": (401, "", bearer),
            "header": (200, "{}", None) if self.headers.get("X-Team") == "a, b" else (403, "", None),
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
    server = WebServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()


def probe(url, authorization, **more):
    return preflight.probe({"url": url, "authorization": authorization, "digest": "d", **more})


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
        ("basic", None, "it requires a username and password"),
        ("basic", "Basic eDp5", "it refuses the username and password (status 401)"),
        ("strict", "Basic eDp5", "refuses the username and password (status 401)"),
        ("notoken", LOGIN, "issued no token"),
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
        ("http://nowhere.invalid/v2/", "nowhere.invalid does not resolve on this node: add it to DNS or /etc/hosts"),
    ],
)
def test_nobody_there(url, error):
    assert error in probe(url, None)["error"]


def test_http_where_https_is_wanted(port):
    assert "TLS with" in probe(f"https://127.0.0.1:{port}/open/v2/", None)["error"]


def test_headers_are_sent(port):
    url = f"http://127.0.0.1:{port}/header/v2/"
    assert probe(url, None, headers={"X-Team": ["a", "b"]})["error"] is None
    assert "status 403" in probe(url, None)["error"]


@pytest.mark.parametrize(("token", "error"), [("right", None), ("wrong", "refuses the identity token (status 401)")])
def test_identity_tokens_are_for_the_token_service(port, token, error):
    answer = probe(f"http://127.0.0.1:{port}/strict/v2/", None, identity_token=token)
    assert (answer["auth"], answer["reachable"]) == ("bearer" if not error else None, True)
    assert answer["error"] is None if not error else error in answer["error"]


@pytest.fixture(scope="module")
def secure_port(tmp_path_factory):
    """A registry on TLS that wants a client certificate; certificate, CA and client are all the same."""
    certificate, key = pki.pair()
    folder = tmp_path_factory.mktemp("tls")
    (folder / "pair.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    context.load_verify_locations(folder / "pair.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = WebServer(("localhost", 0), Registry)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port, {"text": certificate, "path": None}, {"text": key, "path": None}, str(folder / "pair.pem")
    server.shutdown()


def test_certificates_of_the_wanted_configuration_are_used(secure_port):
    port, certificate, key, path = secure_port
    url = f"https://localhost:{port}/basic/v2/"
    pair = {"client_cert": certificate, "client_key": key}
    on_node = {"text": None, "path": path}
    works = [
        {"ca": certificate, **pair},
        {"skip_verify": True, **pair},
        {"ca": on_node, "client_cert": on_node, "client_key": on_node},
    ]
    for tls in works:
        assert probe(url, LOGIN, tls=tls)["error"] is None, tls
    assert "the CA that signed its certificate" in probe(url, LOGIN, tls=pair)["error"]
    assert "set client_cert and client_key" in probe(url, LOGIN, tls={"ca": certificate})["error"]
    other_name = probe(url.replace("localhost", "127.0.0.1"), LOGIN, tls=works[0])["error"]
    assert "TLS with 127.0.0.1" in other_name and "give" not in other_name
    missing = {"ca": {"text": None, "path": "/nowhere/ca.pem"}}
    assert "a certificate file cannot be used" in probe(url, LOGIN, tls=missing)["error"]


def test_keys_are_in_files_without_a_name(monkeypatch, tmp_path):
    """So that nothing of them stays, whenever the process that has them is killed."""
    monkeypatch.setattr(places, "SCRATCH", str(tmp_path))
    seen = []

    def look(talk, method, url, headers):
        tls = talk._tls
        about = os.stat(tls["client"][0][1])
        with open(tls["client"][0][1]) as handle:
            seen.append((handle.read(), stat.S_IMODE(about.st_mode), about.st_nlink, os.listdir(str(tmp_path))))
        raise web.Failure("refused", "no")

    monkeypatch.setattr(web.Conversation, "send", look)
    pem = {"text": "x", "path": None}
    probe("https://r.lan/v2/", None, tls={"client_cert": pem, "client_key": pem})
    assert seen == [("x", 0o600, 0, [])]


def test_all_are_asked_at_once_and_not_for_ever(monkeypatch):
    together, over = threading.Barrier(3), threading.Event()

    def answer(question):
        together.wait(10)
        if question["url"] == "silent":
            over.wait(10)
        return {"url": question["url"], "digest": "d", "auth": "none", "error": None, "reachable": True}

    monkeypatch.setattr(preflight, "probe", answer)
    monkeypatch.setattr(preflight, "_DEADLINE", 0.5)
    first, silent, last = preflight.ask([{"url": name, "digest": "d"} for name in ("a", "silent", "b")])
    over.set()
    assert first["error"] is last["error"] is None
    assert (silent["url"], silent["reachable"]) == ("silent", False) and "no answer within" in silent["error"]


HARBOR = [b'WWW-Authenticate: Basic realm="harbor"']


def bearer(service):
    return [b'WWW-Authenticate: Bearer realm="%s/token",service="harbor-registry"' % service.encode()]


@pytest.mark.parametrize(("refusals", "error"), [(0, None), (1, None), (3, None), (9, "it refuses the username")])
def test_harbor_refuses_right_logins_while_it_makes_somebody_wait(monkeypatch, refusals, error):
    left = [refusals]
    monkeypatch.setattr(preflight, "_PAUSES", (0.01, 0.01, 0.01))

    def reply(request):
        left[0] -= 1
        yield answer(b"401 No", HARBOR) if left[0] >= 0 else answer(b"200 OK", body=b"{}")

    with RawServer(reply) as server:
        found = probe(server.url + "/v2/", LOGIN)
        assert found["error"] is None if not error else error in found["error"]
        assert len(server.requests) == min(refusals, 3) + 1


def test_who_is_no_harbor_is_asked_once():
    assert sum(preflight._PAUSES) > 1.5
    with RawServer(lambda request: [answer(b"401 No", [b'WWW-Authenticate: Basic realm="LDAP"'])]) as server:
        assert "refuses" in probe(server.url + "/v2/", LOGIN)["error"]
        assert len(server.requests) == 1


def harbor(public):
    """What Harbor answers without credentials; a token without permissions is refused."""

    def reply(request):
        path = request.split()[1]
        if path.startswith(b"/token"):
            yield answer(b"200 OK", body=b'{"token": "t"}') if b"scope" in path else answer(b"401 No")
        elif b"/manifests/" in path and b"Bearer t" in request:
            yield answer(b"404 No") if path.startswith(public) else answer(b"401 No", HARBOR)
        else:
            yield answer(b"401 No", bearer(server.url))

    server = RawServer(reply)
    return server


@pytest.mark.parametrize(
    ("projects", "error"),
    [(["a", "b"], None), (["b"], None), ([], "it requires a username"), (["a"], "it requires a username and password")],
)
def test_public_projects_need_no_login(projects, error):
    with harbor(b"/v2/b/") as server:
        found = probe(server.url + "/v2/", None, repositories=projects)
        assert (found["auth"], found["reachable"]) == (None if error else "public", True)
        assert found["error"] is None if not error else error in found["error"]


def test_a_login_that_waits_for_a_challenge_needs_the_token_service():
    def reply(request):
        known = b"Authorization" in request
        yield answer(b"200 OK", body=b"{}") if known else answer(b"401 No", bearer("http://127.0.0.1:1"))

    with RawServer(reply) as server:
        assert probe(server.url + "/v2/", LOGIN)["auth"] == "basic"
        assert len(server.requests) == 1
        found = probe(server.url + "/v2/", LOGIN, by_challenge=True)
    assert "its token service http://127.0.0.1:1 cannot be reached" in found["error"]


@pytest.mark.parametrize(
    ("location", "error"),
    [
        (b"https://localhost/v2/", "redirects the node to https://localhost: write https://localhost in its URL"),
        (b"//other.lan:5000/x?CaN4ry", "redirects the node to http://other.lan:5000: write"),
        (b"/login", "to another path there"),
        (b"http://[", "nowhere"),
        (b"", "nowhere"),
        (b"\xff\x00", "nowhere"),
    ],
)
@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
def test_redirects_name_the_place(status, location, error):
    with RawServer(lambda request: [answer(status, [b"Location: " + location])]) as server:
        found = probe(server.url + "/v2/", LOGIN)
    assert error in found["error"] and "CaN4ry" not in found["error"] and status[:3].decode() in found["error"]


def test_one_that_dies_says_why_and_the_others_answer(monkeypatch, port):
    questions = [
        {"url": f"http://127.0.0.1:{port}/open/v2/", "authorization": None, "digest": "d", "headers": headers}
        for headers in ({"X": 5}, {})
    ]
    broken, good = preflight.ask(questions)
    assert "this node could not contact it (AttributeError" in broken["error"] and good["error"] is None
