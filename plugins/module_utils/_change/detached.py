# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that continues when the connection to the control node is lost."""

import json
import os
import signal

# Not SIG_IGN, which commands that are started would inherit: a handler is theirs to lose.
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Killed(Exception):
    """The process that did the work was killed."""


def _ignore(number, frame):
    """Take note of nothing."""


def call(function, *arguments):
    """Return ``function(*arguments)``, plain data, worked out by a process in a session of its own.

    Whatever happens to this process, its terminal and its pipes, the other one runs to the end. Raises Killed where
    that one does not come to an end itself.
    """
    signal.signal(signal.SIGHUP, _ignore)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _work(function, arguments, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    if not data:
        raise Killed()
    return json.loads(data.decode("utf-8"))


def _work(function, arguments, writer):
    """Do the work in the child, and never return."""
    status = 1
    try:
        os.setsid()
        for number in _IGNORED:
            signal.signal(number, _ignore)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        data = json.dumps(function(*arguments)).encode("utf-8")
        while data:
            data = data[os.write(writer, data) :]
        status = 0
    except BrokenPipeError:  # nobody listens any more
        status = 0
    finally:
        os._exit(status)
