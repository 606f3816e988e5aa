# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""resolve beyond the vectors: modes, directories, credentials, what keeps CRI from loading, and only variables."""

from __future__ import annotations

import json

import nodes
import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import StartedWith, TreeFile
from ansible_collections.airgap.containerd.plugins.plugin_utils._report.resolutions import lines as tables
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as node_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Registry, resolve

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n"
CONFIG_PATH = 'config_path = "/etc/containerd/certs.d"\n'
MIRROR = '[host."http://m.lan:8080"]\n'
PASSWORD = "hunter2"
VARIABLES = {
    "containerd_registry_url": "http://harbor.lan",
    "containerd_registry_username": "robot$puller",
    "containerd_registry_password": PASSWORD,
    "containerd_registry_projects": {"docker.io": "dockerhub", "*": "mirror"},
    "containerd_registry_catch_all": "true",
    "unrelated": object(),
}


def ask(image="quay.io/a/b:1", version="1.7.24", config=V2 + CONFIG_PATH, hosts=None):
    return filter.resolve(image, version, config=config, hosts=hosts)


def urls(answer, step="resolve"):
    return [each["url"] for each in answer["requests"] if each["step"] == step and "/manifests/" in each["url"]]


def states(answer):
    return {each["path"].rpartition("/")[2]: each["state"] for each in answer["candidates"]}


def test_directories_and_what_hides_what():
    hosts = {"reg.lan_5000_/hosts.toml": MIRROR, "_default/hosts.toml": MIRROR}
    answer = ask("reg.lan:5000/a", hosts=hosts)
    assert states(answer) == {"reg.lan_5000_": "used", "reg.lan:5000": "absent", "_default": "shadowed"}
    assert urls(answer)[0] == "http://m.lan:8080/v2/a/manifests/latest?ns=reg.lan%3A5000"
    answer = ask("quay.io/a", hosts={**hosts, "quay.io/README": ""})
    assert states(answer) == {"quay.io": "used", "_default": "shadowed"}
    assert any("quay.io hides _default" in each for each in answer["notes"])
    assert urls(answer) == ["https://quay.io/v2/a/manifests/latest"]
    assert "_default" not in states(ask("quay.io/a", version="1.6.16", hosts=hosts))
    assert ask("ghcr.io/a", hosts=hosts)["why"].endswith("so /etc/containerd/certs.d/_default is used")


def test_last_and_upstream():
    forbidden = ask(hosts={"quay.io/hosts.toml": 'server = "http://m.lan"\n[host]'})
    assert (forbidden["upstream"], forbidden["last"]) == (False, "none")
    open_end = ask(hosts={"quay.io/hosts.toml": MIRROR})
    assert (open_end["upstream"], open_end["last"]) == (True, "the registry itself, quay.io")


@pytest.mark.parametrize(
    ("version", "port", "scheme"),
    [("2.0.7", "", "https"), ("2.0.11", ":5000", "https"), ("2.0.11", ":80", "http"), ("2.0.6", "", "http")]
    + [("2.1.0", "", "http"), ("2.3.4", ":5000", "http")],
)
def test_a_dial_timeout_counts_as_tls_at_the_end_of_2_0(version, port, scheme):
    hosts = {"quay.io/hosts.toml": f'[host."http://m.lan{port}"]\ndial_timeout = "5s"\n'}
    assert urls(ask(version=version, config=V3 + CONFIG_PATH, hosts=hosts))[0].startswith(f"{scheme}://m.lan")


def test_capabilities_per_step():
    hosts = {"quay.io/hosts.toml": MIRROR + 'capabilities = ["pull"]\n[host."http://n.lan"]\ncapabilities=["resolve"]'}
    answer = ask(hosts=hosts)
    assert urls(answer) == ["https://quay.io/v2/a/b/manifests/1"]
    assert [each.partition("/v2")[0] for each in urls(answer, "pull")] == [
        "http://m.lan:8080", "http://n.lan", "https://quay.io",
    ]  # fmt: skip
    digest = "sha256:" + "a" * 64
    assert len(urls(ask(f"quay.io/a/b@{digest}", hosts=hosts))) == 2
    nobody = 'server = "http://m.lan"\ncapabilities = ["push"]\n[host]'
    assert "capabilities" in ask(hosts={"quay.io/hosts.toml": nobody})["error"]


