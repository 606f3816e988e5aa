# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the machine ready: packages it needs, and the cache of systems, layers and images that nodes start from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from airgap_lab import images, recipes
from airgap_lab.config import Base, Config, LabError, Node, PackageSet, Registry

# Debian package of each program that the lab runs on the machine itself.
PROGRAMS = {
    "eatmydata": "eatmydata",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
OS_RELEASE = Path("/etc/os-release")
CAP_SYS_RESOURCE = 24
# Half-built folders start with this; a finished one has its final name, so that a killed build is never used.
UNFINISHED = ".building-"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Folders in the cache, complete and ready to use; bases and layers are keyed by node, storage by registry."""

    bases: dict[str, Path]
    layers: dict[str, Path]
    tools: Path
    storage: dict[str, Path]

    @property
    def folders(self) -> set[Path]:
        """All of them."""
        return {self.tools, *self.bases.values(), *self.layers.values(), *self.storage.values()}


def check_machine() -> None:
    """Raise LabError unless this is root on a Debian machine."""
    if os.geteuid() != 0:
        raise LabError("The lab needs root, to make network namespaces and boot its nodes.")
    if not OS_RELEASE.exists() or "ID=debian" not in OS_RELEASE.read_text(encoding="utf-8").splitlines():
        raise LabError("The lab needs a Debian machine, because it builds its nodes from Debian's packages.")


def install_programs(tell: Tell, programs: Mapping[str, str] = PROGRAMS) -> None:
    """Install the packages of those programs that the machine lacks; ``programs`` has the package of each."""
    missing = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if missing:
        tell(f"installing {', '.join(missing)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *missing]
        for command in (["apt-get", "-qq", "update"], install):
            result = subprocess.run(command, env=environment, capture_output=True, text=True)
            # A third-party source that fails to update does not matter if the packages can be had.
            if result.returncode and command is install:
                raise LabError(f"apt could not install {', '.join(missing)}: {result.stderr.strip()[-300:]}")


def prepare(config: Config, tell: Tell, nodes: Iterable[Node]) -> Prepared:
    """Everything that these nodes and the registries start from, built if the cache does not have it."""
    config.cache.mkdir(parents=True, exist_ok=True)
    for leftover in config.cache.glob(UNFINISHED + "*"):
        shutil.rmtree(leftover)
    _make_ssh_key(config.ssh_key)
    nodes = list(nodes)
    with ThreadPoolExecutor(max_workers=3) as pool:
        bases = {base: pool.submit(_base, config, tell, base) for base in {node.base: None for node in nodes}}
        tools = pool.submit(_tools, config, tell)
        layers = {node.name: pool.submit(layer, config, tell, node.base, node.layer, node.folder) for node in nodes}
        registries = [each for each in config.registries.values() if each.images]
        storage = {registry.name: _storage(config, tell, registry, tools.result()) for registry in registries}
        return Prepared(
            bases={node.name: bases[node.base].result() for node in nodes},
            layers={name: built.result() for name, built in layers.items()},
            tools=tools.result(),
            storage=storage,
        )


def layer(config: Config, tell: Tell, base: Base, packages: PackageSet, folder: Path | None) -> Path:
    """The files of a containerd, of a suite's package or out of a folder, for nodes on a base, in the cache."""
    kind, inputs = _layer(config, base, packages, folder)

    def build(target: Path) -> None:
        recipes.build_layer(target, mirror(), packages, _runtime(config, base), lowers_oom_score(), folder)

    return _built(config, tell, kind, inputs, build)


def _layer(config: Config, base: Base, packages: PackageSet, folder: Path | None) -> tuple[str, dict[str, object]]:
    inputs: dict[str, object] = {
        "packages": asdict(packages),
        "runtime": asdict(_runtime(config, base)),
        "lowers_oom_score": lowers_oom_score(),
    }
    if folder:
        inputs["folder"] = [
            (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in recipes.programs(folder)
        ]
    return f"layer-{folder.name if folder else packages.suite}", inputs


def _runtime(config: Config, base: Base) -> PackageSet:
    # A runc of a newer suite would need a newer libc than the base has.
    return PackageSet(base.packages.suite, config.runtime)


def prune(config: Config, prepared: Prepared) -> None:
    """Remove from the cache what an older recipe built; only while no node runs from it."""
    on_demand = {
        _place(config, *_extra(config, node, name)) for node in config.nodes.values() for name in config.extras
    }
    for node in config.systems.values():
        on_demand.add(_place(config, *_base_inputs(node.base)))
        on_demand.add(_place(config, *_layer(config, node.base, node.layer, node.folder)))
    for folder in config.cache.iterdir():
        if folder not in prepared.folders | on_demand and folder != config.ssh_key.parent:
            shutil.rmtree(folder)


def extra(config: Config, tell: Tell, node: Node, name: str) -> Path:
    """The unpacked packages of an extra, from the node's suite."""
    kind, inputs = _extra(config, node, name)
    packages = PackageSet(node.layer.suite, config.extras[name])
    return _built(config, tell, kind, inputs, lambda folder: recipes.unpack(folder, mirror(), packages))


def _extra(config: Config, node: Node, name: str) -> tuple[str, dict[str, object]]:
    return f"extra-{name}-{node.layer.suite}", {"suite": node.layer.suite, "packages": config.extras[name]}


def lowers_oom_score() -> bool:
    """Whether this process, and so the nodes, may give a process a negative oom_score_adj."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)
    return False


def mirror() -> str:
    """Address of the Debian archive that this machine's own apt uses; raises LabError if it uses none."""
    address = _mirror()
    if not address:
        # Which source is Debian's is known only from the lists, and a new machine may not have any.
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
        address = _mirror()
    if not address:
        raise LabError("This machine's apt has no usable source of Debian packages; see what apt-get update says.")
    return address


def _mirror() -> str | None:
    listing = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)", "Created-By: Packages"]
    for line in recipes.run(listing, "apt could not tell its sources").splitlines():
        origin, codename, address = line.split(" ")
        # The archive itself, not its updates or security suites, which have addresses of their own.
        if origin == "Debian" and "-" not in codename:
            return address
    return None


def _base(config: Config, tell: Tell, base: Base) -> Path:
    return _built(config, tell, *_base_inputs(base), lambda folder: recipes.build_base(folder, mirror(), base))


def _base_inputs(base: Base) -> tuple[str, dict[str, object]]:
    return f"base-{base.packages.suite}", {"packages": asdict(base.packages), "init": base.init}


def _tools(config: Config, tell: Tell) -> Path:
    inputs = {"tools": asdict(config.tools)}
    return _built(config, tell, "tools", inputs, lambda folder: recipes.unpack(folder, mirror(), config.tools))


def _storage(config: Config, tell: Tell, registry: Registry, tools: Path) -> Path:
    inputs = {"registry": registry.name, "images": registry.images, "tools": tools.name}
    busybox = tools / "usr/bin/busybox"

    def build(folder: Path) -> None:
        images.write_images(folder, registry.name, registry.images, busybox)

    return _built(config, tell, f"images-{registry.name}", inputs, build)


def _built(config: Config, tell: Tell, kind: str, inputs: dict[str, object], build: Callable[[Path], None]) -> Path:
    """The folder that ``build`` fills, from the cache if one was made of equal inputs by the same code."""
    folder = _place(config, kind, inputs)
    if not folder.exists():
        tell(f"building {kind}")
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=config.cache))
        # It becomes the root folder of a system, which other users than root must be able to enter.
        unfinished.chmod(0o755)
        build(unfinished)
        # Nodes with equal layers build at the same time: the later one finds the folder taken.
        if folder.exists():
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(folder)
    return folder


def _place(config: Config, kind: str, inputs: dict[str, object]) -> Path:
    code = b"".join(Path(module.__file__).read_bytes() for module in (recipes, images))
    recipe = json.dumps(inputs, sort_keys=True).encode() + code
    return config.cache / f"{kind}-{hashlib.sha256(recipe).hexdigest()[:12]}"


def _make_ssh_key(path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent.parent) as folder:
            new = Path(folder) / path.name
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "airgap lab", "-f", str(new)]
            recipes.run(command, "ssh-keygen could not make a key")
            new.with_suffix(".pub").rename(path.with_suffix(".pub"))
            new.rename(path)
