# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about a change of one file, with all the others of its configuration in sight."""

from __future__ import annotations

import nodes
import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._shared import wire
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import releases
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V2, V3_IMAGES
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import ReleaseError
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit import change as change_module
from ansible_collections.airgap.containerd.plugins.plugin_utils._edit.change import EditPlan
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Dropped, Look, PathInfo, Problem
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import Place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError, load

MAIN, DROP_IN = "/etc/containerd/config.toml", "/etc/containerd/conf.d/10.toml"
IMPORTS = f'imports = ["{DROP_IN}"]\n'
DOWNLOADS = {"plugins": {"cri_images": {"max_concurrent_downloads": 7}}}
REFUSED = (Refusal, ReleaseError, TomlError)


def decide(containerd: str, files: dict[str, str | None], path: str = MAIN, main: str = MAIN, in_place=True, **given):
    """Decide on a change of one file of a node that has these."""
    args = {"merge": {}, "remove": [], "lists": "replace", "config_version": None, "create": True, **given}
    known = {path: None, **files}
    seen = Look(
        binary="containerd",
        version=f"containerd x {containerd} y",
        version_error=None,
        main=Place(main),
        path=Place(path),
        files=tuple(nodes.file(text, each) for each, text in known.items()),
        info=PathInfo(),
        attributes={},
    )
    return change_module.decide(args, seen, releases.release(releases.parse(containerd)), in_place)


V2_TABLE = f'[plugins."{V2}"]\nmax_concurrent_downloads = 7\n'
V3_TABLE = V2_TABLE.replace(V2, V3_IMAGES)


@pytest.mark.parametrize(
    ("containerd", "text", "after", "version"),
    [
        ("1.4.13", None, f"version = 2\n\n{V2_TABLE}", 2),
        ("1.7.24", None, f"version = 2\n\n{V2_TABLE}", 2),
        ("2.1.9", None, f"version = 3\n\n{V3_TABLE}", 3),
        ("2.3.4", None, f"version = 3\n\n{V3_TABLE}", 3),
        ("2.3.4", "version = 4\n", f"version = 4\n\n{V3_TABLE}", 4),
        ("2.1.9", "version = 2\n", f"version = 2\n\n{V2_TABLE}", 2),
        ("1.7.24", "[plugins.cri]\na = 1\n", "[plugins.cri]\na = 1\nmax_concurrent_downloads = 7\n", 1),
        ("1.7.24", "# mine\n", f"# mine\n\nversion = 2\n\n{V2_TABLE}", 2),
    ],
)
def test_every_version_gets_the_table_that_is_read(containerd, text, after, version):
    edit = decide(containerd, {MAIN: text}, merge=DOWNLOADS)
    assert edit.after == after and edit.version == version
    (proof,) = edit.proof.settings
    assert proof["value"] == 7 and proof["path"][-1] == "max_concurrent_downloads"
    assert edit.warnings == [] and edit.proof.copies == []


def test_create_can_be_forbidden():
    with pytest.raises(Refusal, match="config.toml does not exist on this node, and create is false"):
        decide("1.7.24", {}, merge=DOWNLOADS, create=False)
    assert decide("1.7.24", {}).after == "", "nothing asked for, nothing made"


def test_a_drop_in_gets_the_version_of_the_main_file_and_is_proven_with_copies_of_all():
    files = {MAIN: f"version = 2\n{IMPORTS}oom_score = 1\n"}
    edit = decide("2.1.9", files, DROP_IN, merge=DOWNLOADS)
    assert edit.after == f'version = 2\n\n[plugins."{V2}"]\nmax_concurrent_downloads = 7\n'
    first, second = (wire.unpack(each).decode() for each in edit.proof.copies)
    assert first == 'version = 2\nimports = ["1"]\noom_score = 1\n' and second == edit.after
    assert edit.proof.main == MAIN and edit.proof.settings[0]["path"][1] == V3_IMAGES


def test_a_file_that_nothing_imports_is_written_with_a_warning():
    edit = decide("1.7.24", {MAIN: "version = 2\n"}, "/root/x.toml", merge=DOWNLOADS)
    assert edit.warnings == [f"containerd reads {MAIN}, which does not import /root/x.toml: the change has no effect"]
    assert edit.proof.main == "/root/x.toml" and edit.proof.others is None


OWNER = f'version = 2\n[plugins."{V2}"]\nmax_concurrent_downloads = 5\n'


