# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Existing settings: what they mean in the other mode, and what is reported about them."""

from __future__ import annotations

import base64

import nodes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import registry_table, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation, Tree
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import NOTHING, Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import (
    config_toml,
    from_directories,
    from_legacy,
    modes,
    to_legacy,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.to_legacy import Tables
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

BASIC = base64.b64encode(b"user:secret").decode()
WANTED = desired.desired({"url": "http://registry.lan", "upstreams": ["docker.io"]})
NO_CATCH_ALL = desired.desired({"url": "http://registry.lan", "upstreams": ["docker.io"], "catch_all": False})
REL = {version: releases.release(releases.parse(version)) for version in ("1.6.10", "1.7.24", "2.1.9", "2.3.4")}


def endpoint(url: str) -> Endpoint:
    (found,) = from_legacy.mirrors_of({"mirrors": {"x.lan": {"endpoint": [url]}}})["x.lan"].endpoints
    return found


@pytest.mark.parametrize(
    ("url", "base", "path"),
    [
        ("http://a.lan", "http://a.lan", "/v2"),
        ("http://a.lan/", "http://a.lan", "/v2"),
        ("https://a.lan:5000/v2/project/", "https://a.lan:5000", "/v2/project"),
        ("http://a.lan/path/v2", "http://a.lan", "/path/v2"),
        ("a.lan:5000", "https://a.lan:5000", "/v2"),
        ("localhost:5000", "http://localhost:5000", "/v2"),
        ("127.0.0.1", "http://127.0.0.1", "/v2"),
        ("[::1]:5000/v2", "http://[::1]:5000", "/v2"),
        ("[::1]", "https://[::1]", "/v2"),
        ("HTTP://a.lan?x=y", "http://a.lan", "/v2"),
        ("http://user:secret@a.lan", "http://a.lan", "/v2"),
    ],
)
def test_legacy_endpoints_as_containerd_reads_them(url, base, path):
    assert endpoint(url)[:2] == (base, path)


USELESS = (
    "::",
    "ftp://a",
    "unix:///x",
    "https://a.lan:99999",
    "http://a.lan:0",
    "mailto:a",
    "http://",
    "",
    "http://u:CaN4ry@[",
)


@pytest.mark.parametrize("url", USELESS)
def test_an_endpoint_that_containerd_cannot_ask_is_left_out_with_a_warning(url):
    registry = {"mirrors": {"x.lan": {"endpoint": [url, "http://a.lan"]}}}
    found = from_legacy.from_registry(registry, WANTED, "p_")
    assert found.mirrors == {"x.lan": Mirror((Endpoint("http://a.lan"),), "upstream")}
    (told,) = found.replaced
    assert "of the mirror of x.lan in config.toml is dropped" in told and "CaN4ry" not in told


KEYS = (
    "http://10.0.0.5:5000",
    "../../etc",
    "",
    "{{ 1 }}",
    "\x1b[2J",
    "a.lan/path",
    "https://u:CaN4ry@a.lan",
    "*.a.lan",
)


@pytest.mark.parametrize("key", KEYS)
def test_a_mirror_that_containerd_never_matches_is_left_out_with_a_warning(key):
    registry = {"mirrors": {key: {"endpoint": ["http://a.lan", "ftp://a"]}}}
    found = from_legacy.from_registry(registry, WANTED, "p_")
    (told,) = found.replaced
    assert not found.mirrors and "had no effect" in told and told.isprintable() and "CaN4ry" not in told


_TEXTS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=12)
_PARTS = st.sampled_from(["http://", "https://", "ftp://", "unix:", "//", "/", ":", "5000", "99999", "a.lan", "[", "]"])
_URLS = st.one_of(_TEXTS, st.lists(_PARTS, max_size=6).map("".join))


