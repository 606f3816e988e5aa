# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test integration`` from the staged copy, with a node of the lab as the test host (root).

Usage: .venv/test/bin/python tests/tools/targets.py [TARGET ...]

Elsewhere, ``ansible-test integration --target ssh:root@HOST,python=3.11`` does the same for any machine that runs
containerd, with the registry named in tests/integration/integration_config.yml.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from airgap_lab import Lab, network
from sanity import HOME, ROOT, STAGE, environment

NODE, PYTHON = "n3", "3.11"
KEY = HOME / ".ansible" / "test" / "id_rsa"


def main(targets: list[str]) -> int:
    """Run them on one node; return the exit status."""
    with Lab().meanwhile_up() as lab:
        lab.reset(NODE)
        if not KEY.is_file():
            KEY.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", str(KEY)], check=True)
        authorized = lab.read(NODE, "/root/.ssh/authorized_keys")
        public = KEY.with_suffix(".pub").read_text(encoding="utf-8")
        lab.write(NODE, "/root/.ssh/authorized_keys", authorized + public, "0600")
        account = yaml.safe_load((ROOT / "inventories" / "lab" / "group_vars" / "all.yml").read_text(encoding="utf-8"))
        config = {name.replace("registry", "test", 1): value for name, value in account.items()}
        (STAGE / "tests" / "integration" / "integration_config.yml").write_text(yaml.safe_dump(config))
        address = lab.config.node(NODE).address
        command = ["nsenter", f"--net=/run/netns/{network.LAN}"]
        command += [str(Path(sys.executable).with_name("ansible-test")), "integration", "--color=no"]
        command += [
            "--controller",
            f"origin:python={sys.version_info[0]}.{sys.version_info[1]}",
            "--target",
            f"ssh:root@{address},python={PYTHON}",
        ]
        command += ["--allow-destructive", "--allow-root", *targets]
        return subprocess.run(command, cwd=STAGE, env=environment([sys.executable]), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
