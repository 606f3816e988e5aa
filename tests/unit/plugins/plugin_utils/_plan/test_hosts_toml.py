# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml as the role's template renders it, and what is refused."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Access, Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import hosts_toml, placement, tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node, resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

LOGIN = Access(auth={"username": "robot$puller", "password": "S3cret+/p$ss"})


def template() -> str:
    with open(TEMPLATE, encoding="utf-8") as handle:
        return handle.read()


def extras(endpoint: Endpoint) -> dict:
    return placement.in_hosts(LOGIN, "header") if endpoint.host == "harbor.lan" else {}


def render(**mirrors: Mirror) -> dict[str, str]:
    named = {name.replace("_", "."): mirror for name, mirror in mirrors.items()}
    return hosts_toml.render_all(template(), named, extras)


def body(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith("#"))


def test_nothing_but_the_mirror():
    files = render(docker_io=Mirror((Endpoint("http://harbor.lan", "/v2/dockerhub"),), "none"))
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
    files = render(docker_io=Mirror((Endpoint("http://harbor.lan"),), "upstream"))
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
    endpoints = tuple(Endpoint(f"http://m{number}.lan") for number in range(3))
    text = render(quay_io=Mirror(endpoints, "none"))["quay.io/hosts.toml"]
    data = load(text)
    assert data["server"] == "http://m2.lan" and list(data["host"]) == ["http://m0.lan", "http://m1.lan"]


def test_catch_all_with_the_upstream_last_names_no_server():
    text = hosts_toml.render_all(template(), {"*": Mirror((Endpoint("http://m.lan"),), "upstream")})
    assert list(text) == ["_default/hosts.toml"] and "server" not in load(text["_default/hosts.toml"])


CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'


@pytest.mark.parametrize("name", ["127.0.0.1:31999", "127.1.2.3", "localhost", "localhost:5000", "[::1]:5000"])
@pytest.mark.parametrize("version", ["1.5.18", "1.6.20", "1.7.24", "2.1.9", "2.3.4"])
def test_how_a_registry_on_the_node_is_asked_is_left_to_containerd(name, version):
    rendered = hosts_toml.render_all(template(), {name: Mirror((), "upstream")})
    there = node.from_files(version, CONFIG, rendered)
    bare, ours = (resolve.resolve(f"{name}/a:1", each) for each in (node.from_files(version, CONFIG), there))
    assert ours.asked == bare.asked and ours.error == bare.error
    assert bool(ours.directory) != bool(ours.error) and not bare.directory


def test_options_of_a_registry_on_the_node_stay():
    mirrors = {"localhost:5000": Mirror((), "upstream")}
    text = hosts_toml.render_all(template(), mirrors, lambda endpoint: {"ca": "/ca.crt"} if endpoint.is_tls else {})
    assert load(text["localhost_5000_/hosts.toml"]) == {"ca": "/ca.crt", "host": {}}


def test_direct_registries_are_asked_themselves():
    data = load(render(quay_io=Mirror((), "upstream"))["quay.io/hosts.toml"])
    assert data == {"server": "https://quay.io", "host": {}}


