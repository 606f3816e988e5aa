# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to those who answer slowly, endlessly, wrongly, or with what they were sent."""

import base64
import contextlib
import itertools
import json
import socket
import ssl
import threading
import time

import pki
import pytest
from raw_server import RawServer, answer

from ansible_collections.airgap.containerd.plugins.module_utils._registry import connection, preflight, probe, web

USER, PASSWORD = "robot$puller", "CaN4ry&<\"word'é"
LOGIN = "Basic " + base64.b64encode((USER + ":" + PASSWORD).encode("utf-8")).decode()


def slowly(text, pause=0.05):
    """Yield byte after byte."""
    for number in range(len(text)):
        time.sleep(pause)
        yield text[number : number + 1]


def endless(start, chunk):
    yield start
    while True:
        yield chunk
        time.sleep(0.001)


@pytest.mark.parametrize(
    "chunks",
    [
        lambda: iter(lambda: time.sleep(0.1) or b"", None),
        lambda: slowly(answer(b"200 OK", body=b"{}" * 99)),
        lambda: slowly(b"HTTP/1.1 200 OK\r\nX-" + b"a" * 999),
        lambda: itertools.chain([answer(b"200 OK", body=b" " * 99)[:-98]], slowly(b" " * 98)),
        lambda: endless(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], slowly(b"1\r\na\r\n" * 99)),
    ],
    ids=["silence", "all", "header", "body", "continue", "chunks"],
)
def test_a_request_ends_at_its_deadline(chunks, request):
    # New releases of Python give up themselves after a hundred interim answers.
    interim = request.node.callspec.id == "continue"
    with RawServer(lambda request: chunks()) as server:
        began = time.monotonic()
        with pytest.raises(web.Failure) as caught:
            web.Conversation(timeout=0.5).send("GET", server.url + "/v2/")
        assert time.monotonic() - began < 2
        if caught.value.kind != "no_http" or not interim:
            assert caught.value.kind == "timeout" and "did not answer within" in str(caught.value)


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        (lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 60000 + b"\r\n"), "no_http"),
        (lambda: endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 60000), "no_http"),
        (lambda: [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50], "no_http"),
        (lambda: endless(b"", b"\r\n"), "no_http"),
        (lambda: [b"SSH-2.0-OpenSSH\r\n"], "no_http"),
        (lambda: [], "lost"),
        (lambda: [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na"], "lost"),
    ],
)
def test_what_is_no_answer(chunks, kind):
    with RawServer(lambda request: chunks()) as server:
        with pytest.raises(web.Failure) as caught:
            web.Conversation(timeout=5).send("GET", server.url)
        assert caught.value.kind == kind


def test_what_comes_before_the_answer_is_passed_over_and_a_body_is_bounded():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    with RawServer(lambda request: [hints, hints, answer(b"200 OK", body=b"{}")]) as server:
        assert web.Conversation().send("GET", server.url)[::2] == (200, b"{}")
    with RawServer(lambda request: endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 60000)) as server:
        assert len(web.Conversation().send("GET", server.url).body) == connection.MAX_BODY


def test_a_silent_name_server_ends_at_the_deadline(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: over.wait(5))
    with pytest.raises(web.Failure) as caught:
        web.Conversation(timeout=0.2).send("GET", "http://registry.lan/v2/")
    over.set()
    assert caught.value.kind == "dns" and "no name server answered" in str(caught.value)


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    with RawServer(lambda request: [answer(b"200 OK")]) as server, contextlib.closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for dummy in range(8)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
                 for port in (deaf.getsockname()[1], server.port)]  # fmt: skip
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: found)
        assert web.Conversation(timeout=2).send("GET", "http://registry.lan/v2/").status == 200
        for each in fillers:
            each.close()


@pytest.mark.parametrize(
    "url",
    ["http://[", "http://[::1", "http://h:99999/", "http://h:x/", "http://", "/token", "", "ftp://h/", "http://a b/",
     "http://h/\r\nX: y", "http://" + "a" * 70 + "." * 3 + "/", "http://\x7f/", "mailto:x", "http://ex\u2100mple/"],
)  # fmt: skip
def test_what_is_no_url_is_one_sentence(url):
    with pytest.raises(web.Failure) as caught:
        web.Conversation(timeout=1).send("GET", url)
    assert caught.value.kind in ("no_http", "dns")
    if caught.value.kind == "no_http":
        assert web.place(url) == ""


