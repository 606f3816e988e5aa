# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""desired + observed -> plan, without a node."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Restart, Trial
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves, registry_table, releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired import desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import (
    Daemon,
    Kept,
    Observation,
    State,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import NOTHING, Answer, ProvenWith
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan import plan, request, tree, undo
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.hosts_toml import TEMPLATE
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.modes import Settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.node import from_observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place, Unreadable
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

CONFIG = "/etc/containerd/config.toml"
HOSTS_DIR = "/etc/containerd/certs.d"
OPTIONS = {"url": "http://registry.lan", "username": "u", "password": "secret", "upstreams": ["docker.io", "quay.io"]}
V2_REGISTRY = ["plugins", "io.containerd.grpc.v1.cri", "registry"]

with open(TEMPLATE, encoding="utf-8") as handle:
    SETTINGS = Settings(template=handle.read())


def observed(version: str, text: str | None, auth: str = "basic", **changes) -> Observation:
    """A node whose registry answers."""
    answer = Answer("http://registry.lan/v2/", "e", auth, None)
    return nodes.node(version, text, **{"endpoints": (answer,), **changes})


def after_run(before: Observation, done: Plan) -> Observation:
    """The node after a plan was carried out and the restart proven."""
    mode = 0o644 if done.config_after is None else request.config_write(before.config, done.config_after).mode
    files = dict(before.hosts.files)
    for path, written in done.tree.writes.items():
        files[path.removeprefix(HOSTS_DIR + "/")] = nodes.tree_file(written)
    for path in done.tree.removes:
        del files[path.removeprefix(HOSTS_DIR + "/")]
    effective = before.effective
    if done.effective:
        effective = effective._replace(config_path=done.effective.config_path, mirrors=done.effective.mirrors)
    after = None if done.config_after is None else done.config_after.encode()
    proven = ProvenWith("1:1", before.said(after))
    return before._replace(
        config=nodes.file(done.config_after, mode=mode),
        hosts=before.hosts._replace(files=files),
        effective=effective,
        record=done.record and done.record._replace(proven=proven),
    )


def edited(node: Observation, text: str) -> Observation:
    """The node with another config.toml."""
    return node._replace(config=nodes.file(text, mode=node.config.attributes.mode))


def make(before, settings=SETTINGS, **options) -> Plan:
    return plan.make(desired.desired({**OPTIONS, **options}), before, settings)


@pytest.mark.parametrize("version", ["1.4.13", "1.5.18", "1.6.20", "1.7.24", "2.0.11", "2.1.9", "2.3.4"])
@pytest.mark.parametrize("text", [None, "", "version = 2\n", "# mine\n[plugins.cri]\n", 'disabled_plugins = ["cri"]\n'])
def test_a_run_converges_and_can_be_undone(version, text):
    before = observed(version, text)
    first = make(before)
    assert first.changed and first.restart_due
    second = make(after_run(before, first))
    assert not second.changed and not second.restart_due and not second.record_changed
    undone = undo.make_absent(after_run(before, first))
    assert undone.config_after == text and sorted(undone.tree.removes) == sorted(first.tree.writes)
    assert undone.record is None


@pytest.mark.parametrize(
    ("version", "text", "plugin"),
    [
        ("1.6.20", "version = 2\n", "io.containerd.grpc.v1.cri"),
        ("1.6.20", "[plugins.cri]\nx = 1\n", "cri"),
        ("2.1.9", "version = 2\n", "io.containerd.grpc.v1.cri"),
        ("2.1.9", "version = 3\n", "io.containerd.cri.v1.images"),
        ("2.1.9", "", "io.containerd.cri.v1.images"),
        ("2.3.4", "version = 4\n", "io.containerd.cri.v1.images"),
    ],
)
def test_config_path_lands_in_the_table_that_is_read(version, text, plugin):
    data = load(make(observed(version, text)).config_after)
    assert data["plugins"][plugin]["registry"]["config_path"] == HOSTS_DIR


@pytest.mark.parametrize(("version", "told"), [("1.4.13", True), ("1.7.24", True), ("2.1.9", False)])
def test_an_upgrade_that_drops_the_settings_is_told_before(version, told):
    before = observed(version, "[plugins.cri]\nx = 1\n")
    done = make(before)
    assert any("config.toml has no version: containerd 2.0 to 2.2 ignore" in each for each in done.warnings) == told
    assert not any("has no version" in each for each in make(after_run(before, done)).warnings), "once"
    assert not any("has no version" in each for each in make(observed(version, "version = 2\n")).warnings)


OLD = '[plugins.cri]\nx = 1\n[plugins.cri.registry.configs."own.lan".auth]\nusername = "o"\npassword = "CaN4ry"\n'


@pytest.mark.parametrize("version", ["1.4.13", "1.6.20", "1.7.24"])
@pytest.mark.parametrize("text", ["[plugins.cri]\nx = 1\n", "[plugins.linux]\n", OLD])
def test_a_file_without_a_version_goes_on_after_each_upgrade(version, text):
    """2.0 to 2.2 ignore `plugins.cri`, 1.x reads nothing else: the registry settings are in it twice."""
    before = observed(version, text)
    done = make(before)
    plugins = load(done.config_after)["plugins"]
    registry = plugins["cri"]["registry"]
    assert plugins[moves.V3_IMAGES] == {"registry": registry} and ("configs" in registry) >= ("CaN4ry" in text)
    assert not make(after_run(before, done)).changed
    for newer in ("2.1.9", "2.3.4"):
        rel = releases.release(releases.parse(newer))
        assert registry_table.images_table(rel, load(done.config_after))["registry"] == registry
    assert not from_observation(after_run(before, done)).notes
    gone = undo.make_absent(after_run(before, done))
    assert gone.config_after == text


def test_a_table_for_newer_releases_that_is_there_stays_as_it_is():
    theirs = f'[plugins.cri]\nx = 1\n[plugins."{moves.V3_IMAGES}".registry]\nconfig_path = "/theirs"\n'
    plugins = load(make(observed("1.7.24", theirs)).config_after)["plugins"]
    assert plugins[moves.V3_IMAGES] == {"registry": {"config_path": "/theirs"}}


def test_legacy_for_1_4():
    done = make(observed("1.4.13", "version = 2\n"), upstreams=["quay.io"])
    registry = load(done.config_after)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    assert done.mode == "legacy" and not done.tree.writes
    assert set(registry["mirrors"]) == {"*", "docker.io", "quay.io", "registry.lan"}, "* never catches docker.io on 1.4"
    assert registry["configs"]["registry.lan"]["auth"] == {"username": "u", "password": "secret"}
    assert done.config_exposed and "only root can read it now" in done.warnings[-1]


def test_1_5_takes_legacy_only_with_projects():
    assert make(observed("1.5.18", "version = 2\n")).mode == "config_path"
    assert make(observed("1.5.18", "version = 2\n"), projects={"*": "p"}).mode == "legacy"


@pytest.mark.parametrize(("version", "auth_tables"), [("1.7.24", 1), ("2.0.11", 1), ("2.1.9", 0)])
def test_a_registry_that_insists_on_tokens(version, auth_tables):
    data = load(make(observed(version, "version = 2\n", auth="bearer")).config_after)
    assert len(data["plugins"]["io.containerd.grpc.v1.cri"]["registry"].get("configs", {})) == auth_tables


def test_legacy_mirrors_move_to_hosts_toml_with_their_tls():
    text = (
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."own.lan"]\nendpoint = ["https://a.lan/v2/x"]\n'
        '[plugins."io.containerd.grpc.v1.cri".registry.configs."a.lan".tls]\nca_file = "/etc/ca.crt"\n'
    )
    before = observed("1.7.24", text)
    done = make(before)
    registry = load(done.config_after)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    assert registry == {"config_path": HOSTS_DIR}
    moved = load(done.tree.writes[f"{HOSTS_DIR}/own.lan/hosts.toml"])
    assert moved["host"] == {
        "https://a.lan/v2/x": {"capabilities": ["pull", "resolve"], "override_path": True, "ca": "/etc/ca.crt"}
    }
    assert moved["server"] == "https://own.lan"
    assert "the mirror of own.lan (https://a.lan/v2/x) moves" in done.migrated[0]
    again = make(after_run(before, done))
    assert not again.migrated and not again.warnings
    assert not make(after_run(before, done)).changed, "what was carried over must not be pruned by the next run"
    with pytest.raises(Refusal, match="migrate is false"):
        make(before, SETTINGS._replace(migrate=False))


