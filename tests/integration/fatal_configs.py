# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that end containerd at its start, or leave it without CRI, in one release or another.

Each is a TOML text that comes first in config.toml, or below the table of CRI's plugin, under its name of version 2,
which all releases read; or a file to import.
"""

from __future__ import annotations

CRI = '[plugins."io.containerd.grpc.v1.cri"{}]\n'
DROP_IN = "/etc/containerd/conf.d/fatal.toml"
IMPORT = 'imports = ["/etc/containerd/conf.d/*.toml"]\n'

OF_THE_SERVER = {
    "import missing": 'imports = ["/opt/kata/config.d/kata-deploy.toml"]\n',
    "import relative and missing": 'imports = ["none.toml"]\n',
    "import a directory": 'imports = ["/etc"]\n',
    "required plugin unknown": 'required_plugins = ["io.containerd.none.v1.none"]\n',
    "required plugin off": 'required_plugins = ["io.containerd.metadata.v1.bolt"]\n'
    'disabled_plugins = ["io.containerd.metadata.v1.bolt"]\n',
    "disabled plugin short": 'disabled_plugins = ["zfs"]\n',
    "metadata off": 'disabled_plugins = ["io.containerd.metadata.v1.bolt"]\n',
    "content off": 'disabled_plugins = ["io.containerd.content.v1.content"]\n',
    "overlayfs off": 'disabled_plugins = ["io.containerd.snapshotter.v1.overlayfs"]\n',
    "tasks off": 'disabled_plugins = ["io.containerd.service.v1.tasks-service"]\n',
    "images off": 'disabled_plugins = ["io.containerd.service.v1.images-service"]\n',
    "runtime off": 'disabled_plugins = ["io.containerd.runtime.v2.task"]\n',
    "leases off": 'disabled_plugins = ["io.containerd.service.v1.leases-service"]\n',
    "events off": 'disabled_plugins = ["io.containerd.event.v1.exchange"]\n',
    "log level": '[debug]\nlevel = "bogus"\n',
    "log format": '[debug]\nformat = "bogus"\n',
    "debug socket a directory": '[debug]\naddress = "/etc"\n',
    "debug socket too long": f'[debug]\naddress = "/etc/{"x" * 120}"\n',
    "main socket a directory": '[grpc]\naddress = "/etc"\n',
    "root and state": 'root = "/run/containerd"\n',
    "timeout": '[timeouts]\n"io.containerd.timeout.shim.load" = "soon"\n',
    "timeout a number": '[timeouts]\n"io.containerd.timeout.shim.load" = 5\n',
    "oom score a string": 'oom_score = "low"\n',
    "uid a string": '[grpc]\nuid = "root"\n',
    "tcp without certificate": '[grpc]\ntcp_address = "127.0.0.1:1339"\ntcp_tls_cert = "/none.crt"\n'
    'tcp_tls_key = "/none.key"\n',
    "tcp address": '[grpc]\ntcp_address = "nonsense"\n',
    "metrics address": '[metrics]\naddress = "nonsense"\n',
    "stream processors": '[stream_processors.x]\naccepts = "y"\n',
    "proxy plugins": '[proxy_plugins.x]\ntype = 5\n',
    "plugin short": "[plugins.zfs]\nroot_path = 'x'\n",
    "plugin of wrong type": '[plugins."io.containerd.gc.v1.scheduler"]\npause_threshold = "much"\n',
    "gc delay": '[plugins."io.containerd.gc.v1.scheduler"]\nschedule_delay = "soon"\n',
    "overlayfs of wrong type": '[plugins."io.containerd.snapshotter.v1.overlayfs"]\nroot_path = 7\n',
    "overlayfs where nothing can be": '[plugins."io.containerd.snapshotter.v1.overlayfs"]\nroot_path = "/proc/x/y"\n',
}  # fmt: skip
OF_CRI = {
    "default runtime": ".containerd|default_runtime_name = 'none'",
    "default runtime empty": ".containerd|default_runtime_name = ''",
    "snapshotter": ".containerd|snapshotter = 'none'",
    "runtime without type": ".containerd.runtimes.x|runtime_type = ''",
    "runtime spec": ".containerd.runtimes.runc|runtime_type = 'io.containerd.runc.v2'\n"
    "base_runtime_spec = '/none.json'",
    "runtime's snapshotter": ".containerd.runtimes.runc|runtime_type = 'io.containerd.runc.v2'\nsnapshotter = 'none'",
    "runtime's sandboxer": ".containerd.runtimes.runc|runtime_type = 'io.containerd.runc.v2'\nsandboxer = 'none'",
    "all devices": ".containerd.runtimes.runc|runtime_type = 'io.containerd.runc.v2'\n"
    "privileged_without_host_devices_all_devices_allowed = true",
    "untrusted runtime twice": ".containerd|untrusted_workload_runtime = {runtime_type = 'a'}\n"
    "runtimes = {runc = {runtime_type = 'io.containerd.runc.v2'}, untrusted = {runtime_type = 'b'}}",
    "downloads a string": "|max_concurrent_downloads = 'x'",
    "stream timeout": "|stream_idle_timeout = 'soon'",
    "stream port": "|stream_server_port = 'none'",
    "stream address": "|stream_server_address = '256.1.1.1'",
    "stream without certificate": "|enable_tls_streaming = true\n"
    "x509_key_pair_streaming = {tls_cert_file = '/none.crt', tls_key_file = '/none.key'}",
    "stream half a certificate": "|enable_tls_streaming = true\n"
    "x509_key_pair_streaming = {tls_cert_file = '/none.crt'}",
    "pull timeout": "|image_pull_progress_timeout = 'soon'",
    "drain timeout": "|drain_exec_sync_io_timeout = 'soon'",
    "systemd cgroup": "|systemd_cgroup = true",
    "unprivileged ports a string": "|enable_unprivileged_ports = 'yes'",
    "auths no URL": ".registry.auths.'http://%zz'|username = 'a'\npassword = 'b'",
    "cni a string": "|cni = 'calico'",
    "cni directories a string": ".cni|max_conf_num = 'x'",
    "headers a string": ".registry|headers = 'x'",
    "seccomp": "|unset_seccomp_profile = 5",
    "category range": "|selinux_category_range = 'x'",
}  # fmt: skip
IMPORTED = {
    "imported syntax": "x = \n",
    "imported newer version": "version = 3\n",
    "imported impossible version": "version = 9\n",
    "imported import missing": 'version = 2\nimports = ["none.toml"]\n',
    "imported runtime": "version = 2\n" + CRI.format(".containerd") + "default_runtime_name = 'none'\n",
    "imported log level": 'version = 2\n[debug]\nlevel = "bogus"\n',
    "imported mirrors": "version = 2\n" + CRI.format(".registry.mirrors.'a.lan'") + "endpoint = ['http://b.lan']\n",
    "imported snapshotter": "version = 2\n" + CRI.format(".containerd") + "snapshotter = 'none'\n",
}


def files(name: str) -> tuple[str, str | None]:
    """Return config.toml and the file that it imports, if any."""
    if name in OF_THE_SERVER:
        return f"version = 2\n{OF_THE_SERVER[name]}", None
    if name in IMPORTED:
        return f"version = 2\n{IMPORT}", IMPORTED[name]
    table, settings = OF_CRI[name].split("|")
    return f"version = 2\n{CRI.format(table)}{settings}\n", None


NAMES = (*OF_THE_SERVER, *OF_CRI, *IMPORTED)
