# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnosis and outcome of a pull, where no real node is needed to see them."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import namespaces
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, Pulled, PullError
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node, resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import diagnosis, requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import outcome as outcome_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify.diagnosis import Seen

MIRROR = 'server = "http://m.lan"\n[host]\n'
CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n'
IMAGE = "quay.io/a/b:1"
ERROR = PullError("UNKNOWN", "containerd's words")
GOOD = Manifest(status=200, kind="application/json", digest="sha256:1")
KINDS = (
    "dns",
    "refused",
    "unreachable",
    "timeout",
    "unknown_ca",
    "certificate",
    "tls_file",
    "tls",
    "plain_http",
    "lost",
)
PULL = Pulled(IMAGE, False, "sha256:1", 1, 0.1, None, True, None)


def seen(hosts=MIRROR, *answers, config=CONFIG, version="1.7.24", image=IMAGE, **more):
    folder = namespaces.directory(image.partition("/")[0])
    there = node.from_files(version, config, {f"{folder}/hosts.toml": hosts} if hosts is not None else {})
    return Seen(there, resolve.resolve(image, there), error=more.pop("error", ERROR), answers=answers, **more)


def kind(*arguments, **options):
    found = diagnosis.diagnose(seen(*arguments, **options))
    return found and found.kind


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"failure": name, "message": "m"}, name) for name in KINDS]
    + [
        ({"failure": "token", "message": "m", "realm": "https://h.lan/token"}, "token_service"),
        ({"status": 403}, "unauthorized_anonymous"),
        ({"status": 401, "anonymous": 401}, "unauthorized"),
        ({"status": 400}, "no_project"),
        ({"failure": "credentials", "message": "m"}, "unauthorized_anonymous"),
        ({"failure": "no_such_kind", "message": "m"}, "unknown"),
        ({"failure": "hosts_toml_broken", "message": "m"}, "unknown"),
        ({"failure": "token", "message": "m", "realm": "http://["}, "token_service"),
        ({"failure": "token", "message": "m", "realm": "http://[::1"}, "token_service"),
        ({"status": 302}, "redirected"),
        ({"status": 308, "location": "https://m.lan"}, "redirected"),
        ({"status": 412, "message": "The image is not signed by cosign."}, "policy"),
        ({"status": 429}, "busy"),
        ({"status": 502}, "server_error"),
        ({"status": 404, "message": "resource not found: repo p/r, tag t not found"}, "upstream_lacks_it"),
        ({"status": 404, "message": "artifact p/r:t not found"}, "not_found"),
        (
            {"status": 404, "message": 'resource not found: repository "r" does not match project repository filter'},
            "filtered",
        ),
        ({"status": 401, "anonymous": 401, "login": True}, "forbidden"),
        ({"status": 401, "anonymous": 401, "login": False}, "unauthorized"),
        ({"status": 401, "message": "project p not found: project p not found"}, "no_project"),
        ({"status": 200, "kind": "text/html"}, "html"),
        ({"status": 200}, "unknown"),
    ],
)
def test_answers_of_a_mirror(answer, expected):
    found = diagnosis.diagnose(seen(MIRROR, Manifest(**answer)))
    assert found.kind == expected and "{" not in found.fix and found.seen.endswith((".", ")."))


def test_a_project_that_is_missing_is_one_that_somebody_named():
    missing = Manifest(status=401, message="project p not found: project p not found")
    assert kind('server = "http://m.lan/v2/p"\noverride_path = true\n[host]\n', missing) == "project_missing"
    own = seen(None, missing)
    there = own.node
    found = own._replace(found=resolve.resolve("quay.io/p/b:1", there))
    assert diagnosis.diagnose(found).kind == "project_missing", "an image of this registry itself"


def test_where_a_redirect_leads_is_the_fix():
    found = diagnosis.diagnose(seen(MIRROR, Manifest(status=308, location="https://other.lan:8443")))
    assert "redirects the node to https://other.lan:8443" in found.seen and "Write https://other.lan:8443" in found.fix


