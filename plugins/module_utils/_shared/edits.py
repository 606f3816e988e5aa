# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control node requests of a node for one configuration file, as both ends must understand it alike."""

from typing import Any, Dict, List, NamedTuple, Optional


class Proof(NamedTuple):
    """What containerd's own output must show of a new configuration, by what containerd_config was asked for."""

    main: str  # the file that containerd reads first
    copies: List[str]  # packed texts to read instead: the first imports the others by their numbers
    settings: List[Dict[str, Any]]  # ``{path, value}`` that must be there
    defaults: List[List[str]]  # paths that must be as without any configuration
    others: Optional[List[List[str]]]  # paths that may differ from before, with what is below; None: all may
    tables: List[List[str]]  # that the files have only now: containerd drops its own defaults of these
    binary: str
    version: str  # what ``containerd --version`` prints


class Edit(NamedTuple):
    """One configuration file to replace."""

    path: str  # with links resolved
    content: Optional[str]  # packed; None leaves the text alone
    expect: Dict[str, Optional[str]]  # sha256 of what the edit was made from, by path
    attributes: Dict[str, Any]  # the file arguments of Ansible's modules
    mode: int  # of the file before, or of a new one, as uid and gid
    uid: Optional[int] = None
    gid: Optional[int] = None
    backup: bool = False
    unsafe_writes: bool = False
    validate: Optional[str] = None  # a command of the user's
    check: Optional[Proof] = None


def edit(data: Dict[str, Any]) -> Edit:
    """Return what `as_data` made of an Edit."""
    return Edit(**dict(data, check=Proof(**data["check"]) if data["check"] else None))
