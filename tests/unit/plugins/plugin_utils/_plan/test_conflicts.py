# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else on a node decides where images come from."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._node import observe, process
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import proxies, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import replies
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import conflicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

V2 = 'plugins."io.containerd.grpc.v1.cri"'


@pytest.mark.parametrize(
    ("unit", "started", "refused"),
    [
        (None, None, False),
        ("/etc/containerd/config.toml", "/other.toml", False),
        (None, "/real.toml", False),
        (None, "/other.toml", True),
        ("/other.toml", None, True),
    ],
)
def test_another_file_in_the_command_line_is_refused(unit, started, refused):
    observed = {
        "daemon": {"id": "1:1"},
        "unit": {"found": True, "config": unit},
        "started_with": {"config": started},
        "config": {"path": "/etc/containerd/config.toml", "real_path": "/real.toml"},
    }
    if not refused:
        conflicts.check_config_in_use(observed, "pre_")
        return
    with pytest.raises(Refusal, match="with /other.toml, .* set pre_config_file to /other"):
        conflicts.check_config_in_use(observed, "pre_")


@pytest.mark.parametrize(
    ("url", "no", "direct"),
    [
        ("http://registry.lan", None, False),
        ("http://registry.lan", "*", True),
        ("http://registry.lan", "localhost, Registry.LAN ", True),
        ("http://registry.lan", "lan", True),
        ("http://registry.lan", ".lan", True),
        ("http://registry.lan", "*.lan", True),
        ("http://lan", ".lan", False),
        ("http://registry.lan", "try.lan", False),
        ("http://registry.lan:5000", "registry.lan:80", False),
        ("http://registry.lan", "registry.lan:80", True),
        ("http://registry.lan", "10.0.0.0/8", False),
        ("http://10.77.0.5:5000", "10.0.0.0/8", True),
        ("http://10.77.0.5", "10.77.0.5", True),
        ("http://10.77.0.5", "10.77.0.5:81", False),
        ("http://[fd00::5]:5000", "fd00::/8", True),
        ("http://[fd00::5]", "fd00::5", True),
        ("http://[fd00::5]:81", "[fd00::5]:80", False),
        ("http://10.77.0.5", "nonsense/99,,", False),
        ("http://localhost:5000", None, True),
        ("http://127.0.0.2", None, True),
        ("https://registry.lan", None, True),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(url, no, direct):
    environment = {"http": "http://proxy:3128", "https": None, "no": no}
    assert (proxies.proxy_for(url, environment) is None) == direct


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


def test_a_file_where_hosts_dir_has_to_be(tmp_path):
    hosts_dir = tmp_path / "certs.d"
    assert observe._blocked_by(f"{hosts_dir}/more") is None
    hosts_dir.touch()
    assert observe._blocked_by(f"{hosts_dir}/more") == observe._blocked_by(str(hosts_dir)) == str(hosts_dir)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"blocked_by": "/etc/containerd"}, "/etc/containerd is a file where a directory has to be"),
        ({"hosts": {"quay.io": {}}}, "/c/quay.io is a file where a directory has to be"),
        ({"hosts": {"q.io": {}}}, None),
        ({"hosts": {"_backup": None}}, "/c/_backup shows that another tool"),
    ],
)
def test_where_no_file_can_be(changes, text):
    observed = {"hosts_dir": "/c", "hosts": {}, "blocked_by": None, **changes}
    if text is None:
        return conflicts.check_hosts_dir(observed, ["quay.io"])
    with pytest.raises(Refusal) as caught:
        conflicts.check_hosts_dir(observed, ["quay.io"])
    assert text in str(caught.value)


MAIN = f'version = 2\n[{V2}.registry]\nconfig_path = "/c"\n'


def _override(version: str, *texts: str) -> str | None:
    imports = [{"path": f"/d/{number}.toml", "content": replies.content(text)} for number, text in enumerate(texts)]
    rel = releases.release(releases.parse(version))
    return conflicts.override(load(MAIN), imports, rel, {"config_path": "/c", "mirrors": {}})


@pytest.mark.parametrize(
    ("version", "texts", "named"),
    [
        ("1.7.24", [], None),
        ("1.7.24", [f"[{V2}]\nmax_concurrent_downloads = 4\n"], "/d/0.toml"),
        ("1.7.24", [f"[{V2}]\nx = 4\n", f'[{V2}.registry]\nconfig_path = "/c"\n'], None),
        ("1.7.24", ["[plugins.other]\nx = 1\n", "not toml ="], None),
        ("2.1.9", [f"[{V2}]\nmax_concurrent_downloads = 4\n"], None),
        ("2.1.9", [f'[{V2}.registry]\nconfig_path = ""\n'], "/d/0.toml"),
        ("2.1.9", [f'[{V2}.registry.mirrors."docker.io"]\nendpoint = ["http://x"]\n'], "/d/0.toml"),
        ("2.1.9", [f'[{V2}.registry]\nconfig_path = "/c"\n'], None),
    ],
)
def test_imported_files_that_take_the_settings_away(version, texts, named):
    reason = _override(version, *texts)
    assert reason is None if named is None else reason.startswith(named)


def test_hidden_from_the_catch_all():
    found = {"a.lan": None, "b.lan_81_": None, "b.lan_81_/hosts.toml": {}, "c.lan": None, "c.lan/hosts.toml": {}}
    found |= {"docker.io": None, "_default": None, "_backup": None, "d.lan:82": None}
    wanted = {"_default/hosts.toml": "", "docker.io/hosts.toml": "", "d.lan_82_/hosts.toml": ""}
    hidden = conflicts.shadowing(wanted, "/c", found, {"/c/c.lan/hosts.toml"})
    assert set(hidden) == {"a.lan", "b.lan:81"}
    assert "asks it itself" in hidden["a.lan"] and "/c/b.lan_81_/hosts.toml is by somebody else" in hidden["b.lan:81"]
    assert conflicts.shadowing({"docker.io/hosts.toml": ""}, "/c", found, ()) == {}
