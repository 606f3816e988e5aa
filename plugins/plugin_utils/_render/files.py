# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a node that is not there yet: for an image, for cloud-init and for Cluster API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking

SECRET_NAME = "containerd-registry"
"""The Kubernetes Secret that a Cluster API machine takes its files with secrets from."""

_RESTART = "systemctl restart containerd"
_NO_KEY = re.compile(r"[^-._a-zA-Z0-9]")


class File(NamedTuple):
    """One file of a node; `path` is absolute there."""

    path: str
    text: str
    mode: int
    is_secret: bool


class Document(NamedTuple):
    """One file for the control node; `name` is below the folder of the node."""

    name: str
    text: str
    mode: int


def files(plan: Plan) -> list[File]:
    """Return the files that a plan for a new node writes."""
    found = [
        File(path, text, placement.mode(path), path.endswith(".key") or _holds_secret(path, text))
        for path, text in plan.tree.writes.items()
    ]
    if plan.config_changed and plan.config_after is not None:
        secret = masking.holds_secret(plan.config_after)
        found.append(File(plan.config_path, plan.config_after, _secrets.PRIVATE if secret else 0o644, secret))
    return sorted(found)


def documents(found: Iterable[File], config_path: str) -> list[Document]:
    """Return the files themselves below `root/`, and both forms that take them inline, those with secrets apart."""
    found = list(found)
    secret = [each for each in found if each.is_secret]
    public = [each for each in found if not each.is_secret]
    commands = [_RESTART] if any(each.path == config_path for each in found) else []
    return [
        *(Document(f"root{each.path}", each.text, each.mode) for each in found),
        Document("cloud-init.yml", _cloud_config(public, commands), 0o644),
        Document("cloud-init-secrets.yml", _cloud_config(secret, []), _secrets.PRIVATE),
        Document("cluster-api.yml", _yaml(_cluster_api(found, commands)), 0o644),
        Document("cluster-api-secret.yml", _yaml(_secret(secret)), _secrets.PRIVATE),
    ]


def _holds_secret(path: str, text: str) -> bool:
    return path.endswith(".toml") and masking.holds_secret(text)


def _cloud_config(found: Iterable[File], commands: list[str]) -> str:
    """Return user data; `merge_how` lets lists of several documents add up, which replace each other by default."""
    data: dict[str, Any] = {
        "merge_how": [
            {"name": "list", "settings": ["append"]},
            {"name": "dict", "settings": ["no_replace", "recurse_list"]},
        ],
        "write_files": [{**_about(each), "content": each.text} for each in found],
    }
    if commands:
        data["runcmd"] = commands
    return "#cloud-config\n" + _yaml(data)


def _cluster_api(found: Iterable[File], commands: list[str]) -> dict[str, Any]:
    """Return what goes below `spec` of a KubeadmConfig, or `kubeadmConfigSpec` of a KubeadmControlPlane."""
    entries = [
        {**_about(each), "contentFrom": {"secret": {"name": SECRET_NAME, "key": _key(each.path)}}}
        if each.is_secret
        else {**_about(each), "content": each.text}
        for each in found
    ]
    return {"files": entries, **({"preKubeadmCommands": commands} if commands else {})}


def _secret(found: Iterable[File]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET_NAME},
        "stringData": {_key(each.path): each.text for each in found},
    }


def _key(path: str) -> str:
    """Return the key of a file in a Secret, which holds letters, digits, dots, dashes and underscores alone."""
    return _NO_KEY.sub("_", path.lstrip("/"))


def _about(file: File) -> dict[str, str]:
    return {"path": file.path, "owner": "root:root", "permissions": f"{file.mode:04o}"}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(data: Mapping[str, Any]) -> str:
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000))
