# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service starts containerd: with which program, which configuration file, which socket.

A unit that starts containerd itself says it exactly. One that starts it by way of something else (taskset, a shell, a
script, k0s) is believed only while containerd does not run: the command line of the running one is the truth.
"""

import os
import re
import shutil
from collections import namedtuple

from ansible_collections.airgap.containerd.plugins.module_utils._node import process, unit_file
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places

_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
_OPERATOR = re.compile(r"[;|&<>]|\d?>")
_SHELL_SPECIAL = re.compile(r"[$`*?\[{~]")

# ``config`` and ``address`` are None where the command line names none; ``text`` is all of it.
Command = namedtuple("Command", "program config address text")

# ``config``: the file that the next start reads, None where it is unknown (then ``unknown`` names the program that
# the unit starts) or where there is no service; ``is_sure``: whether that is more than a guess; ``reads``: the file
# that the running daemon reads, None where none is seen; ``program`` and ``address``: None where they are not known.
Start = namedtuple("Start", "program config address is_sure reads unknown")


def _command(words, folder, program=None):
    """Return the Command of containerd's own words; ``folder`` is what relative paths are relative to."""
    found = process.flags(words)[0]
    config = found.get("config") or None
    return Command(
        program=program or words[0],
        config=config and places.absolute(os.path.join(folder, config)),
        address=found.get("address") or None,
        text=" ".join(words),
    )


def _is_file(path):
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _from_containerd_on(words, asked):
    """Return the words from containerd's program on, which may stand behind that of others; none where it is not there.

    ``/usr/bin/taskset -c 0 /usr/bin/containerd``: what is a program counts before what is called like one.
    """
    named = [number for number, word in enumerate(words) if process.is_containerd(word, asked)]
    for is_it in (
        lambda word: word.startswith("/") and _is_file(word),
        lambda word: word.startswith("/") and not os.path.isdir(word),
        lambda word: "/" not in word and shutil.which(word),
    ):
        for number in named:
            if is_it(words[number]):
                return words[number:]
    return []


def _planned(shown, asked):
    """Return the Command of the unit's next start, or None, and whether the unit says it exactly."""
    raw, environment = unit_file.command(shown), unit_file.environment(shown)
    shell = [number for number, word in enumerate(raw) if os.path.basename(word) in _SHELLS]
    if shell:  # systemctl shows words without their quotes: a script is all that follows
        words = unit_file.split(unit_file.expand([" ".join(raw[shell[0] :])], environment)[0])
        found = _of_script(_from_containerd_on(words, asked), environment)
    else:
        words = unit_file.expand(raw, environment)
        found = _from_containerd_on(words, asked)
    if not found or process.flags(found)[1]:  # of a path with a blank in it only the first half would be known
        return None, False
    command = _command(found, _folder(shown))
    if not command.program.startswith("/"):
        command = command._replace(program=shutil.which(command.program))
    return command, not shell and found == words and unit_file.are_set(raw, environment)


def _of_script(words, environment):
    """Return the words of a shell's command as containerd gets them, none where the shell alone can tell."""
    ends = [number for number, word in enumerate(words) if _OPERATOR.match(word) or word.endswith(";")]
    words = [word.rstrip(";") for word in words[: ends[0] + 1 if ends else None] if not _OPERATOR.match(word)]
    if not unit_file.are_set(words, environment):
        return []
    words = unit_file.expand(words, environment)
    return [] if any(_SHELL_SPECIAL.search(word) for word in words) else words


def _folder(shown):
    folder = dict(shown).get("WorkingDirectory", "").lstrip("!-")
    return folder if folder.startswith("/") else "/"


def _running(pid):
    """Return the Command of a containerd that runs, None where there is no such process."""
    words = process.words(pid, "cmdline")
    if not words:
        return None
    program = re.sub(r" \(deleted\)$", "", process.link(pid, "exe"))
    beside = os.path.join(os.path.dirname(program), os.path.basename(words[0]))  # k3s is many programs in one
    known = [path for path in (words[0], beside, program) if path.startswith("/") and _is_file(path)]
    return _command(words, process.link(pid, "cwd") or "/", known[0] if known else program or None)


def _find(shown, asked, peer):
    """Return the Command of the containerd that the service runs, or None; ``peer`` is the process to take else."""
    main = dict(shown).get("MainPID", "0")
    for pid in process.family(main) if main not in ("", "0") else []:
        names = process.words(pid, "cmdline")[:1] + [process.link(pid, "exe")]
        if any(process.is_containerd(name, asked) for name in names):
            return _running(pid)
    return _running(peer) if peer else None


def look(shown, asked=None, peer=None):
    """Return the Start of a service, from what service.show returned.

    ``asked`` is the program that the user names, ``peer`` the process that serves the socket, which counts where the
    unit's own processes are not seen.
    """
    planned, exact = _planned(shown, asked)
    running = _find(shown, asked, peer)
    is_changed = exact and running and planned.text != running.text  # since the daemon was started
    known = planned if planned and (is_changed or not running) else running
    starts = unit_file.command(shown)[:1]
    return Start(
        program=known and known.program,
        config=known and (known.config or places.DEFAULT_CONFIG),
        address=known and known.address,
        is_sure=bool(known and (exact or running)),
        reads=running and (running.config or places.DEFAULT_CONFIG),
        unknown=None if known or not starts else starts[0],
    )


def reads(pid):
    """Return the configuration file that a running containerd was started with; None where there is no such process."""
    running = _running(pid)
    return running and (running.config or places.DEFAULT_CONFIG)
