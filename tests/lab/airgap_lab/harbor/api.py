# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Harbor's own API, as far as api/v2.0/swagger.yaml is needed here, and its token service."""

from __future__ import annotations

import time

from airgap_lab.harbor.accounts import TOKEN_SECONDS, Account, Logins, Project
from airgap_lab.harbor.registry import SERVICE
from airgap_lab.standin import Answer, Request, as_json, error

VERSION = "v2.9.5"


def answer_token(request: Request, projects: dict[str, Project], logins: Logins) -> Answer:
    """The token service: who is refused gets a token all the same, which opens what is public."""
    if request.method != "GET":
        return Answer(405, b"Method Not Allowed", {"Content-Type": "text/plain; charset=utf-8"})
    service = request.query.get("service", [""])[0]
    if service != SERVICE:
        message = f"Unable to handle service: {service}".encode()
        return Answer(400, message, {"Content-Type": "text/plain; charset=utf-8"})
    account = logins.check(*request.basic) if request.basic else None
    scopes = " ".join(request.query.get("scope", [])).split()
    if not scopes and not account:
        return Answer(401)
    access = {}
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        repository = rest.rpartition(":")[0]
        if kind == "repository":
            access[repository] = _actions(repository, projects, account)
    text = logins.issue(account, access)
    issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    answer = as_json({"token": text, "access_token": text, "expires_in": TOKEN_SECONDS, "issued_at": issued})
    return Answer(answer.status, answer.body, answer.headers, account.name if account else None)


def _actions(repository: str, projects: dict[str, Project], account: Account | None) -> tuple[str, ...]:
    """Everything that the account may do, whatever was requested."""
    name, slash, _ = repository.partition("/")
    project = projects.get(name)
    if not project or not slash:
        return ()
    if account and account.admin:
        return ("pull", "push", "delete")
    return ("pull",) if project.public or (account and account.may_pull(name)) else ()


def answer_api(
    request: Request, path: str, projects: dict[str, Project], logins: Logins, external: str, host: str
) -> Answer:
    """A project, a registry, a ping, or what Harbor reports about itself; ``path`` is what follows /api/v2.0/."""
    account = logins.check(*request.basic) if request.basic else None
    kind, _, key = path.partition("/")
    if path == "ping":
        return Answer(200, b"Pong", {"Content-Type": "text/plain; charset=utf-8"})
    if path == "systeminfo":
        return as_json(_system(external, host, account))
    if kind == "projects":
        answer = _project(key, request.headers.get("x-is-resource-name") == "true", projects, account)
    elif kind == "robots":
        answer = _robots(request.query.get("q", [""])[0], list(projects), logins, account)
    elif kind == "registries":
        answer = _registry(key, projects, account)
    else:
        answer = error(404, "NOT_FOUND", f"path {request.path} was not found")
    return Answer(answer.status, answer.body, answer.headers, account.name if account else None)


def _system(external: str, host: str, account: Account | None) -> dict[str, object]:
    anybody = {"auth_mode": "db_auth", "primary_auth_mode": False, "self_registration": False, "banner_message": ""}
    told = {"harbor_version": VERSION, "external_url": external, "registry_url": host}
    return {**anybody, **told} if account else anybody


def _project(key: str, by_name: bool, projects: dict[str, Project], account: Account | None) -> Answer:
    """getProject: a key of digits is a number unless a header says that it is a name."""
    names = list(projects)
    if key.isdigit() and not by_name:
        key = names[int(key) - 1] if 0 < int(key) <= len(names) else key
    project = projects.get(key)
    if not (project and project.public):
        if not account:
            return error(401, "UNAUTHORIZED", "unauthorized")
        if not project and account.admin:
            return error(404, "NOT_FOUND", f"project {key} not found")
        if not project or not account.may_see(key):
            return error(403, "FORBIDDEN", "forbidden")
    number = names.index(key) + 1
    public = {"public": "true" if project.public else "false"}
    found: dict[str, object] = {"project_id": number, "name": key, "metadata": public}
    return as_json({**found, **({"registry_id": number} if project.proxy else {})})


def _robots(query: str, projects: list[str], logins: Logins, account: Account | None) -> Answer:
    """listRobot: those of the system or, by the number of it, of a project; here for administrators alone."""
    if not account:
        return error(401, "UNAUTHORIZED", "unauthorized")
    asked = dict(each.partition("=")[::2] for each in query.split(",") if each)
    of_project = ""
    if asked.get("Level") == "project":
        number = asked.get("ProjectID", "")
        if not number.isdigit():
            return error(400, "BAD_REQUEST", "must with project ID when to query project robots")
        of_project = projects[int(number) - 1] if 0 < int(number) <= len(projects) else "?"
    if not account.admin:
        return error(403, "FORBIDDEN", "forbidden")
    part = asked.get("name", "").removeprefix("~")
    found = [each for each in logins.accounts.values() if each.robot and each.of_project == of_project]
    return as_json([_robot(each) for each in found if part in each.name])


def _robot(account: Account) -> dict[str, object]:
    days = -1 if account.state == "expired" else account.days
    return {
        "name": account.name,
        "level": "project" if account.of_project else "system",
        "disable": account.state == "disabled",
        "expires_at": -1 if days is None else int(time.time()) + days * 86400 + 3600,
        "permissions": [],
    }


def _registry(key: str, projects: dict[str, Project], account: Account | None) -> Answer:
    """getRegistry: each has the number of its project."""
    if not account:
        return error(401, "UNAUTHORIZED", "unauthorized")
    if not account.may_see_registries:
        return error(403, "FORBIDDEN", account.name)
    names = list(projects)
    name = names[int(key) - 1] if key.isdigit() and 0 < int(key) <= len(names) else ""
    if not name or not projects[name].proxy:
        return error(404, "NOT_FOUND", f"registry {key} not found")
    return as_json({"id": int(key), "name": name, "url": projects[name].proxy, "status": "healthy"})
