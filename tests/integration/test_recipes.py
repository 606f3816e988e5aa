# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/recipes.md, done on a node from the first recipe to the last: each with its variables and its commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from command_lines import words
from pages import ROOT, Block, Page, commands
from support import HOSTS, LAB_VARIABLES, LAST_1, NEWEST, Player, Run, cri, dump, pid

NODE = LAST_1
NAME = "worker01.dev-prev.com"
"""What the page calls the node."""
PASSWORD = LAB_VARIABLES["containerd_registry_password"]
BUSYBOX = "docker.io/library/busybox:1"
PAGE = Page(ROOT / "docs" / "recipes.md")
RECIPES = list(dict.fromkeys(block.section for block in PAGE.blocks))
BROKEN = "/etc/containerd/certs.d/docker.io/hosts.toml"
AWAY = {"worker02.dev-prev.com": {"ansible_host": "10.77.0.99"}}


class Walk:
    """The node, and the inventory that the reader of the page has."""

    def __init__(self, lab, folder: Path):
        self.lab = lab
        self.folder = folder
        self.inventory = folder / "inventories" / "lan"
        self.play = Player(folder, inventory=self.inventory)
        self.variables = self.inventory / "group_vars" / "all"
        self.variables.mkdir(parents=True)
        (self.inventory.parent / "files").mkdir()
        shutil.copy(lab.config.tls / "ca.crt", self.inventory.parent / "files" / "lan-ca.pem")
        names = ("vault_harbor_password", "vault_reader_password", "vault_second_password")
        (self.variables / "vault.yml").write_text(yaml.safe_dump(dict.fromkeys(names, PASSWORD)))

    def hosts(self, **others: dict) -> None:
        """Write the list of nodes: the lab's one, in a group of its own, and others."""
        found = yaml.safe_load((ROOT / "inventories" / "lab" / "hosts.yml").read_text())
        hosts = {NAME: HOSTS[NODE], **others}
        found["all"] |= {"hosts": hosts, "children": {"gpu": {"hosts": {NAME: None}}}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(found))

    def write(self, block: Block) -> None:
        """Put a block where the page says; variables without a file go beside the five lines, until the next recipe."""
        name = "registry" if block.section == RECIPES[0] else "the_recipe"
        path = self.folder / (block.file or f"inventories/lan/group_vars/all/{name}.yml")
        path.write_text(block.text)

    def type(self, command: str) -> Run:
        """Run a command of the page, the reports aside."""
        program, source, inventory, playbook, *rest = words(command)
        assert [program, source, inventory] == ["ansible-playbook", "-i", "inventories/lan"], command
        playbook = playbook if playbook.startswith("airgap.") else str(self.folder / playbook)
        run = self.play("-e", f"containerd_registry_report_dir={self.folder}", *rest, playbook=playbook)
        assert PASSWORD not in run.output and "Unable to parse" not in run.output
        return run

    def served(self, image: str, registry: str, repository: str, user: str = "robot$puller") -> None:
        """Check that the node pulls an image from a registry, with an account."""
        mark = self.lab.mark()
        self.lab.pull(NODE, image)
        seen = [each for each in self.lab.requests(mark) if f"/v2/{repository}/manifests/" in each["path"]]
        assert seen and {(each["registry"], each["user"]) for each in seen if each["status"] == 200} == {
            (registry, user)
        }, seen


@pytest.fixture(scope="module")
def walk(lab, tmp_path_factory) -> Iterator[Walk]:
    lab.reset(NODE)
    yield Walk(lab, tmp_path_factory.mktemp("recipes"))
    lab.reset(NODE)


def rotated(walk: Walk, _runs: list[Run]) -> None:
    walk.served(BUSYBOX, "harbor.lan", "dockerhub/library/busybox", "robot$reader")


def failed_over(walk: Walk, _runs: list[Run]) -> None:
    walk.served(BUSYBOX, "harbor.lan", "dockerhub/library/busybox")
    walk.served("docker.io/second/only:1", "second.lan", "second/only")


