# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd_config and the files of real nodes: attributes, links, mounts, other versions, and nothing left behind."""

from __future__ import annotations

import pytest
from support import BOTH_LINES, CONFIG, DOWNLOADS, ENDS, LAST_1, NEWEST, RELEASES, V2, cri, dump, executions, files

FAILING = {"ignore_errors": True}
MORE = {"plugins": {"cri_images": {"max_concurrent_downloads": 8}}}


def stat(lab, node: str, path: str = CONFIG) -> list[str]:
    return lab.run(node, ["stat", "--format=%F %a %U %G %h", path]).stdout.strip().rsplit(" ", 4)


def leftovers(lab, node: str) -> str:
    return lab.run(node, ["sh", "-c", "ls -A /etc/containerd /run | grep '^[.]airgap'"]).stdout


@pytest.mark.nodes(*ENDS)
def test_two_executions_for_a_change_and_one_for_none(fresh, config):
    runs = [config({"merge": DOWNLOADS}, limit=",".join(ENDS), arguments=("-vvv",))[0].ok() for dummy in range(2)]
    counts = [executions(run.output) for run in runs]
    assert [set(each.values()) for each in counts] == [{2}, {1}]


@pytest.mark.nodes("n3")
def test_attributes_links_and_copies(fresh, config):
    fresh.run("n3", ["mkdir", "-p", "/root/t"])
    fresh.run("n3", ["mv", CONFIG, "/etc/containerd/real"])
    fresh.run("n3", ["ln", "-s", "real", CONFIG])
    fresh.run("n3", ["ln", "/etc/containerd/real", "/root/t/hard"])
    fresh.run("n3", ["chmod", "0604", "/etc/containerd/real"])
    before = fresh.read("n3", CONFIG)
    given = {"owner": "root", "group": "adm", "mode": "0640"}
    check = "containerd --config %s config dump"
    steps = [
        {"merge": DOWNLOADS, "validate": check},
        {"merge": MORE, "backup": True, "validate": check, **given},
        {"merge": MORE, "backup": True, "validate": check, **given},
        {"mode": "u=rw,go="},
    ]
    run, results = config(*steps, limit="n3", arguments=("--diff",))
    run.ok()
    kept, dressed, again, mode = results["n3"]
    assert [each["changed"] for each in results["n3"]] == [True, True, False, True]
    assert kept["mode"] == "0604" and kept["owner"] == "root", "as they were"
    assert [dressed[each] for each in ("owner", "group", "mode")] == ["root", "adm", "0640"]
    assert dressed["diff"][1]["before"]["mode"] == "0604" and dressed["diff"][1]["after"]["mode"] == "0640"
    assert "backup_file" not in again and mode["changes"] == [] and mode["mode"] == "0600"
    assert stat(fresh, "n3") == ["symbolic link", "777", "root", "root", "1"]
    assert stat(fresh, "n3", "/etc/containerd/real") == ["regular file", "600", "root", "adm", "1"]
    assert fresh.read("n3", "/root/t/hard") == before, "what else had the old content under another name keeps it"
    copy = dressed["backup_file"]
    assert copy.startswith("/etc/containerd/real.") and stat(fresh, "n3", copy)[1:3] == ["600", "root"]
    assert cri(dump(fresh, "n3"))["max_concurrent_downloads"] == 8 and not leftovers(fresh, "n3")


@pytest.mark.nodes("n3")
def test_a_check_of_ones_own_and_a_hand_that_is_faster(fresh, config):
    fresh.write("n3", "/root/t/refuse", "#!/bin/sh\necho 'wrong: password = \"hunter2\"' >&2\nexit 4\n")
    fresh.write("n3", "/root/t/edit", f"#!/bin/sh\necho '# by hand' >>{CONFIG}\n")
    fresh.run("n3", ["chmod", "+x", "/root/t/refuse", "/root/t/edit"])
    before = files(fresh, "n3")
    steps = [{"merge": DOWNLOADS, "backup": True, "validate": f"/root/t/{name} %s"} for name in ("refuse", "edit")]
    run, results = config(*({**each, "task": FAILING} for each in steps), limit="n3")
    refused, late = (each["msg"] for each in results["n3"])
    assert "validate: the command failed on the new file (status 4" in refused and "hunter2" not in run.output
    assert f"{CONFIG} changed on the node while this run was planned" in late
    after = files(fresh, "n3")
    assert {path for path in after if after[path] != before.get(path)} == {CONFIG}, "not even a copy is left"
    assert fresh.read("n3", CONFIG).endswith("# by hand\n") and not leftovers(fresh, "n3")


