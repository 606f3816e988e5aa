# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as plain texts, lists and mappings: bounded in every direction, and nothing in it makes an object.

Built from the parser's events, so that no alias is expanded, no tag does anything, and one document is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

MAX_FILE = 16 << 20
"""Bytes of one file; rendered charts have some hundred KiB."""

MAX_DEPTH = 100
MAX_VALUES = 10_000_000
"""Values in a file, those that aliases repeat counted each time."""

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_MERGE = "<<"


class NotYaml(Refusal):
    """What was read is not YAML, or more than the limits allow."""


class _Builder:
    """The value that is being read, and those around it."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, str | None]] = []  # a list or mapping, and its anchor
        self.keys: list[str | None] = []  # the key that waits for its value, by mapping
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.sizes: list[int] = []  # how many values are in each of them
        self.depths: list[int] = []  # how deep they are nested in each of them
        self.total = 0
        self.root: Any = None

    def add(self, value: Any, size: int = 1, depth: int = 0) -> None:
        """Put a value where it belongs."""
        self.total += size
        if self.total > MAX_VALUES:
            raise NotYaml(f"it holds more than {MAX_VALUES} values, with those that its aliases repeat")
        if len(self.stack) + depth > MAX_DEPTH:
            raise NotYaml(f"it is nested more than {MAX_DEPTH} deep")
        if self.stack:
            self.sizes[-1] += size
            self.depths[-1] = max(self.depths[-1], depth + 1)
        if not self.stack:
            self.root = value
            return
        inside = self.stack[-1][0]
        if isinstance(inside, list):
            inside.append(value)
        elif self.keys[-1] is None:
            if not isinstance(value, str):
                raise NotYaml("a key is not text, which Kubernetes objects never have")
            self.keys[-1] = value
        else:
            key, self.keys[-1] = self.keys[-1], None
            if key == _MERGE:
                for each in value if isinstance(value, list) else [value]:
                    for name, inner in each.items() if isinstance(each, dict) else ():
                        inside.setdefault(name, inner)
            else:
                inside[key] = value

    def open(self, value: Any, anchor: str | None) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise NotYaml(f"it is nested more than {MAX_DEPTH} deep")
        self.stack.append((value, anchor))
        self.sizes.append(1)
        self.depths.append(0)
        self.keys.append(None)
        self.total += 1

    def close(self) -> None:
        value, anchor = self.stack.pop()
        size, depth = self.sizes.pop(), self.depths.pop()
        self.keys.pop()
        self.total -= size
        self.add(value, size, depth)
        if anchor:
            self.anchors[anchor] = (value, size, depth)

    def alias(self, name: str | None) -> None:
        if name is None or name not in self.anchors:
            raise NotYaml(f"its alias {_text.line(name or '')!r} does not refer to a complete anchor before it")
        self.add(*self.anchors[name])


def documents(text: str) -> Iterator[Any]:
    """Yield each document as texts, lists and mappings; raises NotYaml with the line."""
    builder = _Builder()
    event: Any = None
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent):
                builder.add(event.value)
                if event.anchor:
                    builder.anchors[event.anchor] = (event.value, 1, 0)
            elif isinstance(event, yaml.MappingStartEvent):
                builder.open({}, event.anchor)
            elif isinstance(event, yaml.SequenceStartEvent):
                builder.open([], event.anchor)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                builder.close()
            elif isinstance(event, yaml.AliasEvent):
                builder.alias(event.anchor)
            elif isinstance(event, yaml.DocumentStartEvent):
                builder.root, builder.anchors = None, {}
            elif isinstance(event, yaml.DocumentEndEvent):
                yield builder.root
    except NotYaml as exc:
        raise NotYaml(f"line {event.start_mark.line + 1}: {exc}") from None
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = _text.line(str(getattr(exc, "problem", None) or getattr(exc, "reason", None) or "it is not text"))
        where = mark or getattr(event, "start_mark", None)
        raise NotYaml(f"line {where.line + 1 if where else 1}: {problem}") from None
