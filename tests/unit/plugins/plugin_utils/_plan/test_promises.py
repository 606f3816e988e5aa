# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same variables on every release: the resulting requests, and what is refused because it is not supported."""

from __future__ import annotations

import pki
import pytest

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired, types
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import placement, preflight, promises
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import filter, resolve

URL = "http://registry.lan"
CERT, KEY = pki.pair()
with open(TEMPLATE, encoding="utf-8") as handle:
    SETTINGS = Settings(template=handle.read(), prefix="pre_")
MIRRORS = {
    "docker.io": {
        "endpoints": [{"url": "https://a.lan:8443", "project": "hub"}, "http://b.lan:5000"],
        "fallback": "upstream",
    },
    "quay.io": ["https://nexus.lan/repository/docker", "http://b.lan:5000"],
}
LEGACY = ("1.4.13", "1.5.18")
CONFIG_PATH = ("1.6.16", "1.6.20", "1.7.24", "1.7.34", "2.0.11", "2.1.9", "2.2.7", "2.3.4")


def asked(version: str, image: str, **options) -> list[str]:
    node = filter.from_variables(version, {"url": URL, "direct": ["own.lan:5000"], **options}, SETTINGS)
    answer = resolve.resolve(image, node)
    assert not answer.error, answer.error
    return [f"{each.scheme}://{each.host}{each.path}" for each in answer.asked]


@pytest.mark.parametrize("version", LEGACY + CONFIG_PATH)
def test_every_release_asks_the_same(version):
    upstream = {"docker.io": "registry-1.docker.io"}
    end = {name: [f"https://{upstream.get(name, name)}/v2"] if version in LEGACY else [] for name in ("quay.io",)}
    assert asked(version, "docker.io/library/x:1", mirrors=MIRRORS) == [
        "https://a.lan:8443/v2/hub",
        "http://b.lan:5000/v2",
        "https://registry-1.docker.io/v2",
    ]
    assert asked(version, "quay.io/o/x:1", mirrors=MIRRORS) == [
        "https://nexus.lan/repository/docker/v2",
        "http://b.lan:5000/v2",
        *end["quay.io"],
    ]
    assert asked(version, "b.lan:5000/o/x:1", mirrors=MIRRORS) == ["http://b.lan:5000/v2"]
    assert asked(version, "own.lan:5000/o/x:1", mirrors=MIRRORS) == ["https://own.lan:5000/v2"]
    if version != "1.6.16":
        rest = asked(version, "else.org/o/x:1", mirrors=MIRRORS)
        assert rest == [f"{URL}/v2", *(["https://else.org/v2"] if version in LEGACY else [])]


def keep(version: str, mode: str = "config_path", auth_method: str = "auto", **options) -> list[str]:
    rel = releases.release(releases.parse(version))
    wanted = desired.desired({"url": URL, **options}, "pre_")
    return promises.keep(wanted, rel, mode, auth_method, "pre_")[1]


def mirror(fallback: str | None = None, **settings) -> dict:
    return {"mirrors": {"quay.io": {"endpoints": [{"url": URL, **settings}], "fallback": fallback}}}


def access(**settings) -> dict:
    return {"url": "https://registry.lan", "endpoints": {"registry.lan": settings}}


