# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every class of failure, produced on real nodes, and what is said of it. Each of them is an upstream of its own."""

from __future__ import annotations

import base64
import socket

import pytest
from airgap_lab import network
from support import CONFIG_PATH, LAB_VARIABLES, LAST_1, LEGACY, NEWEST, NODES, OLDEST, RELEASES

CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
USER = LAB_VARIABLES["containerd_registry_username"]
PASSWORD = LAB_VARIABLES["containerd_registry_password"]
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
WRONG = "Basic " + base64.b64encode(b"robot:wrong").decode()
V2 = 'plugins."io.containerd.grpc.v1.cri"'
V3 = 'plugins."io.containerd.cri.v1.images"'
IMAGE = "library/busybox:1"
SECRET = {"username": "someone", "password": "from-a-pull-secret"}

SILENT = 8600  # a port of the control node that never answers

# Class: the mirror's URL and its credentials; both modes support these.
MIRRORS = {
    "dns": ("http://nowhere.lan", LOGIN),
    "refused": ("http://registry.lan:81", LOGIN),
    "unreachable": ("http://192.0.2.1", LOGIN),
    "unknown_ca": ("https://registry.lan", LOGIN),
    "plain_http": ("https://registry.lan:5000", LOGIN),
    "https_wanted": ("http://registry.lan:443", LOGIN),
    "server_error": ("http://failing.lan/500/v2", LOGIN),
    "not_found": ("http://registry.lan/v2/none", LOGIN),
    "no_project": ("http://harbor.lan/v2", LOGIN),
    "project_missing": ("http://harbor.lan/v2/missing", LOGIN),
    "html": ("http://harbor.lan/dockerhub", LOGIN),
}
WORDS = {
    "dns": "nowhere.lan does not resolve on this node.",
    "refused": "cannot connect to registry.lan:81: Connection refused",
    "unreachable": "Network is unreachable",
    "unknown_ca": "CERTIFICATE_VERIFY_FAILED",
    "plain_http": "https://registry.lan:5000 cannot be used: TLS with registry.lan:5000 failed",
    "https_wanted": "Client sent an HTTP request to an HTTPS server",
    "server_error": "answers with status 5",
    "not_found": "does not have the image: it answers with status 404",
    "no_project": "invalid repository name: pause), as Harbor does without a project",
    "project_missing": "status 401 (project missing not found",
    "html": "answers with a web page instead of a manifest",
    "unauthorized": "status 401 to the node's credentials for it",
    "unauthorized_anonymous": "status 401, and the node has no credentials for it",
    "hosts_toml_broken": "is discarded",
    "shadowed": "hides _default",
}
ALONE = {
    "unauthorized": ("http://registry.lan", WRONG),
    "unauthorized_anonymous": ("http://registry.lan", None),
    "hosts_toml_broken": None,
    "shadowed": None,
}


def upstream(kind: str) -> str:
    """The registry in the names of images that fail in this way."""
    return kind.replace("_", "-") + ".example.org"


def image(kind: str) -> str:
    """Harbor's 400 needs a name without a slash."""
    return f"{upstream(kind)}/{'pause:3.9' if kind == 'no_project' else IMAGE}"


def hosts_toml(url: str, header: str | None) -> str:
    """A mirror and nothing else, with the path as it is."""
    lines = [f'server = "{url}"', 'capabilities = ["pull", "resolve"]']
    lines += ["override_path = true"] if url.count("/") > 2 else []
    lines += ["[header]", f'Authorization = "{header}"'] if header else []
    return "\n".join([*lines, "[host]", ""])


def config(*lines: str, version: int = 2) -> str:
    return "\n".join([f"version = {version}", *lines, ""])


def restart(lab, node: str, text: str) -> None:
    lab.write(node, CONFIG, text)
    assert lab.run(node, ["systemctl", "restart", "containerd"]).returncode == 0


