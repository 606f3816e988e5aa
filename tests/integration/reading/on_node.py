# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a node: what our code reads from each configuration file, and what containerd prints.

The files are given on standard input, as JSON; what is the same for all is looked up once.
"""

import functools
import json
import os
import sys

sys.path.insert(0, sys.argv[1])

from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, observe, service
from ansible_collections.airgap.containerd.plugins.module_utils._shared import messages

for _name in ("installed", "serves_cri", "daemon"):
    setattr(service, _name, functools.lru_cache(None)(getattr(service, _name)))
_run, _shown = commands.run, service.show("containerd")
service.show = lambda name: _shown


def _noting(printed, argv, timeout=60):
    """Run a command, and note what those print that are about the configuration."""
    done = _run(argv, timeout)
    if "config" in argv:
        printed.append((argv[-1],) + done)
    return done


def main():
    """Print a list with what was found for each file."""
    os.chdir("/root")  # as ssh does; a unit runs in /
    answers = []
    for path in json.load(sys.stdin):
        printed = []
        commands.run = functools.partial(_noting, printed)
        request = {"config_file": path, "hosts_dir": None, "binary": None, "service": "containerd", "socket": None}
        observed = messages.as_data(observe.observe(request))
        commands.run = _run
        answers.append({"observed": observed, "printed": printed})
    json.dump(answers, sys.stdout)


main()
