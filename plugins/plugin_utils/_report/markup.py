# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of HTML. Whatever is not Markup already is text, and escaped."""

from __future__ import annotations

import html

_VOID = ("input", "wbr")


class Markup(str):
    """Markup, as opposed to text."""

    __slots__ = ()


def element(tag: str, /, *children: str | None, **attributes: str | int | bool | None) -> Markup:
    """Return an element; an attribute that is None or False is left out, `class_` is class, `data_x` is data-x."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    start = tag + "".join(
        _attribute(key, value) for key, value in given.items() if value is not None and value is not False
    )
    return Markup(f"<{start}>" if tag in _VOID else f"<{start}>{together(*children)}</{tag}>")


def together(*children: str | None) -> Markup:
    """Return children one after the other."""
    return Markup(
        "".join(each if isinstance(each, Markup) else html.escape(each, quote=False) for each in children if each)
    )


def _attribute(key: str, value: str | int | bool | None) -> str:
    return f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