def legacy() -> str:
    """The same mirrors in config.toml, where credentials belong to a host."""
    lines = []
    for kind, (url, header) in {**MIRRORS, "unauthorized": ALONE["unauthorized"]}.items():
        host = "registry.lan:80" if header == WRONG else None
        url = f"http://{host}" if host else url
        lines += [f'[{V2}.registry.mirrors."{upstream(kind)}"]', f'endpoint = ["{url}"]']
    for host, password in (("registry.lan", PASSWORD), ("harbor.lan", PASSWORD), ("registry.lan:80", "wrong")):
        lines += [f'[{V2}.registry.configs."{host}".auth]', f"username = '{USER}'", f"password = '{password}'"]
    anonymous = f'[{V2}.registry.mirrors."{upstream("unauthorized_anonymous")}"]'
    return config(*lines, anonymous, 'endpoint = ["http://registry.lan:5000"]')


@pytest.fixture(scope="module")
def broken(lab):
    """Every node with all the broken mirrors at once."""
    lab.external_url(None)
    lab.reset(*NODES)
    for node in LEGACY:
        restart(lab, node, legacy())
    for node in CONFIG_PATH:
        for kind, mirror in {**MIRRORS, **ALONE}.items():
            if mirror:
                lab.write(node, f"{CERTS}/{upstream(kind)}/hosts.toml", hosts_toml(*mirror))
        lab.write(node, f"{CERTS}/{upstream('hosts_toml_broken')}/hosts.toml", 'server = "http://registry.lan\n')
        lab.run(node, ["mkdir", "-p", f"{CERTS}/{upstream('shadowed')}"])
        lab.write(node, f"{CERTS}/_default/hosts.toml", hosts_toml("http://registry.lan", LOGIN))
        restart(lab, node, config(f"[{V2}.registry]", f'config_path = "{CERTS}"'))
    with network.inside(network.LAN, lambda: socket.create_server((lab.config.controller, SILENT))):
        yield lab
    lab.reset(*NODES)


@pytest.fixture
def diagnose(task):
    """Pull on some nodes; returns what is said of each image, by node and image, and the run."""

    def diagnose(nodes, *images, **options):
        run, result = task("containerd_pull", f"--limit={','.join(nodes)}", images=list(images), **options)
        return {(node, each["image"]): each for node in nodes for each in result(node)["images"]}, run

    return diagnose


def test_mirrors_that_do_not_serve(broken, diagnose):
    kinds = [*MIRRORS, *ALONE]
    found, run = diagnose(NODES, *map(image, kinds), timeout=20, parallel=4)
    assert run.rc != 0 and set(run.changed().values()) == {0}
    for node in NODES:
        for kind in kinds:
            if node in LEGACY and kind in ("hosts_toml_broken", "shadowed"):
                continue
            outcome = found[node, image(kind)]
            said = outcome["diagnosis"]
            assert (outcome["state"], said["kind"]) == ("failed", kind), (node, kind, said, outcome["error"])
            assert WORDS[kind] in said["seen"], (node, kind, said)
            assert said["fix"].endswith(".") and said["seen"].endswith(".") and "{" not in said["fix"]
    everything = run.output + str(run.results)
    assert PASSWORD not in everything and LOGIN.split()[1] not in everything and WRONG.split()[1] not in everything


def test_no_mirror_for_it(broken, diagnose):
    """1.4 keeps its built-in mirror of Docker Hub, whatever there is for others; from 1.6 on a catch-all is for all."""
    name, hub = f"unlisted.example.org/{IMAGE}", "docker.io/library/busybox:1"
    for node in CONFIG_PATH:
        broken.run(node, ["mv", f"{CERTS}/_default", "/tmp/_default"])
    restart(broken, OLDEST, config(f'[{V2}.registry.mirrors."*"]', 'endpoint = ["http://registry.lan:5000"]'))
    found, dummy = diagnose(NODES, name, hub)
    for node in CONFIG_PATH:
        broken.run(node, ["mv", "/tmp/_default", f"{CERTS}/_default"])
    kinds = {each: found[each]["diagnosis"]["kind"] for each in found}
    expected = {(node, image): "no_mirror" for node in NODES for image in (name, hub)}
    assert kinds == {**expected, (OLDEST, name): "unauthorized_anonymous"}
    said = found[CONFIG_PATH[0], name]["diagnosis"]
    assert "No mirror is configured for it here" in said["seen"] and "unlisted.example.org" in said["fix"]
    assert "registry-1.docker.io" in found[OLDEST, hub]["diagnosis"]["seen"]