def test_tls_settings_stay_with_the_registry_they_are_for():
    text = (
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs."own.lan:5000".tls]\n'
        'ca_file = "/etc/own.crt"\n[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.lan".tls]\n'
        "insecure_skip_verify = true\n"
    )
    direct = make(observed("1.7.24", text), direct=["own.lan:5000"])
    kept = load(direct.tree.writes[f"{HOSTS_DIR}/own.lan_5000_/hosts.toml"])
    assert kept == {"server": "https://own.lan:5000", "ca": "/etc/own.crt", "host": {}} and not direct.warnings
    assert "skip_verify" not in direct.tree.writes[f"{HOSTS_DIR}/docker.io/hosts.toml"], "the endpoint is plain HTTP"
    before = make(observed("1.7.24", text))
    assert "own.lan:5000 has settings of its own" in str(before.migrated)
    assert load(before.tree.writes[f"{HOSTS_DIR}/own.lan_5000_/hosts.toml"]) == kept
    mirrored = make(observed("1.7.24", text), extra_upstreams=["own.lan:5000"])
    assert "TLS settings for own.lan:5000" in str(mirrored.warnings)


def test_legacy_settings_go_when_containerd_is_upgraded():
    before = observed("1.4.13", "version = 2\n")
    upgraded = after_run(before, make(before))
    upgraded = upgraded._replace(version="containerd x 1.7.24 y")
    done = make(upgraded)
    registry = load(done.config_after)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    assert registry == {"config_path": HOSTS_DIR}
    assert undo.make_absent(after_run(upgraded, done)).config_after == "version = 2\n"