@pytest.mark.parametrize(
    ("namespace", "directory"),
    [("docker.io", "docker.io"), ("r.lan:5000", "r.lan_5000_"), ("[::1]:5000", "[::1]_5000_"), ("*", "_default")],
)
def test_directories(namespace, directory):
    assert namespaces.directory(namespace) == directory


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
        ('[host."https://m".auth]\nusername = "u"\n', "the option 'auth'"),
        ('host = "https://m"\n', r"no \[host\] table"),
        ('[host."https://m"]\n"https://n" = 5\n', "containerd does not support the option 'https://n'"),
        ('[host]\n"https://m" = 5\n', "host 'https://m' is not a table"),
        ('server = "http://m"\n[host]\n"http://n" = {capabilities = ["pull"]}\n', "'http://n' needs one"),
        ('[host]\n"http://n".capabilities = ["pull"]\n', "'http://n' needs one"),
        ('[host."http://m"]\n[host."http://n"]\n[host."http://m".header]\nA = "b"\n', "'http://m' needs one"),
        ('[host."http://m"]\n[[host."http://n"]]\n', "host 'http://n' is not a table"),
        ("unknown = 1\n[host]\n", "containerd does not support the option 'unknown'"),
        ('Server = "http://m"\n[host]\n', "containerd does not support the option 'Server'"),
        ('[host."https://m"]\nserver = "http://n"\n', "'https://m': containerd does not support the option 'server'"),
        ('[host."https://m"]\ndial_timeout = "5"\n', "dial_timeout is not a duration"),
        ('[host."https://m".header]\nA = "b\\nC: d"\n', "header A is not a string that fits on a line"),
        ('[host."https://m".header]\n"A b" = "c"\n', "'A b' is not a header's name"),
    ],
)
def test_what_containerd_would_ignore_is_refused(text, message):
    with pytest.raises(Refusal, match=message):
        hosts_toml.check(text, "docker.io")


@pytest.mark.parametrize("namespace", ["../x", "a/b", "", "*x"])
def test_what_cannot_be_a_directory_is_refused(namespace):
    with pytest.raises(Refusal, match="is not a registry name, so there is no directory"):
        namespaces.directory(namespace)


@pytest.mark.parametrize(
    ("version", "text", "message"),
    [
        ("1.7.24", '[host."http://[fd00::5]"]\n', r"has brackets in it, which containerd 1.7.24 cannot read"),
        (
            "1.7.24",
            '[host."http://m"]\ndial_timeout = "5s"\n',
            "dial_timeout of http://m: unknown, so it would have no",
        ),
        ("1.5.18", '[host."http://m/x"]\noverride_path = true\n', "override_path of http://m/x: unknown"),
        ("2.1.9", '[host."http://m"]\ncapabilities = ["referrers"]\n', "names the unknown capability 'referrers'"),
    ],
)
def test_what_a_release_would_ignore_is_refused_for_it(version, text, message):
    files = {"r.lan_81_/hosts.toml": text}
    with pytest.raises(Refusal, match=f"^hosts.toml of r.lan:81 on containerd {version}: .*{message}"):
        hosts_toml.check_on(releases.release(releases.parse(version)), files, "/etc/containerd/certs.d")
    hosts_toml.check_on(releases.release(releases.parse("2.3.4")), files, "/etc/containerd/certs.d")


def test_a_broken_template_is_named():
    with pytest.raises(Refusal, match="template of hosts.toml failed for docker.io: 'nothing' is undefined"):
        hosts_toml.render("{{ nothing }}", "docker.io", None, [])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            nodes.tree({"quay.io/hosts.toml": b"# \xff"}),
            r"is not UTF-8 \(byte 2\), and would be replaced",
        ),
        (
            nodes.tree({"quay.io/hosts.toml": TreeFile(link="/x")}),
            r"is reached through a symbolic link \(to /x\), which is not followed: remove the link",
        ),
        (nodes.tree(others=("quay.io/hosts.toml",)), "is not a file: remove it"),
    ],
)
def test_what_stands_where_a_file_is_to_be_is_told(found, message):
    with pytest.raises(Refusal, match=f"^/c/quay.io/hosts.toml {message}"):
        tree.plan({"quay.io/hosts.toml": "[host]\n"}, "/c", found, {}, True)


def test_a_template_that_forgets_the_last_endpoint_is_refused():
    with pytest.raises(Refusal, match="of docker.io does not set server, although 'http://m.lan' is to be"):
        hosts_toml.render("[host]\n", "docker.io", {"url": "http://m.lan"}, [])


def test_values_are_quoted():
    server = {"url": 'http://m.lan/"\\x', "header": {"X-Odd": 'a"b\\c'}}
    data = load(hosts_toml.render(template(), "docker.io", server, []))
    assert data["server"] == server["url"] and data["header"] == server["header"]
