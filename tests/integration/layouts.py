# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What k0s, MicroK8s and Canonical Kubernetes do with the files of their containerd, for nodes that have none of them.

Called by the name that it has. Each rule names the file of the distribution's tree that it was written from.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PLUGIN = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.images"}


def generation(binary: str) -> int:
    """The version of config.toml that this containerd writes."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return 2 if re.search(r" v?1\.", said) else 3


def k0s() -> list[str]:
    """setupConfig and handleImports in pkg/component/worker/containerd.

    Up to 1.35 the partial files of the CRI plugin are merged into one that is imported, later they are imported.
    """
    binary, file = "/var/lib/k0s/bin/containerd", Path("/etc/k0s/containerd.toml")
    version = generation(binary)
    folder = Path("/etc/k0s/containerd.d")
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text().startswith("# k0s_managed=true\n"):
        merged = Path("/run/k0s/containerd-cri.toml")
        imports = merged if version == 2 else folder / "*.toml"
        file.write_text(f'# k0s_managed=true\n# This is a placeholder.\nversion = {version}\nimports = ["{imports}"]\n')
        merged.parent.mkdir(exist_ok=True)
        text = f"version = {version}\n"
        for each in sorted(folder.glob("*.toml")):
            lines = each.read_text().splitlines()
            assert f"version = {version}" in lines, "k0s 1.36 refuses another one"
            text += "\n".join(line for line in lines if not line.startswith("version")) + "\n"
        merged.write_text(text)
    folders = ["--root=/var/lib/k0s/containerd", "--state=/run/k0s/containerd"]
    return [binary, *folders, "--address=/run/k0s/containerd.sock", f"--config={file}"]


def microk8s() -> list[str]:
    """microk8s-resources/wrappers/run-containerd-with-args, and args/containerd."""
    data, common = os.path.realpath("/var/snap/microk8s/current"), "/var/snap/microk8s/common"
    template = Path(f"{data}/args/containerd-template.toml").read_text()
    file = Path(f"{data}/args/containerd.toml")
    file.write_text(template.replace("${SNAP_DATA}", data))
    folders = ["--root", f"{common}/var/lib/containerd", "--state", f"{common}/run/containerd"]
    return [
        "/snap/microk8s/current/bin/containerd", "--config", str(file), *folders,
        "--address", f"{common}/run/containerd.sock",
    ]  # fmt: skip


def k8s() -> list[str]:
    """Containerd in src/k8s/pkg/k8sd/setup/containerd.go, and directories.go."""
    binary, folder = "/snap/k8s/current/bin/containerd", Path("/etc/containerd")
    for name in ("conf.d", "hosts.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = f'version = 2\nimports = ["{folder}/conf.d/*.toml"]\n[plugins."{PLUGIN[2]}".registry]\n'
    (folder / "config.toml").write_text(f'{text}config_path = "{folder}/hosts.d"\n')
    return [binary, "--config", str(folder / "config.toml"), "--address", "/run/containerd/containerd.sock"]


def seen(folder: Path) -> list[tuple[str, int]]:
    return sorted((each.name, each.stat().st_mtime_ns) for each in folder.iterdir())


def main(program: str) -> int:
    """Run containerd; of k0s watchDropinConfigs too, which restarts it soon after a change in that directory."""
    folder = Path("/etc/k0s/containerd.d")
    while True:
        daemon = subprocess.Popen({"k0s": k0s, "microk8s": microk8s, "k8s": k8s}[program]())
        before = seen(folder) if program == "k0s" else []
        while daemon.poll() is None:
            time.sleep(0.2)
            if program == "k0s" and seen(folder) != before:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait()
        if program != "k0s":
            return daemon.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name))
