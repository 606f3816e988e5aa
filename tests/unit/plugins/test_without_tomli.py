# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message if Python 3.10 has no tomli on the control node."""

from __future__ import annotations

import platform
import sys

import pytest
from ansible.errors import AnsibleFilterError
from fake_node import run

from ansible_collections.airgap.containerd.plugins.action import containerd_registry
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import load
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import LIBRARIES


def message(library: str) -> str:
    """The beginning of Ansible's own message, which names the machine and the Python that lack the library."""
    return f"Failed to import the required Python library ({library}) on {platform.node()}'s Python {sys.executable}. "


@pytest.fixture
def without_tomli(monkeypatch):
    monkeypatch.setattr(load, "LIBRARIES", ("tomli",))
    monkeypatch.setitem(sys.modules, "tomli", None)


def test_a_module_without_tomli(without_tomli):
    result = run(containerd_registry, {}, url="http://registry.lan")
    assert result["failed"] and result["msg"].startswith(message("tomli"))


def test_a_filter_without_tomli(without_tomli):
    with pytest.raises(AnsibleFilterError) as caught:
        filter.resolve("busybox", "1.7.24")
    assert message("tomli") in str(caught.value)


def test_this_python_needs_only_what_is_stated():
    stated = () if sys.version_info >= (3, 11) else ("tomli",)
    assert stated == LIBRARIES
