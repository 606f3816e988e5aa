# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: parses, calls the lab, prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence

from airgap_lab.config import LabError
from airgap_lab.lab import Lab
from airgap_lab.prepare import check_machine

STATUS_COLUMNS = ("node", "address", "containerd", "python", "sshd")
REQUEST_LINE = "{time} {registry}:{port} {node} {method} {path} {auth} {status}"

# Carries out one command; returns the exit status if it is not always 0.
Action = Callable[[Lab, argparse.Namespace], "int | None"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    # `su` leaves root with a PATH that lacks the folder of nft and ip.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    lab = Lab(tell=lambda line: print(line, file=sys.stderr, flush=True))
    try:
        check_machine()
        return options.action(lab, options) or 0
    except LabError as error:
        print(error, file=sys.stderr)
        return 1


def _up(lab: Lab, options: argparse.Namespace) -> None:
    systems = [*lab.config.machines] if options.systems else []
    if not lab.up([*options.nodes, *systems]):
        print("The lab is already running.", file=sys.stderr)


def _down(lab: Lab, options: argparse.Namespace) -> None:
    lab.down()


def _reset(lab: Lab, options: argparse.Namespace) -> None:
    lab.reset(*options.nodes)


def _swap(lab: Lab, options: argparse.Namespace) -> None:
    lab.swap(options.node, options.source)


def _status(lab: Lab, options: argparse.Namespace) -> None:
    rows = [STATUS_COLUMNS]
    for node in lab.status():
        sshd = "reachable" if node.sshd else "unreachable"
        rows.append((node.name, node.address, node.containerd or "-", node.python or "-", sshd))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _ssh(lab: Lab, options: argparse.Namespace) -> None:
    command = lab.ssh_command(options.node, options.command)
    sys.stdout.flush()
    os.execvp(command[0], command)


def _socket(lab: Lab, options: argparse.Namespace) -> None:
    print(lab.socket(options.node))


def _logs(lab: Lab, options: argparse.Namespace) -> int:
    result = lab.run(options.node, ["journalctl", "--unit=containerd", "--no-pager"])
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.returncode


def _pull(lab: Lab, options: argparse.Namespace) -> None:
    print(lab.pull(options.node, options.image))


def _harbor(lab: Lab, options: argparse.Namespace) -> None:
    lab.harbor_upstreams(options.upstreams == "away")


def _mark(lab: Lab, options: argparse.Namespace) -> None:
    print(lab.mark())


def _requests(lab: Lab, options: argparse.Namespace) -> None:
    for entry in lab.requests(options.since):
        shown = {name: "-" if value is None else value for name, value in entry.items()}
        print(json.dumps(entry) if options.json else REQUEST_LINE.format(**shown))


def _counters(lab: Lab, options: argparse.Namespace) -> None:
    if options.reset:
        lab.reset_counters()
    else:
        print(json.dumps(lab.counters(), indent=2))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Real containerd nodes and registries on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, action: Action, help: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(action=action)
        return command

    up = add("up", _up, "start registries and nodes, all or the named ones, and replace what has stopped")
    up.add_argument("nodes", nargs="*", metavar="NODE")
    up.add_argument("--systems", action="store_true", help="also the nodes on other systems")
    add("down", _down, "stop everything and remove all but the cache")
    reset = add("reset", _reset, "reset nodes to their first state")
    reset.add_argument("nodes", nargs="+", metavar="NODE")
    swap = add("swap", _swap, "install another containerd on a running node")
    swap.add_argument("node", metavar="NODE")
    swap.add_argument("source", metavar="SOURCE", help="a suite or node of the lab, or a folder with bin/containerd")
    add("status", _status, "show the nodes")
    ssh = add("ssh", _ssh, "open a shell on a node, or run a command there")
    ssh.add_argument("node", metavar="NODE")
    ssh.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    socket = add("socket", _socket, "print the path of a node's containerd socket on this machine")
    socket.add_argument("node", metavar="NODE")
    logs = add("logs", _logs, "print a node's containerd log")
    logs.add_argument("node", metavar="NODE")
    pull = add("pull", _pull, "pull an image on a node through CRI")
    pull.add_argument("node", metavar="NODE")
    pull.add_argument("image", metavar="IMAGE")
    harbor = add("harbor", _harbor, "change how the simulated Harbor behaves").add_subparsers(required=True)
    upstreams = harbor.add_parser("upstreams", help="whether it can reach the upstreams of its proxy caches")
    upstreams.add_argument("upstreams", choices=("away", "there"))
    add("mark", _mark, "print the current end of the request logs, for requests --since")
    requests = add("requests", _requests, "print the requests that the registries answered")
    requests.add_argument("--since", metavar="MARK", help="only requests after this mark")
    requests.add_argument("--json", action="store_true", help="one JSON object per line")
    counters = add("counters", _counters, "print how many packets the nodes sent, and where, as JSON")
    counters.add_argument("--reset", action="store_true", help="reset the counters to zero instead")
    return parser
