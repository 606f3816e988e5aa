# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that start containerd in one of the ways that are met in the field, or in one that could be."""

from __future__ import annotations

import random
from typing import NamedTuple

DEFAULT = "/etc/containerd/config.toml"
FILES = {DEFAULT: "default", "/opt/ct/a.toml": "a", "/opt/ct/b.toml": "b", "/opt/ct/two words/c.toml": "c"}
"""Configuration files, each with the name of the debug socket that it makes containerd listen on."""

DROP_IN = "/etc/systemd/system/containerd.service.d/start.conf"
ENVIRONMENT = "/etc/default/start-containerd"
SCRIPT, HIDDEN = "/usr/local/bin/start-ct", "/usr/local/bin/start-hidden"
LINK = "/usr/local/bin/containerd-lab"
"""Another name of containerd."""

SCRIPTS = ('#!/bin/sh\nexec "$@"\n', '#!/bin/sh\n"$@"\nexit 1\n')
_SHELLS = ("/bin/sh", "/bin/bash")


class Sample(NamedTuple):
    """One way to start containerd."""

    unit: str  # the drop-in
    environment: str  # the environment file
    script: str  # what SCRIPT does with the words that it is given
    hidden: str  # what HIDDEN does, without being declared
    is_opaque: bool  # whether only the running daemon may reveal the file

    @property
    def written(self) -> dict[str, str]:
        """The files that make it up."""
        return {DROP_IN: self.unit, ENVIRONMENT: self.environment, SCRIPT: self.script, HIDDEN: self.hidden}


def sample(rng: random.Random) -> Sample:
    """Return one way to start containerd."""
    path = rng.choice(list(FILES))
    lines = ["Type=simple", "KillMode=control-group", "WorkingDirectory=/opt", f"EnvironmentFile=-{ENVIRONMENT}"]
    words, environment = _argument(rng, path, lines)
    options = [rng.choice([[], ["--log-level", "info"], ["-l=debug"]]), words]
    rng.shuffle(options)
    program = rng.choice(["/usr/bin/containerd", "/usr/bin/containerd", LINK])
    command = " ".join([program, *options[0], *options[1]])
    start = _wrapped(rng, command)
    unit = "\n".join(["[Service]", *lines, "ExecStart=", f"ExecStart={start}"]) + "\n"
    is_opaque = start == HIDDEN or (" " in path and not start.startswith(_SHELLS))
    return Sample(unit, environment, rng.choice(SCRIPTS), f"#!/bin/sh\nexec {command}\n", is_opaque)


def _argument(rng: random.Random, path: str, lines: list[str]) -> tuple[list[str], str]:
    """Return the words that name the file, and the text of the environment file; `lines` of the unit are added to."""
    if path == DEFAULT and rng.random() < 0.5:
        return [], ""
    flag = rng.choice(["--config", "-c", "-config"])
    if " " in path:
        lines.append(f'Environment="START_FILE={path}"')
        return rng.choice([[flag, f'"{path}"'], [flag, '"${START_FILE}"'], [f'{flag}="${{START_FILE}}"']]), ""
    spelled = rng.choice([path, path.replace("/", "//"), f"/etc/..{path}", path.replace("ct/", "ct/./")])
    kind = rng.choice(["plain", "equals", "twice", "variable", "prefix", "options", "relative"])
    if kind == "equals":
        return [f"{flag}={spelled}"], ""
    if kind == "twice":
        return [flag, "/nowhere.toml", flag, spelled], ""
    if kind == "variable":
        lines.append(f"Environment=OTHER=1 START_FILE={spelled}")
        return [flag, "${START_FILE}"], ""
    if kind == "prefix":
        return [flag, "${START_PREFIX}${START_FILE}"], f'# START_FILE=/nowhere.toml\nSTART_FILE="{spelled}"\n'
    if kind == "options":
        lines.append("Environment=START_OPTIONS=--nonsense")
        return ["$START_OPTIONS"], f"START_OPTIONS=--log-level info {flag} {spelled}\n"
    if kind == "relative" and path.startswith("/opt/"):
        return [flag, path[len("/opt/") :]], ""
    return [flag, spelled], ""


def _wrapped(rng: random.Random, command: str) -> str:
    """Return a command behind another one."""
    quoted = command.replace('"', '\\"')
    return rng.choice(
        [
            command,
            command,
            f"/usr/bin/taskset -c 0 {command}",
            f"/usr/bin/nice -n 1 /usr/bin/ionice -c 2 {command}",
            f"/usr/bin/env -u LANG A=1 {command}",
            f"/usr/bin/chrt -o 0 {command}",
            f"/usr/bin/systemd-cat -t containerd {command}",
            f'/bin/sh -c "exec {quoted}"',
            f'/bin/bash -ec "true; exec {quoted}; exit 1"',
            f'/bin/sh -c "{quoted} 2>/dev/null; exit 1"',
            f"{SCRIPT} {command}",
            HIDDEN,
        ]
    )
