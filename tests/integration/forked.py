# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook in a fork of a process that has imported it: a second less for each of a thousand runs."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["preloaded"])
_settings: dict[str, str] = {}
"""Ansible's settings from the environment, which the process that is forked has read once."""


def run(command: list[str], environment: Mapping[str, str], folder: Path, output: Path, seconds: float) -> int | None:
    """Run a command as it would be typed in ``folder``; return its exit status, None where its settings are others.

    What it prints goes to ``output``. Raises TimeoutError after ``seconds``.
    """
    settings = {name: value for name, value in environment.items() if name.startswith("ANSIBLE_")}
    if folder != Path.cwd() or (_settings and settings != _settings):
        return None
    if not _settings:
        _settings.update(settings)
        before = dict(os.environ)
        # The process finds what it preloads on this path alone, and goes without what it does not find.
        path = os.pathsep.join((str(Path(__file__).parent), before.get("PYTHONPATH", "")))
        os.environ.update({**settings, "PYTHONPATH": path})
        multiprocessing.forkserver.ensure_running()
        os.environ.clear()
        os.environ.update(before)
    process = _CONTEXT.Process(target=_play, args=(command, dict(environment), str(output)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{' '.join(command)} took more than {seconds} s")
    return process.exitcode


def _play(command: list[str], environment: dict[str, str], output: str) -> None:
    """Become what ansible-playbook would be in a process of its own."""
    from ansible import constants
    from ansible.cli.playbook import PlaybookCLI

    for target, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        source = os.open(path, flags, 0o600)
        os.dup2(source, target)
        os.close(source)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(environment)
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as constants.DEFAULT_LOCAL_TMP:
        PlaybookCLI.cli_executor(command)
