# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd is started with: the configuration file on its command line, the proxy in its environment."""

import glob
import re
import shlex

from ansible_collections.airgap.containerd.plugins.module_utils._node import filesystem

_CONFIG = re.compile(r"--?(?:config|c)(?:=(.*))?$")
# Go looks at the upper-case name first (httpproxy.FromEnvironment).
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def _words(pid, name):
    """Return the words of ``/proc/PID/cmdline`` or ``environ``; none where there is no such process."""
    try:
        data = filesystem.read("/proc/%s/%s" % (pid, name)) or b""
    except (OSError, IOError):
        data = b""
    return data.decode("utf-8", "replace").split("\0")[:-1]


def config_argument(words):
    """Return the file that a command line names with ``--config`` or ``-c``, or None."""
    for number, word in enumerate(words):
        match = _CONFIG.match(word)
        if match:
            return match.group(1) or (words[number + 1 : number + 2] or [None])[0]
    return None


def proxies(environment):
    """Return ``{http, https, no}`` of the proxy settings, None for one not set; without username and password.

    ``environment``: a list of ``NAME=VALUE``, of which the last one counts.
    """
    values = dict(word.split("=", 1) for word in environment if "=" in word)
    found = [values.get(name) or values.get(name.lower()) or None for name in _PROXY_NAMES]
    http, https = [value and re.sub(r"^([^:/]*://)?.*@", r"\1", value) for value in found[:2]]
    return {"http": http, "https": https, "no": found[2]}


def unit_environment(shown):
    """Return the environment of a unit's next start, as ``[NAME=VALUE]``, from what service.show returned."""
    found = []
    for key, value in shown:
        if key == "Environment":
            found = _split(value) + found  # a file overrides what the unit sets
        elif key == "EnvironmentFiles":
            found += _file_environment(value)
    return found


def _file_environment(value):
    """Return the assignments in one file of ``EnvironmentFiles=PATH (ignore_errors=yes)``; PATH may be a pattern."""
    found = []
    for path in sorted(glob.glob(value.rpartition(" (")[0])):
        lines = (filesystem.read(path) or b"").decode("utf-8", "replace").splitlines()
        found += [word for line in lines if line[:1] not in ("#", ";") for word in _split(line)[:1]]
    return found


def _split(text):
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def config_of(daemon):
    """Return the configuration file that the running daemon names on its command line; None: none, or nothing runs.

    ``daemon`` is a service.Daemon.
    """
    return config_argument(_words(_pid(daemon), "cmdline"))


def started_with(daemon, shown):
    """Return ``{config, running, next}``: what the running daemon was started with and the unit will start with.

    ``config`` is what config_of tells of the ``daemon``, ``running`` and ``next`` are proxies as ``proxies`` has them,
    the latter from what service.show returned.
    """
    return {
        "config": config_of(daemon),
        "running": proxies(_words(_pid(daemon), "environ")),
        "next": proxies(unit_environment(shown)),
    }


def _pid(daemon):
    return daemon.id.split(":")[0] if daemon else "none"