def test_logins_are_told_and_not_shown():
    config = V2 + CONFIG_PATH + "".join(
        f'[plugins."io.containerd.grpc.v1.cri".registry.{table}]\n{setting}\n'
        for table, setting in (
            ('configs."m.lan:8080".auth', f'username = "u"\npassword = "{PASSWORD}"'),
            ('auths."https://quay.io"', f'auth = "{PASSWORD}"'),
        )
    )  # fmt: skip
    header = f'[host."http://n.lan"]\n[host."http://n.lan".header]\nAuthorization = "Basic {PASSWORD}"'
    answer = ask(config=config, hosts={"quay.io/hosts.toml": MIRROR + header})
    assert [each["credentials"] for each in answer["endpoints"]] == [
        "yes, after a 401",
        "yes",
        "yes, after a 401",
    ]
    assert PASSWORD not in json.dumps(answer) and PASSWORD not in "".join(tables({"n": [answer]}))


@pytest.mark.parametrize(
    ("version", "config", "reason"),
    [
        (
            "1.7.24",
            V2 + CONFIG_PATH + 'mirrors."quay.io".endpoint = ["http://m"]',
            "mirrors (quay.io) together with config_path",
        ),
        (
            "2.1.9",
            V3 + CONFIG_PATH + 'mirrors."quay.io".endpoint = ["http://m"]',
            "mirrors (quay.io) together with config_path",
        ),
        ("2.2.1", V3 + 'mirrors."quay.io".endpoint = ["http://m"]', "mirrors (quay.io) together with config_path"),
        ("1.7.24", V2 + CONFIG_PATH + 'configs."m".tls = {}', "configs.*.tls together with config_path"),
        ("1.7.24", 'disabled_plugins = ["cri"]', "disabled_plugins disables cri"),
    ],
)
def test_not_loaded(version, config, reason):
    answer = ask(version=version, config=config)
    assert answer["error"].startswith("CRI is not loaded: ") and reason in answer["error"]
    assert (answer["requests"], answer["last"]) == ([], "none")


def test_not_loaded_does_not_hide_a_broken_file():
    config = V2 + CONFIG_PATH + 'mirrors."quay.io".endpoint = ["http://m"]'
    answer = ask(config=config, hosts={"quay.io/hosts.toml": "broken = "})
    assert answer["error"].startswith("CRI is not loaded: ") and answer["requests"] == []
    assert any("quay.io/hosts.toml" in each for each in answer["notes"]) and answer["log"]
    assert ask(config=config, hosts={"quay.io/hosts.toml": MIRROR})["log"] == []
    answer = ask(config=config, hosts={"quay.io/hosts.toml": MIRROR + 'ca = "ca.pem"'})
    assert ". If it were loaded: every pull fails: " in answer["error"]


def test_tables_of_no_effect():
    assert ask(version="2.1.9", config=V3 + CONFIG_PATH + 'configs."m".tls = {}')["error"] is None
    wrong = ask(version="2.1.9", config="version = 3\n" + V2.partition("\n")[2] + CONFIG_PATH)
    assert "the registry table of plugins.'io.containerd.grpc.v1.cri' has no effect" in wrong["notes"][0]
    assert wrong["mode"] == "defaults"
    tls = ask(version="2.1.9", config=V3 + CONFIG_PATH + 'configs."m:1".tls.ca_file = "/x"')
    assert tls["notes"] == [
        "TLS settings in config.toml (m:1) have no effect: containerd 2.1.9 reads them in hosts.toml"
    ]
    old = ask(version="1.7.24", config=V3.replace("version = 3", "version = 2") + CONFIG_PATH)
    assert "reads that of 'io.containerd.grpc.v1.cri' in a config.toml of version 2" in old["notes"][0]
    unknown = ask(version="1.4.13")
    assert unknown["mode"] == "legacy" and "does not support config_path" in unknown["notes"][0]


