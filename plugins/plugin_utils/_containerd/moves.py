# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings changed their place from one version of config.toml to the next, as data.

Sources: `v1MigratePluginName` and `serviceMigrate` in ``cmd/containerd/server/config/config.go``, and the
`ConfigMigration` functions in ``plugins/cri/{images/plugin,runtime/plugin,cri}.go``, ``plugins/restart/monitor.go``,
``core/metrics/cgroups/cgroups.go`` and ``core/runtime/v2/shim_manager.go`` (2.0.0 to 2.4.0-beta.0).

Paths are tuples of keys; `*` stands for any one key, and the longest path that matches counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.keys import Path

V1 = "cri"
V2 = "io.containerd.grpc.v1.cri"
V3_IMAGES = "io.containerd.cri.v1.images"
V3_RUNTIME = "io.containerd.cri.v1.runtime"

_CGROUPS = ("io.containerd.monitor.v1.cgroups", "io.containerd.monitor.task.v1.cgroups")
_RESTART = ("io.containerd.internal.v1.restart", "io.containerd.monitor.container.v1.restart")
_GRPC, _GRPC_TCP = "io.containerd.server.v1.grpc", "io.containerd.server.v1.grpc-tcp"
_TTRPC, _DEBUG, _METRICS = (f"io.containerd.server.v1.{name}" for name in ("ttrpc", "debug", "metrics"))
_PROMETHEUS = "io.containerd.metrics.v1.grpc-prometheus"

ALIASES: Final = {
    "cri_images": V3_IMAGES,
    "cri_runtime": V3_RUNTIME,
    "cri_server": V2,
    "cgroups_monitor": _CGROUPS[1],
    "restart_monitor": _RESTART[1],
}
"""Names for plugin tables that hold in every version, with the plugin's name in version 3."""

