# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables `mirrors` and `endpoints`: what they mean, and the message for each mistake."""

from __future__ import annotations

import base64

import pki
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired as desired_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.types import Endpoint, Mirror, Pem
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

URL = "http://registry.lan"
CERT, KEY = pki.pair()
OTHER_CERT, OTHER_KEY = pki.pair()
ENCRYPTED = pki.pair(passphrase="x")
SECRET = "S3cret-of-mine"


def desired(**options) -> Desired:
    return desired_module.desired({"url": URL, "upstreams": ["docker.io", "quay.io"], **options}, "pre_")


def test_endpoints_in_their_order():
    wanted = desired(
        mirrors={
            "docker.io": {
                "endpoints": [
                    {"url": "https://h.lan:8443", "project": "hub", "capabilities": ["pull"], "dial_timeout": "500ms"},
                    {"url": "https://nexus.lan/repository/docker", "project": "p"},
                    {"url": "http://odd.lan", "path": "/proxy/of/docker/"},
                    "http://[fd00::5]:5000/",
                ],
                "fallback": "upstream",
            },
            "quay.io": "http://q.lan",
        }
    )
    assert wanted.mirrors["docker.io"] == Mirror(
        (
            Endpoint("https://h.lan:8443", "/v2/hub", ("pull",), "500ms"),
            Endpoint("https://nexus.lan", "/repository/docker/v2/p"),
            Endpoint("http://odd.lan", "/proxy/of/docker"),
            Endpoint("http://[fd00::5]:5000"),
        ),
        "upstream",
    )
    assert wanted.mirrors["quay.io"] == Mirror((Endpoint("http://q.lan"),), "none")
    assert wanted.mirrors["*"] == Mirror((Endpoint(URL),)), "what mirrors does not name is derived"


def test_endpoints_serve_their_own_images_themselves():
    wanted = desired(mirrors={"docker.io": [{"url": "https://nexus.lan/repository/docker", "project": "p"}]})
    assert wanted.mirrors["nexus.lan"] == Mirror((Endpoint("https://nexus.lan", "/repository/docker/v2"),))
    assert (
        desired(mirrors={"a.io": ["http://b.io"], "b.io": ["http://c.io"]}).mirrors["b.io"].endpoints[0].host == "c.io"
    )


def test_urls_of_each_mode():
    prefixed = Endpoint("https://nexus.lan", "/repository/docker/v2")
    assert prefixed.url == "https://nexus.lan/repository/docker" and not prefixed.overrides_path
    assert prefixed.legacy_url == "https://nexus.lan/repository/docker/v2", "legacy mirrors take a path as it is"
    assert Endpoint("http://h").legacy_url == "http://h", "and http://h/ would lose /v2"
    assert Endpoint("http://odd.lan", "/proxy").api == "http://odd.lan/proxy/"
    assert Endpoint("http://h", "/x/v2/p/q").api == "http://h/x/v2/"


def test_mirrors_alone_are_enough():
    wanted = desired_module.desired({"mirrors": {"docker.io": ["http://a.lan"]}, "upstreams": ["quay.io"]})
    assert set(wanted.mirrors) == {"docker.io", "a.lan", "a.lan:80"}


def test_an_entry_replaces_the_derived_one_whole():
    wanted = desired(projects={"docker.io": "hub"}, mirrors={"docker.io": ["http://a.lan"]})
    assert [each.url for each in wanted.mirrors["docker.io"].endpoints] == ["http://a.lan"]


@pytest.mark.parametrize(
    ("given", "auth", "authorization"),
    [
        ({"username": "robot$x", "password": "p"}, {"username": "robot$x", "password": "p"}, "Basic cm9ib3QkeDpw"),
        ({"auth": "cm9ib3QkeDpw"}, {"auth": "cm9ib3QkeDpw"}, "Basic cm9ib3QkeDpw"),
        ({"auth": "Basic cm9ib3QkeDpw"}, {"auth": "cm9ib3QkeDpw"}, "Basic cm9ib3QkeDpw"),
        ({"auth": "Bearer abc"}, {}, "Bearer abc"),
        ({"identity_token": "t"}, {"identitytoken": "t"}, None),
        ({"username": None, "password": None}, {}, None),
    ],
)
def test_logins(given, auth, authorization):
    access = desired(endpoints={URL: given}).access["registry.lan:80"]
    assert (access.auth, access.authorization) == (auth, authorization)


@pytest.mark.parametrize(
    "key",
    ["registry.lan", "registry.lan:80", "http://registry.lan", "http://Registry.lan:80/", "http://registry.lan/x"],
)
def test_an_endpoint_has_many_names(key):
    access = desired(endpoints={key: {"headers": {"X-A": "b"}}}, username="u", password="p").access
    assert list(access) == ["registry.lan:80"]
    assert access["registry.lan:80"].headers == {"X-A": "b"} and access["registry.lan:80"].auth["username"] == "u"


