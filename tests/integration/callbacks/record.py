# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write every task result and the final figures to the file that AIRGAP_RECORD names, one JSON object a line."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Record results for the integration tests
description: Writes every result to the file in the environment variable E(AIRGAP_RECORD).
requirements: []
options: {}
"""


class CallbackModule(CallbackBase):
    """The tests read results from here, not from what is printed for people."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, entry):
        with open(os.environ["AIRGAP_RECORD"], "a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry, default=str) + "\n")

    def _task(self, outcome, result):
        entry = {"outcome": outcome, "host": result._host.get_name(), "task": result._task.action}
        args = result._task.args
        if "from_variables" in args:  # of the role, which no play gives credentials
            entry["args"] = [args, getattr(result, "_task_fields", {}).get("args")]
        self._write({**entry, "result": dict(result._result)})

    def v2_runner_on_ok(self, result):
        self._task("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._task("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._task("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})
