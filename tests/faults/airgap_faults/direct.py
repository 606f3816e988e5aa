# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of the control node in this process and that of the node on the node, without Ansible between them."""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from airgap_lab import Lab, nodes

from ansible_collections.airgap.containerd.plugins.action import containerd_registry
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages
from ansible_collections.airgap.containerd.plugins.plugin_utils import _shape
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node import execute, requests

PROJECT = Path(__file__).resolve().parents[3]
Reply = TypeVar("Reply")

PLACE = "/opt/airgap-faults"
PACKAGE = "ansible_collections/airgap/containerd/plugins"


class Target:
    """A node that executes requests, under strace if requested."""

    def __init__(self, lab: Lab, name: str):
        self.lab = lab
        self.name = name
        self._node = lab.config.node(name)
        self.strace: list[str] = []  # options for the next request that changes something
        self.applied = 0  # requests that change something

    def install(self) -> None:
        """Put the code of the nodes on the node, compiled, so that a run under strace writes no files of its own."""
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for source in [
                *(PROJECT / "plugins/module_utils").glob("*/*.py"),
                *(PROJECT / "plugins/modules").glob("containerd_node*.py"),
            ]:
                tar.add(source, f"{PACKAGE}/{source.relative_to(PROJECT / 'plugins')}")
            tar.add(Path(__file__).with_name("on_node.py"), "on_node.py")
        command = f"mkdir -p {PLACE} && tar -xf - -C {PLACE} && {self._node.python} -m compileall -q {PLACE}"
        done = subprocess.run(
            self._enter(["sh", "-c", command]), input=packed.getvalue(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def _enter(self, command: list[str]) -> list[str]:
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
        return ["nsenter", f"--target={nodes.leader(self._node)}", *spaces, "--", *command]

    def shell(self, script: str) -> str:
        """Run a shell script on the node that must succeed; return what it prints."""
        done = self.lab.run(self.name, ["sh", "-ec", f"cd /; {script}"])
        assert done.returncode == 0, f"{self.name}: {script}: {done.stderr}"
        return done.stdout

    def execute(self, request: requests.Request, kind: type[Reply]) -> Reply:
        """Execute a request, under strace if requested; raises Refusal as a real run does."""
        strace: list[str] = []
        if not isinstance(request, requests.Observe):
            self.applied += 1
            strace, self.strace = self.strace, []
        module, do = requests.NAMES[type(request)]
        message = {"module": module, "do": do, **messages.as_data(request)}
        done = subprocess.run(
            [*strace, *self._enter([self._node.python, "-B", f"{PLACE}/on_node.py", PLACE])],
            input=json.dumps(message).encode(), capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        try:
            result = json.loads(done.stdout)
        except ValueError as exc:  # killed, or kept from answering
            raise Refusal("no answer: " + done.stderr.decode("utf-8", "replace").strip()[-300:]) from exc
        if "failure" in result:
            raise Refusal(result["failure"])
        return _shape.parsed(result["value"], kind)


class Controller(containerd_registry.ActionModule):
    """The action plugin of the role, without a task, a play or a connection."""

    def __init__(self, target: Target):
        self.target = target
        self._task = SimpleNamespace(check_mode=False, diff=False, _role=None)
        self._templar = SimpleNamespace(template=lambda value: value)

    def run_once(self, **options: Any) -> dict[str, Any]:
        """Run the module with the role's defaults; raises what it refuses."""
        defaults = {key: spec.get("default") for key, spec in self.argument_spec.items()}
        return self.carry_out({**defaults, "restart_throttle": 0, **options}, {})


def connect() -> None:
    """Let the code of the control node call that of the node directly."""
    execute.execute = lambda action, request, task_vars, kind: action.target.execute(request, kind)


def temporary() -> Path:
    """A directory for strace's logs."""
    return Path(tempfile.mkdtemp(prefix="airgap-faults-"))
