# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The full form, pulled for real: TLS, client certificates, failover, fallback, direct registries, ports and IPv6."""

from __future__ import annotations

import base64

import pytest
from airgap_lab import LabError
from support import CONFIG_PATH, LAB_VARIABLES, LAST_1, LEGACY_TLS, NEWEST, NODES, SITE, files, pid

LOGIN = {
    "username": LAB_VARIABLES["containerd_registry_username"],
    "password": LAB_VARIABLES["containerd_registry_password"],
}
AUTH = base64.b64encode("{username}:{password}".format(**LOGIN).encode()).decode()
DOWN = "http://second.lan:81"
MIRRORS = {
    "docker.io": ["https://registry.lan"],
    "quay.io": [{"url": "https://registry.lan:8443"}],
    "registry.k8s.io": ["http://registry.lan:5000"],
    "six.example.org": ["http://[fd77::5]:5000"],
    "down.example.org": [DOWN, "http://second.lan"],
    "s404.example.org": ["http://failing.lan/404", "http://second.lan"],
    "s500.example.org": ["http://failing.lan/500", "http://second.lan"],
    "s401.example.org": ["http://failing.lan/401", "http://second.lan"],
    "none.example.org": ["http://failing.lan/404"],
    "registry.lan": {"endpoints": ["http://failing.lan/404"], "fallback": "upstream"},
}
SERVED = {
    "docker.io/library/busybox:1": ("registry.lan", 443),
    "quay.io/coreos/etcd:1": ("registry.lan", 8443),
    "registry.k8s.io/pause:3.9": ("registry.lan", 5000),
    "registry.lan:5000/lab/app:1": ("registry.lan", 5000),
    "six.example.org/team/tool:1": ("registry.lan", 5000),
    "down.example.org/second/only:1": ("second.lan", 80),
    "s404.example.org/owner/img:1": ("second.lan", 80),
    "s500.example.org/owner/img:1": ("second.lan", 80),
    "s401.example.org/owner/img:1": ("second.lan", 80),
    "registry.lan/lab/app:1": ("registry.lan", 443),
    "registry.lan:443/team/tool:1": ("registry.lan", 443),
    "everything.else.org/owner/img:1": ("registry.lan", 80),
}


def variables(lab, **pair):
    """The variables, spread over several that are merged; `pair` is how the client certificate is given."""
    tls = lab.config.tls
    return {
        "mirrors_1": {name: value for name, value in MIRRORS.items() if name != "quay.io"},
        "mirrors_2": {"quay.io": MIRRORS["quay.io"]},
        "endpoints": {"https://registry.lan": {**LOGIN, "ca": str(tls / "ca.crt")}},
        "endpoints_logins": {
            **dict.fromkeys(("registry.lan:8443", "registry.lan:5000", "[fd77::5]:5000"), LOGIN),
            "second.lan": {"auth": f"Basic {AUTH}"},
        },
        "endpoints_tls": {"registry.lan:8443": pair},
    }


def pem(lab) -> dict[str, str]:
    tls = lab.config.tls
    names = {"ca": "ca.crt", "client_cert": "client.crt", "client_key": "client.key"}
    return {key: (tls / name).read_text() for key, name in names.items()}


@pytest.fixture(scope="module")
def applied(lab, play):
    lab.reset(*NODES)
    lab.reset_counters()
    return play("--diff", **variables(lab, **pem(lab))).ok()


def requests(lab, image: str, nodes=NODES) -> dict[str, list[dict]]:
    """Pull an image that no node has any more; return each node's last request."""
    for node in nodes:
        lab.run(node, ["ctr", "-n", "k8s.io", "images", "rm", image])
    mark = lab.mark()
    for node in nodes:
        lab.pull(node, image)
    return {node: [each for each in lab.requests(mark) if each["node"] == node] for node in nodes}


def assert_served_as_wanted(lab, image: str, nodes=NODES) -> None:
    for node, seen in requests(lab, image, nodes).items():
        served = [each for each in seen if each["status"] == 200 and "/manifests/" in each["path"]]
        assert {(each["registry"], each["port"]) for each in served} == {SERVED[image]}, (node, seen)
        assert {each["user"] for each in served} == {LOGIN["username"]}, node
        status = image.partition(".")[0].lstrip("s")
        if status.isdigit():
            assert (seen[0]["registry"], seen[0]["status"]) == ("failing.lan", int(status)), (node, seen)


@pytest.mark.parametrize("image", SERVED)
def test_every_endpoint_is_asked_as_it_wants_it(applied, lab, image):
    assert_served_as_wanted(lab, image)


def test_nothing_outside_was_asked_yet(applied, lab):
    for node in CONFIG_PATH:
        counted = lab.counters()[node]
        assert (counted["dns"], counted["other"], counted["no_route"]) == (0, 0, 0), node


def test_without_fallback_the_search_ends_at_the_mirror(applied, lab):
    lab.reset_counters()
    for node in NODES:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each release has words of its own
            lab.pull(node, "none.example.org/owner/img:1")
    attempts = {node: sum(lab.counters()[node][name] for name in ("dns", "other", "no_route")) for node in NODES}
    assert all(attempts[node] == 0 for node in CONFIG_PATH), attempts


