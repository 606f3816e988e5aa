# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused because of the result of a trial start."""

import pytest

from ansible_collections.airgap.containerd.plugins.module_utils._change import rehearsal
from ansible_collections.airgap.containerd.plugins.module_utils._node import effective, service, trial
from ansible_collections.airgap.containerd.plugins.module_utils._node.service import Daemon, Installed
from ansible_collections.airgap.containerd.plugins.module_utils._node.start import Start
from ansible_collections.airgap.containerd.plugins.module_utils._shared.messages import Restart, Trial
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import Failure

ASKED = Trial("/usr/bin/containerd", "/etc/x.toml")


def started(config):
    return Start(None, config, None, True, config, None)


@pytest.fixture
def tried(monkeypatch):
    """Files with which containerd would not serve, and what was tried."""
    bad, seen = set(), []

    def complaint(binary, path, files, cri):
        seen.append((binary, path, files, cri))
        return f"no {path}" if path in bad else None

    monkeypatch.setattr(trial, "complaint", complaint)
    monkeypatch.setattr(service, "daemon", lambda socket: Daemon("1:1", 1.0))
    monkeypatch.setattr(effective, "effective", lambda binary, path, version: Effective())
    return bad, seen


def test_the_new_files_and_the_old_ones(tried):
    bad, seen = tried
    rehearsal.check(ASKED, "/s", "/etc/.new")
    assert [each[1] for each in seen] == ["/etc/.new"]
    bad.add("/etc/.new")
    with pytest.raises(
        Failure, match=r"not serve CRI with the new configuration: no /etc/x.toml. Nothing was changed$"
    ):
        rehearsal.check(ASKED, "/s", "/etc/.new")
    bad.add("/etc/x.toml")
    for staged in ("/etc/.new", "/etc/x.toml"):
        with pytest.raises(Failure, match=r"even without the changes of this run: no /etc/x.toml. .* Fix this first"):
            rehearsal.check(ASKED, "/s", staged)


def test_where_nothing_serves_there_is_nothing_to_end(tried, monkeypatch):
    bad, seen = tried
    bad.add("/etc/x.toml")
    monkeypatch.setattr(service, "daemon", lambda socket: None)
    rehearsal.check(ASKED, "/s", "/etc/x.toml")
    assert rehearsal.why_not(Restart("x", "/s")) is None and not seen


@pytest.mark.parametrize(
    ("version", "config", "force", "tried_with"),
    [
        ("containerd github.com/containerd/containerd v1.7.24 x", None, False, None),
        ("containerd github.com/containerd/containerd v1.7.24 x", "/opt/c.toml", False, "/opt/c.toml"),
        ("containerd github.com/containerd/containerd v1.7.24 x", "/opt/c.toml", True, None),
        ("k3s version v1.30.1+k3s1", "/opt/c.toml", False, None),
        (None, "/opt/c.toml", False, None),
    ],
)
def test_a_restart_of_a_service(tried, monkeypatch, version, config, force, tried_with):
    monkeypatch.setattr(service, "show", lambda name: [])
    monkeypatch.setattr(service, "installed", lambda asked, start: Installed("/b", version, None))
    monkeypatch.setattr(service, "how_started", lambda shown, asked, socket: started(config))
    bad, seen = tried
    bad.add(tried_with)
    assert (rehearsal.why_not(Restart("x", "/s", force=force)) is None) == (tried_with is None)
    assert [each[:2] for each in seen] == ([("/b", tried_with)] if tried_with else [])
    if tried_with:
        monkeypatch.setattr(effective, "effective", lambda *asked: Effective(fatal="what a trial replaces"))
        assert rehearsal.why_not(Restart("x", "/s")) == "what a trial replaces"
