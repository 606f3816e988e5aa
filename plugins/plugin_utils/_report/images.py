# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a fleet will pull images: the document, and the terminal's table of it, what is missing first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import copies, document, names, pulls
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.outcome import GOOD

LABELS = {
    "not_found": "MISSING", "upstream_lacks_it": "MISSING", "platform": "PLATFORM", "project_missing": "NO PROJECT",
    "no_project": "NO PROJECT", "unauthorized": "NOT ALLOWED", "unauthorized_anonymous": "NOT ALLOWED",
    "forbidden": "NOT ALLOWED", "policy": "NOT ALLOWED", "filtered": "NOT ALLOWED", "public": "PUBLIC",
    "name": "NO NAME",
}  # fmt: skip
"""The label of a problem, by the kind of its diagnosis; the rest is trouble with the registry."""

_BYPASSES = ("hosts_toml_broken", "config_path_list", "wrong_table", "config_path_unknown", "shadowed", "no_mirror")
_ORDER = ("MISSING", "NO PROJECT", "PLATFORM", "PUBLIC", "NOT ALLOWED", "NO NAME", "TROUBLE")
_PROBLEMS = 12
_IMAGES = 40
_PLACES = 3
_DOUBTFUL = 12


def images(results: Mapping[str, Any], created: str, seconds: float | None = None) -> dict[str, Any]:
    """Return the results of `containerd_images`, keyed by host, as a document (docs/images.md).

    A row stands for all nodes of a group. What one group's registry has and was likely only, is certain for all.
    """
    groups: dict[str, list[str]] = {}
    for name, result in results.items():
        groups.setdefault(_group(result) or f"no group: {name}", []).append(name)
    confirmed = {
        each["image"]
        for result in results.values() if isinstance(result, Mapping)
        for each in result.get("images") or () if isinstance(each, Mapping) and each.get("certain") is False
    }  # fmt: skip
    rows: dict[str, Any] = {}
    hosts: dict[str, list[str]] = {}
    for members in groups.values():
        asker = next((results[name] for name in members if _has_answer(results[name])), None)
        for several in [members] if asker else [[name] for name in members]:
            label = names.several(several, len(results))
            label = label if label not in rows else f"{label} ({several[0]})"
            rows[label] = _told(asker, results, several, confirmed)
            hosts[document.clean(label)] = several
    found = document.document(rows, created, about="images", seconds=seconds)
    for node in found["nodes"]:
        node["hosts"] = [document.clean(name) for name in hosts.get(node["name"], [node["name"]])]
    listed = copies.copies(found["outcomes"])
    return {
        **found,
        "copy": {"images": listed, "projects": copies.projects(listed)},
        "same": _same(found["outcomes"]),
        "doubtful": _doubtful(results, confirmed),
    }


def _group(result: Any) -> str | None:
    found = result.get("group") if isinstance(result, Mapping) else None
    return found if isinstance(found, str) else None


def _has_answer(result: Any) -> bool:
    return isinstance(result, Mapping) and isinstance(result.get("images"), list)


def _told(asker: Any, results: Mapping[str, Any], members: list[str], confirmed: set[str]) -> Any:
    if not asker:
        result = results[members[0]]
        other = result.get("asked_by") if isinstance(result, Mapping) else None
        return (
            {"msg": f"{other}, which checks for all nodes with the same settings, did not answer"} if other else result
        )
    versions = sorted({str(results[name].get("version")) for name in members})
    more = [
        each for each in asker.get("doubtful") or () if isinstance(each, Mapping) and each.get("image") in confirmed
    ]
    return {**asker, "images": [*asker["images"], *more], "version": ", ".join(versions)}