def test_lists_of_roots():
    config = V3 + 'config_path = "/etc/containerd/certs.d:/other"\n'
    hosts = {"quay.io/hosts.toml": MIRROR}
    old = ask(version="2.0.3", config=config, hosts=hosts)
    assert old["directory"] == "/etc/containerd/certs.d/quay.io"
    broken = ask(version="2.1.9", config=config, hosts=hosts)
    assert broken["directory"] is None and "reads as the name of one directory" in broken["notes"][0]
    login = '[plugins."io.containerd.cri.v1.images".registry.configs."x".auth]\nusername = "u"\n'
    assert ask(version="2.1.9", config=config + login, hosts=hosts)["directory"] == old["directory"]
    unset = ask(version="2.2.2", config=V3, hosts=hosts)
    assert unset["mode"] == "config_path" and unset["directory"] is None
    local = V3.replace("[plugins.'io.containerd.cri.v1.images'.registry]", "") + (
        "[plugins.'io.containerd.cri.v1.images']\nuse_local_image_pull = true"
    )
    assert ask(version="2.2.2", config=local, hosts=hosts)["directory"] == old["directory"]


def legacy(version, mirrors, image="quay.io/a/b:1", more=""):
    return ask(image, version, config=V2 + mirrors + more)


def test_legacy_endpoints():
    star = 'mirrors."*".endpoint = ["http://m.lan/", "n.lan:5000", "localhost:5000"]\n'
    assert urls(legacy("1.6.20", star)) == [
        "http://m.lan/a/b/manifests/1?ns=quay.io",
        "https://n.lan:5000/v2/a/b/manifests/1?ns=quay.io",
        "http://localhost:5000/v2/a/b/manifests/1?ns=quay.io",
        "https://quay.io/v2/a/b/manifests/1",
    ]
    assert urls(legacy("1.4.13", star, "busybox"))[0].startswith("https://registry-1.docker.io")
    assert urls(legacy("1.6.20", star, "busybox"))[0].startswith("http://m.lan")
    hidden = legacy("1.6.20", star + 'mirrors."quay.io".endpoint = []')
    assert "does not apply then" in hidden["why"] and len(urls(hidden)) == 1
    itself = legacy("1.7.24", 'mirrors."quay.io".endpoint = ["https://quay.io", "http://m.lan/v2/proj"]')
    assert len(urls(itself)) == 2 and itself["upstream"]


def test_legacy_tls_is_gone_in_newer_releases():
    tls = 'configs."quay.io".tls = {ca_file = "/x.pem", insecure_skip_verify = false}\n'
    assert legacy("1.7.24", tls)["endpoints"][0]["tls"] == "own CA"
    assert legacy("2.1.9", tls)["endpoints"][0]["tls"] == "yes"


def test_what_is_never_asked():
    odd = ask(hosts={"quay.io/hosts.toml": '[host."httpd.lan"]\n[host."http://"]\n'})
    assert [each["skipped"] for each in odd["endpoints"]] == [
        "its URL has no scheme that containerd supports", "its URL has no host", None,
    ]  # fmt: skip
    assert (
        "every pull fails: an endpoint in mirrors is not a URL"
        in legacy("1.7.24", 'mirrors."quay.io".endpoint = ["http://m:x"]')["error"]
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("quay.io/A/b", "repository names are in lower case, write quay.io/a/b"),
        ("https://quay.io/a", "must not be a URL or contain blanks, write quay.io/a"),
        ("a" * 64, "this is an image's id"),
        ("quay.io/a@sha256:12", "is not a digest"),
        ("quay.io/a:b:c", "is not a tag"),
    ],
)
def test_names_that_are_no_images(image, message):
    answer = ask(image)
    assert message in answer["error"] and answer["requests"] == []
    assert any(message in line for line in tables({"n": [answer]}))


def test_tables_that_are_none():
    assert ask(version="2.1.9", config="version = 3\nplugins.'io.containerd.cri.v1.images'.containerd = 5\n")["mode"]
    for key in ("auths", "headers"):
        with pytest.raises(AnsibleFilterError, match=f"registry.{key} is a number but a mapping is required"):
            ask(config=f"{V2}{key} = 5")


