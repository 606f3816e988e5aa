# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that files on the control node name, each once, with every place that names it.

Refused is what would be read wrongly: templates that nobody has rendered yet, with the command that does.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets, _text
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import image_names, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.image_names import ImageNameError
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._images import documents, manifests
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.documents import MAX_FILE, NotYaml
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.manifests import Use


class Name(NamedTuple):
    """An image's name as it was given first; `certain`: something needs it, and it is more than a likely text."""

    image: str
    certain: bool = True
    used_by: Sequence[str] = ()


MAX_IMAGES = 5000
MAX_NAME = 512
MAX_PLACES = 10
"""Places of one image that are kept."""

_MAX_ALL = 4 * MAX_FILE
_ENDS = (".yaml", ".yml", ".json")
_LOCKS = ("images.lock", "imageslock")
_CHART = "chart.yaml"
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "kustomization")
_NEWEST = releases.release(releases.LANDMARKS[-1])


def names(manifest_paths: Iterable[str], list_path: str | None, given: Iterable[Name]) -> list[Name]:
    """Return all images that were given, each once: those of manifests, of a list, and single ones; raises Refusal."""
    found: dict[str, dict[str, Any]] = {}
    for name in given:
        _add(found, name.image, name.certain, name.used_by)
    for use in _of_list(list_path) if list_path else ():
        _add(found, use.image, use.certain, [use.place])
    size = 0
    for path in (file for given_path in manifest_paths for file in _files(given_path)):
        size += os.path.getsize(path) if os.path.isfile(path) else 0
        if size > _MAX_ALL:
            raise Refusal(f"manifests: they are larger than {_MAX_ALL >> 20} MiB in total: check some at a time")
        for use in _of_manifest(path):
            _add(found, use.image, use.certain, [f"{os.path.basename(path)}: {use.place}"])
    if len(found) > MAX_IMAGES:
        raise Refusal(f"images: {len(found)} are more than the {MAX_IMAGES} that one task checks: check some at a time")
    return [
        Name(each["image"], each["certain"], list(each["used_by"])[:MAX_PLACES])
        for each in sorted(found.values(), key=lambda each: not each["certain"])
    ]


def given(values: Sequence[Any]) -> list[Name]:
    """Return names that were given as texts, or as containerd_images returns them; raises Refusal."""
    found = []
    for each in values:
        entry = each if isinstance(each, Mapping) else {"image": each}
        image, certain, places = entry.get("image"), entry.get("certain", True), entry.get("used_by") or []
        if not isinstance(image, str) or not image.strip() or not isinstance(places, list) or len(image) > MAX_NAME:
            raise Refusal(
                f"images: {_secrets.quoted(each)} is not an image name: write it as in a pod, REGISTRY/REPOSITORY:TAG"
            )
        found.append(Name(image, certain in (True, "true", "True"), [_text.line(str(place)) for place in places]))
    return found


def _add(found: dict[str, dict[str, Any]], image: str, certain: bool, places: Iterable[str]) -> None:
    try:
        key = str(image_names.parse(image, _NEWEST))
    except ImageNameError:
        key = image
    # A name with credentials in it is not a name, and what is shown of it has none.
    entry = found.setdefault(key, {"image": _secrets.mask_data(image), "certain": False, "used_by": {}})
    entry["certain"] = entry["certain"] or certain
    entry["used_by"].update(dict.fromkeys(places))


def _of_list(path: str) -> Iterator[Use]:
    """Yield the names of a list: one a line, and comments."""
    text = _text_of("images_file", path)
    count = 0
    for number, line in enumerate(text.splitlines(), 1):
        name = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not name:
            continue
        if not manifests.is_name(name):
            raise Refusal(f"images_file: {_shown(path)}, line {number}: {_secrets.quoted(name)} is not an image name")
        count += 1
        yield Use(name, True, f"{os.path.basename(path)}, line {number}")
    if not count:
        raise Refusal(f"images_file: {_shown(path)} contains no image names: write one per line")


