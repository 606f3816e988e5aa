# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd itself makes of a configuration, asked with its own command."""

import os
import re

from ansible_collections.airgap.containerd.plugins.module_utils._node import commands, complaints, dump_reader
from ansible_collections.airgap.containerd.plugins.module_utils._shared.verdicts import Effective, Login, auth_digest

_UNKNOWN_COMMAND = 3  # exit status of containerd

# What makes CRI pull by itself and not through the transfer service (`CheckLocalImagePullConfigs`).
_PULL_SETTINGS = (
    "use_local_image_pull",
    "disable_snapshot_annotations",
    "discard_unpacked_layers",
    "image_pull_with_sync_fs",
    "max_concurrent_downloads",
)
_PAUSE = "registry.k8s.io/pause:3.10"  # where containerd tells of none, as without a configuration that it accepts
_LONGEST_SOCKET = 106  # as containerd's sys.CreateUnixSocket has it
_MOVED_SOCKET = 4  # version of the configuration; before, containerd prints a table of this name as it is written
_REGISTRY_OWNERS = ("io.containerd.cri.v1.images", "io.containerd.grpc.v1.cri")


def effective(binary, path, version):
    """Return the verdicts.Effective of a configuration file; ``version`` as for `dump`."""
    return _summary(*dump(binary, path, version))


def dump(binary, path, version):
    """Return what containerd itself makes of a file, its defaults where there is none, and its complaint or None.

    ``config migrate`` (2.0 on) is asked first, because ``dump`` of 2.0.0-2.0.5 leaves plugin migrations out.
    ``version`` is what ``containerd --version`` prints: a 1.x is not asked for what it does not know.
    """
    if not path or not os.path.exists(path):
        rc, out, err = commands.run([binary, "config", "default"])
    else:
        for command in ["dump"] if re.match(r"\S+ \S+ v?1\.\d", version) else ["migrate", "dump"]:
            rc, out, err = commands.run([binary, "--config", path, "config", command])
            if rc != _UNKNOWN_COMMAND:
                break
    if rc != 0:
        lines = [line for line in (err or out).strip().splitlines() if "level=warning" not in line]
        return {}, complaints.words(lines[-1], (path,)) if lines else "exit status %d" % rc
    return dump_reader.read(out), None


def _summary(document, error):
    plugins = _table(document, "plugins")
    owners = [_table(plugins, name) for name in _REGISTRY_OWNERS]
    registry = next((_table(owner, "registry") for owner in owners if "registry" in owner), {})
    mirrors, configs = (_table(registry, key) for key in ("mirrors", "configs"))
    moved = _table(plugins, "io.containerd.server.v1.grpc") if (document.get("version") or 0) >= _MOVED_SOCKET else None
    server = moved or _table(document, "grpc")
    return Effective(
        error=error,
        config_path=registry.get("config_path") or "",
        mirrors={host: _table(mirrors, host).get("endpoint") or [] for host in mirrors},
        configs={
            host: Login(auth_digest(_table(_table(configs, host), "auth")), "tls" in _table(configs, host))
            for host in configs
        },
        tls_options={
            host: sorted(key for key, value in _table(_table(configs, host), "tls").items() if value)
            for host in configs
        },
        auths=sorted(_table(registry, "auths")),
        headers=sorted(_table(registry, "headers")),
        images={key: owners[0][key] for key in _PULL_SETTINGS if isinstance(owners[0].get(key), (bool, int))},
        pause=_pause(*owners),
        disabled_plugins=document.get("disabled_plugins") or [],
        imports=document.get("imports") or [],
        address=server.get("address"),
        fatal=_fatal(document),
    )


def _fatal(document):
    """Return which path would end containerd at its start, or None: it does not print that, and a trial has its own."""
    if document.get("root") and document.get("root") == document.get("state"):
        return "root and state are both %s" % document["root"]
    for key in ("root", "state"):
        blocked = _file_at_or_above(document.get(key))
        if blocked:
            return "%s is %s, and %s is a file" % (key, document[key], blocked)
    plugins = _table(document, "plugins")
    for key in ("grpc", "ttrpc", "debug"):
        server = _table(plugins, "io.containerd.server.v1." + key) or _table(document, key)
        address = server.get("address")
        if not isinstance(address, str) or not address:
            continue
        blocked = _file_at_or_above(os.path.dirname(address))
        if blocked:
            return "%s.address is %s, and %s is a file" % (key, address, blocked)
        if os.path.isdir(os.path.join("/", address)):
            return "%s.address is %s, a directory" % (key, address)
        if len(address.encode("utf-8")) > _LONGEST_SOCKET:
            return "%s.address is longer than the %d bytes of a socket's path" % (key, _LONGEST_SOCKET)
    return None


def _file_at_or_above(path):
    """Return what is not a directory although it has to be one, or None."""
    path = os.path.join("/", path) if isinstance(path, str) else "/"
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return None if os.path.isdir(path) or os.path.islink(path) else path


def _table(data, key):
    """Return a table in data; containerd prints those of plugins that are disabled as they are written."""
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _pause(newer, older):
    """Return the name of the image that pods start with: ``pinned_images.sandbox``, ``sandbox_image`` before 2.0."""
    found = _table(newer, "pinned_images").get("sandbox") or older.get("sandbox_image")
    return found if isinstance(found, str) else _PAUSE
