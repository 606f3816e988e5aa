# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that Kubernetes objects need: those that are certain, and texts that may be one.

Certain are the images of containers wherever a pod spec stands, and those of lists that name nothing else. Operators
keep more of them in arguments, environment variables, ConfigMaps and resources of their own: these are candidates,
which only a registry can confirm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import image_names, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.image_names import ImageNameError
from ansible_collections.airgap.containerd.plugins.plugin_utils._images import documents
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.documents import NotYaml


class Use(NamedTuple):
    """One place that names an image."""

    image: str
    certain: bool
    place: str  # the object, and what in it


_CONTAINERS = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}
_LISTS = ("helm.sh/images", "images", "artifacthub.io/images")  # annotations of a Chart.yaml
_NO_CANDIDATES = ("CustomResourceDefinition", "Secret")  # the one describes fields, the other holds secrets
_SKIPPED = ("status", "managedFields", "labels", "ownerReferences", "matchLabels", "selector")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NEWEST = releases.release(releases.LANDMARKS[-1])

_WORD = re.compile(r"[^\s\"'`,;=(){}<>|\\\[\]]+")
_HOST = r"(?:(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+(?=/)|localhost)"
_VERSION = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{64})|:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_LIKELY = re.compile(rf"(?:{_HOST}/[a-z0-9][a-z0-9._/-]*|[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)+)(?:{_VERSION})")
"""A word that looks like an image's name anywhere: with a slash in it, and a tag or a digest."""

_ABOUT = re.compile(r"^-.*image|image:?$", re.I)
"""A word that says that an image's name follows."""

_MAX_WORD = 512


def uses(document: Any) -> Iterator[Use]:
    """Yield every image of one document, in its order."""
    if _is_chart(document):
        yield from _annotations(document)
    else:
        yield from _object(document, "", True)


def _is_chart(document: Any) -> bool:
    if not isinstance(document, Mapping) or "kind" in document:
        return False
    return document.get("apiVersion") in ("v1", "v2") and isinstance(document.get("annotations"), Mapping)


def _annotations(chart: Mapping[str, Any]) -> Iterator[Use]:
    """Yield what annotations of a Chart.yaml list: YAML in a text, of names or of mappings with a name."""
    for key in _LISTS:
        text = chart["annotations"].get(key)
        where = f"chart {_word(chart.get('name'))} (annotation {key})"
        try:
            listed = list(documents.documents(text)) if isinstance(text, str) else [text]
        except NotYaml:
            listed = [_WORD.findall(str(text))]
        for each in listed:
            for name in _listed(each):
                yield Use(name, True, where)