BROKEN = [
    ("1.4.13", "legacy", {"fallback": "none"}, "Remove pre_fallback from this node's variables, or upgrade its"),
    (
        "1.7.24",
        "legacy",
        {"mirrors": {"quay.io": {"endpoints": [URL], "fallback": "none"}}},
        r"Remove pre_mirrors\[quay.io\].fallback from this node's variables, or set pre_mode to auto",
    ),
    (
        "1.4.13",
        "legacy",
        mirror(capabilities=["pull"]),
        r"used to pull and to resolve. Remove .*endpoints\[0\].capabilities",
    ),
    (
        "1.4.13",
        "legacy",
        mirror(dial_timeout="5s"),
        r"does not support dial_timeout. Remove pre_mirrors\[quay.io\].endpoints\[0\]",
    ),
    (
        "1.4.13",
        "legacy",
        access(headers={"X-A": "b"}),
        r"does not support headers of an endpoint. Remove pre_endpoints\[registry.lan\]",
    ),
    (
        "1.4.13",
        "legacy",
        access(auth="Bearer t"),
        r"config.toml can only store .* Remove pre_endpoints\[registry.lan\].auth",
    ),
    (
        "2.1.9",
        "legacy",
        access(skip_verify=True),
        r"no longer supports TLS settings. Remove pre_endpoints\[registry.lan\] from",
    ),
    (
        "1.6.16",
        "config_path",
        {"catch_all": True},
        "does not support a catch-all: only listed registries are mirrored. Remove pre_catch_all",
    ),
    ("1.6.16", "config_path", {"mirrors": {"*": [URL]}}, "does not support a catch-all"),
    (
        "2.0.11",
        "config_path",
        mirror(dial_timeout="5s"),
        r"first tries HTTPS on port 443 .*. Remove .*dial_timeout from this .* or write its URL with :80",
    ),
    (
        "1.7.24",
        "config_path",
        mirror(dial_timeout="5s"),
        r"containerd 1.7.24 does not support dial_timeout. Remove .*dial_timeout",
    ),
    (
        "2.1.9",
        "config_path",
        mirror(capabilities=["pull", "referrers"]),
        "discards a hosts.toml with the capability ref",
    ),
    (
        "1.7.24",
        "config_path",
        mirror(url="http://[fd00::5]", fallback="upstream"),
        r"only as the last endpoint. Remove pre_mirrors\[quay.io\].fallback .* or give the address a name in DNS",
    ),
    ("1.6.20", "config_path", {"mirrors": {"quay.io": ["http://[fd00::5]", URL]}}, r"Remove .*endpoints\[0\] from"),
    ("1.7.24", "config_path", {"url": "http://[fd00::5]", "fallback": "upstream"}, "Remove pre_fallback from this"),
]


@pytest.mark.parametrize(("version", "mode", "options", "message"), BROKEN)
def test_an_explicit_wish_that_a_release_cannot_keep(version, mode, options, message):
    with pytest.raises(Refusal, match=message):
        keep(version, mode, **options)


@pytest.mark.parametrize(
    ("auth_method", "login", "message"),
    [
        (
            "header",
            {"identity_token": "t"},
            r"identity_token from this node's variables, or set pre_auth_method to auto",
        ),
        ("config", {"auth": "Bearer t"}, r"\.auth from this node's variables, or set pre_auth_method to auto"),
    ],
)
def test_logins_that_have_no_place(auth_method, login, message):
    with pytest.raises(Refusal, match=message):
        keep("1.7.24", auth_method=auth_method, **access(**login))


@pytest.mark.parametrize(
    ("version", "mode", "options"),
    [
        ("2.1.9", "config_path", mirror(dial_timeout="5s")),
        ("2.0.7", "config_path", {"mirrors": {"quay.io": {"endpoints": [{"url": f"{URL}:80", "dial_timeout": "5s"}]}}}),
        ("2.2.7", "config_path", mirror(capabilities=["pull", "resolve", "referrers"])),
        ("1.7.24", "config_path", {"fallback": "upstream", **access(ca=CERT)}),
        ("1.7.24", "config_path", {"url": "http://[fd00::5]:5000"}),
        ("2.1.9", "config_path", mirror(url="http://[fd00::5]", fallback="upstream")),
        ("1.4.13", "legacy", {"fallback": "upstream", **mirror(url="http://[fd00::5]", fallback="upstream")}),
        ("1.4.13", "legacy", {"fallback": "upstream", **access(identity_token="t")}),
    ],
)
def test_wishes_that_are_kept(version, mode, options):
    assert keep(version, mode, **options) == []


def test_a_header_has_no_place_in_legacy_mode():
    with pytest.raises(Refusal, match="pre_auth_method is header, but containerd 1.4.13 in legacy"):
        keep("1.4.13", "legacy", "header", fallback="upstream")


def test_landmarks_are_all_the_releases_that_differ():
    matters = (
        "config_path",
        "override_path",
        "catch_all",
        "dial_timeout",
        "referrers",
        "hosts_by_header",
        "tls_tables",
        "mirrors_impossible",
    )
    every = [(1, minor, patch) for minor in range(4, 8) for patch in range(45)]
    every += [(2, minor, patch) for minor in range(5) for patch in range(15)]

    def able(version):
        return tuple(getattr(releases.release(version), name) for name in matters)

    assert {able(version) for version in every} == {able(version) for version in releases.LANDMARKS}