def test_undo_keeps_what_others_changed_since():
    before = observed("1.7.24", "version = 2\n")
    now = after_run(before, make(before))
    now = edited(now, now.config.text.replace("version = 2\n", "version = 2\noom_score = 5\n"))
    assert load(undo.make_absent(now).config_after) == {"version": 2, "oom_score": 5}


def test_a_file_that_another_tool_reset_is_not_reverted_but_migrated():
    before = observed("1.7.24", "version = 2\n")
    now = after_run(before, make(before))
    theirs = (
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."own.lan"]\nendpoint = ["http://a.lan"]\n'
    )
    now = edited(now, theirs)
    done = make(now)
    assert f"{HOSTS_DIR}/own.lan/hosts.toml" in done.tree.writes
    assert load(undo.make_absent(after_run(now, done)).config_after) == load(theirs)


def test_a_right_file_without_effect_is_refused():
    before = observed("1.7.24", "version = 2\n")
    now = after_run(before, make(before))
    imported = nodes.file("", "/etc/containerd/conf.d/99-nvidia.toml", ctime=1.0)
    now = now._replace(effective=now.effective._replace(config_path=""), imports=(imported,))
    with pytest.raises(Refusal, match="config_path is ''.*99-nvidia.toml"):
        make(now)


def test_explicit_wishes_that_cannot_be_kept():
    with pytest.raises(Refusal, match="Remove fallback from"):
        make(observed("1.4.13", ""), fallback="none")
    with pytest.raises(Refusal, match="Remove catch_all from"):
        make(observed("1.5.18", ""), catch_all=True)
    assert "_default/hosts.toml" not in str(list(make(observed("1.5.18", "")).tree.writes))
    with pytest.raises(Refusal, match="mode is config_path"):
        make(observed("1.4.13", ""), SETTINGS._replace(mode="config_path"))
    with pytest.raises(Refusal, match="cannot load mirrors at all"):
        make(observed("2.2.1", "version = 3\n"), SETTINGS._replace(mode="legacy"))


def test_preflight_failures_stop_the_node():
    bad = (Answer("http://registry.lan/v2/", "e", None, "it refuses the username"),)
    with pytest.raises(Refusal, match="http://registry.lan/v2/: it refuses the username"):
        make(observed("1.7.24", "", endpoints=bad))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"daemon": None}, "does not run"),
        ({"cri_error": "UNIMPLEMENTED: x"}, "CRI does not answer"),
        ({"daemon": Daemon("2:2", 50.0)}, "newer than the running containerd"),
        ({"imports": (nodes.file("", "/etc/containerd/conf.d/x.toml", ctime=300.0),)}, "conf.d/x.toml is newer"),
    ],
)
def test_when_a_restart_is_due(changes, reason):
    found = observed("1.7.24", "", **changes).restart_due
    assert found is None if reason is None else reason in found