def test_a_server_without_hosts(broken, diagnose):
    """Up to 1.7.31 a hosts.toml without any [host] is discarded; 2.x reads it."""
    name = f"alone.example.org/{IMAGE}"
    for node in CONFIG_PATH:
        text = hosts_toml("http://registry.lan", LOGIN).replace("[host]\n", "")
        broken.write(node, f"{CERTS}/alone.example.org/hosts.toml", text)
    found, dummy = diagnose(CONFIG_PATH, name)
    for node in (each for each in CONFIG_PATH if RELEASES[each].host_table_required):
        said = found[node, name]["diagnosis"]
        assert said["kind"] == "hosts_toml_broken" and "alone.example.org/hosts.toml is discarded" in said["seen"]
        assert "invalid `host` tree" in found[node, name]["log"][0]
    assert found[NEWEST, name]["state"] == "pulled"


def test_settings_that_are_not_read(broken, diagnose):
    """Not read: config_path by 1.4, this table of an unversioned file by 1.6, tables of 2.0 by 1.7, a list by 2.1."""
    v2, v3 = ([f"[{table}.registry]", f'config_path = "{CERTS}"'] for table in (V2, V3))
    first = CONFIG_PATH[0]
    restart(broken, OLDEST, config(*v2))
    restart(broken, first, "\n".join(v2))
    restart(broken, LAST_1, config(*v3))
    restart(broken, NEWEST, config(v3[0], f'config_path = "{CERTS}:/etc/docker/certs.d"', version=3))
    name = f"registry.example.org/{IMAGE}"
    found, dummy = diagnose([OLDEST, first, LAST_1, NEWEST], name)
    kinds = {node: found[node, name]["diagnosis"]["kind"] for node in (OLDEST, first, LAST_1, NEWEST)}
    assert kinds == {
        OLDEST: "config_path_unknown", first: "wrong_table", LAST_1: "wrong_table", NEWEST: "config_path_list",
    }  # fmt: skip
    restart(broken, NEWEST, config(*v2, version=3))
    found, dummy = diagnose([NEWEST], name)
    assert found[NEWEST, name]["diagnosis"]["kind"] == "wrong_table"


def test_cri_that_is_not_loaded(broken, diagnose):
    both = [f"[{V2}.registry]", 'config_path = "/x"', f'[{V2}.registry.mirrors."a.lan"]', 'endpoint = ["http://b.lan"]']
    for node in NODES:
        off = ['disabled_plugins = ["io.containerd.grpc.v1.cri"]'] if node in LEGACY else both
        restart(broken, node, config(*off))
    found, dummy = diagnose(NODES, "docker.io/library/busybox:1")
    for node in NODES:
        said = found[node, "docker.io/library/busybox:1"]["diagnosis"]
        assert said["kind"] == "cri_not_loaded", said
        assert ("disabled_plugins" if node in LEGACY else "together with config_path") in said["seen"]