def left_alone(_walk: Walk, runs: list[Run]) -> None:
    assert "https://gitlab.lan:5050/v2/" in runs[-1].output


def repaired(walk: Walk, runs: list[Run]) -> None:
    assert BROKEN in runs[0].failed() + runs[0].output
    walk.served(BUSYBOX, "harbor.lan", "dockerhub/library/busybox")


def one_key(walk: Walk, _runs: list[Run]) -> None:
    assert cri(dump(walk.lab, NODE))["max_concurrent_downloads"] == 6
    before = pid(walk.lab, NODE)
    assert walk.type("ansible-playbook -i inventories/lan one-key.yml").ok().changed() == {NAME: 0}
    assert pid(walk.lab, NODE) == before


def away(_walk: Walk, runs: list[Run]) -> None:
    assert runs[0].stats[NAME]["failures"] == runs[0].stats[NAME]["unreachable"] == 0
    assert list(AWAY)[0] in runs[0].failed() + runs[0].output and NAME in runs[1].stats


def removed(walk: Walk, _runs: list[Run]) -> None:
    left = walk.lab.run(NODE, ["find", "/etc/containerd/certs.d", "/var/lib/airgap-containerd"]).stdout.split()
    assert left in ([], ["/etc/containerd/certs.d"])


def serves(image: str, registry: str, repository: str) -> Callable[[Walk, list[Run]], None]:
    return lambda walk, _runs: walk.served(image, registry, repository)


DONE: dict[str, Callable[[Walk, list[Run]], None]] = {
    "Recipes": serves(BUSYBOX, "harbor.lan", "dockerhub/library/busybox"),
    "Rotate credentials": rotated,
    "Add an upstream": serves("registry.example.org/team/tool:1", "harbor.lan", "open/team/tool"),
    "Move the registry": serves(BUSYBOX, "registry.lan", "library/busybox"),
    "Use two registries, the second one as failover": failed_over,
    "Use a private CA": serves("quay.io/coreos/etcd:1", "registry.lan", "coreos/etcd"),
    "Pull from one registry directly": left_alone,
    "Give a group of nodes other settings": serves("nvcr.io/owner/img:1", "second.lan", "owner/img"),
    "Find out why one node does not pull": repaired,
    "Change one key of config.toml": one_key,
    "Upgrade containerd from 1.7 to 2": serves(BUSYBOX, "harbor.lan", "dockerhub/library/busybox"),
    "Run it while some nodes are down": away,
    "Remove everything": removed,
}
"""What is true after a recipe."""
FAILS = {"Find out why one node does not pull": (0,), "Run it while some nodes are down": (0,)}
"""Commands of a recipe that end with an error, by their places."""
RESTARTS = {"Recipes", "Change one key of config.toml", "Upgrade containerd from 1.7 to 2", "Remove everything"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe(walk, recipe):
    walk.hosts(**(AWAY if DONE[recipe] is away else {}))
    (walk.variables / "the_recipe.yml").unlink(missing_ok=True)
    before, runs = pid(walk.lab, NODE), []
    if DONE[recipe] is repaired:
        walk.lab.write(NODE, BROKEN, "server = ")
    for block in (each for each in PAGE.blocks if each.section == recipe):
        if block.kind in ("variables", "playbook"):
            walk.write(block)
            continue
        if "Upgrade" in recipe and runs:
            walk.lab.swap(NODE, NEWEST)
        for command in commands(block):
            runs.append(walk.type(command))
            assert (runs[-1].rc != 0) == (len(runs) - 1 in FAILS.get(recipe, ())), runs[-1].output
    assert (pid(walk.lab, NODE) != before) == (recipe in RESTARTS)
    DONE[recipe](walk, runs)


def test_every_recipe_is_known():
    assert list(DONE) == RECIPES
