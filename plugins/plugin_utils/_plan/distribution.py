# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes whose containerd belongs to a distribution: hosts.toml files next to its own, and nothing else.

It writes config.toml by itself; where that names no directory of hosts.toml files, a file beside it does that it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import (
    distributions,
    namespaces,
    registries_yaml,
    releases,
)
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.distributions import Distribution
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release
from ansible_collections.airgap.containerd.plugins.plugin_utils._desired.desired import Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.observation import Observation
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.record import Written
from ansible_collections.airgap.containerd.plugins.plugin_utils._shape import place
from ansible_collections.airgap.containerd.plugins.plugin_utils._toml import diffs, writing


def leave(wanted: Desired, observed: Observation, prefix: str, ours: bool = False) -> tuple[Desired, list[str]]:
    """Return what is wanted without the registries that are left to the distribution, and these.

    `ours`: its registries.yaml is that of the role, so what it has made of that says what is wanted. Else raises
    Refusal where an upstream is the distribution's: our file would not stay. Where it has a file for a registry's own
    images, or for one that is left alone, that one stays: no mirror depends on it.
    """
    own = distributions.named(observed.manager)
    if not own:
        return wanted, []
    _check_release(observed, own)
    if ours:
        theirs = _files(observed, own)  # HOST:PORT has two directories, of which ours is looked for first
        left = [name for name in wanted.mirrors if f"{namespaces.directory(name)}/hosts.toml" in theirs]
        return wanted._replace(mirrors={name: each for name, each in wanted.mirrors.items() if name not in left}), left
    yielding = [name for name, mirror in wanted.mirrors.items() if not mirror.endpoints or mirror.is_own(name)]
    left = [name for name in yielding if name in _written(observed, own)]
    check(observed, [name for name in wanted.mirrors if name not in yielding], prefix)
    return wanted._replace(mirrors={name: each for name, each in wanted.mirrors.items() if name not in left}), left


def ours(observed: Observation, recorded: Mapping[str, Written]) -> dict[str, Written]:
    """Return what a record says of files that the distribution has not replaced since."""
    own = distributions.named(observed.manager)
    theirs = {f"{observed.hosts_dir}/{path}" for path in _files(observed, own)} if own else set()
    return {path: each for path, each in recorded.items() if path not in theirs}


def warning(observed: Observation, left: list[str]) -> list[str]:
    """Say where the images of registries come from that are left to the distribution."""
    own = distributions.named(observed.manager)
    return [f"images of {', '.join(left)} come from the mirrors in {own.registries}"] if own and left else []


def _check_release(observed: Observation, own: Distribution) -> None:
    """Refuse one that removes all files of others whenever it starts. Raises Refusal."""
    rel = releases.release(releases.parse(observed.version)) if observed.version else None
    if own.registries and rel and not rel.k3s_keeps_hosts:
        raise Refusal(
            f"{own.name} with containerd {rel} empties {observed.hosts_dir} whenever it starts, and pulls would go to "
            f"the internet then: upgrade it to a release of September 2024 or later, or write the mirrors in "
            f"{own.registries}. Nothing was changed"
        )


def check(observed: Observation, names: Collection[str], prefix: str) -> None:
    """Refuse hosts.toml files for registries that are the distribution's. Raises Refusal."""
    own = distributions.named(observed.manager)
    taken = {name: why for name, why in _taken(observed, own).items() if name in names} if own else {}
    if own and taken:
        names, why = ", ".join(sorted(taken)), next(iter(taken.values()))
        files, it = ("hosts.toml files", "them") if len(taken) > 1 else ("a hosts.toml", "it")
        raise Refusal(
            f"{own.name} has {files} of its own for {names} ({why}), and writes {it} again whenever it starts: remove "
            f"{names} from {own.registries} and restart {own.name}, or from {prefix}upstreams, {prefix}projects and "
            f"{prefix}mirrors. Nothing was changed"
        )


def _taken(observed: Observation, own: Distribution) -> dict[str, str]:
    """Return the registries that the distribution writes a hosts.toml for, each with how that is known."""
    named = registries_yaml.named(observed.registries, own.registries)
    found = dict.fromkeys(_written(observed, own), "written when it started last")
    return {**found, **dict.fromkeys(named, f"named in {own.registries}")}


def _written(observed: Observation, own: Distribution) -> list[str]:
    """Return the registries that have a hosts.toml of the distribution's now."""
    return [namespaces.namespace(path.partition("/")[0]) for path in _files(observed, own)]


def _files(observed: Observation, own: Distribution) -> list[str]:
    """Return the hosts.toml files that are the distribution's now, below the directory."""
    found = observed.hosts.files
    return [path for path, file in found.items() if path[0] != "/" and (file.content or b"").startswith(own.first_line)]


def drop_in(observed: Observation, rel: Release, recorded: Container[str]) -> dict[str, str]:
    """Return the file that names our directory, where the distribution's own config.toml does not: `{path: text}`.

    Raises Refusal where the distribution would not read it.
    """
    own = distributions.named(observed.manager)
    if not own or not own.drop_in:
        return {}
    spelled = str(observed.hosts_dir)
    reads = observed.effective.config_path
    if reads and place(reads) == observed.hosts_dir and own.drop_in not in recorded:
        return {}
    text = own.managed if observed.config.text is None else observed.config.text
    first = text.partition("\n")[0].rstrip()
    if first != own.managed:
        raise Refusal(
            f"{observed.config.path} does not begin with {own.managed!r}, so {own.title} ignores additional files: set "
            f"config_path = {spelled!r} in its registry table, or remove it and restart {own.title}, which recreates "
            f"it. Nothing was changed"
        )
    plugin = releases.images_plugin(rel, rel.new_file)
    return {
        own.drop_in: f"# Written by the Ansible collection airgap.containerd: change its variables, not this file.\n"
        f"version = {rel.new_file}\n\n[plugins.{writing.render(plugin, ())}.registry]\n"
        f"config_path = {writing.render(spelled, ())}\n"
    }


def check_config(observed: Observation, text: str | None, drops_in: bool = False) -> None:
    """Refuse a change of a config.toml that the distribution writes. Raises Refusal.

    With `drops_in` another file names the directory.
    """
    own, now = distributions.named(observed.manager), observed.config.text
    if not own or text == now:
        return
    if now is None:
        raise Refusal(
            f"{observed.config.path} does not exist yet: start {own.title} once to create it. Nothing was changed"
        )
    keys = [".".join(each["path"]) for each in diffs.changes(now, text)]
    keys = [
        each for each in keys if not (drops_in and each.endswith((".registry", ".registry.config_path", "version")))
    ]
    if not keys:
        return
    login = any("configs" in each.split(".") for each in keys)
    where = f" in {own.registries}" if own.registries else f" with the settings of {own.title}"
    way_out = (
        f"set these credentials{where}, or set auth_method to header if the registry accepts one"
        if login
        else f"upgrade {own.title} to a release whose config.toml names certs.d as config_path, or write the "
        f"mirrors{where}"
    )
    raise Refusal(
        f"{own.title} rewrites {observed.config.path} at every start, so this role does not change it, but it would "
        f"have to contain {keys[0]}: {way_out}. Nothing was changed"
    )