@given(
    mirrors=st.dictionaries(_URLS, st.fixed_dictionaries({}, optional={"endpoint": st.lists(_URLS, max_size=3)})),
    configs=st.dictionaries(_URLS, st.fixed_dictionaries({}, optional={"auth": st.just({"auth": BASIC})})),
    auths=st.dictionaries(_URLS, st.just({"auth": BASIC})),
)
def test_whatever_a_node_has_is_carried_over_or_told(mirrors, configs, auths):
    registry = {"mirrors": mirrors, "configs": configs, "auths": auths}
    found = from_legacy.from_registry(registry, WANTED, "p_")
    for name in mirrors:
        assert (
            name in found.mirrors or any("had no effect" in each for each in found.replaced) or name in WANTED.mirrors
        )
    kept = {name: each for name, each in found.mirrors.items() if name in mirrors}
    for mirror in kept.values():
        assert all(each.identity and each.is_tls in (True, False) for each in mirror.endpoints)


def test_who_is_asked_last():
    table = {
        "own.lan": {"endpoint": ["http://own.lan", "http://own.lan/"]},
        "docker.io": {"endpoint": ["https://registry-1.docker.io", "http://a.lan"]},
        "other.lan": {"endpoint": ["http://a.lan"]},
        "empty.lan": {"endpoint": []},
    }
    found = from_legacy.mirrors_of({"mirrors": table})
    assert {name: (len(each.endpoints), each.fallback) for name, each in found.items()} == {
        "own.lan": (1, "none"),
        "docker.io": (2, "none"),
        "other.lan": (1, "upstream"),
        "empty.lan": (0, "upstream"),
    }


def test_settings_that_stay_and_settings_that_move():
    registry = {
        "mirrors": {"docker.io": {"endpoint": ["http://old.lan"]}, "*": {"endpoint": ["http://all.lan"]}},
        "configs": {
            "old.lan": {"auth": {"username": "u", "password": "secret"}},
            "private.lan": {"auth": {"auth": BASIC}},
            "docker.io": {"tls": {"insecure_skip_verify": True}},
            "registry-1.docker.io": {"auth": {"identitytoken": "secret"}},
        },
        "auths": {"https://u:secret@private.lan": {"auth": BASIC}},
        "headers": {"X-Meta": ["secret"]},
    }
    found = from_legacy.from_registry(registry, WANTED, "p_")
    assert found.mirrors == {"private.lan": Mirror((), "upstream")}, "old.lan was asked by plain HTTP only"
    assert found.items == (
        "private.lan has settings of its own in config.toml: images are pulled from it directly, as before",
    )
    assert [text.partition(" stay")[0] for text in found.staying] == [
        "the credentials for old.lan",
        "the credentials for private.lan",
        "the credentials for registry-1.docker.io",
        "the credentials for https://********@private.lan",
        "the headers for all registries (X-Meta)",
    ]
    assert len(found.replaced) == 3 and "list it in p_direct" in found.replaced[2]
    assert "secret" not in str(found) and BASIC not in str(found)
    assert set(from_legacy.from_registry(registry, NO_CATCH_ALL, "").mirrors) == {"*", "private.lan"}


@pytest.mark.parametrize(
    ("version", "asked", "mode"),
    [("1.6.10", "auto", "legacy"), ("1.7.24", "auto", "config_path"), ("1.6.10", "config_path", None)],
)
def test_a_mirror_of_everything_that_hosts_toml_cannot_be(version, asked, mode):
    if mode:
        assert modes.choose_mode(REL[version], asked, WANTED.mirrors, {"*"}) == mode
    else:
        with pytest.raises(Refusal, match="does not support a catch-all"):
            modes.choose_mode(REL[version], asked, WANTED.mirrors, {"*"})