def test_a_restart_that_containerd_would_not_survive_is_refused_and_without_one_told():
    text = 'version = 2\nimports = ["/opt/kata.toml"]\n'
    with pytest.raises(
        Refusal, match="names /opt/kata.toml, which does not exist on this node, .* Nothing was changed"
    ):
        make(observed("2.1.9", text))
    done = make(observed("1.4.13", text))
    for again in (undo.make_absent, undo.make_previous):
        assert not again(observed("1.4.13", text)).warnings
        (warning,) = again(observed("2.1.9", text)).warnings
        assert warning.startswith("containerd would not start again after a restart: imports in /etc/containerd/config")
    assert done.restart_due


def undone(before: Observation, damaged: Observation) -> Plan:
    """Plan to undo the run that repaired a node, of which others took away what the run before it wrote."""
    repair = make(damaged)
    after = after_run(damaged, repair)

    def kept(text: str | None) -> Kept | None:
        return None if text is None else Kept(text.encode(), 0o600, 0, 0)

    paths = {CONFIG: (repair.config_before, repair.config_after)} if repair.config_changed else {}
    paths.update({path: (repair.tree.before.get(path), text) for path, text in repair.tree.writes.items()})
    files, now = ({path: kept(each[at]) for path, each in paths.items()} for at in (0, 1))
    digests = {path: nodes.file(text).sha256 for path, (_was, text) in paths.items()}
    state = State("previous", "2026-11-01T10:00:00Z", files, now, digests, before.record)
    return undo.make_previous(after._replace(previous=state))


def test_undoing_a_repair_says_that_pulls_may_pass_the_mirror():
    before = observed("2.1.9", "version = 3\n")
    first = after_run(before, make(before))
    path = f"{HOSTS_DIR}/quay.io/hosts.toml"
    files = {name: each for name, each in first.hosts.files.items() if not name.startswith("quay.io/")}
    again = undone(first, first._replace(hosts=first.hosts._replace(files=files)))
    assert again.tree.removes == [path]
    (warning,) = again.warnings
    assert f"had been removed or edited since the run before it ({path})" in warning
    (warning,) = undone(first, edited(first, "version = 3\n")).warnings
    assert "registry.config_path in /etc/containerd/config.toml): that is so again, and pulls may go to the" in warning
    assert not undone(before, before).warnings, "a first run has no run before it"
    assert not undone(first, edited(first, "# mine\n" + first.config.content.decode())).warnings


@pytest.mark.parametrize("tries", [True, False])
def test_what_is_to_be_tried_before_a_restart(tries):
    before = observed("1.7.24", "version = 2\n")
    done = make(before)
    asked = request.of_plan(done, before, None, tries).trial
    assert asked == (Trial("", before.config.path) if tries else None)
    for calm, again in ((after_run(before, done), make(after_run(before, done))), (before._replace(daemon=None), done)):
        assert request.of_plan(again, calm, None).trial is None


def test_mirrors_that_containerd_does_not_load_do_not_come_back():
    mirrors = f'[plugins."{moves.V3_IMAGES}".registry.mirrors."docker.io"]\nendpoint = ["http://x.lan"]\n'
    before = observed("2.2.1", "version = 3\n" + mirrors, cri_error="dead")
    undone = undo.make_absent(after_run(before, make(before)))
    assert "mirrors" not in undone.config_after and "mirrors was in /etc/containerd/config.toml" in str(undone.warnings)


TEXT = 'version = 2\nimports = ["/d/*.toml"]\n'


def proven(text: str | None, **imported: str) -> Observation:
    """A node with a containerd that was proven with these files."""
    files = tuple(nodes.file(each, f"/d/{name}.toml") for name, each in imported.items())
    before = observed("1.7.24", text, imports=files)
    record = NOTHING._replace(proven=ProvenWith("1:1", before.said(before.config.content)))
    return before._replace(record=record)


