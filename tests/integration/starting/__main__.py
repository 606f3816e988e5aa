# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many ways to start containerd: prints the seed, wrong results, and figures; exit status 1 if there are any."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from airgap_lab import Lab
from support import NODES, Player

from starting import trial


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="starting", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="the same seed makes the same samples"
    )
    parser.add_argument("--rounds", type=int, default=25, help="samples on each of the nodes (25)")
    options = parser.parse_args()
    lab = Lab(tell=lambda line: print(line, flush=True))
    was_up = lab.is_up()
    with lab.meanwhile_up():
        print(f"seed {options.seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            told = trial.run(lab, Player(Path(folder)), NODES, options.seed, options.rounds, Path(folder))
        if was_up:
            lab.reset(*NODES)
    wrong = [each.wrong for each in told if each.wrong]
    started = sum(each.real is not None for each in told)
    print("\n\n".join(wrong))
    print(f"{started} of {len(told)} ways started containerd, {len(wrong)} told wrongly, seed {options.seed}")
    return 1 if wrong else 0


sys.exit(main())
