# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as one object; the command line and the tests use nothing else."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from airgap_lab import cgroups, config, counters, network, nodes, prepare, registries, tls
from airgap_lab.config import NAMESPACE_PREFIX, PROJECT, Config, LabError, Node, PackageSet, namespace

# Present while /run/netns is the labs' own and has to go with the last of them.
NAMESPACES_MARK = "made-run-netns"
PULL_SECONDS = 60.0


@dataclass(frozen=True)
class NodeStatus:
    """A node as it is: versions are what its programs print, None while it is down."""

    name: str
    address: str
    containerd: str | None
    python: str | None
    sshd: bool


class Lab:
    """The lab of one state folder. Methods raise LabError with a sentence for the user."""

    def __init__(self, state: Path | None = None, tell: Callable[[str], None] = lambda line: None) -> None:
        """``state`` overrides where the lab keeps its files; ``tell`` is called with a line for each slow step."""
        self.config: Config = config.load(state)
        self._tell = tell

    def up(self, names: Sequence[str] = ()) -> bool:
        """Bring up the network, the registries and the named nodes; what is healthy is left alone.

        Without names, these are all but those of other systems.

        Returns whether anything had to be started.
        """
        wanted = [self.config.node(name) for name in names or self.config.nodes]
        prepare.check_machine()
        with self._locked():
            self._check_owner()
            if self._works(wanted):
                return False
            with self._machine_locked():
                prepare.install_programs(self._tell)
                prepared = prepare.prepare(self.config, self._tell, self._started_with(wanted))
                self._bring_up_lan(prepared)
            for registry in self.config.registries.values():
                if not registries.healthy(registry):
                    registries.destroy(self.config, registry)
                    registries.create(self.config, registry, prepared)
                    self._tell(f"{registry.name} answers at {registry.address}")
            self._boot([node for node in wanted if not nodes.healthy(node)], prepared)
            return True

    @contextlib.contextmanager
    def meanwhile_up(self) -> Iterator[Lab]:
        """Have the lab up for a while; it goes down again if it was down."""
        was_up = self.is_up()
        self.up()
        try:
            yield self
        finally:
            if not was_up:
                self.down()

    def is_up(self) -> bool:
        """Whether there is a lab, in whatever state."""
        return bool(network.existing())

    def down(self) -> None:
        """Stop everything, whatever state it is in; only the cache stays."""
        prepare.check_machine()
        with self._locked(), self._machine_locked():
            self._check_owner()
            self._take_down()
            nodes.remove_runtime_folder()

    def reset(self, *names: str) -> None:
        """Reset the named nodes to their first state: their disks are discarded and they boot again."""
        wanted = [self.config.node(name) for name in names]
        prepare.check_machine()
        with self._locked():
            self._check_owner()
            if not network.exists(network.LAN):
                raise LabError("The lab is not up.")
            self._boot(wanted, self._prepared(wanted))

    def swap(self, name: str, source: str) -> None:
        """Put another containerd on a running node, which keeps its settings and images: of a suite, or a folder's.

        A suite is one from which a node has its containerd, or the name of a node. A reset reverts it.
        """
        node = self.config.node(name)
        sources = {each.layer.suite: each for each in self.config.nodes.values() if not each.folder}
        taken = {**sources, **self.config.nodes}.get(source)
        if not taken and "/" not in source:
            raise LabError(
                f"No node has the containerd of {source!r}; there is {', '.join(sources)}, or the path of a folder."
            )
        prepare.check_machine()
        with self._locked():
            self._check_owner()
            packages, folder = (taken.layer, taken.folder) if taken else (PackageSet("", ()), Path(source))
            with self._machine_locked():
                layer = prepare.layer(self.config, self._tell, node.base, packages, folder)
            nodes.upgrade(self.config, node, layer)

    def install(self, name: str, extra: str) -> None:
        """Put the packages of an extra, from the node's own suite, on a running node; a reset removes them again."""
        node = self.config.node(name)
        prepare.check_machine()
        with self._locked():
            self._check_owner()
            with self._machine_locked():
                folder = prepare.extra(self.config, self._tell, node, extra)
            shutil.copytree(folder, nodes.root_path(node), symlinks=True, dirs_exist_ok=True)

    def status(self) -> list[NodeStatus]:
        """Every node as it is now, those of other systems if they are up."""
        up = [node for node in self._nodes_up() if node.name in self.config.systems]
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self._node_status, [*self.config.nodes.values(), *up]))

    def run(self, name: str, command: Sequence[str], input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as root on a node, not through ssh; a non-zero status is for the caller to judge."""
        return nodes.run(self.config.node(name), list(command), input)

    def read(self, name: str, path: str) -> str:
        """Content of a text file on a node."""
        return self._must(name, ["cat", path]).stdout

    def write(self, name: str, path: str, text: str, mode: str = "0644") -> None:
        """Make a text file on a node, with its folders."""
        target = shlex.quote(path)
        script = f'mkdir -p "$(dirname {target})" && cat > {target} && chmod {mode} {target}'
        self._must(name, ["sh", "-c", script], text)

    def root(self, name: str) -> Path:
        """A node's root directory, as this machine sees it; changes when the node is reset."""
        return nodes.root_path(self.config.node(name))

    def socket(self, name: str) -> Path:
        """A node's containerd socket, as this machine sees it; changes when the node is reset."""
        return nodes.socket_path(self.config.node(name))

    def pull(self, name: str, image: str) -> str:
        """Pull ``image`` on a node through CRI, as the kubelet would; returns the image reference."""
        cri = self._cri()
        try:
            return cri.Client(str(self.socket(name)), timeout=PULL_SECONDS).pull(image)
        except cri.CriError as error:
            raise LabError(str(error)) from error

    def serves_cri(self, name: str) -> bool:
        """Whether CRI answers on a node."""
        cri = self._cri()
        try:
            cri.Client(str(self.socket(name)), timeout=1.0).version()
        except cri.CriError:
            return False
        return True

    def ssh_command(self, name: str, command: Sequence[str] = ()) -> list[str]:
        """Command line for a shell on a node, or for ``command`` there, through ssh."""
        return nodes.ssh_command(self.config, self.config.node(name), list(command))

    def http(
        self, registry: str, method: str, path: str, headers: dict[str, str] | None = None, port: int | None = None
    ) -> network.Response:
        """A request to a registry from the control node."""
        target = self.config.registries[registry]
        port = port or target.ports[0]
        host = registry if port == 80 else f"{registry}:{port}"
        return network.request(target.address, port, method, path, {"Host": host, **(headers or {})})

    def registry_password(self, password: str | None = None) -> None:
        """Make the flat registry accept another password only; without one, that of the inventory again."""
        registries.set_password(self.config, password or self.config.password)

    def external_url(self, url: str | None) -> None:
        """Make harbor.lan and bearer.lan say that their token service is below this URL; None: below their own."""
        registries.set_external(self.config, url)

    def harbor_upstreams(self, away: bool) -> None:
        """Make what Harbor is a proxy cache of unreachable, or reachable again."""
        registries.set_upstreams_away(self.config, away)

    def harbor_newer(self, newer: bool) -> None:
        """Make Harbor answer as 2.14 and later, or as 2.9 again."""
        registries.set_newer(self.config, newer)

    def mark(self) -> str:
        """The present end of the request logs; give it to ``requests``."""
        return registries.mark(self.config)

    def requests(self, since: str | None = None) -> list[registries.Entry]:
        """Requests that the registries answered (see registries.requests)."""
        return registries.requests(self.config, since)

    def counters(self) -> dict[str, dict[str, int]]:
        """For each node that is up, what it tried to reach (see counters.read)."""
        return {node.name: counters.read(self.config, node) for node in self._nodes_up()}

    def reset_counters(self) -> None:
        """Reset the counters of every running node."""
        for node in self._nodes_up():
            counters.reset(self.config, node)

    def _works(self, wanted: list[Node]) -> bool:
        """Whether the registries and the requested nodes are healthy."""
        everything = [*map(registries.healthy, self.config.registries.values()), *map(nodes.healthy, wanted)]
        return network.owner() is not None and all(everything)

    def _nodes_up(self) -> list[Node]:
        return [node for node in self.config.machines.values() if network.exists(namespace(node.name))]

    def _prepared(self, wanted: list[Node]) -> prepare.Prepared:
        with self._machine_locked():
            return prepare.prepare(self.config, self._tell, self._started_with(wanted))

    def _started_with(self, wanted: list[Node]) -> list[Node]:
        return [*self.config.nodes.values(), *(node for node in wanted if node.name in self.config.systems)]

    def _bring_up_lan(self, prepared: prepare.Prepared) -> None:
        if network.owner():
            return
        # Whatever else there is hangs on a LAN that never came up: the rest of a start cut short.
        self._take_down()
        if not network.any_lab():
            prepare.prune(self.config, prepared)
        self.config.run.mkdir(parents=True)
        if not network.NAMESPACES.exists():
            (self.config.state / NAMESPACES_MARK).touch()
        tls.create(self.config)
        network.create_lan(self.config.addresses(self.config.controller), self.config.state)

    def _boot(self, wanted: list[Node], prepared: prepare.Prepared) -> None:
        for node in wanted:
            nodes.destroy(self.config, node)
            nodes.create(self.config, node, prepared)
        for node in wanted:
            nodes.wait(self.config, node)
            self._tell(f"{node.name} is up at {node.address}")

    def _take_down(self) -> None:
        for name in network.existing():
            network.destroy(name)
        for name in cgroups.existing(NAMESPACE_PREFIX):
            cgroups.remove(name)
        nodes.forget_runtime_folders(NAMESPACE_PREFIX + "*")
        mark = self.config.state / NAMESPACES_MARK
        if mark.exists() and network.remove_namespaces_folder():
            mark.unlink()
        shutil.rmtree(self.config.run, ignore_errors=True)

    def _check_owner(self) -> None:
        owner = network.owner()
        if owner and owner != str(self.config.state):
            raise LabError(f"Another lab is up, with AIRGAP_LAB_STATE={owner}; take it down first.")

    def _node_status(self, node: Node) -> NodeStatus:
        sshd = network.reachable(node.address, 22)
        if not nodes.leader(node):
            return NodeStatus(node.name, node.address, None, None, sshd)
        containerd = nodes.run(node, ["containerd", "--version"]).stdout
        python = nodes.run(node, [node.python, "--version"]).stdout
        return NodeStatus(node.name, node.address, _version(containerd), _version(python), sshd)

    def _must(self, name: str, command: list[str], input: str | None = None) -> subprocess.CompletedProcess[str]:
        result = self.run(name, command, input)
        if result.returncode:
            raise LabError(f"{shlex.join(command)} failed on {name}: {result.stderr.strip()}")
        return result

    @staticmethod
    def _cri() -> ModuleType:
        # The collection's own client; the lab needs the collection for nothing else.
        sys.path.insert(0, str(PROJECT / ".collections"))
        from ansible_collections.airgap.containerd.plugins.module_utils._cri import client

        return client

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        """Let no other process change this lab."""
        return _lock(self.config.run.with_suffix(".lock"))

    def _machine_locked(self) -> contextlib.AbstractContextManager[None]:
        """Let no other lab change the cache or what the labs on this machine share."""
        return _lock(self.config.state / "lock")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock; the kernel drops it with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _version(printed: str) -> str | None:
    """The first version number in what a program printed; Debian's containerd adds suffixes such as ~ds1."""
    match = re.search(r"\d+(?:\.\d+)+", printed)
    return match.group() if match else None
