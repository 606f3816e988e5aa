# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Harbor in front of a plain docker-registry, which answers as a real Harbor 2.9 was observed to, and as
the source of later ones says.

tests/unit/harbor_answers.md has its answers, request by request; `accounts`, `registry` and `api` are what it consists
of. It is a program of its own: ``python3 -m airgap_lab.harbor SETTINGS``, where SETTINGS is a file with the JSON of
``Settings``.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from airgap_lab.harbor.accounts import Account, Logins, Project
from airgap_lab.harbor.api import answer_api, answer_token
from airgap_lab.harbor.registry import TOKEN_PATH, Registry
from airgap_lab.standin import Answer, Forward, Request

API_PATH = "/api/v2.0/"
NGINX_HTML = {"Content-Type": "text/html"}


@dataclass(frozen=True)
class Settings:
    """Addresses are (host, port); every account has the same password; ``log`` and ``state`` are paths.

    ``state`` is a folder: the file ``external`` in it holds the external_url if that is not ``host``, while there is
    ``upstreams_away`` the registries behind the proxy caches do not answer, and while there is ``newer`` it answers as
    Harbor 2.14.
    """

    host: str
    address: tuple[str, int]
    backend: tuple[str, int]
    password: str
    accounts: dict[str, Account]
    projects: dict[str, Project]
    images: tuple[str, ...]
    log: str
    state: str

    def data(self) -> dict[str, Any]:
        """All of it in types that JSON has."""
        return asdict(self)

    @classmethod
    def load(cls, data: dict[str, Any]) -> Settings:
        """What ``data`` made."""
        made: dict[str, Any] = {key: tuple(data[key]) for key in ("address", "backend", "images")}
        made["projects"] = {name: Project(**each) for name, each in data["projects"].items()}
        made["accounts"] = {name: Account.load(name, each) for name, each in data["accounts"].items()}
        return cls(**{**data, **made})


@dataclass
class Harbor:
    """All of Harbor but its HTTP server."""

    projects: dict[str, Project]
    images: tuple[str, ...]
    logins: Logins
    host: str
    registry: Registry = field(init=False)

    def __post_init__(self) -> None:
        """Put the registry API together."""
        self.registry = Registry(self.projects, self.images, self.logins)

    def answer(
        self, request: Request, external: str = "", upstreams_away: bool = False, newer: bool = False
    ) -> Answer | Forward:
        """Answer a request; ``external`` is the external_url if it is another than that of the host.

        ``newer``: as Harbor 2.14 and later, whose token service is at the host of the request.
        """
        external = external or f"http://{self.host}"
        if newer and request.headers.get("host"):
            external = f"{external.partition('://')[0]}://{request.headers['host']}"
        path = request.path
        if path.startswith("/v2/"):
            headers = {"Docker-Distribution-Api-Version": "registry/2.0", "Set-Cookie": "sid=0; Path=/; HttpOnly"}
            headers["X-Request-Id"] = secrets.token_hex(8)
            answer = self.registry.answer(request, external, upstreams_away)
            return replace(answer, headers={**answer.headers, **headers})
        if path == TOKEN_PATH:
            return answer_token(request, self.projects, self.logins)
        if path.startswith(API_PATH):
            return answer_api(request, path.removeprefix(API_PATH), self.projects, self.logins, external, self.host)
        return self._nginx(path)

    def _nginx(self, path: str) -> Answer:
        """What nginx, in front of Harbor, and the portal say."""
        if path == "/v2":
            location = f"http://{self.host}/v2/"
            return Answer(301, b"<html><h1>301 Moved Permanently</h1></html>", {**NGINX_HTML, "Location": location})
        if path == "/v1" or path.startswith("/v1/"):
            return Answer(404, b"<html><h1>404 Not Found</h1></html>", NGINX_HTML)
        return Answer(200, b"<!doctype html><title>Harbor</title>", NGINX_HTML)
