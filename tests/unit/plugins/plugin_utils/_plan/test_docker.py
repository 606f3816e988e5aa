# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engine: what is planned for it, alone and together with another containerd, and what is refused."""

from __future__ import annotations

import json

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared import places
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import requests
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Engine,
    EngineRegistries,
    Kept,
    Observation,
    State,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Answer
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import plan, preflight, request, undo
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import node as resolve_node
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve import resolve
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place

with open(TEMPLATE, encoding="utf-8") as handle:
    SETTINGS = Settings(template=handle.read(), prefix="pre_")
CERTS = Place("/etc/docker/certs.d")
WISH = {"url": "http://harbor.lan", "username": "u", "password": "p", "projects": {"docker.io": "hub", "*": "rest"}}
NAMES = ("_default", "docker.io", "harbor.lan", "harbor.lan_80_")
STORE = ("io.containerd.snapshotter.v1",)


def docker(version: str | None = "28.5.2+dfsg4", engine: Engine | None = None, **changes) -> Observation:
    """A node whose Docker is meant."""
    found = {
        "version": version and f"Docker version {version}",
        "config": nodes.file(None, "/etc/docker/daemon.json"),
        "effective": Effective(config_path=CERTS),
        "hosts_dir": CERTS,
        "distribution": "docker",
        "engine": engine or Engine(STORE),
    }
    return nodes.node("28.5.2")._replace(**{**found, **changes})


def make(observed: Observation, settings: Settings = SETTINGS, **options) -> Plan:
    return plan.make(desired.desired({**WISH, **options}, "pre_"), observed, settings)


def written(todo: Plan, folder: str = CERTS) -> dict[str, str]:
    return {
        path.removeprefix(f"{folder}/"): text
        for path, text in todo.tree.writes.items()
        if path.startswith(f"{folder}/")
    }


def test_only_hosts_toml_files_are_written_and_go_again():
    todo = make(docker())
    assert sorted(todo.tree.writes) == [f"{CERTS}/{name}/hosts.toml" for name in NAMES]
    assert (
        todo.restart_due is None and not todo.config_changed and not todo.warnings and todo.version == "Docker 28.5.2"
    )
    assert todo.record and todo.record.config is None and todo.record.config_file is None
    there = docker(hosts=nodes.tree(written(todo)), record=todo.record)
    again = make(there)
    assert not again.changed and not again.record_changed
    gone = undo.make_absent(there)
    assert sorted(gone.tree.removes) == sorted(todo.tree.writes) and gone.restart_due is None and gone.record is None


def test_daemon_json_must_be_what_it_was_when_the_plan_was_made():
    observed = docker(engine=Engine(STORE, file=b"{}"))
    apply = request.of_plan(make(observed), observed, None)
    assert set(apply.expect) == {"/etc/docker/daemon.json", *(f"{CERTS}/{name}/hosts.toml" for name in NAMES)}
    assert apply.expect["/etc/docker/daemon.json"] and apply.check is None and apply.trial is None


def test_going_back_asks_docker_for_no_config_toml():
    path = f"{CERTS}/more.example.org/hosts.toml"
    kept = Kept(b"[host]\n", 0o600, 0, 0)
    state = State(
        "previous", "2026-11-28T08:00:00Z", {path: None}, {path: kept}, {path: places.digest(b"[host]\n")}, None
    )
    observed = docker(previous=state)
    todo = undo.make_previous(observed)
    apply = request.of_plan(todo, observed, None)
    assert todo.tree.removes == [path] and apply.check is None and apply.trial is None and todo.restart_due is None


def test_the_mode_of_config_toml_says_nothing_of_docker():
    assert make(docker(), SETTINGS._replace(mode="legacy")).mode == "config_path"


OLD = "upgrade it to 28 or later with the containerd image store, or set pre_docker to false"
TLS = {"mirrors": {"docker.io": ["https://harbor.lan"]}}
IPV6 = {"mirrors": {"docker.io": ["https://[fd77::6]:8443"]}}


