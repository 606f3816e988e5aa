# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What control node and node must judge alike, and the types of what they judge."""

import hashlib
import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from ansible_collections.airgap.containerd.plugins.module_utils._shared import masking


class Login(NamedTuple):
    """One table ``configs."HOST"``: a digest of its ``auth`` (see `auth_digest`), and whether it has ``tls``."""

    auth: Optional[str]
    tls: bool


class Effective(NamedTuple):
    """What containerd makes of a configuration, as far as registries go; all but ``error`` is empty with an error."""

    error: Optional[str] = None  # containerd's complaint where it does not accept the file
    config_path: str = ""
    mirrors: Dict[str, List[str]] = {}  # endpoints by host namespace
    configs: Dict[str, Login] = {}  # by host[:port]
    tls_options: Dict[str, List[str]] = {}  # names of the options that are set in ``configs."HOST".tls``
    auths: List[str] = []  # keys of the old table ``auths``
    headers: List[str] = []  # names in the table ``headers``
    images: Dict[str, Union[bool, int]] = {}  # what decides how CRI pulls
    pause: str = ""  # the image that pods start with
    disabled_plugins: List[str] = []
    imports: List[str] = []
    address: Optional[str] = None  # of the socket
    fatal: Optional[str] = None  # which of its paths ends containerd at its start, which its printer does not tell


class Wanted(NamedTuple):
    """What a configuration must come to; ``config_path`` None: it is enough that containerd accepts it."""

    config_path: Optional[str] = None  # "": in legacy mode
    mirrors: Dict[str, List[str]] = {}  # each must be there with just its endpoints
    tls: bool = False  # whether ``configs.*.tls`` may be set together with ``config_path``
    plugins: List[str] = []  # that must not be disabled


class Unit(NamedTuple):
    """What of a service's unit counts; without systemd it is not ``found``."""

    found: bool = False
    active: bool = False
    kill_mode: Optional[str] = None


def auth_digest(auth: Optional[Dict[str, Any]]) -> Optional[str]:
    """Return a digest of a ``configs."HOST".auth`` table, so that it can be compared without being sent."""
    wanted = {key: value for key, value in (auth or {}).items() if value not in ("", None)}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode("utf-8")).hexdigest() if wanted else None


def why_not_effective(found: Effective, wanted: Wanted, imports: Sequence[str]) -> Optional[str]:
    """Return why the effective configuration ``found`` is not the one ``wanted``, or None.

    With a ``config_path`` there must be no mirror at all. ``imports`` are the paths of the imported files, which are
    where a difference comes from.
    """
    reason = _difference(found, wanted)
    if reason and imports:
        reason += ". It comes from a file that config.toml imports: %s" % ", ".join(imports)
    return reason


def _difference(found: Effective, wanted: Wanted) -> Optional[str]:
    if found.error:
        return "containerd does not accept the configuration: %s" % found.error
    if found.fatal:
        return "containerd does not start with the configuration: %s" % found.fatal
    if wanted.config_path is None:
        return None
    if found.config_path != wanted.config_path:
        return "the effective config_path is %r instead of %r" % (found.config_path, wanted.config_path)
    for host, endpoints in sorted(wanted.mirrors.items()):
        if found.mirrors.get(host) != endpoints:
            found_there = masking.without_logins("%r" % (found.mirrors.get(host),))
            return "the effective mirrors.%r is %s instead of %r" % (host, found_there, endpoints)
    if wanted.config_path and found.mirrors:
        return "mirrors are set together with config_path (%s), and CRI does not load with both" % ", ".join(
            sorted(found.mirrors)
        )
    tls = sorted(host for host, each in found.configs.items() if each.tls)
    if wanted.config_path and tls and not wanted.tls:
        return "configs.*.tls is set together with config_path (%s), and CRI does not load with both" % ", ".join(tls)
    disabled = [each for each in found.disabled_plugins if each in wanted.plugins]
    if disabled:
        return "the CRI plugin is disabled (%s)" % ", ".join(disabled)
    return None


def kill_mode_refusal(name: str, found: Unit) -> Optional[str]:
    """Return why restarting the unit would kill pods, or None."""
    if not found.found or found.kill_mode in ("process", "none"):
        return None
    return (
        "restarting %s would kill the pods of this node: its unit has KillMode=%s. Put [Service] KillMode=process into "
        "/etc/systemd/system/%s.service.d/killmode.conf and run systemctl daemon-reload, or set restart_force"
        % (name, found.kill_mode, name)
    )


def serves(status: Optional[int], kind: Optional[str]) -> bool:
    """Whether an answer, by its HTTP status and media type, is a manifest as containerd expects it, not a web page."""
    return status == 200 and kind != "text/html"


def images_to_pull(images: Sequence[str], pause: Optional[str]) -> List[str]:
    """Return the names of all images to pull: ``pause`` (a name or None) first, each once."""
    return ([pause] if pause and pause not in images else []) + list(images)