@pytest.mark.nodes("n3")
def test_a_file_that_is_mounted_by_itself(fresh, config):
    fresh.write("n3", "/root/t/mounted", fresh.read("n3", CONFIG))
    assert fresh.run("n3", ["mount", "--bind", "/root/t/mounted", CONFIG]).returncode == 0
    written = {"merge": MORE, "unsafe_writes": True, "mode": "0640"}
    run, results = config({"merge": DOWNLOADS, "task": FAILING}, written, limit="n3")
    refused, done = results["n3"]
    assert "set unsafe_writes if it is a mount point itself" in refused["msg"]
    assert run.ok() and done["changes"][0]["after"] == 8 and "before" not in done["changes"][0]
    assert done["mode"] == "0640" and stat(fresh, "n3", "/root/t/mounted")[1] == "640"
    assert "max_concurrent_downloads = 8" in fresh.read("n3", "/root/t/mounted") and not leftovers(fresh, "n3")


FAULTS = {
    b'version = 2\na = "hunter2\n': "PATH: not valid TOML at line 2, column 13: a string is not closed",
    b"[a]\nb = 1\n[a]\n": "PATH: not valid TOML at line 3, column 3: this table is declared a second time",
    b"a = 1\na = 'hunter2'\n": "PATH: not valid TOML at line 2, column 14: this key is set a second time",
    b"# \xff hunter2\n": "PATH: not UTF-8 at line 1, column 3: some containerd releases read such a file",
    b"\xef\xbb\xbfversion = 2\n": "PATH: not valid TOML at line 1, column 1: the file starts with a byte order mark",
    b'version = "2"\n': "version",
    b"plugins = 'hunter2'\n": "plugins",
    b"oom_score = { a = 1 }\n": "oom_score: the file has a table here, it cannot become a value",
}


def test_a_broken_file_is_named_with_the_place(lab, config):
    paths = [f"/root/broken-{number}" for number in range(len(FAULTS))]
    for path, content in zip(paths, FAULTS, strict=True):
        (lab.root("n3") / path[1:]).write_bytes(content)
    run, results = config(*({"path": path, "merge": {"oom_score": 1}, "task": FAILING} for path in paths), limit="n3")
    for path, (content, message), result in zip(paths, FAULTS.items(), results["n3"], strict=True):
        assert "changes" not in result, result
        assert message.replace("PATH", path) in result["msg"], result["msg"]
        assert (lab.root("n3") / path[1:]).read_bytes() == content
    assert "hunter2" not in run.output


@pytest.mark.nodes(*BOTH_LINES)
def test_a_file_moves_to_another_version_on_request_alone(fresh, config):
    old = {name: f"[{name}]\n  # ours\n  sandbox_image = 'p'\n  enable_selinux = true\n" for name in BOTH_LINES}
    old[LAST_1] = old[LAST_1].replace(f"[{LAST_1}]", "[plugins.cri]")
    old[NEWEST] = "version = 2\n" + old[NEWEST].replace(f"[{NEWEST}]", f'[plugins."{V2}"]')
    for node, text in old.items():
        fresh.write(node, CONFIG, text)
    before = {node: dump(fresh, node) for node in old}
    versions = {node: RELEASES[node].new_file for node in old}
    version = f"{{{{ {versions}[inventory_hostname] }}}}"
    steps = [
        {"merge": {"version": 4}, "task": FAILING},
        {"config_version": version, "task": {"check_mode": True}},
        {"config_version": version},
        {"config_version": version},
    ]
    run, results = config(*steps, limit=",".join(BOTH_LINES), arguments=("--diff",))
    run.ok()
    for node in old:
        refused, foretold, done, again = results[node]
        assert "set config_version instead, which moves every setting to its new place" in refused["msg"]
        assert done["config_version"] == versions[node] and done["moved"] == foretold["moved"]
        assert [each["from"][-1] for each in done["moved"]] == ["sandbox_image", "enable_selinux"]
        assert foretold["diff"][0]["before"] == old[node], "check mode wrote nothing"
        assert again["changed"] is False and again["moved"] == []
        assert "# ours" in fresh.read(node, CONFIG) and dump(fresh, node) == before[node]