def test_a_login_that_the_template_spoils_is_refused():
    """What a release would ignore of a user's own template is refused for that release alone."""
    template = SETTINGS.template.replace("{{ options(server) }}", 'dial_timeout = "5s"\n')
    settings = SETTINGS._replace(template=template)
    assert filter.from_variables("2.1.9", {"url": URL}, settings).roots
    with pytest.raises(Refusal, match="hosts.toml of .* on containerd 1.7.24: dial_timeout: unknown, so it"):
        filter.from_variables("1.7.24", {"url": URL}, settings)


def test_tls_settings_that_an_upgrade_would_lose_are_told():
    (warning,) = keep("1.7.24", "legacy", fallback="upstream", **access(ca=CERT))
    assert "TLS settings are in config.toml on containerd 1.7.24 in legacy mode, where containerd 2 ignores" in warning


def test_defaults_are_given_up_with_a_warning():
    assert "always falls back to the public registry" in str(keep("1.4.13", "legacy"))
    assert "does not support a catch-all" in str(keep("1.5.18"))


def test_where_certificates_are():
    wanted = desired.desired(access(ca=CERT, client_cert=CERT, client_key=KEY, skip_verify=True))
    (endpoint,) = {each.base: each for each in wanted.asked()}.values()
    settings = wanted.access_to(endpoint)
    folder = placement.directory("/etc/containerd/certs.d/")
    assert folder == "/etc/containerd/registry-tls", "beside the namespaces, or it would be taken for one"
    paths = [f"{folder}/registry.lan_443_.{name}" for name in ("ca.crt", "client.crt", "client.key")]
    options = placement.options(endpoint, settings, folder)
    assert options == {"ca": paths[0], "client": [[paths[1], paths[2]]], "skip_verify": True}
    assert placement.legacy_table(options) == {
        "ca_file": paths[0],
        "cert_file": paths[1],
        "key_file": paths[2],
        "insecure_skip_verify": True,
    }
    files = placement.files([(endpoint, settings)] * 2, folder)
    assert list(files) == paths and [placement.mode(path) for path in paths] == [0o644, 0o644, 0o600]
    assert placement.options(endpoint._replace(base=URL), settings, folder) == {}, "none for plain HTTP"


def test_certificate_and_key_in_one_file():
    wanted = desired.desired(access(client_cert=CERT + KEY))
    (endpoint,) = {each.base: each for each in wanted.asked()}.values()
    key = "/t/registry.lan_443_.client.key"
    assert placement.options(endpoint, wanted.access_to(endpoint), "/t") == {"client": [[key, key]]}
    assert list(placement.files([(endpoint, wanted.access_to(endpoint))], "/t")) == [key]


@pytest.mark.parametrize(
    ("version", "auth_method", "found", "login", "in_config"),
    [
        ("1.7.24", "auto", "basic", {"username": "u", "password": "p"}, False),
        ("1.7.24", "auto", "bearer", {"username": "u", "password": "p"}, True),
        ("2.1.9", "auto", "bearer", {"username": "u", "password": "p"}, False),
        ("1.7.24", "header", "bearer", {"auth": "dTpw"}, False),
        ("2.1.9", "config", "basic", {"auth": "dTpw"}, True),
        ("2.1.9", "auto", "bearer", {"identity_token": "t"}, True),
    ],
)
def test_where_a_login_goes(version, auth_method, found, login, in_config):
    wanted = desired.desired({"url": "http://registry.lan:5000", "endpoints": {"registry.lan:5000": login}})
    rel = releases.release(releases.parse(version))
    answers = [Answer("http://registry.lan:5000/v2/", "d", found, None)]
    logins = placement.in_config(wanted, rel, auth_method, answers)
    tables = {endpoint.host: access.auth for endpoint, access in logins}
    expected = {"identitytoken": "t"} if "identity_token" in login else login
    assert tables == ({"registry.lan:5000": expected} if in_config else {})
    header = placement.in_hosts(wanted.access["registry.lan:5000"], auth_method)
    assert bool(header) == (auth_method != "config" and "identity_token" not in login)