def test_headers_are_sent_as_go_sends_them():
    with RawServer(lambda request: [answer(b"200 OK")]) as server:
        web.Conversation().send("GET", server.url + "/v2/\u00e9%20x", {"X-Team": ["\u00e9", "\u4e2d"], "X-B": "b"})
        assert "X-Team: \u00e9, \u4e2d\r\n".encode() in server.requests[0]
        assert server.requests[0].startswith(b"GET /v2/%C3%A9%20x HTTP/1.1\r\n")
        with pytest.raises(web.Failure) as caught:
            web.Conversation().send("GET", server.url, {"X-Team": "CaN4ry\r\nX: y"})
    assert caught.value.kind == "no_http" and "CaN4ry" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ("", {})),
        ([b"WWW-Authenticate:"], ("", {})),
        ([b"WWW-Authenticate: Bearer"], ("bearer", {})),
        ([b'www-authenticate: BEARER Realm="http://a/t",SERVICE="s, \\"x\\""'],
         ("bearer", {"realm": "http://a/t", "service": 's, "x"'})),
        ([b"WWW-Authenticate: Bearer realm=http://a/t , service = s"],
         ("bearer", {"realm": "http://a/t", "service": "s"})),
        ([b'WWW-Authenticate: Basic realm="r"', b'WWW-Authenticate: Bearer realm="http://a/t"'],
         ("bearer", {"realm": "http://a/t"})),
        ([b'WWW-Authenticate: Negotiate', b'WWW-Authenticate: Basic realm="r"'], ("basic", {"realm": "r"})),
        ([b'WWW-Authenticate: Bearer realm="unclosed'], ("bearer", {"realm": '"unclosed'})),
        ([b"WWW-Authenticate: \xe4\xb8\xad realm=\xff"], None),
        ([b"WWW-Authenticate: " + b"," * 60000], None),
    ],
)  # fmt: skip
def test_challenges(lines, expected):
    with RawServer(lambda request: [answer(b"401 Unauthorized", lines)]) as server:
        found = web.challenge(web.Conversation().send("GET", server.url))
    if expected and "unclosed" not in str(expected):
        assert found == expected
    assert isinstance(found[0], str)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The context of a server whose certificate is its own CA, and the path of that."""
    certificate, key = pki.pair()
    folder = tmp_path_factory.mktemp("tls")
    (folder / "pair.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(folder / "pair.pem"))
    return context, certificate, folder


def test_a_ca_file_is_read_as_go_reads_it(tls):
    context, certificate, folder = tls
    path = str(folder / "ca.pem")
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with open(path, "wb") as handle:
        handle.write(("# Autorité\u00a0中 \n" + broken + certificate + "# \u00e9\n").encode("utf-8") + b"\xff\xfe\n")
    with RawServer(lambda request: [answer(b"200 OK")], context) as server:
        assert web.Conversation({"ca": [path]}).send("GET", server.url).status == 200
        with open(path, "w") as handle:
            handle.write(broken)
        with pytest.raises(web.Failure) as caught:
            web.Conversation({"ca": [path]}).send("GET", server.url)
    assert (caught.value.kind, path in str(caught.value)) == ("tls_file", True)


def test_tls_ends_at_its_deadline(tls):
    context, _certificate, folder = tls
    trust = {"ca": [str(folder / "pair.pem")]}
    with RawServer(lambda request: slowly(answer(b"200 OK", body=b" " * 99)), context) as slow:
        with pytest.raises(web.Failure) as caught:
            web.Conversation(trust, timeout=0.5).send("GET", slow.url)
        assert caught.value.kind == "timeout"
    with RawServer(lambda request: iter(lambda: time.sleep(0.1) or b"", None)) as silent:
        began = time.monotonic()
        with pytest.raises(web.Failure) as caught:
            web.Conversation(trust, timeout=0.5).send("GET", silent.url.replace("http:", "https:"))
        assert (caught.value.kind, time.monotonic() - began < 2) == ("timeout", True)


def test_a_certificate_without_alternative_names_is_refused_as_by_go(tmp_path):
    certificate, key = pki.pair(alternative=False)
    (tmp_path / "pair.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(tmp_path / "pair.pem"))
    with RawServer(lambda request: [answer(b"200 OK")], context) as server, pytest.raises(web.Failure) as caught:
        web.Conversation({"ca": [str(tmp_path / "pair.pem")]}).send("GET", server.url)
    assert caught.value.kind == "certificate"


def reflections(request):
    """All forms in which a registry may repeat the credentials that it received."""
    sent = dict(line.partition(b": ")[::2] for line in request.split(b"\r\n"))
    login = sent.get(b"Authorization", b"").decode("latin-1")
    word = login.partition(" ")[2]
    account = base64.b64decode(word).decode("utf-8")
    forms = [login, word, word.rstrip("="), word[:-6], word.lower(), account, account.partition(":")[2]]
    forms.append(sent.get(b"X-Key", b"").decode("latin-1"))
    return [each for form in forms if form for each in (form, json.dumps(form)[1:-1], form.replace("&", "&amp;"))]


def leaks(told):
    text = json.dumps(told, ensure_ascii=False) + json.dumps(told)
    word = LOGIN.partition(" ")[2]
    return [each for each in (PASSWORD, word, word[:-8], "CaN4ry", "tokenCaN4ry") if each.lower() in text.lower()]


@pytest.mark.parametrize("kind", ["json", "html", "text", "realm", "location", "reason", "type"])
@pytest.mark.parametrize("status", [b"401 No", b"403 No", b"400 No", b"500 No", b"302 Found", b"200 OK"])
def test_what_was_sent_does_not_come_back(kind, status):
    def reply(request):
        for_url = [each.replace("\n", "") for each in reflections(request)]
        said = " ".join(for_url).encode("utf-8")
        yield {
            "json": answer(status, (), json.dumps({"errors": [{"message": said.decode("utf-8")}]}).encode()),
            "html": answer(status, (), b"<b>you sent</b> " + said),
            "text": answer(status, (), b"x" * 280 + said),
            "realm": answer(
                status, [b'WWW-Authenticate: Bearer realm="http://%s@127.0.0.1:1/?x=%s"' % (said[:30], said)]
            ),
            "location": answer(status, [b"Location: https://u:p@other.lan/" + said]),
            "reason": answer(status + said),
            "type": answer(status, [b"Content-Type: " + said, b"Docker-Content-Digest: " + said]),
        }[kind]

    with RawServer(reply) as server:
        found = probe.ask(
            {"url": server.url + "/v2/a/manifests/1", "headers": {"X-Key": "CaN4ry-key", "Authorization": LOGIN},
             "login": None, "tls": {}}
        )  # fmt: skip
        question = {"url": server.url + "/v2/", "authorization": LOGIN, "digest": "d", "headers": {}}
        assert leaks([found, preflight.probe(question)]) == []


@pytest.mark.parametrize(
    ("text", "secrets", "told"),
    [
        ("in docker.io", {"io"}, "in docker.io"),
        ("u:io and iodine, abc abcd", {"u:io", "abc"}, "******** and iodine, ******** abcd"),
        ("registry.lan says registry1", {"registry1"}, "registry.lan says ********"),
        ("nothing", set(), "nothing"),
    ],
)
def test_short_secrets_do_not_spoil_every_word(text, secrets, told):
    assert web.without(text, secrets) == told


def test_a_word_that_was_cut_is_hidden_too():
    assert web.without("token dG9rZW50b2tlbg cut", (), {"dG9rZW50b2tlbnRva2Vu"}) == "token ******** cut"


def bearer(realm):
    return [b"WWW-Authenticate: Bearer" + (b' realm="%s"' % realm if realm is not None else b"")]


@pytest.mark.parametrize(
    ("realm", "error"),
    [
        (None, "names none"),
        (b"", "names none"),
        (b"/service/token", "not a URL"),
        (b"service/token", "not a URL"),
        (b"http://[::1", "not a URL"),
        (b"http://h:99999/t", "not a URL"),
        (b"ftp://h/t", "not a URL"),
        (b"http://\xe4\xb8\xad\xff:1/", "not a URL"),
        (b"http://user:CaN4ry@127.0.0.1:1/t?leak=CaN4ry", "its token service http://127.0.0.1:1 cannot be reached"),
    ],
)
def test_token_services_that_are_none(realm, error):
    with RawServer(lambda request: [answer(b"401 No", bearer(realm))]) as server:
        found = preflight.probe({"url": server.url + "/v2/", "authorization": LOGIN, "digest": "d"})
        seen = probe.ask({"url": server.url + "/v2/a/manifests/1", "headers": {}, "login": LOGIN, "tls": {}})
    assert error in found["error"] and error in seen["message"]
    assert seen["failure"] in ("token", "dns") and leaks([found, seen]) == []


def test_a_login_for_https_does_not_go_to_plain_http(tls):
    context, _certificate, folder = tls
    with RawServer(lambda request: [answer(b"200 OK", body=b'{"token": "t"}')]) as service:
        challenge = bearer(service.url.encode())
        with RawServer(lambda request: [answer(b"401 No", challenge)], context) as server:
            talk = web.Conversation({"ca": [str(folder / "pair.pem")]})
            parameters = web.challenge(talk.send("GET", server.url))[1]
            for login in ({"authorization": LOGIN}, {"identity_token": "t"}):
                with pytest.raises(web.Failure, match="uses plain HTTP although the registry uses HTTPS"):
                    talk.token(parameters, server.url, **login)
            assert service.requests == []
            assert talk.token(parameters, server.url) == "t"


def test_moves_are_followed_on_the_same_host_alone():
    def reply(request):
        path = request.split()[1]
        if path == b"/other":
            yield answer(b"307 Moved", [b"Location: http://127.0.0.1:1/x"])
        elif path == b"/round":
            yield answer(b"301 Moved", [b"Location: /round"])
        elif path == b"/old":
            yield answer(b"301 Moved", [b"Location: new"])
        else:
            yield answer(b"404 No")

    with RawServer(reply) as server:
        statuses = [
            web.Conversation().follow("HEAD", server.url + path).status for path in ("/old", "/other", "/round")
        ]
        assert statuses == [404, 307, 301] and len(server.requests) < 10
        seen = probe.ask({"url": server.url + "/other", "headers": {}, "login": None, "tls": {}})
        assert (seen["status"], seen["location"]) == (307, "http://127.0.0.1:1")
