# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered for nodes that are not there yet: complete in each form, credentials in files of their own."""

from __future__ import annotations

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.airgap.containerd.plugins.action import containerd_render
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

CONFIG = "/etc/containerd/config.toml"
PASSWORD = "CaN4ry"
LOGIN = "dTpDYU40cnk="  # u:CaN4ry
ROLE = {"upstreams": ["docker.io", "quay.io"], "url": "http://registry.lan", "username": "u", "password": PASSWORD}


class Render(containerd_render.ActionModule):
    """The action plugin without a task, a play or a connection."""

    def __init__(self, check_mode=False):
        self._templar = Templar(loader=DataLoader())
        self._task = type("Task", (), {"check_mode": check_mode})

    def file(self, folder, path):
        return path


def render(dest, config=None, check_mode=False, **variables):
    named = {f"containerd_registry_{name}": value for name, value in {**ROLE, **variables}.items()}
    args = {"from_variables": "containerd_registry_", "dest": str(dest), "config": config and str(config)}
    return Render(check_mode).carry_out(args, named)


def tree(folder):
    """Text and mode of each file, by its path below a folder."""
    found = [each for each in folder.rglob("*") if each.is_file()]
    return {f"/{each.relative_to(folder)}": (each.read_text(), each.stat().st_mode & 0o777) for each in found}


def forms(dest):
    """The files as cloud-init and as Cluster API make them."""

    def read(name):
        return yaml.safe_load((dest / name).read_text())

    cloud = [*read("cloud-init.yml")["write_files"], *read("cloud-init-secrets.yml")["write_files"]]
    secret = read("cluster-api-secret.yml")
    machine = read("cluster-api.yml")["files"]
    for each in machine:
        if "contentFrom" in each:
            asked = each["contentFrom"]["secret"]
            assert asked["name"] == secret["metadata"]["name"]
            each["content"] = secret["stringData"][asked["key"]]
    return [
        {each["path"]: (each["content"], int(each["permissions"], 8)) for each in form} for form in (cloud, machine)
    ]


@pytest.mark.parametrize("version", ["1.4.13", "1.6.20", "1.7.24", "2.1.9", "2.3.4"])
def test_each_form_is_complete(tmp_path, version):
    result = render(tmp_path, version=version)
    files = tree(tmp_path / "root")
    assert sorted(files) == result["files"] and CONFIG in files
    assert forms(tmp_path) == [files, files]
    for name in ("cloud-init.yml", "cluster-api.yml"):
        text = (tmp_path / name).read_text()
        assert PASSWORD not in text and LOGIN not in text
    for name in ("cloud-init-secrets.yml", "cluster-api-secret.yml"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    secret = [path for path, (text, dummy) in files.items() if LOGIN in text or PASSWORD in text]
    assert secret and set(secret) <= set(result["secret_files"])
    assert all(files[path][1] == 0o600 for path in result["secret_files"])


def test_the_second_run_changes_nothing_and_what_is_gone_goes(tmp_path):
    assert render(tmp_path, version="2.1.9", check_mode=True)["changed"] and not list(tmp_path.iterdir())
    assert render(tmp_path, version="2.1.9")["changed"]
    assert not render(tmp_path, version="2.1.9")["changed"]
    quay = tmp_path / "root/etc/containerd/certs.d/quay.io/hosts.toml"
    quay.chmod(0o644)
    assert render(tmp_path, version="2.1.9")["changed"] and quay.stat().st_mode & 0o777 == 0o600
    assert render(tmp_path, version="2.1.9", upstreams=["docker.io"])["changed"] and not quay.exists()


def test_settings_of_the_image_are_kept(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('version = 2\n# of the image\nroot = "/data"\n')
    result = render(tmp_path / "n", mine, version="1.7.24")
    assert "warnings" not in result
    assert tree(tmp_path / "n/root")[CONFIG][0].startswith(mine.read_text())
    assert "replaces the image's own" in render(tmp_path / "m", version="1.7.24")["warnings"][0]


@pytest.mark.parametrize(
    ("config", "variables", "message"),
    [
        (None, {}, "containerd_registry_version: not set, and no node is read here"),
        (None, {"version": "new"}, "containerd_registry_version"),
        ("absent.toml", {"version": "2.1.9"}, "config: 'absent.toml' cannot be read on the control node"),
        (None, {"version": "2.1.9", "mode": "legacy", "direct": "x y"}, "containerd_registry_direct"),
    ],
)
def test_what_cannot_be_rendered_is_refused(tmp_path, config, variables, message):
    with pytest.raises(Refusal) as refused:
        render(tmp_path, config, **variables)
    assert message in str(refused.value) and not list(tmp_path.iterdir())
