# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium, driven over WebDriver's HTTP protocol with the standard library."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airgap_lab import prepare

PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 30.0


class Browser:
    """One session."""

    def __init__(self, port: int, profile: Path):
        self._base = f"http://127.0.0.1:{port}"
        arguments = [*FLAGS, f"--user-data-dir={profile}"]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self._base += f"/session/{self._send('/session', capabilities={'alwaysMatch': wanted})['sessionId']}"

    def _send(self, path: str, method: str = "POST", **body: Any) -> Any:
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self._send("/url", url=path.as_uri())

    def run(self, script: str) -> Any:
        """Run a script's body and return what it returns."""
        return self._send("/execute/sync", script=script, args=[])

    def developer(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._send("/goog/cdp/execute", cmd=command, params=parameters)

    def size(self, width: int, height: int) -> None:
        """Set the size of the window; a narrow one is like a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.developer("Emulation.setDeviceMetricsOverride", **metrics)

    def scheme(self, name: str) -> None:
        """Prefer "light" or "dark"."""
        self.developer("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def screenshot(self, path: Path) -> None:
        """Save what is seen as a PNG file."""
        path.write_bytes(base64.b64decode(self.developer("Page.captureScreenshot", format="png")["data"]))

    def console(self) -> list[str]:
        """What was written to the console since the last call, errors of scripts and policies included."""
        return [each["message"] for each in self._send("/se/log", type="browser")]

    def requests(self) -> list[str]:
        """The addresses requested by pages since the last call, without the browser's own new tab."""
        entries = [json.loads(each["message"])["message"] for each in self._send("/se/log", type="performance")]
        sent = [each["params"] for each in entries if each["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent if not each["documentURL"].startswith("chrome:")]

    def close(self) -> None:
        """End the browser."""
        self._send("", method="DELETE")


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Chromium with a new profile; Debian's packages are installed if they are missing."""
    prepare.install_programs(print, PROGRAMS)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (folder / "driver.log").open("wb") as log:
        driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=log, stderr=log)
    browser = None
    try:
        deadline = time.monotonic() + START_SECONDS
        while browser is None:
            try:
                browser = Browser(port, folder / "profile")
            except urllib.error.URLError as exc:
                assert isinstance(exc.reason, ConnectionRefusedError) and time.monotonic() < deadline, exc
                time.sleep(0.05)
        yield browser
    finally:
        if browser:
            browser.close()
        driver.terminate()
        driver.wait(10)
