# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of a config.toml from one version to another: text, report, and what is refused."""

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import upgrade
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit.upgrade import Moved
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


def move(containerd: str, text: str, target: int) -> Moved:
    rel = releases.release(releases.parse(containerd))
    return upgrade.move(rel, text, load(text), target)


def block(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


TEXTS = {
    "from no version to 2": (
        "1.7.24",
        2,
        """
        # head
        disabled_plugins = ["cri"] # why

        [plugins.cri] # ours
          sandbox_image = 'p'

          # mirrors
          [plugins.cri.registry.mirrors."docker.io"]
            endpoint = ["http://r.lan"]
        """,
        """
        # head
        disabled_plugins = ["io.containerd.grpc.v1.cri"] # why
        version = 2

        [plugins."io.containerd.grpc.v1.cri"] # ours
          sandbox_image = 'p'

          # mirrors
          [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
            endpoint = ["http://r.lan"]
        """,
    ),
    "from 2 to 3, a table falls apart": (
        "2.1.9",
        3,
        """
        version = 2
        oom_score = -999

        [plugins.'io.containerd.grpc.v1.cri']
          sandbox_image = 'p' # ours
          enable_selinux = true

          # the registry
          [plugins.'io.containerd.grpc.v1.cri'.registry]
            config_path = '/c' # ours too
        """,
        """
        version = 3
        oom_score = -999

        [plugins.'io.containerd.cri.v1.runtime']
          enable_selinux = true

          # the registry
          [plugins.'io.containerd.cri.v1.images'.registry]
            config_path = '/c' # ours too

          [plugins.'io.containerd.cri.v1.images'.pinned_images]
            sandbox = 'p'
        """,
    ),
}


@pytest.mark.parametrize(("containerd", "target", "before", "after"), TEXTS.values(), ids=TEXTS)
def test_what_becomes_of_the_text(containerd, target, before, after):
    assert move(containerd, block(before), target).text == block(after)


def test_the_report_goes_from_the_first_version_to_the_last():
    text = block("""
        [grpc]
        address = "/run/c.sock"

        [plugins.cri]
        sandbox_image = "p"
        enable_selinux = true

        [plugins.cri.registry]
        config_path = "/c"
    """)
    moved = move("2.3.4", text, 4)
    grpc = "io.containerd.server.v1.grpc"
    assert {tuple(each["from"]): tuple(each["to"]) for each in moved.report} == {
        ("grpc", "address"): ("plugins", grpc, "address"),
        ("plugins", "cri", "sandbox_image"): ("plugins", V3_IMAGES, "pinned_images", "sandbox"),
        ("plugins", "cri", "enable_selinux"): ("plugins", V3_RUNTIME, "enable_selinux"),
        ("plugins", "cri", "registry", "config_path"): ("plugins", V3_IMAGES, "registry", "config_path"),
    }
    data = load(moved.text)
    assert data["version"] == 4 and data["plugins"][grpc]["address"] == "/run/c.sock"
    # Up to version 3 the ttrpc socket follows that of gRPC by itself.
    assert data["plugins"]["io.containerd.server.v1.ttrpc"]["address"] == "/run/c.sock.ttrpc"
    assert set(data) == {"version", "plugins"} and set(data["plugins"]) == {
        grpc, "io.containerd.server.v1.ttrpc", V3_IMAGES, V3_RUNTIME
    }  # fmt: skip


def test_a_file_of_this_version_stays_to_the_byte():
    text = f"version = 2 # x\n[plugins.'{V2}']\n"
    assert move("2.1.9", text, 2) == (text, [])


def test_the_second_registry_table_of_a_file_without_a_version_goes():
    """The role writes it for containerd 2.0 to 2.2, which drop the first one from such a file."""
    ours = "config_path = '/c'\n"
    twice = f"[plugins.cri]\na = 1\n[plugins.cri.registry]\n{ours}[plugins.'{V3_IMAGES}'.registry]\n{ours}"
    text, dummy = move("1.7.24", twice, 2)
    assert load(text) == {"version": 2, "plugins": {V2: {"a": 1, "registry": {"config_path": "/c"}}}}
    with pytest.raises(Refusal, match="has no effect because this file has no version"):
        move("1.7.24", twice.replace("'/c'", "'/d'", 1), 2)


@pytest.mark.parametrize(
    ("containerd", "text", "target", "message"),
    [
        ("1.7.24", "version = 2\n", 3, "containerd 1.7.24 supports versions 2 to 2, not 3"),
        ("2.1.9", "version = 2\n", 4, "containerd 2.1.9 supports versions 2 to 3, not 4"),
        ("2.1.9", "version = 2\n", 1, "supports versions 2 to 3, not 1"),
        ("2.1.9", "version = 3\n", 2, "the file has version 3 and cannot be converted back to 2"),
        ("1.7.24", f"[plugins.'{V2}']\na = 1\n", 2, "has no effect because this file has no version, but would take"),
        ("1.7.24", "[plugins.mine]\na = 1\n", 2, "plugins.mine.a has no known place in version 2: remove it first"),
        (
            "2.1.9",
            f"version = 2\n[plugins.'{V2}']\nsandbox_image = 'a'\n"
            f"[plugins.'{V3_IMAGES}'.pinned_images]\nsandbox = 'b'\n",
            3,
            "which is also set: remove one",
        ),
    ],
)
def test_what_is_refused(containerd, text, target, message):
    with pytest.raises(Refusal, match="^config_version: ") as caught:
        move(containerd, text, target)
    assert message in str(caught.value)