def test_an_ipv6_mirror_that_hosts_toml_cannot_hold_keeps_the_node_in_legacy_mode():
    six = from_legacy.mirrors_of({"mirrors": {"x.lan": {"endpoint": ["http://[fd00::5]:5000"]}}})
    for version, mode in (("1.7.24", "legacy"), ("2.1.9", "config_path")):
        assert modes.choose_mode(REL[version], "auto", {**WANTED.mirrors, **six}, {"x.lan"}) == mode
    with pytest.raises(Refusal, match="an IPv6 address before another endpoint with it, such as"):
        modes.choose_mode(REL["1.7.24"], "config_path", {**WANTED.mirrors, **six}, {"x.lan"})


@pytest.mark.parametrize(
    ("version", "text", "value"),
    [
        ("2.1.9", 'version = 2\n[plugins."io.containerd.cri.v1.images".registry]\nx = 1\n', {"x": 1}),
        ("1.7.24", 'version = 2\n[plugins."io.containerd.cri.v1.images".registry]\nx = 1\n', None),
        ("2.3.4", 'version = 3\n[plugins."io.containerd.grpc.v1.cri".registry]\nx = 1\n', {"x": 1}),
    ],
)
def test_the_table_that_is_read(version, text, value):
    assert registry_table.images_table(REL[version], load(text)).get("registry") == value


def test_logins_of_a_table_that_is_removed_are_kept():
    text = f'version = 3\n[plugins."io.containerd.grpc.v1.cri".registry.configs."a.lan".auth]\nauth = "{BASIC}"\n'
    change = config_toml.config_path_change(REL["2.3.4"], load(text), "/c", {})
    registry = change.merge["plugins"]["io.containerd.cri.v1.images"]["registry"]
    assert registry == {"configs": {"a.lan": {"auth": {"auth": BASIC}}}, "config_path": "/c"}


def observed(config_path: str, hosts: Tree | None = None, **roots: Tree) -> Observation:
    return nodes.node(
        effective=Effective(config_path=config_path),
        hosts_dir=Place("/c"),
        hosts=hosts or Tree(),
        roots={f"/{name}": tree for name, tree in roots.items()},
    )


def carried(config_path: str, hosts=None, wanted=WANTED, version="1.7.24", record=NOTHING, **roots):
    template = "server = {{ server.url | toml }}\nca = {{ server.ca | toml }}\n[host]\n"
    return from_directories.from_roots(observed(config_path, hosts, **roots), wanted, REL[version], record, template)


FILE = '[host."http://a.lan"]\nca = "ca.crt"\nclient = [["c.crt", "/k"]]\n'


def test_other_directories():
    tree = nodes.tree(
        {"a.lan/hosts.toml": FILE, "docker.io/hosts.toml": FILE, "f.lan/hosts.toml": "[host\n"},
        directories=("b.lan_81_", "e.lan"),
        certificates={"b.lan_81_/x.crt": True},
    )
    found = carried("/c:/d", d=tree)
    assert set(found.files) == {"a.lan/hosts.toml", "b.lan_81_/hosts.toml"}
    copied = load(found.files["a.lan/hosts.toml"])["host"]["http://a.lan"]
    assert copied == {"ca": "/d/a.lan/ca.crt", "client": [["/d/a.lan/c.crt", "/k"]]}
    assert 'ca = ["/d/b.lan_81_/x.crt"]' in found.files["b.lan_81_/hosts.toml"]
    told = "\n".join(found.replaced)
    assert "config_path was /c:/d and is only /c now" in told and "/d/docker.io is replaced by the variables" in told
    assert "/d/e.lan contains nothing" in told and "/d/f.lan contains nothing" in told
    later = carried("/c", record=NOTHING._replace(carried=found.files))
    assert later.files == found.files and not later.items and not later.replaced