def test_every_class_has_a_fix_that_can_be_filled_in():
    for name in diagnosis.FIXES:
        assert "{" not in diagnosis._diagnosis(name, "x", "quay.io").fix


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("UNIMPLEMENTED", "CRI is not loaded in the containerd at /x", "cri_not_loaded"),
        ("UNAVAILABLE", "/x: No such file or directory", "not_running"),
        ("DEADLINE_EXCEEDED", "no answer within 3 s", "too_slow"),
        ("UNKNOWN", "odd", "unknown"),
    ],
)
def test_errors_of_containerd(code, message, expected):
    assert kind(MIRROR, GOOD, error=PullError(code, message)) == expected


def test_a_dead_containerd_does_not_hide_a_broken_file():
    both = CONFIG + 'mirrors."quay.io".endpoint = ["http://m"]\n'
    for error, config in (("UNIMPLEMENTED", both), ("UNIMPLEMENTED", CONFIG), ("UNAVAILABLE", CONFIG)):
        found = diagnosis.diagnose(seen("broken = ", error=PullError(error, "m"), config=config))
        assert found.kind == {"UNAVAILABLE": "not_running"}.get(error, "cri_not_loaded")
        assert "Besides: " in found.seen and "quay.io/hosts.toml" in found.seen and "Correct that file" in found.fix
        healthy = diagnosis.diagnose(seen(MIRROR, error=PullError(error, "m"), config=config))
        assert healthy.kind == found.kind and "Besides" not in healthy.seen
    found = diagnosis.diagnose(seen('server = "http://m.lan"\nca = "none.crt"\n[host]\n', config=both))
    assert found.kind == "cri_not_loaded" and "every pull fails: " in found.seen


def test_without_a_mirror_the_registry_itself_cannot_be_asked():
    assert kind(None, Manifest(failure="dns", message="m")) == "no_mirror"
    assert kind(None, Manifest(status=404)) == "not_found"


@pytest.mark.parametrize(("version", "has_one"), [("1.5.18", False), ("1.6.16", False), ("2.1.9", True)])
def test_a_catch_all_is_a_remedy_where_the_release_has_one(version, has_one):
    found = diagnosis.diagnose(seen(None, Manifest(failure="dns", message="m"), version=version))
    assert found.kind == "no_mirror" and ("catch_all" in found.fix) == has_one and "quay.io" in found.fix
    assert found.fix.startswith("Run the site playbook."), "its files may just have been removed"


def test_a_registry_on_the_node_is_never_to_be_mirrored():
    refused = Manifest(failure="refused", message="m")
    for hosts in (None, "[host]\n"):
        node = seen(hosts, refused, image="127.0.0.1:31999/x:1")
        assert diagnosis.diagnose(node).kind == "refused"
    found = diagnosis.diagnose(seen(MIRROR, refused, image="localhost:5000/x:1"))
    assert found.kind == "on_the_node" and "localhost:5000 in containerd_registry_direct" in found.fix


def test_a_registry_that_is_direct_is_not_to_be_mirrored():
    hosts = "[host]\n"
    assert kind(hosts, Manifest(failure="dns", message="m")) == "dns"


def test_the_first_mirror_that_fails_is_named():
    hosts = '[host."http://a.lan"]\n[host."http://b.lan"]\n'
    refused = Manifest(failure="refused", message="m")
    assert kind(hosts, Manifest(status=404), refused, refused) == "not_found"


@pytest.mark.parametrize(
    ("hosts", "config", "expected"),
    [
        ("broken = ", CONFIG, "hosts_toml_broken"),
        (MIRROR, CONFIG.replace("io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images"), "wrong_table"),
    ],
)
def test_a_pull_that_succeeds_past_the_mirror_is_no_success(hosts, config, expected):
    outcome = outcome_module.outcome(PULL, seen(hosts, config=config, error=None))
    assert (outcome["state"], outcome["diagnosis"]["kind"]) == ("bypassed", expected)
    assert outcome["served_by"] == {"endpoint": "https://quay.io", "known_by": "only_endpoint"}
    assert "1 of 1 images do not come from the intended registry" in outcome_module.sentence([outcome])


