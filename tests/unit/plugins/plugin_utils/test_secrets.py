# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are hidden by their keys, in data, in TOML and in text that is no longer TOML."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.airgap.containerd.plugins.plugin_utils import _secrets
from ansible_collections.airgap.containerd.plugins.plugin_utils._secrets import MASK
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import masking
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load


def test_data() -> None:
    data = {
        "configs": {"io": {"auth": {"username": "io", "Password": "io", "identitytoken": "io", "auth": "io"}}},
        "host": {"http://u:io@h": {"header": {"Authorization": "Basic aW8=", "X": ["io", "io"], "n": None}}},
        "proxy-authorization": "io",
        "registry_password": "io",
        "identity_token": 5,
        "registrytoken": ["io"],
        "secret": {"any": {"thing": "io"}},
        "endpoint": ["http://user:p@ss/w@io:80/x", "io"],
        "auth": [{"username": "io", "passwd": "io"}],
        "password": None,
        "author": "io",
        "number": 5,
    }
    before = json.dumps(data)
    assert _secrets.mask_data(data) == {
        "configs": {"io": {"auth": {"username": "io", "Password": MASK, "identitytoken": MASK, "auth": MASK}}},
        "host": {f"http://{MASK}@h": {"header": {"Authorization": MASK, "X": MASK, "n": None}}},
        "proxy-authorization": MASK,
        "registry_password": MASK,
        "identity_token": MASK,
        "registrytoken": MASK,
        "secret": {"any": {"thing": MASK}},
        "endpoint": [f"http://{MASK}@io:80/x", "io"],
        "auth": [{"username": "io", "passwd": MASK}],
        "password": None,
        "author": "io",
        "number": 5,
    }
    assert json.dumps(data) == before


TOML_CASES = {
    "strings of one line": (
        "password = \"io\" # rotated\nToken = 'io'\nio = 'io'\n",
        'password = "********" # ********\nToken = "********"\nio = \'io\'\n',
    ),
    "strings of several lines": (
        'secret = """\nio""""" # x\npasswd = \'\'\'io\n\'\'\'\n',
        'secret = "********" # ********\npasswd = "********"\n',
    ),
    "a key is found however it is spelled": (
        '"auth".\'io\' . "pass\\u0077ord"="io"\r\na.auth.password = "io"\r\ntoken = "io"',
        '"auth".\'io\' . "pass\\u0077ord"="********"\r\na.auth.password = "********"\r\ntoken = "********"',
    ),
    "the table auth is no secret": (
        '[a.configs."io".auth]\n  username = "io"\n  password = "io"\n',
        '[a.configs."io".auth]\n  username = "io"\n  password = "********"\n',
    ),
    "headers": (
        '[host."http://io".header]\n  Authorization = "io"\n  X = [ # io\n    "io", "io"]\n[io]\nx = "io"\n',
        '[host."http://io".header]\n  Authorization = "********"\n  X = "********"\n[io]\nx = "io"\n',
    ),
    "tables below headers, and beside": (
        '[headers.a]\nx = "io"\n[[header]]\nx = "io"\n[head]\nx = "io"\nheader.x = "io"\n',
        '[headers.a]\nx = "********"\n[[header]]\nx = "********"\n[head]\nx = "io"\nheader.x = "********"\n',
    ),
    "inline tables": (
        'x = [{ io = "io", auth = { auth = "io", y = 1 } }, { header = { A = ["io"] } }]\n',
        'x = [{ io = "io", auth = { auth = "********", y = 1 } }, { header = { A = "********" } }]\n',
    ),
    "user and password in an address": (
        'endpoint = ["http://io:p@ss@h:80/x", "http://h:80/x"]\n[host."https://u:p@h"]\n',
        'endpoint = ["http://********@h:80/x", "http://h:80/x"]\n[host."https://********@h"]\n',
    ),
    "comments with settings": (
        "# password = 'io'\n#token: io\n# the token comes from the vault\n# auth.auth = 'x'\nx = 1 # secret = \"io\"\n",
        "# password ********\n# ********\n# ********\n# ********\nx = 1 # secret ********\n",
    ),
    "comments in prose": ("# the token comes from the vault\nx = 1 # one\n", "# the token ********\nx = 1 # one\n"),
    "comments with credentials": ("x = 1 # was Basic aW86aW86aW8=\n", "x = 1 # was Basic ********\n"),
    "comments with tables and long values": (
        '# [host.header]\n#  X = "io"\n#  Y = "io"\n\n# password = """io\n# io = "io"\n# io\nx = 1\n',
        "# [host.header ********\n# ********\n# ********\n\n# password ********\n# ********\n# ********\nx = 1\n",
    ),
    "comments in header tables": (
        '[header]\n# X = "io"\nx = 1 # io\n',
        '[header]\n# ********\nx = "********" # ********\n',
    ),
    "a password whose quotes were not escaped": ('password = "a"#io"\n', 'password = "********"# ********\n'),
    "no TOML": ('a = 1\npassword = "io\nio io"\nb = 2\n', "# not TOML: ********\n"),
    "nothing to hide": ('version = 2\n[a."author"]\nb = { c = [1] }\n', None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "expected"), TOML_CASES.values(), ids=TOML_CASES)
def test_toml(text: str, expected: str | None) -> None:
    masked = masking.mask_toml(text)
    assert masked == (text if expected is None else expected)
    assert masking.mask_toml(masked) == masked