def test_a_proxy_in_the_way_and_a_registry_that_does_not_answer(broken, diagnose):
    unit = '[Service]\nEnvironment="HTTP_PROXY=http://user:secret@10.77.0.1:3128" "NO_PROXY=10.77.0.1,.example.org"\n'
    silent = f"silent.example.org/{IMAGE}"
    for node in NODES:
        broken.write(node, "/etc/systemd/system/containerd.service.d/proxy.conf", unit)
        broken.run(node, ["systemctl", "daemon-reload"])
        address = f"http://10.77.0.1:{SILENT}"
        if node in LEGACY:
            mirrors = [f'[{V2}.registry.mirrors."docker.io"]', 'endpoint = ["http://registry.lan"]']
            mirrors += [f'[{V2}.registry.mirrors."silent.example.org"]', f'endpoint = ["{address}"]']
            login = [f'[{V2}.registry.configs."registry.lan".auth]', f"username = '{USER}'", f"password = '{PASSWORD}'"]
            restart(broken, node, config(*mirrors, *login))
        else:
            broken.write(node, f"{CERTS}/silent.example.org/hosts.toml", hosts_toml(address, None))
            restart(broken, node, config(f"[{V2}.registry]", f'config_path = "{CERTS}"'))
    found, run = diagnose(NODES, "docker.io/library/busybox:1", silent, timeout=3)
    for node in NODES:
        said = found[node, "docker.io/library/busybox:1"]["diagnosis"]
        assert said["kind"] == "proxy" and "to the proxy 10.77.0.1:3128" in said["seen"]
        assert "Add registry.lan to NO_PROXY" in said["fix"]
        assert found[node, silent]["diagnosis"]["kind"] == "timeout"
        broken.run(node, ["rm", "/etc/systemd/system/containerd.service.d/proxy.conf"])
        broken.run(node, ["systemctl", "daemon-reload"])
    assert "secret" not in run.output + str(run.results)


def projects(lab, registry: str, token_login: bool = True) -> None:
    """Every node has its credentials for a registry in config.toml, except for quay.io in hosts.toml; or only there."""
    for node in NODES:
        login = [f'[{V2}.registry.configs."{registry}".auth]', f"username = '{USER}'", f"password = '{PASSWORD}'"]
        login = login if token_login else []
        if node in LEGACY:
            mirror = [f'[{V2}.registry.mirrors."docker.io"]', f'endpoint = ["http://{registry}/v2/dockerhub"]']
            restart(lab, node, config(*mirror, *login))
        else:
            for upstream_, project, header in (("docker.io", "dockerhub", None), ("quay.io", "quay", LOGIN)):
                text = hosts_toml(f"http://{registry}/v2/{project}", header)
                lab.write(node, f"{CERTS}/{upstream_}/hosts.toml", text)
            restart(lab, node, config(f"[{V2}.registry]", f'config_path = "{CERTS}"', *login))


def test_harbor_with_a_pull_secret(broken, diagnose):
    """The credentials in config.toml are not used: the pull secret replaces them."""
    projects(broken, "harbor.lan")
    busybox = "docker.io/library/busybox:1"
    found, run = diagnose(NODES, busybox, **SECRET)
    for node in NODES:
        said = found[node, busybox]["diagnosis"]
        assert (
            said["kind"] == "pull_secret" and "http://harbor.lan/v2/dockerhub refuses the pull secret" in said["seen"]
        )
    assert SECRET["password"] not in run.output + str(run.results)


def test_a_registry_that_insists_on_tokens(broken, diagnose):
    """Its token service cannot be reached, or does not receive the credentials that are in a header."""
    projects(broken, "bearer.lan")
    busybox, etcd = "docker.io/library/busybox:1", "quay.io/coreos/etcd:1"
    broken.external_url("http://token.example.org")
    found, dummy = diagnose(NODES, busybox)
    for node in NODES:
        said = found[node, busybox]["diagnosis"]
        away = "its token service http://token.example.org cannot be reached"
        assert said["kind"] == "token_service" and away in said["seen"], said
        assert "Make token.example.org resolvable" in said["fix"]
    broken.external_url(None)
    projects(broken, "bearer.lan", token_login=False)
    found, dummy = diagnose(CONFIG_PATH, etcd)
    said = {node: (found[node, etcd]["diagnosis"] or {}).get("kind") for node in CONFIG_PATH}
    reaches = {node: RELEASES[node].header_reaches_token_service for node in CONFIG_PATH}
    assert said == {node: None if reaches[node] else "token_without_header" for node in CONFIG_PATH}
