# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of containerd's settings. A template within a mapping gives a string before ansible-core 2.19, unless
jinja2_native is set; where the setting is one of containerd's own, its value gets the type that containerd reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import moves

# All that are not strings in the output of `containerd config default`, of every release in the tests' fixtures.
BOOLEANS = frozenset(
    """
    NoNewKeyring NoPivotRoot SystemdCgroup async_remove cgroup_writable check_platform_supported
    device_ownership_from_security_context disable disable_apparmor disable_cgroup disable_connections
    disable_hugetlb_controller disable_proc_mount disable_snapshot_annotations disable_tcp_service discard_blocks
    discard_unpacked_layers enable_cdi enable_fsverity enable_selinux enable_tls_streaming enable_unprivileged_icmp
    enable_unprivileged_ports grpc_histogram ignore_blockio_not_enabled_errors ignore_image_defined_volumes
    ignore_rdt_not_enabled_errors image_pull_with_sync_fs insecure_skip_verify netns_mounts_under_state_dir no_pivot
    no_prometheus no_shim no_sync privileged_without_host_devices privileged_without_host_devices_all_devices_allowed
    recreate_scratch restrict_oom_score_adj sched_core set_immutable setup_serially shim_debug slow_chown sync_fs
    sync_remove systemd_cgroup tolerate_missing_hugetlb_controller upperdir_label use_internal_loopback
    use_local_image_pull
""".split()  # noqa: SIM905 - one name a word reads best
)
INTEGERS = frozenset(
    """
    IoGid IoUid cni_max_conf_num concurrent_layer_fetch_buffer deletion_threshold gid max_concurrent_downloads
    max_concurrent_uploaded_layers max_conf_num max_container_log_line_size max_recv_message_size max_send_message_size
    max_verifiers mutation_threshold oom_score selinux_category_range stats_collect_period uid
""".split()  # noqa: SIM905 - one name a word reads best
)
FLOATS = frozenset({"pause_threshold"})
# Strings that look like numbers.
STRINGS = frozenset({"stream_server_port"})
# Their keys are the user's.
_FREE = frozenset({"annotations", "exports", "headers", "labels"})
# Names of settings in plugins of others say nothing about their types.
_PLUGINS = frozenset(
    {
        *moves.ALIASES,
        *moves.ALIASES.values(),
        *moves.SHORT_NAMES,
        *moves.SHORT_NAMES.values(),
        *moves.NEW_IN_3,
        *moves.NEW_IN_4,
        "io.containerd.differ.v1.erofs",
        "io.containerd.image-verifier.v1.bindir",
        "io.containerd.nri.v1.nri",
        "io.containerd.snapshotter.v1.blockfile",
        "io.containerd.snapshotter.v1.erofs",
        "io.containerd.transfer.v1.local",
    }
)


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings to merge with the values of known ones in their types; what does not fit stays as it is."""
    result = _table({key: {} if key == "plugins" else value for key, value in settings.items()})
    version, plugins = settings.get("version"), settings.get("plugins")
    if isinstance(version, str) and version.isdecimal():
        result["version"] = int(version)
    if "plugins" in settings:
        result["plugins"] = _plugins(plugins) if isinstance(plugins, Mapping) else plugins
    return result


def _plugins(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _table(each) if name in _PLUGINS and isinstance(each, Mapping) else each for name, each in tables.items()
    }


def _table(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: (value if key in _FREE else _table(value)) if isinstance(value, Mapping) else _typed(str(key), value)
        for key, value in settings.items()
    }


def _typed(key: str, value: Any) -> Any:
    if key in STRINGS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return value
    if key in BOOLEANS and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if key in INTEGERS and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    if key in FLOATS and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return float(value)
    return value
