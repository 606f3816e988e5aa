# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands on the node, run without a shell and with a deadline."""

import contextlib
import os
import select
import subprocess
import time

MAX_OUTPUT = 4 * 1024 * 1024  # bytes of what a command prints: the largest is `containerd config dump`


def run(argv, timeout=60):
    """Run a command without a shell; return ``(rc, stdout, stderr)`` as text, at most MAX_OUTPUT bytes of each.

    It runs in /, as units do: older releases of containerd take some ``imports`` from the working directory. A missing
    program is rc 127, one that does not end within ``timeout`` seconds is killed and rc 124. What it leaves running in
    the background, such as a daemon, is not waited for.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ, LC_ALL="C", LANG="C"),
            cwd="/",
        )
    except OSError as exc:
        return 127, "", "%s: %s" % (argv[0], exc.strerror)
    with process.stdout, process.stderr:
        out, err = _collect(process, time.monotonic() + timeout)
    if process.poll() is None:
        process.kill()
        process.wait()
        return 124, "", "%s did not finish within %d s" % (" ".join(argv[:2]), timeout)
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _collect(process, deadline):
    """Return what a process prints until it ends, or until the deadline."""
    kept = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    todo, ended = set(kept), False
    while todo and time.monotonic() < deadline:
        ready = select.select(list(todo), [], [], 0 if ended else 0.05)[0]
        if ended and not ready:
            break
        for handle in ready:
            data = os.read(handle, 65536)
            kept[handle] = (kept[handle] + data)[:MAX_OUTPUT]
            if not data:
                todo.discard(handle)
        ended = process.poll() is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(deadline - time.monotonic(), 0))
    return kept[process.stdout.fileno()], kept[process.stderr.fileno()]
