# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse what would end a containerd that serves: it is started on trial with the files that a restart would read."""

from ansible_collections.airgap.containerd.plugins.module_utils._node import effective, imports, service, trial
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages
from ansible_collections.airgap.containerd.plugins.module_utils._shared.wire import Failure


def _complaint(asked, path):
    files = [each.path for each in imports.configuration(path, path)]
    reason = trial.complaint(asked.binary, path, files, asked.cri)
    return reason and reason.replace(path, asked.path)


def check(asked, socket, staged):
    """Raise Failure where containerd would not serve CRI after a restart with the ``staged`` config.toml.

    ``asked`` is a messages.Trial; ``staged`` is its own path where config.toml does not change. Where nothing serves,
    there is nothing to end, and the restart itself tells.
    """
    reason = _complaint(asked, staged) if service.daemon(socket) else None
    if not reason:
        return
    if staged != asked.path and not _complaint(asked, asked.path):
        raise Failure("containerd would not serve CRI with the new configuration: %s. Nothing was changed" % reason)
    raise Failure(
        "containerd would not serve CRI after a restart, even without the changes of this run: %s. Nothing was changed "
        "or restarted; the running containerd keeps the configuration it started with. Fix this first" % reason
    )


def why_not(restart):
    """Return why the restart of a messages.Restart would end a containerd that serves, or None."""
    if restart.force or not service.daemon(restart.socket):
        return None
    started = service.how_started(service.show(restart.service), None, restart.socket)
    installed, path = service.installed(None, started), started.config or started.reads
    if not (installed.version or "").startswith("containerd ") or not path:
        return None
    fatal = effective.effective(installed.binary, path, installed.version).fatal
    return fatal or _complaint(messages.Trial(installed.binary, path, restart.cri), path)
