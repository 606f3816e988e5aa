# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containerd daemon on the node: its unit, its process, and a restart that is proven over CRI."""

import os
import shutil
import socket
import struct
import time
from collections import namedtuple

from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import Client, CriError, wait_ready
from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, complaints, process, start, trust
from ansible_collections.airgap.containerd.plugins.module_utils._shared import places, verdicts, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Unit

_PROPERTIES = "LoadState ActiveState KillMode MainPID ExecStart Environment EnvironmentFiles WorkingDirectory".split()
_WITH_ITS_OWN = (
    ("/var/lib/rancher/k3s", "k3s"),
    ("/var/lib/rancher/rke2", "RKE2"),
    ("/var/lib/k0s", "k0s"),
    ("/var/snap/microk8s", "MicroK8s"),
)
_CLOCK_BOOTTIME = 7  # time.CLOCK_BOOTTIME is there from Python 3.7 only


# ``id`` (pid and start tick) tells one daemon from its successor; ``started``, in seconds since the epoch and good to
# about 10 ms, is for comparison with the time a file was put in place.
Daemon = namedtuple("Daemon", "id started")
Installed = namedtuple("Installed", "binary version error")  # version: what it prints, None with an error
Restarted = namedtuple(
    "Restarted", "daemon seconds"
)  # the new Daemon (None: in another namespace), and until CRI answered


class ServiceError(wire.Failure):
    """The daemon could not be restarted or does not serve CRI."""


def show(name):
    """Return what systemd reports of a unit, as ``[(property, value)]``; nothing on a node without systemd."""
    rc, out, dummy = commands.run(["systemctl", "show", name, "--property=" + ",".join(_PROPERTIES)])
    return [tuple(line.split("=", 1)) for line in out.splitlines() if "=" in line] if rc == 0 else []


def unit(shown):
    """Return the verdicts.Unit, from what `show` returned."""
    values = dict(shown)
    return Unit(
        found=values.get("LoadState") == "loaded",
        active=values.get("ActiveState") == "active",
        kill_mode=values.get("KillMode"),
    )


def is_image(found):
    """Whether nothing runs here that could be restarted: no Daemon was ``found``, and there is no systemd to start one.

    So it is in a chroot and in an image build (sd_booted(3) tells of systemd). A containerd on a socket that nobody
    named is seen among the processes; one outside of a chroot is none of ours.
    """
    if found or os.path.isdir("/run/systemd/system"):
        return False
    return not any(process.is_containerd(process.link(pid, "exe")) for pid in process.below_our_root())


def installed(asked, start):
    """Return the Installed containerd: the program that is ``asked`` for, or else that of the Start or the usual."""
    binary = asked or start.program or "/usr/bin/containerd"
    trust.check(shutil.which(binary) or binary)  # it is run, and not by those alone who started it
    rc, version, error = commands.run([binary, "--version"])
    if rc == 0:
        return Installed(binary, version.strip(), None)
    own = ["%s %s: %s is here" % (name, places.ITS_OWN, path) for path, name in _WITH_ITS_OWN if os.path.isdir(path)]
    return Installed(binary, None, "; ".join([error.strip() or "exit status %d" % rc] + own))


def _peer(path):
    """Return the process that listens on a unix socket (0: in another PID namespace), or None where none does."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(5)
        client.connect(path)
        return struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except (OSError, IOError):
        return None
    finally:
        client.close()


def daemon(path):
    """Return the Daemon that serves the socket ``path``, or None."""
    pid = _peer(path)
    fields = process.stat(pid) if pid else None
    if not fields:
        return None
    ticks = int(fields[19])
    age = time.clock_gettime(_CLOCK_BOOTTIME) - ticks / float(os.sysconf("SC_CLK_TCK"))
    return Daemon("%d:%d" % (pid, ticks), time.time() - age)


def how_started(shown, asked=None, socket=None):
    """Return the start.Start of a service from what `show` returned; ``asked``: a program, ``socket``: its path."""
    serving = daemon(socket or places.DEFAULT_SOCKET)
    return start.look(shown, asked, serving and pid(serving))


def pid(found):
    """Return the process of a Daemon."""
    return int(found.id.split(":")[0])


def serves_cri(path):
    """Return None when CRI answers on the socket, else the reason it does not."""
    try:
        Client(path, timeout=3.0).version()
    except CriError as exc:
        return str(exc)
    return None


def last_complaint(name, since):
    """Return containerd's own last error since a time (seconds since the epoch), one line, or an empty string."""
    command = ["journalctl", "--unit=" + name, "--output=cat", "--lines=200", "--no-pager", "--since=@%d" % since]
    commands.run(
        ["journalctl", "--sync"], timeout=10
    )  # what a dying containerd said last may not be in the journal yet
    dummy, out, dummy = commands.run(command, timeout=10)
    return complaints.words(complaints.of_log(out.splitlines()))


def check(request):
    """Raise ServiceError where the restart that a messages.Restart asks for must not be."""
    if request.command or request.force:
        return
    refusal = verdicts.kill_mode_refusal(request.service, unit(show(request.service)))
    if refusal:
        raise ServiceError(refusal)


def restart(request):
    """Restart as a messages.Restart says, wait until CRI serves, and return Restarted; raises ServiceError."""
    check(request)
    name, command, deadline = request.service, request.command, time.monotonic() + request.timeout
    if not command:
        # A unit that failed too often is not started again by `restart`; where nothing is wrong this does nothing.
        commands.run(["systemctl", "reset-failed", name])
        command = ["systemctl", "restart", name]
    before = daemon(request.socket)
    since, began = time.time(), time.monotonic()
    try:
        rc, out, err = commands.run(command, timeout=request.timeout)
        if rc != 0:
            raise ServiceError("%s failed (status %d): %s" % (" ".join(command), rc, complaints.words(err or out)))
        _await_successor(request.socket, before, deadline)
        if request.cri:
            wait_ready(request.socket, max(deadline - time.monotonic(), 1.0))
    except ServiceError as exc:
        raise ServiceError(_with_log(str(exc), name, since)) from exc
    except CriError as exc:
        text = "CRI does not answer on %s after the restart: %s" % (request.socket, exc)
        raise ServiceError(_with_log(text, name, since)) from exc
    return Restarted(daemon(request.socket), round(time.monotonic() - began, 2))


def _id(found, otherwise=None):
    return found.id if found else otherwise


def _await_successor(path, before, deadline):
    """Wait until another daemon than ``before`` listens; a command that restarts nothing must not look like success."""
    while True:
        pid = _peer(path)
        if pid is not None and (pid <= 1 or _id(daemon(path)) != _id(before, "")):
            return
        if time.monotonic() > deadline:
            if pid is None:
                raise ServiceError("nothing listens on %s after the restart" % path)
            raise ServiceError("nothing was restarted: the previous containerd process still serves %s" % path)
        time.sleep(0.1)


def _with_log(text, name, since):
    complaint = last_complaint(name, since)
    return text + (". containerd says: " + complaint if complaint else "")