def test_certificates_that_are_not_there():
    answer = ask(hosts={"quay.io/hosts.toml": MIRROR + 'ca = "ca.pem"'})
    assert 'unable to read CA cert "/etc/containerd/certs.d/quay.io/ca.pem"' in answer["error"]
    wrong = ask(hosts={"quay.io/hosts.toml": MIRROR + 'ca = "ca.pem"', "quay.io/ca.pem": "x"})
    assert "unable to load CA cert" in wrong["error"]
    pair = MIRROR + 'client = [["c.pem", "k.pem"]]'
    gone = ask(hosts={"quay.io/hosts.toml": pair, "quay.io/c.pem": "-----BEGIN CERTIFICATE-----"})
    assert "/etc/containerd/certs.d/quay.io/k.pem does not exist or is not a PEM file" in gone["error"]
    both = {"quay.io/x.cert": "-----BEGIN CERTIFICATE-----", "quay.io/x.key": "-----BEGIN PRIVATE KEY-----"}
    assert ask(hosts=both)["endpoints"][0]["tls"] == "yes, client certificate"
    docker = ask(hosts={"quay.io/ca.crt": "-----BEGIN CERTIFICATE-----"})
    assert docker["endpoints"][0]["tls"] == "own CA"


def test_loopback_without_configuration():
    def scheme(image, version):
        endpoint = ask(image, version)["endpoints"][0]
        return endpoint["url"].partition(":")[0], endpoint["tls"]

    assert scheme("localhost:5000/a", "1.6.8") == ("https", "yes")
    assert scheme("localhost:5000/a", "1.6.20") == ("http", "no")
    assert scheme("localhost:5000/a", "1.7.24") == ("https", "not verified, plain HTTP if that fails")
    assert scheme("localhost:80/a", "1.7.24") == ("http", "no")
    assert scheme("localhost/a", "1.7.24") == ("https", "not verified")


def test_a_registry_on_the_node_that_the_catch_all_gets_is_noted():
    def notes(image, hosts, **more):
        return [each for each in ask(image, hosts=hosts, **more)["notes"] if "on the node itself" in each]

    for version in ("1.7.24", "2.1.9"):
        config = (V2 if version < "2" else V3) + CONFIG_PATH
        for host in ("127.0.0.1:5000", "localhost:5000"):
            (note,) = notes(f"{host}/x", {"_default/hosts.toml": MIRROR}, version=version, config=config)
            assert note.startswith(
                f"{host} is a registry on the node itself, but its images are pulled from m.lan:8080"
            )
    own = {"localhost_5000_/hosts.toml": "[host]\n", "_default/hosts.toml": MIRROR}
    assert not notes("localhost:5000/x", own) and not notes("quay.io/x", own)
    config = V2 + 'mirrors."*".endpoint = ["http://m.lan"]\nmirrors."localhost:1".endpoint = ["http://localhost:1"]\n'
    assert notes("localhost:5000/x", {}, config=config) and not notes("localhost:1/x", {}, config=config)


def test_the_files_of_an_observed_node():
    where = "/etc/containerd/certs.d"
    observed = nodes.node(
        "1.7.24",
        cri_error="gone",
        daemon=None,
        effective=Effective(config_path=f"{where}/:/other"),
        hosts=nodes.tree({"a.io/hosts.toml": TreeFile(link="/x")}, others=("quay.io",)),
        roots={"/other": None},
        started_with=StartedWith(None, None, None, Proxies(http="http://u:p@proxy:3128", no="m.lan"), Proxies()),
    )
    node = node_module.from_observation(observed)
    assert "not a directory" in resolve("quay.io/a", node).error
    assert "a link to /x, which is not followed" in resolve("a.io/a", node).error
    assert "/other is not a directory" in resolve("b.io/a", node).error
    assert [each.text for each in node.notes] == ["CRI does not answer now: gone"]
    proxied = node._replace(registry=Registry(mirrors={"*": ("http://n.lan", "http://m.lan")}))
    notes = resolve("b.io/a", proxied).notes
    assert [each.text for each in notes[1:]] == [
        "http://n.lan is accessed through the proxy http://********@proxy:3128 of containerd's environment"
    ]
    refused = observed._replace(effective=Effective(error="bad row 3"))
    assert "does not accept the configuration: bad row 3" in resolve("a", node_module.from_observation(refused)).error