def _listed(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield from _WORD.findall(found)
    for each in found if isinstance(found, list) else ():
        name = each.get("image") if isinstance(each, Mapping) else each
        if isinstance(name, str) and name.strip():
            yield name.strip()


def _object(value: Any, place: str, wanted: bool) -> Iterator[Use]:
    """Yield the images below a value; `place` is the object that it is in, `wanted` whether candidates are."""
    if isinstance(value, list):
        for each in value:
            yield from _object(each, place, wanted)
    elif isinstance(value, Mapping):
        kind = value.get("kind")
        if isinstance(kind, str) and isinstance(value.get("apiVersion"), str):
            place, wanted = _named(kind, value), kind not in _NO_CANDIDATES
            if kind == "ImagesLock":
                yield from (Use(name, True, place) for name in _listed(value.get("images")))
                return
        yield from _mapping(value, place, wanted)


def _named(kind: str, value: Mapping[str, Any]) -> str:
    about = value.get("metadata")
    about = about if isinstance(about, Mapping) else {}
    space = about.get("namespace")
    name = about.get("name") or (f"{about['generateName']}…" if about.get("generateName") else "")
    return " ".join(filter(None, [_word(kind), f"{_word(space)}/{_word(name)}" if space and name else _word(name)]))


def _word(text: Any) -> str:
    return _text.line(text)[:253] if isinstance(text, str) else ""


def _mapping(value: Mapping[str, Any], place: str, wanted: bool) -> Iterator[Use]:
    for key, inner in value.items():
        if key in _CONTAINERS and isinstance(inner, list):
            yield from _containers(inner, _CONTAINERS[key], place, wanted)
        elif key == "volumes" and isinstance(inner, list):
            yield from _volumes(inner, place)
            yield from _object(inner, place, wanted)
        elif key == "annotations" and isinstance(inner, Mapping):
            about = {name: text for name, text in inner.items() if "image" in name.lower() and name != _LAST_APPLIED}
            yield from _candidates(about, place) if wanted else ()
        elif isinstance(inner, (Mapping, list)) and key not in _SKIPPED:
            yield from _object(inner, place, wanted)
    if wanted:
        yield from _candidates(value, place)


def _containers(containers: list[Any], what: str, place: str, wanted: bool) -> Iterator[Use]:
    for each in containers:
        if not isinstance(each, Mapping):
            continue
        image, name = each.get("image"), _word(each.get("name"))
        where = ", ".join(filter(None, [place, f"{what} {name}".strip()]))
        if isinstance(image, str) and image.strip():
            yield Use(image.strip(), True, where)
        rest = {key: inner for key, inner in each.items() if key != "image"}
        yield from _mapping(rest, where, wanted)


def _volumes(volumes: list[Any], place: str) -> Iterator[Use]:
    """Yield the images that are mounted as volumes."""
    for each in volumes:
        source = each.get("image") if isinstance(each, Mapping) else None
        image = source.get("reference") if isinstance(source, Mapping) else None
        if isinstance(image, str) and image.strip():
            yield Use(image.strip(), True, f"{place}, volume {_word(each.get('name'))}".strip(", "))


def _candidates(value: Mapping[str, Any], place: str) -> Iterator[Use]:
    """Yield what may be an image in the texts of a mapping, and what its parts may make up."""
    named = _word(value.get("name")) if isinstance(value.get("value"), str) else ""  # an environment variable
    yield from (Use(image, False, place) for image in _assembled(value))
    for key, inner in value.items():
        if key in ("kind", "apiVersion", *_SKIPPED):
            continue
        texts = [text for text in (inner if isinstance(inner, list) else [inner]) if isinstance(text, str)]
        where = f"{place}, {named or _word(key)}".strip(", ")
        about = f"{key} {named}" if key == "value" else key
        for image in words(texts, "image" in about.lower() and "policy" not in about.lower()):
            yield Use(image, False, where)


def _assembled(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the name that registry, repository, tag and digest make up, as values of charts have them."""
    parts = {key: value.get(key) for key in ("registry", "repository", "tag", "digest")}
    texts = {key: each for key, each in parts.items() if isinstance(each, str) and each.strip()}
    if "repository" not in texts or not ("tag" in texts or "digest" in texts):
        return
    name = "/".join(texts[key].strip("/") for key in ("registry", "repository") if key in texts)
    tag = f":{texts['tag']}" if "tag" in texts else ""
    digest = f"@{texts['digest']}" if "digest" in texts else ""
    if is_name(f"{name}{tag}{digest}"):
        yield f"{name}{tag}{digest}"


def words(texts: list[str], about_images: bool = False) -> Iterator[str]:
    """Yield the words of texts that look like an image's name; `about_images` where what they are called says so."""
    expected = False  # by the word before: --image, image:
    for word, alone in ((word, len(found) == 1) for found in map(_WORD.findall, texts) for word in found):
        name = word.removeprefix("docker://").rstrip(".:")
        if _ABOUT.search(word):
            expected = True
        elif name and len(name) <= _MAX_WORD and not name.startswith(("-", "/")) and "://" not in name:
            wanted = about_images or expected
            one = wanted and ("/" in name or ":" in name or alone)
            if (one or _LIKELY.fullmatch(name)) and is_name(name):
                yield name
            expected = False


def is_name(name: str) -> bool:
    """Whether any containerd takes this for an image's name."""
    try:
        image_names.parse(name, _NEWEST)
    except ImageNameError:
        return False
    return True
