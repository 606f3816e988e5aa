# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that insists on tokens: it answers Basic with a Bearer challenge, as Harbor never does and others do.

Its token service takes GET alone, refuses a wrong password, and gives anybody else a token that opens nothing. It is a
program of its own: ``python3 -m airgap_lab.insisting SETTINGS``, with the JSON of ``Settings`` in a file.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from airgap_lab.standin import Answer, Forward, Request, as_json, error, serve

TOKEN_PATH = "/token"
RESOURCE = re.compile(r"^/v2/(?P<repository>.+)/(?:manifests|blobs|tags)/[^/]+$")


@dataclass(frozen=True)
class Settings:
    """Addresses are (host, port), ``log`` is a path; a file ``external`` may hold another URL of the token service."""

    host: str
    address: tuple[str, int]
    backend: tuple[str, int]
    username: str
    password: str
    log: str
    external: str


@dataclass
class Insisting:
    """All of it but its HTTP server."""

    settings: Settings
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer | Forward:
        """Answer a request."""
        if request.path == TOKEN_PATH:
            return self._token(request)
        if not request.path.startswith("/v2/"):
            return Answer(404)
        resource = RESOURCE.match(request.path)
        repository = resource["repository"] if resource else None
        opened = self.tokens.get(request.bearer or "")
        if opened is None or (repository and repository not in opened) or request.method not in ("GET", "HEAD"):
            return error(401, "UNAUTHORIZED", "authentication required", self._challenge(repository))
        return Forward(self.settings.username)

    def _token(self, request: Request) -> Answer:
        if request.method != "GET":
            return error(405, "UNSUPPORTED", "method not allowed")
        right = request.basic == (self.settings.username, self.settings.password)
        if request.scheme and not right:
            return error(401, "UNAUTHORIZED", "wrong username or password")
        text = secrets.token_urlsafe(24)
        if right:
            scopes = " ".join(request.query.get("scope", [])).split()
            self.tokens[text] = frozenset(scope.split(":")[1] for scope in scopes if scope.count(":") == 2)
        answer = as_json({"token": text, "expires_in": 300})
        return Answer(answer.status, answer.body, answer.headers, self.settings.username if right else None)

    def _challenge(self, repository: str | None) -> str:
        file = Path(self.settings.external)
        url = (file.read_text(encoding="utf-8") if file.exists() else "") or f"http://{self.settings.host}"
        realm = f'Bearer realm="{url}{TOKEN_PATH}",service="{self.settings.host}"'
        return f'{realm},scope="repository:{repository}:pull"' if repository else realm


if __name__ == "__main__":
    given = Settings(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    stand = Insisting(given).answer
    serve(stand, tuple(given.address), Path(given.log), tuple(given.backend))  # type: ignore[arg-type]
