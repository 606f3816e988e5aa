# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml as the role's template renders it, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils import credentials, hosts, model, toml_edit, tree
from ansible_collections.airgap.containerd.plugins.plugin_utils.controller import TEMPLATE

LOGIN = model.Access(auth={"username": "robot$puller", "password": "S3cret+/p$ss"})


def template() -> str:
    with open(TEMPLATE, encoding="utf-8") as handle:
        return handle.read()


def extras(endpoint: model.Endpoint) -> dict:
    return credentials.in_hosts(LOGIN, "header") if endpoint.host == "harbor.lan" else {}


def render(**mirrors: model.Mirror) -> dict[str, str]:
    named = {name.replace("_", "."): mirror for name, mirror in mirrors.items()}
    return tree.render(template(), named, extras)


def body(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith("#"))


def test_nothing_but_the_mirror():
    files = render(docker_io=model.Mirror((model.Endpoint("http://harbor.lan", "/v2/dockerhub"),), "none"))
    assert body(files["docker.io/hosts.toml"]) == (
        'server = "http://harbor.lan/v2/dockerhub"\n'
        'capabilities = ["pull", "resolve"]\n'
        "override_path = true\n"
        "\n"
        "[header]\n"
        'Authorization = "Basic cm9ib3QkcHVsbGVyOlMzY3JldCsvcCRzcw=="\n'
        "\n"
        "[host]\n"
    )


def test_upstream_last():
    files = render(docker_io=model.Mirror((model.Endpoint("http://harbor.lan"),), "upstream"))
    assert body(files["docker.io/hosts.toml"]) == (
        'server = "https://registry-1.docker.io"\n'
        "\n"
        '[host."http://harbor.lan"]\n'
        'capabilities = ["pull", "resolve"]\n'
        "\n"
        '[host."http://harbor.lan".header]\n'
        'Authorization = "Basic cm9ib3QkcHVsbGVyOlMzY3JldCsvcCRzcw=="\n'
    )


def test_several_endpoints_keep_their_order_and_the_last_is_server():
    endpoints = tuple(model.Endpoint(f"http://m{number}.lan") for number in range(3))
    text = render(quay_io=model.Mirror(endpoints, "none"))["quay.io/hosts.toml"]
    data = toml_edit.load(text)
    assert data["server"] == "http://m2.lan" and list(data["host"]) == ["http://m0.lan", "http://m1.lan"]


def test_catch_all_with_the_upstream_last_names_no_server():
    text = tree.render(template(), {"*": model.Mirror((model.Endpoint("http://m.lan"),), "upstream")})
    assert list(text) == ["_default/hosts.toml"] and "server" not in toml_edit.load(text["_default/hosts.toml"])


def test_direct_registries_are_asked_themselves():
    data = toml_edit.load(render(quay_io=model.Mirror((), "upstream"))["quay.io/hosts.toml"])
    assert data == {"server": "https://quay.io", "host": {}}


@pytest.mark.parametrize(
    ("namespace", "directory"),
    [("docker.io", "docker.io"), ("r.lan:5000", "r.lan_5000_"), ("[::1]:5000", "[::1]_5000_"), ("*", "_default")],
)
def test_directories(namespace, directory):
    assert hosts.directory(namespace) == directory


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('server = "http://m"\n', r"no \[host\] table"),
        ("", r"no \[host\] table"),
        ("server = 'http://m\n[host]\n", "is not TOML"),
        ('server = "m.lan"\n[host]\n', "write it as http"),
        ('server = "http://u:p@m.lan"\n[host]\n', "without user or password"),
        ('server = "http://m"\nskip_verify = false\n[host]\n', "skip_verify on an http:// endpoint"),
        ('[host."http://m"]\nca = "/x"\n', "ca on an http:// endpoint"),
        ('[host."https://m"]\nskip_verify = "true"\n', "skip_verify has the wrong type"),
        ('[host."https://m"]\ncapabilities = ["pul"]\n', "unknown capability 'pul'"),
        ('[host."https://m".auth]\nusername = "u"\n', "no option 'auth'"),
        ('host = "https://m"\n', r"no \[host\] table"),
    ],
)
def test_what_containerd_would_ignore_is_refused(text, message):
    with pytest.raises(hosts.HostsError, match=message):
        hosts.check(text, "docker.io")


def test_a_broken_template_is_named():
    with pytest.raises(hosts.HostsError, match="template of hosts.toml failed for docker.io: 'nothing' is undefined"):
        hosts.render("{{ nothing }}", "docker.io", None, [])


def test_values_are_quoted():
    server = {"url": 'http://m.lan/"\\x', "header": {"X-Odd": 'a"b\\c'}}
    data = toml_edit.load(hosts.render(template(), "docker.io", server, []))
    assert data["server"] == server["url"] and data["header"] == server["header"]
