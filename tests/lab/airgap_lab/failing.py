# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that is there and serves nothing: below /STATUS/v2/ every request for an image is answered with STATUS.

The API itself answers 200, as that of a registry whose storage has gone. It is a program of its own:
``python3 -m airgap_lab.failing ADDRESS PORT LOG``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from airgap_lab.standin import Answer, Request, serve


def answer(request: Request) -> Answer:
    """Answer a request; its credentials are ignored."""
    status = request.target.split("/")[1]
    return Answer(200 if request.target == f"/{status}/v2/" else int(status) if status.isdigit() else 404)


if __name__ == "__main__":
    address, port, log = sys.argv[1:]
    serve(answer, (address, int(port)), Path(log))
