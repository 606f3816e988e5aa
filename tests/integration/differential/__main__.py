# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole differential test: prints its seed, differences, and a line of figures; exit status 1 if there are any."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from airgap_lab import Lab

from differential.field import Field


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same seed makes the same cases")
    parser.add_argument("--cases", type=int, default=300, help="pulls for each release (300)")
    parser.add_argument("--spelled", type=float, default=0.0, help="share of files in other spellings of TOML (0)")
    parser.add_argument("--nodes", nargs="+", default=["n1", "n2", "n3", "n4"], metavar="NODE")
    parser.add_argument("--show", type=int, default=5, help="how many differences to print (5)")
    options = parser.parse_args()
    with Lab(tell=lambda line: print(line, flush=True)).meanwhile_up() as lab:
        print(f"seed {options.seed}", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, Field(lab, tuple(options.nodes), Path(folder)) as field:
            report = field.run(options.seed, options.cases, options.spelled)
    for text in report.disagreements[: options.show]:
        print(text)
    agreed = report.agreed().items()
    print(", ".join(f"{version}: {right} of {count} pulls as foretold" for version, (right, count) in agreed))
    wrong = len(report.disagreements)
    print(
        f"{len(report.pulls)} pulls, {report.requests} requests and {report.logged} lines of the log compared in "
        f"{time.monotonic() - started:.0f} s, seed {options.seed}: "
        + (f"{wrong} not as resolve foretold" if wrong else "all as resolve foretold")
    )
    return 1 if wrong else 0


sys.exit(main())
