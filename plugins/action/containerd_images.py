# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return whether a node will pull images: read what names them, resolve, query the endpoints, judge."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants

from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import WireError
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._images import sources
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.sources import Name
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Probed, Surveyed
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.requests import Probe, Survey
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import images


class ActionModule(Action):
    """Read, resolve, query, judge."""

    argument_spec: dict[str, dict[str, Any]] = {
        "images": {"type": "list", "elements": "raw", "default": []},
        "manifests": {"type": "list", "elements": "str", "default": []},
        "images_file": {"type": "path"},
        "direct": {"type": "list", "elements": "str", "default": []},
        "ask": {"type": "bool", "default": True},
        "once_per_group": {"type": "bool", "default": False},
        **PLACES,
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        names = self._names(args)
        if names and not args["ask"]:
            return _named(names)
        ask = execute.asking(self, task_vars)
        surveyed = ask(Survey(requests.observe(args), images=not names), Surveyed)
        names = names or _there(surveyed)
        if not args["ask"]:
            return _named(names)
        asked = images.questions(surveyed, [each.image for each in names], args["direct"])
        told: dict[str, Any] = {"changed": False, "version": str(asked.node.release), "platform": str(asked.platform)}
        other = self._other(asked.group, args, str(task_vars.get("inventory_hostname")))
        told.update(group=asked.group, asked_by=other)
        if other:
            return {**told, "msg": f"{other} checks for all nodes with the same settings"}
        lists = [list(each.requests) for each in asked.images]
        try:
            answers = ask(Probe(lists, platforms=True), Probed).images if any(lists) else ((),) * len(lists)
        except WireError as exc:
            raise Refusal(f"images: {exc}: check fewer at a time") from None
        if len(answers) != len(lists):
            raise Refusal("the node returned results for images that were not requested")
        return {**told, **images.judged(names, images.outcomes(asked, answers))}

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

    def _other(self, group: str, args: Mapping[str, Any], host: str) -> str | None:
        """Return the node that asks for this group, None where it is this one.

        The first that gets here leaves its name where all processes of this run of Ansible look.
        """
        if not args["once_per_group"]:
            return None
        folder = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # Ansible makes it at run time
        path = os.path.join(folder, f"airgap-containerd-{self._task._uuid}-{group}")
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(host)
        except FileExistsError:
            with open(path, encoding="utf-8") as file:
                name = file.read() or "another node"
            return None if name == host else name
        return None


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
