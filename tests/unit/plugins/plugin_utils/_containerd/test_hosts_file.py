# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""hosts.toml files that somebody else wrote, as each release reads them."""

from __future__ import annotations

import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import hosts_file, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.hosts_file import HostEntry

OLD, NEW = releases.release((1, 6, 20)), releases.release((2, 1, 9))
NEWEST = releases.release((2, 2, 0))
HERE = "/etc/containerd/certs.d/docker.io"


def read(text, rel=NEW):
    return hosts_file.read(text, rel, HERE)


def urls(text, rel=NEW):
    return [f"{each.scheme}://{each.host}{each.path}" for each in read(text, rel).hosts]


def test_an_endpoint_with_everything():
    text = """
server = "https://up.lan"
[host."https://m.lan:8443/v2/p"]
capabilities = ["Pull", "resolve"]
override_path = true
skip_verify = false
ca = ["ca.pem", "/etc/other.pem"]
client = ["both.pem", ["c.pem", "/etc/k.pem"]]
dial_timeout = "1m30s"
[host."https://m.lan:8443/v2/p".header]
Authorization = "Basic dTpw"
X-Many = ["a", "b"]
"""
    found = read(text)
    assert found.discarded is None and found.ignored == ()
    assert found.server.host == "up.lan" and found.server.capabilities == ("pull", "resolve", "push")
    assert found.hosts == (
        HostEntry(
            written="https://m.lan:8443/v2/p",
            scheme="https",
            host="m.lan:8443",
            path="/v2/p",
            capabilities=("pull", "resolve"),
            override_path=True,
            ca=(f"{HERE}/ca.pem", "/etc/other.pem"),
            client=((f"{HERE}/both.pem", ""), (f"{HERE}/c.pem", "/etc/k.pem")),
            skip_verify=False,
            headers={"Authorization": ("Basic dTpw",), "X-Many": ("a", "b")},
            dial_timeout="1m30s",
        ),
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://m", "http://m/v2"),
        ("m.lan:5000", "https://m.lan:5000/v2"),
        ("http://m/", "http://m//v2"),
        ("http://m/p/../q/", "http://m/q/v2"),
        ("http://u:p@m/x?y=1#z", "http://m/x/v2"),
        ("http://[fd00::1]:80", "http://[fd00::1]:80/v2"),
        ("HTTP://m", "https://HTTP:/m/v2"),
        ("httpbin.lan", "://httpbin.lan/v2"),
        ("httpbin.lan:5000", "httpbin.lan:///v2"),
        ("http://m/%7Ep", "http://m/~p/v2"),
    ],
)
def test_urls_as_go_reads_them(url, expected):
    assert urls(f'[host."{url}"]') == [expected]


@pytest.mark.parametrize(
    ("text", "rel", "words"),
    [
        ('server = "http://m"', OLD, "hosts.toml: invalid `host` tree"),
        ('host = "x"', OLD, "hosts.toml: invalid `host` tree"),
        ("[host\n", OLD, "hosts.toml: failed to parse TOML: …"),
        ("[host\n", NEW, f"{HERE}/hosts.toml: toml: …"),
        ('[host."http://m"]\ncapabilities = "pull"', OLD, "hosts.toml: (…"),
        ('[host."http://m"]\nskip_verify = "true"', NEW, f"{HERE}/hosts.toml: toml: …"),
        ('[host."http://m"]\ncapabilities = ["pul"]', NEW, f"{HERE}/hosts.toml: unknown capability pul"),
        ('[host."http://m"]\ncapabilities = ["referrers"]', NEW, f"{HERE}/hosts.toml: unknown capability referrers"),
        ('[host."http://m"]\nca = 5', OLD, 'hosts.toml: invalid type 5 for "ca"'),
        ('[host."http://m"]\nca = [true]', OLD, "hosts.toml: unable to cast true to string"),
        ('[host."http://m"]\nclient = [["a"]]', OLD, 'hosts.toml: invalid pair [a] for "client"'),
        ('[host."http://m"]\ndial_timeout = "5"', NEW, f"{HERE}/hosts.toml: time: …"),
        (
            '[host."http://u:secret@m:x"]',
            OLD,
            'hosts.toml: unable to parse server http://********@m:x: parse "http://********@m:x": '
            'invalid port ":x" after host',
        ),
        ('[host."http://m"]\n[host."http://m".header]\nAuthorization = 5', OLD, "hosts.toml: invalid type …"),
        ('[host."http://[fd00::1]:80"]', OLD, "hosts.toml: failed to parse TOML: …"),
    ],
)
def test_discarded(text, rel, words):
    found = read(text, rel)
    assert found.discarded and found.hosts == () and found.server is None
    assert found.log == f"failed to decode {words}"