@pytest.mark.parametrize(
    ("key", "identity"),
    [("[fd00::5]:5000", "[fd00::5]:5000"), ("https://[fd00::5]", "[fd00::5]:443"), ("own.lan:5000", "own.lan:5000")],
)
def test_ports_and_ipv6(key, identity):
    mirrors = {"docker.io": ["http://[fd00::5]:5000"], "quay.io": ["https://[fd00::5]"]}
    wanted = desired(endpoints={key: {"auth": "dTpw"}}, mirrors=mirrors, direct=["own.lan:5000"])
    assert list(wanted.access) == [identity] and not wanted.warnings


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "gbk"])
def test_what_is_around_the_blocks_of_a_ca_counts_for_nothing(tmp_path, encoding):
    words = {"utf-8": "Autorité 中", "latin-1": "Autorité", "gbk": "中"}[encoding]
    (tmp_path / "ca.pem").write_bytes(f"# {words}\n{CERT}# {words}\n{CERT}".encode(encoding))
    https = {"url": "https://registry.lan"}
    file = desired(**https, endpoints={"registry.lan": {"ca": str(tmp_path / "ca.pem")}})
    assert file.access["registry.lan:443"].ca == Pem(text=CERT + CERT)
    text = desired(**https, endpoints={"registry.lan": {"ca": f"{words}\n{CERT}"}})
    assert text.access["registry.lan:443"].ca == Pem(text=CERT)


def test_pem_as_text_as_file_and_on_the_node(tmp_path):
    (tmp_path / "ca.pem").write_text("a comment\n" + CERT)
    https = {"url": "https://registry.lan"}
    text = desired(**https, endpoints={"registry.lan": {"ca": CERT, "client_cert": CERT, "client_key": KEY}})
    assert text.access["registry.lan:443"].ca == Pem(text=CERT)
    file = desired(**https, endpoints={"registry.lan": {"ca": str(tmp_path / "ca.pem")}})
    assert CERT.strip() in file.access["registry.lan:443"].ca.text
    node = desired(**https, endpoints={"registry.lan": {"ca": "/etc/ca.pem", "remote_src": True}})
    assert node.access["registry.lan:443"].ca == Pem(path="/etc/ca.pem")
    both = desired(**https, endpoints={"registry.lan": {"client_cert": CERT + KEY}}).access["registry.lan:443"]
    assert both.client_cert == both.client_key


def test_a_certificate_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "ca.der").write_bytes(b"\x30\x82\xff")
    with pytest.raises(Refusal, match=r"\].ca: '.*ca.der' is not a PEM file: convert it with openssl"):
        desired(url="https://registry.lan", endpoints={"registry.lan": {"ca": str(tmp_path / "ca.der")}})


def test_an_endpoint_that_nothing_asks_is_told():
    (warning,) = desired(endpoints={"regisrty.lan": {"auth": "dTpw"}}).warnings
    assert "pre_endpoints[regisrty.lan] is not an endpoint of any mirror" in warning


def test_a_mirror_that_finds_no_tags_is_told():
    (warning,) = desired(mirrors={"quay.io": [{"url": URL, "capabilities": ["pull"]}]}).warnings
    assert "pre_mirrors[quay.io] has no endpoint with the capability resolve" in warning


def test_an_upstream_itself_may_have_a_login():
    wanted = desired(
        mirrors={"docker.io": {"endpoints": [URL], "fallback": "upstream"}},
        direct=["quay.io"],
        endpoints={"registry-1.docker.io": {"auth": "dTpw"}, "quay.io": {"auth": "dTpw"}},
    )
    assert list(wanted.access) == ["registry-1.docker.io:443", "quay.io:443"] and not wanted.warnings


def mirror(endpoint, **more):
    return {"mirrors": {"quay.io": {"endpoints": [endpoint], **more}}}


def access(url=URL, **settings):
    return {"url": url, "endpoints": {url: settings}}


