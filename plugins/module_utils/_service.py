# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containerd daemon on the node: its unit, its process, and a restart that is proven over CRI."""

import os
import re
import socket
import struct
import subprocess
import time

from ansible_collections.airgap.containerd.plugins.module_utils import _complaint, _cri

_PROPERTIES = ("LoadState", "ActiveState", "KillMode", "ExecStart")
_CLOCK_BOOTTIME = 7  # time.CLOCK_BOOTTIME is there from Python 3.7 only


class ServiceError(Exception):
    """The daemon could not be restarted or does not serve CRI."""


def run(argv, timeout=60):
    """Run a command without a shell; return ``(rc, stdout, stderr)`` as text. A missing program is rc 127."""
    environment = dict(os.environ, LC_ALL="C", LANG="C")
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=timeout,
            check=False,
        )
    except OSError as exc:
        return 127, "", "%s: %s" % (argv[0], exc.strerror)
    except subprocess.TimeoutExpired:
        return 124, "", "%s: no end within %d s" % (" ".join(argv[:2]), timeout)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def unit(name):
    """Return what systemd knows of the unit: ``{found, active, kill_mode, binary, config}``.

    ``binary`` and ``config`` come from the unit's ExecStart (None where it names none); a node without systemd
    has ``found`` false.
    """
    rc, out, dummy = run(["systemctl", "show", name, "--property=" + ",".join(_PROPERTIES)])
    values = dict(line.split("=", 1) for line in out.splitlines() if "=" in line) if rc == 0 else {}
    start = values.get("ExecStart", "")
    binary = re.search(r"path=(\S+)", start)
    config = re.search(r"argv\[\]=[^;]*?\s(?:--config|-c)[ =](\S+)", start)
    return {
        "found": values.get("LoadState") == "loaded",
        "active": values.get("ActiveState") == "active",
        "kill_mode": values.get("KillMode"),
        "binary": binary.group(1) if binary else None,
        "config": config.group(1) if config else None,
    }


def _peer(path):
    """Return the process that listens on a unix socket, or 0."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(5)
        client.connect(path)
        return struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except (OSError, IOError):
        return 0
    finally:
        client.close()


def daemon(path):
    """Return ``{id, started}`` of the process that serves the socket ``path``, or None.

    ``id`` (pid and start tick) tells one daemon from its successor; ``started`` is in seconds since the epoch, good
    to about 10 ms, for comparison with the time a file was put in place.
    """
    pid = _peer(path)
    try:
        with open("/proc/%d/stat" % pid) as handle:
            ticks = int(handle.read().rsplit(")", 1)[1].split()[19])
    except (OSError, IOError):
        return None
    age = time.clock_gettime(_CLOCK_BOOTTIME) - ticks / float(os.sysconf("SC_CLK_TCK"))
    return {"id": "%d:%d" % (pid, ticks), "started": time.time() - age}


def serves_cri(path):
    """Return None when CRI answers on the socket, else the reason it does not."""
    try:
        _cri.Client(path, timeout=3.0).version()
    except _cri.CriError as exc:
        return str(exc)
    return None


def last_complaint(name):
    """Return containerd's own last error of this start, one line, for a message; empty where there is none."""
    dummy, out, dummy = run(["journalctl", "--unit=" + name, "--output=cat", "--lines=80", "--no-pager"], timeout=10)
    lines = [
        line
        for line in out.splitlines()
        if "failed to load plugin" in line
        or "level=error" in line
        or "level=fatal" in line
        or line.startswith("containerd: ")
    ]
    wanted = [line for line in lines if "cri" in line] or lines
    return _complaint.words(wanted[-1]) if wanted else ""


def restart(request):
    """Restart the daemon and wait until CRI serves.

    ``request``: ``{service, command, socket, timeout, force, cri}``; ``command`` (a list) replaces ``systemctl
    restart``, and ``cri`` is false where the configuration itself switches CRI off.
    Returns ``{daemon, seconds}``: the new daemon and the seconds until CRI answered. Raises ServiceError.
    """
    name, command = request["service"], request.get("command")
    if not command:
        found = unit(name)
        refusal = kill_mode_refusal(name, found)
        if refusal and not request.get("force"):
            raise ServiceError(refusal)
        command = ["systemctl", "restart", name]
    began = time.time()
    rc, out, err = run(command, timeout=request["timeout"] + 30)
    if rc != 0:
        said = _complaint.words(err or out)
        raise ServiceError(_with_log("%s failed (status %d): %s" % (" ".join(command), rc, said), name))
    if not request.get("cri", True):
        return {"daemon": daemon(request["socket"]), "seconds": round(time.time() - began, 2)}
    try:
        _cri.wait_ready(request["socket"], request["timeout"])
    except _cri.CriError as exc:
        text = "CRI does not answer on %s after the restart: %s" % (request["socket"], exc)
        raise ServiceError(_with_log(text, name)) from exc
    return {"daemon": daemon(request["socket"]), "seconds": round(time.time() - began, 2)}


def kill_mode_refusal(name, found):
    """Return why restarting the unit would kill pods, or None."""
    if not found["found"] or found["kill_mode"] in ("process", "none"):
        return None
    return (
        "restarting %s would kill the pods of this node: its unit has KillMode=%s. Put [Service] KillMode=process into "
        "/etc/systemd/system/%s.service.d/killmode.conf and run systemctl daemon-reload, or set restart_force"
        % (name, found["kill_mode"], name)
    )


def _with_log(text, name):
    complaint = last_complaint(name)
    return text + (". containerd says: " + complaint if complaint else "")