def test_the_first_directory_decides():
    tree = nodes.tree({"a.lan/hosts.toml": FILE})
    here = nodes.tree({"a.lan/hosts.toml": "x = 1\n"})
    assert not carried("/c:/d", hosts=here, d=tree).files
    first = nodes.tree({"_default/hosts.toml": FILE})
    assert not carried("/b:/d", b=first, d=tree).files, "_default of the first one catches a.lan"
    assert set(carried("/b:/d", b=first, d=tree, version="1.6.10").files) == {"a.lan/hosts.toml"}
    ours = NOTHING._replace(files={"/d/a.lan/hosts.toml": Written("", None)})
    assert not carried("/d", d=tree, record=ours).files, "what earlier runs wrote there is not carried over"
    assert not carried("", d=tree).files and carried("", d=tree, version="2.3.4").files, (
        "2.2.2 has directories built in"
    )


def tables(text: str, version: str = "1.7.24", name: str = "a.lan", wanted=WANTED) -> Tables:
    tree = nodes.tree({f"{name}/hosts.toml": text})
    return to_legacy.from_hosts(observed("/c", tree), {"config_path": "/c"}, wanted, REL[version], NOTHING, "p_")


def test_hosts_toml_in_legacy_words():
    found = tables(
        f'server = "https://a.lan"\nca = "own.crt"\n[host."http://m.lan:81"]\n[host."http://m.lan:81".header]\n'
        f'authorization = "Basic {BASIC}"\n[host."https://n.lan/v2/p"]\noverride_path = true\nskip_verify = true\n'
    )
    assert found.mirrors == {"a.lan": ["http://m.lan:81", "https://n.lan/v2/p"]}
    assert found.configs == {
        "m.lan:81": {"auth": {"auth": BASIC}},
        "n.lan": {"tls": {"insecure_skip_verify": True}},
        "a.lan": {"tls": {"ca_file": "/c/a.lan/own.crt"}},
    }
    assert "/c/a.lan moves to the legacy settings" in found.items[0] and BASIC not in found.items[0]
    assert tables(FILE, name="docker.io").replaced and not tables(FILE, name="docker.io").mirrors


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        ('[host."http://m"]\ncapabilities = ["pull"]\n', "1.7.24", "http://m is for pull only"),
        ('[host."http://m".header]\nX = "secret"\n', "1.7.24", "the header X of m"),
        ('[host."http://m".header]\nAuthorization = "Bearer secret"\n', "1.7.24", "the header Authorization of m"),
        ('[host."https://m"]\nca = ["a", "b"]\n', "1.7.24", "more than one CA"),
        ('[host."https://m"]\nca = "a"\n', "2.1.9", "the TLS settings of m with containerd 2.1.9"),
    ],
)
def test_what_legacy_words_cannot_say_is_refused(text, version, message):
    with pytest.raises(Refusal, match="cannot express. Set p_mode to auto") as caught:
        tables(text, version)
    assert message in str(caught.value) and "secret" not in str(caught.value)


def test_docker_certificates_in_legacy_words():
    pems = dict.fromkeys(("a.lan_81_/ca.crt", "a.lan_81_/x.cert", "a.lan_81_/x.key"), True)
    tree = nodes.tree(directories=("a.lan_81_",), certificates=pems)
    found = to_legacy.from_hosts(observed("/c", tree), {"config_path": "/c"}, WANTED, REL["1.7.24"], NOTHING, "")
    folder = "/c/a.lan_81_"
    tls = {"ca_file": f"{folder}/ca.crt", "cert_file": f"{folder}/x.cert", "key_file": f"{folder}/x.key"}
    assert found.configs == {"a.lan:81": {"tls": tls}} and found.mirrors == {"a.lan:81": ["https://a.lan:81"]}


def test_a_hosts_toml_that_only_old_releases_read_is_carried_over_as_toml_1_0():
    file = from_directories.TreeFile(b'# \xc5\xe4\x01\n[host."http://m"]\r\nca = "x"\nx = 07\n')
    text = from_directories._copy(file, REL["1.7.24"], "/certs/m")
    assert '[host."http://m"]\r\nca = "/certs/m/x"\nx = 7\n' in text
    assert from_directories._copy(file, REL["2.1.9"], "/certs/m") is None