TLS = "https://registry.lan"
MISTAKES = [
    ({"mirrors": ["docker.io"]}, r"pre_mirrors: is a list: give a mapping"),
    ({"mirrors": {"https://quay.io": [URL]}}, r"pre_mirrors: 'https://quay.io' is not a registry name"),
    ({"mirrors": {"../x": [URL]}}, r"pre_mirrors: '\.\./x' is not a registry name"),
    ({"mirrors": {"a.lan:99999": [URL]}}, r"pre_mirrors: 'a.lan:99999' is not a registry name"),
    ({"mirrors": {"[fd00::zz]": [URL]}}, r"pre_mirrors: '\[fd00::zz\]' is not a registry name"),
    ({"mirrors": {"index.docker.io": [URL]}}, r"pre_mirrors: 'index.docker.io' .* write docker.io"),
    (
        {"mirrors": {"quay.io": {"endpoint": [URL]}}},
        r"pre_mirrors\[quay.io\]: unknown key 'endpoint': did you mean endp",
    ),
    (
        {"mirrors": {"quay.io": {"endpoints": []}}},
        r"pre_mirrors\[quay.io\].endpoints: empty list: .* pre_direct",
    ),
    ({"mirrors": {"quay.io": []}}, r"pre_mirrors\[quay.io\].endpoints: empty list"),
    ({"mirrors": {"quay.io": 5}}, r"pre_mirrors\[quay.io\]: is a number: give a mapping"),
    (mirror(URL, fallback="never"), r"pre_mirrors\[quay.io\].fallback: 'never' is neither none nor upstream"),
    (mirror("h.lan"), r"endpoints\[0\].url: 'h.lan' does not begin with http:// or https://: write http://h.lan or"),
    (mirror("HTTPS://h.lan"), r"endpoints\[0\].url: 'HTTPS://h.lan' does not begin with https://: write https://h.lan"),
    (
        mirror(f"http://u:{SECRET}@h.lan"),
        r"endpoints\[0\].url: the URL contains .* set them as username and password of",
    ),
    (mirror("http://h.lan/a b"), r"endpoints\[0\].url: '/a b' is not a path"),
    (mirror("http://h.lan/../x"), r"endpoints\[0\].url: '/../x' is not a path"),
    (mirror({}), r"pre_mirrors\[quay.io\].endpoints\[0\].url: not set"),
    (mirror({"uri": URL}), r"endpoints\[0\]: unknown key 'uri': did you mean url\?"),
    (
        mirror({"url": URL, "skip_verify": True}),
        r"endpoints\[0\].skip_verify: is for a whole host: .* pre_endpoints\[HOST\].skip_verify",
    ),
    (mirror({"url": URL, "username": "u"}), r"pre_mirrors\[quay.io\].endpoints\[0\].password: missing or empty"),
    (mirror({"url": URL, "auth": SECRET}), r"endpoints\[0\].auth: is neither base64 of USER:PASSWORD nor"),
    (
        mirror({"url": URL, "headers": {"authorization": SECRET}}),
        r"endpoints\[0\].headers\[authorization\]: credentials do not belong in headers: write the value as auth",
    ),
    ({"projects": {"quay.io": {"projekt": "q"}}}, r"pre_projects\[quay.io\]: unknown key 'projekt': did you mean proj"),
    ({"projects": {"quay.io": {"project": "Q"}}}, r"pre_projects\[quay.io\].project: 'Q' is not a project name"),
    (
        {"projects": {"quay.io": {"project": "q", "username": "u", "password": SECRET, "auth": SECRET}}},
        r"pre_projects\[quay.io\]: has two sets of credentials, auth and username: keep one of them",
    ),
    (mirror({"url": URL, "project": "Bad Name"}), r"endpoints\[0\].project: 'Bad Name' is not a project name"),
    (mirror({"url": URL, "project": "a", "path": "/v2/a"}), r"endpoints\[0\].path: '/v2/a' is the complete path"),
    (mirror({"url": URL, "path": "v2"}), r"endpoints\[0\].path: 'v2' is not a path: write it as /v2/PROJECT"),
    (mirror({"url": URL, "capabilities": ["pul"]}), r"endpoints\[0\].capabilities: 'pul' is not a capability"),
    (mirror({"url": URL, "capabilities": "pull"}), r"endpoints\[0\].capabilities: 'pull' is not a list"),
    (mirror({"url": URL, "dial_timeout": 5}), r"endpoints\[0\].dial_timeout: 5 is not a duration: .* such as 5s"),
    ({"mirrors": {"quay.io": [URL, URL + "/"]}}, r"endpoints\[1\]: 'http://registry.lan' is listed twice"),
    ({"mirrors": {"*": [URL]}, "catch_all": False}, r"pre_catch_all: false, but pre_mirrors\['\*'\]"),
    ({"mirrors": {"quay.io": [URL]}, "direct": ["quay.io"]}, r"pre_direct: 'quay.io' is also mirrored"),
    ({"mirrors": {"quay.io": ["http://m.lan"]}, "direct": ["m.lan"]}, r"pre_direct: 'm.lan' is also mirrored"),
    ({"url": None, "mirrors": {"a.io": [URL]}, "projects": {"*": "p"}}, r"pre_url: not set, but pre_projects is"),
    ({"url": None, "mirrors": {"a.io": [URL]}, "catch_all": True}, r"pre_url: not set, but pre_catch_all is"),
    ({"url": None, "mirrors": {}}, r"pre_url: not set: give the internal registry's address"),
    (
        {"endpoints": {"quay.io": {"auth": "dTpw"}}},
        r"pre_endpoints\[quay.io\]: quay.io is an upstream, whose images come",
    ),
    (
        {"endpoints": {"docker.io": {"username": "u", "password": SECRET}}},
        r"the credentials under endpoints\[registry.lan\], or .* itself under endpoints\[registry-1.docker.io\]",
    ),
    (
        {"endpoints": {"registry.lan": {}, URL: {}}},
        r"endpoints\[http://registry.lan\]: is the same .*\[registry.lan\]",
    ),
    ({"endpoints": {"a/b": {}}}, r"pre_endpoints: 'a/b' is not an endpoint: write the URL or host\[:port\]"),
    ({"endpoints": {"../x": {}}}, r"pre_endpoints: '../x' is not an endpoint"),
    ({"endpoints": {5: {}}}, r"pre_endpoints: a key is not an endpoint"),
    ({"endpoints": {f"http://u:{SECRET}@registry.lan": {}}}, r"pre_endpoints: the URL contains a username or password"),
    (
        {"mirrors": {"a.io": ["http://m.lan"], "b.io": ["https://m.lan"]}, "endpoints": {"m.lan": {}}},
        r"pre_endpoints: 'm.lan' can be http://m.lan or https://m.lan, which are both used: write the URL",
    ),
    (access(pasword=SECRET), r"pre_endpoints\[http://registry.lan\]: unknown key 'pasword': did you mean password\?"),
    (access(insecure_skip_verify=True), r"unknown key 'insecure_skip_verify': did you mean skip_verify\?"),
    (access(identitytoken=SECRET), r"unknown key 'identitytoken': did you mean identity_token\?"),
    (access(username="u"), r"pre_endpoints\[http://registry.lan\].password: missing or empty"),
    (access(username="a:b", password=SECRET), r"\].username: a username cannot contain ':'"),
    (access(username="u", password=12345), r"\].password: is a number but a string is required: put it in quotes"),
    (access(username="u", password=[SECRET]), r"\].password: is a list but a string is required"),
    (access(username="u", password=SECRET + "\n"), r"\].password: contains a line break .* needs \| trim"),
    (
        access(username="u", password=SECRET, auth="dTpw"),
        r"\]: has two sets of credentials, auth and username: keep one",
    ),
    (access(auth=SECRET), r"\].auth: is neither base64 of USER:PASSWORD nor the value of an Authorization header"),
    (
        {**access(auth="dTpw"), "username": "u", "password": SECRET},
        r"has credentials, and so have pre_username and pre_p",
    ),
    (access(headers={"Authorization": SECRET}), r"headers\[Authorization\]: .* write the value as auth instead"),
    (access(headers={"bad name": "x"}), r"\].headers: 'bad name' is not a header's name"),
    (access(headers={"X-A": 5}), r"\].headers\[X-A\]: is a number but a string is required: put it in quotes"),
    (access(headers={"X-A": ["a", 5]}), r"\].headers\[X-A\]: is a number but a string is required"),
    (access(headers={"X-A": "a\r\nX-B: c"}), r"\].headers\[X-A\]: contains a line break"),
    (access(headers=["X-A"]), r"\].headers: is a list: give a mapping"),
    (access(skip_verify=True), r"\]: TLS settings cannot apply to http://registry.lan: use https://"),
    (access(ca=CERT), r"\]: TLS settings cannot apply to http://registry.lan"),
    (access(TLS, skip_verify="maybe"), r"\].skip_verify: 'maybe' is neither true nor false"),
    (access(TLS, ca="nowhere.pem"), r"\].ca: 'nowhere.pem' is not a file on the control node: .* remote_src: true"),
    (access(TLS, ca="/etc/hostname"), r"\].ca: '.*' is not a PEM file"),
    (access(TLS, ca="etc/ca.pem", remote_src=True), r"\].ca: 'etc/ca.pem' is not an absolute path, which remote_src"),
    (
        access(TLS, ca="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"),
        r"\].ca: is not a certificate in PEM",
    ),
    (access(TLS, ca=CERT + KEY), r"\].ca: contains a private key"),
    (access(TLS, client_key=KEY), r"\].client_cert: not set, but client_key is: set both or neither"),
    (access(TLS, client_cert=CERT), r"\].client_key: not set, and client_cert does not contain a private key"),
    (access(TLS, client_cert=CERT, client_key=OTHER_KEY), r"\].client_key: does not match client_cert"),
    (access(TLS, client_cert=CERT, client_key=ENCRYPTED[1]), r"\].client_key: is protected by a passphrase"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES, ids=[message[:50] for dummy, message in MISTAKES])
def test_mistakes(options, message):
    with pytest.raises(Refusal, match=message) as error:
        desired(**options)
    assert SECRET not in str(error.value) and "PRIVATE" not in str(error.value)
    assert base64.b64encode(SECRET.encode()).decode()[:-2] not in str(error.value)