def test_what_newer_releases_accept():
    assert read('[host."http://m"]\ncapabilities = ["referrers"]', NEWEST).discarded is None
    assert read('server = "http://m"', releases.release((1, 7, 32))).server.host == "m"
    assert read('[host."http://m"]\ndial_timeout = 5', OLD).ignored == ("dial_timeout of http://m: unknown",)


def test_order_and_what_is_not_seen():
    later_header = '[host."http://a"]\n[host."http://b"]\n[host."http://a".header]\nX = "1"'
    assert urls(later_header, OLD) == ["http://a/v2", "http://b/v2"]
    assert urls(later_header, NEW) == ["http://a/v2", "http://b/v2", "http://a/v2"]
    inline = 'host = {"http://b" = {}, "http://a" = {}}'
    assert sorted(urls(inline, OLD)) == ["http://a/v2", "http://b/v2"]
    assert "in random order" in read(inline, OLD).ignored[0]
    assert urls(inline, NEW) == []
    assert "no [host.'http://b'] header" in read(inline, NEW).ignored[0]
    mixed = '[host."http://c"]\n[host]\n"http://a" = {}'
    assert urls(mixed, OLD) == ["http://a/v2", "http://c/v2"]


def test_capitals():
    assert read('Server = "http://m"\n[host]', OLD).server.written == ""
    assert read('SERVER = "http://m"\n[host]', OLD).server.written == "http://m"
    assert read('Server = "http://m"', NEW).server.written == "http://m"


def test_keys_without_effect():
    text = '[host."http://m"]\nserver = "http://up"\nplain_http = true'
    assert read(text).ignored == (
        "server: it is below [host.'http://m'] and therefore belongs to that table",
        "plain_http of http://m: unknown",
    )


@pytest.mark.parametrize(
    ("text", "crashes"),
    [
        ('[host]\n"http://a".capabilities = ["pull"]\n"http://a".skip_verify = true\n', True),
        ('host."http://a".capabilities = ["pull"]\nhost."http://a"."Skip_Verify" = true\n', True),
        ('[host]\n"http://a".skip_verify = true\n"http://a".capabilities = ["pull"]\n', False),
        ('[host]\n"http://a".capabilities = ["pull"]\n"http://b".skip_verify = true\n', False),
        ('[host."http://a"]\ncapabilities = ["pull"]\nskip_verify = true\n', False),
        ('[host]\n"http://a" = {capabilities = ["pull"], skip_verify = true}\n', False),
        ("capabilities = ['pull']\nskip_verify = true\n[host]\n", False),
    ],
)
def test_a_crash_of_2_2_and_2_3(text, crashes):
    """Seen with 2.2.7 and 2.3.4, and no more with 2.4.0-beta.0."""
    for version in ((2, 2, 7), (2, 3, 4)):
        found = read(text, releases.release(version))
        assert found.crash == crashes and ("which crashes containerd" in (found.discarded or "")) == crashes
    assert not read(text, NEW).crash and not read(text, releases.release((2, 4, 0))).crash


