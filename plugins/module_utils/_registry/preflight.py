# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the registries from the node: whether they answer and accept the credentials, before anything is written."""

import contextlib
import os
import tempfile
import threading
import time

from ansible_collections.airgap.containerd.plugins.module_utils._registry import web
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

# All endpoints are queried at the same time; one whose name server is silent, say, must not hold up the node for long.
_DEADLINE = 25.0
# Kinds of failure where there was no answer.
_AWAY = ("dns", "refused", "unreachable", "timeout", "lost")
# Between two tries of credentials that Harbor refuses: together longer than the 1.5 s that it makes wrong ones wait.
_PAUSES = (0.6, 0.7, 0.8)
_NOTHING = "airgap-containerd-probe/none"  # a repository that no registry has
_HINTS = {
    "dns": ": add it to DNS or /etc/hosts",
    "unknown_ca": "; set ca of this endpoint to the CA that signed its certificate",
    "plain_http": "; it speaks plain HTTP there",
    "tls": "; it may require a client certificate: set client_cert and client_key of this endpoint",
}


@contextlib.contextmanager
def files(tls):
    """Give TLS settings the form of hosts.toml; what comes as text is, meanwhile, in files that have no name.

    They go with this process, however it ends.
    """
    folder = places.SCRATCH if os.access(places.SCRATCH, os.W_OK) else None
    with contextlib.ExitStack() as stack:
        paths = {}
        for kind in ("ca", "client_cert", "client_key"):
            pem = tls.get(kind)
            if pem and pem["text"] is not None:
                file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
                file.write(pem["text"].encode("utf-8"))
                file.flush()
                paths[kind] = "/proc/self/fd/%d" % file.fileno()
            elif pem:
                paths[kind] = pem["path"]
        yield {
            "skip_verify": tls.get("skip_verify"),
            "ca": [paths["ca"]] if "ca" in paths else [],
            "client": [[paths["client_cert"], paths["client_key"]]] if "client_cert" in paths else [],
        }


def _login(question):
    """Name what the endpoint is asked with."""
    if question.get("identity_token"):
        return "the identity token"
    basic = (question["authorization"] or "").startswith("Basic ")
    return "the username and password" if basic else "auth" if question["authorization"] else "anonymous requests"


def probe(question):
    """Query one endpoint once.

    ``question``: ``{url, authorization, identity_token, headers, tls, digest, repositories, by_challenge}``; ``url``
    ends in a slash, ``authorization`` is the header or None, ``tls`` is ``{ca, client_cert, client_key, skip_verify}``,
    where each of the first three is ``{text, path}``; ``repositories`` are the projects that are pulled from without a
    credentials, and ``by_challenge`` says that containerd waits for a challenge before it sends the credentials.

    Returns ``{url, digest, auth, error, reachable}``: ``auth`` is "basic", "none", "public" where anybody gets a token,
    or "bearer" where the registry does not accept the header itself and requires a token from its token service;
    ``error`` is None or a sentence; ``reachable`` tells whether anybody answered.
    """
    answer = {"url": question["url"], "digest": question["digest"], "auth": None, "error": None, "reachable": True}
    talk = None
    try:
        with files(question.get("tls") or {}) as tls:
            talk = web.Conversation(tls, total=_DEADLINE)
            for login in filter(None, (question["authorization"], question.get("identity_token"))):
                talk.keep("Authorization", login)
            answer["auth"] = _probe(question, talk)
    except web.Failure as exc:
        answer.update(error=talk.told(str(exc)) + _HINTS.get(exc.kind, ""), reachable=exc.kind not in _AWAY)
    except Exception as exc:  # its row says so, and the other endpoints have theirs
        text = "%s%s" % (type(exc).__name__, ": %s" % exc.strerror if getattr(exc, "strerror", None) else "")
        answer.update(error="this node could not contact it (%s)" % text)
    return answer