@pytest.mark.parametrize("version", ["1.4.13", "1.6.20", "1.7.24", "2.1.9", "2.3.4"])
def test_the_variables_alone(version):
    # An explicit value that a release does not support is an error, so the oldest gets no catch-all by name.
    variables = {k: v for k, v in VARIABLES.items() if version != "1.4.13" or not k.endswith("catch_all")}
    one, two = filter.resolve(["busybox", "ghcr.io/a/b"], version, variables=variables)
    assert urls(one)[0] == "http://harbor.lan/v2/dockerhub/library/busybox/manifests/latest?ns=docker.io"
    assert urls(two)[0] == "http://harbor.lan/v2/mirror/a/b/manifests/latest?ns=ghcr.io"
    assert one["upstream"] == (version == "1.4.13")
    assert one["endpoints"][0]["credentials"].startswith("yes") and PASSWORD not in json.dumps([one, two])


def test_variables_that_add_up():
    more = {"containerd_registry_projects_own": {"ghcr.io": "github"}, "containerd_registry_projects_z": {"*": "rest"}}
    variables = {**VARIABLES, **more}
    assert "/v2/github/a/b/" in urls(filter.resolve("ghcr.io/a/b", "2.1.9", variables=variables))[0]
    assert "/v2/rest/a/b/" in urls(filter.resolve("quay.io/a/b", "2.1.9", variables=variables))[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": "x"}, "is not a containerd version"),
        ({"version": "1.3.0"}, "older than 1.4"),
        ({"version": "2.1.9", "config": "x"}, "not valid TOML"),
        ({"version": "2.1.9", "config": 'version = "2"'}, "config.toml: version is a text"),
        ({"version": "1.7.24", "config": V2 + "mirrors = 5"}, "a containerd that reads it does not start"),
        ({"version": "2.1.9", "config": "version = 4"}, "reads at most version 3"),
        ({"version": "2.1.9", "config": "", "variables": {}}, "excludes config and hosts"),
        ({"version": "Docker 27.5.1"}, "Docker 27.5.1 does not read hosts.toml files"),
        ({"version": "Docker 28.5.2", "config": ""}, "config: Docker 28.5.2 does not read a config.toml of containerd"),
        ({"version": "Docker"}, "'Docker' is not a containerd version such as"),
        ({"version": "2.1.9", "variables": {}}, "containerd_registry_url: not set"),
        ({"version": "2.1.9", "variables": {**VARIABLES, "containerd_registry_mode": "x"}}, "value of mode must be"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(AnsibleFilterError, match=message):
        filter.resolve("busybox", **arguments)


def test_docker_engine_by_its_files_and_by_variables():
    given = filter.resolve("quay.io/a", "Docker 28.5.2", hosts={"quay.io/hosts.toml": MIRROR})
    assert given["version"] == "Docker 28.5.2" and given["directory"] == "/etc/docker/certs.d/quay.io"
    planned = filter.resolve("quay.io/a", "Docker version 28.5.2+dfsg4", variables=VARIABLES)
    assert planned["directory"].startswith("/etc/docker/certs.d/") and not planned["upstream"]
    same = filter.resolve("quay.io/a", "2.1.9", variables=VARIABLES)
    assert urls(planned) == urls(same)


def test_nodes_with_the_same_answer_share_a_table():
    same, other = (ask(hosts={"quay.io/hosts.toml": text}) for text in (MIRROR, ""))
    lines = tables({
        "n1": {"resolved": [same]}, "n2": {"resolved": [other]}, "n3": [{**same, "version": "2.1.9"}],
        "n4": {"msg": "no such host", "unreachable": True},
    })  # fmt: skip
    assert "  on n1 (containerd 1.7.24); n3 (containerd 2.1.9)" in lines
    assert sum(line.startswith("  on ") for line in lines) == 2
    assert lines[-1] == "n4: no answer: no such host"


def test_every_release_has_an_answer():
    for version in ("1.4.0", "1.5.0", "1.6.0", "1.7.7", "2.0.0", "2.2.0", "2.4.0"):
        assert releases.parse(version)
        assert urls(ask(version=version, config="", hosts={}))
