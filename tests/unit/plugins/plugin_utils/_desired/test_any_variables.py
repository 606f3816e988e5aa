# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the variables hold: a plan, or one refusal that names the variable, and never another exception."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest
from fake_node import run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.action import containerd_hosts, containerd_registry
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.options import ARGUMENT_SPEC

SECRET = "CaN4ry"
OPTIONS = sorted(set(ARGUMENT_SPEC) - {"from_variables", "validate_only", "fleet", "planned", "state"})

# Texts that are almost right, in any place.
TEXTS = st.text(max_size=8) | st.sampled_from([
    "", " ", "docker.io", "registry.lan", "registry.lan:80", "http://registry.lan", "https://registry.lan:443/x/v2",
    "http:/h", "http://[::1", "http://[fd00::1]:5000", "http://h:99999", "http://h:", "//h", "http://", "h_x.lan",
    "镜像.lan", "http://镜像.lan", "*", "_default", "a/b", "../x", "/v2/a", "/", "5s", "1.7.24", "1.7", "none",
    "upstream", "auto", "legacy", "config_path", "true", "yes", "pull", "\x00", "\ud800", "a\nb", "{{ 1 }}", "a=b", "{",
    "['x']", '{"a": 1}', "-----BEGIN CERTIFICATE-----\nx", "/etc", "/dev/null", "\x00/x", "~", "é", "x" * 300,
    "٣", "²",
])  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 3), st.floats(), TEXTS,
    st.just(datetime.date(2026, 11, 27)), st.just(10**400), st.binary(max_size=4),
)  # fmt: skip
KEYS = st.one_of(
    TEXTS, st.sampled_from(
        ["endpoints", "fallback", "url", "project", "path", "capabilities", "dial_timeout", "username", "auth",
         "identity_token", "headers", "ca", "client_cert", "client_key", "skip_verify", "remote_src", "X-A", "server",
         "hosts", "override_path", "client", "header"]
    ), st.integers(0, 9), st.none(), st.booleans(),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def fields(**known: Any) -> st.SearchStrategy:
    """A mapping that has some of these keys, each with a right value or any."""
    return st.fixed_dictionaries({}, optional={name: value | VALUES for name, value in known.items()})


def known(*values: Any) -> st.SearchStrategy:
    return st.sampled_from(values)


URLS = known("http://registry.lan", "https://r.lan:443", "http://[fd00::5]", "https://a.lan/x", "http://h")
NAMES = known("docker.io", "quay.io", "r.lan:443", "r.lan", "*", "plain.lan:5000", "localhost")
PULLING = st.lists(known("pull", "resolve", "push", "referrers"), max_size=3)
ENDPOINT = URLS | fields(
    url=URLS, project=known("a", "a/b"), path=known("/v2/x"), capabilities=PULLING, dial_timeout=known("5s")
)
LISTED = st.lists(ENDPOINT | VALUES, max_size=3)
LET_IN = fields(
    username=known("u"), password=known(SECRET), auth=known("dTpw", SECRET), identity_token=known(SECRET),
    headers=st.dictionaries(KEYS, known(SECRET) | VALUES, max_size=2), ca=TEXTS, client_cert=TEXTS, client_key=TEXTS,
    skip_verify=st.booleans(), remote_src=st.booleans(),
)  # fmt: skip
RIGHT = {
    "url": URLS,
    "password": known(SECRET),
    "upstreams": st.lists(NAMES | VALUES, max_size=3),
    "projects": st.dictionaries(NAMES | KEYS, known("a", "a/b") | VALUES, max_size=3),
    "mirrors": st.dictionaries(
        NAMES | KEYS, LISTED | fields(endpoints=LISTED, fallback=known("none")) | VALUES, max_size=3
    ),
    "endpoints": st.dictionaries(URLS | NAMES | KEYS, LET_IN | VALUES, max_size=3),
    "version": known("1.4.13", "1.5.9", "1.6.20", "1.7.24", "2.0.7", "2.1.9"),
    "direct": st.lists(NAMES | VALUES, max_size=2),
    "extra_upstreams": st.lists(NAMES | VALUES, max_size=2),
}
VARIABLES = st.fixed_dictionaries(
    {"url": URLS | VALUES}, optional={name: RIGHT.get(name, VALUES) | VALUES for name in OPTIONS if name != "url"}
)
# What a release cannot keep, and what a template makes of a name, is about no variable alone.
ABOUT_ALL = re.compile(r"containerd [0-9.]+ |hosts\.toml of |data of this node or in a variable is nested too deeply")


@pytest.mark.properties
@given(VARIABLES)
@example({"url": "http://registry.lan", "restart_timeout": float("nan")})
@example({"url": "http://registry.lan", "restart_throttle": float("inf")})
@example({"url": "http://registry.lan", "restart_throttle": 10**400})
@example({"url": "http://registry.lan", "mirrors": {"quay.io": {"fallback": ["x"], "endpoints": [{"url": {}}]}}})
@example({"url": "http://registry.lan", "endpoints": {"registry.lan": {"ca": "\0"}}})
@example({"url": "http://registry.lan", "hosts_template": "\0"})
@example({"url": "http://registry.lan", "direct": [["a.lan"]], "extra_upstreams": [{}]})
def test_any_variables_give_a_plan_or_a_refusal_that_names_one(given):
    result = run(containerd_registry, {}, validate_only=True, **given)
    if result.get("failed"):
        said = result["msg"]
        assert re.match(rf"({'|'.join(OPTIONS)})\b", said) or ABOUT_ALL.match(said), said
        assert SECRET not in said and said.isprintable() and len(said) < 2100
    else:
        assert set(result) >= {"changed", "msg"}
    assert SECRET not in json.dumps(result)


WRITTEN = fields(
    url=URLS, capabilities=PULLING, override_path=st.booleans(), ca=st.lists(TEXTS), client=st.lists(TEXTS, max_size=2),
    skip_verify=st.booleans(), dial_timeout=known("5s"),
    header=st.dictionaries(KEYS, known(SECRET) | VALUES, max_size=2),
)  # fmt: skip


@given(
    st.dictionaries(
        NAMES | KEYS, fields(server=WRITTEN, hosts=st.lists(WRITTEN | VALUES, max_size=2)) | VALUES, max_size=2
    )
)
def test_any_namespaces_give_files_or_a_refusal(namespaces):
    result = run(containerd_hosts, {"failed": True, "msg": "asked"}, namespaces=namespaces)
    assert result["failed"] and SECRET not in json.dumps(result) and result["msg"].isprintable()


@pytest.mark.parametrize("option", OPTIONS)
@settings(max_examples=8)
@given(value=SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2))
def test_any_value_of_one_variable(option, value):
    result = run(containerd_registry, {}, validate_only=True, **{"url": "http://registry.lan", option: value})
    assert (
        not result.get("failed")
        or re.match(rf"({'|'.join(OPTIONS)})\b", result["msg"])
        or ABOUT_ALL.match(result["msg"])
    )
