# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Harbor's side of the registry API: whom it sends where, and what it says itself of what is not there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from airgap_lab.harbor.accounts import Account, Logins, Project, Token
from airgap_lab.standin import Answer, Forward, Request, as_json, error

SERVICE = "harbor-registry"
TOKEN_PATH = "/service/token"
BASIC = 'Basic realm="harbor"'
READ_METHODS = ("GET", "HEAD")
RESOURCE = re.compile(r"^/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|tags)/(?P<reference>[^/]+(?:/[^/]*)?)$")
# What a name may consist of; the first part may be one of a host, which has capitals too.
_PART = r"[a-z0-9]+(?:(?:[._]|__|-*)[a-z0-9]+)*"
_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
NAME = re.compile(rf"^(?:{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*$")


@dataclass(frozen=True)
class Who:
    """What the Authorization header of a request comes to: an account, a token, or neither."""

    account: Account | None
    token: Token | None
    sent: bool

    @property
    def name(self) -> str | None:
        """The account's name, also that of a token."""
        return self.account.name if self.account else self.token.user if self.token else None

    def may(self, action: str, name: str, project: Project) -> bool:
        """Whether it may "pull" from a project that exists, or "push" to it."""
        if self.token:
            return action in self.token.actions.get(name, ())
        pulls = project.public or bool(self.account and self.account.may_pull(name))
        return pulls if action == "pull" else bool(self.account and self.account.admin)


@dataclass(frozen=True)
class Registry:
    """The registry API of a Harbor with these projects, images (REPOSITORY:TAG) and accounts."""

    projects: dict[str, Project]
    images: tuple[str, ...]
    logins: Logins

    def answer(self, request: Request, external: str, upstreams_away: bool = False) -> Answer | Forward:
        """Answer a request below /v2/; ``external`` is what the URL of Harbor's token service begins with."""
        realm = f'Bearer realm="{external}{TOKEN_PATH}",service="{SERVICE}"'
        if request.path == "/v2/_catalog":
            return self._catalog(request)
        resource = RESOURCE.match(request.path)
        if resource and not NAME.match(resource["repository"]):
            return _refused(f"un-recognized request: {request.method} {request.path}", "")
        if resource and "/" not in resource["repository"]:
            message = f"bad request: invalid repository name: {resource['repository']}"
            return error(400, "BAD_REQUEST", message)
        if not resource:
            return self._base(request, realm)
        return self._resource(request, resource, realm, upstreams_away)

    def who(self, request: Request) -> Who:
        """Whose request it is."""
        account = self.logins.check(*request.basic) if request.basic else None
        token = self.logins.find(request.bearer) if request.bearer else None
        return Who(account, token, request.scheme is not None)

    def _base(self, request: Request, realm: str) -> Answer:
        who = self.who(request)
        if who.name is None:
            return _refused("unauthorized", BASIC if who.sent else realm)
        return Answer(200, b"{}", {"Content-Type": "application/json; charset=utf-8"}, who.name)

    def _catalog(self, request: Request) -> Answer:
        account = self.who(request).account
        if not account or not account.admin:
            return _refused("unauthorized to list catalog", BASIC)
        return as_json({"repositories": sorted({image.rpartition(":")[0] for image in self.images})})

    def _resource(self, request: Request, resource: re.Match[str], realm: str, away: bool) -> Answer | Forward:
        repository = resource["repository"]
        name, _, rest = repository.partition("/")
        who = self.who(request)
        action = "pull" if request.method in READ_METHODS else "push"
        if not who.sent:
            scope = f'scope="repository:{repository}:{action}"'
            return _refused("authorize header needed to send HEAD to repository", f"{realm},{scope}")
        project = self.projects.get(name)
        if not project:
            return _refused(f"project {name} not found", "")
        if not who.may(action, name, project):
            return _refused(f"unauthorized to access repository: {repository}, action: {action}", BASIC)
        if action == "push" and project.proxy:
            return error(403, "DENIED", f"can not push artifact to a proxy project: {name}")
        if project.kind == "docker-hub" and "/" not in rest and resource["kind"] != "tags":
            start = f"/v2/{name}/"
            return Answer(301, b"", {"Location": request.target.replace(start, f"{start}library/", 1)}, who.name)
        if project.filter and not fnmatchcase(rest, project.filter):
            message = f'resource not found: repository "{rest}" does not match project repository filter'
            return error(404, "NOT_FOUND", message)
        if project.signed_only and resource["kind"] == "manifests":
            return error(412, "PROJECTPOLICYVIOLATION", "The image is not signed by cosign.")
        return self._content(resource, project, who, away)

    def _content(self, resource: re.Match[str], project: Project, who: Who, away: bool) -> Answer | Forward:
        """What the backend has; Harbor's own messages for what it does not have."""
        repository, kind, reference = resource["repository"], resource["kind"], resource["reference"]
        known = any(image.rpartition(":")[0] == repository for image in self.images)
        if kind == "blobs":
            gone = error(500, "UNKNOWN", "unknown error") if project.proxy and away else None
            return Forward(who.name, gone)
        if kind == "tags":
            return Forward(who.name, error(404, "NOT_FOUND", f"repository {repository} not found"))
        digest = ":" in reference
        missing = f"artifact {repository}{'@' if digest else ':'}{reference} not found"
        if project.proxy and not away:
            missing = f"resource not found: repo {repository}, {'digest' if digest else 'tag'} {reference} not found"
        elif not known:
            missing = f"repository {repository} not found"
        return Forward(who.name, error(404, "NOT_FOUND", missing))


def _refused(message: str, challenge: str) -> Answer:
    """401; Harbor says everything twice."""
    return error(401, "UNAUTHORIZED", f"{message}: {message}", challenge)