LOGINS = [
    "https://hunter2@h/x",
    "//u:hunter2@h",
    "u:hunter2@h:5000",
    "https://u:hunt er2@h",
    "https://u:\"hunter2'@h",
    "https://u:" + "x" * 600 + "hunter2@h",
    "https://u:p@ss/hunter2@h",
    "https://h/x?a=1&token=hunter2&b=2",
    "https://h/?X-Amz-Secret=hunter2",
]
KEYS = ["secretKey", "api_key", "apiKey", "passphrase", "key-passphrase", "access.key", "PRIVATE_KEY", "client_secret"]


@pytest.mark.parametrize("value", LOGINS)
def test_a_login_is_hidden_however_a_url_holds_it(value: str) -> None:
    for data in ({"a": value}, {"a": [value, "x"]}, {"a": {value: 1}}, {"a": [{"b": value}]}):
        assert "hunter2" not in json.dumps(_secrets.mask_data(data)), data
    for written in (json.dumps(value), f"[{json.dumps(value)}, 'x'] # x", f'"""\n{value}\n"""'):
        text = f"a = {written}\nb = 'h' # was {value.replace(' ', '')}\n"
        assert "hunter2" not in masking.mask_toml(text), text
    assert masking.holds_secret(f"a = {json.dumps(value)}\n")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_secret_is_known_however_it_is_written(key: str) -> None:
    assert _secrets.mask_data({key: "hunter2"}) == {key: MASK}
    assert "hunter2" not in masking.mask_toml(f"{json.dumps(key)} = 'hunter2' # {key} = hunter2\n")


@pytest.mark.parametrize(
    "value",
    [
        "http://h:80/v2/a/manifests/sha256:1", "registry.lan:5000/a/b@sha256:" + "0" * 64, "registry.lan/a:1@sha256:0",
        "https://h/users/me@example.org", "me@example.org", "see http://a.lan/b and ask me@b", "a//b", "@", "//@",
        "?page=2&key=value", "?=&", "tls_key_file",
    ],
)  # fmt: skip
def test_what_is_no_login_is_shown(value: str) -> None:
    assert _secrets.mask_data({"a": value, "key_file": value}) == {"a": value, "key_file": value}


def test_masking_takes_no_time_on_what_looks_like_logins() -> None:
    for text in ("//a:" * 50_000, "://u:" * 50_000 + "@", "?token" * 50_000, "u:@" * 50_000, "&a=" * 50_000):
        _secrets.mask_data({"a": text})
        _secrets.without_logins(text)


def test_basic_authorization() -> None:
    assert _secrets.basic_authorization("robot$puller", "S3cret+/p$ss") == "Basic cm9ib3QkcHVsbGVyOlMzY3JldCsvcCRzcw=="
    assert _secrets.basic_authorization("ü", "é:x") == "Basic w7w6w6k6eA=="
    assert _secrets.basic_authorization("a:b", "c") == "Basic YTpiOmM=", "as containerd sends what config.toml holds"


# --- properties ---

HIDDEN = "hunter2"
PLAIN_KEYS = st.sampled_from(["a", "b", "endpoint", "k k", "author", 'q"'])
SECRET_KEYS = st.sampled_from(["password", "Token", "passwd", "auth", "secret", "identitytoken", "Authorization"])
PLAIN_VALUES = st.sampled_from(["x", 1, True, ["y", "z"], "# =", "a'b", "[h]", "{"])
SECRET_VALUES = st.sampled_from([HIDDEN, [HIDDEN], f"{HIDDEN} # {HIDDEN}", f'"{HIDDEN}', f"{HIDDEN}'{HIDDEN}"])
PAIRS = st.lists(st.tuples(PLAIN_KEYS, PLAIN_VALUES) | st.tuples(SECRET_KEYS, SECRET_VALUES), max_size=4).map(dict)
TABLES = st.lists(
    st.tuples(st.sampled_from(["t", "u", "auth"]), PAIRS)
    | st.tuples(st.just("header"), st.dictionaries(PLAIN_KEYS, SECRET_VALUES, max_size=2)),
    max_size=3,
).map(dict)


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a TOML text in which HIDDEN occurs as a secret only."""
    lines = [f"{json.dumps(key)} = {written(value)} # x" for key, value in draw(PAIRS).items()]
    lines += [f"i{name} = {written({name: pairs})}" for name, pairs in draw(TABLES).items()]
    for name, pairs in draw(TABLES).items():
        lines.append(f"[top.{name}]")
        lines += [f"  {key if key.isalnum() else json.dumps(key)} = {written(value)}" for key, value in pairs.items()]
    return "\n".join(lines) + "\n"


@settings(max_examples=200, deadline=None)
@given(documents())
def test_masked_text_means_masked_data(text: str) -> None:
    masked = masking.mask_toml(text)
    assert HIDDEN not in masked
    assert load(masked) == _secrets.mask_data(load(text))


@settings(max_examples=500, deadline=None)
@given(documents(), st.data())
def test_a_torn_text_does_not_leak(text: str, data: st.DataObject) -> None:
    signs = [index for index, char in enumerate(text) if char in "\"'=[]{},\\"]
    for index in sorted(data.draw(st.sets(st.sampled_from(signs), max_size=3)) if signs else (), reverse=True):
        text = text[:index] + data.draw(st.sampled_from(["", "", '"', "\n"])) + text[index + 1 :]
    assert HIDDEN not in masking.mask_toml(text)
