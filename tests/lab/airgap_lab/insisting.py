# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that requires tokens: it answers Basic with a Bearer challenge, as Harbor never does and others do.

Its token service takes GET alone, refuses a wrong password, gives an account a token that opens what it may pull, and
anybody else one that opens nothing. It is a program of its own: ``python3 -m airgap_lab.insisting SETTINGS``, with the
JSON of ``Settings`` in a file.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from airgap_lab.harbor.accounts import EVERY_PROJECT
from airgap_lab.standin import Answer, Forward, Request, as_json, error, serve

TOKEN_PATH = "/token"
RESOURCE = re.compile(r"^/v2/(?P<repository>.+)/(?:manifests|blobs|tags)/[^/]+$")


@dataclass(frozen=True)
class Settings:
    """Addresses are (host, port), ``log`` is a path; a file ``external`` may hold another URL of the token service.

    ``pulls`` are the projects that each account may pull from, "*" for all.
    """

    host: str
    address: tuple[str, int]
    backend: tuple[str, int]
    pulls: dict[str, tuple[str, ...]]
    password: str
    log: str
    external: str


@dataclass
class Insisting:
    """All of it but its HTTP server."""

    settings: Settings
    tokens: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer | Forward:
        """Answer a request."""
        if request.path == TOKEN_PATH:
            return self._token(request)
        if not request.path.startswith("/v2/"):
            return Answer(404)
        resource = RESOURCE.match(request.path)
        repository = resource["repository"] if resource else None
        user, opened = self.tokens.get(request.bearer or "", (None, frozenset()))
        if user is None or (repository and repository not in opened) or request.method not in ("GET", "HEAD"):
            return error(401, "UNAUTHORIZED", "authentication required", self._challenge(repository))
        return Forward(user)

    def _token(self, request: Request) -> Answer:
        if request.method != "GET":
            return error(405, "UNSUPPORTED", "method not allowed")
        name, password = request.basic or ("", "")
        user = name if name in self.settings.pulls and password == self.settings.password else None
        if request.scheme and not user:
            return error(401, "UNAUTHORIZED", "wrong username or password")
        text = secrets.token_urlsafe(24)
        if user:
            scopes = " ".join(request.query.get("scope", [])).split()
            asked = [scope.split(":")[1] for scope in scopes if scope.count(":") == 2]
            self.tokens[text] = user, frozenset(each for each in asked if self._may_pull(user, each))
        answer = as_json({"token": text, "expires_in": 300})
        return Answer(answer.status, answer.body, answer.headers, user)

    def _may_pull(self, user: str, repository: str) -> bool:
        return bool({EVERY_PROJECT, repository.partition("/")[0]} & set(self.settings.pulls[user]))

    def _challenge(self, repository: str | None) -> str:
        file = Path(self.settings.external)
        url = (file.read_text(encoding="utf-8") if file.exists() else "") or f"http://{self.settings.host}"
        realm = f'Bearer realm="{url}{TOKEN_PATH}",service="{self.settings.host}"'
        return f'{realm},scope="repository:{repository}:pull"' if repository else realm


if __name__ == "__main__":
    given = Settings(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    stand = Insisting(given).answer
    serve(stand, tuple(given.address), Path(given.log), tuple(given.backend))  # type: ignore[arg-type]
