# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's simulated Harbor answers like the real one in harbor_answers.md."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from airgap_lab import config
from airgap_lab.harbor import Harbor, Settings
from airgap_lab.harbor.accounts import LOCK_SECONDS, Logins
from airgap_lab.standin import Answer, Forward, Request, error

TABLES = Path(__file__).with_name("harbor_answers.md")
HARBOR = config.load().registries["harbor.lan"]
PASSWORD = "right"
REALM = 'Bearer realm="http://harbor.lan/service/token",service="harbor-registry"'
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLES.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| request ")
]


class Stand:
    """A Harbor whose clock advances only while it waits."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 0.0
        logins = Logins(HARBOR.accounts, PASSWORD, self.slept.append, lambda: self.now)
        self.harbor = Harbor(HARBOR.projects, HARBOR.images, logins, HARBOR.name)

    def ask(self, request: str, login: str = "none", external: str = "", newer_at: str = "") -> Answer:
        """Answer a request as it is written in the tables; what is behind has the images and no blob."""
        away, words = request.startswith("away "), request.removeprefix("away ").split()
        method, target = words if len(words) == 2 else ["GET", *words]
        if not target.startswith("/"):
            name, query = (*target.split("?"), "")[:2]
            split = re.fullmatch(r"([^:@]+)(?:[:@](.+))?", name)
            assert split
            target = f"/v2/{split[1]}/manifests/{split[2] or 1}" + (query and f"?{query}")
        headers = {} if login == "none" else {"authorization": self.header(login)}
        headers["host"] = newer_at
        answer = self.harbor.answer(Request(method, target, headers), external, away, bool(newer_at))
        if isinstance(answer, Answer):
            return answer
        return self.backend(target, answer)

    def header(self, login: str) -> str:
        if login.startswith(("Basic ", "Bearer ")):
            return login
        if login.startswith("token "):
            dummy, account, repository = login.split()
            path = f"/service/token?service=harbor-registry&scope=repository:{repository}:pull"
            return "Bearer " + json.loads(self.ask(path, "none" if account == "nobody" else account).body)["token"]
        name, colon, password = login.partition(":")
        return "Basic " + base64.b64encode(f"{name}:{password if colon else PASSWORD}".encode()).decode()

    @staticmethod
    def backend(target: str, wish: Forward) -> Answer:
        path = target.partition("?")[0].removeprefix("/v2/")
        if path.replace("/manifests/", ":") in HARBOR.images:
            return Answer(200)
        return wish.missing or error(404, "BLOB_UNKNOWN", "blob unknown to registry")


@pytest.mark.parametrize(("request_", "login", "status", "challenge", "body", "seconds"), ROWS)
def test_every_answer_of_the_tables(request_, login, status, challenge, body, seconds):
    stand = Stand()
    answer = stand.ask(request_, login)
    assert answer.status == int(status), answer
    kind, dummy, repository = challenge.partition(" ")
    scope = f',scope="repository:{repository}:pull"' if repository else ""
    wanted = {"": None, '""': "", "Basic": 'Basic realm="harbor"', "Bearer": REALM + scope}[kind]
    assert answer.headers.get("Www-Authenticate") == wanted
    assert sum(stand.slept) == (float(seconds) if seconds else 0.0)
    if body.startswith("has "):
        assert body.removeprefix("has ") in answer.body.decode()
    elif body.startswith("actions"):
        assert opened(answer) == body.split()[1:]
    elif body:
        code, dummy, message = body.partition(" ")
        assert json.loads(answer.body) == {"errors": [{"code": code, "message": message}]}


def opened(answer: Answer) -> list[str]:
    """The actions of the first repository in a token."""
    claims = json.loads(answer.body)["token"].split(".")[1]
    access = json.loads(base64.urlsafe_b64decode(claims + "==="))["access"]
    return access[0]["actions"] if access else []


def test_its_registry_api_marks_every_answer():
    for request, login in (("/v2/", "none"), ("/v2/", "admin"), ("pause", "none"), ("nosuch/app", "admin")):
        answer = Stand().ask(request, login)
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
        assert answer.headers["Set-Cookie"].startswith("sid=") and answer.headers["X-Request-Id"]
    assert "Docker-Distribution-Api-Version" not in Stand().ask("/v2").headers


def test_a_redirect_says_where_to():
    assert Stand().ask("/v2").headers["Location"] == "http://harbor.lan/v2/"
    found = Stand().ask("dockerhub/busybox?ns=docker.io", "robot$puller").headers["Location"]
    assert found == "/v2/dockerhub/library/busybox/manifests/1?ns=docker.io"


def test_the_realm_is_the_external_url_whatever_was_asked():
    answer = Stand().ask("/v2/", external="https://elsewhere.example.org")
    assert answer.headers["Www-Authenticate"].startswith('Bearer realm="https://elsewhere.example.org/service/token"')


def test_from_2_14_on_the_realm_is_the_host_that_was_asked_with_the_scheme_of_the_external_url():
    answer = Stand().ask("/v2/", external="https://elsewhere.example.org", newer_at="harbor.lan:8080")
    assert answer.headers["Www-Authenticate"].startswith('Bearer realm="https://harbor.lan:8080/service/token"')


def test_only_who_logs_in_is_told_the_external_url():
    assert b"external_url" not in Stand().ask("/api/v2.0/systeminfo").body


@pytest.mark.parametrize(("account", "refused"), [("developer", True), ("robot$puller", False)])
def test_a_wrong_password_locks_out_users_and_no_robots(account, refused):
    """While wrong credentials wait, a user's correct ones are refused at once; 1.5 seconds later they are accepted."""
    stand = Stand()
    assert stand.ask("/v2/", f"{account}:wrong").status == 401 and stand.slept == [LOCK_SECONDS]
    assert stand.ask("/v2/", account).status == (401 if refused else 200)
    assert stand.ask("/v2/", f"{account}:wrong").status == 401
    assert stand.ask("/v2/", "admin").status == 200
    assert stand.slept == [LOCK_SECONDS], "who is refused at once does not wait"
    stand.now = LOCK_SECONDS
    assert stand.ask("/v2/", account).status == 200


def test_tokens_expire():
    stand = Stand()
    header = stand.header("token robot$puller lab/app")
    stand.now = 1800
    assert stand.ask("lab/app", header).status == 401


def test_settings_survive_the_way_to_the_program():
    settings = Settings(
        "harbor.lan", ("10.0.0.1", 80), ("127.0.0.1", 5001), PASSWORD, HARBOR.accounts, HARBOR.projects, HARBOR.images,
        "/log", "/state",
    )  # fmt: skip
    assert Settings.load(json.loads(json.dumps(settings.data()))) == settings
