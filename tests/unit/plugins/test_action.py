# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all action plugins share."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from fake_node import answering, observe, replying, run

from ansible_collections.airgap.containerd.plugins.action import (
    containerd_info,
    containerd_pull,
    containerd_registry,
    containerd_report,
    containerd_restart,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils import _libraries
from ansible_collections.airgap.containerd.plugins.plugin_utils._action import local
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
    assert "on the control node" in str(caught.value)


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("0.13.2", True), ("0.15.0", True), ("0.15.1", False), ("0.15.2.dev1", False), ("0.16", False), ("1.0rc1", False)],
)
def test_a_library_that_is_too_old_is_named_with_its_python(version: str, is_refused: bool, monkeypatch) -> None:
    """Debian 13 has a tomlkit that calls a valid file invalid after some edits."""
    _libraries._too_old.cache_clear()
    found = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == "tomlkit" else found(name))
    try:
        if not is_refused:
            require("tomlkit")
            return
        with pytest.raises(Refusal, match=rf"^tomlkit {version} of {sys.executable} is too old: .*'tomlkit>=0\.15\.1'"):
            require("tomlkit")
    finally:
        _libraries._too_old.cache_clear()


def test_the_versions_needed_are_those_of_the_requirements():
    lines = (Path(__file__).resolve().parents[3] / "requirements.txt").read_text().splitlines()
    stated = dict(re.match(r"(\w+)(>=[\d.]+)", line).groups() for line in lines if not line.startswith("#"))
    assert stated == _libraries.NEEDED


def test_the_arguments_of_a_task_hold_no_login_when_callbacks_get_them(monkeypatch):
    given = {"from_variables": "p_"}
    variables = {"p_url": "http://registry.lan", "p_username": "u", "p_password": "CaN4ry"}
    seen = []
    monkeypatch.setattr(
        containerd_registry.ActionModule,
        "carry_out",
        lambda self, args, task_vars: seen.append((self._task, args["password"])) or {},
    )
    run(containerd_registry, {}, task_vars=variables, **given)
    assert seen[0][1] == "CaN4ry" and seen[0][0].args == given


def test_a_report_names_the_version_of_this_collection_and_the_inventory(tmp_path, monkeypatch):
    assert local.version() == "1.0.0"
    monkeypatch.setattr(local, "_ROOT", str(tmp_path))
    assert local.version() is None
    (tmp_path / "MANIFEST.json").write_text(
        '{\n "collection_info": {\n  "name": "containerd",\n  "version": "1.2.3",\n'
    )
    (tmp_path / "galaxy.yml").write_text("version: 9.9.9\n")
    monkeypatch.chdir(tmp_path)
    sources = {"ansible_inventory_sources": [str(tmp_path / "lan"), "/etc/ansible/hosts"]}
    origin = containerd_report._origin(sources)
    assert origin == {"collection": "1.2.3", "inventory": ["lan", "/etc/ansible/hosts"]}


def test_reports_are_replaced_whole_with_the_mode_that_was_chosen(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "verify.html").symlink_to(elsewhere)
    (tmp_path / "verify.html.new").symlink_to(elsewhere)
    local.write(str(tmp_path / "verify.html"), "page", containerd_report._mode("0640"))
    page = tmp_path / "verify.html"
    assert page.read_text() == "page" and not page.is_symlink() and elsewhere.read_text() == "mine"
    assert page.stat().st_mode & 0o777 == 0o640 and len(list(tmp_path.iterdir())) == 3
    assert containerd_report._mode(0o600) == 0o600
    for wrong in ("rw-r--r--", "0999", "07777", 0, -1, None):
        with pytest.raises(Refusal, match="mode"):
            containerd_report._mode(wrong)


def test_a_wrong_argument_is_refused_without_the_others():
    """ansible-core quotes the object of an error next to its message."""
    with pytest.raises(AnsibleActionFail) as refused:
        run(containerd_pull, {}, password="CaN4ry", timeout="x")
    assert refused.value.obj is None and "CaN4ry" not in str(refused.value)


def test_an_image_needs_no_restart(tmp_path):
    role = {"upstreams": ["docker.io"], "url": "http://registry.lan", "preflight": False}
    for is_image, given, due in ((True, {}, False), (True, {"restart_command": "rc-service x restart"}, True)):
        observed = answering(
            containerd_registry, {**observe(tmp_path, given != {}), "is_image": is_image, "endpoints": []}
        )
        result = run(containerd_registry, replying(observed), **role, **given)
        assert result.get("restart_due") is due, result
        assert ("containerd is not running here and reads this when it starts" in result["msg"]) is not due


