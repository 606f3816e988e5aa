# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where variables come from: nothing that a node says decides anything on the control node.

Ansible puts the facts of a node above the variables of the inventory, whatever they are called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

PREFIX = "containerd_registry_"
"""What the names of the role's variables begin with."""


class FromFacts(Refusal):
    """A variable comes from the facts of the node."""


_OF_FACTS = "ansible_"
"""What the names begin with by which facts may be used: who writes one of them means a fact."""

_NOT_FOLLOWED = frozenset({"vars", "hostvars", "groups", "ansible_facts"})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARSER = jinja2.Environment(autoescape=True)  # parses alone, renders nothing


def check(variables: Mapping[str, Any], facts: Mapping[str, Any], kept: Mapping[str, Any], prefix: str = "") -> None:
    """Refuse variables of this collection that facts decide, by themselves or by another variable that they use.

    `facts` are those of one node, by the names that they have as variables; `kept` is what the plays of this run have
    set, above all facts (set_fact makes a fact too of what is cacheable). `prefix` stands for variables beside the
    role's. Raises FromFacts.
    """
    prefixes = (PREFIX, prefix or PREFIX)
    own = sorted(name for name in map(str, facts) if name.lstrip("_").startswith(prefixes))
    for name in own:
        if name not in kept or not _is_same(kept[name], facts[name]):
            raise FromFacts(
                f"{_text.line(name)} is set by the facts of this node, which are not trusted: remove it from the "
                "node's facts and the fact cache, and set it in the inventory"
            )
    others = frozenset(name for name in facts if _is_shadowed(name, variables, facts, kept))
    for name in sorted(name for name in map(str, variables) if name.startswith(prefixes)) if others else ():
        used = _used_by(name, variables, others)
        if used:
            raise FromFacts(
                f"{name} uses the variable {used}, which is set by the facts of this node, and these are not trusted: "
                f"remove {used} from the node's facts and the fact cache, or write ansible_facts.{used} where the fact "
                "is meant"
            )


def _is_shadowed(name: Any, variables: Mapping[str, Any], facts: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Return whether the variable of this name is what facts say, though its name does not say that it is a fact."""
    if not isinstance(name, str) or name.startswith(_OF_FACTS) or name not in variables or name in kept:
        return False
    return isinstance(facts[name], Mapping) or _is_same(variables[name], facts[name])  # mappings may be merged


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same as JSON, where NaN is NaN."""
    try:
        return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)
    except (TypeError, ValueError):  # keys of several types
        return bool(one == other)


def _used_by(name: str, variables: Mapping[str, Any], others: frozenset[str]) -> str | None:
    """Return the first of `others` that a variable uses, by however many variables between them."""
    seen, todo = {name}, [name]
    while todo:
        for text in _templates(variables[todo.pop()]):
            names = _names(text)
            if names & others:
                return min(names & others)
            new = {each for each in names if each in variables} - seen - _NOT_FOLLOWED
            seen |= new
            todo += sorted(new)
    return None


def _templates(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield str(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _templates(key)
            yield from _templates(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _templates(inner)


@lru_cache(maxsize=1024)
def _names(template: str) -> frozenset[str]:
    """Return the variables that a template uses, lookups of variables by their names included."""
    try:
        tree = _PARSER.parse(template)
    except jinja2.TemplateError:  # Ansible's own syntax, or none
        return frozenset(_IDENTIFIER.findall(template))
    found = {node.name for node in tree.find_all(nodes.Name)}
    by_name: list[nodes.Node] = [*tree.find_all(nodes.Call)]
    by_name += [each for each in tree.find_all(nodes.Getitem) if getattr(each.node, "name", None) == "vars"]
    for node in by_name:
        found |= {each.value for each in node.find_all(nodes.Const) if isinstance(each.value, str)}
    return frozenset(found)
