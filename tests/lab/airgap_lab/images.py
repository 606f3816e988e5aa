# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tiny runnable images, written straight into the folder that docker-registry serves.

The layout is that of the distribution registry's filesystem driver. Writing it needs no running registry, so that the
registries can serve it read-only and every lab starts from the same content.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
APPLETS = ("sh", "sleep", "ls", "cat", "date")


def write_images(storage: Path, registry: str, images: tuple[str, ...], busybox: Path) -> None:
    """Fill ``storage`` with one image for each REPOSITORY:TAG; every image has a digest of its own."""
    layer = _busybox_layer(busybox.read_bytes())
    packed = gzip.compress(layer, mtime=0)
    for image in images:
        repository, tag = image.rsplit(":", 1)
        config = _json(
            {
                "architecture": ARCHITECTURES[platform.machine()],
                "os": "linux",
                "config": {
                    "Entrypoint": ["/bin/sleep", "2147483647"],
                    "Env": ["PATH=/bin"],
                    "Labels": {"lab.image": f"{registry}/{image}"},
                },
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
                "history": [{"created_by": "the lab"}],
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor(CONFIG_TYPE, config),
                "layers": [_descriptor(LAYER_TYPE, packed)],
            }
        )
        _store(storage / "docker/registry/v2", repository, tag, (packed, config), manifest)


def _store(root: Path, repository: str, tag: str, blobs: tuple[bytes, ...], manifest: bytes) -> None:
    folder = root / "repositories" / repository
    for blob in blobs:
        _write(_blob_path(root, blob), blob)
        _link(folder / "_layers", blob)
    _write(_blob_path(root, manifest), manifest)
    _link(folder / "_manifests/revisions", manifest)
    _link(folder / f"_manifests/tags/{tag}/index", manifest)
    _write(folder / f"_manifests/tags/{tag}/current/link", _digest(manifest).encode())


def _link(folder: Path, blob: bytes) -> None:
    _write(folder / _digest(blob).replace(":", "/") / "link", _digest(blob).encode())


def _blob_path(root: Path, blob: bytes) -> Path:
    algorithm, value = _digest(blob).split(":")
    return root / "blobs" / algorithm / value[:2] / value / "data"


def _busybox_layer(busybox: bytes) -> bytes:
    """A root file system with a shell, as an uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("bin", "etc", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        program = tarfile.TarInfo("bin/busybox")
        program.size, program.mode = len(busybox), 0o755
        archive.addfile(program, io.BytesIO(busybox))
        for name in APPLETS:
            applet = tarfile.TarInfo(f"bin/{name}")
            applet.type, applet.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(applet)
    return buffer.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