def _probe(question, talk):
    url, authorization = question["url"], question["authorization"]
    headers = dict(question.get("headers") or {})
    without_login = dict(headers)
    if authorization:
        headers["Authorization"] = authorization
    answer = talk.send("GET", url, headers)
    for pause in _PAUSES:
        if not authorization or not _is_harbors_refusal(answer):
            break
        time.sleep(pause)
        answer = talk.send("GET", url, headers)
    auth = _auth(question, answer, talk)
    if auth == "basic" and question.get("by_challenge"):
        answer = talk.send("GET", url, without_login)
        scheme, parameters = web.challenge(answer)
        if answer.status == 401 and scheme == "bearer":
            talk.token(parameters, url, authorization, name=_login(question))
    return auth


def _is_harbors_refusal(answer):
    """Whether Harbor refuses credentials, which it also does to correct ones while it delays a wrong one."""
    scheme, parameters = web.challenge(answer)
    return answer.status == 401 and scheme == "basic" and (parameters.get("realm") or "").lower() == "harbor"


def _auth(question, answer, talk):
    """Return how the registry takes the credentials, from its answer; raises web.Failure."""
    url, authorization = question["url"], question["authorization"]
    status, body = answer.status, answer.body
    if status == 200:
        kind = answer.header("content-type").split(";")[0].strip().lower()
        if kind == "text/html" or body.lstrip()[:1] == b"<":
            raise web.Failure("answer", "it answers with a web page: this is not the address of a registry")
        return "basic" if authorization else "none"
    if status == 401:
        scheme, parameters = web.challenge(answer)
        identity_token = question.get("identity_token")
        if scheme == "bearer" and (authorization or identity_token):
            talk.token(parameters, url, authorization, identity_token, name=_login(question))
            return "bearer"
        if scheme == "bearer":
            return _without_login(question, parameters, talk)
        if authorization:
            raise web.Failure("credentials", "it refuses %s (status 401)" % _login(question))
        raise web.Failure("credentials", "it requires a username and password (status 401)")
    if status == 400 and b"HTTPS server" in body:
        raise web.Failure("answer", "it speaks HTTPS there: use https:// in its URL")
    if status in web.REDIRECTS:
        raise web.Failure("answer", _redirected(answer, url))
    kind = "lost" if status >= 500 else "answer"  # a registry that is being restarted answers so
    raise web.Failure(kind, "it answers with status %d where a registry answers 200 or 401" % status)


def _redirected(answer, url):
    said = "it answers with status %d and redirects the node " % answer.status
    there = web.place(web.moved_to(answer, url))
    if not there:
        return said + "nowhere: this is not the address of a registry"
    if there == web.place(url):
        return said + "to another path there: this is not the address of a registry"
    return said + "to %s: write %s in its URL, if that is the registry" % (there, there)


def _without_login(question, parameters, talk):
    """Return "public" if any project can be pulled from with a token that is given to everybody.

    A token for nothing is refused where one for a public project is not.
    """
    status = 401
    for repository in question.get("repositories") or [""]:
        name = "/".join(filter(None, (repository, _NOTHING)))
        word = talk.token(dict(parameters, scope="repository:%s:pull" % name), question["url"])
        headers = dict(question.get("headers") or {}, Authorization="Bearer " + word)
        status = talk.send("HEAD", "%s%s/manifests/none" % (question["url"], name), headers).status
        if status not in (401, 403):
            return "public"
    raise web.Failure("credentials", "it requires a username and password (status %d)" % status)


def ask(questions):
    """Query all endpoints at the same time and return the answers in the order of the questions (see probe)."""
    answers = {}

    def work(index):
        answers[index] = probe(questions[index])

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(questions))]
    deadline = time.monotonic() + _DEADLINE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = {"auth": None, "error": "no answer within %d s" % _DEADLINE, "reachable": False}
    return [
        answers.get(index) or dict(late, url=question["url"], digest=question["digest"])
        for index, question in enumerate(questions)
    ]
