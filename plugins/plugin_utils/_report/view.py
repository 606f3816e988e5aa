# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTML report shows of a document: its headline, its groups of nodes, and the words for all of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import names
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.document import DOCKER, HEALTHY, STATES

HEADINGS = {
    "verify": "Where images come from",
    "images": "Will every image be pulled?",
    "site": "Settings of the nodes",
}
GOOD = "good"
SIGNS = {"good": "✓", "drift": "≠", "bypassed": "!", "failed": "✕", "error": "⊘", "unreachable": "?"}
_LABELS = {
    "good": "as expected", "drift": "would change", "bypassed": "bypassed the mirror", "failed": "failed to pull",
    "error": "could not be checked", "unreachable": "unreachable",
}  # fmt: skip
_LABELS_OF = {"images": {"failed": "missing images"}, "site": {"error": "failed"}}
_STATES = {
    "pulled": "Pulled", "present": "Already on the node; its manifest was requested", "bypassed": "Bypassed the mirror",
    "served": "Not pulled; its manifest was requested", "failed": "Not pulled",
    "configured": "Configured as the variables describe", "drift": "A run of the site playbook would change this",
}  # fmt: skip
_STATES_OF = {"images": {"served": "Available", "failed": "Not available"}}
_DOES = {
    "verify": ("pulls", "pull", "every image from the intended registry"),
    "images": ("will pull", "will pull", "every image from the intended registry"),
    "site": ("is", "are", "configured as the variables describe"),
}
_KINDS = {
    "unauthorized_anonymous": "no credentials", "unauthorized": "credentials refused", "pull_secret": "pull secret",
    "refused": "connection refused", "dns": "DNS", "tls": "TLS", "tls_file": "TLS file", "unknown_ca": "unknown CA",
    "no_http": "not HTTP", "html": "HTML answer", "https_wanted": "needs HTTPS", "plain_http": "plain HTTP",
    "hosts_toml_broken": "hosts.toml invalid", "cri_not_loaded": "CRI not loaded", "policy": "blocked by policy",
    "token_without_header": "needs a token",
    "no_project": "project missing", "on_the_node": "on the node itself", "unknown": "other",
    "public": "public registry", "name": "invalid name", "platform": "other platform",
    "upstream_lacks_it": "not upstream",
    "new_node": "not configured yet", "variables": "variables changed", "hand_edit": "changed by hand",
    "other_tool": "changed by another tool", "restored": "older file restored", "upgrade": "containerd upgraded",
    "restart": "restart pending",
}  # fmt: skip
"""What a cell says of the kinds of diagnoses whose own names would not do."""

_WORST = (*STATES, GOOD)


class Group(NamedTuple):
    """Nodes with the same problems."""

    kind: str
    problems: tuple[int, ...]  # indices in the document
    nodes: list[int]


def label(about: str, kind: str) -> str:
    """Return what is said of a node or a cell of a kind."""
    return _LABELS_OF.get(about, {}).get(kind) or _LABELS[kind]


def state(about: str, name: str) -> str:
    """Return what is said of the state of an outcome."""
    return _STATES_OF.get(about, {}).get(name) or _STATES[name]


def reason(diagnosis: Mapping[str, Any] | None) -> str:
    """Return the kind of a diagnosis in a word or two."""
    kind = str((diagnosis or {}).get("kind") or "")
    return _KINDS.get(kind) or kind.replace("_", " ")


