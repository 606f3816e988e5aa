# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a registry answers: one row that can be reported, in time, and without the credentials that were sent.

`make properties` searches long.
"""

import base64
import json
import re
import time

import pytest
from raw_server import RawServer

from ansible_collections.airgap.containerd.plugins.module_utils._registry import harbor, preflight, probe, web

hypothesis = pytest.importorskip("hypothesis")  # which nodes with Python 3.6 have not
st = hypothesis.strategies

PASSWORD = "CaN4ry/&é'word"
LOGIN = "Basic " + base64.b64encode(("robot$p:" + PASSWORD).encode()).decode()
SECRETS = ("can4ry", LOGIN.split()[1].lower(), LOGIN.split()[1][:-6].lower())
TIMEOUT = 1.0
# The account in every form that a registry has it in, and words that mean something.
ECHOES = (
    LOGIN,
    LOGIN.split()[1],
    PASSWORD,
    "robot$p:" + PASSWORD,
    json.dumps(PASSWORD)[1:-1],
    "CaN4ry%2F%26%C3%A9%27word",
)
MARKS = ('"', "/", ",", " = ", "\\", "{", "}", "[", "]", ":", "<b>", "9" * 50, "\x85", "\r", "\x00", "é", "\u2028")
MEANINGS = (
    "Bearer realm=|http://[|http://127.0.0.1:1/t|https://h:99999|Basic |errors|message|token|registry_id|NaN|1e999|"
    "project p not found|chunked|text/html|sha256:|unauthorized"
)
WORDS = (*ECHOES, *MARKS, *MEANINGS.split("|"))
TEXT = st.lists(st.sampled_from(ECHOES) | st.sampled_from(WORDS) | st.text(max_size=5), max_size=8).map("".join)
BYTES = TEXT.map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=20)
STATUSES = b"200 OK|401 No|403 No|404 No|301 Moved|308 Moved|429 Slow|500 No|103 Hint|100 Go|101 Up|204 No|999 ?|-1|x|"
NAMES = (
    b"WWW-Authenticate|www-authenticate|Location|Content-Type|Content-Length|Transfer-Encoding|Docker-Content-Digest|"
    b"Content-Encoding|Connection"
)
STATUS, NAME = (st.sampled_from(each.split(b"|")) for each in (STATUSES, NAMES))
LEAF = TEXT | st.none() | st.booleans() | st.integers() | st.floats()
KEYS = st.sampled_from(["errors", "message", "code", "token", "access_token", "registry_id", "url", "name"])
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
CHALLENGE = st.builds(
    lambda realm, more: b'Bearer realm="' + realm + b'",service="s"' + more, st.just(b"SELF/token") | BYTES, BYTES
)
HEADERS = st.lists(st.tuples(NAME, BYTES) | st.tuples(st.just(b"WWW-Authenticate"), CHALLENGE), max_size=4)
ERRORS = TEXT.map(lambda text: {"errors": [{"message": text}]})
BODY = BYTES | (ERRORS | JSON).map(lambda data: json.dumps(data).encode()) | st.just(b"[" * 20000)


def http(status, headers, body, has_length):
    lines = [b"HTTP/1.1 " + status, *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines + [b"Content-Length: %d" % len(body)] * has_length + [b"", body])


GOOD = st.builds(http, st.sampled_from(STATUSES.split(b"|")[:8]), HEADERS | st.just([]), BODY, st.just(True))
ANSWER = st.one_of(GOOD, GOOD, GOOD, st.builds(http, STATUS, HEADERS, BODY, st.booleans()), BYTES)
ANSWERS = st.lists(ANSWER, min_size=1, max_size=4)


def check_told(told):
    """It can be sent, is bounded, and contains no part of the credentials in any case or encoding."""
    text = json.dumps(told, allow_nan=False)
    assert len(text) < 8000
    for each in (text, json.dumps(told, ensure_ascii=False)):
        assert not [secret for secret in SECRETS if secret in re.sub(r"\\(.)", r"\1", each).lower()], each


@pytest.mark.properties
@hypothesis.given(ANSWERS)
def test_any_answer_is_one_row(answers):
    left = []

    def reply(request):
        chunk = left.pop(0) if left else answers[-1]
        yield chunk.replace(b"SELF", server.url.encode())

    with RawServer(reply) as server:
        url = server.url.replace("localhost", "127.0.0.1")
        question = {"url": url + "/v2/", "authorization": LOGIN, "digest": "d", "repositories": ["p"]}
        endpoint = {"url": url + "/v2/p/manifests/1", "headers": {"X-Key": PASSWORD}, "login": LOGIN, "tls": {}}
        look = {
            "harbors": [{"url": url, "projects": ["p"], "login": LOGIN, "reader": LOGIN, "tls": {}, "robot": "robot$p"}]
        }
        for ask in (
            lambda: preflight.probe(dict(question, by_challenge=True)),
            lambda: preflight.probe(dict(question, authorization=None)),
            lambda: preflight.probe(dict(question, authorization=None, identity_token=PASSWORD + "-token")),
            lambda: probe.ask(endpoint),
            lambda: probe.ask(dict(endpoint, headers={"Authorization": LOGIN}, login=None)),
            lambda: harbor.look(look)["harbors"],
        ):
            left[:] = answers
            began = time.monotonic()
            told = ask()
            assert time.monotonic() - began < 10
            check_told(told)
            assert "this node could not contact it" not in json.dumps(told)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Do not wait for what never comes."""
    send = web.Conversation.send

    def hurried(self, *arguments, **options):
        self._timeout = TIMEOUT
        return send(self, *arguments, **options)

    monkeypatch.setattr(web.Conversation, "send", hurried)
    monkeypatch.setattr(preflight, "_PAUSES", ())
