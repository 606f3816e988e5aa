# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read TOML as plain data; its errors never quote the file."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import lexing

if sys.version_info >= (3, 11):
    import tomllib

    LIBRARIES: tuple[str, ...] = ()
    """What this Python needs in addition to its standard library; who calls this module has to see that it is there."""
else:
    with contextlib.suppress(ImportError):
        import tomli as tomllib

    LIBRARIES = ("tomli",)

# What tomllib's messages mean; the messages themselves may quote the file, and so a password.
_REASONS = (
    ("Cannot declare", "this table is declared a second time"),
    ("Cannot overwrite", "this key is set a second time"),
    ("Duplicate", "this key is set a second time"),
    ("Cannot mutate", "an inline table or a plain array cannot be extended"),
    ("Cannot redefine", "an inline table or a plain array cannot be extended"),
    ("Unclosed array", "an array is not closed"),
    ("Unclosed inline", "an inline table is not closed"),
    ("Unterminated", "a string is not closed"),
    ("Illegal character", "a string is not closed or holds a control character"),
    ("Expected '='", "a key is not followed by '='"),
    ("Expected ']", "a table header is not closed"),
)


class TomlError(Refusal):
    """One sentence with a line or a key path; it never quotes a value or a line of the file."""


MAX_LENGTH = 128 * 1024
"""Characters of a text: a hundred times what configuration has, and some seconds of work at the worst."""
MAX_DOTS = 100
"""In a key: the time that tomllib takes for a dotted key grows with the square of its parts."""


def load(text: str) -> dict[str, Any]:
    """Return the plain data of a TOML text, or raise TomlError with line and column."""
    if len(text) > MAX_LENGTH:
        raise TomlError(f"larger than {MAX_LENGTH >> 10} KiB, which no configuration of containerd is")
    dots, line = lexing.most_parts(lexing.bare(text)) if text.count(".") > MAX_DOTS else (0, 0)
    if dots > MAX_DOTS:
        raise TomlError(f"line {line} has a key of more than {MAX_DOTS} parts, which no setting of containerd has")
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise TomlError("not valid TOML: values are nested too deeply") from None
    except ValueError as error:
        message = str(error)
        place = re.search(r"at line \d+, column \d+|at end of document", message)
        reason = next((reason for start, reason in _REASONS if message.startswith(start)), "the syntax is wrong")
        if text.startswith("\ufeff"):
            reason = (
                "the file starts with a byte order mark, which not every containerd reads: remove these 3 bytes "
                r"(sed -i '1s/^\xEF\xBB\xBF//' FILE)"
            )
        raise TomlError(f"not valid TOML{' ' + place.group() if place else ''}: {reason}") from None
    if lexing.is_newer_than_1_0(text):
        raise TomlError("not valid TOML 1.0, which is what containerd reads, but TOML 1.1")
    return data


def not_utf8(error: UnicodeDecodeError) -> str:
    """Return the message for a file that is not UTF-8: where, never what."""
    line = error.object.count(b"\n", 0, error.start) + 1
    column = len(error.object[error.object.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
    return f"not UTF-8 at line {line}, column {column}"
