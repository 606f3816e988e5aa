# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab does what the other integration tests rely on, and what its README promises."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from airgap_lab import Lab, LabError, prepare
from airgap_lab.cli import main
from airgap_lab.config import INVENTORY, NAMESPACE_PREFIX, PROJECT, namespace
from airgap_lab.network import kill_processes

COMMAND = PROJECT / "tests/lab/lab"
NODES = tuple(Lab().config.nodes)
UPSTREAM_IMAGE = "quay.io/coreos/etcd:1"
PROJECT_REPOSITORY = "quay/coreos/etcd"


def basic(lab: Lab, password: str | None = None) -> dict[str, str]:
    """Authorization header with the lab's account, or with another password."""
    account = f"{lab.config.username}:{lab.config.password if password is None else password}"
    return {"Authorization": "Basic " + base64.b64encode(account.encode()).decode()}


def token(lab: Lab, scope: str, headers: dict[str, str]) -> dict[str, str]:
    """Authorization header with a token from Harbor's token service."""
    path = f"/service/token?service=harbor-registry&scope={quote(scope)}"
    answer = lab.http("harbor.lan", "GET", path, headers)
    assert answer.status == 200
    return {"Authorization": "Bearer " + json.loads(answer.body)["token"]}


def manifest(repository: str) -> str:
    """Path of the manifest of a repository's tag 1."""
    return f"/v2/{repository}/manifests/1"