@pytest.mark.parametrize(
    ("observed", "options", "message"),
    [
        (docker("20.10.24+dfsg1"), {}, OLD),
        (docker("27.5.1"), {}, OLD),
        (docker("28.5.2", Engine()), {}, "uses its classic image store"),
        (docker("29.0.0", Engine(("overlay2",))), {}, "uses its classic image store"),
        (docker(None, version_error="it does not run"), {}, "while it does not run: start it"),
        (docker(engine=Engine(STORE, EngineRegistries(("http://m.lan/",)))), {}, "runs with registry-mirrors"),
        (
            docker(engine=Engine(STORE, file=b'{"registry-mirrors": ["http://u:Secret@m.lan"]}')),
            {"projects": {"*": "rest"}},
            "daemon.json has registry-mirrors",
        ),
        (
            docker(engine=Engine(STORE, EngineRegistries((), ("harbor.lan",)))),
            TLS,
            "insecure-registries with harbor.lan",
        ),
        (docker(engine=Engine(STORE, file=b'{"insecure-registries": ["fd77::/16"]}')), IPV6, "with fd77::/16"),
        (docker(engine=Engine(STORE, EngineRegistries((), ("10.0.0.0/8",)))), TLS, "with 10.0.0.0/8, so it may accept"),
        (docker(engine=Engine(STORE, file=b"[" * 100000)), {}, "daemon.json is not a JSON object"),
        (
            docker(engine=Engine(STORE, file=b'{"features": {"containerd-snapshotter": false}}')),
            {},
            "disables the containerd image store",
        ),
        (docker(engine=Engine(STORE, file=b"{")), {}, "daemon.json is not a JSON object"),
        (docker(engine=Engine(STORE, file=b"\xff")), {}, "daemon.json is not a JSON object"),
        (docker(engine=Engine(STORE, file=b"[]")), {}, "daemon.json is not a JSON object"),
        (
            docker(),
            {"endpoints": {"http://harbor.lan": {"identity_token": "T0ken"}}, "username": None, "password": None},
            "requires tok",
        ),
    ],
)
def test_what_would_go_to_the_internet_is_refused(observed, options, message):
    with pytest.raises(Refusal) as caught:
        make(observed, **options)
    assert message in str(caught.value) and str(caught.value).endswith("Nothing was changed")
    assert "Secret" not in str(caught.value) and "T0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        # With two endpoints Docker adds neither.
        (Engine(STORE, EngineRegistries(("http://m.lan/",), ("harbor.lan",))), {"fallback": "upstream"}),
        (Engine(STORE, EngineRegistries(("http://m.lan/",))), {"direct": ["docker.io"], "projects": {"*": "rest"}}),
        (Engine(STORE, EngineRegistries((), ("::1/128", "127.0.0.0/8"))), TLS),
        (Engine(STORE, EngineRegistries((), ("harbor.lan", "::1/128", "127.0.0.0/8"))), {}),  # plain HTTP anyway
        (Engine(STORE, file=b'{"registry-mirrors": [], "insecure-registries": ["other.lan"]}'), TLS),
        (Engine(STORE, file=b""), {}),
        (
            Engine(STORE, EngineRegistries(("http://m.lan/",))),
            {"catch_all": False, "projects": {}, "upstreams": ["quay.io"]},
        ),
    ],
)
def test_settings_that_do_not_matter_are_no_reason(engine, options):
    assert make(docker(engine=engine), **options).changed


def test_a_registry_that_insists_on_tokens_is_refused():
    wanted = desired.desired(WISH, "pre_")
    (question,) = preflight.questions(wanted, "auto", "auto")
    answers = (Answer(question.url, question.digest, "bearer", None),)
    for version in ("28.5.2", "29.1.0"):
        with pytest.raises(Refusal, match="harbor.lan requires tokens"):
            make(docker(version, endpoints=answers))
    with pytest.raises(Refusal, match="pre_auth_method is config"):
        make(docker(), SETTINGS._replace(auth_method="config"))


def both(**changes) -> Observation:
    """A node with its own containerd, and Docker."""
    engine, hosts = changes.pop("engine", None), changes.pop("dockers_hosts", nodes.tree())
    beside = docker(engine=engine, **{**changes, "hosts": hosts})
    return nodes.node("1.7.24", "version = 2\n", docker=beside, **changes)