@pytest.mark.parametrize(
    ("text", "imported", "reason"),
    [
        (TEXT, {"a": "x = 1\n"}, None),
        ("# mine\n" + TEXT, {"a": "x=1  # one"}, None),
        (TEXT + "oom_score = 1\n", {"a": "x = 1\n"}, "/etc/containerd/config.toml was changed since containerd was"),
        (TEXT, {"a": "x = 2\n"}, "/d/a.toml was changed since containerd was started"),
        (TEXT, {"a": "x = \n"}, "/d/a.toml was changed"),
        (TEXT, {"a": "x = 1\n", "b": "y = 1\n"}, "/d/b.toml was added since containerd was started"),
        (TEXT, {}, "/d/a.toml was removed since containerd was started"),
        (None, {"a": "x = 1\n"}, "/d/a.toml was removed"),
    ],
)
def test_what_files_say_makes_a_restart_due_and_not_when_they_were_touched(text, imported, reason):
    before = proven(TEXT, a="x = 1\n")
    for ctime in (50.0, 300.0):
        files = tuple(nodes.file(each, f"/d/{name}.toml", ctime=ctime) for name, each in imported.items())
        found = before._replace(config=nodes.file(text, ctime=ctime), imports=files).restart_due
        assert found is None if reason is None else found.startswith(reason)


def test_another_containerd_was_installed():
    before = proven(TEXT)
    assert before.restart_due is None
    started = before.started_with._replace(replaced=True)
    assert before._replace(started_with=started).restart_due.startswith("another containerd was installed after")


def test_hand_edited_files():
    before = observed("1.7.24", "version = 2\n")
    now = after_run(before, make(before))
    by_hand = "# by hand\n"
    files = {**now.hosts.files, "quay.io/hosts.toml": nodes.tree_file(by_hand)}
    now = now._replace(hosts=now.hosts._replace(files=files))
    replaced = make(now)
    assert "edited by hand" in str(replaced.warnings)
    assert replaced.tree.before[f"{HOSTS_DIR}/quay.io/hosts.toml"] == by_hand
    writes = request.of_tree(replaced.tree, now).changes.writes
    assert [each.path for each in writes if each.backup] == replaced.tree.edited
    dropped = make(now, upstreams=["docker.io"])
    assert not dropped.tree.removes and "left in place" in str(dropped.warnings)


def test_foreign_files_are_replaced_when_wanted_and_come_back():
    theirs = 'server = "https://theirs.lan"\n[host]\n'
    found = nodes.tree({"quay.io/hosts.toml": nodes.tree_file(theirs, mode=0o644)})
    before = observed("1.7.24", "version = 2\n", hosts=found)
    done = make(before)
    assert "existed before" in str(done.warnings)
    undone = undo.make_absent(after_run(before, done))
    assert undone.tree.writes == {f"{HOSTS_DIR}/quay.io/hosts.toml": theirs}


def test_directories_that_hide_the_catch_all_are_reported():
    before = observed("1.7.24", "version = 2\n", hosts=nodes.tree(directories=("own.lan",), others=("own.lan/notes",)))
    assert "certs.d/own.lan has no hosts.toml" in str(make(before).warnings)
    assert "own.lan" not in str(make(before, extra_upstreams=["own.lan"]).warnings)


def test_a_list_in_config_path_is_reported():
    effective = Effective(config_path=f"{HOSTS_DIR}:/etc/docker/certs.d")
    before = observed("1.7.24", "version = 2\n", effective=effective)
    assert f"is only {HOSTS_DIR} now" in str(make(before).warnings)


def test_hosts_come_before_config_in_the_request():
    before = observed("1.7.24", "version = 2\n")
    message = request.of_plan(make(before), before, Restart("containerd", before.socket))
    paths = [each.path for each in message.changes.writes]
    assert paths[-1] == CONFIG and all(path.startswith(HOSTS_DIR) for path in paths[:-1])
    assert message.expect == {**dict.fromkeys(paths), CONFIG: tree.sha256("version = 2\n")}
    assert message.check.wanted.config_path == HOSTS_DIR and message.restart.cri is True


def _live(before, done):
    """The node after a run, with hosts_dir in use."""
    after = after_run(before, done)
    return after._replace(effective=after.effective._replace(config_path=HOSTS_DIR))


