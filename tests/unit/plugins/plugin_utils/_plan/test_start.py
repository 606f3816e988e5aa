# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration shows before containerd is restarted with it; the expected results come from real releases."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective, Wanted
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import start

OLD = f'version = 2\nimports = ["/d/*.toml"]\n[plugins."{V2}".registry]\nconfig_path = "/c"\n'
NEW = f'version = 3\nimports = ["/d/*.toml"]\n[plugins."{V3_IMAGES}".registry]\nconfig_path = "/c"\n'
NVIDIA = f'version = 3\n[plugins."{V3_RUNTIME}".containerd]\ndefault_runtime_name = "nvidia"\n'
HEADERS = f'version = 2\n[plugins."{V2}".registry.headers]\nX = ["y"]\n'


def configuration(version: str, text: str, *imported: str) -> start.Configuration:
    files = tuple(nodes.file(each, f"/d/{number}.toml") for number, each in enumerate(imported))
    rel = releases.release(releases.parse(version))
    return start.configuration(nodes.node(version, text, imports=files), text, rel)


def in_effect(version: str, text: str, *imported: str) -> str | None:
    return start.without_effect(configuration(version, text, *imported), Wanted("/c"))


@pytest.mark.parametrize(
    ("version", "imported", "why"),
    [
        ("1.7.24", [], None),
        ("1.7.24", [f'[plugins."{V2}"]\nmax_concurrent_downloads = 4\n'], "/d/0.toml has plugins"),
        ("1.7.24", [f'[plugins."{V2}"]\nx = 4\n', f'[plugins."{V2}".registry]\nconfig_path = "/c"\n'], None),
        ("1.7.24", ['[plugins."x.y.z.v1"]\nx = 1\n', "not toml ="], None),
        ("2.1.9", [f'[plugins."{V2}"]\nmax_concurrent_downloads = 4\n'], None),
        ("2.1.9", [f'[plugins."{V2}".registry]\nconfig_path = ""\n'], "/d/0.toml sets it too"),
        ("2.1.9", [f'[plugins."{V2}".registry.mirrors."docker.io"]\nendpoint = ["http://x"]\n'], "/d/0.toml sets"),
        ("2.1.9", [f'[plugins."{V2}".registry]\nconfig_path = "/c"\n'], None),
        ("2.0.11", [NVIDIA], "/d/0.toml is of version 3, /etc/containerd/config.toml of version 2"),
        ("2.2.7", [NVIDIA], "reads the settings of both as those of version 3: give both the same version"),
        ("2.3.5", [NVIDIA], None),
    ],
)
def test_imported_files_that_take_the_settings_away(version, imported, why):
    reason = in_effect(version, OLD, *imported)
    assert reason is None if why is None else why in reason


@pytest.mark.parametrize(("version", "works"), [("2.0.11", False), ("2.2.7", False), ("2.3.4", True)])
def test_an_older_drop_in_replaces_the_registry_table_up_to_2_2(version, works):
    reason = in_effect(version, NEW, HEADERS)
    assert reason is None if works else "/d/0.toml is of version 2" in reason


@pytest.mark.parametrize(
    ("version", "text", "imported", "refusal"),
    [
        ("1.4.13", 'imports = ["/x.toml"]\n', [], None),
        ("1.5.18", 'imports = ["/x.toml"]\n', [], "/etc/containerd/config.toml names /x.toml, which does not exist"),
        ("1.7.24", 'imports = ["x.toml"]\n', [], "names /etc/containerd/x.toml"),
        ("2.1.9", 'imports = ["/none/*.toml"]\n', [], None),
        ("2.1.9", 'imports = ["/d/*.toml"]\n', ['imports = ["y.toml"]\n'], "imports in /d/0.toml names /d/y.toml"),
        ("1.7.24", OLD, [NVIDIA], "/d/0.toml is of version 3, and containerd 1.7.24 reads at most version 2"),
        ("1.7.16", OLD, [NVIDIA], None),
        ("2.2.7", NEW, ["version = 4\n"], "/d/0.toml is of version 4"),
        ("2.3.4", OLD, [NVIDIA], "does not start with an imported file of a newer version than 2"),
        ("2.3.5", OLD, [NVIDIA], None),
        ("2.4.0-beta.0", OLD, [NVIDIA], "does not start with an imported file of a newer version than 2"),
        ("2.4.0", OLD, [NVIDIA], None),
    ],
)
def test_what_containerd_does_not_start_with(version, text, imported, refusal):
    if refusal is None:
        configuration(version, text, *imported)
        return
    with pytest.raises(Refusal) as caught:
        configuration(version, text, *imported)
    assert refusal in str(caught.value)


MIRRORS = '[plugins."{0}".registry.mirrors."docker.io"]\nendpoint = ["http://x.lan"]\n'


@pytest.mark.parametrize(
    ("version", "text", "left_out"),
    [
        ("2.2.1", "version = 3\n" + MIRRORS.format(V3_IMAGES), ["mirrors"]),
        ("2.2.1", f'version = 3\n[plugins."{V3_IMAGES}".registry]\nconfig_path = ""\n' + MIRRORS.format(V3_IMAGES), []),
        ("2.2.2", "version = 3\n" + MIRRORS.format(V3_IMAGES), []),
        ("1.7.24", OLD + MIRRORS.format(V2), ["mirrors"]),
        ("1.7.24", OLD + f'[plugins."{V2}".registry.configs."r.lan".tls]\nca_file = "/x"\n', ["configs.r.lan.tls"]),
        ("2.1.9", OLD + f'[plugins."{V2}".registry.configs."r.lan".tls]\nca_file = "/x"\n', []),
        ("1.4.13", "version = 2\n" + MIRRORS.format(V2), []),
        ("2.2.1", None, []),
    ],
)
def test_what_does_not_come_back(version, text, left_out):
    after, found = start.loadable(text, releases.release(releases.parse(version)))
    assert found == left_out and (after == text) == (not left_out)


def test_paths_that_end_containerd():
    node = nodes.node("1.7.24", OLD, effective=Effective(fatal="root and state are both /x"))
    with pytest.raises(Refusal, match="^root and state are both /x: containerd 1.7.24 does not start with that"):
        start.configuration(node, OLD, releases.release((1, 7, 24)))