def answer(url: str, error: str | None = None, reachable: bool = True) -> Answer:
    return Answer(f"{url}/v2/", f"digest of {url}", "basic", error, reachable)


SPARE = {"mirrors": {"quay.io": ["http://a.lan", "http://b.lan"]}}


def test_a_spare_endpoint_may_be_down():
    wanted = desired.desired(SPARE)
    answers = [answer("http://a.lan", "is down", False), answer("http://b.lan")]
    good, warnings = preflight.judge(wanted, answers, SETTINGS)
    assert [each.url for each in good.values()] == ["http://b.lan/v2/"]
    assert warnings == ["http://a.lan/v2/: is down; the other endpoints answer"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([answer("http://a.lan", "is down", False), answer("http://b.lan", "is down", False)], "b.lan/v2/: is down"),
        ([answer("http://a.lan", "refuses the password"), answer("http://b.lan")], "a.lan/v2/: refuses the password"),
    ],
)
def test_what_stops_a_node(answers, message):
    with pytest.raises(Refusal, match=f"{message}.*Nothing was changed"):
        preflight.judge(desired.desired(SPARE), answers, SETTINGS)


HUB, QUAY = ({"username": f"robot${name}+puller", "password": name} for name in ("hub", "quay"))
ROBOTS = {"docker.io": {"project": "hub", **HUB}, "quay.io": {"project": "quay", **QUAY}}
TWO = "supports one set of credentials per host, but for registry.lan pre_projects[quay.io] differs from pre_{}. Remove"


@pytest.mark.parametrize(
    ("version", "mode", "auth_method", "bearer", "where"),
    [
        ("1.4.13", "legacy", "auto", False, "containerd 1.4.13 in legacy mode"),
        ("1.7.24", "legacy", "auto", False, "containerd 1.7.24 in legacy mode"),
        ("1.7.24", "config_path", "auto", True, "for a registry that requires tokens, containerd 1.7.24"),
        ("2.1.9", "config_path", "config", False, "with auth_method config, containerd"),
        ("1.7.24", "config_path", "auto", False, None),
        ("2.1.9", "config_path", "auto", True, None),
    ],
)
def test_two_accounts_of_one_host_are_refused_where_config_toml_has_to_hold_both(
    version, mode, auth_method, bearer, where
):
    rel = releases.release(releases.parse(version))
    found = {"d": Answer(f"{URL}/v2/", "d", "bearer" if bearer else "basic", None)}
    for options, other in (
        ({"projects": ROBOTS}, "projects[docker.io]"),
        (
            {"projects": {"quay.io": ROBOTS["quay.io"], "*": "rest"}, "username": "u", "password": "p"},
            "username",
        ),
    ):
        wanted = desired.desired({"url": URL, **options}, "pre_")
        if where is None:
            promises.keep(wanted, rel, mode, auth_method, "pre_", found)
            continue
        with pytest.raises(Refusal) as caught:
            promises.keep(wanted, rel, mode, auth_method, "pre_", found)
        assert str(caught.value).startswith(f"{where} {TWO.format(other)}"), caught.value
        assert str(caught.value).endswith(
            "in pre_mirrors as http://registry.lan:80, which containerd treats as another host"
        )


def test_other_spellings_and_the_same_account_are_no_clash():
    rel = releases.release((1, 4, 13))
    spelled = {"quay.io": [{"url": f"{URL}:80", "project": "quay", **QUAY}]}
    for options in (
        {"projects": {"docker.io": ROBOTS["docker.io"]}, "mirrors": spelled},
        {"projects": {"docker.io": ROBOTS["docker.io"], "quay.io": {"project": "quay", **HUB}}},
    ):
        promises.keep(desired.desired({"url": URL, **options}), rel, "legacy", "auto", "")
    wanted = desired.desired({"url": "http://r.lan:5000", "projects": ROBOTS})
    with pytest.raises(Refusal, match="give r.lan:5000 a second name in DNS, and write that in mirrors"):
        promises.keep(wanted, rel, "legacy", "auto", "")


