# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long walk: prints its seed, each fault with the steps that led to it, and figures; exit status 1 if any."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from airgap_lab import Lab
from support import Player

from living.walk import Walk


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="living", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed makes the same walk")
    parser.add_argument("--steps", type=int, default=1000, help="events, runs and pulls (1000)")
    parser.add_argument("--nodes", nargs="+", default=["n1", "n2", "n3", "n4"], metavar="NODE")
    parser.add_argument("--verbose", action="store_true", help="print all that happens")
    options = parser.parse_args()
    with Lab(tell=lambda line: print(line, flush=True)).meanwhile_up() as lab:
        print(f"seed {options.seed}", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            walk = Walk(lab, Player(Path(folder)), tuple(options.nodes), Path(folder), options.seed)
            for done in range(25, options.steps + 25, 25):
                known = len(walk.faults)
                walk.go(min(done, options.steps))
                for fault in walk.faults[known:]:
                    print(fault, flush=True)
    if options.verbose:
        for name, lines in walk.history.items():
            print(f"{name}:", *lines, sep="\n  ")
    for message, count in sorted(walk.refusals.items(), key=lambda item: -item[1]):
        print(f"refused {count} times: {' '.join(message.split())[:200]}")
    parts = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in walk.seconds.items())
    print(
        f"{walk.steps} steps in {walk.round} rounds, {time.monotonic() - started:.0f} s ({parts}), "
        f"seed {options.seed}: {len(walk.faults)} faults"
    )
    return 1 if walk.faults else 0


sys.exit(main())
