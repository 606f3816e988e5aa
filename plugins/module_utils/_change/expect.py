# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what containerd makes of a configuration against what was asked for and against what it made of the old one.

Values that the reader of its output does not know (None) prove nothing, and so do plugins that it does not print.
"""

import re

_DURATION = re.compile(r"(\d+(?:\.\d*)?)(ns|us|\u00b5s|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_JOINED = ("disabled_plugins", "required_plugins")
_ABSENT = object()


def _at(document, path):
    for key in path:
        if not isinstance(document, dict) or key not in document:
            return _ABSENT
        document = document[key]
    return document


def _seconds(text):
    """Return the seconds of a duration as Go writes it, or None."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def agrees(asked, found):
    """Return whether containerd's own output shows a value that was asked for.

    It writes durations in its own way, makes a list of some single values, and leaves out what is zero.
    """
    if found is _ABSENT:
        return not asked
    if found is None:
        return True
    if isinstance(asked, bool) or isinstance(found, bool):
        return asked is found
    if isinstance(found, list) and not isinstance(asked, list):
        return found == [asked]
    if isinstance(asked, dict):
        return isinstance(found, dict)
    if isinstance(asked, str) and isinstance(found, str) and asked != found:
        return _seconds(asked) is not None and _seconds(asked) == _seconds(found)
    return asked == found


def _leaves(document, path=()):
    if not isinstance(document, dict):
        yield path, document
        return
    for key in document:
        yield from _leaves(document[key], path + (key,))


def _changed(before, after, allowed):
    """Return the paths of what differs and is not at or below an allowed path."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        path
        for path in sorted(set(old) | set(new))
        if _or_zero(old.get(path)) != _or_zero(new.get(path)) and not _may_differ(path, before, after, allowed)
    ]


def _filled(value):
    """Return a value; of a table what in it is not zero."""
    return {path: each for path, each in _leaves(value) if each} if isinstance(value, dict) else value


def _or_zero(value):
    """Return a value, None for one that is as good as absent: some releases print it and some do not."""
    return value or None


def _may_differ(path, before, after, allowed):
    """Return whether a path is at or below an allowed one, or came or went with the table around one."""
    tables = [path[:size] for size in range(1, len(path))]
    gone = [each for each in tables if _at(before, each) is _ABSENT or _at(after, each) is _ABSENT][:1]
    return any(
        path[: len(each)] == tuple(each) or any(tuple(each[: len(table)]) == table for table in gone)
        for each in allowed
    )


def problems(document, before, defaults, check):
    """Return ``[{path, kind, found}]`` of what differs from ``check``; ``found`` is left out where nothing is found.

    ``check`` is a edits.Proof; ``defaults()`` returns the document of a node without configuration, ``before`` is
    that of the present one. ``kind`` is one of ``setting``, ``default`` and ``other``.
    """
    found = []
    printed = document.get("plugins") or {}
    for each in check.settings:
        path = each["path"]
        if path[0] == "plugins" and len(path) > 1 and path[1] not in printed:
            continue
        value = _at(document, path)
        if path[0] in _JOINED and isinstance(value, list):
            good = set(each["value"]) <= set(value)
        else:
            good = agrees(each["value"], value)
        if not good:
            found.append(_problem("setting", path, value))
    for path in check.defaults:
        value = _at(document, path)
        if _filled(value) != _filled(_at(defaults(), path)):
            found.append(_problem("default", path, value))
    if check.others is not None and before:
        changed = _changed(before, document, [["version"], ["imports"]] + check.others + check.tables)
        for path in sorted({_gone(document, path) for path in changed}):
            found.append(_problem("other", list(path), _at(document, path)))
    return found


def dropped(document, before, check):
    """Return ``[{path, was}]`` of containerd's own defaults that go as the files have the table around them now."""
    if check.others is None or not before:
        return []
    changed = _changed(before, document, [["version"], ["imports"]] + check.others)
    found = [{"path": path, "was": _at(before, path)} for path in changed]
    return [each for each in found if each["was"] is not _ABSENT and _or_zero(each["was"])]


def _gone(document, path):
    """Return the table that went with a path, the path itself if it is there."""
    gone = [path[:size] for size in range(1, len(path)) if _at(document, path[:size]) is _ABSENT]
    return gone[0] if gone else path


def _problem(kind, path, value):
    shown = {} if value is _ABSENT or isinstance(value, dict) else {"found": value}
    return dict(shown, kind=kind, path=path)


def unproven(document, settings):
    """Return the plugins of which settings were asked for and which containerd does not print."""
    plugins = {each["path"][1] for each in settings if each["path"][0] == "plugins" and len(each["path"]) > 1}
    return sorted(plugins - set(document.get("plugins") or {}))