def test_legacy_mode_refuses_what_stands_beside_a_project_as_it_does_elsewhere():
    for own, message in (
        ({"headers": {"X-A": "b"}}, "projects.docker.io..headers"),
        (
            {"auth": "Bearer t"},
            "projects.docker.io..auth",
        ),
    ):
        wanted = desired.desired({"url": URL, "projects": {"docker.io": {"project": "hub", **own}}})
        with pytest.raises(Refusal, match=f"Remove {message} from"):
            promises.keep(wanted, releases.release((1, 4, 13)), "legacy", "auto", "")


def test_each_account_of_an_endpoint_is_asked_about():
    wanted = desired.desired({"url": URL, "projects": ROBOTS, "upstreams": ["ghcr.io"]})
    questions = preflight.questions(wanted, "auto", "auto")
    expected = [wanted.access_to(wanted.mirrors[name].endpoints[0]).authorization for name in ROBOTS]
    assert [each.authorization for each in questions] == expected, "and not without a login, which Harbor would refuse"
    wanted = desired.desired({"url": URL, "projects": {**ROBOTS, "ghcr.io": "open", "gcr.io": "gcr"}})
    (anonymous,) = [each for each in preflight.questions(wanted, "auto", "auto") if not each.authorization]
    assert anonymous.repositories == ["", "gcr", "open"]
    flat = {"docker.io": [{"url": URL, **HUB}], "quay.io": [URL]}
    questions = preflight.questions(desired.desired({"mirrors": flat}), "auto", "auto")
    assert [bool(each.authorization) for each in questions] == [True, False], "a flat registry without one"


def test_a_refused_account_is_named():
    options = {"url": URL, "projects": {**ROBOTS, "ghcr.io": "open"}, "username": "u", "password": "p"}
    wanted = desired.desired(options, "pre_")
    names = {}
    for question in preflight.questions(wanted, "auto", "auto"):
        answers = [Answer(question.url, f"{question.digest}+challenge", None, "refuses it")]
        with pytest.raises(Refusal) as caught:
            preflight.judge(wanted, answers, SETTINGS)
        names[question.authorization] = str(caught.value)
    told = [f"{URL}/v2/ with the credentials of pre_{name}: refuses it" for name in ("projects[docker.io]", "username")]
    assert all(any(each in text for text in names.values()) for each in told), names


def test_every_endpoint_is_asked_once_and_upstreams_never():
    wanted = desired.desired({"url": URL, "fallback": "upstream", "upstreams": ["docker.io", "quay.io"], **SPARE})
    questions = preflight.questions(wanted, "auto", "auto")
    assert [each.url for each in questions] == [f"http://{name}.lan/v2/" for name in ("registry", "a", "b")]
    assert len({each.digest for each in questions}) == 3


def test_a_change_of_anything_is_asked_anew():
    variants = [
        {},
        {"auth": "dTpw"},
        {"identity_token": "t"},
        {"ca": CERT},
        {"skip_verify": True},
        {"headers": {"A": "b"}},
    ]
    asked_with = [preflight.questions(desired.desired(access(**each)), "auto", "auto")[0] for each in variants]
    assert len({each.digest for each in asked_with}) == len(variants)
    assert types.identity("https://registry.lan") == "registry.lan:443"


@pytest.mark.parametrize(
    ("options", "mode", "auth_method", "below"),
    [
        ({}, "auto", "auto", (1, 5, 0)),
        ({"projects": {"*": "p"}}, "auto", "header", (1, 6, 0)),
        ({}, "config_path", "auto", ()),
        ({}, "legacy", "auto", (99,)),
        ({}, "auto", "config", (99,)),
        ({"username": None, "password": None}, "legacy", "auto", ()),
    ],
)
def test_a_login_that_is_sent_when_asked_for_needs_its_token_service(options, mode, auth_method, below):
    wanted = desired.desired({"url": URL, "username": "u", "password": "p", **options})
    (question,) = preflight.questions(wanted, mode, auth_method)
    assert question.challenge_below == below


def test_projects_are_named_where_there_is_no_login():
    projects = {"quay.io": "quay/deep", "docker.io": "hub"}
    (question,) = preflight.questions(desired.desired({"url": URL, "projects": projects}), "auto", "auto")
    assert {"hub", "quay/deep"} <= set(question.repositories)
    (question,) = preflight.questions(
        desired.desired({"url": URL, "projects": projects, "username": "u", "password": "p"}), "auto", "auto"
    )
    assert question.repositories == []
