# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each containerd release can do, as data. Nothing else in the collection mentions a version number, but for
``moves``, which holds where settings are in each version of config.toml.

Sources are containerd's own tree: ``config.go`` of the CRI plugin (tables, validation), ``hosts.go`` (hosts.toml),
``services/server/config`` and ``cmd/containerd/server/config`` (file versions, imports), walked tag by tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.moves import V1, V2, V3_IMAGES, V3_RUNTIME
from ansible_collections.airgap.containerd.plugins.plugin_utils._errors import Refusal

Version = tuple[int, int, int]


class PreRelease(tuple[int, int, int]):
    """A pre-release, such as 2.4.0-beta.0: like the release except for what still changed."""

    suffix: str  # "-beta.0"

    def __new__(cls, version: Version, suffix: str) -> PreRelease:
        """Make one; compared with numbers it is what it becomes, see `_before`."""
        made = super().__new__(cls, version)
        made.suffix = suffix
        return made


class EngineVersion(tuple[int, int, int]):
    """A version of Docker Engine, which has containerd's library in it."""


OLDEST: Version = (1, 4, 0)
OLDEST_ENGINE: Version = (28, 0, 0)
"""The first Docker Engine that reads hosts.toml files (daemon/hosts.go of moby)."""

# Debian writes ~ before what is older, and puts ~ds before what it left out. The others: 2.4.0-beta.1, 2.0.0-rc.3, …
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-~](alpha|beta|rc|pre|dev)((?:\.?\d+)*)\b)?", re.A)
_PROJECT = re.compile(r"v?\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?", re.A)
_REVISION = re.compile(r"[0-9a-f]{7,64}(\.m|-dirty)?")


LANDMARKS: tuple[Version, ...] = (
    OLDEST, (1, 5, 0), (1, 6, 0), (1, 6, 17), (2, 0, 0), (2, 0, 7), (2, 1, 0), (2, 2, 0), (2, 2, 2),
)  # fmt: skip
"""Releases that differ in which settings of registries they support."""

KNOWN_HOLE = "CVE-2026-53495"
"""What `security_update` fixes, with #12889: credentials are sent to the addresses that a manifest names."""

MIRRORS_GO = ("2.7", "September 2027")
"""When `mirrors`, `configs` and `auths` leave config.toml, by the plans of containerd's project (#14175 to #14177)."""

END_OF_LIFE = {
    (1, 4): "2022-03-03",
    (1, 5): "2023-02-28",
    (1, 6): "2025-08-23",
    (1, 7): "2026-09-30",
    (2, 0): "2027-03-31",
    (2, 1): "2026-07-03",
    (2, 2): "2026-11-06",
    (2, 3): "2028-04-30",
    (2, 4): "",
}
"""Of every line of releases that is known, by RELEASES.md of containerd; "" where it is not settled yet.

1.7 and 2.0 were prolonged for what Google's Kubernetes needs alone.
"""

_SECURITY_UPDATE: tuple[Version, ...] = ((1, 7, 35), (2, 0, 12), (2, 2, 8), (2, 3, 5))
"""The first release of each line with the repairs of KNOWN_HOLE; lines without one were out of support before."""

CRI_PLUGINS = frozenset({V1, V2, V3_IMAGES, V3_RUNTIME})
"""Every name under which `disabled_plugins` may switch CRI off."""


class ReleaseError(Refusal):
    """This containerd, or this file on this containerd, cannot do what is requested; the message says what to do."""


