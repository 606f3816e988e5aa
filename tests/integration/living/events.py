# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a node between two runs of the role; each event keeps the books of what is somebody else's."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airgap_lab import Lab, LabError

from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import edit
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml.load import load

CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
V2 = "io.containerd.grpc.v1.cri"
V3_IMAGES, V3_RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"
SUITES = ("bullseye", "bookworm", "trixie", "sid")
FOREIGN = ("priv1.example.org", "priv2.example.org", "priv3.example.org")
PLAIN_KEY = re.compile(r"^\s*\w+ = (?:true|false|\d+)$")

Path = tuple[str, ...]


@dataclass
class Mortal:
    """A node with what is on it that is not the role's: comments and keys of config.toml, and whole files."""

    lab: Lab
    name: str
    chance: random.Random
    suite: str
    comments: set[str] = field(default_factory=set)
    keys: dict[Path, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    text: str = ""  # config.toml before the role ran
    left: set[str] = field(default_factory=set)  # files that the role said to leave because others had edited them
    unsettled: bool = False  # whether its containerd may have ended since, by no doing of the role
    counted: int = 0

    def shell(self, command: str) -> str:
        """Run a command that may fail."""
        return self.lab.run(self.name, ["sh", "-c", command]).stdout

    def config(self) -> str:
        """config.toml, empty if there is none."""
        return self.shell(f"cat {CONFIG} 2>/dev/null")

    def number(self) -> int:
        """A number that was not there before."""
        self.counted += 1
        return self.counted

    def plugins(self, text: str) -> tuple[str, str]:
        """The tables for images and for runtimes in this file."""
        return (V3_IMAGES, V3_RUNTIME) if load(text).get("version") == 3 else (V2, V2)


def comment(node: Mortal) -> str:
    """An operator writes comments, in lines of their own and behind a key."""
    lines = node.config().split("\n")
    mark = f"# keep-{node.number()}"
    place = node.chance.randrange(len(lines))
    if node.chance.random() < 0.4 and PLAIN_KEY.match(lines[place]):
        lines[place] += f"   {mark}"
    else:
        lines.insert(place, mark)
    text = "\n".join(lines)
    load(text)
    node.lab.write(node.name, CONFIG, text)
    node.comments.add(mark)
    return f"comment {mark}"


def key(node: Mortal) -> str:
    """Another tool sets a key in place, and restarts containerd or leaves that to others."""
    text = node.config()
    images, runtime = node.plugins(text)
    path, value = node.chance.choice(
        [
            (("oom_score",), -node.chance.randrange(999)),
            (("debug", "level"), node.chance.choice(["info", "warn"])),
            (("metrics", "grpc_histogram"), node.chance.random() < 0.5),
            (("timeouts", "io.containerd.timeout.shim.load"), f"{node.chance.randrange(5, 9)}s"),
            (("plugins", images, "max_concurrent_downloads"), node.chance.randrange(2, 9)),
            (("plugins", runtime, "containerd", "runtimes", "nvidia", "runtime_type"), "io.containerd.runc.v2"),
        ]
    )
    change: Any = value
    for part in reversed(path):
        change = {part: change}
    node.lab.write(node.name, CONFIG, edit.edit(text, change, []))
    node.keys[path] = value
    return f"key {'.'.join(path)} = {value!r}" + restart_perhaps(node)


def rewrite(node: Mortal) -> str:
    """A tool such as nvidia-ctk rewrites the whole file: the settings stay, comments do not."""
    node.lab.write(node.name, CONFIG, edit.edit("", load(node.config()), []))
    node.comments.clear()
    return "config.toml written anew" + restart_perhaps(node)


def lose_registry(node: Mortal) -> str | None:
    """Somebody removes the registry settings from config.toml."""
    text = node.config()
    images = node.plugins(text)[0]
    if "registry" not in load(text).get("plugins", {}).get(images, {}):
        return None
    kept = edit.edit(text, {}, [["plugins", images, "registry"]])
    node.comments = {each for each in node.comments if each in kept}
    node.lab.write(node.name, CONFIG, kept)
    return "registry table removed" + restart_perhaps(node)


def foreign_hosts(node: Mortal) -> str:
    """Somebody gives a private registry a mirror of its own."""
    account = f"{node.lab.config.username}:{node.lab.config.password}"
    header = base64.b64encode(account.encode()).decode()
    path = f"{CERTS}/{node.chance.choice(FOREIGN)}/hosts.toml"
    text = f'server = "http://second.lan"  # {node.number()}\n[host."http://second.lan"]\n'
    text += f'  capabilities = ["pull", "resolve"]\n  header = {{Authorization = "Basic {header}"}}\n'
    node.lab.write(node.name, path, text, "0600")
    node.files[path] = text
    return f"{path} of somebody else"


def lose_hosts(node: Mortal) -> str | None:
    """Somebody removes a hosts.toml, or writes into one."""
    found = [each for each in node.shell(f"ls {CERTS}/*/hosts.toml 2>/dev/null").split() if each not in node.files]
    if not found:
        return None
    path = node.chance.choice(found)
    ways = ("rm {}", "rm -r $(dirname {})", "echo '# by hand' >> {}", ": > {}")
    command = node.chance.choice(ways).format(path)
    node.shell(command)
    return command


def lose_all_hosts(node: Mortal) -> str:
    """Somebody removes all of certs.d."""
    node.shell(f"rm -rf {CERTS}")
    node.files = {path: text for path, text in node.files.items() if not path.startswith(CERTS)}
    return "certs.d removed"


def lose_config(node: Mortal) -> str:
    """Somebody removes config.toml."""
    node.shell(f"rm -f {CONFIG}")
    node.comments.clear()
    node.keys.clear()
    return "config.toml removed" + restart_perhaps(node)


def spell(node: Mortal) -> str | None:
    """Somebody writes the same directory in another way."""
    text = node.config()
    images = node.plugins(text)[0]
    registry = load(text).get("plugins", {}).get(images, {}).get("registry", {})
    if not registry.get("config_path"):
        return None
    written = node.chance.choice([f"{CERTS}/", f"{CERTS}//", "/etc/containerd/./certs.d"])
    change = {"plugins": {images: {"registry": {"config_path": written}}}}
    node.lab.write(node.name, CONFIG, edit.edit(text, change, []))
    return f"config_path is {written}" + restart_perhaps(node)


def legacy_mirror(node: Mortal) -> str:
    """A script of old gives a registry a mirror in config.toml; with config_path, CRI is not loaded any more."""
    text = node.config()
    mirrors = {"legacy.example.org": {"endpoint": ["http://second.lan"]}}
    change = {"plugins": {node.plugins(text)[0]: {"registry": {"mirrors": mirrors}}}}
    node.lab.write(node.name, CONFIG, edit.edit(text, change, []))
    return "a legacy mirror" + restart_perhaps(node)


def drop_in(node: Mortal) -> str | None:
    """A tool adds its own file and imports it; up to 1.7 that may hide other tables."""
    text = node.config()
    if load(text).get("version") != 2:
        return None
    name = node.chance.choice(["debug", "runtime"])
    path = f"/etc/containerd/conf.d/50-{name}.toml"
    runtime = f'[plugins."{V2}".containerd.runtimes.other]\nruntime_type = "io.containerd.runc.v2"\n'
    content = f"version = 2  # {node.number()}\n" + ('[debug]\nlevel = "info"\n' if name == "debug" else runtime)
    node.lab.write(node.name, path, content)
    node.files[path] = content
    imports = ["/etc/containerd/conf.d/*.toml"]
    node.lab.write(node.name, CONFIG, edit.edit(text, {"imports": imports}, []))
    node.keys["imports",] = imports
    return f"{path}, imported" + restart_perhaps(node)


def lose_drop_ins(node: Mortal) -> str:
    """That tool is uninstalled, and leaves the import behind."""
    node.shell("rm -rf /etc/containerd/conf.d")
    node.files = {path: text for path, text in node.files.items() if path.startswith(CERTS)}
    return "conf.d removed" + restart_perhaps(node)


def stop(node: Mortal) -> str:
    """Somebody stops containerd."""
    node.shell("systemctl stop containerd")
    node.unsettled = True
    return "stop"


def restart(node: Mortal) -> str:
    """Somebody restarts containerd."""
    node.shell("systemctl reset-failed containerd; systemctl restart containerd")
    return "restart"


def kill(node: Mortal) -> str:
    """containerd is killed; systemd starts it again after some seconds."""
    node.shell("systemctl reset-failed containerd; systemctl kill --signal=KILL containerd")
    node.unsettled = True
    return "kill -9"


def swap(node: Mortal) -> str | None:
    """containerd is upgraded or downgraded; to nothing that does not read the file."""
    choices = [each for each in SUITES if each != node.suite]
    if load(node.config()).get("version") == 3:
        choices = [each for each in choices if each == "sid"]
    if not choices:
        return None
    suite, before = node.chance.choice(choices), node.suite
    node.unsettled = True
    try:
        node.lab.swap(node.name, suite)
    except LabError as error:
        node.lab.swap(node.name, before)
        return f"swap to {suite} and back to {before}: {error}"
    node.suite = suite
    return f"swap to {suite}"


def restart_perhaps(node: Mortal) -> str:
    """Restart containerd, or do not."""
    return ", " + restart(node) if node.chance.random() < 0.5 else ""


EVENTS: tuple[tuple[Callable[[Mortal], str | None], int], ...] = (
    (comment, 4), (key, 5), (rewrite, 2), (lose_registry, 2), (foreign_hosts, 3), (lose_hosts, 4),
    (lose_all_hosts, 1), (restart, 2), (kill, 1), (swap, 2), (lose_config, 1), (spell, 2), (legacy_mirror, 2),
    (drop_in, 2), (lose_drop_ins, 1), (stop, 1),
)  # fmt: skip
"""Each event with how often it comes."""


def happen(node: Mortal) -> list[str]:
    """Let up to three things happen to a node; return what they were."""
    weights = [weight for dummy, weight in EVENTS]
    chosen = node.chance.choices([event for event, dummy in EVENTS], weights, k=node.chance.choice([0, 1, 1, 2, 3]))
    return [said for said in (event(node) for event in chosen) if said]