def _same(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the names in registries that stand for more than one upstream image."""
    found: dict[str, dict[str, None]] = {}
    for each in outcomes:
        put = each.get("put")
        if put and put["source"] != put["name"]:
            found.setdefault(put["name"], {})[put["source"]] = None
    return [{"name": name, "images": list(each)} for name, each in found.items() if len(each) > 1]


def _doubtful(results: Mapping[str, Any], confirmed: set[str]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for result in results.values():
        for each in result.get("doubtful") or () if isinstance(result, Mapping) else ():
            if isinstance(each, Mapping) and each.get("image") not in confirmed:
                name = str(each.get("image"))
                found.setdefault(name, document.clean({"image": name, "used_by": list(each.get("used_by") or ())}))
    return list(found.values())


def label(kind: str | None) -> str:
    """Return the word for a class of failure."""
    return LABELS.get(kind or "", "PUBLIC" if kind in _BYPASSES else "TROUBLE")


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the lines for the terminal."""
    shown: list[str] = []
    total = sum(len(node["hosts"]) for node in found["nodes"])
    everything = {each["image"]: each for each in found["outcomes"] if each["state"] not in GOOD}
    problems = sorted(found["problems"], key=_rank)
    for problem in problems[:_PROBLEMS]:
        shown.extend(_problem(problem, found["nodes"], total, everything))
    if len(problems) > _PROBLEMS:
        shown.extend(pulls.more_problems(len(problems) - _PROBLEMS))
    for each in found["same"][:_PROBLEMS]:
        text = (
            f"{' and '.join(each['images'])} have the same name in the registry, {each['name']}: it can hold only one "
            "of them"
        )
        shown.extend(pulls.wrapped("ONE IMAGE", text))
    if found["doubtful"]:
        some = ", ".join(each["image"] for each in found["doubtful"][:_DOUBTFUL])
        more = len(found["doubtful"]) - _DOUBTFUL
        text = f"{some}{f' and {more} more' if more > 0 else ''}: in arguments, environment variables and ConfigMaps"
        shown.extend(pulls.wrapped("MAYBE", text))
        shown.extend(pulls.wrapped("", "No registry has them. If they are images, they are missing."))
    rows = list(_good(found, total))
    if rows:
        shown.extend([*([""] if shown else []), *pulls.aligned([("RESULT", "IMAGE", "FROM", "", "NODES"), *rows])])
    return [*shown, "", closing(found)]


def _rank(problem: Mapping[str, Any]) -> tuple[int, int]:
    if problem["state"] in ("unreachable", "error"):
        return len(_ORDER), -len(problem["nodes"])
    return _ORDER.index(label(problem["kind"])), -len(problem["images"])


def _problem(
    problem: Mapping[str, Any], rows: list[Mapping[str, Any]], total: int, everything: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    hosts = [name for index in problem["nodes"] for name in rows[index]["hosts"]]
    where = names.several(hosts, total)
    if not problem["images"]:
        yield from pulls.wrapped(pulls.LABELS[problem["state"]], where)
    else:
        count = names.count(len(problem["images"]), "image")
        yield from pulls.wrapped(label(problem["kind"]), f"{count} on {where}")
    yield from pulls.wrapped("", problem["seen"])
    if problem["fix"]:
        yield from pulls.wrapped("-> ".rjust(len(pulls.INDENT)), problem["fix"])
    for image in problem["images"][:_IMAGES]:
        yield from _image(everything[image])
    if len(problem["images"]) > _IMAGES:
        yield f"{pulls.INDENT}  and {len(problem['images']) - _IMAGES} more, which images.json lists"


def _image(outcome: Mapping[str, Any]) -> Iterator[str]:
    """Yield an image, where it has to be, and what needs it."""
    put = outcome.get("put")
    yield pulls.INDENT + "  " + " -> ".join([outcome["image"], *([put["name"]] if put else [])])
    places = outcome.get("used_by") or []
    more = len(places) - _PLACES
    if places:
        yield f"{pulls.INDENT}    {'; '.join(places[:_PLACES])}{f' and {more} more' if more > 0 else ''}"


def _good(found: Mapping[str, Any], total: int) -> Iterator[pulls.Row]:
    """Yield a row for each image that is there, or for many that are alike."""
    served: dict[tuple[str, str], list[str]] = {}
    for node in found["nodes"]:
        for result in node["results"]:
            each = found["outcomes"][result["outcome"]]
            if each["state"] in GOOD:
                served.setdefault((each["image"], (each["served_by"] or {}).get("endpoint") or ""), []).extend(
                    node["hosts"]
                )
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (image, endpoint), hosts in served.items():
        alike.setdefault((endpoint, tuple(hosts)), []).append(image)
    for (endpoint, who), several in sorted(alike.items(), key=lambda each: (-len(each[0][1]), each[1])):
        where = names.several(who, total) if len(who) <= names.FEW else names.counted(len(who), total)
        for text in [f"{len(several)} images"] if len(several) > _IMAGES else sorted(several):
            yield ("there", text, endpoint, "", where)


def closing(found: Mapping[str, Any]) -> str:
    """Return the last line: how many nodes will pull everything."""
    total = sum(len(node["hosts"]) for node in found["nodes"])
    good = sum(len(node["hosts"]) for node in found["nodes"] if node["ok"])
    verdict = "ok" if found["ok"] else "FAILED"
    return f"{good} of {total} nodes will pull every image from the intended registry: {verdict}"
