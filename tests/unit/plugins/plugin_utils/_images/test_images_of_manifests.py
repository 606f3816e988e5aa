# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images manifests name, how they are reported, and the handling of hostile YAML."""

from __future__ import annotations

import time

import pytest
import yaml

from ansible_collections.airgap.containerd.plugins.module_utils._node import survey
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._images import documents, manifests, sources
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.documents import NotYaml
from ansible_collections.airgap.containerd.plugins.plugin_utils._images.sources import Name

DIGEST = "sha256:" + "0" * 64
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      %s
"""
CONTAINER = "containers: [{name: app, %s}]"


def found(text: str) -> list[tuple[str, bool, str]]:
    return [tuple(use) for document in documents.documents(text) for use in manifests.uses(document)]


def certain(text: str) -> list[str]:
    return [image for image, sure, dummy in found(text) if sure]


def candidates(text: str) -> list[str]:
    return [image for image, sure, dummy in found(text) if not sure]


CERTAIN = {
    "a pod": "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: x/y:1}]}}",
    "an init container": DEPLOYMENT % "initContainers: [{name: a, image: x/y:1}]",
    "an ephemeral container": DEPLOYMENT % "ephemeralContainers: [{image: x/y:1}]",
    "a volume": DEPLOYMENT % "volumes: [{name: v, image: {reference: 'x/y:1', pullPolicy: Always}}]",
    "a CronJob": "{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {containers: "
    "[{image: 'x/y:1'}]}}}}}}",
    "a custom resource": "{apiVersion: a.io/v1, kind: Thing, spec: {podTemplate: {containers: [{image: x/y:1}]}}}",
    "a List": "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, spec: {containers: [{image: x/y:1}]}}]",
    "a List of many kinds": "kind: PodList\napiVersion: v1\nitems: [{spec: {containers: [{image: x/y:1}]}}]",
    "JSON": '{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "x/y:1"}]}}',
    "an ImagesLock": "{apiVersion: v0, kind: ImagesLock, images: [{name: y, image: 'x/y:1', digests: []}]}",
    "an annotation of a chart": "apiVersion: v2\nname: c\nannotations:\n  images: |\n    - {name: y, image: 'x/y:1'}\n",
    "another annotation": "apiVersion: v2\nname: c\nannotations: {helm.sh/images: 'x/y:1'}",
    "an alias": "a: &a {image: x/y:1}\napiVersion: v1\nkind: Pod\nspec: {containers: [*a]}",
    "a merge": "a: &a {image: x/y:1}\napiVersion: v1\nkind: Pod\nspec: {containers: [{<<: *a, name: b}]}",
    "a tag of YAML": "!!python/object:os.system {apiVersion: v1, kind: Pod, spec: {containers: [{image: !x x/y:1}]}}",
}


@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain(name):
    assert certain(CERTAIN[name]) == ["x/y:1"]


def test_places_are_named():
    text = DEPLOYMENT % (CONTAINER % "image: 'x/y:1', env: [{name: SIDE, value: 'quay.io/a/b:1'}]")
    assert found(text) == [
        ("x/y:1", True, "Deployment shop/web, container app"),
        ("quay.io/a/b:1", False, "Deployment shop/web, container app, SIDE"),
    ]


CANDIDATES = {
    "image: n, args: ['--sidecar-image=quay.io/a/b:1']": ["quay.io/a/b:1"],
    "image: n, args: ['--sidecar-image', 'busybox:1']": ["busybox:1"],
    "image: n, args: ['--config=a/b', '--listen=:80', '-v=4', 'localhost:8080', 'a:b', '10:30']": [],
    "image: n, args: ['--url=https://a.b/c:1', 'http://a.b:80/c', 'app.kubernetes.io/name=x', '/bin/sh:/bin']": [],
    "image: n, env: [{name: RELATED_IMAGE_X, value: busybox}]": ["busybox"],
    "image: n, env: [{name: X, value: busybox}]": [],
    f"image: n, command: [sh, -c, 'crictl pull ghcr.io/a/b:1@{DIGEST}; echo done']": [f"ghcr.io/a/b:1@{DIGEST}"],
    "image: n, imagePullPolicy: Always": [],
}


@pytest.mark.parametrize("text", CANDIDATES)
def test_candidates_of_a_container(text):
    assert candidates(DEPLOYMENT % (CONTAINER % text)) == CANDIDATES[text]


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("kind: ConfigMap\ndata: {a.yaml: 'image: busybox:1'}", ["busybox:1"]),
        ('kind: ConfigMap\ndata: {a.json: \'{"image": "busybox:1"}\'}', ["busybox:1"]),
        ("kind: ConfigMap\ndata: {a: 'the image is not here'}", []),
        ("kind: Prometheus\nspec: {image: prom/prometheus}", ["prom/prometheus"]),
        ("kind: Thing\nspec: {repository: a/b, tag: v1}", ["a/b:v1"]),
        (f"kind: Thing\nspec: {{registry: quay.io, repository: a/b, digest: '{DIGEST}'}}", [f"quay.io/a/b@{DIGEST}"]),
        ("kind: Pod\nmetadata: {annotations: {proxyImage: 'a/b:1', other: 'c/d:1'}}", ["a/b:1"]),
        ("kind: Secret\nstringData: {a: 'quay.io/a/b:1'}", []),
        ("kind: Pod\nstatus: {containerStatuses: [{image: 'quay.io/a/b:1'}]}", []),
        ("kind: CustomResourceDefinition\nspec: {description: 'as quay.io/a/b:1'}", []),
    ],
)
def test_candidates_of_objects(text, images):
    assert candidates(f"apiVersion: v1\n{text}") == images


def write(folder, name, text, mode="w"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)
    return str(path)


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: a, image: %s}]\n"


def test_names_from_everywhere_each_once(tmp_path):
    write(tmp_path, "m/a.yaml", POD % "nginx")
    write(tmp_path, "m/.git/b.yaml", POD % "hidden")
    write(tmp_path, "m/sub/c.yml", POD % "docker.io/library/nginx:latest" + "---\n" + POD % "x/y:1")
    listed = write(tmp_path, "list", "\ufeff# mine\nx/y:1  # again\r\n\n quay.io/a/b:1\n")
    names = sources.names([str(tmp_path / "m")], listed, [Name("quay.io/a/b:1")])
    assert names == [
        Name("quay.io/a/b:1", True, ["list, line 4"]),
        Name("x/y:1", True, ["list, line 2", "c.yml: Pod p, container a"]),
        Name("nginx", True, ["a.yaml: Pod p, container a", "c.yml: Pod p, container a"]),
    ]


REFUSED = {
    "rendered by helm": ({"c/Chart.yaml": "apiVersion: v2\nname: c\n", "c/templates/a.yaml": ""}, "c",
                         "is a chart, which must be rendered first: helm template NAME "),
    "a chart without a list": (
        {"Chart.yaml": "apiVersion: v2\nname: c\n"}, "Chart.yaml", "a chart that lists no images"
    ),
    "rendered by kustomize": ({"k/kustomization.yaml": ""}, "k", "kustomize build "),
    "a kustomization": ({"kustomization.yaml": "resources: []"}, "kustomization.yaml", "kustomize build "),
    "a packed chart": ({"c-1.tgz": b"\x1f\x8b"}, "c-1.tgz", "is a packed chart"),
    "a template": ({"a.yaml": "a: 1\n{{- if .Values.a }}\nb: 1\n{{- end }}\n"}, "a.yaml", "is a template (line "),
    "an image of a template": ({"a.yaml": POD % "'{{ .Values.image }}'"}, "a.yaml", "helm template NAME CHART"),
    "braces": ({"a.yaml": POD % "{{ image }}"}, "a.yaml", "helm template NAME CHART"),
    "a variable of a shell": ({"a.yaml": POD % "'a/b:${TAG}'"}, "a.yaml", "envsubst < "),
    "no YAML": ({"a.yaml": "a: [1"}, "a.yaml", "is not readable YAML: line 2: "),
    "a list of names": ({"a.yaml": "x/y:1\nx/z:1\n"}, "a.yaml", "contains no Kubernetes objects"),
    "no UTF-8": ({"a.yaml": b"\xff\xfe"}, "a.yaml", "is not UTF-8 (byte 0)"),
    "no file": ({}, "a.yaml", "cannot be read: No such file or directory"),
    "an empty folder": ({"d/README.md": "x"}, "d", "contains no file that ends in .yaml, .yml or .json"),
    "a control character": ({"a.yaml": "a: \x1b[2J"}, "a.yaml", "is not readable YAML: line 1: "),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    files, path, message = REFUSED[name]
    for each, text in files.items():
        write(tmp_path, each, text)
    with pytest.raises(Refusal) as refusal:
        sources.names([str(tmp_path / path)], None, [])
    assert message in str(refusal.value) and str(refusal.value).startswith("manifests: ")
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b\n", "line 1: 'a b' is not an image name"),
        ("# none\n", "contains no image names"),
        ("A/B\n", "line 1: 'A/B' is not"),
    ],
)
def test_lists_that_are_refused(tmp_path, text, message):
    with pytest.raises(Refusal, match=message):
        sources.names([], write(tmp_path, "list", text), [])


def test_braces_of_others_are_no_template(tmp_path):
    rule = "---\napiVersion: v1\nkind: PrometheusRule\nspec: {text: 'on {{ $labels.x }}'}\n"
    assert sources.names([write(tmp_path, "a.yaml", POD % "x/y:1" + rule)], None, [])[0].image == "x/y:1"


LAUGHS = "\n".join(
    [f"a0: &a0 [{'x, ' * 9}x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
)
HOSTILE = {
    "a billion laughs": LAUGHS,
    "itself": "a: &a [*a]",
    "an alias of nothing": "a: *b",
    "deep": "[" * 100_000,
    "deep in blocks": "".join(" " * i + "a:\n" for i in range(200)),
    "deep by aliases": "\n".join(["- &a0 []"] + [f"- &a{i} [*a{i - 1}]" for i in range(1, 300)]),
    "a key that is a mapping": "{a: 1}: 2",
    "many values": "[" + "1," * 110_000 + "]",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("loader", ["CBaseLoader", "BaseLoader"])
def test_hostile_yaml_is_one_sentence(monkeypatch, name, loader):
    monkeypatch.setattr(documents, "_Loader", getattr(yaml, loader))
    monkeypatch.setattr(documents, "MAX_VALUES", 100_000)
    begin = time.monotonic()
    with pytest.raises(NotYaml) as refusal:
        found(HOSTILE[name])
    assert str(refusal.value).isprintable() and len(str(refusal.value)) < 200
    assert time.monotonic() - begin < 30


def test_ten_thousand_documents():
    assert certain("---\n".join(POD % f"x/y:{number}" for number in range(10_000))) == [
        f"x/y:{number}" for number in range(10_000)
    ]


def test_a_file_that_is_too_large(tmp_path):
    path = write(tmp_path, "a.yaml", b"#" * (50 << 20))
    with pytest.raises(Refusal, match="has 50 MiB, more than the limit of 16 MiB for one file: split it"):
        sources.names([path], None, [])


def test_more_images_than_one_task_asks_for(monkeypatch):
    monkeypatch.setattr(sources, "MAX_IMAGES", 2)
    with pytest.raises(Refusal, match="images: 3 are more than the 2 that one task checks"):
        sources.names([], None, [Name(each) for each in "abc"])


def test_a_node_with_more_images_than_that_is_refused_too():
    assert survey._MAX_NAMES > sources.MAX_IMAGES, "a list that was cut would be checked as if it were whole"
