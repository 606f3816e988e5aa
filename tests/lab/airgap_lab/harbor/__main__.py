# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program: serves as the settings say until killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airgap_lab.harbor import Harbor, Settings
from airgap_lab.harbor.accounts import Logins
from airgap_lab.standin import Answer, Forward, Request, serve


def main(settings: Settings) -> None:
    """Serve; what the folder of state says counts from the next request on."""
    logins = Logins(settings.accounts, settings.password)
    harbor = Harbor(settings.projects, settings.images, logins, settings.host)
    state = Path(settings.state)

    def stand(request: Request) -> Answer | Forward:
        external = state / "external"
        url = external.read_text(encoding="utf-8") if external.exists() else ""
        return harbor.answer(request, url, (state / "upstreams_away").exists(), (state / "newer").exists())

    serve(stand, settings.address, Path(settings.log), settings.backend)


if __name__ == "__main__":
    main(Settings.load(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
