# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a configuration consists of. Nodes have no TOML parser: what looks like `imports` is taken for it."""

import errno
import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils._node import dump_reader, filesystem
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, wire

MAX_IMPORTS = 100  # files

_IMPORTS = re.compile(r"""^[ \t]*(?:imports|"imports"|'imports')[ \t]*=[ \t]*\[""", re.M)
_ITEM = re.compile(r"""#[^\n]*|"((?:\\.|[^"\\\n])*)"|'([^'\n]*)'|\]""")


def patterns(data):
    """Return what looks like `imports` in a file; the control node, which has a TOML parser, knows which count."""
    text = data.decode("utf-8", "replace")
    found = []
    for start in _IMPORTS.finditer(text):
        for item in _ITEM.finditer(text, start.end()):
            if item.group() == "]":
                break
            basic, literal = item.groups()
            found += [dump_reader.unescape(basic)] if basic is not None else [] if literal is None else [literal]
    return found


def _matching(pattern, parent):
    """Return the files that an entry of `imports` may mean: older releases take some from the working directory."""
    folders = [os.path.dirname(parent), "/"]
    named = {os.path.normpath(os.path.join(folder, pattern)) for folder in folders}
    found = {path for each in named for path in (_glob(each) if places.is_glob(each) else [each])}
    return sorted(path for path in found if os.path.isfile(path))


def _glob(pattern):
    """Return what an absolute pattern finds."""
    found = ["/"]
    for part in pattern.split("/")[1:]:
        found = [os.path.join(folder, name) for folder in found for name in _named(folder, part)]
    return found


def _named(folder, part):
    if not any(char in part for char in "*?[\\"):
        return [part]
    return [name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if places.matches(name, part)]


def configuration(main, target, more=()):
    """Return the main file, the target and all that they import, with ``more`` patterns that are to be imported."""
    found, pending = {}, [main, target]
    pending += [path for pattern in more for path in _matching(pattern, target)]
    while pending:
        path = pending.pop(0)
        if path in found:
            continue
        found[path] = filesystem.look(path)
        data = wire.unpack(found[path].content) or b""
        pending += [each for pattern in patterns(data) for each in _matching(pattern, path)]
        if len(found) > MAX_IMPORTS:
            raise OSError(errno.E2BIG, "imports more than %d files" % MAX_IMPORTS, main)
    return list(found.values())