def test_both_of_a_node_are_changed_in_one_plan():
    todo = make(both())
    mine = sorted(path for path in todo.tree.writes if path.startswith("/etc/containerd/"))
    assert mine == [f"/etc/containerd/certs.d/{name}/hosts.toml" for name in NAMES]
    assert sorted(written(todo)) == [f"{name}/hosts.toml" for name in NAMES]
    assert todo.config_changed and todo.restart_due and todo.version == "1.7.24" and todo.beside == "Docker 28.5.2"
    assert todo.record and set(todo.record.files) == set(todo.tree.writes)
    observed = both()
    assert "/etc/docker/daemon.json" in request.of_plan(todo, observed, None).expect


def after(todo: Plan, **changes) -> Observation:
    mine = nodes.tree(written(todo, "/etc/containerd/certs.d"))
    theirs = {f"{CERTS}/{path}": nodes.tree_file(text) for path, text in written(todo).items()}
    seen = mine._replace(files={**mine.files, **theirs})  # what an earlier run wrote elsewhere
    found = both(record=todo.record, hosts=seen, dockers_hosts=nodes.tree(written(todo)))
    effective = Effective(config_path="/etc/containerd/certs.d")
    return found._replace(config=nodes.file(todo.config_after), effective=effective, **changes)


def test_the_files_of_one_are_none_that_the_other_has_to_remove():
    todo = make(both())
    again = make(after(todo))
    assert not again.changed, (again.tree.writes, again.tree.removes)
    assert again.record and again.record.files == todo.record.files


def test_what_docker_had_goes_where_it_is_not_meant_any_more():
    todo = make(both())
    fewer = make(after(todo, docker=None))
    assert sorted(fewer.tree.removes) == [f"{CERTS}/{name}/hosts.toml" for name in NAMES]
    gone = undo.make_absent(after(todo, docker=None))
    assert sorted(gone.tree.removes) == sorted(todo.tree.writes) and gone.config_after == "version = 2\n"


def test_one_that_cannot_be_keeps_both_as_they_are():
    with pytest.raises(Refusal, match="classic image store"):
        make(both(engine=Engine()))


def test_where_its_images_come_from_is_told():
    todo = make(docker())
    there = resolve_node.from_observation(docker(hosts=nodes.tree(written(todo))))
    found = resolve.resolve("docker.io/library/busybox:1", there)
    assert [each.host for each in found.asked] == ["harbor.lan"] and found.directory == f"{CERTS}/docker.io"
    with pytest.raises(Refusal, match="classic image store"):
        resolve_node.from_observation(docker(engine=Engine()))
    with pytest.raises(Refusal, match="Docker 26.1.5 does not read hosts.toml files"):
        resolve_node.from_observation(docker("26.1.5"))


def test_a_version_of_docker_is_none_of_containerd():
    old, new = (
        releases.release(releases.parse(f"Docker version {each}, build x")) for each in ("28.5.2", "29.0.0-rc.1")
    )
    assert (str(old), old.name, new.name) == ("of Docker 28.5.2", "Docker 28.5.2", "Docker 29.0.0")
    assert not old.hosts_by_header and new.hosts_by_header and not new.transfer_service


@pytest.mark.parametrize(
    ("options", "may_be"),
    [
        ({}, True),
        ({"distribution": "none"}, False),
        ({"binary": "/opt/containerd"}, False),
        ({"service": "other"}, False),
        ({"hosts_dir": "/etc/certs.d"}, False),
    ],
)
def test_docker_is_not_meant_where_the_user_has_said_which_containerd(options, may_be):
    assert requests.observe({"service": "containerd", "distribution": "auto", **options}).may_be_docker is may_be


def test_daemon_json_with_what_docker_takes_is_read():
    text = json.dumps({"features": {"containerd-snapshotter": True, "buildkit": False}, "log-level": "warn"})
    assert make(docker(engine=Engine(STORE, file=text.encode()))).changed
