# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registries: docker-registry from Debian, alone or behind a simulated registry, and one that fails; their logs."""

from __future__ import annotations

import ctypes
import json
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airgap_lab import harbor, insisting, network
from airgap_lab.config import PROJECT, Config, LabError, Registry, namespace
from airgap_lab.prepare import Prepared

# Where the registry behind a simulated one listens, in its own namespace.
BACKEND = ("127.0.0.1", 5001)
STAND_INS = ("harbor", "insisting")
START_SECONDS = 15.0
# docker-registry logs a request just after answering it.
LOG_DELAY_SECONDS = 0.1

Entry = dict[str, Any]


def create(config: Config, registry: Registry, prepared: Prepared) -> None:
    """Start the registry in a namespace of its own and return when it answers."""
    network.create(namespace(registry.name), config.addresses(registry.address))
    _folder(config, registry).mkdir(parents=True)
    program = [str(prepared.tools / "usr/bin/docker-registry"), "serve"]
    storage = prepared.storage.get(registry.name)
    starts = {"distribution": _start_distribution, "failing": _start_failing}
    starts.get(registry.kind, _start_stand_in)(config, registry, program, storage)
    deadline = time.monotonic() + START_SECONDS
    while not healthy(registry):
        if time.monotonic() > deadline:
            raise LabError(f"{registry.name} did not start; its logs are in {_folder(config, registry)}.")
        time.sleep(0.05)


def _start_distribution(config: Config, registry: Registry, program: list[str], storage: Path) -> None:
    folder = _folder(config, registry)
    set_password(config, config.password)
    auth = {"auth": {"htpasswd": {"realm": registry.name, "path": str(folder / "htpasswd")}}}
    for port in registry.ports:
        content = {**_settings(storage, f":{port}"), **auth}
        if port in registry.tls_ports:
            content["http"]["tls"] = _tls(config, registry, port)
        _start(registry, [*program, _write_json(folder / f"{port}.json", content)], folder / f"{port}.log")


def _start_stand_in(config: Config, registry: Registry, program: list[str], storage: Path) -> None:
    """A docker-registry on loopback and, in front of it, the simulated Harbor or Bearer-token registry."""
    folder = _folder(config, registry)
    settings = _write_json(folder / "backend.json", _settings(storage, "{}:{}".format(*BACKEND)))
    _start(registry, [*program, settings], folder / "backend.log")
    for port in registry.ports:
        (folder / f"{port}.log").touch()
        make = _harbor_settings if registry.kind == "harbor" else _insisting_settings
        settings = _write_json(folder / f"{port}.json", make(config, registry, port))
        _start(registry, [sys.executable, "-m", f"airgap_lab.{registry.kind}", settings], folder / f"{port}.err")


def _start_failing(config: Config, registry: Registry, program: list[str], storage: Path | None) -> None:
    for port in registry.ports:
        log = _folder(config, registry) / f"{port}.log"
        log.touch()
        command = [sys.executable, "-m", "airgap_lab.failing", registry.address, str(port), str(log)]
        _start(registry, command, log.with_suffix(".err"))


def destroy(config: Config, registry: Registry) -> None:
    """Stop the registry and forget its logs."""
    network.destroy(namespace(registry.name))
    shutil.rmtree(_folder(config, registry), ignore_errors=True)


def healthy(registry: Registry) -> bool:
    """Whether everything that makes up the registry accepts connections."""
    if not network.exists(namespace(registry.name)):
        return False
    if registry.kind in STAND_INS and not network.inside(namespace(registry.name), _backend_listens):
        return False
    return all(network.reachable(registry.address, port) for port in registry.ports)


def set_external(config: Config, url: str | None) -> None:
    """Make simulated registries send clients to a token service at ``url``, as Harbor does with its external_url."""
    for registry in _stand_ins(config):
        (_folder(config, registry) / "external").write_text(url or "")


def set_upstreams_away(config: Config, away: bool) -> None:
    """Make what Harbor is a proxy cache of unreachable from its next request on, or reachable again."""
    _mark(config, "upstreams_away", away)


def set_newer(config: Config, newer: bool) -> None:
    """Make Harbor answer as 2.14 and later, whose token service is at the host of the request, or like earlier ones."""
    _mark(config, "newer", newer)


def _mark(config: Config, name: str, wanted: bool) -> None:
    """Create a file with this name where the simulated registries look before each answer, or remove it."""
    for registry in _stand_ins(config):
        mark = _folder(config, registry) / name
        if wanted:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)


def _stand_ins(config: Config) -> Iterator[Registry]:
    for registry in config.registries.values():
        if registry.kind in STAND_INS:
            if not network.exists(namespace(registry.name)):
                raise LabError("The lab is not up.")
            yield registry


def set_password(config: Config, password: str) -> None:
    """Make docker-registry accept this password only, from its next request on: it reads a file that has changed."""
    for registry in config.registries.values():
        folder = _folder(config, registry)
        if registry.kind == "distribution" and folder.exists():
            (folder / "htpasswd").write_text(f"{config.username}:{_bcrypt(password)}\n")


def mark(config: Config) -> str:
    """The present end of the request logs, for ``requests``: their lengths in bytes, in the order of the data file."""
    time.sleep(LOG_DELAY_SECONDS)
    return ":".join(str(path.stat().st_size) for _, _, path in _logs(config))


