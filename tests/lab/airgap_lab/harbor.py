# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for Harbor: its projects, authentication and token service in front of a plain docker-registry.

It answers as Harbor's source says: a repository needs a project (400 without one, before anything else is looked at),
/v2/ accepts Basic as well as a token, a request without credentials is sent to the token service, one with rejected
credentials gets a Basic challenge, and a project that does not exist is a 401 without any challenge
(src/server/middleware/v2auth). While the strict file exists it insists on tokens instead. Of the API that is published
in api/v2.0/swagger.yaml it has getProject and getRegistry: the robot account may see neither, a member the projects,
the administrator both. It is a program of its own: ``python3 harbor.py SETTINGS``, where SETTINGS is the JSON of
``Settings``.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import re
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SERVICE = "harbor-registry"
TOKEN_PATH = "/service/token"
TOKEN_SECONDS = 1800
API_PATH = "/api/v2.0/"
MEMBER = "developer"
ADMINISTRATOR = "admin"
RESOURCE = re.compile(r"^/v2/(?P<repository>.+)/(?:manifests|blobs|tags)/[^/]+$")
READ_METHODS = ("GET", "HEAD")
FORWARDED_HEADERS = ("Accept", "If-None-Match", "Range", "User-Agent")
DROPPED_HEADERS = ("connection", "date", "keep-alive", "server", "transfer-encoding")


@dataclass(frozen=True)
class Settings:
    """Addresses are (host, port); ``projects`` have the URL of the registry that each is a proxy cache for, or None.

    ``username`` is the robot account; MEMBER and ADMINISTRATOR have its password. ``log``, ``strict_file`` and
    ``external_file`` are paths; the last holds the external_url if that is not ``host``.
    """

    host: str
    address: tuple[str, int]
    backend: tuple[str, int]
    username: str
    password: str
    projects: dict[str, str | None]
    log: str
    strict_file: str
    external_file: str


@dataclass(frozen=True)
class Token:
    """Repositories that its bearer may pull from, until ``expires`` (seconds of the monotonic clock)."""

    user: str | None
    repositories: frozenset[str]
    expires: float


@dataclass
class Tokens:
    """The tokens issued, by their text."""

    issued: dict[str, Token] = field(default_factory=dict)

    def issue(self, user: str | None, repositories: frozenset[str]) -> str:
        """A new token; one without user carries no rights."""
        text = secrets.token_urlsafe(24)
        self.issued[text] = Token(user, repositories if user else frozenset(), time.monotonic() + TOKEN_SECONDS)
        return text

    def find(self, text: str) -> Token | None:
        """The token with this text, unless it has expired."""
        token = self.issued.get(text)
        return token if token and token.expires > time.monotonic() else None


def pulled_repositories(scopes: list[str]) -> frozenset[str]:
    """Repositories to pull from in token scopes such as ``repository:NAME:pull,push`` (several may share a string)."""
    names = set()
    for scope in " ".join(scopes).split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and "pull" in actions.split(","):
            names.add(name)
    return frozenset(names)


