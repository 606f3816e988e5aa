# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-doc` shows of every plugin: no warning, and no option twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = {
    "module": sorted(path.stem for path in (ROOT / "plugins/modules").glob("containerd_*.py")),
    "filter": sorted(path.stem for path in (ROOT / "plugins/filter").glob("[a-z]*.py")),
    "callback": sorted(path.stem for path in (ROOT / "plugins/callback").glob("[a-z]*.py")),
}
OPTION = re.compile(r"^[-=] (\w+)", re.M)
HEADING = re.compile(r"^[A-Z][A-Z ]+:", re.M)
EXAMPLES = re.compile(r"^EXAMPLES:.*?(?=^RETURN VALUES:|\Z)", re.M | re.S)


@pytest.mark.parametrize("kind", PLUGINS)
def test_ansible_doc_shows_plugins_without_a_warning_and_each_option_once(kind):
    names = [f"airgap.containerd.{name}" for name in PLUGINS[kind]]
    assert names
    for name in names if kind == "callback" else [None]:
        command = [sys.executable, "-m", "ansible", "doc", "--type", kind, *([name] if name else names)]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_DEPRECATION_WARNINGS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        shown = re.split(r"^> ", done.stdout, flags=re.M)[1:]
        assert len(shown) == (1 if name else len(names))
        for text in shown:
            for part in HEADING.split(EXAMPLES.sub("", text)):
                twice = [option for option, times in Counter(OPTION.findall(part)).items() if times > 1]
                assert not twice, (text.splitlines()[0], twice)
