# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each node tried to reach, counted in its network namespace from outside, where the node cannot get at it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from airgap_lab import network
from airgap_lab.config import Config, LabError, Node, namespace

TABLE = "inet airgap_lab"
COUNTERS = ("to_registries", "dns", "other")


def install(config: Config, node: Node) -> None:
    """Begin to count in the node's new namespace."""
    registries = [registry.address for registry in config.registries.values()]
    registries6 = map(config.address6, registries)
    rules = f"""
    table {TABLE} {{
        counter to_registries {{}}
        counter dns {{}}
        counter other {{}}
        chain output {{
            type filter hook output priority 0; policy accept;
            meta l4proto {{ tcp, udp }} th dport 53 counter name dns accept
            oifname "lo" accept
            ip daddr {{ {", ".join(registries)} }} counter name to_registries accept
            ip6 daddr {{ {", ".join(registries6)} }} counter name to_registries accept
            ip daddr {config.controller} accept
            ip6 daddr {config.address6(config.controller)} accept
            # Neighbour discovery, which the kernel does by itself.
            meta l4proto ipv6-icmp accept
            counter name other
        }}
    }}
    """
    _nft(node, ["-f", "-"], rules)


def read(config: Config, node: Node) -> dict[str, int]:
    """Packets sent ``to_registries``, to port 53 (``dns``) and to any ``other`` address; attempts with ``no_route``.

    Of the packets to the control node and on loopback, only DNS is counted.
    """
    listing = json.loads(_nft(node, ["-j", "list", "counters", "table", *TABLE.split()]))
    counted = [item["counter"] for item in listing["nftables"] if "counter" in item]
    packets = {counter["name"]: counter["packets"] for counter in counted}
    return {**{name: packets[name] for name in COUNTERS}, "no_route": _no_route(node) - _baseline(config, node)}


def reset(config: Config, node: Node) -> None:
    """Begin again at zero."""
    _nft(node, ["reset", "counters", "table", *TABLE.split()])
    # The kernel's own counter cannot be reset: remember its value.
    _baseline_file(config, node).write_text(str(_no_route(node)))


def _no_route(node: Node) -> int:
    """The namespace's IpOutNoRoutes: how often something was to be sent where no route leads."""

    def read_snmp() -> str:
        return Path("/proc/thread-self/net/snmp").read_text(encoding="ascii")

    lines = network.inside(namespace(node.name), read_snmp).splitlines()
    names, values = (line.split() for line in lines if line.startswith("Ip:"))
    return int(values[names.index("OutNoRoutes")])


def _baseline(config: Config, node: Node) -> int:
    file = _baseline_file(config, node)
    return int(file.read_text()) if file.exists() else 0


def _baseline_file(config: Config, node: Node) -> Path:
    return config.run / "nodes" / node.name / "no_route"


def _nft(node: Node, arguments: list[str], text: str = "") -> str:
    name = namespace(node.name)
    if not network.exists(name):
        raise LabError(f"{node.name} is not up.")
    command = [*network.enter(name), "nft", *arguments]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode:
        raise LabError(f"nft failed on {node.name}: {result.stderr.strip()}")
    return result.stdout