@pytest.mark.parametrize(
    ("containerd", "files", "path", "change", "message"),
    [
        ("1.7.24", {MAIN: f"version = 2\n{IMPORTS}", DROP_IN: OWNER}, MAIN, DOWNLOADS,
            f"max_concurrent_downloads has no effect in {MAIN}: {DROP_IN} has"),
        ("2.1.9", {MAIN: f"version = 2\n{IMPORTS}", DROP_IN: OWNER}, MAIN, DOWNLOADS,
            f"has no effect in {MAIN}: {DROP_IN} sets it too, and is read later"),
        ("1.7.24", {MAIN: f"{IMPORTS}{OWNER}sandbox_image = 'p'\n"}, DROP_IN, DOWNLOADS,
            f"would make 2 settings in {MAIN} ineffective, such as"),
        ("2.1.9", {MAIN: f"{IMPORTS}{OWNER}"}, DROP_IN, {"version": 3, "plugins": {V3_IMAGES: {"a": 1}}},
            "set config_version instead"),
        ("2.3.4", {MAIN: f"version = 2\n{IMPORTS}", DROP_IN: "version = 3\n"}, MAIN, DOWNLOADS,
            f"{DROP_IN} has version 3, and containerd 2.3.4 does not start with an imported file of a newer version"),
        ("1.7.24", {MAIN: "version = 2\n"}, MAIN, {"imports": ["/etc/none.toml"]},
            "imports: /etc/none.toml does not exist, and containerd 1.7.24 does not start without it: create it first"),
        ("1.7.24", {MAIN: "version = 2\n"}, MAIN, {"plugins": {V3_IMAGES: {"max_concurrent_downloads": 7}}},
            f'use plugins."{V2}".max_concurrent_downloads, or plugins.cri_images'),
        ("1.7.24", {MAIN: "version = 3\n"}, MAIN, DOWNLOADS, "version 3"),
        ("2.3.4", {MAIN: "version = 4\n"}, MAIN, {"grpc": {"address": "/a"}},
            'grpc.address: containerd 2.3.4 ignores this in a file of version 4: use plugins."io.containerd.server.v1'),
        ("1.7.24", {MAIN: "version = 2\n"}, MAIN, {"version": None}, "version: TOML has no null"),
        ("1.7.24", {MAIN: "[a]\n[a]\n"}, MAIN, DOWNLOADS, f"{MAIN}: not valid TOML at line 2, column 3"),
        ("1.7.24", {MAIN: f"version = 2\n{IMPORTS}", DROP_IN: "a = \n"}, MAIN, DOWNLOADS,
            f"{DROP_IN}: not valid TOML at line 1, column 5"),
    ],
)  # fmt: skip
def test_what_would_have_no_effect_or_take_one_is_refused(containerd, files, path, change, message):
    with pytest.raises(REFUSED) as caught:
        decide(containerd, files, path, merge=change)
    assert message in str(caught.value)


def test_a_missing_import_is_no_reason_where_containerd_goes_on():
    assert decide("1.4.13", {MAIN: "version = 2\n"}, merge={"imports": ["/etc/none.toml"]}).warnings == []
    known = {MAIN: 'version = 2\nimports = ["/etc/none.toml"]\n'}
    assert decide("1.7.24", known, merge={"oom_score": 1}).warnings == [], "it was missing before"


def test_an_import_is_added_and_taken_away_again():
    text = 'version = 2\nimports = [\n  "/etc/a.toml", # theirs\n]\n'
    files = {MAIN: text, DROP_IN: OWNER, "/etc/a.toml": "version = 2\n"}
    edit = decide("2.1.9", files, merge={"imports": [DROP_IN]}, lists="union")
    assert edit.after == text.replace("theirs\n", f'theirs\n  "{DROP_IN}",\n')
    assert edit.proof.others is None, "with it comes what it sets"
    back = decide("2.1.9", {**files, MAIN: edit.after}, merge={"imports": ["/etc/a.toml"]})
    assert back.after == text


def test_what_is_removed_is_checked_to_be_the_default_or_told_to_be_set_elsewhere():
    path = ["plugins", V2, "max_concurrent_downloads"]
    edit = decide("1.7.24", {MAIN: OWNER}, remove=[path])
    assert edit.after == "version = 2\n" and edit.proof.defaults == [path]
    files = {MAIN: f"version = 2\n{IMPORTS}oom_score = 1\n", DROP_IN: "version = 2\noom_score = 2\n"}
    assert decide("1.7.24", files, remove=[["oom_score"]]).warnings == []
    edit = decide("1.7.24", {**files, DROP_IN: "version = 2\n"}, remove=[["oom_score"]])
    assert edit.proof.defaults == [["oom_score"]]


