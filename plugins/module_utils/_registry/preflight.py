# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the registries, from the node, whether they are there and take the credentials, before anything is written."""

import contextlib
import os
import shutil
import tempfile
import threading
import time

from ansible_collections.airgap.containerd.plugins.module_utils._registry import web

# All endpoints are asked at the same time; one whose name server is silent, say, must not hold up the node for long.
_DEADLINE = 25.0
# Kinds of failure where nobody answered.
_AWAY = ("dns", "refused", "unreachable", "timeout", "lost")
_HINTS = {
    "dns": ": add it to DNS or /etc/hosts",
    "unknown_ca": "; give the CA that signed its certificate as ca of this endpoint",
    "plain_http": "; it speaks plain HTTP there",
    "tls": "; it may want a client certificate: give client_cert and client_key of this endpoint",
}


@contextlib.contextmanager
def _files(tls):
    """Give TLS settings the form of hosts.toml; what comes as text is, meanwhile, in files for root's eyes alone."""
    folder = tempfile.mkdtemp(prefix=".airgap-", dir="/run" if os.access("/run", os.W_OK) else None)
    try:
        paths = {}
        for kind in ("ca", "client_cert", "client_key"):
            pem = tls.get(kind)
            if pem and pem["text"] is not None:
                paths[kind] = os.path.join(folder, kind)
                with open(paths[kind], "w") as handle:
                    handle.write(pem["text"])
            elif pem:
                paths[kind] = pem["path"]
        yield {
            "skip_verify": tls.get("skip_verify"),
            "ca": [paths["ca"]] if "ca" in paths else [],
            "client": [[paths["client_cert"], paths["client_key"]]] if "client_cert" in paths else [],
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _login(question):
    """Name what the endpoint is asked with."""
    if question.get("identity_token"):
        return "the identity token"
    basic = (question["authorization"] or "").startswith("Basic ")
    return "the username and password" if basic else "auth" if question["authorization"] else "anonymous requests"


def probe(question):
    """Ask one endpoint once.

    ``question``: ``{url, authorization, identity_token, headers, tls, digest}``; ``url`` ends in a slash,
    ``authorization`` is the header or None, ``tls`` is ``{ca, client_cert, client_key, skip_verify}``, where each of
    the first three is ``{text, path}``. Returns ``{url, digest, auth, error, reachable}``: ``auth`` is "basic", "none",
    or "bearer" where the registry does not take the header itself and insists on a token from its token service;
    ``error`` is None or a sentence; ``reachable`` tells whether anybody answered.
    """
    answer = {"url": question["url"], "digest": question["digest"], "auth": None, "error": None, "reachable": True}
    try:
        with _files(question.get("tls") or {}) as tls:
            answer["auth"] = _probe(question, tls)
    except web.Failure as exc:
        answer.update(error=str(exc) + _HINTS.get(exc.kind, ""), reachable=exc.kind not in _AWAY)
    return answer


def _probe(question, tls):
    authorization = question["authorization"]
    headers = dict(question.get("headers") or {})
    if authorization:
        headers["Authorization"] = authorization
    status, reply, body = web.send("GET", question["url"], headers, tls)
    if status == 200:
        kind = (reply.get("Content-Type") or "").split(";")[0]
        if kind == "text/html" or body[:1] == b"<":
            raise web.Failure("answer", "it answers with a web page: this is not the address of a registry")
        return "basic" if authorization else "none"
    if status == 401:
        scheme, parameters = web.challenge(reply)
        if scheme == "bearer":
            login = {"authorization": authorization, "identity_token": question.get("identity_token")}
            web.token(parameters, tls=tls, name=_login(question), **login)
            return "bearer"
        if authorization:
            raise web.Failure("credentials", "it refuses %s (status 401)" % _login(question))
        raise web.Failure("credentials", "it wants a username and password (status 401)")
    if status == 400 and b"HTTPS server" in body:
        raise web.Failure("answer", "it speaks HTTPS there: write https:// in its URL")
    kind = "lost" if status >= 500 else "answer"  # a registry that is being restarted answers so
    raise web.Failure(kind, "it answers with status %d where a registry answers 200 or 401" % status)


def ask(questions):
    """Ask all endpoints at the same time and return the answers in the order of the questions (see probe)."""
    answers = {}

    def work(index):
        answers[index] = probe(questions[index])

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(questions))]
    deadline = time.time() + _DEADLINE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.time()))
    late = {"auth": None, "error": "no answer within %d s" % _DEADLINE, "reachable": False}
    return [
        answers.get(index) or dict(late, url=question["url"], digest=question["digest"])
        for index, question in enumerate(questions)
    ]