def _order(plan_, before):
    """What the request writes to config.toml before the files of hosts_dir, and after them."""
    paths = [each.path for each in request.of_plan(plan_, before, None).changes.writes]
    at = [index for index, path in enumerate(paths) if path == CONFIG]
    return [index == 0 for index in at]


def _logins(text):
    registry = load(text)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    return sorted(registry.get("configs", {}))


def test_logins_in_config_come_before_the_files_that_rely_on_them_and_go_after_those_that_did():
    start = observed("1.7.24", "version = 2\n")
    header = make(start)
    assert header.between is None and _order(header, start) == [False], "nothing reads hosts_dir yet"
    one = _live(start, header)
    new = {"auth_method": "config"}
    to_config = make(one, SETTINGS._replace(**new))
    assert _order(to_config, one) == [True] and _logins(to_config.config_after) == ["registry.lan"]
    two = _live(one, to_config)
    moved = make(two, SETTINGS._replace(**new), url="http://other.lan", preflight=False)
    assert _order(moved, two) == [True, False] and _logins(moved.config_after) == ["other.lan"]
    assert _logins(moved.between.text) == ["other.lan", "registry.lan"]
    half = edited(two, moved.between.text)._replace(record=two.record._replace(config=moved.between.record))
    again = make(half, SETTINGS._replace(**new), url="http://other.lan", preflight=False)
    assert again.config_after == moved.config_after and not again.config_edited and not again.warnings
    assert undo.make_absent(half).config_after == "version = 2\n"
    back = make(two)
    assert _order(back, two) == [False] and _logins(back.config_after) == []


def test_absent_leaves_the_logins_until_files_of_ours_are_gone_where_certs_d_stays_in_use():
    table = 'plugins."io.containerd.grpc.v1.cri".registry'
    text = f"version = 2\n[{table}]\nconfig_path = '{HOSTS_DIR}'\n"
    start = observed("1.7.24", text, effective=Effective(config_path=HOSTS_DIR))
    assert not undo.make_absent(start).changed
    done = make(start, SETTINGS._replace(auth_method="config"))
    after = _live(start, done)
    message = request.of_plan(undo.make_absent(after), after, None)
    assert [each.path for each in message.changes.writes] == [CONFIG] and message.changes.last
    assert message.between and message.changes.removes
    elsewhere = observed("1.7.24", "version = 2\n")
    after = _live(elsewhere, make(elsewhere, SETTINGS._replace(auth_method="config")))
    assert request.of_plan(undo.make_absent(after), after, None).between is None


def test_a_damaged_record_is_refused():
    with pytest.raises(Refusal, match="record.json"):
        make(observed("1.7.24", "", record=Unreadable("it lacks 'files'")))
    with pytest.raises(Refusal, match=r"unfinished run on this node \(/var/\S*/open.json\) is damaged"):
        make(observed("1.7.24", "", record=Unreadable("it lacks 'files'"), open_damaged=True))


@pytest.mark.parametrize(("version", "scheme"), [("1.4.13", {"127.0.0.1:31999": "http", "127.0.0.2:31999": "https"})])
def test_legacy_mode_asks_a_registry_on_the_node_as_before(version, scheme):
    done = make(observed(version, ""), direct=list(scheme))
    for name, each in scheme.items():
        assert done.effective.mirrors[name] == [f"{each}://{name}"]


def test_a_file_of_ours_that_goes_hides_nothing():
    before = observed("2.1.9", "")
    before = after_run(before, make(before))
    before = before._replace(hosts=before.hosts._replace(directories=("docker.io", "quay.io", "_default", "own.lan")))
    done = make(before, upstreams=["docker.io"])
    assert done.tree.removes == [f"{HOSTS_DIR}/quay.io/hosts.toml"]
    assert [text for text in done.warnings if "quay.io" in text] == []
    assert [text for text in done.warnings if "own.lan" in text]


