# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values written so that every containerd's parser reads them."""

from __future__ import annotations

import datetime
import math
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import keys, plain
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import TomlError
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.plain import exact


def render(value: Any, path: Path, quote: str = '"') -> str:
    """Return plain data as a value on one line, texts in the given quotes if they can be; errors name the path."""
    where = keys.show(path) or "the value"
    if isinstance(value, str):
        return keys.quoted(value, quote)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise TomlError(f"{where}: the number does not fit in 64 bits")
        return str(value)
    if isinstance(value, float):
        # The parser of containerd 1.4 knows neither inf nor nan.
        if not math.isfinite(value):
            raise TomlError(f"{where}: the number is not finite")
        return repr(value)
    if isinstance(value, list):
        # Parsers before TOML 1.0 (containerd up to 1.7) refuse arrays of mixed types.
        if plain.is_mixed(value):
            raise TomlError(f"{where}: the values in a list must be of one type")
        return f"[{', '.join(render(item, path, quote) for item in value)}]"
    if isinstance(value, dict):
        inside = [((*path, name), inner) for name, inner in value.items()]
        pairs = [f"{keys.new_key(here, quote)} = {render(inner, here, quote)}" for here, inner in inside]
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    # A date alone stops containerd 1.5 to 1.7, a time alone 1.4.
    if not isinstance(value, datetime.datetime):
        raise TomlError(f"{where}: older containerd cannot read a date or a time alone")
    return value.isoformat()


def is_block(name: str, value: Any) -> bool:
    """Return whether what a new key holds is written below a [header] or a [[header]] of its own.

    containerd 1.5 to 1.7 (go-toml v1) take a "]" for the end of the header, even within quotes.
    """
    return (isinstance(value, dict) or plain.is_array_of_tables(value)) and "]" not in name


def quote(value: Any) -> str:
    """Return TOML syntax, on one line, for a string, a boolean, a number or a list of one of them."""
    value = exact(value)
    if _holds_table(value):
        raise TomlError("a table cannot be written as a value")
    return render(value, ())


def _holds_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_table, value)))
