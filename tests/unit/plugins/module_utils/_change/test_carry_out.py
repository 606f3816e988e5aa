# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run of a module with the real AnsibleModule: what it prints is one result, whatever goes wrong."""

import json
import os
import signal

import pytest
from ansible.module_utils import basic

from ansible_collections.airgap.containerd.plugins.module_utils._change import carry_out, lock
from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, service
from ansible_collections.airgap.containerd.plugins.module_utils._node.start import Start
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages, places, wire
from ansible_collections.airgap.containerd.plugins.module_utils._shared.edits import Edit
from ansible_collections.airgap.containerd.plugins.modules import containerd_node_change

OLD, NEW = "a = 1\n", "a = 2\n"
NONSENSE = [
    ({"owner": "nosuchuser"}, "chown failed: failed to look up user nosuchuser"),
    ({"group": "nosuchgroup"}, "chgrp failed: failed to look up group nosuchgroup"),
    ({"mode": "rw-r--r--"}, "mode must be in octal or symbolic form"),
    ({"mode": "u=nonsense"}, "mode must be in octal or symbolic form"),
]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The file of a node that runs containerd."""
    path = tmp_path / "config.toml"
    path.write_text(OLD)
    monkeypatch.setattr(lock, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(service, "how_started", lambda *asked: Start(None, str(path), None, True, None, None))
    monkeypatch.setattr(commands, "run", lambda command: (0, "containerd x v1.7.24\n", ""))
    return path


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the module with a request, as Ansible does; return its exit status and its result."""

    def call(request):
        given = {"ANSIBLE_MODULE_ARGS": {"request": wire.encode(request)}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(given).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # required from ansible-core 2.19 on
        with pytest.raises(SystemExit) as end:
            carry_out.main(containerd_node_change.part)
        printed = capfd.readouterr()
        assert not printed.err
        return end.value.code, json.loads(printed.out)

    hangup = signal.getsignal(signal.SIGHUP)
    yield call
    signal.signal(signal.SIGHUP, hangup)


def look(config, attributes):
    wanted = {"path": None, "binary": None, "service": "containerd", "imports": [], "attributes": attributes}
    return dict(wanted, do="look")


def edit(config, attributes, content=NEW):
    expect = {str(config): places.digest(OLD.encode())}
    wanted = Edit(str(config), content and wire.pack(content.encode()), expect, attributes, 0o644)
    return dict(messages.as_data(wanted), do="edit")


def rewrite(config, attributes):
    """A request that leaves the text alone."""
    return edit(config, attributes, None)


@pytest.mark.parametrize("request_for", [look, edit, rewrite])
@pytest.mark.parametrize(("attributes", "reason"), NONSENSE)
def test_attributes_that_cannot_be_given_are_one_clear_failure(config, call, request_for, attributes, reason):
    status, result = call(request_for(config, attributes))
    assert (status, result["failed"]) == (1, True)
    assert result["msg"] == f"{config}: {reason}"
    assert config.read_text() == OLD and set(os.listdir(str(config.parent))) <= {"config.toml", "lock"}


def test_attributes_that_can_be_given_are(config, call):
    status, result = call(edit(config, {"mode": "u=rw,g=,o="}))
    assert (status, result["changed"]) == (0, True)
    assert wire.decode(result["reply"])["info"]["mode"] == "0600" and config.read_text() == NEW


def test_an_answer_that_is_too_large_is_one_clear_failure(config, call, monkeypatch):
    wanted = look(config, {})
    monkeypatch.setattr(wire, "MAX_DATA", len(json.dumps(wanted)) + 1)
    code, result = call(wanted)
    assert code == 1 and result["msg"].endswith("this node has more data than fits into one reply"), result
