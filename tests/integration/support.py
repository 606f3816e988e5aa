# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks run on the lab as a user would run them, and read as a machine would read them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import forked
import yaml
from airgap_lab import Lab

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

ROOT = Path(__file__).resolve().parents[2]
HOSTS = yaml.safe_load((ROOT / "inventories" / "lab" / "hosts.yml").read_text())["all"]["hosts"]
RELEASES = {name: releases.release(releases.parse(str(host["lab_containerd"]))) for name, host in HOSTS.items()}
NODES = tuple(HOSTS)
ROLE = "tests/integration/plays/role.yml"
SITE = "playbooks/site.yml"
CONFIG = "/etc/containerd/config.toml"
SECONDS = 600
"""The time limit of a run."""
V2 = "io.containerd.grpc.v1.cri"
V3_IMAGES, V3_RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"
DOWNLOADS = {"plugins": {"cri_images": {"max_concurrent_downloads": 7}}}
LEGACY = tuple(name for name, release in RELEASES.items() if not release.config_path)
CONFIG_PATH = tuple(name for name in NODES if name not in LEGACY)
BY_AGE = tuple(sorted(NODES, key=lambda name: RELEASES[name].version))
BEFORE_2 = tuple(name for name in BY_AGE if RELEASES[name].imports_replace_tables)
FROM_2 = tuple(name for name in BY_AGE if name not in BEFORE_2)
LEGACY_TLS = tuple(name for name in NODES if RELEASES[name].tls_tables)
"""Nodes whose containerd reads TLS settings in config.toml."""
OLDEST, LAST_1, NEWEST = BY_AGE[0], BEFORE_2[-1], BY_AGE[-1]
"""A node without config_path, one with it whose imports replace tables, and one that merges them."""
BOTH_LINES = (LAST_1, NEWEST)
"""One of containerd 1.x and one of 2.x, both with config_path."""
ENDS, BETWEEN = (OLDEST, NEWEST), BY_AGE[1:-1]
"""For what is no different between releases, the oldest and the newest are enough."""
HARBOR = yaml.safe_load((ROOT / "tests" / "lab" / "harbor-vars.yml").read_text())
LAB_VARIABLES = yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "all.yml").read_text())
IMAGES = {
    "docker.io/library/busybox:1": "library/busybox",
    "quay.io/coreos/etcd:1": "coreos/etcd",
    "ghcr.io/owner/img:1": "owner/img",
    "registry.k8s.io/pause:3.9": "pause",
    "registry.example.org/team/tool:1": "team/tool",
}
"""Image names as charts have them, and their repositories in a flat registry. No settings name registry.example.org."""

_PAUSES = {
    (1, 4): "k8s.gcr.io/pause:3.2",
    (1, 5): "k8s.gcr.io/pause:3.5",
    (1, 6): "registry.k8s.io/pause:3.6",
    (1, 7): "registry.k8s.io/pause:3.8",
    (2, 0): "registry.k8s.io/pause:3.10",
    (2, 1): "registry.k8s.io/pause:3.10",
    (2, 2): "registry.k8s.io/pause:3.10.1",
    (2, 3): "registry.k8s.io/pause:3.10.2",
    (2, 4): "registry.k8s.io/pause:3.10.2",
}
PAUSES = {name: _PAUSES[release.version[:2]] for name, release in RELEASES.items()}
"""The image that each node's containerd starts pods with, by its own default."""


@dataclass
class Run:
    """One run of ansible-playbook."""

    rc: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, host: str, action: str = "airgap.containerd.containerd_registry") -> dict[str, Any]:
        """The result of the last task with this action on a host."""
        found = [each["result"] for each in self.results if each["host"] == host and each["task"] == action][-1]
        return {**found, "warnings": found["notes"]} if "notes" in found else found

    def changed(self) -> dict[str, int]:
        """How many tasks changed something, per host."""
        return {host: each["changed"] for host, each in sorted(self.stats.items())}

    def failed(self) -> str:
        """The messages of everything that failed."""
        return "\n".join(str(each["result"].get("msg")) for each in self.results if each["outcome"] != "ok")

    def ok(self) -> Run:
        """This run, if it succeeded."""
        assert self.rc == 0, self.output
        return self


