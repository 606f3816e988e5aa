# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd does with the answers: from the requests that resolve predicts to those that are really made.

resolve shows which registries are tried, in which order, if all fail. This module has what follows from an answer:
authentication, another method, another try, the end. Source: `Resolve`, `retryRequest`, `Fetch` and `AddResponses` in
remotes/docker.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from airgap_lab import recorder

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.go_url import split_port
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import (
    UNKNOWN_DIGEST,
    Asked,
    Node,
    Resolution,
)
from differential.cases import IPV6, NAMES, Case

REACHABLE = {*NAMES, IPV6, IPV6.strip("[]"), "localhost", "127.0.0.1"}
MAX_TRIES = 6
ERROR = 0  # a status that stands for: no answer


class Seen(NamedTuple):
    """One request as the recorder sees it."""

    method: str
    scheme: str
    host: str
    path: str
    auth: str | None
    certificate: bool


class _Stop(Exception):
    """No more requests are made."""


def expected(case: Case, node: Node, resolution: Resolution) -> list[Seen]:
    """Return the requests that this pull makes."""
    course = _Course(case, node, resolution)
    if not resolution.error:
        with contextlib.suppress(_Stop):
            course.run()
    return course.seen


@dataclass
class _Course:
    case: Case
    node: Node
    resolution: Resolution
    seen: list[Seen] = field(default_factory=list)
    logins: dict[tuple[int, str], str] = field(default_factory=dict)  # by client and host: its current credentials

    def run(self) -> None:
        document, config = recorder.manifest(self.case.name)
        found = self.resolve()
        self.logins = {}
        digest = self.resolution.reference.digest
        if found == "html":
            self.pull("blobs", digest or recorder.digest(recorder.page(self.case.name)), digest is None)
            return
        self.pull("manifests", recorder.digest(document), True)
        self.pull("blobs", recorder.digest(config), True)

    def resolve(self) -> str:
        """Return what answered, "image" or "html"."""
        asked = [each for each in self.resolution.asked if each.resolve]
        answered: set[int] = set()
        for kind in ("manifests", "blobs"):
            if self.node.release.blobs_after_404 and answered - {404, ERROR}:
                break
            for request in self.requests("resolve", kind):
                last = request.asked is asked[-1]
                status = self.ask(request.asked, "HEAD", request.path, last)
                if status < 300 and status != ERROR:
                    return self.resolved(request.asked, request.path)
                if status == 403 and self.node.release.get_after_403:
                    self.ask(request.asked, "GET", request.path, last=False)
                answered.add(status)
        raise _Stop

    def resolved(self, asked: Asked, path: str) -> str:
        answer = self.answer(asked)[1]
        if answer == "html" and not self.resolution.reference.digest:
            self.ask(asked, "GET", path, last=True)
        return answer

    def pull(self, kind: str, digest: str, right: bool) -> None:
        """Request a blob until a registry has it; `right` says whether a web page would match."""
        wanted = digest if kind == "blobs" or not self.resolution.reference.digest else self.resolution.reference.digest
        for request in self.requests("pull", kind):
            path = request.path.replace(UNKNOWN_DIGEST, wanted)
            last = request.asked is self.resolution.asked[-1]
            status = self.ask(request.asked, "GET", path, last)
            if status < 300 and status != ERROR:
                is_page = self.answer(request.asked)[1] == "html"
                if is_page != (digest == recorder.digest(recorder.page(self.case.name))) or not right:
                    raise _Stop  # what came has another digest
                return
        raise _Stop

    def requests(self, step: str, kind: str):
        return [each for each in self.resolution.requests if (each.step, each.kind) == (step, kind)]

    def answer(self, asked: Asked) -> tuple[str, str]:
        """Return the challenge, and the answer after it."""
        challenge, then, answer = self.case.answers.get(asked.host, "404").partition(" then ")
        return (challenge, answer) if then else ("", challenge)

    def ask(self, asked: Asked, method: str, path: str, last: bool) -> int:
        """Make one request with all that follows from its answers; return the status at last."""
        scheme = self.scheme(asked)
        if not scheme:
            return ERROR
        key = (id(asked) if asked.own_client else 0, asked.host)
        statuses: list[int] = []
        while len(statuses) < MAX_TRIES:
            auth = self.logins.get(key) or ("basic" if asked.credentials == "header" else None)
            self.note(asked, method, scheme, path, auth)
            status = self.status(asked, method, path, auth)
            statuses.append(status)
            if status == 401 and self.answer(asked)[0]:
                if not self.log_in(asked, key, scheme):
                    return ERROR if self.node.release.hosts_by_header else 401
            elif status == 405 and method == "HEAD" and "/manifests/" in path:
                method = "GET"
            elif not (self.tries_again(status, statuses) and last):
                break
        return statuses[-1]

    def tries_again(self, status: int, statuses: list[int]) -> bool:
        return self.node.release.retries_last and status in (500, 503, 504) and status not in statuses[-2:-1]

    def log_in(self, asked: Asked, key: tuple[int, str], scheme: str) -> bool:
        """Prepare the credentials that a challenge asks for; return whether there are any."""
        has_login = asked.host in self.node.registry.logins
        if self.answer(asked)[0] == "basic":
            if has_login:
                self.logins[key] = "basic"
            return has_login
        self.logins[key] = "bearer"
        sends_header = asked.credentials == "header" and self.node.release.header_reaches_token_service
        auth = "basic" if sends_header else None
        if has_login:
            self.note(asked, "POST", scheme, f"/{self.case.name}/token", auth)
            auth = "basic"
        self.note(asked, "GET", scheme, f"/{self.case.name}/token", auth)
        return True

    def status(self, asked: Asked, method: str, path: str, auth: str | None) -> int:
        challenge, answer = self.answer(asked)
        if challenge and auth != challenge:
            return 401
        if answer == "html":
            return 200
        if answer == "no-head":
            return 405 if method == "HEAD" else 404
        if answer == "image":
            config = recorder.digest(recorder.manifest(self.case.name)[1])
            return 200 if "/manifests/" in path or urlsplit(path).path.endswith(config) else 404
        return int(answer)

    def scheme(self, asked: Asked) -> str | None:
        """Return how a request gets to the recorder, None where it does not."""
        host, port = split_port(asked.host)
        if host not in REACHABLE:
            return None
        kind = recorder.PORTS.get(int(port or {"http": 80, "https": 443}[asked.scheme]))
        if kind is None:
            return None
        if asked.scheme == "http":
            return "http" if kind == recorder.PLAIN else None
        if kind == recorder.PLAIN:
            return "http" if asked.http_after_tls else None
        trusted = asked.skip_verify or kind == recorder.SYSTEM or asked.ca
        return "https" if trusted else None

    def note(self, asked: Asked, method: str, scheme: str, path: str, auth: str | None) -> None:
        self.seen.append(Seen(method, scheme, asked.host, path, auth, asked.client and scheme == "https"))
