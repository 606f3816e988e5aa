# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random variables of the role for a node."""

from __future__ import annotations

import random
from typing import Any

from support import HARBOR, LAB_VARIABLES

Variables = dict[str, Any]

PROJECTS = HARBOR["containerd_registry_projects"]
START: Variables = {"restart_throttle": 0}


def change(chance: random.Random, before: Variables) -> Variables:
    """Variables of the next run: often the previous ones, otherwise with one or two of them changed."""
    wanted = {name: value for name, value in before.items() if name not in ("state", "restart")}
    for each in chance.choices(CHANGES, k=chance.choice([0, 0, 1, 1, 2])):
        each(chance, wanted)
    wanted["endpoints"] = _logins(wanted)
    state = chance.random()
    if state < 0.08:
        wanted["state"] = "absent"
    elif state < 0.15:
        wanted["state"] = "previous"
    if chance.random() < 0.1:
        wanted["restart"] = False
    return wanted


def _logins(wanted: Variables) -> dict[str, dict[str, str]]:
    """The credentials for mirrors at another address than that of the registry, which has its own already."""
    url = wanted.get("url", LAB_VARIABLES["containerd_registry_url"])
    others = {each for mirrors in wanted.get("mirrors", {}).values() for each in mirrors} - {url}
    login = {key: LAB_VARIABLES[f"containerd_registry_{key}"] for key in ("username", "password")}
    return {each: login for each in sorted(others)}


def _pick(name: str, *values: Any):
    def choose(chance: random.Random, wanted: Variables) -> None:
        value = chance.choice(values)
        if value is None:
            wanted.pop(name, None)
        else:
            wanted[name] = value

    return choose


def _url(chance: random.Random, wanted: Variables) -> None:
    url = chance.choice(["http://registry.lan", "http://registry.lan:5000", "http://harbor.lan"])
    wanted["url"] = url
    wanted["projects"] = PROJECTS if "harbor" in url else {}


CHANGES = (
    _url,
    _url,
    _pick("mirrors", None, {"quay.io": ["http://registry.lan:5000"]}, {"team.example.org": ["http://registry.lan"]}),
    _pick("extra_upstreams", None, ["registry.example.org"], ["registry.example.org", "team.example.org"]),
    _pick("direct", None, ["direct.example.org"]),
    _pick("mode", None, None, "legacy", "config_path"),
    _pick("catch_all", None, None, False, True),
    _pick("auth_method", None, "header", "config"),
)