def kind_of(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Return the kind of the worst of some outcomes."""
    kinds = {GOOD if each["state"] in HEALTHY else str(each["state"]) for each in outcomes}
    return next(each for each in _WORST if each in kinds)


def node_kind(found: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """Return the kind of a node."""
    if node["error"]:
        return "error" if node["reached"] else "unreachable"
    return kind_of(found["outcomes"][each["outcome"]] for each in node["results"])


def upstream_of(outcome: Mapping[str, Any]) -> str:
    """Return the column of an outcome."""
    return str(outcome["upstream"] or outcome["image"] or "")


def columns(found: Mapping[str, Any]) -> list[str]:
    """Return the columns of the matrix."""
    return sorted({upstream_of(each) for each in found["outcomes"]})


def hosts(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the hosts of the inventory that some nodes stand for."""
    found = [name for node in nodes for name in node.get("hosts") or [node["name"].removesuffix(DOCKER)]]
    return list(dict.fromkeys(found))


def size(nodes: Iterable[Mapping[str, Any]]) -> int:
    """Return how many nodes there are where one may stand for several."""
    return sum(len(node.get("hosts") or [0]) for node in nodes)


def limit(nodes: Iterable[Mapping[str, Any]]) -> str:
    """Return the option of ansible-playbook that selects nodes."""
    return f"--limit {shlex.quote(','.join(hosts(nodes)))}"


def headline(found: Mapping[str, Any]) -> tuple[str, str]:
    """Return whether all is as expected, and what that means."""
    nodes, about = found["nodes"], found["about"]
    total, good = size(nodes), size(node for node in nodes if node["ok"])
    one, many, what = _DOES[about]
    if good == total:
        told = f"{_some(total, total)} {one if total == 1 else many} {what}."
    else:
        told = f"{good} of {total} nodes {one if good == 1 else many} {what}."
    lacking = [] if good == total else [_some(total - good, total)]
    if found["harbor"]:
        lacking.append("Harbor")
        told += f" Harbor has {names.count(len(found['harbor']), 'problem')}."
    elif found["harbor"] is not None:
        told += " Harbor has the projects that they need."
    if not lacking:
        return "Everything is as expected", told
    several = len(lacking) > 1 or total - good > 1
    return f"{' and '.join(lacking)} {'need' if several else 'needs'} attention", told


def _some(number: int, total: int) -> str:
    if number == total:
        return {1: "The node", 2: "Both nodes"}.get(total, f"All {total} nodes")
    return f"{number} of {total} nodes"


def facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the report is about, as names and values."""
    images = len({each["image"] for each in found["outcomes"] if each["image"]})
    versions = Counter(node["version"] or "unknown" for node in found["nodes"] for dummy in node.get("hosts") or [0])
    seconds = "" if found["seconds"] is None else f", took {found['seconds']:.0f} s"
    what = names.count(len(columns(found)), "upstream")
    place = single_place(found)
    return [
        ("Checked", found["created"].replace("T", " ").replace("+00:00", " UTC") + seconds),
        *(
            [("Images" if images else "Upstreams", f"{names.count(images, 'image')} from {what}" if images else what)]
            if found["outcomes"]
            else []
        ),
        *([("Registry", place)] if place else []),
        ("Inventory", ", ".join(found["inventory"]) or "not known"),
        (
            "containerd",
            ", ".join(f"{name} ({names.count(number, 'node')})" for name, number in sorted(versions.items())),
        ),
        ("Collection", f"airgap.containerd {found['collection'] or ''}".strip()),
    ]


def counts(found: Mapping[str, Any]) -> dict[str, int]:
    """Return how many nodes there are of each kind, the worst kind first."""
    return {group.kind: size(found["nodes"][index] for index in group.nodes) for group in groups(found, 0)}


def groups(found: Mapping[str, Any], known: int) -> list[Group]:
    """Return the nodes by their reasons, the worst first; problems from `known` on count as one."""
    reasons: dict[int, list[int]] = {index: [] for index in range(len(found["nodes"]))}
    for number, problem in enumerate(found["problems"]):
        for index in problem["nodes"]:
            reasons[index].append(number)
    found_groups: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for index, node in enumerate(found["nodes"]):
        problems = tuple(number for number in reasons[index] if number < known)
        found_groups.setdefault((node_kind(found, node), problems), []).append(index)
    listed = [Group(kind, problems, nodes) for (kind, problems), nodes in found_groups.items()]
    return sorted(listed, key=lambda each: (_WORST.index(each.kind), -len(each.nodes)))


def short_names(found: Mapping[str, Any], nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of nodes without the domain that all nodes have."""
    domains = {node["name"].partition(".")[2] for node in found["nodes"]}
    domain = f".{domains.pop()}" if len(domains) == 1 and len(found["nodes"]) > 1 else ""
    return [node["name"].removesuffix(domain) for node in nodes]


def serving(found: Mapping[str, Any], upstream: str) -> str:
    """Return where all images of an upstream come from, if that is one place."""
    places = {
        str((each["served_by"] or {}).get("endpoint") or "")
        for each in found["outcomes"] if upstream_of(each) == upstream and each["state"] in HEALTHY
    } - {""}  # fmt: skip
    place = places.pop() if len(places) == 1 else ""
    return place.partition("://")[2].replace("/v2/", "/", 1)


def single_place(found: Mapping[str, Any]) -> str:
    """Return where the images of all upstreams come from that do come, if that is one place."""
    served = {upstream_of(each) for each in found["outcomes"] if each["state"] in HEALTHY}
    places = {serving(found, each) for each in served}
    return places.pop() if len(places) == 1 else ""


def fallback(found: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str]:
    """Return the nodes that may pull from public registries though they have a mirror, and why that is."""
    nodes = [node for node in found["nodes"] if node["public_fallback"]]
    modes = {found["outcomes"][each["outcome"]]["mode"] for node in nodes for each in node["results"]}
    told = "If the mirror fails or does not have an image, containerd tries the upstream registry itself."
    if "legacy" in modes:
        told += (
            " Legacy mirrors cannot switch that off, and containerd 1.4 has no others: block these nodes' access to "
            "the internet, or upgrade containerd to 1.6 or later."
        )
    return nodes, told