def test_a_restart_only_where_it_is_due(tmp_path):
    observed = answering(containerd_restart, {**observe(tmp_path), "endpoints": []})
    well = {**observed, "daemon": {"id": "1", "started": 2**40}, "cri_error": None}
    due = run(containerd_restart, replying(observed), only_if_due=True)
    assert due["changed"] and due["msg"] == "containerd will be restarted (containerd does not run)"
    kept = run(containerd_restart, replying(well), only_if_due=True)
    assert not kept["changed"] and "no restart needed" in kept["msg"]
    assert run(containerd_restart, replying(well))["changed"]


def test_what_is_wrong_with_a_node_is_an_answer_where_a_fleet_is_planned():
    wrong = {"url": "registry.lan"}
    assert run(containerd_registry, {}, **wrong)["failed"]
    asked = run(containerd_registry, {}, fleet="plan", **wrong)
    assert (
        not asked["failed"]
        and asked["msg"].startswith("url: 'registry.lan' does not begin with http")
        and "pending" not in asked
    )
    asked = run(containerd_registry, {}, fleet="plan", url="http://r.lan", prune="perhaps")
    assert not asked.get("failed") and "prune" in asked["msg"] and "pending" not in asked
    asked = run(containerd_registry, {"failed": True, "msg": "no Python"}, fleet="plan", url="http://r.lan")
    assert not asked["failed"] and asked["msg"] == "no Python"
    assert run(containerd_registry, {}, fleet="change", **wrong)["failed"]


def test_a_plan_tells_whether_there_is_anything_to_do_and_keeps_its_warnings(tmp_path):
    answer = replying({**answering(containerd_registry, observe(tmp_path)), "endpoints": []})
    given = {"url": "http://registry.lan", "preflight": False, "restart": False}
    planned = run(containerd_registry, answer, fleet="plan", **given)
    assert planned.get("pending") is True and planned["bystander"] is False, planned
    assert "warnings" not in planned and not planned.get("failed"), planned


def test_of_a_release_something_is_said_for_a_fleet_and_not_by_each_role(tmp_path):
    old = f"containerd containerd.io 1.7.24 {'ab' * 20}"
    answer = {**answering(containerd_registry, {**observe(tmp_path), "version": old}), "endpoints": []}
    given = {"url": "http://registry.lan", "preflight": False, "restart": False}
    (told,) = run(containerd_registry, replying(answer), fleet="plan", **given)["support"]
    assert "1.7.24 has a vulnerability" in told and "n1" not in told
    alone = run(containerd_registry, replying(answer), task_vars={"inventory_hostname": "n1"}, **given)
    assert "support" not in alone and not any("vulnerability" in each for each in alone["warnings"])
    node = answering(containerd_info, {**observe(tmp_path, True), "version": old})
    shown = run(containerd_info, replying(node), task_vars={"inventory_hostname": "n1"})
    assert shown["warnings"][0] == told and "does not load with mirrors" in shown["warnings"][1]
    assert shown["containerd"]["support"]["security_update"] == "1.7.35"


def test_a_connection_that_is_lost_while_a_node_changes_is_a_failure(monkeypatch):
    def lost(*dummy):
        raise AnsibleConnectionFailure("Connection reset")

    monkeypatch.setattr(containerd_registry.execute, "execute", lost)
    with pytest.raises(Refusal, match="lost while this node was being changed .Connection reset.. The node finishes"):
        containerd_registry.ActionModule._apply(None, None, {})


def test_a_change_that_was_not_shown_is_refused():
    shown = {"version": "1.7.24", "mode": "legacy", "namespaces": ["a"], "config_changes": [{"path": ("a", "b")}]}
    now = {**shown, "written": [], "removed": [], "restart_due": True, "msg": "x"}
    registered = {**now, "config_changes": [{"path": ["a", "b"]}], "msg": "y", "notes": []}
    containerd_registry._check_planned(registered, now)
    for key, value in {"written": ["/a"], "restart_due": False, "version": "2.1.9"}.items():
        with pytest.raises(Refusal, match="was modified after its change was planned"):
            containerd_registry._check_planned(registered, {**now, key: value})