@pytest.mark.parametrize(("no", "expected"), [(None, "proxy"), ("m.lan", "unknown"), (".m.lan", "proxy")])
def test_a_proxy_that_does_not_serve(no, expected):
    there = seen(MIRROR, GOOD).node._replace(proxies=Proxies(http="http://p:1", no=no))
    found = diagnosis.diagnose(seen(MIRROR, GOOD)._replace(node=there))
    assert found.kind == expected and ("to the proxy p:1, which" in found.seen) == (expected == "proxy")


def test_settings_of_another_shape_are_passed_over():
    config = (
        CONFIG + 'headers = "X"\n[plugins."io.containerd.grpc.v1.cri".registry.configs."m.lan"]\nauth = 5\ntls = [1]\n'
    )
    found = seen()
    (wanted,) = requests.requests(requests.tables(nodes.node(text=config)), found.node, found.found)
    assert (wanted.headers, wanted.login) == ({}, None)
    config = (
        CONFIG + '[plugins."io.containerd.grpc.v1.cri".registry.configs."m.lan".auth]\nusername="a:b"\npassword="c"\n'
    )
    (wanted,) = requests.requests(requests.tables(nodes.node(text=config)), found.node, found.found)
    assert wanted.login == "Basic YTpiOmM="


def test_a_lookup_that_fails_asks_nobody():
    found = seen('server = "http://m.lan"\nca = "none.crt"\n[host]\n')
    assert requests.requests([], found.node, found.found) == []
    assert diagnosis.diagnose(found).kind == "hosts_toml_broken"


def test_who_served_an_image():
    two = '[host."http://a.lan"]\n[host."http://b.lan/x"]\n'
    absent, other = Manifest(status=404), GOOD._replace(digest="sha256:2")

    def served(pull, *answers):
        outcome = outcome_module.outcome(pull, seen(two, *answers, error=None))
        return outcome["state"], outcome["served_by"] and outcome["served_by"]["endpoint"], outcome["notes"]

    assert served(PULL, absent, GOOD) == ("pulled", "http://b.lan/x/v2", [])
    assert served(PULL._replace(present=True), GOOD) == ("present", "http://a.lan", [])
    state, endpoint, notes = served(PULL._replace(present=True), other)
    assert (state, endpoint) == ("present", "http://a.lan") and "a different image under this name" in notes[0]
    assert served(None, absent, absent, absent)[0] == "failed"
    assert served(PULL, absent, absent, absent) == ("pulled", None, [])


def test_requests_carry_what_containerd_would_send():
    hosts = (
        'server = "https://s.lan"\n[host."http://h.lan/v2/p"]\noverride_path = true\n'
        '[host."http://h.lan/v2/p".header]\nauthorization = "Basic x"\n[host."https://t.lan"]\nca = "/etc/ssl/ca.crt"\n'
    )
    config = (
        CONFIG + '[plugins."io.containerd.grpc.v1.cri".registry.configs."s.lan".auth]\nusername="u"\npassword="p"\n'
    )
    found = seen(hosts, config=config)
    observed = nodes.node(text=config)
    wanted = requests.requests(requests.tables(observed), found.node, found.found)
    assert [each.url for each in wanted] == [
        "http://h.lan/v2/p/a/b/manifests/1?ns=quay.io",
        "https://t.lan/v2/a/b/manifests/1?ns=quay.io",
        "https://s.lan/v2/a/b/manifests/1?ns=quay.io",
    ]
    assert wanted[0].headers == {"Authorization": "Basic x"} and wanted[0].login is None
    assert wanted[1].tls.ca == ["/etc/ssl/ca.crt"]
    assert wanted[2].login == "Basic dTpw"
    two = "".join(
        f'[host."http://h.lan/v2/{name}"]\noverride_path = true\n[host."http://h.lan/v2/{name}".header]\n'
        f'Authorization = "Basic {name}"\n'
        for name in ("a", "b")
    )
    of_one_host = seen(two)
    sent = [
        each.headers for each in requests.requests(requests.tables(nodes.node()), of_one_host.node, of_one_host.found)
    ]
    assert sent == [{"Authorization": "Basic a"}, {"Authorization": "Basic b"}, {}], "each its own"
    secret = requests.requests(requests.tables(observed), found.node, found.found, ("a", "b"))
    assert {each.login for each in secret} == {"Basic YTpi"} and secret[0].headers == wanted[0].headers