def requests(config: Config, since: str | None = None) -> list[Entry]:
    """Requests that the registries have answered, oldest first; those after ``since`` if a ``mark`` is given.

    Each has time (ISO 8601, UTC), registry, port, client (address), node (name or None), method, path (with query),
    user (None unless authenticated), auth ("basic", "bearer" or None) and status.
    """
    time.sleep(LOG_DELAY_SECONDS)
    logs = list(_logs(config))
    offsets = [int(part) for part in since.split(":")] if since else [0] * len(logs)
    if len(offsets) != len(logs):
        raise LabError(f"{since!r} is not a mark of this lab.")
    nodes = {node.address: node.name for node in config.machines.values()}
    nodes |= {f"[{config.address6(node.address)}]": node.name for node in config.machines.values()}
    entries = []
    for (registry, port, path), offset in zip(logs, offsets, strict=True):
        with path.open("rb") as log:
            log.seek(offset)
            lines = [json.loads(line) for line in log if line.startswith(b"{")]
        parse = _distribution_entries if registry.kind == "distribution" else _stand_in_entries
        for entry in parse(lines, config.username):
            when = entry["time"].astimezone(timezone.utc).isoformat(timespec="microseconds")
            where = {"registry": registry.name, "port": port, "node": nodes.get(entry["client"])}
            entries.append({**entry, **where, "time": when})
    return sorted(entries, key=lambda entry: entry["time"])


def _distribution_entries(lines: list[Entry], username: str) -> Iterator[Entry]:
    """Requests in docker-registry's log; a refused one has no "response completed" line as the others have."""
    authorized = set()
    for line in lines:
        request, message = line.get("http.request.id"), line.get("msg", "")
        if message == "authorized request":
            authorized.add(request)
        elif message.startswith("response completed"):
            user = username if request in authorized else None
            yield _distribution_entry(line, user, "basic" if user else None, line["http.response.status"])
        elif message.startswith("error authorizing context"):
            yield _distribution_entry(line, None, "basic" if message.endswith("authentication failure") else None, 401)


def _distribution_entry(line: Entry, user: str | None, auth: str | None, status: int) -> Entry:
    return {
        "time": _time(line["time"]),
        "client": line["http.request.remoteaddr"].rpartition(":")[0],
        "method": line["http.request.method"],
        "path": line["http.request.uri"],
        "user": user,
        "auth": auth,
        "status": status,
    }


def _time(text: str) -> datetime:
    """The time in a line, whose Z and nanoseconds Python 3.10 would not read."""
    seconds, dummy, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}+00:00")


def _stand_in_entries(lines: list[Entry], username: str) -> Iterator[Entry]:
    for line in lines:
        yield {**line, "time": datetime.fromtimestamp(line["time"], tz=timezone.utc)}


def _logs(config: Config) -> Iterator[tuple[Registry, int, Path]]:
    for registry in config.registries.values():
        for port in registry.ports:
            path = _folder(config, registry) / f"{port}.log"
            if path.exists():
                yield registry, port, path


def _settings(storage: Path, address: str) -> Entry:
    """docker-registry's configuration: read-only, since the storage belongs to the cache."""
    return {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "maintenance": {"readonly": {"enabled": True}, "uploadpurging": {"enabled": False}},
        },
        "http": {"addr": address, "secret": secrets.token_hex(16)},
    }


def _tls(config: Config, registry: Registry, port: int) -> Entry:
    """The part of docker-registry's configuration that makes a port speak TLS."""
    clients = {"clientcas": [str(config.tls / "ca.crt")]} if port in registry.client_tls_ports else {}
    own = {kind: str(config.tls / f"{registry.name}.{end}") for kind, end in (("certificate", "crt"), ("key", "key"))}
    return {**own, **clients}


def _harbor_settings(config: Config, registry: Registry, port: int) -> Entry:
    settings = harbor.Settings(
        host=_host(registry, port),
        address=(registry.address, port),
        backend=BACKEND,
        password=config.password,
        accounts=registry.accounts,
        projects=registry.projects,
        images=registry.images,
        log=str(_folder(config, registry) / f"{port}.log"),
        state=str(_folder(config, registry)),
    )
    return settings.data()


def _insisting_settings(config: Config, registry: Registry, port: int) -> Entry:
    settings = insisting.Settings(
        host=_host(registry, port),
        address=(registry.address, port),
        backend=BACKEND,
        pulls={name: each.pulls for name, each in registry.accounts.items()},
        password=config.password,
        log=str(_folder(config, registry) / f"{port}.log"),
        external=str(_folder(config, registry) / "external"),
    )
    return asdict(settings)


def _host(registry: Registry, port: int) -> str:
    return registry.name if port == 80 else f"{registry.name}:{port}"


def _folder(config: Config, registry: Registry) -> Path:
    return config.run / "registries" / registry.name


def _start(registry: Registry, command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        network.start(namespace(registry.name), command, output, {"PYTHONPATH": str(PROJECT / "tests/lab")})


def _write_json(path: Path, value: Entry) -> str:
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, indent=2))
    return str(path)


def _backend_listens() -> bool:
    try:
        socket.create_connection(BACKEND, timeout=1).close()
    except OSError:
        return False
    return True


def _bcrypt(password: str) -> str:
    """bcrypt hash, the only kind that docker-registry accepts; Python's own crypt module was removed in 3.13."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    # Cost 4, the lowest: every request is checked against it.
    return library.crypt(password.encode(), b"$2b$04$" + secrets.token_hex(11).encode()).decode()
