# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return whether a node will pull images: read what names them, resolve, query the endpoints, judge."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils._action import turns
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._images import sources
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.sources import Name
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Probed, Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Probe, Survey
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import modes
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import foretell, images
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.foretell import Answers, Read, Variables
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.requests import ProbeRequest

_ENOUGH = 10
"""Nodes with the same variables after which no other release is expected, and nothing foretold."""


class ActionModule(Action):
    """Read, resolve, query, judge."""

    argument_spec: dict[str, dict[str, Any]] = {
        "images": {"type": "list", "elements": "raw", "default": []},
        "manifests": {"type": "list", "elements": "str", "default": []},
        "images_file": {"type": "path"},
        "direct": {"type": "list", "elements": "str", "default": []},
        "ask": {"type": "bool", "default": True},
        "once_per_group": {"type": "bool", "default": False},
        "from_variables": {"type": "str", "default": "containerd_registry_"},
        **PLACES,
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        names = self._names(args)
        if names and not args["ask"]:
            return _named(names)
        ask = execute.asking(self, task_vars)
        wish = Survey(requests.observe(args), images=not names)
        if names:
            asked, answers, dummy = self._read(ask, wish, [each.image for each in names], args, task_vars)
        else:
            surveyed: Surveyed = ask(wish, Surveyed)
            names = _there(surveyed)
            if not args["ask"]:
                return _named(names)
            asked, answers = images.questions(surveyed, [each.image for each in names], args["direct"]), None
        told: dict[str, Any] = {"changed": False, "version": str(asked.node.release), "platform": str(asked.platform)}
        host = str(task_vars.get("inventory_hostname"))
        other = turns.claim(self._task._uuid, asked.group, host) if args["once_per_group"] else None
        told.update(group=asked.group, asked_by=other)
        if other:
            return {**told, "msg": f"{other} checks for all nodes with the same settings"}
        if answers is None:
            answers = _query(ask, asked.requests)
        if len(answers) != len(names):
            raise Refusal("the node returned results for images that were not requested")
        return {**told, **images.judged(names, images.outcomes(asked, answers))}

    def _read(
        self, ask: Any, wish: Survey, names: list[str], args: Mapping[str, Any], task_vars: dict[str, Any]
    ) -> Read:
        """Read the node, and let it query at once what the variables foretell.

        If one node of each group is to query, those with the same variables come one after the other, as long as each
        is the first with its release and as foretold. Nothing is foretold for a release that an earlier one had.
        """
        about = names, args["direct"]
        variables = self._variables(args, task_vars)
        if not variables or not args["once_per_group"]:
            return foretell.read(ask, wish, *about, foretell.foretell(variables, *about) if variables else [])
        alike = json.dumps([variables.options, about], sort_keys=True, default=str)
        with turns.in_turn(self._task._uuid, hashlib.sha256(alike.encode()).hexdigest()) as words:
            known = [releases.parse(each) for each in words.left]
            foretold = foretell.foretell(variables, *about, known) if len(known) < _ENOUGH else []
            found = foretell.read(ask, wish, *about, foretold)
            if found.since:
                words.leave(releases.dotted(found.since))
            if found.answers is None:
                words.open()
        return found

    def _variables(self, args: Mapping[str, Any], task_vars: dict[str, Any]) -> Variables | None:
        """Return what the role's variables ask for; None where they cannot be used, which other tasks report."""
        prefix = args["from_variables"]
        if not prefix:
            return None
        try:
            asked_for = desired.of_variables(prefix, {**filter.defaults(), **task_vars}, self._templar)
            wanted = desired.desired(asked_for, prefix, self.pem_file)
            return Variables(asked_for, wanted, modes.settings(asked_for, self.file, prefix))
        except (Refusal, AnsibleError):
            return None

    def _names(self, args: Mapping[str, Any]) -> list[Name]:
        """Return the images that are named in any way; none where that is left to the node."""
        listed = args["images_file"] and self._path(args["images_file"])
        manifests = [self._path(each) for each in args["manifests"]]
        names = sources.names(manifests, listed, sources.given(args["images"]))
        if not names and (listed or manifests or args["images"]):
            raise Refusal("images: no image names were found in what was given")
        return names

    def _path(self, path: str) -> str:
        """Return where a file or folder of the control node is: where Ansible looks, and in the current directory."""
        path = os.path.expanduser(path)
        try:
            return self.file("files", path)
        except FileNotFoundError:
            return os.path.abspath(path)


def _query(ask: Any, lists: list[list[ProbeRequest]]) -> Answers:
    """Let a node query what it has to; return the answers for each image."""
    if not any(lists):
        return ((),) * len(lists)
    try:
        found: Probed = ask(Probe(lists, platforms=True), Probed)
    except WireError as exc:
        raise Refusal(f"images: {exc}: check fewer at a time") from None
    return found.images


def _named(names: Sequence[Name]) -> dict[str, Any]:
    certain = sum(each.certain for each in names)
    more = f", {len(names) - certain} more names may be images" if certain < len(names) else ""
    return {"changed": False, "names": [each._asdict() for each in names], "msg": f"{certain} images{more}"}


def _there(surveyed: Surveyed) -> list[Name]:
    """Return the images that the node has."""
    surveyed.observed.require_containerd()
    if surveyed.images is None:
        raise Refusal(f"the node's images cannot be listed: {surveyed.images_error}. Give images or manifests")
    if not surveyed.images:
        raise Refusal("the node has no images yet: give images or manifests")
    named = [Name(each.name, True, ["used by a container"] if each.used else []) for each in surveyed.images]
    return sources.names([], None, named)  # Docker shortens names that CRI gives in full
