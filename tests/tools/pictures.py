# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of the README from the report of the demo, light and dark.

Usage: make pictures
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from browser import chromium

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / ".build" / "demo" / "verify.html"
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 1080


def main() -> None:
    """Write both pictures, each as high as the report."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.size(WIDTH, 600)
            browser.open(REPORT)
            browser.size(WIDTH, browser.run("return document.body.scrollHeight"))
            browser.screenshot(PICTURES / f"report-{scheme}.png")


if __name__ == "__main__":
    main()