def outside_state() -> dict[str, set[str]]:
    """What a lab makes on the machine besides files in its state folder."""
    mounts = Path("/proc/mounts").read_text().splitlines()
    running = subprocess.run(["ps", "-eo", "stat=,args="], capture_output=True, text=True, check=True).stdout
    programs = {
        line for line in running.splitlines() if re.search(r"systemd-nspawn|docker-registry|(harbor|failing)\.py", line)
    }
    return {
        "namespaces": {path.name for path in Path("/run/netns").glob("*")},
        "mounts": {line.split()[1] for line in mounts},
        "programs": {line for line in programs if not line.startswith("Z")},
        "cgroups": {str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{NAMESPACE_PREFIX}*")},
        "folders": {str(path) for folder in ("/etc/netns", "/run/systemd/nspawn") for path in Path(folder).glob("**")},
    }


def test_every_node_has_its_versions_and_is_reachable(lab: Lab) -> None:
    for status in lab.status():
        node = lab.config.nodes[status.name]
        assert status.sshd
        # The suites get corrections, which change the last number.
        assert status.containerd.rsplit(".", 1)[0] == node.containerd.rsplit(".", 1)[0]
        assert node.python in ("/usr/bin/python3", "/usr/bin/python" + status.python.rsplit(".", 1)[0])


@pytest.mark.parametrize("name", NODES)
def test_node_is_a_whole_system_without_a_way_out(lab: Lab, name: str) -> None:
    lab.reset(name)
    assert lab.run(name, ["systemctl", "is-system-running", "--wait"]).stdout.strip() == "running"
    assert lab.run(name, ["systemctl", "show", "-P", "KillMode", "containerd"]).stdout.strip() == "process"
    assert lab.run(name, ["ip", "route", "show", "default"]).stdout == ""
    if not lab.config.nodes[name].folder:
        assert 'bin_dir = "/usr/lib/cni"' in lab.read(name, "/etc/containerd/config.toml")


def test_ansible_reaches_every_node_from_outside(lab: Lab) -> None:
    ansible = Path(sys.executable).with_name("ansible")
    ping = [str(ansible), "-i", str(INVENTORY), "all", "-m", "ansible.builtin.ping"]
    environment = {**os.environ, "AIRGAP_LAB_STATE": str(lab.config.state)}
    result = subprocess.run(ping, check=False, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("SUCCESS") == len(NODES)


@pytest.mark.parametrize("port", [80, 5000])
def test_flat_registry_wants_its_account(lab: Lab, port: int) -> None:
    mark = lab.mark()
    refused = lab.http("registry.lan", "GET", "/v2/", port=port)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="registry.lan"')
    assert lab.http("registry.lan", "GET", "/v2/", basic(lab, "wrong"), port).status == 401
    assert lab.http("registry.lan", "GET", manifest("library/busybox"), basic(lab), port).status == 200
    expected = [(None, None, 401), ("basic", None, 401), ("basic", lab.config.username, 200)]
    logged = [entry for entry in lab.requests(mark) if entry["client"] == lab.config.controller]
    assert [(entry["auth"], entry["user"], entry["status"]) for entry in logged] == expected
    assert {(entry["registry"], entry["port"]) for entry in logged} == {("registry.lan", port)}


@pytest.mark.parametrize("registry", ["registry.lan", "harbor.lan"])
def test_every_image_is_there_and_differs_from_the_others(lab: Lab, registry: str) -> None:
    digests = set()
    # What its project wants signed is refused.
    images = [each for each in lab.config.registries[registry].images if not each.startswith("signed/")]
    for image in images:
        repository, tag = image.rsplit(":", 1)
        headers = {**basic(lab), "Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        answer = lab.http(registry, "HEAD", f"/v2/{repository}/manifests/{tag}", headers)
        assert answer.status == 200, image
        digests.add(answer.headers["docker-content-digest"])
    assert len(digests) == len(images)


def test_harbor_is_served_as_its_tables_say(lab: Lab) -> None:
    """Over a wire and with a registry behind it; tests/unit/harbor_answers.md has all that it says by itself."""
    missing = 'NOT_FOUND", "message": "resource not found: repo quay/none/none, tag 1 not found'
    expected = [
        (manifest(PROJECT_REPOSITORY), basic(lab), 200, "schemaVersion"),
        (manifest("quay/none/none"), basic(lab), 404, missing),
        (manifest("lab/none"), basic(lab), 404, "repository lab/none not found"),
        (f"/v2/lab/app/manifests/sha256:{'0' * 64}", basic(lab), 404, "artifact lab/app@sha256:000"),
        (f"/v2/lab/app/blobs/sha256:{'0' * 64}", basic(lab), 404, "BLOB_UNKNOWN"),
        (manifest("pause"), {}, 400, "bad request: invalid repository name: pause"),
        (manifest("nosuch/app"), basic(lab), 401, "project nosuch not found: project nosuch not found"),
        ("/v2/", {}, 401, "unauthorized: unauthorized"),
        ("/v2/", basic(lab), 200, "{}"),
    ]
    for path, headers, status, text in expected:
        answer = lab.http("harbor.lan", "GET", path, headers)
        assert (answer.status, text in answer.body.decode()) == (status, True), (path, answer)
        assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
        assert lab.http("harbor.lan", "HEAD", path, headers).status == status


def test_harbor_waits_after_a_wrong_password(lab: Lab) -> None:
    started = time.monotonic()
    assert lab.http("harbor.lan", "GET", "/v2/", basic(lab, "wrong")).status == 401
    assert time.monotonic() - started > 1.4
    assert lab.http("harbor.lan", "GET", "/v2/", basic(lab)).status == 200


def test_harbor_goes_on_without_what_it_is_a_proxy_cache_of(lab: Lab) -> None:
    lab.harbor_upstreams(away=True)
    try:
        assert lab.http("harbor.lan", "GET", manifest(PROJECT_REPOSITORY), basic(lab)).status == 200
        answer = lab.http("harbor.lan", "GET", manifest("quay/none/none"), basic(lab))
        assert (answer.status, b"repository quay/none/none not found" in answer.body) == (404, True)
    finally:
        lab.harbor_upstreams(away=False)


def test_harbor_tokens_open_their_project(lab: Lab) -> None:
    rights = token(lab, f"repository:{PROJECT_REPOSITORY}:pull", basic(lab))
    assert lab.http("harbor.lan", "GET", manifest(PROJECT_REPOSITORY), rights).status == 200
    assert lab.http("harbor.lan", "GET", manifest("mirror/owner/img"), rights).status == 401
    anonymous = token(lab, f"repository:{PROJECT_REPOSITORY}:pull", {})
    assert lab.http("harbor.lan", "GET", manifest(PROJECT_REPOSITORY), anonymous).status == 401


def test_a_registry_that_insists_takes_nothing_but_tokens(lab: Lab) -> None:
    realm = 'Bearer realm="http://bearer.lan/token",service="bearer.lan"'
    scope = f"repository:{PROJECT_REPOSITORY}:pull"
    for headers in ({}, basic(lab), basic(lab, "wrong")):
        refused = lab.http("bearer.lan", "GET", manifest(PROJECT_REPOSITORY), headers)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, f'{realm},scope="{scope}"')
    assert lab.http("bearer.lan", "GET", "/v2/", basic(lab)).headers["www-authenticate"] == realm
    service = f"/token?service=bearer.lan&scope={quote(scope)}"
    assert lab.http("bearer.lan", "POST", service, basic(lab)).status == 405
    assert lab.http("bearer.lan", "GET", service, basic(lab, "wrong")).status == 401
    for headers, status in ((basic(lab), 200), ({}, 401)):
        text = json.loads(lab.http("bearer.lan", "GET", service, headers).body)["token"]
        rights = {"Authorization": f"Bearer {text}"}
        assert lab.http("bearer.lan", "GET", manifest(PROJECT_REPOSITORY), rights).status == status
        assert lab.http("bearer.lan", "GET", manifest("mirror/owner/img"), rights).status == 401


@pytest.mark.parametrize("name", NODES)
def test_counters_show_an_attempt_to_leave(lab: Lab, name: str) -> None:
    lab.reset(name)
    lab.reset_counters()
    assert set(lab.counters()[name].values()) == {0}
    with pytest.raises(LabError, match=r"quay\.io"):
        lab.pull(name, UPSTREAM_IMAGE)
    assert lab.counters()[name]["dns"] > 0
    # An address needs no DNS, and no route leads there.
    lab.run(name, ["bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/443"])
    counted = lab.counters()[name]
    assert (counted["no_route"] > 0, counted["to_registries"]) == (True, 0)


@pytest.mark.parametrize("name", NODES)
def test_a_configured_node_pulls_and_is_logged(lab: Lab, name: str) -> None:
    plugin = 'plugins."io.containerd.grpc.v1.cri".registry'
    lines = [
        "version = 2",
        f'[{plugin}.mirrors."quay.io"]',
        "endpoint = ['http://registry.lan']",
        f'[{plugin}.configs."registry.lan".auth]',
        f"username = '{lab.config.username}'",
        f"password = '{lab.config.password}'",
    ]
    lab.write(name, "/etc/containerd/config.toml", "\n".join(lines))
    assert lab.run(name, ["systemctl", "restart", "containerd"]).returncode == 0
    mark = lab.mark()
    lab.reset_counters()
    assert lab.pull(name, UPSTREAM_IMAGE).startswith("sha256:")
    served = [entry for entry in lab.requests(mark) if entry["node"] == name and entry["status"] == 200]
    assert {entry["path"].partition("?")[0] for entry in served} >= {manifest("coreos/etcd")}
    assert {entry["user"] for entry in served} == {lab.config.username}
    counted = lab.counters()[name]
    assert counted.pop("to_registries") > 0
    assert set(counted.values()) == {0}


def test_reset_makes_a_node_as_new(lab: Lab) -> None:
    name = NODES[0]
    lab.write(name, "/etc/leftover", "x")
    lab.write(name, "/var/lib/containerd/leftover", "x")
    others = lab.run(NODES[1], ["systemctl", "show", "-P", "ActiveEnterTimestamp", "containerd"]).stdout
    started = time.monotonic()
    lab.reset(name)
    assert time.monotonic() - started < 10
    assert lab.run(name, ["ls", "/etc/leftover", "/var/lib/containerd/leftover"]).stdout == ""
    assert lab.run(NODES[1], ["systemctl", "show", "-P", "ActiveEnterTimestamp", "containerd"]).stdout == others


def test_up_mends_what_is_dead_and_leaves_the_rest(lab: Lab) -> None:
    assert lab.up() is False
    lab.write(NODES[1], "/etc/kept", "x")
    lab.run(NODES[0], ["systemctl", "kill", "--signal=KILL", "ssh"])
    lab.run(NODES[0], ["systemctl", "mask", "--now", "ssh"])
    assert lab.up() is True
    assert all(node.sshd for node in lab.status())
    assert lab.read(NODES[1], "/etc/kept") == "x"


def test_what_was_killed_comes_back(lab: Lab) -> None:
    for name in map(namespace, ("registry", "harbor", NODES[0])):
        kill_processes(name)
    assert lab.up() is True
    assert lab.http("harbor.lan", "GET", manifest(PROJECT_REPOSITORY), basic(lab)).status == 200
    assert lab.http("registry.lan", "GET", "/v2/", basic(lab)).status == 200
    assert all(node.sshd for node in lab.status())


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_where_it_cannot_work_it_says_so_in_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(prepare, "OS_RELEASE", tmp_path / "os-release")
    assert main([command]) == 1
    assert re.fullmatch(r"The lab needs a Debian machine[^.]*\.\n", capsys.readouterr().err)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([command]) == 1
    assert re.fullmatch(r"The lab needs root[^.]*\.\n", capsys.readouterr().err)


def test_another_state_folder_does_not_touch_this_lab(lab: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path)
    for action in (other.up, other.down):
        with pytest.raises(LabError, match=re.escape(f"AIRGAP_LAB_STATE={lab.config.state}")):
            action()


@pytest.mark.alone
def test_a_killed_start_is_recovered_from_and_down_leaves_nothing(lab: Lab) -> None:
    lab.down()
    before = outside_state()
    lab.down()
    for delay in (0.15, 0.4, 0.8):
        start = subprocess.Popen([sys.executable, str(COMMAND), "up"], stderr=subprocess.DEVNULL)
        time.sleep(delay)
        start.send_signal(signal.SIGKILL)
        start.wait()
        lab.up()
        assert all(node.sshd for node in lab.status())
        lab.down()
        assert outside_state() == before
        # Labs by other names leave locks of their own, too.
        left = {path.name for path in lab.config.state.iterdir()}
        assert {name for name in left if not name.endswith(".lock")} == {"cache", "lock"}
    lab.up()


def test_a_node_gets_the_containerd_of_a_folder(lab: Lab, tmp_path: Path) -> None:
    """As somebody does who unpacked a release that no suite has."""
    newer = lab.root("n3") / "usr/bin"
    (tmp_path / "bin").mkdir()
    for name in ("containerd", "containerd-shim-runc-v2", "ctr"):
        shutil.copy(newer / name, tmp_path / "bin")
    with pytest.raises(LabError, match="No node has the containerd of 'potato'"):
        lab.swap("n2", "potato")
    lab.swap("n2", str(tmp_path))
    try:
        versions = {each.name: each.containerd for each in lab.status()}
        assert versions["n2"] == versions["n3"] != lab.config.nodes["n2"].containerd
        assert lab.serves_cri("n2")
    finally:
        lab.reset("n2")