def test_certificates_are_beside_the_namespaces_and_keys_are_private(applied, lab):
    expected = "registry.lan_443_.ca.crt 644\nregistry.lan_8443_.ca.crt 644\nregistry.lan_8443_.client.crt 644\n"
    expected += "registry.lan_8443_.client.key 600\n"
    for node in NODES:
        listing = lab.run(node, ["sh", "-c", "cd /etc/containerd/registry-tls && stat -c '%n %a' *"]).stdout
        assert listing == expected, node
    for secret in ("PRIVATE KEY", LOGIN["password"], AUTH):
        assert secret not in applied.output


def test_certificates_change_without_a_restart(applied, lab, play):
    for node in NODES:
        for name in ("ca.crt", "client.crt", "client.key"):
            lab.write(node, f"/etc/pki/lab/{name}", (lab.config.tls / name).read_text(), "0600")
    before = {node: pid(lab, node) for node in NODES}
    on_node = {"remote_src": True, "ca": "/etc/pki/lab/ca.crt", "client_cert": "/etc/pki/lab/client.crt"}
    changed = variables(lab, client_key="/etc/pki/lab/client.key", **on_node)
    changed["endpoints_ca"] = {"https://registry.lan": {"ca": pem(lab)["ca"] * 2}}
    run = play(**changed).ok()
    assert run.changed() == dict.fromkeys(NODES, 1)
    assert [node for node in CONFIG_PATH if pid(lab, node) != before[node]] == []
    for node in NODES:
        names = lab.run(node, ["ls", "/etc/containerd/registry-tls"]).stdout.split()
        assert names == ["registry.lan_443_.ca.crt"], node
        assert lab.read(node, "/etc/containerd/registry-tls/registry.lan_443_.ca.crt") == pem(lab)["ca"] * 2
    for image in ("docker.io/library/busybox:1", "quay.io/coreos/etcd:1"):
        for seen in requests(lab, image).values():
            assert {each["port"] for each in seen if each["status"] == 200} == {SERVED[image][1]}
    assert play(**changed).ok().changed() == dict.fromkeys(NODES, 0)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, "set ca of this endpoint to the CA that signed its certificate"),
        ({"ca"}, "it may require a client certificate"),
    ],
    ids=["untrusted", "no client certificate"],
)
def test_what_tls_refuses_stops_before_anything_is_written(applied, lab, play, names, message):
    before = files(lab, "n3")
    tls = {name: text for name, text in pem(lab).items() if name in names}
    run = play("--limit=n3", url="https://registry.lan:8443", endpoints={"registry.lan:8443": tls})
    assert run.rc != 0 and message in run.failed(), run.output
    assert files(lab, "n3") == before


def test_legacy_mode_keeps_all_of_it_up_to_1_7(applied, lab, play):
    full = {**variables(lab, **pem(lab)), "mode": "legacy"}
    nodes = [node for node in LEGACY_TLS if node in CONFIG_PATH]
    modes = play(f"--limit={','.join(nodes)}", **full).ok()
    assert {modes.of(node)["mode"] for node in nodes} == {"legacy"}
    for image in ("docker.io/library/busybox:1", "quay.io/coreos/etcd:1", "s500.example.org/owner/img:1"):
        assert_served_as_wanted(lab, image, nodes)
    refused = play(f"--limit={NEWEST}", **full)
    assert refused.rc != 0 and "with legacy mirrors no longer supports TLS settings" in refused.failed()
    assert all("where containerd 2 ignores them" in str(modes.of(node)["warnings"]) for node in nodes)


def test_one_node_that_cannot_keep_a_wish_stops_the_whole_fleet(applied, lab, play):
    before = {node: files(lab, node) for node in NODES}
    run = play(playbook=SITE, **{**variables(lab, **pem(lab)), "mode": "legacy", "fallback": "upstream", "direct": []})
    assert run.rc != 0 and "with legacy mirrors no longer supports TLS settings" in run.failed()
    assert {node: files(lab, node) for node in NODES} == before


def test_after_an_upgrade_legacy_tls_settings_wait_for_the_next_run(applied, lab, play):
    image = "docker.io/library/busybox:1"
    lab.swap(LAST_1, NEWEST)
    lab.run(LAST_1, ["ctr", "-n", "k8s.io", "images", "rm", image])
    with pytest.raises(LabError, match="x509"):
        lab.pull(LAST_1, image)
    assert play(f"--limit={LAST_1}", **variables(lab, **pem(lab))).ok().of(LAST_1)["mode"] == "config_path"
    assert_served_as_wanted(lab, image, (LAST_1,))


def test_absent_takes_the_certificates_back(applied, lab, play):
    play(state="absent").ok()
    for node in NODES:
        left = lab.run(node, ["find", "/etc/containerd/registry-tls", "/etc/containerd/certs.d"]).stdout.split()
        assert left in ([], ["/etc/containerd/certs.d"]), node
    lab.reset(LAST_1)  # with the containerd that it is to have
