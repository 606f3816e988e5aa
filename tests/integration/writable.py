# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries in addition to those of the lab: with images for several platforms, and with push access."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from airgap_lab import Lab, harbor, network
from airgap_lab import images as layout
from airgap_lab.config import namespace
from airgap_lab.harbor.accounts import Account, Project
from support import ROOT

USER, PASSWORD = "pusher", "S3cret+/p$ss"
PORT = 80
INDEX = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


class Writable:
    """A docker-registry at its own address, which requires credentials, and whose content belongs to a test."""

    def __init__(self, lab: Lab, name: str, address: str, folder: Path):
        self.lab, self.name, self.address, self.folder = lab, name, address, folder
        self.storage = folder / "storage"
        cache = max(lab.config.cache.glob("tools-*"), key=lambda path: path.stat().st_mtime)
        self.tools = cache / "usr" / "bin"
        self.layer = layout._busybox_layer((self.tools / "busybox").read_bytes())

    def start(self) -> None:
        """Listen; whatever the storage holds is served."""
        self.stop()
        network.create(namespace(self.name), self.lab.config.addresses(self.address))
        self.storage.mkdir(parents=True, exist_ok=True)
        from airgap_lab import registries

        (self.folder / "htpasswd").write_text(f"{USER}:{registries._bcrypt(PASSWORD)}\n")
        settings = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.storage)}},
            "http": {"addr": f":{PORT}"},
            "auth": {"htpasswd": {"realm": self.name, "path": str(self.folder / "htpasswd")}},
        }
        self.serve(settings)
        for _attempt in range(300):
            if network.reachable(self.address, PORT):
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def serve(self, settings: dict) -> None:
        """Start a docker-registry with these settings."""
        self.begin([str(self.tools / "docker-registry"), "serve", self.write("registry", settings)])

    def begin(self, command: list[str]) -> None:
        """Start a program where the registry is."""
        with (self.folder / "log").open("ab") as log:
            network.start(namespace(self.name), command, log, {"PYTHONPATH": str(ROOT / "tests" / "lab")})

    def write(self, name: str, settings: dict) -> str:
        """Keep a program's settings in a file; return its path."""
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(settings))
        return str(file)

    def stop(self) -> None:
        """End it; the storage stays."""
        network.destroy(namespace(self.name))

    def empty(self) -> None:
        """Forget all images."""
        shutil.rmtree(self.storage / "docker", ignore_errors=True)

    def run(self, command: list[str], **options) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine where the registry is, and the others can be reached."""
        return subprocess.run(
            [*network.enter(namespace(self.name)), *command], capture_output=True, text=True, timeout=300, check=False,
            **options,
        )  # fmt: skip

    def image(self, name: str, platform: str = "linux/amd64") -> dict:
        """Store an image under REPOSITORY:TAG; return its descriptor."""
        repository, tag = name.rsplit(":", 1)
        config = layout._json(
            {
                **_platform(platform),
                "config": {"Entrypoint": ["/bin/sleep", "2147483647"], "Labels": {"name": name, "for": platform}},
                "rootfs": {"type": "layers", "diff_ids": [layout._digest(self.layer)]},
            }
        )
        packed = layout.gzip.compress(self.layer, mtime=0)
        manifest = layout._json(
            {
                "schemaVersion": 2,
                "mediaType": layout.MANIFEST_TYPE,
                "config": layout._descriptor(layout.CONFIG_TYPE, config),
                "layers": [layout._descriptor(layout.LAYER_TYPE, packed)],
            }
        )
        layout._store(self.storage / "docker/registry/v2", repository, tag, (packed, config), manifest)
        return layout._descriptor(layout.MANIFEST_TYPE, manifest)

    def index(self, name: str, *platforms: str, kind: str = INDEX) -> str:
        """Store an image for each platform, and an index of them under REPOSITORY:TAG; return its digest."""
        repository, tag = name.rsplit(":", 1)
        listed = []
        for number, platform in enumerate(platforms):
            described = self.image(f"{repository}:{tag}-{number}", platform)
            listed.append({**described, "platform": _platform(platform)})
        index = layout._json({"schemaVersion": 2, "mediaType": kind, "manifests": listed})
        layout._store(self.storage / "docker/registry/v2", repository, tag, (), index)
        return layout._digest(index)


class WritableHarbor(Writable):
    """The same behind the lab's simulated Harbor, with projects; the account is its administrator."""

    PROJECTS = ("dockerhub", "mirror")
    BEHIND = ("127.0.0.1", 8080)

    def serve(self, settings: dict) -> None:
        """Start the docker-registry without credentials, behind the simulated Harbor."""
        settings = {key: value for key, value in settings.items() if key != "auth"}
        super().serve({**settings, "http": {"addr": "{}:{}".format(*self.BEHIND)}})
        (self.folder / "requests").touch()
        stand_in = harbor.Settings(
            host=self.address,
            address=(self.address, PORT),
            backend=self.BEHIND,
            password=PASSWORD,
            accounts={USER: Account(USER, admin=True)},
            projects={name: Project() for name in self.PROJECTS},
            images=(),
            log=str(self.folder / "requests"),
            state=str(self.folder),
        )
        self.begin([sys.executable, "-m", "airgap_lab.harbor", self.write("harbor", stand_in.data())])


def _platform(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
