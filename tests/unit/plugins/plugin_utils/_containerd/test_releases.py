# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release can do what: the edges of each fact."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import ReleaseError


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("containerd github.com/containerd/containerd 1.4.13~ds1 1.4.13~ds1-1~deb11u4", (1, 4, 13)),
        ("containerd github.com/containerd/containerd/v2 v2.1.9 abcdef", (2, 1, 9)),
        ("containerd containerd.io 1.7.24 88bf19b2105c8b17560993bee28a01ddc2f97182", (1, 7, 24)),
        ("containerd github.com/containerd/containerd v2.4.0-beta.0 x", (2, 4, 0)),
        ("1.6.20", (1, 6, 20)),
    ],
)
def test_parse(text, version):
    assert releases.parse(text) == version


@pytest.mark.parametrize(
    ("text", "shown", "newer_import_fatal"),
    [
        ("containerd github.com/containerd/containerd/v2 v2.4.0-beta.0 d6fc1e1", "2.4.0-beta.0", True),
        ("2.4.0-rc.1", "2.4.0-rc.1", True),
        ("2.4.0-beta+unknown", "2.4.0-beta", True),
        ("2.4.0", "2.4.0", False),
        ("2.3.5-rc.0", "2.3.5-rc.0", True),
        ("2.3.5", "2.3.5", False),
        ("2.3.4-k3s1", "2.3.4", True),
        ("containerd github.com/containerd/containerd 2.3.0~rc.1+ds1 2.3.0~rc.1+ds1-1", "2.3.0-rc.1", True),
        ("1.7.24~ds1", "1.7.24", False),
        ("2.2.0-10-gabcdef0", "2.2.0", False),
    ],
)
def test_versions_of_before_a_release_are_told_apart(text, shown, newer_import_fatal):
    """They do what the release does but for what changed last; what they are is shown, and can be read again."""
    rel = releases.release(releases.parse(text))
    assert str(rel) == shown and rel.newer_import_fatal == newer_import_fatal
    assert releases.release(releases.parse(shown)) == rel


@pytest.mark.parametrize("text", ["", "containerd", "containerd x unknown y"])
def test_parse_refuses_what_is_no_version(text):
    with pytest.raises(ReleaseError, match="is not a containerd version"):
        releases.parse(text)


def test_too_old():
    with pytest.raises(ReleaseError, match="1.3.9 is older than 1.4"):
        releases.release((1, 3, 9))


@pytest.mark.parametrize(
    ("ability", "last_without", "first_with"),
    [
        ("config_path", (1, 4, 13), (1, 5, 0)),
        ("override_path", (1, 5, 18), (1, 6, 0)),
        ("catch_all", (1, 6, 16), (1, 6, 17)),
        ("header_reaches_token_service", (2, 0, 11), (2, 1, 0)),
        ("newer_file_fatal", (1, 7, 16), (1, 7, 17)),
        ("newer_file_fatal", (1, 6, 31), (1, 6, 32)),
        ("mirrors_impossible", (2, 1, 9), (2, 2, 0)),
        ("dial_timeout", (2, 0, 6), (2, 0, 7)),
        ("referrers", (2, 1, 9), (2, 2, 0)),
        ("hosts_by_header", (1, 7, 34), (2, 0, 0)),
        ("hosts_log_path", (1, 7, 34), (2, 0, 0)),
        ("loopback_names", (1, 5, 18), (1, 6, 0)),
        ("ipv6_names", (1, 6, 39), (1, 7, 0)),
        ("uppercase_hosts", (1, 7, 18), (1, 7, 19)),
        ("transfer_service", (2, 0, 11), (2, 1, 0)),
    ],
)
def test_abilities_begin(ability, last_without, first_with):
    assert not getattr(releases.release(last_without), ability)
    assert getattr(releases.release(first_with), ability)


@pytest.mark.parametrize(
    ("ability", "last_with", "first_without"),
    [
        ("implicit_docker_mirror", (1, 4, 13), (1, 5, 0)),
        ("tls_tables_block_config_path", (1, 7, 34), (2, 0, 0)),
        ("host_table_required", (1, 7, 31), (1, 7, 32)),
        ("mirrors_impossible", (2, 2, 1), (2, 2, 2)),
    ],
)
def test_abilities_end(ability, last_with, first_without):
    assert getattr(releases.release(last_with), ability)
    assert not getattr(releases.release(first_without), ability)


V1, V2, V3 = moves.V1, moves.V2, moves.V3_IMAGES


@pytest.mark.parametrize(
    ("version", "plugins"),
    [
        ((1, 4, 13), {1: V1, 2: V2, 3: V2}),
        ((1, 7, 16), {1: V1, 2: V2, 3: V2}),
        ((1, 7, 24), {1: V1, 2: V2, 3: None}),
        ((2, 1, 9), {1: V3, 2: V2, 3: V3, 4: None}),
        ((2, 3, 4), {1: V3, 2: V2, 3: V3, 4: V3}),
    ],
)
def test_the_table_follows_release_and_file(version, plugins):
    rel = releases.release(version)
    for file_version, plugin in plugins.items():
        if plugin:
            assert releases.images_plugin(rel, file_version) == plugin
        else:
            with pytest.raises(ReleaseError, match=f"version {file_version}.*does not start"):
                releases.images_plugin(rel, file_version)


@pytest.mark.parametrize("value", ["2", 2.0, True])
def test_a_version_must_be_an_integer(value):
    with pytest.raises(ReleaseError, match="not an integer"):
        releases.file_version({"version": value})


@pytest.mark.parametrize(
    ("version", "localhost", "http_with_tls", "default_roots"),
    [
        ((1, 6, 8), "https", "http", ""),
        ((1, 6, 9), "http", "http", ""),
        ((1, 6, 25), "by-port", "https-port", ""),
        ((1, 7, 0), "http", "http", ""),
        ((1, 7, 7), "http", "https", ""),
        ((1, 7, 8), "by-port", "https-port", ""),
        ((1, 7, 24), "by-port", "https-not-80", ""),
        ((2, 1, 9), "by-port", "https-not-80", ""),
        ((2, 2, 1), "by-port", "https-not-80", "baked-in"),
        ((2, 2, 2), "by-port", "https-not-80", "no-mirrors"),
    ],
)
def test_kinds(version, localhost, http_with_tls, default_roots):
    rel = releases.release(version)
    assert (rel.localhost, rel.http_with_tls, rel.default_roots) == (localhost, http_with_tls, default_roots)
