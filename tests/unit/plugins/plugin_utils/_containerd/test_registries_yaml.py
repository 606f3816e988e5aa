# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which registries k3s writes a hosts.toml for."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import registries_yaml
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, set()),
        ("", set()),
        ("# nothing", set()),
        ("mirrors:", set()),
        ("mirrors: {docker.io: {endpoint: ['http://r.lan']}, '*': {endpoint: ['http://r.lan']}}", {"docker.io", "*"}),
        ("mirrors: {docker.io: }", set()),
        ("mirrors: {docker.io: {}, quay.io: {endpoint: []}}", set()),
        ("mirrors: {'*': }\nconfigs: {'*': {tls: {insecure_skip_verify: true}}}", {"*"}),
        ("configs: {'r.lan:5000': {auth: {username: u, password: p}}, s.lan: {}, t.lan: {auth: }}", {"r.lan:5000"}),
        ("configs: {r.lan: {tls: {}}}", {"r.lan"}),
        ("mirrors: [docker.io]\nconfigs: 5", set()),
    ],
)
def test_what_is_named(text, named):
    assert registries_yaml.named(text and text.encode(), "/r.yaml") == named


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"mirrors: {\npassword: CaN4ry", r"/r.yaml is not valid YAML \(line 2\), so the registries"),
        (b"\xff\xfe\x00", "/r.yaml is not valid YAML, so"),
        (b"- a", "/r.yaml is not a mapping, so"),
        (b"!!python/object/apply:os.system [reboot]", "/r.yaml is not valid YAML"),
    ],
)
def test_what_k3s_does_not_read_either(content, message):
    with pytest.raises(Refusal, match=message) as caught:
        registries_yaml.named(content, "/r.yaml")
    assert "CaN4ry" not in str(caught.value)
