# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Harbor's accounts and projects: who may see and pull what, whose password is wrong, and what a token opens."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# How long Harbor waits after a wrong password, and refuses everybody of that name.
LOCK_SECONDS = 1.5
TOKEN_SECONDS = 1800
ROBOT_PREFIX = "robot$"
EVERY_PROJECT = "*"


@dataclass(frozen=True)
class Project:
    """A project; ``proxy`` is the URL of the registry that it is a proxy cache for, ``kind`` that registry's type.

    ``filter`` is its proxy_cache_filter_pattern, with * for whatever.
    """

    public: bool = False
    proxy: str | None = None
    kind: str | None = None
    signed_only: bool = False
    filter: str | None = None


@dataclass(frozen=True)
class Account:
    """A user or, by its name, a robot.

    ``pulls`` names the projects that it may pull from, "*" for all. ``sees`` are permissions of a robot beyond that:
    "project" (project:read where it may pull) and "registry" (registry:read of the system). ``state`` is "disabled" or
    "expired" where it is. ``days`` are those that a robot has left; None: it never expires.
    """

    name: str
    pulls: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    admin: bool = False
    state: str = "enabled"
    days: int | None = None

    @classmethod
    def load(cls, name: str, data: dict[str, Any]) -> Account:
        """An account as a data file has it."""
        return cls(**{**data, "name": name, **{key: tuple(data.get(key, ())) for key in ("pulls", "sees")}})

    @property
    def robot(self) -> bool:
        """Whether it is a robot."""
        return self.name.startswith(ROBOT_PREFIX)

    @property
    def of_project(self) -> str:
        """The project that a robot belongs to, "" for one of the system."""
        own, plus, _ = self.name.removeprefix(ROBOT_PREFIX).partition("+")
        return own if plus else ""

    def may_pull(self, project: str) -> bool:
        """Whether it may pull from a project that exists."""
        return self.admin or EVERY_PROJECT in self.pulls or project in self.pulls

    def may_see(self, project: str) -> bool:
        """Whether the API shows it a project that is not public."""
        return self.may_pull(project) and (not self.robot or "project" in self.sees)

    @property
    def may_see_registries(self) -> bool:
        """Whether the API shows it the registries that projects are proxy caches of."""
        return self.admin or "registry" in self.sees


@dataclass(frozen=True)
class Token:
    """What its bearer may do by project, until ``expires`` (seconds of the monotonic clock); ``user`` None: anybody."""

    user: str | None
    actions: dict[str, tuple[str, ...]]
    expires: float


@dataclass
class Logins:
    """Passwords and tokens, checked as Harbor does; every account has the same password."""

    accounts: dict[str, Account]
    password: str
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    locked: dict[str, float] = field(default_factory=dict)
    issued: dict[str, Token] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, name: str, password: str) -> Account | None:
        """The account, or None.

        A robot is looked up first. Everything else is looked up among the users: wrong credentials wait, and while one
        does, everybody of that name is refused at once.
        """
        account = self.accounts.get(name)
        right = account is not None and account.state == "enabled" and password == self.password
        if right and account and account.robot:
            return account
        with self.lock:
            if self.locked.get(name, 0.0) > self.clock():
                return None
            if not right:
                self.locked[name] = self.clock() + LOCK_SECONDS
        if not right:
            self.sleep(LOCK_SECONDS)
        return account if right else None

    def issue(self, account: Account | None, access: dict[str, tuple[str, ...]]) -> str:
        """A new token, in the form of a JWT; ``access`` are the actions that it opens, by repository."""
        entries = [{"type": "repository", "name": name, "actions": list(each)} for name, each in access.items()]
        claims = {"sub": account.name if account else "", "access": entries}
        parts = [_packed({"alg": "RS256", "typ": "JWT"}), _packed(claims), secrets.token_urlsafe(24)]
        text = ".".join(parts)
        actions = {name.partition("/")[0]: each for name, each in access.items()}
        self.issued[text] = Token(account.name if account else None, actions, self.clock() + TOKEN_SECONDS)
        return text

    def find(self, text: str) -> Token | None:
        """The token with this text, unless it has expired."""
        token = self.issued.get(text)
        return token if token and token.expires > self.clock() else None


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
