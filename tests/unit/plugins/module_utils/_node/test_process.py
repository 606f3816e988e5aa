# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd is started with."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import process


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {"http": None, "https": None, "no": None}),
        (["http_proxy=a", "HTTP_PROXY=b"], {"http": "b", "https": None, "no": None}),
        (["HTTPS_PROXY=http://u:p@ss@proxy:1", "no_proxy=x"], {"http": None, "https": "http://proxy:1", "no": "x"}),
        (["HTTP_PROXY=u:p@proxy:1", "HTTP_PROXY="], {"http": None, "https": None, "no": None}),
        (["HTTP_PROXY=u:p@proxy:1"], {"http": "proxy:1", "https": None, "no": None}),
    ],
)
def test_proxies_come_without_their_password(words, found):
    assert process.proxies(words) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["containerd"], None),
        (["containerd", "--log-level", "debug", "--config", "/a.toml"], "/a.toml"),
        (["containerd", "--config=/a.toml"], "/a.toml"),
        (["containerd", "-c", "/a.toml"], "/a.toml"),
        (["containerd", "-c"], None),
    ],
)
def test_the_file_on_the_command_line(words, found):
    assert process.config_argument(words) == found


def test_the_files_of_a_unit_override_its_environment(tmp_path):
    (tmp_path / "proxy").write_text('# HTTP_PROXY=old\nNO_PROXY="a,b"\n\nHTTP_PROXY=file\nnot "closed\n')
    shown = [
        ("Environment", '"HTTP_PROXY=unit" HTTPS_PROXY=unit'),
        ("EnvironmentFiles", f"{tmp_path}/pro* (ignore_errors=yes)"),
    ]
    assert process.proxies(process.unit_environment(shown)) == {"http": "file", "https": "unit", "no": "a,b"}
