# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables in docs/resolve.md are those that the files before them give."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.airgap.containerd.plugins.plugin_utils import resolve_filter, resolve_report

TEXT = (Path(__file__).parents[4] / "docs" / "resolve.md").read_text()
BLOCKS = re.findall(r"```(toml|text)\n(.*?)```", TEXT, re.S)
PATH = re.compile(r"# (/etc/containerd/(?:certs\.d/)?)(\S+)\n")


def tables():
    """Yield each table and what it ought to be: files add up from one to the next."""
    config, hosts = None, {}
    for kind, content in BLOCKS:
        if kind == "toml":
            _folder, name = PATH.match(content).groups()
            if name == "config.toml":
                config = content
            else:
                hosts[name] = content
            continue
        image = content.split()[0]
        node, version = re.search(r"on (\S+) \(containerd (\S+)\)", content).groups()
        answer = resolve_filter.resolve([image], version, config=config, hosts=hosts)
        yield content, "\n".join(resolve_report.tables({node: answer})) + "\n"


def test_tables():
    found = list(tables())
    assert len(found) == 2
    for written, right in found:
        assert written == right


def test_no_secret_in_a_table():
    assert all("secret" not in right and "c2Vjcm" not in right for dummy, right in tables())
