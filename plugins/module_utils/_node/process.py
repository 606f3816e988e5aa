# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes on the node: their command lines, their programs, the proxies in their environment."""

import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem

_FLAG = re.compile(r"--?(\w[\w-]*)(?:=(.*))?$", re.S)
_SWITCHES = ("help", "h", "version", "v")
_LONG = {"c": "config", "a": "address"}
# Not containerd-shim-…, containerd-stress and the like. A wrapped one (NixOS) is `.containerd-wrapped`.
_CONTAINERD = re.compile(r"\.?(?:\w+-)?containerd(?:[-_.]?v?\d[\w.+~-]*|[-_.](?:real|bin|orig|wrapped))?$")
# Go looks at the upper-case name first (httpproxy.FromEnvironment).
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def words(pid, name):
    """Return the words of ``/proc/PID/cmdline`` or ``environ``; none where there is no such process."""
    try:
        data = filesystem.read("/proc/%s/%s" % (pid, name)) or b""
    except (OSError, IOError):
        data = b""
    return data.decode("utf-8", "replace").split("\0")[:-1]


def link(pid, name):
    """Return where ``/proc/PID/exe`` or ``cwd`` leads to, "" where there is no such process."""
    try:
        return os.readlink("/proc/%s/%s" % (pid, name))
    except OSError:
        return ""


def stat(pid):
    """Return the fields of ``/proc/PID/stat`` after the program's name; none where there is no such process."""
    try:
        with open("/proc/%s/stat" % pid) as handle:
            return handle.read().rsplit(")", 1)[1].split()
    except (OSError, IOError):
        return []


def below_our_root():
    """Return the processes that have the root directory of this one."""
    found, ours = [], os.stat("/")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.samestat(os.stat("/proc/%s/root" % pid), ours):
                found.append(pid)
        except OSError:
            pass  # it is gone
    return found


def family(pid):
    """Yield a process, then its children, theirs, and so on."""
    yield str(pid)
    children = {}
    for each in filter(str.isdigit, os.listdir("/proc")):
        for parent in stat(each)[1:2]:
            children.setdefault(parent, []).append(each)
    todo = children.get(str(pid), [])
    while todo:
        each = todo.pop(0)
        yield each
        todo += children.get(each, [])


def is_containerd(program, asked=None):
    """Whether a program is containerd, by its name or that of what it links to, or as the one ``asked`` for."""
    real = os.path.realpath(program) if program.startswith("/") else program
    if asked and real == os.path.realpath(asked):
        return True
    return any(_CONTAINERD.match(os.path.basename(name)) for name in (program, real))


def flags(command):
    """Return ``{flag: value}`` of containerd's command line, a list of words, and the words after the flags.

    The last of a flag counts, as in Go.
    """
    found, todo = {}, list(command[1:])
    while todo:
        match = _FLAG.match(todo[0])
        if not match:
            break
        del todo[0]
        name, value = match.groups()
        if name in _SWITCHES:
            continue
        if value is None and not todo:
            break
        found[_LONG.get(name, name)] = todo.pop(0) if value is None else value
    return found, todo


def proxies(environment):
    """Return ``{http, https, no}`` of the proxy settings, None for one not set; without username and password.

    ``environment``: a list of ``NAME=VALUE``, of which the last one counts.
    """
    values = dict(word.split("=", 1) for word in environment if "=" in word)
    found = [values.get(name) or values.get(name.lower()) or None for name in _PROXY_NAMES]
    http, https = [value and re.sub(r"^([^:/]*://)?.*@", r"\1", value) for value in found[:2]]
    return {"http": http, "https": https, "no": found[2]}
