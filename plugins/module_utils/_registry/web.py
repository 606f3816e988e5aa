# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from the node to a registry and its token service, what prevents them, and what may be shown of them.

Whoever answers is not trusted: each request ends at its deadline, whatever comes is bounded, and what was sent is taken
out of what is reported.
"""

import base64
import html
import json
import re
import socket
from urllib.parse import quote, urlencode, urljoin

from ansible_collections.airgap.containerd.plugins.module_utils._registry import connection
from ansible_collections.airgap.containerd.plugins.module_utils._registry.connection import Failure
from ansible_collections.airgap.containerd.plugins.module_utils._shared.masking import MASK

TIMEOUT = 10.0  # seconds for a request, from the name server's answer to the last byte
MAX_TEXT = 300
REDIRECTS = (301, 302, 303, 307, 308)

_MAX_HOPS = 5
_PARAMETER = re.compile(r"""[\s,]*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")
_USERINFO = re.compile(r"""(?<=://)[^\s"'/@]{1,500}@""")
# Headers of ours that hold nothing of anybody's.
_OPEN = ("accept", "content-type", "x-is-resource-name")


class Conversation(object):
    """Requests with one set of TLS options, and their secrets.

    ``tls`` is ``{ca: [path], client: [[certificate, key]], skip_verify: bool}``, each optional; ``timeout`` is for each
    request and ``total`` for all, in seconds. Proxies of the environment are not used.
    """

    def __init__(self, tls=None, timeout=TIMEOUT, total=None):
        self._tls = tls or {}
        self._timeout = timeout
        self._total = connection.Clock(total) if total else None
        self._secrets = set()
        self._words = set()  # credentials and tokens as they were sent

    def send(self, method, url, headers=None, form=None):
        """Send one request, following nothing, and return the Answer. Raises Failure.

        ``headers`` are strings or lists of them, ``form`` is a mapping to post.
        """
        sent = {name: ", ".join(each) if isinstance(each, list) else each for name, each in (headers or {}).items()}
        for name, value in sent.items():
            self.keep(name, value)
        body = None
        if form is not None:
            self._words.add(form.get("refresh_token") or "")
            body = urlencode(sorted(form.items())).encode("ascii")
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        target = connection.target_of(url)
        try:
            clock = connection.Clock(min(self._timeout, self._total.left()) if self._total else self._timeout)
        except socket.timeout:
            raise Failure("timeout", "%s took more than %d s in total" % (target.place, self._total.seconds)) from None
        encoded = {name: each.encode("utf-8") for name, each in sent.items()}  # as Go sends them
        return connection.exchange(target, method, encoded, body, clock, self._tls)

    def follow(self, method, url, headers=None):
        """Send a request as `send` does, and again where the same host says that it has moved."""
        answer = self.send(method, url, headers)
        for _hop in range(_MAX_HOPS):
            there = moved_to(answer, url)
            if not there or not _is_same_host(url, there):
                break
            url, answer = there, self.send(method, there, headers)
        return answer

    def token(self, parameters, url, authorization=None, identity_token=None, name="anonymous requests"):
        """Fetch a token as containerd would, and return it. Raises Failure.

        ``parameters`` are those of the challenge of the registry at ``url``; ``name`` names the credentials.
        """
        realm = parameters.get("realm") or ""
        service = place(realm)
        if not service:
            said = "names one that is not a URL" if realm else "names none"
            raise Failure("token", "it requires a token from a token service, but %s (realm)" % said)
        if (authorization or identity_token) and url.startswith("https:") and not service.startswith("https:"):
            text = (
                "its token service %s uses plain HTTP although the registry uses HTTPS, so clients do not send it %s: "
                "configure an https:// token service in the registry (external_url in Harbor)"
            )
            raise Failure("token", text % (service, name))
        asked = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        try:
            if identity_token:
                form = dict(
                    asked, grant_type="refresh_token", refresh_token=identity_token, client_id="containerd-client"
                )
                answer = self.send("POST", realm, form=form)
            else:
                headers = {"Authorization": authorization} if authorization else {}
                query = urlencode(sorted(asked.items()))
                answer = self.send("GET", realm + ("&" if "?" in realm else "?") + query if query else realm, headers)
        except Failure as exc:
            text = "its token service %s cannot be reached: %s"
            if url.startswith("http:") and service.startswith("https:"):
                text += " (it is https:// while the registry is used by http://: in Harbor, external_url sets it)"
            raise Failure("token", text % (service, exc)) from exc
        if answer.status in (401, 403):
            text = "its token service %s refuses %s (status %d)" % (service, name, answer.status)
            raise Failure("credentials", text)
        reply = data(answer.body) if answer.status == 200 else {}
        found = reply.get("token") or reply.get("access_token")
        if not isinstance(found, str) or not found.isprintable():
            text = "its token service %s issued no token (status %d%s)"
            raise Failure("token", text % (service, answer.status, towards(answer, realm)))
        self._words.add(found)
        return found

    def told(self, text, limit=MAX_TEXT):
        """Return text of others, bounded, in one line and without what was sent."""
        text = without(_USERINFO.sub(MASK + "@", text), self._secrets, self._words)
        return without(" ".join(text.split()), self._secrets, self._words)[:limit]

    def keep(self, name, value):
        """Note what must not come back: a header that is sent, or may have been to the same registry before."""
        if name.lower() != "authorization":
            if name.lower() not in _OPEN:
                self._secrets.add(value)
            return
        word = value.partition(" ")[2].strip() or value
        self._words.add(word)
        try:
            account = base64.b64decode(word, validate=True).decode("utf-8")
        except ValueError:
            return
        self._secrets.update((account, account.partition(":")[2]))