class Release(NamedTuple):
    """The abilities of one containerd release that matter for registries."""

    version: Version
    config_path: bool  # registry.config_path and hosts.toml: 1.5.0 on
    override_path: bool  # override_path in hosts.toml: 1.6.0 on
    catch_all: bool  # the directory _default: 1.6.17 on, 1.7.0 on
    header_reaches_token_service: bool  # a host's header is sent to its token service too: 2.1.0 on
    dial_timeout: bool  # dial_timeout in hosts.toml: 2.0.7 on
    dial_timeout_is_tls: bool  # it makes HTTPS be tried first, as TLS options of an http:// endpoint do: 2.0.7-2.0.x
    referrers: bool  # the capability `referrers`; before 2.2.0 a hosts.toml that names it is discarded
    host_table_required: bool  # a hosts.toml without a `host` table is discarded: up to 1.7.31
    hosts_by_header: bool  # only hosts with a table header of their own are seen, in the headers' order: 2.0 on
    dotted_skip_verify_fatal: bool  # its skip_verify by a dotted key, after another option, ends containerd: 2.2, 2.3
    hosts_log_path: bool  # the log gives the path of a hosts.toml that cannot be decoded: 2.0 on
    http_with_tls: str  # http:// with TLS options is "http", or "https", "https-port", "https-not-80": HTTPS first
    localhost: str  # a loopback registry nobody configured: "https", "http" (1.6.9 on), "by-port" (1.6.25, 1.7.8 on)
    loopback_names: bool  # legacy mode: 127.0.0.0/8 counts as loopback, not only 127.0.0.1: 1.6.0 on
    ipv6_names: bool  # image names may hold an IPv6 address: 1.7.0 on
    uppercase_hosts: bool  # a first part with capitals is a host, the path alone has a length limit: 1.7.19 on
    transfer_service: bool  # CRI pulls through the transfer service, which reads no list of roots: 2.1.0 on
    blobs_after_404: bool  # a digest is asked for at /blobs/ only where all said 404: 2.0.11, 2.2.6 on, 2.3.0 on
    get_after_403: bool  # a HEAD that is answered with 403 is followed by a GET, for its words: 2.3.3 on
    retries_last: bool  # the last host is tried again after 500, 503 and 504: 2.1.0 on
    retries_transport: bool  # and after transport errors, up to 5 times: 2.3.2 on
    silent_seconds: int  # a host that takes the request and does not answer is given up after so long; 0: never
    lesser_platforms: bool  # amd64 takes what is for 386, arm64 what is for arm, if CRI pulls by itself: 1.5.0 on
    amd64_v1: bool  # amd64/v1 is amd64: 1.6.0 on
    default_roots: str  # `config_path` where no file sets one: "", "baked-in" (2.2.0, 2.2.1), "no-mirrors" (2.2.2 on)
    implicit_docker_mirror: bool  # a built-in mirrors."docker.io" hides mirrors."*": 1.4
    tls_tables_block_config_path: bool  # configs.*.tls together with config_path keeps CRI from loading: up to 1.7
    tls_tables: bool  # configs.*.tls is known at all: up to 1.7
    mirrors_impossible: bool  # a config_path that no file sets keeps mirrors from loading: 2.2.0, 2.2.1
    imports_replace_tables: bool  # an imported file replaces whole plugin tables: up to 1.7
    imports_keep_version: bool  # an imported file is migrated by itself, so that versions mix: 2.3.0 on
    newer_import_fatal: (
        bool  # an imported file of a newer version than the main one's is refused: 2.3.0 to 2.3.4, betas of 2.4.0
    )
    missing_import_fatal: (
        bool  # an imported file that is not there keeps the daemon from starting: 1.5.0 on; before, it ends the reading
    )
    relative_glob_from_root: bool  # a relative import with * is taken from the working directory (a unit's is /)
    migrates_unversioned: bool  # a file without a version is migrated wholly, not just renamed: 2.3.0 on
    cni_bin_dirs: bool  # cni.bin_dir became the list cni.bin_dirs: 2.1.0 on
    k3s_keeps_hosts: bool  # k3s and RKE2 with it keep hosts.toml files of others at their start (k3s #10823): 1.7.21 on
    prints_runtime_options: bool  # runtimes.*.options appear in its own output: 1.5.0 on
    newest_file: int  # newest config.toml version it reads
    newer_file_fatal: bool  # a newer one is refused (True) or read as version 2 (False)
    newer_file_checked: bool  # short plugin names keep it from starting in a newer one too: 1.5.0 on
    new_file: int  # version to give a file that does not exist yet
    end_of_life: str  # the day, or the last one of the month, that containerd's project names; "": it names none yet
    security_update: str  # the release of this line with the repairs of KNOWN_HOLE, if this one lacks them
    engine: Version | None = None  # Docker Engine's, where this is its own

    def __str__(self) -> str:
        return f"of {self.name}" if self.engine else self.name

    @property
    def name(self) -> str:
        """What it is called alone, without "containerd" before it."""
        return f"Docker {dotted(self.engine)}" if self.engine else dotted(self.version)


