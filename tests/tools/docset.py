# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build HTML pages of what the collection holds from the staged copy, and look whether every plugin has one.

Usage: .venv/docs/bin/python tests/tools/docset.py

Needs nothing of the internet.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stage import ROOT, STAGE

BUILD = ROOT / ".build"
DOCS = BUILD / "docs"
PROGRAMS = Path(sys.executable).parent
# Links into Ansible's own pages stay plain text; `antsibull-docs lint` has looked at those within the collection.
NO_INTERNET = """
intersphinx_mapping = {}
suppress_warnings = ["ref.ref"]
"""
KINDS = {"plugins/modules": "module", "plugins/filter": "filter", "roles": "role"}


def run(program: str, *arguments: str) -> None:
    """Run a program of this environment in the staged copy."""
    variables = {**os.environ, "HOME": str(BUILD / "home"), "ANSIBLE_COLLECTIONS_PATH": str(BUILD), "PYTHONPATH": ""}
    variables["PATH"] = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([str(PROGRAMS / program), *arguments], cwd=STAGE, env=variables, check=True)


def main() -> int:
    """Build them; return the exit status."""
    shutil.rmtree(DOCS, ignore_errors=True)
    DOCS.mkdir(mode=0o755, parents=True)
    collection = ("--use-current", "--squash-hierarchy", "--fail-on-error")
    titles = ("--project=airgap.containerd", "--title=airgap.containerd", "--html-short-title=airgap.containerd")
    theme = ("--sphinx-theme=sphinx_ansible_theme", "--copyright=The airgap.containerd contributors")
    run("antsibull-docs", "sphinx-init", *collection, *titles, *theme, f"--dest-dir={DOCS}", "airgap.containerd")
    run("antsibull-docs", "collection", *collection, "--no-breadcrumbs", f"--dest-dir={DOCS}/rst", "airgap.containerd")
    with open(DOCS / "conf.py", "a", encoding="utf-8") as configuration:
        configuration.write(NO_INTERNET)
    run("sphinx-build", "-b", "html", "-q", "-W", "--keep-going", "-c", str(DOCS), f"{DOCS}/rst", f"{DOCS}/html")
    wanted = {
        f"{path.stem}_{kind}.html"
        for folder, kind in KINDS.items()
        for path in (ROOT / folder).iterdir()
        if not path.name.startswith("_")
    }
    missing = sorted(name for name in wanted if not (DOCS / "html" / name).is_file())
    print(f"{DOCS.relative_to(ROOT)}/html: {len(wanted) - len(missing)} pages; missing: {', '.join(missing) or 'none'}")
    return bool(missing)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"Failed with status {error.returncode}: {' '.join(error.cmd)}")
