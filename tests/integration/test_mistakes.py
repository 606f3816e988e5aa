# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The validating play reports mistakes in variables; tests/unit/test_snippets.py shows that the pages have none."""

from __future__ import annotations

import pytest
import yaml

MISTAKES = {
    "containerd_registry_endpoints_vault: is a list but a mapping is required: write it as KEY: VALUE": {
        "containerd_registry_endpoints_vault": ["x"]
    },
    "containerd_registry_endpoints[harbor.lan]: unknown key 'pasword': did you mean password?": {
        "containerd_registry_endpoints_vault": {"harbor.lan": {"username": "u", "pasword": "S3cret-of-mine"}}
    },
    "containerd_registry_mirrors[quay.io].endpoints[0].url: 'h.lan' does not begin with http://": {
        "containerd_registry_mirrors_b": {"quay.io": ["h.lan"]}
    },
    "containerd_registry_endpoints[docker.io]: docker.io is an upstream": {
        "containerd_registry_endpoints": {"docker.io": {"auth": "dTpw"}}
    },
    "is not a file on the control node": {
        "containerd_registry_url": "https://harbor.lan",
        "containerd_registry_endpoints": {"harbor.lan": {"ca": "nowhere.pem"}},
    },
    "containerd_registry_mirrors[quay.io].endpoints[0].url: the URL contains a username or password": {
        "containerd_registry_mirrors": {"quay.io": ["http://user:S3cret-of-mine@h.lan"]}
    },
    "containerd_registry_endpoints[http://harbor.lan]: is the same endpoint as": {
        "containerd_registry_endpoints": {"harbor.lan": {}, "http://harbor.lan": {}}
    },
    "containerd_registry_endpoints[harbor.lan]: TLS settings cannot apply to http://harbor.lan": {
        "containerd_registry_endpoints": {"harbor.lan": {"skip_verify": True}}
    },
    "containerd_registry_mirrors: '../x' is not a registry name": {
        "containerd_registry_mirrors": {"../x": ["http://h.lan"]}
    },
    "Remove containerd_registry_fallback from this node's variables, or upgrade its containerd": {
        "containerd_registry_fallback": "none",
        "containerd_registry_version": "1.4.13",
    },
    "has no [host] table: containerd up to 1.7.31 discards such a file": {
        "containerd_registry_hosts_template": "bad.j2"
    },
}


# The lab's inventory sets these for every host.
BLANK = dict.fromkeys((f"containerd_registry_{name}" for name in ("url", "username", "password")), "")


@pytest.fixture(scope="module")
def results(play, tmp_path_factory) -> dict[str, dict]:
    """What the validating play says of every mistake, each of which is a host."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "templates").mkdir()
    (folder / "templates" / "bad.j2").write_text("server = {{ server.url | toml }}\n")
    url = {**BLANK, "containerd_registry_url": "http://harbor.lan"}
    hosts = {f"mistake{number}": {**url, **wrong} for number, wrong in enumerate(MISTAKES.values())}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": {"mistakes": {"hosts": hosts}}}}))
    role = {"name": "airgap.containerd.containerd_registry", "tasks_from": "validate"}
    tasks = [{"name": "Validate", "ansible.builtin.import_role": role}]
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "mistakes", "gather_facts": False, "tasks": tasks}]))
    run = play(playbook=str(folder / "play.yml"), inventory=(str(folder / "hosts.yml"),))
    assert run.rc != 0 and "S3cret-of-mine" not in run.output
    return {host: run.of(host) for host in hosts}


@pytest.mark.parametrize(("number", "message"), list(enumerate(MISTAKES)))
def test_mistakes_are_told_before_any_node_is_touched(results, number, message):
    assert message in results[f"mistake{number}"]["msg"]