def basic_account(value: str) -> tuple[str, str] | None:
    """User and password of the parameter of a Basic Authorization header, or None if it is malformed."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass made by ``serve`` carries the three attributes below."""

    protocol_version = "HTTP/1.1"
    settings: Settings
    tokens: Tokens
    log_lock: threading.Lock

    def do_GET(self) -> None:
        """Answer a request; every method comes here."""
        self.user: str | None = None
        scheme, _, parameter = self.headers.get("Authorization", "").partition(" ")
        self.scheme = scheme.lower() or None
        self.parameter = parameter
        # No request of a puller has a body that matters, but an unread one would be taken for the next request.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path == TOKEN_PATH:
            self.answer_token()
        elif path == "/v2" or path.startswith("/v2/"):
            self.answer_registry(path)
        elif path.startswith(API_PATH):
            self.answer_api(path.removeprefix(API_PATH))
        else:
            self.answer(200, b"<!doctype html><title>Harbor</title>", {"Content-Type": "text/html"})

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer_token(self) -> None:
        """The token service: GET only; anonymous gets a token without rights."""
        if self.command != "GET":
            self.refuse(405, "METHOD_NOT_ALLOWED", "method not allowed")
            return
        if self.scheme == "basic":
            self.user = self.basic_user()
            if not self.user:
                self.refuse(401, "UNAUTHORIZED", "unauthorized")
                return
        scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
        text = self.tokens.issue(self.user, pulled_repositories(scopes))
        issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        body = {"token": text, "access_token": text, "expires_in": TOKEN_SECONDS, "issued_at": issued}
        self.answer_json(body)

    def answer_registry(self, path: str) -> None:
        """The registry API, for reading."""
        resource = RESOURCE.match(path)
        repository = resource["repository"] if resource else None
        if repository and "/" not in repository:
            self.refuse(400, "BAD_REQUEST", f"invalid repository name: {repository}")
        elif repository and self.lacks_project(repository):
            self.refuse(401, "UNAUTHORIZED", f"project {repository.partition('/')[0]} not found", "")
        elif not self.authorized(repository):
            self.refuse(401, "UNAUTHORIZED", "unauthorized to access repository", self.challenge(repository))
        else:
            self.forward()

    def lacks_project(self, repository: str) -> bool:
        """Whether there is no such project; not looked for where HEAD comes without credentials."""
        anonymous_head = self.command == "HEAD" and not self.scheme
        return not anonymous_head and repository.partition("/")[0] not in self.settings.projects

    def answer_api(self, path: str) -> None:
        """Harbor's own API: a project by its name, a registry by its number (that of its project)."""
        user = self.user = self.basic_user() if self.scheme == "basic" else None
        names = list(self.settings.projects)
        kind, _, key = path.partition("/")
        if not user:
            self.refuse(401, "UNAUTHORIZED", "unauthorized")
        elif kind == "projects" and user in (MEMBER, ADMINISTRATOR):
            self.answer_project(key, user)
        elif kind == "registries" and user == ADMINISTRATOR and key.isdigit() and 0 < int(key) <= len(names):
            url = self.settings.projects[names[int(key) - 1]]
            self.answer_json({"id": int(key), "name": names[int(key) - 1], "url": url, "status": "healthy"})
        else:
            self.refuse(403, "FORBIDDEN", "forbidden")

    def answer_project(self, name: str, user: str) -> None:
        """getProject: who may see everything learns that there is no such project, all others are refused."""
        names = list(self.settings.projects)
        if name in names:
            number = names.index(name) + 1
            project = {"project_id": number, "name": name, "metadata": {"public": "false"}}
            self.answer_json({**project, **({"registry_id": number} if self.settings.projects[name] else {})})
        elif user == ADMINISTRATOR:
            self.refuse(404, "NOT_FOUND", f"project {name} not found")
        else:
            self.refuse(403, "FORBIDDEN", "forbidden")

    def answer_json(self, body: dict[str, object]) -> None:
        """Answer with what was asked for."""
        self.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def authorized(self, repository: str | None) -> bool:
        """Whether the credentials sent allow the request, on ``repository`` or (None) on the registry as such."""
        if self.scheme == "basic" and not self.strict:
            self.user = self.basic_user()
            return self.user is not None and self.command in READ_METHODS
        if self.scheme == "bearer":
            token = self.tokens.find(self.parameter)
            self.user = token.user if token else None
            allowed = token and token.user and (repository is None or repository in token.repositories)
            return bool(allowed) and self.command in READ_METHODS
        return False

    @property
    def strict(self) -> bool:
        """Whether only tokens are accepted; may change between any two requests."""
        return Path(self.settings.strict_file).exists()

    def basic_user(self) -> str | None:
        """The user whose Basic credentials were sent, or None if they are wrong."""
        user, password = basic_account(self.parameter) or ("", "")
        known = user in (self.settings.username, MEMBER, ADMINISTRATOR)
        return user if known and password == self.settings.password else None

    def challenge(self, repository: str | None) -> str:
        """WWW-Authenticate for this request."""
        if self.scheme and not self.strict:
            return 'Basic realm="harbor"'
        external = Path(self.settings.external_file)
        url = (external.read_text() if external.exists() else "") or f"http://{self.settings.host}"
        realm = f'Bearer realm="{url}{TOKEN_PATH}",service="{SERVICE}"'
        return f'{realm},scope="repository:{repository}:pull"' if repository else realm

    def forward(self) -> None:
        """Pass the request on to the registry behind and its answer back."""
        connection = http.client.HTTPConnection(*self.settings.backend, timeout=30)
        sent = {name: self.headers[name] for name in FORWARDED_HEADERS if name in self.headers}
        try:
            connection.request(self.command, self.path, headers=sent)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            self.refuse(502, "BAD_GATEWAY", str(error))
            return
        finally:
            connection.close()
        headers = {name: value for name, value in response.getheaders() if name.lower() not in DROPPED_HEADERS}
        self.answer(response.status, body, headers)

    def refuse(self, status: int, code: str, message: str, challenge: str | None = None) -> None:
        """Answer with an error in the registry API's form."""
        headers = {"Content-Type": "application/json"}
        if challenge is not None:
            headers["Www-Authenticate"] = challenge
        self.answer(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send the answer and note it in the log, in this order of facts: logged before the client can go on."""
        self.note(status)
        self.send_response(status)
        # The length of an answer to HEAD is that of the body it stands for, and comes from the registry behind.
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def note(self, status: int) -> None:
        """Append the request to the log as one line of JSON."""
        entry = {
            "time": time.time(),
            "client": self.client_address[0],
            "method": self.command,
            "path": self.path,
            "user": self.user,
            "auth": self.scheme,
            "status": status,
        }
        with self.log_lock, open(self.settings.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: ``note`` keeps the log."""


def serve(settings: Settings) -> None:
    """Answer requests until killed."""
    attributes = {"settings": settings, "tokens": Tokens(), "log_lock": threading.Lock()}
    ThreadingHTTPServer(settings.address, type("BoundHandler", (Handler,), attributes)).serve_forever()


if __name__ == "__main__":
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    content.update({name: tuple(content[name]) for name in ("address", "backend")})
    serve(Settings(**content))