def _files(path: str) -> Iterator[str]:
    """Yield the files that a path stands for; raises Refusal for what has to be rendered first."""
    if not os.path.isdir(path):
        name = os.path.basename(path).lower()
        if name in _KUSTOMIZATIONS:
            raise _not_rendered(path, f"kustomize build {_quoted(os.path.dirname(path) or '.')}", "a kustomization")
        if name.endswith((".tgz", ".tar.gz")):
            raise _not_rendered(path, f"helm template NAME {_quoted(path)}", "a packed chart")
        yield path
        return
    count = 0
    for folder, below, files in os.walk(path, onerror=_unreadable):
        below[:] = sorted(each for each in below if not each.startswith("."))
        by_name = {each.lower(): each for each in files}
        if _CHART in by_name:
            raise _not_rendered(folder, f"helm template NAME {_quoted(folder)}", "a chart")
        if any(each in by_name for each in _KUSTOMIZATIONS):
            raise _not_rendered(folder, f"kustomize build {_quoted(folder)}", "a kustomization")
        for each in sorted(files):
            if each.lower().endswith(_ENDS) or each.lower() in _LOCKS:
                count += 1
                yield os.path.join(folder, each)
    if not count:
        raise Refusal(f"manifests: {_shown(path)} contains no file that ends in .yaml, .yml or .json")


def _unreadable(exc: OSError) -> None:
    raise Refusal(f"manifests: {_shown(str(exc.filename))} cannot be read: {exc.strerror}")


def _of_manifest(path: str) -> Iterator[Use]:
    """Yield what a file of rendered manifests names."""
    text = _text_of("manifests", path)
    is_chart = os.path.basename(path).lower() == _CHART
    objects = found = 0
    try:
        for document in documents.documents(text):
            objects += isinstance(document, (dict, list))
            for use in manifests.uses(document):
                _check_rendered(path, use)
                found += 1
                yield use
    except NotYaml as exc:
        if "{{" in text or "{%" in text:
            raise _not_rendered(path, "helm template NAME CHART", f"a template ({exc})") from None
        raise Refusal(f"manifests: {_shown(path)} is not readable YAML: {exc}") from None
    if is_chart and not found:
        folder = os.path.dirname(path) or "."
        raise _not_rendered(path, f"helm template NAME {_quoted(folder)}", "a chart that lists no images")
    if not objects and text.strip():
        raise Refusal(
            f"manifests: {_shown(path)} contains no Kubernetes objects: give rendered YAML, or a list of names as "
            f"images_file"
        )


def _check_rendered(path: str, use: Use) -> None:
    if not use.certain:
        return
    where = f"in {use.place or 'it'}, the image {_secrets.quoted(use.image)} is a placeholder"
    if "{{" in use.image or "{%" in use.image:
        raise _not_rendered(path, "helm template NAME CHART", f"a template ({where})")
    if "${" in use.image:
        raise _not_rendered(path, f"envsubst < {_quoted(path)}", f"a template ({where})")


def _not_rendered(path: str, command: str, what: str) -> Refusal:
    return Refusal(f"manifests: {_shown(path)} is {what}, which must be rendered first: {command} > rendered.yaml")


def _text_of(option: str, path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as exc:
        raise Refusal(f"{option}: {_shown(path)} cannot be read: {exc.strerror}") from None
    if len(data) > MAX_FILE:
        size = os.path.getsize(path) >> 20
        raise Refusal(
            f"{option}: {_shown(path)} has {size} MiB, more than the limit of {MAX_FILE >> 20} MiB for one file: split "
            "it"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Refusal(f"{option}: {_shown(path)} is not UTF-8 (byte {exc.start})") from None


def _shown(path: str) -> str:
    return _text.line(path)


def _quoted(path: str) -> str:
    return _text.line(shlex.quote(path))
