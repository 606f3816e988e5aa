# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control node requests a node to change: the requests that both ends must understand alike."""

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Wanted


class Write(NamedTuple):
    """One file to write: ``content`` as wire.pack makes it, ``backup`` the folder for a copy of the old one."""

    path: str
    content: str
    mode: int
    uid: Optional[int] = None
    gid: Optional[int] = None
    backup: Optional[str] = None


class Check(NamedTuple):
    """What containerd must make of config.toml, before it becomes the live one and after the restart.

    ``path`` is the one that containerd is given, which may be a link.
    """

    wanted: Wanted
    binary: str
    version: str  # what ``containerd --version`` prints
    path: str


class Trial(NamedTuple):
    """A start of containerd that does no harm, to learn whether a restart would bring it back."""

    binary: str
    path: str  # of config.toml, as containerd is given it
    cri: bool = True  # False where the configuration itself switches CRI off


class Restart(NamedTuple):
    """A restart of containerd; ``command`` replaces ``systemctl restart``, ``timeout`` is in seconds for all of it."""

    service: str
    socket: str
    command: Optional[List[str]] = None
    timeout: int = 60
    force: bool = False  # also where it kills pods
    cri: bool = True  # False where the configuration itself switches CRI off


class Between(NamedTuple):
    """The config.toml that works with the previous files and with those of the run, and its part of the record."""

    write: Write
    record: Any


class Changes(NamedTuple):
    """The files that change, in the phases in which they do: each works with all that is in place by then.

    ``removes`` are paths, ``directories`` those that go when nothing else is in them.
    """

    first: Optional[Write] = None  # config.toml with the old credentials and those of the run, if both are needed
    files: List[Write] = []  # hosts.toml files and certificates
    config: Optional[Write] = None  # config.toml, where it may need the files that go
    removes: List[str] = []
    directories: List[str] = []
    last: Optional[Write] = None  # config.toml, where the files that go rely on credentials in it

    @property
    def writes(self) -> List[Write]:
        """All files that are written, in the order of writing; config.toml may be among them twice."""
        return [each for each in (self.first, *self.files, self.config, self.last) if each]


class Apply(NamedTuple):
    """A plan for the node to carry out, all or nothing."""

    expect: Dict[str, Optional[str]]  # sha256 of what the plan was made from, by path; None: no file
    fingerprint: str  # of the record and the states
    sweep: List[str]  # directories where killed runs may have left temporary files
    socket: str
    changes: Changes = Changes()
    record: Any = None  # _node/record's on the control node, JSON on the node; None removes it
    config: Optional[str] = None  # path of config.toml; None: hosts.toml files alone are changed
    between: Optional[Between] = None
    check: Optional[Check] = None
    trial: Optional[Trial] = None
    due: bool = False  # containerd does not know the new files until it restarts
    restart: Optional[Restart] = None
    proves: Dict[str, str] = {}  # what each file of the configuration says, for the record of the proof
    forget: bool = False  # the states go when all is done
    restore: Optional[str] = None  # name of the state to go back to, which gives the changes
    edited: List[str] = []  # files of which a copy is kept then


class Rehearse(NamedTuple):
    """A plan of which nothing is carried out but what comes before the first change: checks, and the start on trial."""

    plan: Apply


def as_data(value: Any) -> Any:
    """Return a request as JSON has it: each of these types as a mapping."""
    if hasattr(value, "_asdict"):
        return {key: as_data(each) for key, each in value._asdict().items()}
    if isinstance(value, dict):
        return {key: as_data(each) for key, each in value.items()}
    return [as_data(each) for each in value] if isinstance(value, (list, tuple)) else value


def write(data: Optional[Dict[str, Any]]) -> Optional[Write]:
    """Return what `as_data` made of a Write or of None."""
    return Write(**data) if data else None


def between(data: Optional[Dict[str, Any]]) -> Optional[Between]:
    """Return what `as_data` made of a Between or of None."""
    return Between(Write(**data["write"]), data["record"]) if data else None


def restart(data: Optional[Dict[str, Any]]) -> Optional[Restart]:
    """Return what `as_data` made of a Restart or of None, whatever is next to it."""
    return Restart(**{name: data[name] for name in Restart._fields}) if data else None


def apply(data: Dict[str, Any]) -> Apply:
    """Return what `as_data` made of an Apply."""
    changes, check = data["changes"], data["check"]
    return Apply(
        **dict(
            data,
            changes=Changes(
                **dict(
                    changes,
                    files=[Write(**each) for each in changes["files"]],
                    **{name: write(changes[name]) for name in ("first", "config", "last")},
                )
            ),
            between=between(data["between"]),
            check=Check(**dict(check, wanted=Wanted(**check["wanted"]))) if check else None,
            trial=Trial(**data["trial"]) if data["trial"] else None,
            restart=restart(data["restart"]),
        )
    )
