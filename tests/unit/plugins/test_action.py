# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all action plugins share."""

from __future__ import annotations

import importlib
import sys

import pytest
from ansible.errors import AnsibleActionFail
from fake_node import run

from ansible_collections.airgap.containerd.plugins.action import containerd_registry
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._libraries import require

PACKAGE = "ansible_collections.airgap.containerd.plugins.action"


@pytest.mark.parametrize(
    ("module", "library"),
    [("containerd_config", "tomlkit"), ("containerd_registry", "tomlkit"), ("containerd_info", "jmespath")],
)
def test_a_missing_library_is_the_standard_error(module: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    action = importlib.import_module(f"{PACKAGE}.{module}").ActionModule
    assert action.libraries == (library,)
    require(library)
    monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(sys, "meta_path", [])
    sys.path_importer_cache.clear()
    with pytest.raises(Refusal) as caught:
        require(library)
    assert f"Failed to import the required Python library ({library})" in str(caught.value)
    assert "on the controller" in str(caught.value)


def test_a_wrong_argument_is_refused_without_the_others():
    """ansible-core quotes the object of an error beside its message."""
    with pytest.raises(AnsibleActionFail) as refused:
        run(containerd_registry, {}, password="CaN4ry", endpoints=["x"])
    assert refused.value.obj is None and "CaN4ry" not in str(refused.value)