def test_a_crash_of_old_releases():
    assert read('[host]\n"http://a" = 1\n"http://b" = 2', OLD).crash
    assert not read('[host]\n"http://a" = 1\n"http://b" = 2', NEW).crash


def test_escapes_in_a_key():
    text = '[host."http://m\\u0031"]\n"skip_\\u0076erify" = true\n[x.\'y\'."\\u0031"]\n'
    assert urls(text, NEW) == ["http://m1/v2"]
    assert read(text, OLD).discarded
    assert read(text.replace("m\\u0031", "m"), OLD).hosts[0].skip_verify is None


def test_bytes():
    assert hosts_file.read_bytes(b'\xef\xbb\xbf[host."http://m"]', OLD, HERE).hosts[0].host == "m"
    assert hosts_file.read_bytes(b'\xef\xbb\xbf[host."http://m"]', NEW, HERE).discarded
    assert hosts_file.read_bytes(b"# \xff\n[host]", OLD, HERE).discarded is None
    assert "UTF-8 (byte 2)" in hosts_file.read_bytes(b"# \xff\n[host]", NEW, HERE).discarded


USED_UP_TO_1_7 = (
    'server = "http://up"\r[host."http://m"]\r',
    'x = 07\n[host."http://m"]\n',
    '# a\x01b\x7f\n[host."http://m"]\n',
    'host."http://m".skip_verify = true\n[host]\n',
    '[host."http://m"]\n[host]\n"http://m".skip_verify = true\n',
    "[x]a = 1\n[[y.z]] b = [1]\nc = 2\n[host] [host.'http://m'] skip_verify = true\n",
    'x = [-07, 07.5]\n[host."http://m"]\n',
    'server = "http:\\/\\/up\\ "\n[host."http://m"]\n',
    'host = {\n"http://m" = {\nskip_verify = true\n}\n}\n',
)
USED_SINCE_2 = (
    'x = { a = 1, }\n[host."http://m"]\n',
    'x = {\na = 1\n}\n[host."http://m"]\n',
    'x = { a = 1\n, b = 2 }\n[host."http://m"]\n',
    'x = "\\e\\x41\\\\x"\n[host."http://m"]\n',
)
USED_NEVER = (
    '[host."http://m"]\n[host."http://m"]\n',
    'a = 1\na = 2\n[host."http://m"]\n',
    '[host]\n"http://m" = { skip_verify = true }\n[host."http://m".header]\n',
    'x = 1 y = 2\n[host."http://m"]\n',
    'x =\n[host."http://m"]\n',
    '[host."http://m"\n',
    'x = {a =\n1}\n[host."http://m"]\n',
    'x = {a\n= 1}\n[host."http://m"]\n',
    'x = {\na = 1, b = # why\n 2}\n[host."http://m"]\n',
    'x = "\\z"\n[host."http://m"]\n',
    'x = 1__0\n[host."http://m"]\n',
)


@pytest.mark.parametrize("text", USED_UP_TO_1_7)
def test_what_go_toml_v1_takes_beyond_toml_1_0(text):
    assert urls(text, OLD) == ["http://m/v2"]


@pytest.mark.parametrize("text", [each for each in USED_UP_TO_1_7 if "{" not in each])
def test_what_only_go_toml_v1_takes(text):
    assert read(text, NEW).discarded


@pytest.mark.parametrize("text", USED_SINCE_2)
def test_what_go_toml_v2_takes_beyond_toml_1_0(text):
    assert urls(text, NEW) == ["http://m/v2"]


@pytest.mark.parametrize("text", USED_NEVER)
@pytest.mark.parametrize("rel", [OLD, NEW], ids=str)
def test_what_no_release_takes(text, rel):
    assert read(text, rel).discarded


@pytest.mark.parametrize("text", [each for each in USED_SINCE_2 if "{\n" not in each])
def test_what_only_go_toml_v2_takes(text):
    assert read(text, OLD).discarded