@pytest.mark.parametrize("make_it", [make, undo.make_absent, undo.make_previous])
def test_what_another_configuration_got_is_not_taken_away(make_it):
    first = after_run(observed("1.7.24", ""), make(observed("1.7.24", "")))
    other = first._replace(config=nodes.file("", "/run/k3s/config.toml"))
    with pytest.raises(
        Refusal, match=f"that reads {CONFIG}, .* changing /run/k3s/config.toml would .* config_file={CONFIG}"
    ):
        make_it(other)
    link = first._replace(config=first.config._replace(path=Place("/etc/link.toml"), real_path=Place(CONFIG)))
    assert make(link).record


SECRET = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs."r.lan".auth]\npassword = "a"\n'


@pytest.mark.parametrize("about", [{"mode": 0o644}, {"mode": 0o640}, {"mode": 0o600, "uid": 65534}])
def test_a_secret_that_others_can_read_is_taken_from_them_without_a_restart(about):
    done = make(observed("2.1.9", SECRET))
    before = after_run(observed("2.1.9", SECRET), done)
    assert not make(before).changed
    record = before.record._replace(proven=None)
    attributes = before.config.attributes._replace(**about)
    before = before._replace(config=before.config._replace(attributes=attributes), record=record)
    again = make(before)
    assert again.changed and not again.config_changed and not again.restart_due and again.record.proven
    assert "only root can read it now" in again.warnings[-1]
    (write,) = request.of_plan(again, before, None).changes.writes
    assert (write.path, write.mode, write.uid, write.gid) == (CONFIG, 0o600, None, None)
    assert wire.unpack(write.content).decode() == done.config_after


def test_a_file_without_secrets_and_a_narrower_mode_stay():
    plain = observed("2.1.9", "version = 2\n")
    assert request.config_write(plain.config, "a = 1\n").mode == 0o644
    narrow = nodes.file("version = 2\n", mode=0o400)
    assert request.config_write(narrow, SECRET).mode == 0o400 and not make(plain).config_exposed
    absent = nodes.file(None)
    assert request.config_write(absent, SECRET).mode == 0o600, "a new file is nobody else's from the beginning"
    assert request.config_write(absent, "a = 1\n").mode == 0o644


def _config_write(done: Plan, before: Observation):
    changes = request.of_plan(done, before, None).changes
    return [each for each in changes.writes if each.path == CONFIG][-1]


@pytest.mark.parametrize(("mode", "gid"), [(0o644, 0), (0o640, 4), (0o600, 0)])
@pytest.mark.parametrize("ways", [["absent"], ["header"], ["header", "absent"]])
def test_config_toml_is_shared_again_once_no_login_is_in_it(mode, gid, ways):
    start = observed("1.7.24", "version = 2\n")
    start = start._replace(config=nodes.file("version = 2\n", mode=mode))
    start = start._replace(
        config=start.config._replace(attributes=start.config.attributes._replace(mode=mode, gid=gid))
    )
    done = make(start, SETTINGS._replace(auth_method="config"))
    assert _config_write(done, start).mode == 0o600
    now = after_run(start, done)
    now = now._replace(config=now.config._replace(attributes=now.config.attributes._replace(mode=0o600)))
    assert make(now, SETTINGS._replace(auth_method="config")).record == now.record, "it is known, and nothing changes"
    for way in ways:
        done = undo.make_absent(now) if way == "absent" else make(now, SETTINGS._replace(auth_method="header"))
        write = _config_write(done, now)
        assert (write.mode, write.gid) == (mode, gid)
        about = now.config.attributes._replace(mode=write.mode, gid=write.gid)
        now = after_run(now, done)
        now = now._replace(config=now.config._replace(attributes=about))


def test_a_mode_that_somebody_gave_meanwhile_stays():
    start = observed("1.7.24", "version = 2\n")
    now = after_run(start, make(start, SETTINGS._replace(auth_method="config")))
    narrow = now.config._replace(attributes=now.config.attributes._replace(mode=0o400))
    assert _config_write(undo.make_absent(now._replace(config=narrow)), now._replace(config=narrow)).mode == 0o400


TABLE = 'plugins."io.containerd.grpc.v1.cri".registry'
MIRRORS = f'[{TABLE}.mirrors."quay.io"]\nendpoint = ["http://old.lan"]\n'


