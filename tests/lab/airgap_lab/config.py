# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab consists of, read from its data files: nothing else in the lab names a node, address or image."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airgap_lab.harbor.accounts import Account, Project

PROJECT = Path(__file__).resolve().parents[3]
LAB_FILE = PROJECT / "tests/lab/lab.yml"
INVENTORY = PROJECT / "inventories/lab"
SYSTEMS = PROJECT / "inventories/systems"
# $AIRGAP_LAB_NAME gives a second lab on the same machine names and a folder of its own.
LAB_NAME = os.environ.get("AIRGAP_LAB_NAME", "")
NAMESPACE_PREFIX = f"airgap{LAB_NAME}-"


class LabError(Exception):
    """Something the person at the keyboard has to know; the text is one sentence."""


@dataclass(frozen=True)
class PackageSet:
    """Debian packages by name, all from one suite."""

    suite: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """A Debian system that is the base of nodes.

    ``init`` is ``systemd`` or ``sysvinit``; ``cgroups`` is the version of the hierarchy that its init can work with.
    """

    packages: PackageSet
    init: str = "systemd"
    cgroups: int = 1


@dataclass(frozen=True)
class Node:
    """A machine with sshd and the containerd of ``layer.suite`` or, if it has one, of ``folder``, on a base.

    ``user`` is who logs in; anyone but root may do everything with sudo and ``password``.
    """

    name: str
    address: str
    base: Base
    user: str
    password: str | None
    layer: PackageSet
    folder: Path | None
    containerd: str
    python: str


@dataclass(frozen=True)
class Registry:
    """A registry by its host name; ``kind`` is ``distribution``, ``harbor``, ``insisting`` or ``failing``.

    ``images`` are REPOSITORY:TAG; ``ports`` are all of its ports, ``tls_ports`` those of them with TLS, and
    ``client_tls_ports`` those of these that want a client certificate. ``projects`` and ``accounts`` are Harbor's.
    """

    name: str
    kind: str
    address: str
    ports: tuple[int, ...]
    tls_ports: tuple[int, ...]
    client_tls_ports: tuple[int, ...]
    images: tuple[str, ...]
    projects: dict[str, Project]
    accounts: dict[str, Account]


@dataclass(frozen=True)
class Config:
    """The whole lab; ``state`` is the one folder that it writes to."""

    state: Path
    controller: str
    prefix_length: int
    prefix6: str
    runtime: tuple[str, ...]
    tools: PackageSet
    extras: dict[str, tuple[str, ...]]
    registries: dict[str, Registry]
    nodes: dict[str, Node]
    systems: dict[str, Node]
    username: str
    password: str

    @property
    def machines(self) -> dict[str, Node]:
        """The nodes that every lab has, and those that are booted on demand."""
        return {**self.nodes, **self.systems}

    @property
    def cache(self) -> Path:
        """What is worth keeping between two labs."""
        return self.state / "cache"

    @property
    def run(self) -> Path:
        """What belongs to the lab that is up; gone when it is down."""
        return self.state / f"run{LAB_NAME}"

    @property
    def ssh_key(self) -> Path:
        """Private key of the control node; the public one has ``.pub`` appended."""
        return self.cache / "ssh/id_ed25519"

    @property
    def tls(self) -> Path:
        """Certificates and keys of the lab that is up."""
        return self.run / "tls"

    def address6(self, address: str) -> str:
        """The IPv6 address of the machine with this IPv4 address."""
        return self.prefix6 + address.rpartition(".")[2]

    def addresses(self, address: str) -> list[str]:
        """Both addresses of the machine with this IPv4 address, with the lengths of their prefixes."""
        return [f"{address}/{self.prefix_length}", f"{self.address6(address)}/64"]

    def node(self, name: str) -> Node:
        """The node called ``name``; raises LabError if there is none."""
        if name not in self.machines:
            raise LabError(f"There is no node {name!r}; the lab has {', '.join(self.machines)}.")
        return self.machines[name]


def namespace(name: str) -> str:
    """Network namespace of the machine called ``name``: n1 has airgap-n1, harbor.lan has airgap-harbor."""
    return NAMESPACE_PREFIX + name.split(".")[0]


def state_folder(environment: dict[str, str]) -> Path:
    """Where the lab keeps its state: $AIRGAP_LAB_STATE, else below the user's cache."""
    if environment.get("AIRGAP_LAB_STATE"):
        return Path(environment["AIRGAP_LAB_STATE"]).absolute()
    cache = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
    return Path(cache).absolute() / "airgap-containerd/lab"


def load(state: Path | None = None) -> Config:
    """The lab as lab.yml and the inventory describe it."""
    lab = _read(LAB_FILE)
    hosts = _read(INVENTORY / "hosts.yml")["all"]
    systems = _read(SYSTEMS / "hosts.yml")["all"]["children"]["systems"]
    bases = {name: _base(entry) for name, entry in lab["bases"].items()}
    defaults = {"lab_base": lab["base"], **hosts["vars"]}
    account = _read(INVENTORY / "group_vars/all.yml")
    return Config(
        state=state or state_folder(dict(os.environ)),
        controller=lab["controller"],
        prefix_length=lab["prefix_length"],
        prefix6=lab["prefix6"],
        runtime=tuple(lab["runtime"]),
        tools=_package_set(lab["tools"]),
        extras={name: tuple(packages) for name, packages in lab["extras"].items()},
        registries={name: _registry(name, entry) for name, entry in lab["registries"].items()},
        nodes={name: _node(name, bases, {**defaults, **entry}) for name, entry in hosts["hosts"].items()},
        systems={name: _node(name, bases, {**defaults, **entry}) for name, entry in systems["hosts"].items()},
        username=account["containerd_registry_username"],
        password=account["containerd_registry_password"],
    )


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _package_set(entry: dict[str, Any]) -> PackageSet:
    return PackageSet(suite=entry["suite"], packages=tuple(entry["packages"]))


def _registry(name: str, entry: dict[str, Any]) -> Registry:
    client_tls = tuple(entry.get("client_tls_ports", []))
    tls = (*entry.get("tls_ports", []), *client_tls)
    ports = (*entry["ports"], *tls)
    projects = {key: Project(**each) for key, each in (entry.get("projects") or {}).items()}
    accounts = {key: Account.load(key, each) for key, each in (entry.get("accounts") or {}).items()}
    images = tuple(entry["images"])
    return Registry(name, entry["kind"], entry["address"], ports, tls, client_tls, images, projects, accounts)


def _base(entry: dict[str, Any]) -> Base:
    return Base(_package_set(entry), entry.get("init", "systemd"), entry.get("cgroups", 1))


def _node(name: str, bases: dict[str, Base], variables: dict[str, Any]) -> Node:
    base = bases[variables["lab_base"]]
    folder = variables.get("lab_folder")
    packages = (*(() if folder else ("containerd",)), *variables.get("lab_packages", []))
    return Node(
        name=name,
        address=variables["ansible_host"],
        base=base,
        user=variables["ansible_user"],
        password=variables.get("ansible_become_password"),
        layer=PackageSet(variables.get("lab_suite", base.packages.suite), packages),
        folder=Path(folder).expanduser() if folder else None,
        containerd=str(variables["lab_containerd"]),
        python=variables["ansible_python_interpreter"],
    )