SHORT_NAMES: Final = {
    "cri": V2,
    "cgroups": _CGROUPS[0],
    "linux": "io.containerd.runtime.v1.linux",
    "scheduler": "io.containerd.gc.v1.scheduler",
    "bolt": "io.containerd.metadata.v1.bolt",
    "task": "io.containerd.runtime.v2.task",
    "opt": "io.containerd.internal.v1.opt",
    "restart": _RESTART[0],
    "tracing": "io.containerd.internal.v1.tracing",
    "otlp": "io.containerd.tracing.processor.v1.otlp",
    **{name: f"io.containerd.snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "native", "overlayfs")},
    "zfs": "io.containerd.snapshotter.v1.zfs",
    **{
        f"{name}-service": f"io.containerd.service.v1.{name}-service"
        for name in ("containers", "content", "diff", "images", "leases", "namespaces", "snapshots", "tasks")
    },
}
"""Plugins' names in version 1, and since version 2."""

IN_3: Final[Mapping[Path, Path]] = {
    ("plugins", _CGROUPS[0]): ("plugins", _CGROUPS[1]),
    ("plugins", _RESTART[0]): ("plugins", _RESTART[1]),
    ("plugins", V2): ("plugins", V3_RUNTIME),
    ("plugins", V2, "sandbox_image"): ("plugins", V3_IMAGES, "pinned_images", "sandbox"),
    **{
        ("plugins", V2, key): ("plugins", V3_IMAGES, key)
        for key in (
            "registry",
            "image_decryption",
            "max_concurrent_downloads",
            "image_pull_progress_timeout",
            "image_pull_with_sync_fs",
            "stats_collect_period",
        )
    },
    **{
        ("plugins", V2, "containerd", key): ("plugins", V3_IMAGES, key)
        for key in ("snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers")
    },
    **{
        ("plugins", V2, key): ("plugins", V2, key)
        for key in (
            "disable_tcp_service",
            "stream_server_address",
            "stream_server_port",
            "stream_idle_timeout",
            "enable_tls_streaming",
            "x509_key_pair_streaming",
        )
    },
    ("plugins", V2, "containerd", "runtimes", "*", "sandbox_mode"): (
        "plugins", V3_RUNTIME, "containerd", "runtimes", "*", "sandboxer",
    ),
}  # fmt: skip
"""Places in version 2, and in version 3. `cni.bin_dir` becomes the list `cni.bin_dirs` besides, see BIN_DIR."""

BIN_DIR: Final = (("plugins", V2, "cni", "bin_dir"), ("plugins", V3_RUNTIME, "cni", "bin_dirs"))
"""A directory in version 2 that is a list of them in version 3, for releases with `cni_bin_dirs`."""

GONE_IN_3: Final[tuple[Path, ...]] = (
    ("plugins", V2, "systemd_cgroup"),
    ("plugins", V2, "disable_cgroup"),
    ("plugins", V2, "containerd", "no_pivot"),
    ("plugins", V2, "containerd", "default_runtime"),
    ("plugins", V2, "containerd", "untrusted_workload_runtime"),
    ("plugins", V2, "containerd", "runtimes", "*", "runtime_engine"),
    ("plugins", V2, "containerd", "runtimes", "*", "runtime_root"),
    ("plugins", V2, "registry", "configs", "*", "tls"),
    ("plugins", "io.containerd.runtime.v1.linux"),
    ("plugins", "io.containerd.snapshotter.v1.aufs"),
    ("plugins", "io.containerd.runtime.v2.task", "sched_core"),
    ("plugin_dir",),
)
"""Settings of version 2 that no release with version 3 has."""

IN_4: Final[Mapping[Path, Path]] = {
    **{("grpc", key): ("plugins", _GRPC, key) for key in ("address", "uid", "gid")},
    **{("grpc", key): ("plugins", _GRPC, key) for key in ("max_recv_message_size", "max_send_message_size")},
    ("grpc", "tcp_address"): ("plugins", _GRPC_TCP, "address"),
    ("grpc", "tcp_tls_ca"): ("plugins", _GRPC_TCP, "tls_ca"),
    ("grpc", "tcp_tls_cert"): ("plugins", _GRPC_TCP, "tls_cert"),
    ("grpc", "tcp_tls_key"): ("plugins", _GRPC_TCP, "tls_key"),
    ("grpc", "tcp_tls_common_name"): ("plugins", _GRPC_TCP, "tls_common_name"),
    **{("ttrpc", key): ("plugins", _TTRPC, key) for key in ("address", "uid", "gid")},
    **{("debug", key): ("plugins", _DEBUG, key) for key in ("address", "uid", "gid")},
    ("metrics", "address"): ("plugins", _METRICS, "address"),
    ("metrics", "grpc_histogram"): ("plugins", _PROMETHEUS, "grpc_histogram"),
}
"""Places in version 3, and in version 4."""

NEW_IN_3: Final = frozenset({V3_IMAGES, V3_RUNTIME, _CGROUPS[1], _RESTART[1], "io.containerd.shim.v1.manager"})
NEW_IN_4: Final = frozenset({_GRPC, _GRPC_TCP, _TTRPC, _DEBUG, _METRICS, _PROMETHEUS})
"""Plugins that releases without that version of the file do not have."""


def matches(path: Path, pattern: Path) -> bool:
    """Whether a path is at or below a pattern."""
    return len(path) >= len(pattern) and all(part in (key, "*") for part, key in zip(pattern, path, strict=False))


def new_place(path: Path, moves: Mapping[Path, Path]) -> Path | None:
    """Return where a path moves to, or None where the moves say nothing of it."""
    found = max((old for old in moves if matches(path, old)), key=len, default=None)
    return None if found is None else _filled(moves[found], path) + path[len(found) :]


def old_places(path: Path, moves: Mapping[Path, Path]) -> list[Path]:
    """Return the origin of the settings at or below a path: one place, or all that moved below it."""
    exact = max((new for new in moves.values() if matches(path, new)), key=len, default=None)
    if exact is not None:
        return [_filled(old, path) + path[len(exact) :] for old, new in moves.items() if new == exact]
    return [old for old, new in moves.items() if matches(new, path)]


def _filled(pattern: Path, path: Path) -> Path:
    """Return a pattern with each `*` as it is in a path (moves keep the depth of what they do not name)."""
    return tuple(path[index] if part == "*" else part for index, part in enumerate(pattern))