def dotted(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version)) + (version.suffix if isinstance(version, PreRelease) else "")


def parse(text: str) -> Version:
    """Return the version in what `containerd --version` prints, or in a bare `1.7.24`; raises ReleaseError.

    The line is `containerd PACKAGE VERSION REVISION`; VERSION may lack the `v` and carry a distribution's suffix. That
    of Docker Engine is `Docker version VERSION`, or `Docker VERSION` as people say it.
    """
    words = text.split()
    word = words[2] if len(words) > 2 else words[1] if words[:1] == ["Docker"] and len(words) > 1 else text.strip()
    match = _VERSION.match(word)
    if not match:
        raise ReleaseError(f"{text.strip()!r} is not a containerd version such as 1.7.24")
    major, minor, patch = map(int, match.groups()[:3])
    if words[0] == "Docker":
        return EngineVersion((major, minor, patch))
    if match[4]:
        return PreRelease((major, minor, patch), f"-{match[4]}{match[5]}")
    return major, minor, patch


def is_package(text: str) -> bool:
    """Whether what `containerd --version` prints is of a distribution's package, which has repairs of its own.

    Those of containerd's project and of Docker name the revision that they were built from, and nothing else.
    """
    words = text.split()
    return len(words) < 4 or not (_PROJECT.fullmatch(words[2]) and _REVISION.fullmatch(words[3]))


def release(version: Version) -> Release:
    """Return the abilities of a release; raises ReleaseError for one older than 1.4, and for Docker before 28."""
    if isinstance(version, EngineVersion):
        return _of_docker(version)
    if version < OLDEST:
        raise ReleaseError(f"containerd {dotted(version)} is older than 1.4, the oldest supported release")
    two = version >= (2, 0, 0)
    fatal = two or version >= (1, 7, 17) or (1, 6, 32) <= version < (1, 7, 0)
    return Release(
        version=version,
        config_path=version >= (1, 5, 0),
        override_path=version >= (1, 6, 0),
        catch_all=version >= (1, 6, 17),
        header_reaches_token_service=version >= (2, 1, 0),
        dial_timeout=version >= (2, 0, 7),
        dial_timeout_is_tls=(2, 0, 7) <= version < (2, 1, 0),
        referrers=version >= (2, 2, 0),
        host_table_required=version < (1, 7, 32),
        hosts_by_header=two,
        # By go-toml's source up to 2.3.0, so in 2.0 and 2.1 too, where Debian's build with another go-toml does not.
        dotted_skip_verify_fatal=(2, 2, 0) <= version < (2, 4, 0),
        hosts_log_path=two,
        http_with_tls=_http_with_tls(version),
        localhost="by-port" if _localhost_by_port(version) else "http" if version >= (1, 6, 9) else "https",
        loopback_names=version >= (1, 6, 0),
        ipv6_names=version >= (1, 7, 0),
        uppercase_hosts=version >= (1, 7, 19),
        transfer_service=version >= (2, 1, 0),
        blobs_after_404=version >= (2, 2, 6) or (2, 0, 11) <= version < (2, 1, 0),
        get_after_403=version >= (2, 3, 3),
        retries_last=version >= (2, 1, 0),
        retries_transport=version >= (2, 3, 2),
        silent_seconds=30 if version >= (2, 3, 0) else 0,
        lesser_platforms=version >= (1, 5, 0),
        amd64_v1=version >= (1, 6, 0),
        default_roots="" if version < (2, 2, 0) else "baked-in" if version < (2, 2, 2) else "no-mirrors",
        implicit_docker_mirror=version < (1, 5, 0),
        tls_tables_block_config_path=not two,
        tls_tables=not two,
        mirrors_impossible=(2, 2, 0) <= version < (2, 2, 2),
        imports_replace_tables=not two,
        imports_keep_version=version >= (2, 3, 0),
        newer_import_fatal=version >= (2, 3, 0) and (_before(version, (2, 3, 5)) or _is_pre(version, (2, 4, 0))),
        missing_import_fatal=version >= (1, 5, 0),
        relative_glob_from_root=version < (1, 6, 29) or (1, 7, 0) <= version < (1, 7, 16),
        migrates_unversioned=version >= (2, 3, 0),
        cni_bin_dirs=version >= (2, 1, 0),
        k3s_keeps_hosts=version >= (1, 7, 21),
        prints_runtime_options=version >= (1, 5, 0),
        newest_file=4 if version >= (2, 3, 0) else 3 if two else 2,
        newer_file_fatal=fatal,
        newer_file_checked=version >= (1, 5, 0),
        new_file=3 if two else 2,
        end_of_life=END_OF_LIFE.get(version[:2], ""),
        security_update=next((dotted(each) for each in _SECURITY_UPDATE if _lacks(version, each)), ""),
    )


