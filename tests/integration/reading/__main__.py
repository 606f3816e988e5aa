# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many configurations: prints the seed, wrong results, and figures; exit status 1 if there are wrong results."""

from __future__ import annotations

import argparse
import random
import sys
import time

from airgap_lab import Lab
from support import NODES

from reading import trial


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="reading", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed makes the same files")
    parser.add_argument("--cases", type=int, default=300, help="configurations for each release (300)")
    parser.add_argument("--nodes", nargs="+", default=list(NODES), metavar="NODE")
    parser.add_argument("--show", type=int, default=5, help="how many wrong results to print (5)")
    options = parser.parse_args()
    with Lab(tell=lambda line: print(line, flush=True)).meanwhile_up() as lab:
        print(f"seed {options.seed}", flush=True)
        started = time.monotonic()
        found = trial.run(lab, options.nodes, options.seed, options.cases)
    wrong = [each for each in found if each.wrong]
    for each in wrong[: options.show]:
        print(each.describe(), end="\n\n")
    print(trial.figures(found))
    print(
        f"{len(found)} configurations in {time.monotonic() - started:.0f} s, seed {options.seed}: "
        + (f"{len(wrong)} told wrongly" if wrong else "none told wrongly")
    )
    return 1 if wrong else 0


sys.exit(main())
