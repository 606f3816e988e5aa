# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a plan changes what it changes, and by whom the node became different: told from the record and the files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Attributes, Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import NOTHING, Record
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import conflicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan

_SIGNED = re.compile(
    r"[ \t]*(?:#|//)(?!.*airgap\.containerd).*?\b(?i:managed|generated|maintained|written|created|installed) "
    r"(?i:by|with)[ :]+(?i:the )?(?!hand\b)([A-Za-z0-9](?:[\w.+-]*\w)?(?: [A-Z](?:[\w.+-]*\w)?)*)",
    re.A,
)
"""A comment in which a program says that the file is its own."""

_LINES, _WIDTH = 200, 200  # of a file that are looked at

_TOOLS = {"nvidia-container-runtime": "the NVIDIA Container Toolkit", "ansible managed": "Ansible", "spegel": "Spegel"}
"""What is in files that other tools write without their name in a comment."""


class Change(NamedTuple):
    """One thing that a run would change, and why it has to."""

    path: str | None  # None: the running containerd, which is restarted
    cause: str  # new_node, variables, hand_edit, other_tool, removed, restored, upgrade, restart
    seen: str
    upstream: str | None  # None: all of them
    changed_at: str | None = None  # when the file became what it is, where no run made it so
    owner: int | None = None  # whose it is then


def changes(observed: Observation, todo: Plan) -> list[Change]:
    """Return a cause for everything that a plan changes on a node; none where it changes nothing."""
    record = observed.record if isinstance(observed.record, Record) else NOTHING
    is_new = not record.files and not record.config
    found = [_of_file(observed, todo, record, path, is_new) for path in (*todo.tree.writes, *todo.tree.removes)]
    if todo.config_changed or todo.config_exposed:
        found.append(_of_config(observed, todo, record, is_new))
    elif todo.restart_due and observed.version:
        cause = "upgrade" if observed.started_with.replaced else "restart"
        found.append(Change(None, cause, f"containerd needs a restart: {todo.restart_due}", None))
    return found


def _of_file(observed: Observation, todo: Plan, record: Record, path: str, is_new: bool) -> Change:
    files = observed.hosts.files
    there = files.get(posixpath.relpath(path, observed.hosts_dir)) or files.get(path)
    entry, text = record.files.get(path), todo.tree.before.get(path)
    upstream = _upstream(path, observed.hosts_dir)
    if is_new and not there:
        return Change(path, "new_node", "this role has not configured the node yet", None)
    if not entry:
        seen = f"{path} was not written by this role" if there else f"{path} does not exist yet"
        return _other(path, "other_tool", seen, upstream, text) if there else Change(path, "variables", seen, upstream)
    if not there:
        return Change(path, "removed", f"{path} was removed since the last run", upstream)
    if there.sha256 == entry.sha256:
        if todo.tree.writes.get(path) == text:
            return _dated(
                Change(path, "hand_edit", f"users other than root can read {path}", upstream), there.attributes
            )
        return _moved_on(observed, record, path, upstream)
    if entry.original is not None and text == entry.original:
        return _dated(_restored(path, upstream), there.attributes)
    return _dated(_other(path, "hand_edit", f"{path} was edited since the last run", upstream, text), there.attributes)


def _of_config(observed: Observation, todo: Plan, record: Record, is_new: bool) -> Change:
    path, entry, text = todo.config_path, record.config, todo.config_before
    if is_new or not entry:
        seen = "this role has not configured the node yet" if is_new else f"{path} does not have the settings yet"
        return Change(path, "new_node" if is_new else "variables", seen, None)
    attributes = observed.config.attributes
    if text is None:
        return Change(path, "removed", f"{path} was removed since the last run", None)
    if not todo.config_changed:
        return _dated(Change(path, "hand_edit", f"users other than root can read {path}", None), attributes)
    if observed.config.sha256 == entry.sha256:
        return _moved_on(observed, record, path, None)
    if text == entry.original:
        return _dated(_restored(path, None), attributes)
    edited = conflicts.edited_keys(observed.config.data(), entry, observed.config.sha256)
    if not edited:
        return _moved_on(observed, record, path, None)
    seen = f"{path} was edited since the last run ({', '.join(edited)})"
    known = {name for mark, name in _TOOLS.items() if mark in (entry.original or "").lower()}
    return _dated(_other(path, "hand_edit", seen, None, text, known), attributes)


def _moved_on(observed: Observation, record: Record, path: str, upstream: str | None) -> Change:
    """Return why a file that is as a run left it has to change: another containerd, or other variables."""
    now = str(releases.release(releases.parse(observed.version))) if observed.version else None
    if now and record.release and record.release != now:
        seen = f"containerd was {record.release} at the last change and is {now} now, which needs a different {path}"
        return Change(path, "upgrade", seen, upstream)
    return Change(path, "variables", f"the variables describe a different {path} than the last run wrote", upstream)


def _restored(path: str, upstream: str | None) -> Change:
    seen = f"{path} is what it was before the first run: a package, a backup or another tool restored it"
    return Change(path, "restored", seen, upstream)


def _other(
    path: str,
    cause: str,
    seen: str,
    upstream: str | None,
    text: str | None,
    known: frozenset[str] | set[str] = frozenset(),
) -> Change:
    """Return a change with the tool that wrote the file, if the file names one."""
    tool = next((each for each in _tools(text or "") if each not in known), None)
    return Change(path, "other_tool" if tool else cause, f"{seen}, by {tool}" if tool else seen, upstream)


def _tools(text: str) -> Iterator[str]:
    lower = text.lower()
    yield from (name for mark, name in _TOOLS.items() if mark in lower)
    signed = (_SIGNED.match(line[:_WIDTH]) for line in text.split("\n", _LINES)[:_LINES])
    yield from (match[1] for match in signed if match)


def _dated(change: Change, attributes: Attributes | None) -> Change:
    if not attributes:
        return change
    moment = datetime.fromtimestamp(attributes.ctime, timezone.utc).isoformat(timespec="seconds")
    return change._replace(changed_at=moment, owner=attributes.uid)


def _upstream(path: str, hosts_dir: str) -> str | None:
    """Return the upstream whose file this is, None where it is that of none or of several."""
    folder = posixpath.dirname(path)
    return namespaces.namespace(posixpath.basename(folder)) if posixpath.dirname(folder) == hosts_dir else None