def test_a_table_has_the_defaults_of_containerd_before_and_after():
    runc = ["plugins", V2, "containerd", "runtimes", "runc"]
    table = {"runtime_type": "r", "options": {"SystemdCgroup": True}}
    merge = {"plugins": {"cri_runtime": {"containerd": {"runtimes": {"runc": table}}}}}
    added = decide("1.7.24", {MAIN: "version = 2\n"}, merge=merge)
    assert added.proof.tables == [runc, [*runc, "options"]] and not added.proof.defaults
    gone = ["plugins", "cri_runtime", "containerd", "runtimes", "runc"]
    removed = decide("1.7.24", {MAIN: added.after}, remove=[gone])
    assert removed.after == "version = 2\n" and not removed.proof.tables
    assert removed.proof.defaults == [runc, [*runc, "options"]] and runc in removed.proof.others
    part = decide("1.7.24", {MAIN: added.after}, remove=[[*gone, "options", "SystemdCgroup"]])
    assert part.proof.defaults == [[*runc, "options"]] and runc not in part.proof.others


def test_defaults_that_containerd_drops_are_told():
    rel = releases.release(releases.parse("1.7.24"))
    runc = ("plugins", V2, "containerd", "runtimes", "runc")
    found = [Dropped((*runc, "sandbox_mode"), "podsandbox"), Dropped((*runc, "password"), "hunter2")]
    (said,) = change_module.dropped(found, rel)
    assert "runtimes.runc: containerd 1.7.24 drops its defaults" in said and "hunter2" not in said
    assert 'sandbox_mode was "podsandbox"' in said


def test_what_differs_in_containerds_output_but_was_not_asked_for():
    rel = releases.release(releases.parse("1.7.24"))
    edit = decide("1.7.24", {MAIN: OWNER}, merge=DOWNLOADS)
    password = ["plugins", V2, "registry", "configs", "h", "auth", "password"]
    for problem, message in (
        ({"kind": "setting", "path": ["plugins", V2, "a"], "found": 5}, "reads it as 5"),
        ({"kind": "setting", "path": ["plugins", V2, "a"]}, "does not know this setting and ignores it"),
        ({"kind": "default", "path": ["plugins", V2, "a"], "found": True}, "still uses true"),
        ({"kind": "default", "path": ["plugins", V2, "a"]}, "would not return to its default"),
        ({"kind": "other", "path": ["plugins", V2, "a"], "found": "x"}, "would also change"),
        ({"kind": "other", "path": ["plugins", V2, "a"]}, "would remove"),
        ({"kind": "setting", "path": password, "found": "hunter2"}, "reads it as"),
    ):
        found = Problem(**{**problem, "path": tuple(problem["path"])})
        said = change_module.refusal([found, found], edit, rel)
        assert message in said and said.endswith("(1 more like this). Nothing was changed on the node")
        assert "hunter2" not in said


@pytest.mark.parametrize(
    ("mode", "about", "text", "given"),
    [
        (None, nodes.attributes(0o644), "password = 'x'\n", {"mode": "0600"}),
        (None, nodes.attributes(0o600, uid=5), "password = 'x'\n", {"mode": "0600", "owner": "0"}),
        (None, nodes.attributes(0o600), "password = 'x'\n", {}),
        (None, None, "password = 'x'\n", {"mode": "0600"}),
        (None, None, "a = 'x'\n", {}),
        ("0644", nodes.attributes(0o644), "password = 'x'\n", {}),
    ],
)
def test_a_file_with_a_secret_is_for_root_alone(mode, about, text, given):
    file = nodes.file(text if about else None)._replace(attributes=about)
    edit = EditPlan(file, None, text, 2, [], None, [])
    assert change_module.tightened({"mode": mode, "owner": None}, edit) == given


def test_a_change_that_is_not_made_is_proven_with_copies():
    edit = decide("2.1.9", {MAIN: OWNER}, in_place=False, merge=DOWNLOADS)
    (copy,) = edit.proof.copies
    assert load(wire.unpack(copy).decode()) == {**load(edit.after), "imports": []}
    assert edit.proof == decide("2.1.9", {MAIN: OWNER}, merge=DOWNLOADS).proof._replace(copies=[copy])
