# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How missing images get to where nodes look for them: a list, and a script of skopeo commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text

_COPIED = ("not_found", "project_missing", "platform")
"""The classes of failure that a copy fixes; nothing can be pushed to a proxy cache."""

_SAFE = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._/:@\[\]-]{0,600}")  # of a node's settings, and in a script

HEAD = """\
#!/bin/sh
# Copies the images that the nodes need and their registries lack, for all platforms. Run it with skopeo 1.6 or later,
# where both the source and the destination registries can be reached.
#
# Credentials come from a file, never from the command line: log in before (skopeo login), or set REGISTRY_AUTH_FILE.
"""
_BODY = """\
failed=0
run() { "$@" || { echo "failed: $*" >&2; failed=$((failed + 1)); }; }
"""
_END = """\
[ "$failed" -eq 0 ] || { echo "$failed of %d images were not copied" >&2; exit 1; }
"""


def copies(outcomes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what has to be copied, each destination once: of two sources for one, the first."""
    found: dict[str, dict[str, Any]] = {}
    for each in outcomes:
        put, wrong = each.get("put"), each["diagnosis"] or {}
        if not put or wrong.get("kind") not in _COPIED:
            continue
        entry = {
            "image": each["image"],
            "source": put["source"],
            "destination": put["name"],
            "registry": put["registry"],
            "project": put["project"],
            "project_missing": wrong["kind"] == "project_missing",
            "plain_http": put["plain_http"],
            "verified": put["verified"],
            "also": [],
        }
        known = found.setdefault(put["name"], entry)
        if known["source"] != put["source"] and put["source"] not in known["also"]:
            known["also"].append(put["source"])
    return list(found.values())


def projects(listed: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the projects that have to be created before."""
    missing = {(each["registry"], each["project"]) for each in listed if each["project_missing"] and each["project"]}
    return [{"registry": registry, "project": project} for registry, project in sorted(missing)]


def script(listed: list[dict[str, Any]]) -> str:
    """Return the shell script."""
    registries = sorted({(each["registry"], each["plain_http"] or not each["verified"]) for each in listed})
    lines = [HEAD.rstrip("\n")]
    for registry, open_ in registries:
        if _SAFE.fullmatch(registry):
            lines.append(f"#   skopeo login{' --tls-verify=false' if open_ else ''} {registry}")
    for each in projects(listed):
        lines.append(f"# Create the project {_text.line(each['project'])} in {_text.line(each['registry'])} first.")
    lines += [_BODY.rstrip("\n"), *(line for each in listed for line in _lines(each)), _END.rstrip("\n") % len(listed)]
    return "\n".join(lines) + "\n"


def _lines(each: Mapping[str, Any]) -> Iterator[str]:
    source, destination = each["source"], each["destination"]
    if not (_SAFE.fullmatch(source) and _SAFE.fullmatch(destination)):
        yield f"# skipped, because its name is not a valid image name: {_text.line(source)}"
    elif source == destination:
        yield f"# {source} already has the name of the registry itself: push it where it is built"
    else:
        insecure = "--dest-tls-verify=false " if each["plain_http"] or not each["verified"] else ""
        words = f"docker://{source} docker://{destination}"
        yield f"run skopeo copy --all --preserve-digests --retry-times 3 {insecure}{_words(words)}"
    for other in each["also"]:
        yield f"# not copied, because it would replace the one above: {_text.line(other)}"


def _words(text: str) -> str:
    return " ".join(map(shlex.quote, text.split(" ")))
