# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes: systemd-nspawn containers, each booting its own systemd, sshd and containerd.

A node's root is an overlay that is mounted only within the mount namespace of its systemd-nspawn: when that ends,
however it ends, no mount is left.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

from airgap_lab import cgroups, counters, network
from airgap_lab.config import Config, LabError, Node, namespace
from airgap_lab.prepare import Prepared

BOOT_SECONDS = 60.0
SOCKET = "run/containerd/containerd.sock"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
NSPAWN_RUNTIME = Path("/run/systemd/nspawn")
# What no node needs. After several mounts in a row, systemd 252 can leave those that wait for good on a busy machine;
# the services are processes in each of many boots, for devices and mounts that systemd-nspawn has made already.
MASKED = (
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-remount-fs.service",
    "systemd-tmpfiles-setup-dev.service",
)
# What a containerd package replaces on an upgrade. Its config.toml is a conffile: one that was edited stays.
PACKAGE_FILES = ("usr/bin/containerd*", "usr/bin/ctr", "usr/lib/systemd/system/containerd.service")


def create(config: Config, node: Node, prepared: Prepared) -> None:
    """Start booting the node in its first state; ``wait`` returns when it is ready."""
    name = namespace(node.name)
    network.create(name, config.addresses(node.address))
    counters.install(config, node)
    folder = _folder(config, node)
    for part in ("upper", "work", "root", "containerd"):
        (folder / part).mkdir(parents=True)
    _personalize(folder / "upper", config, node)
    layers = f"{prepared.layers[node.name]}:{prepared.bases[node.name]}"
    options = f"lowerdir={layers},upperdir={folder}/upper,workdir={folder}/work"
    script = [
        *cgroups.join_commands(name),
        shlex.join(["mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/root"]),
        "exec " + shlex.join(_nspawn(node, folder)),
    ]
    with (folder / "console.log").open("ab") as output:
        network.start(
            name,
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join(script)],
            output,
            # Seccomp needs a host whose systemd knows the calls; the lock file would outlive a killed node.
            {
                "SYSTEMD_SECCOMP": "0",
                "SYSTEMD_NSPAWN_LOCK": "0",
                **({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if node.base.cgroups == 2 else {}),
            },
        )


def wait(config: Config, node: Node) -> None:
    """Return when the node is ready; raises LabError if it does not get there."""
    deadline = time.monotonic() + BOOT_SECONDS
    while not _serves(node):
        if time.monotonic() > deadline or not network.processes(namespace(node.name)):
            log = (_folder(config, node) / "console.log").read_text(errors="replace").strip().splitlines()
            raise LabError(f"{node.name} did not boot: {' / '.join(log[-3:]) or 'it printed nothing'}")
        time.sleep(0.1)
    if node.user != "root":
        _add_user(config, node)


def _add_user(config: Config, node: Node) -> None:
    """Give the node its user, who logs in with the lab's key and needs a password for sudo."""
    user, keys = shlex.quote(node.user), shlex.quote(config.ssh_key.with_suffix(".pub").read_text())
    script = f"""
    id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/sh {user}
    chpasswd
    mkdir -p ~{user}/.ssh && printf %s {keys} > ~{user}/.ssh/authorized_keys && chown -R {user}: ~{user}/.ssh
    echo {user} 'ALL=(ALL:ALL) ALL' > /etc/sudoers.d/{user} && chmod 440 /etc/sudoers.d/{user}
    """
    done = run(node, ["sh", "-ec", script], f"{node.user}:{node.password}\n")
    if done.returncode:
        raise LabError(f"{node.name} could not be given the user {node.user}: {done.stderr.strip()}")


def upgrade(config: Config, node: Node, layer: Path) -> None:
    """Give the running node the containerd of another layer, as its package manager would, and restart it."""
    root = root_path(node)
    for pattern in PACKAGE_FILES:
        # Unlinked, not written over: what runs keeps the file it was started from.
        for old in list(root.glob(pattern)):
            old.unlink()
        for new in layer.glob(pattern):
            shutil.copy2(new, root / new.relative_to(layer))
    done = run(node, ["sh", "-ec", "systemctl daemon-reload; systemctl restart containerd"])
    if done.returncode:
        raise LabError(f"containerd of {layer.name} does not start on {node.name}: {done.stderr.strip()}")
    wait(config, node)


