# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pulled on a node, and what is left alone afterwards."""

import threading
import time

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._cri import pull as pull_module
from ansible_collections.airgap.containerd.plugins.module_utils._cri.client import CriError


class Containerd:
    """A simulated CRI client; pulled images get their own id."""

    def __init__(self, there=(), used=(), pinned=(), broken=()):
        self.there = {name: f"sha256:{name}" for name in there}
        self.used, self.pinned, self.broken = set(used), set(pinned), broken
        self.logins, self.removed = [], []
        self.active = self.most = 0
        self.lock = threading.Lock()

    def images(self):
        if "list" in self.broken:
            raise CriError("UNIMPLEMENTED", "CRI is not loaded")
        return [{"id": found} for found in self.there.values()]

    def image(self, name):
        if name not in self.there:
            return None
        digests = ["other@sha256:2", f"{name.partition(':')[0]}@sha256:1"]
        return {"id": self.there[name], "digests": digests, "size": 5, "pinned": name in self.pinned}

    def used_images(self):
        return self.used

    def pull(self, name, timeout, auth):
        with self.lock:
            self.active += 1
            self.most = max(self.most, self.active)
        time.sleep(0.02)
        with self.lock:
            self.active -= 1
        self.logins.append(auth)
        if name in self.broken:
            raise CriError("UNKNOWN", "x" * 5000)
        self.there[name] = f"sha256:{name}"

    def remove(self, name):
        if "remove" in self.broken:
            raise CriError("UNKNOWN", "busy")
        del self.there[name]
        self.removed.append(name)


@pytest.fixture
def run(monkeypatch):
    def run(containerd, *images, **options):
        monkeypatch.setattr(pull_module, "Client", lambda path, timeout: containerd)
        pause = "pause:1" if options.pop("pause", False) else None
        request = {"images": images, "timeout": 5, "parallel": 2, "keep": False, "login": None, **options}
        return {each["image"]: each for each in pull_module.pull("s", request, pause)}

    return run


def test_only_what_was_pulled_is_removed(run):
    containerd = Containerd(there=["there:1"])
    found = run(containerd, "a:1", "there:1", "b:1")
    assert containerd.removed == ["a:1", "b:1"] and list(containerd.there) == ["there:1"]
    assert (found["a:1"]["removed"], found["a:1"]["digest"], found["a:1"]["bytes"]) == (True, "sha256:1", 5)
    assert (found["there:1"]["present"], found["there:1"]["removed"], found["there:1"]["seconds"]) == (
        True,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("r.lan/x/pause:3.9", {}, "pods need a pause image"),
        ("r.lan:5000/pause", {}, "pods need a pause image"),
        ("pause@sha256:0", {}, "pods need a pause image"),
        ("a:1", {"pinned": ["a:1"]}, "it is pinned"),
        ("a:1", {"used": ["a:1"]}, "a container uses it"),
        ("a:1", {"used": ["sha256:a:1"]}, "a container uses it"),
        ("a:1", {"broken": ["remove"]}, "it could not be removed: UNKNOWN: busy"),
    ],
)
def test_what_is_kept_and_why(run, name, state, reason):
    containerd = Containerd(**state)
    assert run(containerd, name)[name]["kept"] == reason
    assert not containerd.removed


def test_an_image_that_was_there_under_another_name_is_kept(run):
    containerd = Containerd(there=["old:1"])
    containerd.there["old:1"] = "sha256:new:1"
    assert run(containerd, "new:1")["new:1"]["kept"] == "the node had it under another name"


def test_everything_is_kept_on_demand(run):
    containerd = Containerd()
    assert not run(containerd, "a:1", keep=True)["a:1"]["removed"] and "a:1" in containerd.there


def test_pulls_run_in_parallel_within_the_limit(run):
    containerd = Containerd()
    run(containerd, *(f"a:{number}" for number in range(9)), parallel=3)
    assert containerd.most == 3


def test_the_pause_image_comes_first_and_once(run):
    assert list(run(Containerd(), "a:1", pause=True)) == ["pause:1", "a:1"]
    assert list(run(Containerd(), "a:1", "pause:1", pause=True)) == ["a:1", "pause:1"]
    assert list(run(Containerd(broken=["list"]), pause=True)) == ["pause:1"]


def test_one_failure_does_not_keep_the_others(run):
    containerd = Containerd(broken=["bad:1"])
    found = run(containerd, "bad:1", "a:1", login=("u", "p"))
    assert found["bad:1"]["error"]["code"] == "UNKNOWN" and len(found["bad:1"]["error"]["message"]) == 2000
    assert found["a:1"]["error"] is None and containerd.removed == ["a:1"]
    assert containerd.logins == [("u", "p")] * 2


def test_without_cri_every_image_fails(run):
    found = run(Containerd(broken=["list"]), "a:1", "b:1")
    assert {each["error"]["code"] for each in found.values()} == {"UNIMPLEMENTED"}