def test_absent_says_what_comes_back_and_never_worked():
    start = observed("1.7.24", "version = 2\n")
    now = after_run(start, make(start))
    assert not undo.make_absent(now).warnings
    by_hand = edited(now, now.config.text + MIRRORS)
    mended = after_run(by_hand, make(by_hand))
    assert not load(mended.config.text)["plugins"][V2_REGISTRY[1]]["registry"].get("mirrors")
    back = undo.make_absent(mended)
    assert "mirrors" in (back.config_after or "")
    (warning,) = back.warnings
    assert "io.containerd.grpc.v1.cri.registry.mirrors is restored in" in warning


def test_absent_leaves_out_mirrors_that_stood_beside_config_path():
    both = f"version = 2\n[{TABLE}]\nconfig_path = '/etc/old'\n{MIRRORS}"
    start = observed("1.7.24", both)
    undone = undo.make_absent(after_run(start, make(start)))
    (warning,) = undone.warnings
    assert "mirrors was in /etc/containerd/config.toml before and is not restored: CRI" in warning
    assert undone.config_after == both.removesuffix(MIRRORS)
    legacy = observed("1.7.24", f"version = 2\n{MIRRORS}")
    assert not undo.make_absent(after_run(legacy, make(legacy))).warnings, "those worked"


def test_absent_takes_away_the_directories_that_runs_made():
    start = observed("1.7.24", "version = 2\n")
    now = after_run(start, make(start))
    now = now._replace(record=now.record._replace(made=("/etc/containerd", HOSTS_DIR)))
    assert make(now).record == now.record
    directories = request.of_plan(undo.make_absent(now), now, None).changes.directories
    assert directories[-2:] == [HOSTS_DIR, "/etc/containerd"], "what is inside comes first"


def test_check_mode_tries_what_a_run_would():
    before = observed("2.1.9", "version = 2\n")
    done = make(before)
    tried = request.rehearsal(done, before, True).plan
    real = request.of_plan(done, before, None)
    assert (tried.check, tried.trial, tried.expect) == (real.check, real.trial, real.expect) and tried.trial
    assert tried.changes.config == real.changes.config and not tried.changes.files and tried.record is None
    after = after_run(before, done)
    assert request.rehearsal(make(after), after, True) is None
    gone = undo.make_absent(after)
    assert request.rehearsal(gone, after, True).plan.trial and not request.rehearsal(gone, after, False)


@pytest.mark.parametrize("about", [{"mode": 0o644}, {"mode": 0o604}, {"uid": 65534}])
def test_a_hosts_file_that_others_can_read_is_taken_from_them(about):
    before = after_run(observed("2.1.9", "version = 2\n"), make(observed("2.1.9", "version = 2\n")))
    file = before.hosts.files["quay.io/hosts.toml"]
    wider = file._replace(attributes=file.attributes._replace(**about))
    before = before._replace(hosts=before.hosts._replace(files={**before.hosts.files, "quay.io/hosts.toml": wider}))
    again = make(before)
    assert list(again.tree.writes) == [f"{HOSTS_DIR}/quay.io/hosts.toml"] and not again.restart_due
    assert "only root can read it now" in again.warnings[-1]


def test_certificates_beside_a_new_hosts_toml_are_named_in_it():
    found = nodes.tree(directories=("own.lan",), certificates={"own.lan/ca.crt": True, "own.lan/notes.crt": False})
    done = make(observed("1.7.24", "version = 2\n", hosts=found), url="https://own.lan", preflight=False)
    for namespace in ("own.lan", "docker.io"):
        text = done.tree.writes[f"{HOSTS_DIR}/{namespace}/hosts.toml"]
        assert load(text)["ca"] == [f"{HOSTS_DIR}/own.lan/ca.crt"]


def test_config_toml_keeps_its_own_spelling_of_the_directory():
    text = f'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "{HOSTS_DIR}/"\n'
    before = observed("1.7.24", text, effective=Effective(config_path=f"{HOSTS_DIR}/"))
    first = make(before, direct=["own.lan"])
    assert not first.config_changed and first.effective.config_path == f"{HOSTS_DIR}/" and not first.migrated
    second = make(after_run(before, first), direct=["own.lan"])
    assert not second.changed and not second.warnings
    assert f"{HOSTS_DIR}/own.lan/hosts.toml" in first.tree.writes
    assert not undo.make_absent(after_run(before, first)).config_changed
