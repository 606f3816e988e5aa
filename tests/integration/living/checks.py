# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true of a node after each run of the role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from airgap_lab import LabError, counters
from support import pid

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load
from living.events import CERTS, CONFIG, FOREIGN, Mortal

LISTED = ("docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "registry.k8s.io/pause:3.9")
UNLISTED = "registry.example.org/team/tool:1"
PRIVATE = tuple(f"{name}/second/only:1" for name in FOREIGN)
IMAGES = (*LISTED, UNLISTED, *PRIVATE)
STATE = "/var/lib/airgap-containerd"
OURS = "registry.lan|harbor.lan"
CRI_SECONDS = 10.0

Result = dict[str, Any]


def kept(node: Mortal, warnings: list[str]) -> Iterator[str]:
    """Nothing of others is lost; undoing a run may revert later changes, if it says so and keeps a copy."""
    text = node.config()
    data = load(text)
    lost_comments = {each for each in node.comments if f"{each}\n" not in f"{text}\n"}
    lost_keys = {path: value for path, value in node.keys.items() if _at(data, path) != value}
    lost_files = {path for path, content in node.files.items() if node.shell(f"cat {path} 2>/dev/null") != content}
    node.comments -= lost_comments
    for path in lost_keys:
        del node.keys[path]
    for path in lost_files:
        del node.files[path]
    lost_comments = {each for each in lost_comments if not _goes_along(node.text, text, each)}
    if any(f"{CONFIG} was changed after the run that is undone" in each for each in warnings):
        if not node.shell(f"ls {STATE}/*config.toml.*"):
            yield f"no copy of {CONFIG} is kept"
        lost_comments, lost_keys = set(), {}
    for each in sorted(lost_comments):
        yield f"the comment {each} is gone from {CONFIG}"
    for path, value in lost_keys.items():
        yield f"{'.'.join(path)} was {value!r} and is {_at(data, path)!r}"
    for each in sorted(lost_files):
        yield f"{each} of somebody else is not what it was"


def _goes_along(before: str, after: str, comment: str) -> bool:
    """Whether what a comment was about is gone too: the key in its line, or what is above or below it."""
    lines = [line.strip() for line in before.splitlines()]
    number = next((number for number, line in enumerate(lines) if line.endswith(comment)), None)
    if number is None:
        return False
    own = _code(lines[number])
    around = [next((code for code in map(_code, part) if code), "") for part in (lines[number::-1], lines[number:])]
    there = {"", *(_code(line) for line in after.splitlines())}
    return not there.issuperset([own] if own else around)


def _code(line: str) -> str:
    """A line without the comment that an operator wrote behind it, or instead of it."""
    return re.sub("# .*$", "", line).strip()


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def gone(node: Mortal, warnings: list[str]) -> Iterator[str]:
    """After the role took back what is its own, there is nothing of it, unless others edited it and that is said."""
    node.left.update(re.findall(r"(\S+) is no longer needed, but was edited by hand", "\n".join(warnings)))
    known = node.left.union(node.files)
    files = node.shell(f"grep -rlE '{OURS}' /etc/containerd 2>/dev/null").split()
    for path in files:
        if path not in known:
            yield f"{path} names a registry still"
    if node.lab.run(node.name, ["test", "-e", STATE]).returncode == 0:
        yield f"{STATE} is there still: {node.shell(f'ls {STATE}')!r}"
    for path in node.shell(f"find {CERTS} -name hosts.toml 2>/dev/null").split():
        if path not in known:
            yield f"{path} is there still"


def served(node: Mortal, answers: list[Result], present: bool) -> Iterator[str]:
    """Pull two images; each has to come from where resolve says, and what is listed from the registry."""
    known = {each.partition("/")[0] for each in (path.removeprefix(f"{CERTS}/") for path in node.files)}
    by_header = not node.shell(f"grep -c config_path {CONFIG}").startswith("0") and node.suite != "bullseye"
    images = [*LISTED, UNLISTED, *(each for each in PRIVATE if by_header and each.partition("/")[0] in known)]
    wanted = set(node.chance.sample(images, 2))
    registries = {}
    for registry in node.lab.config.registries.values():
        for port in registry.ports:
            registries[f"{registry.name}:{port}"] = registry
    for answer in answers:
        if answer["image"] not in wanted:
            continue
        if answer["error"]:
            yield f"resolve says of {answer['image']}: {answer['error']}"
            continue
        first = answer["requests"][0]["url"]
        parts = urlsplit(first)
        host = f"{parts.hostname}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"
        internal = host in registries
        if present and answer["image"] in LISTED and not internal:
            yield f"{answer['image']} would come from {first}"
            continue
        yield from _pulled(node, answer["image"], host, parts.path, internal)


def _pulled(node: Mortal, image: str, host: str, path: str, internal: bool) -> Iterator[str]:
    machine = node.lab.config.nodes[node.name]
    counters.reset(node.lab.config, machine)
    mark = node.lab.mark()
    error = None
    try:
        node.lab.pull(node.name, image)
    except LabError as caught:
        error = str(caught)
    seen = [each for each in node.lab.requests(mark) if each["node"] == node.name]
    counted = counters.read(node.lab.config, machine)
    outside = {name: counted[name] for name in ("dns", "other", "no_route") if counted[name]}
    asked = [f"{each['registry']}:{each['port']}" for each in seen]
    if internal and error:
        yield f"{image} was to come from {host}{path}: {error}"
    if internal and (not seen or asked[0] != host or urlsplit(seen[0]["path"]).path != path):
        yield f"{image} was to come from {host}{path}, and these were asked: {[each['path'] for each in seen]} {asked}"
    if internal and outside:
        yield f"{image} came from {host}, and something else was asked, too: {outside}"
    if not internal and not error:
        yield f"{image} was to come from {host} and came from {asked}"


def steady(node: Mortal, before: str, first: Result, second: Result) -> Iterator[str]:
    """A second run changes nothing, containerd was restarted if that is said, and serves unless it still has to be."""
    if second.get("changed"):
        yield f"a second run changes something: {second.get('msg')}"
    if second.get("restarted"):
        yield "a second run restarts containerd"
    if not node.unsettled:
        now = pid(node.lab, node.name)
        if (now != before) != bool(first.get("restarted")):
            yield f"containerd's process was {before} and is {now}, and restarted is {first.get('restarted')}"
    if not second.get("restart_due") and not node.lab.serves_cri(node.name):
        yield "CRI does not answer"