def destroy(config: Config, node: Node) -> None:
    """Cut the node's power and throw its disk away."""
    network.destroy(namespace(node.name))
    cgroups.remove(namespace(node.name))
    shutil.rmtree(_folder(config, node), ignore_errors=True)
    forget_runtime_folders(namespace(node.name))


def forget_runtime_folders(name: str) -> None:
    """Remove the folders that killed nodes left in systemd-nspawn's; ``name`` is a glob pattern of machine names."""
    for folder in NSPAWN_RUNTIME.glob(f"*/{name}"):
        shutil.rmtree(folder, ignore_errors=True)


def remove_runtime_folder() -> None:
    """Remove systemd-nspawn's folder, unless other containers have theirs there."""
    for folder in (*NSPAWN_RUNTIME.glob("*"), NSPAWN_RUNTIME):
        with contextlib.suppress(OSError):
            folder.rmdir()


def healthy(node: Node) -> bool:
    """Whether the node runs, its sshd accepts connections, its containerd listens, and its user is there."""
    return _serves(node) and (node.user == "root" or (root_path(node) / "etc/sudoers.d" / node.user).exists())


def _serves(node: Node) -> bool:
    pid = leader(node)
    # sshd comes last: it starts a process for whoever connects.
    return bool(pid) and _listens(Path(f"/proc/{pid}/root", SOCKET)) and network.reachable(node.address, 22)


def leader(node: Node) -> int | None:
    """Id of the node's PID 1 on the machine, or None if the node is not up."""
    for pid in network.processes(namespace(node.name)):
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
        # One namespace below ours: pods on the node have a PID 1 too, but lie deeper.
        if len(ids) == 2 and ids[1] == "1":
            return pid
    return None


def root_path(node: Node) -> Path:
    """The node's root directory as seen from the machine."""
    return Path(f"/proc/{_leader(node)}/root")


def socket_path(node: Node) -> Path:
    """The node's containerd socket as seen from the machine."""
    return root_path(node) / SOCKET


def run(node: Node, command: list[str], input: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``command`` on the node as root, without ssh."""
    enter = ["nsenter", f"--target={_leader(node)}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
    source = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
    return subprocess.run([*enter, "--", *command], env=environment, capture_output=True, text=True, **source)


def ssh_command(config: Config, node: Node, command: list[str]) -> list[str]:
    """Command line that opens a shell on the node from the control node, or runs ``command`` there."""
    options = {
        "IdentityFile": config.ssh_key,
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
    }
    arguments = [f"-o{name}={value}" for name, value in options.items()]
    return [*network.enter(network.LAN), "ssh", *arguments, f"root@{node.address}", *command]


def _leader(node: Node) -> int:
    pid = leader(node)
    if not pid:
        raise LabError(f"{node.name} is not up.")
    return pid


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _nspawn(node: Node, folder: Path) -> list[str]:
    name = namespace(node.name)
    command = ["systemd-nspawn", "--quiet", "--boot", f"--machine={name}", f"--hostname={node.name}"]
    command += [f"--directory={folder}/root", f"--network-namespace-path={network.NAMESPACES / name}"]
    command += ["--capability=all", "--system-call-filter=@keyring bpf", "--register=no"]
    # An overlay cannot be the upper layer of another, which containerd's snapshots want to be.
    command += [f"--bind={folder}/containerd:/var/lib/containerd"]
    command += ["--resolv-conf=off", "--timezone=off", "--console=pipe"]
    # Where systemd runs the machine, it makes the node a scope of its own; elsewhere the node has joined our cgroup.
    return command if cgroups.managed_by_systemd() else [*command, "--keep-unit"]


def _personalize(root: Path, config: Config, node: Node) -> None:
    """Write what only this node has into its empty upper layer."""
    hosts = {"127.0.0.1": "localhost", node.address: node.name}
    hosts.update({registry.address: registry.name for registry in config.registries.values()})
    files = {
        "etc/hostname": f"{node.name}\n",
        "etc/hosts": "".join(f"{address} {name}\n" for address, name in hosts.items()),
        # An id makes this boot an ordinary one: on a first boot systemd would enable everything.
        "etc/machine-id": hashlib.md5(node.name.encode(), usedforsecurity=False).hexdigest() + "\n",
        "root/.ssh/authorized_keys": config.ssh_key.with_suffix(".pub").read_text(),
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (root / "root").chmod(0o700)
    (root / "root/.ssh").chmod(0o700)


def _folder(config: Config, node: Node) -> Path:
    return config.run / "nodes" / node.name
