# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of containerd's complaints; all but the made-up ones were said by 1.4.13, 1.6.20, 1.7.24 or 2.1.9."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import complaints

AUTH = "plugins.io.containerd.grpc.v1.cri.registry.configs.r.lan.auth"
CASES = {
    f"containerd: Near line 4 (last key parsed '{AUTH}.password'): expected value but found \"S\" instead":
        "containerd: Near line 4 (last key parsed ******** expected value but found ******** instead",
    f"containerd: Near line 5 (last key parsed '{AUTH}.S3cret'): Key '{AUTH}.S3cret' has already been defined.":
        "containerd: Near line 5 (last key parsed ******** Key ******** has already been defined.",
    "containerd: toml: cannot load TOML value of type int64 into a Go string": None,
    "containerd: (4, 3): Can't convert 55555(int64) to string": "containerd: (4, 3): Can't convert ******** to string",
    "containerd: (4, 3): Can't convert [S3cret 5]([]interface {}) to a slice":
        "containerd: (4, 3): Can't convert ******** to a slice",
    "containerd: failed to load TOML: /etc/x.toml: (4, 15): unescaped control character U+000A":
        "containerd: failed to load TOML: /etc/x.toml: (4, 15): unescaped control character ********",
    "containerd: failed to load TOML: /etc/y.toml: (4, 14): no value can start with S":
        "containerd: failed to load TOML: ******** (4, 14): no value can start with ********",
    'containerd: failed to load TOML: /etc/x.toml: (4, 14): parsing time "2020-55-55": month out of range':
        "containerd: failed to load TOML: /etc/x.toml: (4, 14): parsing time ******** month out of range",
    "containerd: failed to unmarshal TOML at row 4 column 14: toml: unexpected character U+0053 'S' at start of value":
        "containerd: failed to unmarshal TOML at row 4 column 14: toml: unexpected character ******** at start "
        "of value",
    "containerd: failed to unmarshal TOML at row 5 column 1: toml: key S3cret is already defined":
        "containerd: failed to unmarshal TOML at row 5 column 1: toml: key ******** is already defined",
    'time="2026-11-24T04:05:50Z" level=error msg="Failure unmarshaling TOML" column=9 '
    'error="toml: expected \'=\' after key" file=/etc/x.toml row=4':
        '******** level=error msg="Failure unmarshaling TOML" column=9 error="toml: expected ******** key" '
        'file=/etc/x.toml row=4',
    "containerd: failed to load TOML from /etc/x.toml: unsupported config version `3`":
        "containerd: failed to load TOML from /etc/x.toml: unsupported config version `3`",
    'containerd: (made up) toml: invalid disabled plugin URI "cri" expect "io.containerd.x.v1"':
        'containerd: ******** toml: invalid disabled plugin URI "cri" expect "io.containerd.x.v1"',
    'level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="invalid plugin config: `mirrors` '
    'cannot be set when `config_path` is provided"': None,
    "containerd: listen unix /run/containerd/containerd.sock: bind: address already in use": None,
    "made up: proxy http://u:S3cret@p.lan:80 said Basic UzNjcmV0": "made up: proxy http://********@p.lan:80 said "
    "Basic ********",
    "containerd: open /opt/kata/config.d/kata-deploy.toml: no such file or directory": None,
    "containerd: failed to load TOML: /a b/x.toml: open /o/x.toml: no such file or directory": None,
    "containerd: failed to load TOML: /etc/x.toml: read /etc/S3cret: is a directory of 'S3cret'":
        "containerd: failed to load TOML: /etc/x.toml: read ******** is a directory of ********",
    "": None,
}  # fmt: skip


@pytest.mark.parametrize("said", CASES)
def test_words(said):
    shown = complaints.words(said, ("/etc/x.toml",))
    assert shown == (said if CASES[said] is None else CASES[said])
    assert "S3cret" not in shown and "55555" not in shown


def test_a_password_of_punctuation_and_a_long_line():
    assert complaints.words("toml: no value can start with ::") == "toml: no value can start with ********"
    assert len(complaints.words("x" * 1000000)) < complaints.MAX_LENGTH + 10
    assert len(complaints.words("toml " * 100000)) < complaints.MAX_LENGTH + 10
