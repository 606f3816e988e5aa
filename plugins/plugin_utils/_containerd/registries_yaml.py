# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registries.yaml of k3s and RKE2: which registries they write a hosts.toml for (`getHostConfigs` in config.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal


def named(content: bytes | None, path: str) -> frozenset[str]:
    """Return the host namespaces, `*` among them; raises Refusal where the file is none that k3s reads."""
    try:
        data = yaml.safe_load((content or b"").decode("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        where = getattr(exc, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        raise Refusal(f"{path} is not valid YAML{line}, so the registries in it are unknown: correct it") from None
    if not isinstance(data, Mapping):
        raise Refusal(f"{path} is not a mapping, so the registries in it are unknown: correct it")
    configs = {str(host): each for host, each in _table(data, "configs").items() if _is_said(each)}
    mirrors = _table(data, "mirrors")
    asked = {str(name) for name, each in mirrors.items() if _table({"": each}, "").get("endpoint") or name in configs}
    return frozenset({*configs, *asked})


def _table(data: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _is_said(config: Any) -> bool:
    """Whether anything is said of a registry that its hosts.toml has to hold."""
    return isinstance(config, Mapping) and any(config.get(key) is not None for key in ("auth", "tls"))