class Player:
    """Runs playbooks from the root of this checkout, the role alone where none is named.

    They run on the lab's inventory, or on one that a test made.
    """

    limit = ""
    """The nodes on which each run is that has no limit of its own."""

    def __init__(self, folder: Path, playbook: str = ROLE, inventory: Path = ROOT / "inventories" / "lab"):
        self.folder = folder
        self.playbook = playbook
        self.inventory = inventory
        self.runs = 0

    def __call__(
        self,
        *arguments: str,
        playbook: str = "",
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
        inventory: tuple[str, ...] = (),
        **variables: Any,
    ) -> Run:
        """Run a playbook on the lab, or the role; keyword arguments become extra variables of the role."""
        command, environment = self._command(arguments, playbook or self.playbook, env or {}, inventory, variables)
        printed = self.folder / f"run-{self.runs}.txt"
        status = forked.run(command, environment, cwd, printed, SECONDS)
        if status is None:
            with printed.open("w") as output:
                status = subprocess.run(
                    command,
                    cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    timeout=SECONDS, check=False,
                ).returncode  # fmt: skip
        record = Path(environment["AIRGAP_RECORD"])
        entries = [json.loads(line) for line in record.read_text().splitlines()]
        stats = [entry["stats"] for entry in entries if "stats" in entry]
        results = [entry for entry in entries if "stats" not in entry]
        return Run(status, printed.read_text(), results, stats[0] if stats else {})

    def start(self, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
        """Begin to run the site playbook, in a process group of its own; its output is one text."""
        command, environment = self._command(arguments, SITE, {}, (), variables)
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def _command(
        self,
        arguments: tuple[str, ...],
        playbook: str,
        env: dict[str, str],
        inventory: tuple[str, ...],
        variables: dict[str, Any],
    ) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the environment of a run, which has files of its own."""
        self.runs += 1
        record = self.folder / f"run-{self.runs}.jsonl"
        record.touch()
        extra = self.folder / f"vars-{self.runs}.json"
        extra.write_text(json.dumps({f"containerd_registry_{name}": value for name, value in variables.items()}))
        environment = {
            **os.environ,
            "AIRGAP_RECORD": str(record),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "integration" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_NOCOLOR": "1",
            **env,
        }
        sources = [word for source in (str(self.inventory), *inventory) for word in ("-i", source)]
        if self.limit and not any(each.startswith("--limit") for each in arguments):
            arguments = (f"--limit={self.limit}", *arguments)
        return ["ansible-playbook", *sources, playbook, "-e", f"@{extra}", *arguments], environment


def pid(lab: Lab, node: str) -> str:
    """The process of the running containerd, which shows whether it was restarted."""
    return lab.run(node, ["systemctl", "show", "--value", "--property=MainPID", "containerd"]).stdout.strip()


def files(lab: Lab, node: str) -> dict[str, str]:
    """Digest of every file that the collection might touch on a node."""
    command = "find /etc /var/lib/airgap-containerd /root -xdev -type f 2>/dev/null | sort | xargs -d '\\n' sha256sum"
    lines = lab.run(node, ["sh", "-c", command]).stdout.splitlines()
    return {path: digest for digest, path in (line.split(maxsplit=1) for line in lines)}


def assert_served(lab: Lab, nodes: str | Iterable[str], image: str, registry: str, repository: str) -> None:
    """Pull an image through CRI and check in the request log that the registry served it for the node's account."""
    nodes = (nodes,) if isinstance(nodes, str) else nodes
    mark = lab.mark()
    for node in nodes:
        lab.pull(node, image)
    requests = lab.requests(mark)
    for node in nodes:
        seen = [entry for entry in requests if entry["node"] == node]
        served = [e for e in seen if e["status"] == 200 and f"/v2/{repository}/manifests/" in e["path"]]
        assert served, f"{node} got {image} without asking {registry} for {repository}: {seen}"
        assert all(e["registry"] == registry and e["user"] == "robot$puller" for e in served), served
        assert all(e["status"] in (200, 401) or "/token" in e["path"] for e in seen), seen


def executions(output: str) -> dict[str, int]:
    """Remote executions per node: with pipelining, each is one command given to ssh."""
    addresses = {host["ansible_host"]: name for name, host in HOSTS.items()}
    found = Counter(addresses[each] for each in re.findall(r"^<([\d.]+)> SSH: EXEC ", output, re.M))
    return dict(sorted(found.items()))


def dump(lab, node: str, path: str = CONFIG) -> dict:
    """What the node's containerd makes of a file."""
    command = "dump" if RELEASES[node].newest_file == 2 else "migrate"
    return load(lab.run(node, ["containerd", "--config", path, "config", command]).stdout)


def cri(document: dict, runtime: bool = False) -> dict:
    """The settings of CRI, for images or for containers, in what `dump` returns."""
    plugins = document["plugins"]
    return plugins.get(V3_RUNTIME if runtime else V3_IMAGES) or plugins[V2]
