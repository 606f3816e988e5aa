# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a command line of the pages can be typed: every program by its own parser, and what it names is there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Callable

from airgap_lab import cli as lab_cli
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.doc import DocCLI
from ansible.cli.galaxy import GalaxyCLI
from ansible.cli.inventory import InventoryCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.cli.vault import VaultCLI
from pages import ROLE, ROOT, Block, pages
from role_options import role_options

COLLECTION = "airgap.containerd."
ANSIBLE = {
    "ansible": AdHocCLI,
    "ansible-doc": DocCLI,
    "ansible-galaxy": GalaxyCLI,
    "ansible-inventory": InventoryCLI,
    "ansible-playbook": PlaybookCLI,
    "ansible-vault": VaultCLI,
}
SUBCOMMANDS = {
    "git": {"archive", "clone", "tag", "push", "log"},
    "molecule": {"init", "create", "converge", "verify", "test", "destroy", "login", "list", "idempotence"},
}
PIP = {"install", "download", "wheel"}
# Programs that are run as they are; what they are given is not looked at.
PLAIN = {"cd", "export", "ls", "mkdir", "cp", "cat", "tar", "source", "ansible-builder"}
# The playbooks' own variables are in their first comments.
PLAYBOOK_VARIABLE = re.compile(r"^#   (\w+)  ", re.M)


def words(command: str) -> list[str]:
    """The words of a command, without variables before it, and the program without its venv."""
    found = shlex.split(command)
    while found and re.match(r"[A-Z_]+=", found[0]):
        found.pop(0)
    return [found[0].removeprefix("venv/bin/"), *found[1:]]


def parsed(program: str, arguments: list[str]):
    """What Ansible's own parser makes of the arguments; raises ValueError with its complaint."""
    complaint = io.StringIO()
    cli = ANSIBLE[program]([program, *arguments])
    with contextlib.redirect_stderr(complaint):
        try:
            cli.init_parser()
            return cli.parser.parse_args(arguments)
        except SystemExit:
            raise ValueError(complaint.getvalue().strip().splitlines()[-1]) from None


def named_files(page: str) -> set[str]:
    """The files that blocks of a page hold, by the comments in their first lines."""
    return {block.file for each in pages() if each.name == page for block in each.blocks if block.file}


def check(command: str, block: Block) -> None:
    """Raise ValueError unless the command can be run where the page shows it."""
    program, *arguments = words(command)
    if program in ANSIBLE:
        _ansible(program, arguments, block)
    elif program in CHECKS:
        CHECKS[program](arguments, block)
    elif program in SUBCOMMANDS:
        if not arguments or arguments[0] not in SUBCOMMANDS[program]:
            raise ValueError(f"{program} {arguments[:1]} is unknown")
    elif program not in PLAIN:
        raise ValueError(f"nobody knows how to test {program}")


def _ansible(program: str, arguments: list[str], block: Block) -> None:
    if arguments == ["--version"]:
        return
    options = parsed(program, arguments)
    for source in getattr(options, "inventory", None) or ():
        _there(source, block)
    for playbook in getattr(options, "args", ()) if program == "ansible-playbook" else ():
        _playbook(playbook, block)
        for extra in options.extra_vars:
            _extra(extra, playbook, block)
    if program == "ansible-vault":
        for path in options.args:
            _there(path, block)
    if program == "ansible-doc":
        for name in options.args:
            check_name(name)


def _playbook(name: str, block: Block) -> None:
    if name.startswith(COLLECTION):
        _path(f"playbooks/{name.removeprefix(COLLECTION)}.yml")
    else:
        _there(name, block)


def _extra(extra: str, playbook: str, block: Block) -> None:
    if extra.startswith("@"):
        _there(extra[1:], block)
        return
    name = extra.partition("=")[0]
    short = playbook.removeprefix(COLLECTION).removeprefix("playbooks/").removesuffix(".yml")
    source = ROOT / "playbooks" / f"{short}.yml"
    known = set(PLAYBOOK_VARIABLE.findall(source.read_text())) if source.is_file() else set()
    if name.removeprefix(ROLE) not in role_options() and name not in known and not name.startswith("ansible_"):
        raise ValueError(f"-e {name}: no variable of the role, nor of {playbook}")


def _there(path: str, block: Block) -> None:
    """A file of the repository, one that the page shows, or one that only the reader has."""
    if path.endswith(",") or path in named_files(block.page) or path.split("/")[0] in ("my-inventory", "inventory"):
        return
    _path(path)


def _path(path: str) -> None:
    if not (ROOT / path).exists():
        raise ValueError(f"there is no {path}")


def check_name(name: str) -> None:
    """Raise ValueError unless the collection has a plugin, a playbook or a role of this name."""
    short = name.removeprefix(COLLECTION)
    places = ("plugins/modules/{}.py", "plugins/filter/{}.py", "plugins/callback/{}.py", "playbooks/{}.yml", "roles/{}")
    if not any((ROOT / place.format(short)).exists() for place in places):
        raise ValueError(f"the collection has nothing called {short}")


def _make(arguments: list[str], _block: Block) -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    for target in arguments:
        if "=" not in target and target not in targets:
            raise ValueError(f"make has no target {target}")


def _lab(arguments: list[str], _block: Block) -> None:
    complaint = io.StringIO()
    with contextlib.redirect_stderr(complaint):
        try:
            lab_cli._parser().parse_args(arguments)
        except SystemExit:
            raise ValueError(complaint.getvalue().strip().splitlines()[-1]) from None


def _python(arguments: list[str], block: Block) -> None:
    if arguments[:2] == ["-m", "venv"]:
        return
    if arguments[:2] == ["-m", "pytest"]:
        for path in arguments[2:]:
            _path(path)
        return
    if arguments[:2] != ["-m", "pip"]:
        raise ValueError("of Python's modules only pip, pytest and venv are known")
    _pip(arguments[2:], block)


def _pip(arguments: list[str], block: Block) -> None:
    if not arguments or arguments[0] not in PIP:
        raise ValueError(f"pip {arguments[:1]} is unknown")
    for option, value in zip(arguments, arguments[1:], strict=False):
        if option in ("-r", "--requirement"):
            _there(value, block)


CHECKS: dict[str, Callable[[list[str], Block], None]] = {
    "make": _make,
    "tests/lab/lab": _lab,
    "python3": _python,
    "pip": _pip,
}
