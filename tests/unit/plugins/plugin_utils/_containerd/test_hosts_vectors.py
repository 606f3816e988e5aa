# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What resolve makes of a hosts_dir, compared with what containerd's own code made of it, release by release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Node, Registry

VECTORS = json.loads((Path(__file__).parents[3] / "fixtures" / "hosts-vectors.json").read_text())
ROOT = "/etc/containerd/certs.d"
LETTERS = {"pull": "p", "resolve": "r", "push": "u", "referrers": "f"}


def flat():
    for case in VECTORS["cases"]:
        for names, expected in case["expected"].items():
            for name in names.split():
                yield pytest.param(case, name, expected, id=f"{case['name']}-{name}")


def node(files, version):
    tree = {}
    for path, text in files.items():
        directory, dummy, name = path.partition("/")
        tree.setdefault(directory, {})[name] = text.encode()
    settings = Registry(config_path=ROOT, local_pull=True)
    return Node(releases.release(releases.parse(version)), settings, {ROOT: tree})


def shown(asked, headers):
    text = f"{asked.scheme}://{asked.host} {asked.path} [{''.join(LETTERS[each] for each in asked.capabilities)}]"
    if asked.http_after_tls:
        text += " https-then-http-fallback"
    elif asked.skip_verify:
        text += " insecure"
    return text + (f" hdr{{{headers}}}" if asked.credentials == "header" else "")


@pytest.mark.parametrize(("case", "release", "expected"), list(flat()))
def test_vector(case, release, expected):
    answer = resolve.resolve(f"{case['host']}/owner/img:1", node(case["files"], VECTORS["releases"][release]))
    if isinstance(expected, str):
        words = expected.removeprefix("ERROR ").replace("$ROOT", ROOT)
        assert words in answer.error and answer.asked == ()
        return
    headers = next((each.partition("hdr{")[2].rstrip("}") for each in expected if "hdr{" in each), "")
    assert [shown(each, headers) for each in answer.asked] == expected


def test_every_release_is_in_the_vectors():
    names = {name for case in VECTORS["cases"] for group in case["expected"] for name in group.split()}
    assert names == set(VECTORS["releases"])
    assert len(list(flat())) == len(VECTORS["cases"]) * len(VECTORS["releases"])
