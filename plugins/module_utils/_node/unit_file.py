# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd makes of a unit: the environment of its next start, and the words of its command."""

import glob
import re
import shlex

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem

# A value in an environment file: quoted parts, then plain text to the end of the line (parse_env_file_internal).
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.S)
_VALUE = re.compile(r"""((?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)[ \t]*((?:\\.|[^\\\n])*)""", re.S)
_NAME = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*=[ \t]*")
_VARIABLE = re.compile(r"\$\{([^}]*)\}|\$\$")
_WHOLE = re.compile(r"\$([A-Za-z_]\w*)$")  # becomes as many words as are in it


def environment(shown):
    """Return the environment of a unit's next start, as ``[NAME=VALUE]``, from what service.show returned."""
    found = []
    for key, value in shown:
        if key == "Environment":
            # A file overrides what the unit sets. In double quotes a dollar has a backslash.
            found = [re.sub(r"\\([$`])", r"\1", each) for each in split(value)] + found
        elif key == "EnvironmentFiles":
            for path in sorted(glob.glob(value.rpartition(" (")[0])):
                found += file_environment((filesystem.read(path) or b"").decode("utf-8", "replace"))
    return found


def file_environment(text):
    """Return the assignments in the text of an ``EnvironmentFile=``, as ``[NAME=VALUE]``."""
    found, position = [], 0
    while position < len(text):
        name = _NAME.match(text, position)
        if name:
            value = _VALUE.match(text, name.end())
            found.append("%s=%s" % (name.group(1), _text(*value.groups())))
            position = value.end()
        end = text.find("\n", position)
        position = len(text) if end < 0 else end + 1
    return found


def _text(quoted, plain):
    parts = [
        single or re.sub(r"\\([\n\"\\`$])", lambda match: match.group(1).strip("\n"), double)
        for single, double in _QUOTED.findall(quoted)
    ]
    return "".join(parts) + re.sub(r"\\(.)", lambda match: match.group(1).strip("\n"), plain.rstrip(), flags=re.S)


def split(text):
    """Return the words of a line as a shell splits it; where its quotes are not closed, by its blanks alone."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def expand(words, environment):
    """Return the words of a command with its variables as systemd replaces them; one that is not set is empty."""
    values = _values(environment)
    found = []
    for word in words:
        whole = _WHOLE.match(word)
        if whole:
            found += split(values.get(whole.group(1), ""))
        else:
            found.append(_VARIABLE.sub(lambda match: values.get(match.group(1), "") if match.group(1) else "$", word))
    return found


def are_set(words, environment):
    """Whether all variables in the words of a command are set by the unit, and not by systemd's own environment."""
    whole = [_WHOLE.match(word) for word in words]
    names = [match.group(1) for match in whole if match] + _VARIABLE.findall(" ".join(words))
    return set(filter(None, names)) <= set(_values(environment))


def _values(environment):
    return dict(word.split("=", 1) for word in environment if "=" in word)


def command(shown):
    """Return the words of a unit's ``ExecStart``, variables in it not replaced; none where it has none."""
    found = re.search(r"argv\[\]=(.*?) ; ignore_errors=", dict(shown).get("ExecStart", ""), re.S)
    return found.group(1).split(" ") if found else []
