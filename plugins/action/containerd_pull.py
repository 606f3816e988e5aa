# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images on a node in one execution; ask the endpoints in a second one where something is left open."""

from __future__ import annotations

from typing import Any

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._action.base import Action
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import PLACES
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import observation, require_containerd
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node, resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import outcome, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Seen

MAX_IMAGES = 100


class ActionModule(Action):
    """Pull, predict, ask, tell."""

    argument_spec = {
        "images": {"type": "list", "elements": "str", "default": []},
        "pause": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 120},
        "parallel": {"type": "int", "default": 3},
        "keep": {"type": "bool", "default": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        **PLACES,
    }

    def carry_out(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        images = list(dict.fromkeys(args["images"]))
        check(args, images)
        login = (args["username"], args["password"]) if args["username"] else None
        pulls: list[dict[str, Any]] = []
        proxies: dict[str, str] = {}
        if self._task.check_mode:
            observed = execute.execute(self, observation(args), task_vars)
        else:
            wanted = {key: args[key] for key in ("timeout", "parallel", "keep", "pause")}
            request = {**observation(args), **wanted, "do": "pull", "images": images, "login": login}
            reply = execute.execute(self, request, task_vars)
            observed, proxies, pulls = reply["observed"], reply["proxies"], reply["pulls"]
        require_containerd(observed, None)
        there = node.from_observation(observed)
        images = verdicts.images_to_pull(images, observed["effective"].get("pause") if args["pause"] else None)
        if not self._task.check_mode and [each["image"] for each in pulls] != images:
            raise Refusal("the node answers for other images than those that it was asked for")
        seen = [Seen(there, resolve.resolve(image, there), proxies=proxies) for image in images]
        pulled = pulls or [None] * len(images)
        seen = self._ask(seen, pulled, observed, login, task_vars)
        outcomes = [outcome.outcome(pull, each) for pull, each in zip(pulled, seen, strict=True)]
        return {
            "changed": False,
            "failed": any(each["state"] not in outcome.GOOD for each in outcomes),
            "msg": outcome.sentence(outcomes),
            "version": str(there.release),
            "images": outcomes,
        }

    def _ask(self, seen, pulls, observed, login, task_vars) -> list[Seen]:
        """Let the node ask the endpoints of the images where that tells more, all in one execution."""
        open_ones = [index for index, each in enumerate(seen) if outcome.needs_answers(pulls[index], each)]
        lists = []
        for each in map(seen.__getitem__, open_ones):
            lists.append(requests.requests(observed, each.node, each.found, login))
            lists.append(requests.requests(observed, each.node, each.found) if login else [])
        if not any(lists):
            return seen
        answers = execute.execute(self, {"do": "probe", "images": lists}, task_vars)["images"]
        seen = list(seen)
        for index, given, own in zip(open_ones, answers[::2], answers[1::2], strict=True):
            seen[index] = seen[index]._replace(answers=given, own_answers=own)
        return seen


def check(args: dict[str, Any], images: list[str]) -> None:
    """Refuse what no node can do."""
    if not images and not args["pause"]:
        raise Refusal("images: there is none; name some, or set pause")
    if len(images) > MAX_IMAGES:
        raise Refusal(f"images: {len(images)} of them are more than the {MAX_IMAGES} that one task pulls")
    for image in images:
        if not image or len(image) > 512 or not image.isprintable() or " " in image:
            raise Refusal(f"images: {image!r} is no image's name: write it as in a pod, REGISTRY/REPOSITORY:TAG")
    for option in ("timeout", "parallel"):
        if args[option] < 1:
            raise Refusal(f"{option}: {args[option]} is too small, 1 is the least")
    if bool(args["username"]) != bool(args["password"]):
        raise Refusal("username and password: a pull secret has both")
