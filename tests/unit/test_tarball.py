# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build packs in a clone that is in use, where people keep their inventory, its vault and what runs left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = b"CaN4ryXq7ZpWd"
NAMED_LIKE_SECRETS = (
    "inventories/lan/group_vars/all/vault.yml", "inventories/lan/group_vars/all/registry.yml",
    "inventories/prod/hosts.yml", "inventories/prod/host_vars/n1.yml", "group_vars/all.yml",
    "playbooks/group_vars/all/registry.yml", "vault-password", ".vault_pass", "password.txt", "ansible.log",
    "verify.json", "verify.html", ".env", "prod.env", "id_rsa", "id_ed25519", "docs/ca.key",
    "containerd-verify/verify.json", "containerd-verify/site.prom", "reports/site.json", "site.xml", "images.md",
    "rendered/n1/root/etc/containerd/certs.d/_default/hosts.toml", "rendered/n1/cloud-init-secrets.yml",
    "docker/config.json", "docs/cloud.json", "docs/data.json",
    "playbooks/site.retry", "roles/containerd_registry/vars/vault.yml", "playbooks/site.yml~",
)  # fmt: skip
PACKED = {
    "plugins/modules/containerd_registry.py", "playbooks/files/verify.html", "docs/report.schema.json",
    "docs/monitoring/dashboard.json", "docs/monitoring/alerts.yml", "playbooks/templates/schedule.yml.j2",
}  # fmt: skip
ANYTHING = (
    "playbooks/mine.yml", "plugins/modules/mine.py", "docs/notes.md", "hosts.ini", "roles/mine/defaults/main.yml",
    "roles/containerd_registry/defaults/main.yml", "README.md",
)  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in use: secrets in new files, and in files of the repository that were edited."""
    git = ["git", "-c", "safe.directory=*"]
    if (
        not shutil.which("make")
        or subprocess.run([*git, "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this is no clone, or there is no make")
    folder = tmp_path_factory.mktemp("used") / "clone"
    subprocess.run([*git, "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for name in ("Makefile", "galaxy.yml"):
        shutil.copy(ROOT / name, folder / name)  # as they are now
    commit = ["-c", "user.name=x", "-c", "user.email=x@x.lan", "commit", "--quiet", "--allow-empty", "--all", "-m", "x"]
    subprocess.run([*git, "-C", str(folder), *commit], check=True)
    return folder


def plant(clone: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        with (clone / name).open("ab") as file:
            file.write(b"\n# " + SECRET + b"\n")


def packed(clone: Path, *command: str) -> dict[str, bytes]:
    """Build, and return the files in the tarball."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(command, cwd=clone, env=env, check=True, capture_output=True)
    (tarball,) = (clone / "out").glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        files = {each.name: archive.extractfile(each) for each in archive.getmembers() if each.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def leaks(files: dict[str, bytes]) -> list[str]:
    return [name for name, data in files.items() if SECRET in data]


def test_a_build_in_a_clone_in_use_packs_no_secret(clone):
    plant(clone, NAMED_LIKE_SECRETS)
    build = ("ansible-galaxy", "collection", "build", "--force", "--output-path", "out")
    files = packed(clone, *build)
    assert not leaks(files) and set(files) >= PACKED
    plant(clone, ANYTHING)
    assert leaks(packed(clone, *build)), "the control: by hand, what is not named like a secret is packed"


def test_make_build_packs_what_is_committed_and_nothing_else(clone):
    plant(clone, NAMED_LIKE_SECRETS + ANYTHING)
    files = packed(clone, "make", "build", "OUT=out")
    listed = subprocess.run(["git", "ls-files"], cwd=clone, check=True, capture_output=True, text=True).stdout.split()
    assert not leaks(files) and set(files) - {"FILES.json", "MANIFEST.json"} <= set(listed)
    assert not [name for name in files if name.startswith(("tests", "inventories", "."))]