def without(text, secrets, words=()):
    """Return text with MASK for each secret in it, however URLs, JSON and HTML write it; of words also for a part."""
    forms = [re.escape(each[:8]) + r"[\w+/=.-]*" for each in words if len(each) >= 12]
    for each in sorted({*secrets, *words}, key=len, reverse=True):
        form = "".join(map(_spellings, each))
        if len(each) >= 6 or ":" in each:
            forms.append(form)
        elif len(each) > 2:  # as short as this it may be part of any word
            forms.append(r"(?<!\w)%s(?!\w)" % form)
    return re.sub("|".join(forms), MASK, text, flags=re.I) if forms else text


def _spellings(char):
    """Return a pattern for a character as it is and as URLs, JSON and HTML write it, also where UTF-8 was misread."""
    if char.isalnum() and char < "\x7f":
        return char
    raw = char.encode("utf-8", "surrogatepass")
    forms = {char, raw.decode("latin-1"), html.escape(char), json.dumps(char)[1:-1], "\\" + char}
    forms.update((quote(raw), "".join("%%%02X" % byte for byte in raw)))
    forms.update(form % ord(char) for form in ("\\u%04x", "&#%d;", "&#x%x;"))
    if char == " ":
        return r"(?:\s+|\+|%20)"
    return "(?:%s)" % "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))


def place(url):
    """Return scheme and host[:port] of a URL, all that is shown of those of others; "" where it is none."""
    try:
        target = connection.target_of(url)
    except Failure:
        return ""
    return "%s://%s" % (target.scheme, target.place)


def data(body, kind=dict):
    """Return the JSON object that an answer is, or the list; an empty one where it is none."""
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return kind()
    return found if isinstance(found, kind) else kind()


def challenge(answer):
    """Return scheme and parameters of WWW-Authenticate, of more than one that which containerd takes.

    The scheme is empty where there is none.
    """
    found = {}
    for text in answer.headers.get("www-authenticate", []):
        scheme, dummy, rest = text.strip().partition(" ")
        parameters, match = {}, _PARAMETER.match(rest)
        while match:
            value = match.group(3) if match.group(2) is None else re.sub(r"\\(.)", r"\1", match.group(2))
            parameters[match.group(1).lower()] = value
            match = _PARAMETER.match(rest, match.end())
        found.setdefault(scheme.strip(",").lower(), parameters)
    scheme = next((each for each in ("bearer", "digest", "basic") if each in found), next(iter(found), ""))
    return scheme, found.get(scheme, {})


def moved_to(answer, url):
    """Return the URL to which an answer redirects, "" where it does not or where that is none."""
    if answer.status not in REDIRECTS:
        return ""
    try:
        found = urljoin(url, answer.header("location"))
    except ValueError:
        return ""
    return found if answer.header("location") and place(found) else ""


def towards(answer, url):
    """Return where an answer redirects to, as part of a sentence."""
    found = place(moved_to(answer, url))
    return ", to %s" % found if found else ""


def _is_same_host(url, other):
    """Whether what is sent to one URL may be sent to the other: to the same host and port, or to its HTTPS."""
    old, new = connection.target_of(url), connection.target_of(other)
    upgraded = (old.scheme, new.scheme) == ("http", "https") and new.port == 443
    return old.host == new.host and (upgraded or (old.scheme, old.port) == (new.scheme, new.port))
