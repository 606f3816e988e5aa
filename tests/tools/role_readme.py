# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of variables in the role's README from the role's specification.

Usage: .venv/test/bin/python tests/tools/role_readme.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles" / "containerd_registry"
README = ROLE / "README.md"
BEGIN, END = "<!-- from meta/argument_specs.yml, by `make role-readme` -->\n", "<!-- end of the table -->\n"
# O(name), V(value), C(code), M(module): what follows "=" in O() is the option's value.
MARKED = re.compile(r"\b[OVCM]\(([^)]*)\)")


def table(options: dict[str, dict[str, Any]]) -> str:
    """The options of a specification as a table in Markdown."""
    head = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(name, option) for name, option in options.items())]) + "\n"


def _row(name: str, option: dict[str, Any]) -> str:
    described = option["description"]
    paragraphs = [described] if isinstance(described, str) else described
    if "choices" in option:
        paragraphs = [f"One of {', '.join(f'V({each})' for each in option['choices'])}.", *paragraphs]
    meaning = "<br>".join(MARKED.sub(r"`\1`", " ".join(text.split())) for text in paragraphs).replace("|", r"\|")
    kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
    return f"| `{name}` | {kind} | {_default(option)} | {meaning} |"


def _default(option: dict[str, Any]) -> str:
    """What a variable is unless it is set; without one it follows from the node or from another variable."""
    value = option.get("default")
    if value is None:
        return ""
    if isinstance(value, list) and value:
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def written(text: str, options: dict[str, dict[str, Any]]) -> str:
    """The README with its table rewritten."""
    before, _begin, rest = text.partition(BEGIN)
    _table, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{README}: the lines around the table are missing")
    return f"{before}{BEGIN}\n{table(options)}\n{END}{after}"


def options() -> dict[str, dict[str, Any]]:
    """The variables of the role, by their names."""
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return specification["argument_specs"]["variables"]["options"]


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8"), options()), encoding="utf-8")
