# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated configurations: a config.toml, what it imports, and links, with values that are used nowhere else."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V1, V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from reading.spelling import Speller

FOLDER = "/reading"
UNKNOWN = "no_such_setting"
HOSTS = ("docker.io", "quay.io", "*", "reg.lan:5000", "localhost", "REG.lan", "[fd77::1]:5000", "a b")
ODD_TEXTS = (
    "", " ", "ü", "镜像", "a\\b", 'a"b', "it's", "'''", "a\nb", "a\tb", "\u2028", "\x85", "\x0c", "\x1c", "\x7f", "=",
    "#", "[x]", "a = 'b'", "\ufeff", "\U0001f600", "\u00a0 ", "\nx = 'y'", '\n[plugins."x"]\n', "\x1b[0m", "\r\n",
)  # fmt: skip


@dataclass
class Case:
    """One configuration."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)  # by absolute path
    links: dict[str, str] = field(default_factory=dict)  # where each leads to

    @property
    def main(self) -> str:
        """The file that containerd is started with."""
        return f"{FOLDER}/{self.name}/config.toml"


def generate(seed: str, count: int, rel: Release) -> list[Case]:
    """Return cases for a release."""
    chance = random.Random(seed)
    return [_Maker(chance, rel, f"c{number}").case() for number in range(count)]


class _Maker:
    def __init__(self, chance: random.Random, rel: Release, name: str):
        self.chance, self.rel = chance, rel
        self.found = Case(name)
        self.folder = f"{FOLDER}/{name}"
        self.made = 0
        self.speller = Speller(chance, odd=0.1, dotted=0.1 if rel.config_path else 0.01)
        self.wild = 0.03 if chance.random() < 0.2 else 0.0  # the share of values of another type

    def case(self) -> Case:
        """Return the configuration."""
        usual = self.chance.choice([None, 2, 2, 2, 3, 3] if self.rel.newest_file > 2 else [None, 1, 2, 2, 2, 2])
        self._file(self.found.main, usual, depth=0)
        return self.found

    def _file(self, path: str, usual: int | None, depth: int) -> None:
        """Make a file, and what it imports."""
        if path in self.found.files:
            return
        self.found.files[path] = b""
        number = len(self.found.files)
        version = usual if self._rarely(0.9) else self.chance.choice([None, 0, 1, 2, 3, 3, 4, -1])
        data: dict[str, Any] = {} if version is None else {"version": version}
        if depth < 3 and self._rarely(0.4 if not depth else 0.2):
            data["imports"] = self._imports(path, version, depth)
        data.update(self._top_level())
        data["timeouts"] = {f"read.{number}.{path.rpartition('/')[2]}": f"{number}s"}
        if self._rarely(0.9):
            data["plugins"] = self._plugins(max(version or 1, 1))
        items = list(data.items())
        if self._rarely(0.2):
            self.chance.shuffle(items)
        speller = self.speller if not depth else Speller(self.chance, odd=0.04, dotted=self.speller.dotted)
        self.found.files[path] = speller.file(dict(items))

    def _imports(self, path: str, version: int | None, depth: int) -> list[str]:
        """Return entries of `imports`, and make the files that they name."""
        patterns = []
        for _number in range(self.chance.randrange(1, 4)):
            self.made += 1
            name = f"i{self.made}"
            spelled, real, more = self.chance.choice(
                [
                    (f"{self.folder}/{name}.toml", [f"{self.folder}/{name}.toml"], {}),
                    (f"{self.folder}/{name}.d/*.toml", [f"{self.folder}/{name}.d/{each}.toml" for each in "ba"], {}),
                    (f"{self.folder}/{name}.d/*", [f"{self.folder}/{name}.d/{each}" for each in ("x", ".y", "Z")], {}),
                    (f"{self.folder}/*/{name}.toml", [f"{self.folder}/{each}/{name}.toml" for each in "pq"], {}),
                    (f"{name}.toml", [f"{path.rpartition('/')[0]}/{name}.toml"], {}),
                    (f"./sub/../{name}.toml", [f"{path.rpartition('/')[0]}/{name}.toml"], {}),
                    (f"{name}.d/*.toml", [f"{path.rpartition('/')[0]}/{name}.d/a.toml"], {}),
                    (f"reading/{self.found.name}/{name}-*.toml", [f"{self.folder}/{name}-root.toml"], {}),
                    (f"{self.folder}//{name}.d//*.toml", [f"{self.folder}/{name}.d/a.toml"], {}),
                    (f"{self.folder}/{name}.d/[ab]?.toml", [f"{self.folder}/{name}.d/a1.toml"], {}),
                    (f"{self.folder}/{name}.d/[ab]*.toml",
                     [f"{self.folder}/{name}.d/{each}.toml" for each in ("a1", "c1")], {}),
                    (f"{self.folder}/{name}.d/?*.toml", [f"{self.folder}/{name}.d/a1.toml"], {}),
                    (f"{self.folder}/{name}.d/{{a,b}}*.toml", [f"{self.folder}/{name}.d/a1.toml"], {}),
                    (f"{self.folder}/{name}.d/*",
                     [f"{self.folder}/{name}.d/ä ö.toml", f"{self.folder}/{name}.d/'.toml"], {}),
                    (f"{self.folder}/{name}-link.toml", [f"{self.folder}/{name}.real"],
                     {f"{self.folder}/{name}-link.toml": f"{name}.real"}),
                    (f"{self.folder}/{name}.link/*.toml", [f"{self.folder}/{name}.dir/a.toml"],
                     {f"{self.folder}/{name}.link": f"{self.folder}/{name}.dir"}),
                    (f"{self.folder}/{name}.none/*.toml", [], {}),
                    (f"{self.folder}/{name}.missing.toml", [], {}),
                    (f"{self.folder}/config.toml", [], {}),
                    (path, [], {}),
                    ("", [], {}),
                ]
            )  # fmt: skip
            if spelled.endswith("missing.toml") and self._rarely(0.7):
                continue
            patterns.append(spelled)
            self.found.links.update(more)
            for each in real:
                self._file(each, version if self._rarely(0.7) else None, depth + 1)
        return patterns

    def _rarely(self, share: float) -> bool:
        return self.chance.random() < share

    def _text(self, prefix: str) -> str:
        """Return a text that is used once."""
        self.made += 1
        return f"{prefix}{self.made}" + (self.chance.choice(ODD_TEXTS) if self._rarely(0.08) else "")

    def _number(self) -> int:
        self.made += 1
        return 100 + self.made if self._rarely(0.8) else 5000 + self.made

    def _value(self, value: Any) -> Any:
        """Return a value, or one of another type."""
        if not self._rarely(self.wild):
            return value
        return self.chance.choice([1, True, 1.5, "x", "", ["x"], [], [1], {}, {"a": "b"}, [["x"]], "1"])

    def _some(self, **possible: Any) -> dict[str, Any]:
        """Return some of these settings, each made when it is chosen: `(share, make)`."""
        return {key: self._value(make()) for key, (share, make) in possible.items() if self._rarely(share)}

    def _top_level(self) -> dict[str, Any]:
        found = self._some(
            root=(0.15, lambda: self._text("/root")),
            state=(0.15, lambda: self._text("/state")),
            oom_score=(0.1, lambda: self.chance.choice([-999, 0, 500])),
            disabled_plugins=(0.15, self._names),
            required_plugins=(0.08, self._names),
            grpc=(0.25, lambda: self._some(
                address=(0.8, lambda: self._text("/run/grpc")), uid=(0.2, self._number),
                max_recv_message_size=(0.2, self._number), tcp_address=(0.2, lambda: self._text("127.0.0.1:")),
            )),
            debug=(0.15, lambda: self._some(
                address=(0.6, lambda: self._text("/run/debug")), level=(0.5, lambda: "info"),
            )),
            ttrpc=(0.1, lambda: self._some(address=(0.8, lambda: self._text("/run/ttrpc")))),
            metrics=(0.1, lambda: self._some(
                address=(0.8, lambda: self._text("127.0.0.1:")), grpc_histogram=(0.3, lambda: True),
            )),
            proxy_plugins=(0.12, lambda: {
                self.chance.choice(["stargz", "nydus"]): {"type": "snapshot", "address": self._text("/run/proxy")}
            }),
        )  # fmt: skip
        if self._rarely(0.05):
            found[UNKNOWN] = self._text("unknown")
        return found

    def _names(self) -> list[str]:
        names = ["cri", V2, V2, V3_IMAGES, "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.zfs",
                 "io.containerd.snapshotter.v1.btrfs", "zfs"]  # fmt: skip
        return self.chance.sample(names, self.chance.randrange(0, 3))

    def _plugins(self, version: int) -> dict[str, Any]:
        right = V1 if version == 1 else V2 if version == 2 else V3_IMAGES
        found = {right: self._images()} if self._rarely(0.8) else {}
        for name in (V1, V2, V3_IMAGES, V3_RUNTIME):
            if self._rarely(0.02 if name == V1 else 0.15):
                found[name] = self._images()
        if right == V3_IMAGES and self._rarely(0.3):
            found[V3_RUNTIME] = self._runtime()
        others = {
            "io.containerd.internal.v1.opt": {"path": self._text("/opt")},
            "io.containerd.monitor.v1.cgroups": {"no_prometheus": True},
            "io.containerd.server.v1.grpc": {"address": self._text("/run/server")},
            "io.containerd.gc.v1.scheduler": {"pause_threshold": 0.5, "startup_delay": "150ms"},
            "io.containerd.nothing.v1.x": {"address": self._text("nothing")},
            "opt": {"path": self._text("/opt")},
            "nothing": {"x": 1},
        }
        for name, table in others.items():
            if self._rarely(0.05 if "." in name else 0.015):
                found[name] = table
        return found

    def _images(self) -> dict[str, Any]:
        found = self._some(
            registry=(0.85, self._registry),
            sandbox_image=(0.25, lambda: self._text("reg.lan/pause:")),
            pinned_images=(0.12, lambda: {"sandbox": self._text("reg.lan/pinned:")}),
            max_concurrent_downloads=(0.12, self._number),
            use_local_image_pull=(0.08, lambda: True),
            discard_unpacked_layers=(0.04, lambda: True),
            stats_collect_period=(0.05, self._number),
            image_decryption=(0.04, lambda: {"key_model": self._text("node")}),
            snapshotter=(0.05, lambda: self._text("snap")),
            containerd=(0.15, lambda: self._some(
                snapshotter=(0.5, lambda: self._text("snap")),
                disable_snapshot_annotations=(0.3, lambda: self.chance.choice([True, False])),
                discard_unpacked_layers=(0.3, lambda: True),
                default_runtime_name=(0.3, lambda: self._text("runtime")),
            )),
        )  # fmt: skip
        found.update(self._runtime() if self._rarely(0.2) else {})
        if self._rarely(0.04):
            found[UNKNOWN] = self._text("unknown")
        return found

    def _runtime(self) -> dict[str, Any]:
        return self._some(
            enable_selinux=(0.2, lambda: True),
            stream_server_port=(0.2, lambda: str(self._number())),
            cni=(0.3, lambda: self._some(
                bin_dir=(0.5, lambda: self._text("/cni")), conf_dir=(0.5, lambda: self._text("/net"))
            )),
            containerd=(0.3, lambda: {"runtimes": {"runc": {
                "runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": True}
            }}}),
        )  # fmt: skip

    def _registry(self) -> dict[str, Any]:
        found = self._some(
            config_path=(0.55, lambda: self.chance.choice(["", self._text("/certs"), self._text("/a:/b")])),
            mirrors=(0.45, self._mirrors),
            configs=(0.35, self._configs),
            auths=(0.1, lambda: {f"https://{self._text('auth')}": self._auth()}),
            headers=(0.12, lambda: {self._text("X-H"): [self._text("v")]}),
        )
        if self._rarely(0.04):
            found[UNKNOWN] = self._text("unknown")
        return found

    def _mirrors(self) -> dict[str, Any]:
        hosts = self.chance.sample(HOSTS, self.chance.randrange(0, 3))
        return {
            host: self._some(
                endpoint=(0.9, lambda: [self._text("http://m") for dummy in range(self.chance.randrange(0, 3))])
            )
            for host in hosts
        }

    def _configs(self) -> dict[str, Any]:
        return {
            host: self._some(
                auth=(0.7, self._auth),
                tls=(0.3, lambda: self._some(
                    ca_file=(0.5, lambda: self._text("/ca")), insecure_skip_verify=(0.5, lambda: True),
                    cert_file=(0.2, lambda: ""),
                )),
            )
            for host in self.chance.sample(HOSTS, self.chance.randrange(0, 3))
        }  # fmt: skip

    def _auth(self) -> dict[str, Any]:
        return self._some(
            username=(0.8, lambda: self._text("user")), password=(0.8, lambda: self._text("pass")),
            auth=(0.1, lambda: self._text("")), identitytoken=(0.1, lambda: self._text("token")),
        )  # fmt: skip
