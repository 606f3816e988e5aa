# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else on a node decides where images come from."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.proxies import Proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import StartedWith
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import conflicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place

V2 = 'plugins."io.containerd.grpc.v1.cri"'


@pytest.mark.parametrize(
    ("started", "refused"),
    [
        (StartedWith(None, None, None, Proxies(), Proxies()), None),
        (StartedWith(None, "/other.toml", None, Proxies(), Proxies()), None),
        (
            StartedWith("/other.toml", None, None, Proxies(), Proxies()),
            "with /other.toml, .* set pre_config_file to /other",
        ),
        (
            StartedWith(None, None, "/usr/bin/start", Proxies(), Proxies()),
            "starts /usr/bin/start, .* start it, or set pre_config_file",
        ),
    ],
)
def test_another_file_in_the_command_line_is_refused(started, refused):
    observed = nodes.node(started_with=started)
    if not refused:
        conflicts.check_config_in_use(observed, "pre_")
        return
    with pytest.raises(Refusal, match=refused):
        conflicts.check_config_in_use(observed, "pre_")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"blocked_by": "/etc/containerd"}, "/etc/containerd is a file, but must be a directory"),
        ({"hosts": nodes.tree(others=("quay.io",))}, "/c/quay.io is a file, but must be a directory"),
        ({"hosts": nodes.tree(others=("q.io",))}, None),
        ({"hosts": nodes.tree(directories=("_backup",))}, "/c/_backup shows that another tool"),
    ],
)
def test_where_no_file_can_be(changes, text):
    observed = nodes.node(hosts_dir=Place("/c"), **changes)
    if text is None:
        return conflicts.check_hosts_dir(observed, ["quay.io"])
    with pytest.raises(Refusal) as caught:
        conflicts.check_hosts_dir(observed, ["quay.io"])
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("held", "changes_config", "paths", "text"),
    [
        ({"config_held": "x"}, True, [], "/etc/containerd/config.toml has to change, but x"),
        ({"config_held": "x"}, False, ["/etc/containerd/certs.d/a/hosts.toml"], None),
        ({"hosts_held": "x"}, True, ["/etc/containerd/registry-tls/a.crt"], None),
        ({"hosts_held": "x"}, False, ["/etc/containerd/certs.d/a/hosts.toml"], "certs.d has to change, but x"),
    ],
)
def test_what_nobody_can_replace_is_refused_before(held, changes_config, paths, text):
    observed = nodes.node(**held)
    if text is None:
        return conflicts.check_writable(observed, changes_config, paths)
    with pytest.raises(Refusal, match=text):
        conflicts.check_writable(observed, changes_config, paths)


ODD = (
    "*.corp.lan",
    ".git",
    "docker.io~",
    "docker.io.bak_",
    "a b",
    "backup",
    "index.docker.io",
    "a_b.lan",
)


@pytest.mark.parametrize("name", ODD)
def test_directories_that_containerd_never_looks_for_are_left_alone(name):
    found = nodes.tree(
        {f"{name}/hosts.toml": "broken ="}, directories=("registry-1.docker.io", "localhost", "[::1]_5_")
    )
    hidden = conflicts.shadowing({"_default/hosts.toml": ""}, "/c", found, ())
    assert set(hidden) == {"registry-1.docker.io", "localhost", "[::1]:5"}


def test_hidden_from_the_catch_all():
    found = nodes.tree(
        {"b.lan_81_/hosts.toml": "", "c.lan/hosts.toml": ""},
        directories=("a.lan", "docker.io", "_default", "_backup", "d.lan:82"),
    )
    wanted = {"_default/hosts.toml": "", "docker.io/hosts.toml": "", "d.lan_82_/hosts.toml": ""}
    hidden = conflicts.shadowing(wanted, "/c", found, {"/c/c.lan/hosts.toml"})
    assert set(hidden) == {"a.lan", "b.lan:81"}
    assert (
        "pulls from it directly" in hidden["a.lan"]
        and "/c/b.lan_81_/hosts.toml was not written by this role" in hidden["b.lan:81"]
    )
    assert conflicts.shadowing({"docker.io/hosts.toml": ""}, "/c", found, ()) == {}


@pytest.mark.parametrize(
    ("version", "config_path", "hosts_dir", "refused"),
    [
        (None, "/own.d", "/etc/containerd/certs.d", True),
        (None, "/own.d:/etc/docker/certs.d", "/etc/containerd/certs.d", True),
        (None, "/own.d", "/own.d", False),
        (None, "/etc/containerd/certs.d/", "/etc/containerd/certs.d", False),
        (None, "", "/etc/containerd/certs.d", False),
        (None, None, "/etc/containerd/certs.d", False),
        ("2.1.9", "/own.d", "/etc/containerd/certs.d", False),
    ],
)
def test_a_directory_that_nothing_can_read_yet(version, config_path, hosts_dir, refused):
    observed = nodes.node(version, hosts_dir=hosts_dir)
    if not refused:
        return conflicts.check_own_directory(observed, config_path, "p_")
    with pytest.raises(Refusal, match="set p_hosts_dir to /own.d"):
        conflicts.check_own_directory(observed, config_path, "p_")
