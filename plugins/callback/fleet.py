# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usual screen output without what the summaries of this collection say better."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
type: stdout
short_description: Ansible's usual output, without a line for each healthy node
version_added: 1.0.0
description:
  - What P(ansible.builtin.default#callback) prints, without healthy hosts, and without errors that a task ignores. The
    recap lists the hosts that failed or were not reached, and the number of all others.
  - With it the playbooks C(site), C(uninstall) and C(rollback) print little more than their summaries, however many
    nodes there are. Set C(stdout_callback=airgap.containerd.fleet) in the section C(defaults) of C(ansible.cfg), or the
    environment variable E(ANSIBLE_STDOUT_CALLBACK).
author:
  - airgap.containerd contributors (@airgap)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
seealso:
  - module: airgap.containerd.containerd_report
"""

import copy
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

_OWN = "airgap.containerd."
_HIDDEN = ("display_ok_hosts", "display_skipped_hosts")


class CallbackModule(Default):
    """Hides healthy hosts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "airgap.containerd.fleet"

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        for option in _HIDDEN:
            self.set_option(option, False)

    def v2_runner_on_ok(self, result: Any) -> None:
        if not str(_task(result).action).startswith(_OWN):  # the summary shows these
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if not _task(result).ignore_unreachable:
            super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        bad = {host: True for host in stats.processed if stats.failures.get(host) or stats.dark.get(host)}
        shown = copy.copy(stats)
        shown.processed = bad
        super().v2_playbook_on_stats(shown)
        others = len(stats.processed) - len(bad)
        if others:
            self._display.display(f"and {others} {'host' if others == 1 else 'hosts'} more" if bad else f"{others} ok")


def _task(result: Any) -> Any:
    return getattr(result, "task", None) or vars(result)["_task"]  # the first since ansible-core 2.19