def _of_docker(version: EngineVersion) -> Release:
    """Return the abilities of the containerd that is in a Docker Engine: it has the library of 1.7 up to 28, then 2.

    A header that hosts.toml gives does not reach its token service, and it pulls by itself.
    """
    if version < OLDEST_ENGINE:
        raise ReleaseError(f"Docker {dotted(version)} does not read hosts.toml files; Docker 28 and later do")
    library = release((1, 7, 28) if version < (29, 0, 0) else (2, 1, 0))
    return library._replace(
        engine=version, header_reaches_token_service=False, transfer_service=False, end_of_life="", security_update=""
    )


def first(has: Callable[[Release], bool]) -> Version:
    """Return the first of LANDMARKS of which something is true."""
    return next(version for version in LANDMARKS if has(release(version)))


def _is_pre(version: Version, release: Version) -> bool:
    return isinstance(version, PreRelease) and version == release


def _before(version: Version, release: Version) -> bool:
    """Whether a version comes before a release, as its own pre-releases do."""
    return version < release or _is_pre(version, release)


def _lacks(version: Version, update: Version) -> bool:
    return version[:2] == update[:2] and _before(version, update)


def _localhost_by_port(version: Version) -> bool:
    return version >= (1, 7, 8) or (1, 6, 25) <= version < (1, 7, 0)


def _http_with_tls(version: Version) -> str:
    """Return what an http:// endpoint with `ca`, `client` or `skip_verify` is asked by (`NewHTTPFallback`)."""
    if version >= (1, 7, 24):
        return "https-not-80"
    if _localhost_by_port(version):
        return "https-port"
    return "https" if version == (1, 7, 7) else "http"


def file_version(data: dict[str, Any]) -> int:
    """Return the `version` of a parsed config.toml; 1 where it has none (containerd reads it so)."""
    found = data.get("version", 1)
    if isinstance(found, bool) or not isinstance(found, int):
        raise ReleaseError(f"version = {found!r} in config.toml is not an integer: containerd does not start with it")
    if found < 0:
        raise ReleaseError(f"version = {found} in config.toml is not a valid version: write 2")
    return max(found, 1)


def _plugins(rel: Release, version: int) -> tuple[str, str]:
    """Return the names of the plugins that hold registry (images) and runtime settings in such a file."""
    if version > rel.newest_file and rel.newer_file_fatal:
        raise ReleaseError(
            f"config.toml is of version {version}, and containerd {rel} reads at most version {rel.newest_file}: "
            f"it does not start with this file"
        )
    if rel.newest_file == 2:
        return (V1, V1) if version < 2 else (V2, V2)
    if version == 2:
        return V2, V2
    return V3_IMAGES, V3_RUNTIME


def images_plugin(rel: Release, version: int) -> str:
    """Return the plugin whose `registry` table this containerd reads from a file of this version.

    From 2.0 on a file without a version loses `plugins.cri.registry`, and only the name of version 3 survives.
    """
    return _plugins(rel, version)[0]
