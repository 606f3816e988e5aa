# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes of what the lab keeps in its cache: each fills one new, empty folder from Debian's packages.

A change of this file, or of images.py, makes the lab build everything anew (see prepare.py).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from airgap_lab.config import Base, LabError, PackageSet

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Kills the build with the lab: a package tool that outlives a killed lab would go on writing into its folder.
CONTAINED = ("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
# Nothing on a node needs them, and timers and consoles only cost time at boot.
MASKED_UNITS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@.service",
    "modprobe@.service",
    "systemd-logind.service",
    "systemd-modules-load.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-sysusers.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
)
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian")

CGROUP_UNIT = """\
[Unit]
Description=Make the cgroup v1 controllers writable, which systemd-nspawn mounts read-only
Before=containerd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'while read -r _ folder type _; do [ "$type" = cgroup ] || continue; \\
    mount -o remount,rw,bind "$folder"; done < /proc/mounts'

[Install]
WantedBy=multi-user.target
"""

CONTAINERD_UNIT = """\
[Unit]
Description=containerd container runtime
After=network.target dbus.service

[Service]
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""

# What a sysvinit starts here: no file systems to check and mount, no consoles.
INITTAB = """\
id:2:initdefault:
si::sysinit:/bin/mkdir -p /run/sshd
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
"""

CONTAINERD_SCRIPT = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          containerd
# Required-Start:
# Required-Stop:
# Default-Start:     2
# Default-Stop:      0 6
# Short-Description: containerd container runtime
### END INIT INFO
start() {
    start-stop-daemon --start --quiet --oknodo --background --make-pidfile --pidfile /run/containerd.pid \\
        --no-close --exec /usr/bin/containerd >>/var/log/containerd.log 2>&1
}
stop() {
    start-stop-daemon --stop --quiet --oknodo --retry 10 --remove-pidfile --pidfile /run/containerd.pid
}
case "$1" in
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    status) start-stop-daemon --status --pidfile /run/containerd.pid ;;
    *) echo "usage: $0 start|stop|restart|status" >&2; exit 2 ;;
esac
"""

RUNC_WRAPPER = """\
#!/bin/sh
# This machine withholds CAP_SYS_RESOURCE, without which no negative oom_score_adj can be set: containers ask for 0.
previous=
for argument in "$@"; do
    if [ "$previous" = --bundle ] && [ -f "$argument/config.json" ]; then
        sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$argument/config.json"
    fi
    previous=$argument
done
exec /usr/sbin/runc.debian "$@"
"""


def build_base(target: Path, mirror: str, base: Base) -> None:
    """A minimal Debian with an init, sshd and Python, the lower layer of nodes."""
    suite, packages = base.packages.suite, base.packages.packages
    excluded = [f"--dpkgopt=path-exclude=/{folder}/*" for folder in UNNEEDED]
    command = ["eatmydata", "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *excluded]
    command += [f"--include={','.join(packages)}", suite, str(target), _source_line(mirror, suite)]
    run([*CONTAINED, *command], f"mmdebstrap could not make a {suite} system")
    if base.init == "sysvinit":
        _prepare_sysvinit(target)
    units = target / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    (target / "etc/resolv.conf").unlink(missing_ok=True)
    (target / "etc/resolv.conf").write_text("")


def _prepare_sysvinit(target: Path) -> None:
    (target / "etc/inittab").write_text(INITTAB)
    script = target / "etc/init.d/containerd"
    script.write_text(CONTAINERD_SCRIPT)
    script.chmod(0o755)
    run(["chroot", str(target), "update-rc.d", "containerd", "defaults"], "update-rc.d could not add containerd")


def build_layer(
    target: Path, mirror: str, packages: PackageSet, runtime: PackageSet, lowers_oom_score: bool, folder: Path | None
) -> None:
    """What a node has over the base: its suite's containerd with unit and config.toml as packaged, and runc.

    With ``folder`` the containerd is the one in it. ``lowers_oom_score`` tells whether the machine lets containers have
    a negative oom_score_adj.
    """
    if packages.packages:
        unpack(target, mirror, packages)
    if folder:
        place(target, folder)
    unpack(target, mirror, runtime)
    if not lowers_oom_score:
        runc = target / "usr/sbin/runc"
        runc.rename(target / "usr/sbin/runc.debian")
        runc.write_text(RUNC_WRAPPER)
        runc.chmod(0o755)
    units = target / "etc/systemd/system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True)
    (units / "lab-cgroups.service").write_text(CGROUP_UNIT)
    (wanted / "lab-cgroups.service").symlink_to("/etc/systemd/system/lab-cgroups.service")
    (wanted / "containerd.service").symlink_to("/lib/systemd/system/containerd.service")


def programs(folder: Path) -> list[Path]:
    """The programs in a folder such as containerd's releases unpack to; raises LabError if there is none of them."""
    found = sorted(path for path in (folder / "bin").glob("*") if path.is_file())
    missing = {"containerd", "containerd-shim-runc-v2"} - {path.name for path in found}
    if missing:
        raise LabError(f"{folder} has no bin/{' and no bin/'.join(sorted(missing))}, as a release of containerd has.")
    return found


def place(target: Path, folder: Path) -> None:
    """Put containerd's programs from a folder where a package has them, with a unit and no config.toml."""
    for program in programs(folder):
        new = target / "usr/bin" / program.name
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(program, new)
        new.chmod(0o755)
    unit = target / "usr/lib/systemd/system/containerd.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(CONTAINERD_UNIT)


def unpack(target: Path, mirror: str, packages: PackageSet) -> None:
    """Unpack packages, without their dependencies and maintainer scripts, into ``target``."""
    apt = target / ".apt"
    (apt / "lists/partial").mkdir(parents=True)
    (apt / "cache/archives/partial").mkdir(parents=True)
    (apt / "sources.list").write_text(_source_line(mirror, packages.suite) + "\n")
    options = {
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        # Else apt takes the version that this machine has installed for the candidate.
        "Dir::State::Status": "/dev/null",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    apt_get = [*CONTAINED, "apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    run([*apt_get, "update"], f"apt could not read the package list of {packages.suite}")
    run([*apt_get, "download", *packages.packages], f"apt could not download packages of {packages.suite}", cwd=apt)
    for package in sorted(apt.glob("*.deb")):
        run(["dpkg-deb", "--extract", str(package), str(target)], f"dpkg could not unpack {package.name}")
    shutil.rmtree(apt)
    _merge_usr(target)
    for folder in UNNEEDED:
        shutil.rmtree(target / folder, ignore_errors=True)


def run(command: Sequence[str], failure: str, cwd: Path | None = None) -> str:
    """Standard output of ``command``; raises LabError with ``failure`` and the last line of its errors."""
    result = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        raise LabError(f"{failure}: {last}")
    return result.stdout


def _source_line(mirror: str, suite: str) -> str:
    # Mirrors that stand still serve Release files of sid past their date.
    return f"deb [signed-by={KEYRING} check-valid-until=no] {mirror} {suite} main"


def _merge_usr(target: Path) -> None:
    """Move /lib, /bin and /sbin below /usr: as folders of an overlay they would hide the base's links of that name."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if (target / name).is_dir():
            shutil.copytree(target / name, target / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(target / name)
