# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated cases: what lies on a node, which image is pulled, and what each registry then answers."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from airgap_lab import recorder
from reading.spelling import Speller

from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.releases import Release

IPV6 = "[fd77::40]"
MIRRORS = ("m1.rec", "m2.rec", "m3.rec")
UPSTREAMS = ("up1.rec", "up2.rec")
NAMES = (*MIRRORS, *UPSTREAMS, "registry-1.docker.io", "quay.io", "ghcr.io", "Up.rec")
REFUSED = 5999
ROOTS = ("/etc/containerd/certs.d", "/etc/docker/certs.d")
AUTHORIZATION = "Basic dXNlcjpwYXNz"
NAMESPACES = (
    "docker.io", "docker.io", "quay.io", "ghcr.io", "up1.rec", "up1.rec:5000", "up2.rec:8080", "up2.rec:5443",
    "up1.rec:8443", "localhost", "localhost:80", "localhost:5000", "localhost:5443", "127.0.0.1:5000", "Up.rec",
    f"{IPV6}:5000",
)  # fmt: skip
ANSWERS = (
    "404", "404", "image", "image", "500", "503", "401", "403", "400", "html", "no-head", "basic then 404",
    "basic then image", "basic then 403", "bearer then 404", "bearer then image",
)  # fmt: skip
LEGACY_ENDPOINTS = (
    "http://m1.rec:8080", "http://m2.rec", "http://m3.rec:5000/v2/proj", "http://m1.rec/", "m2.rec:5443",
    "https://m3.rec:8443", "http://m2.rec:8080/v2", "http://m3.rec:8080/proj/", "localhost:5000",
    f"http://m1.rec:{REFUSED}", "https://quay.io", "https://registry-1.docker.io", "http://user:pass@m1.rec:8080",
)  # fmt: skip
ODD_URLS = ("HTTP://m1.rec", "httpd.rec", "httpd.rec:5000", "ftp://m1.rec", "http:///x", "http://m1.rec?a=b")
LOGINS = ("m1.rec:8080", "m2.rec", "m3.rec:5000", "registry-1.docker.io", "up1.rec:5000")


_HOST = '[host."http://m1.rec:8080"]\n'
BROKEN = (
    "", "\n", "# nothing\n", 'server = "http://m1.rec:8080"\n', 'host = "x"\n', "[host\n", "server = \n", _HOST + _HOST,
    _HOST + 'capabilities = "pull"\n', _HOST + 'capabilities = ["delete"]\n', _HOST + 'capabilities = ["referrers"]\n',
    _HOST + 'skip_verify = "yes"\n', _HOST + "override_path = 1\n", _HOST + "ca = 5\n", _HOST + "ca = [true]\n",
    _HOST + 'client = [["a", "b", "c"]]\n', _HOST + 'header = "x"\n', _HOST + "header = {A = 5}\n",
    _HOST + 'dial_timeout = "5"\n', _HOST + "dial_timeout = 5\n", "server = 5\n[host]\n", "# \xff\n" + _HOST,
    '[host."http://m1.rec:x"]\n', '[host]\n"http://m1.rec:8080" = 5\n', '[[host."http://m1.rec:8080"]]\n',
    'host = {"http://m1.rec:8080" = {capabilities = ["pull", "resolve"]}}\n', _HOST + 'server = "http://m2.rec"\n',
    '[host]\n"http://m1.rec:8080".capabilities = ["pull", "resolve"]\n', '[HOST."http://m1.rec:8080"]\n',
    'host."http://m1.rec:8080".skip_verify = true\n', 'Server = "http://m1.rec:8080"\n[host]\n',
    'SERVER = "http://m1.rec:8080"\n[host]\n',
)  # fmt: skip
"""Files that somebody might write, as Latin-1: not all are broken, but all are read in a way that surprises."""


@dataclass
class Case:
    """One pull. `tree` is `{absolute path: content}`, a path that ends in / is an empty directory."""

    name: str
    image: str
    tree: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


@dataclass
class Batch:
    """Cases that share one config.toml."""

    name: str
    registry: dict[str, Any]  # the registry table
    cases: list[Case]
    version: int = 2  # of config.toml


def generate(seed: str, count: int, rel: Release, first: int, spelled: float = 0.0) -> list[Batch]:
    """Return about `count` cases for a release; their names begin with the number `first`, and are repeated nowhere.

    `spelled` is the share of hosts.toml files in other spellings of TOML, half of which are not valid TOML.
    """
    make = _Maker(random.Random(seed), first, spelled)
    version = rel.newest_file
    if not rel.config_path:
        batches = [Batch(f"legacy {n}", make.legacy(tls=True), []) for n in range(4)]
        batches.append(Batch("config_path, which it does not know", {"config_path": ROOTS[0]}, []))
        shares = [0.22, 0.22, 0.22, 0.22, 0.12]
    else:
        logins = {"configs": {host: {"auth": {"username": "u", "password": "p"}} for host in LOGINS}}
        roots = ":".join(ROOTS)
        tls = version == 2
        batches = [
            Batch("config_path", {"config_path": ROOTS[0]}, [], version),
            Batch("config_path and logins", {"config_path": ROOTS[0] + "/", **logins}, [], 2),
            Batch("a list", {"config_path": roots}, [], version),
            Batch("a list and logins", {"config_path": roots, **logins}, [], version),
            Batch("nothing", {}, [], version),
            Batch("legacy 1", make.legacy(tls), [], version),
            Batch("legacy 2", make.legacy(tls), [], 2),
        ]
        shares = [0.37, 0.25, 0.08, 0.08, 0.04, 0.09, 0.09]
    for batch, share in zip(batches, shares, strict=True):
        batch.cases = [make.case(batch) for dummy in range(max(1, round(count * share)))]
    return batches


class _Maker:
    """Draws everything from one source of chance, so that a seed gives the same cases again."""

    def __init__(self, chance: random.Random, first: int, spelled: float):
        self.chance = chance
        self.spelled = spelled
        self.made = first

    def pick(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def case(self, batch: Batch) -> Case:
        self.made += 1
        name = f"c{self.made:05d}"
        namespace = self.pick(*NAMESPACES)
        if batch.registry.get("mirrors") and self.often(0.6):
            namespace = self.pick(*[each for each in batch.registry["mirrors"] if each != "*"] or [namespace])
        case = Case(name, self.image(name, namespace))
        roots = (batch.registry.get("config_path") or ROOTS[0]).split(":")
        for root in roots:
            if len(roots) == 1 or self.often(0.6):
                self.root(case, root.rstrip("/"), namespace)
        hosts = [f"{host}{port}" for host in (*MIRRORS, IPV6, namespace.partition(":")[0], "registry-1.docker.io")
                 for port in ("", ":80", ":443", ":5000", ":8080", ":8443", ":5443")]  # fmt: skip
        usual = self.pick(*ANSWERS)
        case.answers = {host: usual if self.often(0.4) else self.pick(*ANSWERS) for host in hosts}
        return case

    def image(self, name: str, namespace: str) -> str:
        repository = self.pick(name, f"team/{name}", f"a/b-c/{name}")
        written = f"{namespace}/{repository}"
        if self.often(0.02):
            return f"{namespace}/Team/{name}"
        if namespace == "docker.io":
            written = self.pick(repository, written, f"index.docker.io/{repository}")
        digest = recorder.digest(recorder.manifest(name)[0])
        return written + self.pick("", ":v1", ":v1", ":V1_x.y-2", f"@{digest}", f":v1@{digest}")

    def root(self, case: Case, root: str, namespace: str) -> None:
        """A directory for the namespace in one of its spellings, next to others."""
        host, colon, port = namespace.rpartition(":") if ":" in namespace else (namespace, "", "")
        spellings = [namespace, namespace, f"{host}_{port}_" if colon else namespace, "_default", "_default", host]
        chosen = {self.pick(*spellings) for dummy in range(self.pick(0, 1, 1, 1, 2, 2))}
        for directory in sorted(chosen):
            self.directory(case, f"{root}/{directory}")

    def directory(self, case: Case, path: str) -> None:
        kind = self.chance.random()
        if kind < 0.05:
            case.tree[f"{path}/"] = b""
        elif kind < 0.09:
            case.tree[f"{path}/README"] = b"hello"
        elif kind < 0.13:
            case.tree[f"{path}/ca.crt"] = self.pick(b"CA", b"CA", b"no certificate")
        elif kind < 0.16:
            case.tree[f"{path}/node.cert"] = b"CLIENT"
        elif kind < 0.18:
            case.tree[path] = b"a file where a directory should be"
        else:
            case.tree[f"{path}/hosts.toml"] = self.hosts_file(case, path)

    def spelled_file(self) -> bytes:
        """Return a hosts.toml with unusual content."""
        data: dict[str, Any] = {"server": self.url()} if self.often(0.5) else {}
        hosts = {self.url(): self.spelled_options() for dummy in range(self.pick(0, 1, 1, 2, 2, 3))}
        return Speller(self.chance, odd=0.5, dotted=0.15).file({**data, **({"host": hosts} if hosts else {})})

    def spelled_options(self) -> dict[str, Any]:
        options = {
            "capabilities": self.pick(["pull", "resolve"], ["pull"], ["resolve"], []),
            "override_path": self.pick(True, False),
            "skip_verify": self.pick(True, False),
            "header": {"X-Test": "1"},
        }
        return {key: value for key, value in options.items() if self.often(0.4)}

    def hosts_file(self, case: Case, path: str) -> bytes:
        if self.spelled and self.often(self.spelled):
            return self.spelled_file()
        if self.often(0.14):
            return self.pick(*BROKEN).encode("latin-1")
        lines, sections = [], []
        if self.often(0.55):
            lines.append(f"server = {_quoted(self.url())}")
        if self.often(0.25):
            lines += self.options(case, path)
        hosts = [self.url() for dummy in range(self.pick(0, 1, 1, 1, 2, 2, 3))]
        hosts = list(dict.fromkeys(hosts))
        if not hosts and self.often(0.6):
            sections.append(["[host]"])
        for url in hosts:
            sections.append([f"[host.{_quoted(url)}]", *self.options(case, path)])
        for url in hosts:
            if self.often(0.35):
                header = self.pick("Authorization", "Authorization", "authorization", "X-Test")
                section = [f"[host.{_quoted(url)}.header]", f"  {header} = {_quoted(AUTHORIZATION)}"]
                place = (
                    len(sections)
                    if self.often(0.3)
                    else 1 + next(n for n, each in enumerate(sections) if each[0] == f"[host.{_quoted(url)}]")
                )
                sections.insert(place, section)
        if lines and self.often(0.1):
            lines.append(f"[unknown]\nkey = {self.pick('1', _quoted('x'))}")
        text = "\n".join(lines + [line for section in sections for line in section]) + "\n"
        text = text.replace("\n", "\r\n") if self.often(0.05) else text
        return (b"\xef\xbb\xbf" if self.often(0.02) else b"") + text.encode()

    def url(self) -> str:
        host = (IPV6 if self.often(0.06) else self.pick(*MIRRORS)) + self.pick(
            "", ":80", ":5000", ":8080", ":8080", ":8443", ":5443", f":{REFUSED}"
        )
        secure = host.endswith(("43",)) or (host in MIRRORS and self.often(0.3))
        if self.often(0.06):
            secure = not secure
        scheme = self.pick("https://", "https://", "") if secure else "http://"
        if self.often(0.03):
            return self.pick(
                "HTTP://m1.rec", "httpd.rec", "httpd.rec:5000", "ftp://m1.rec", "http:///x", "http://m1.rec?a=b"
            )
        if self.often(0.04):
            host = f"user:pass@{host}"
        return scheme + host + self.pick("", "", "", "/", "/v2", "/v2/", "/v2/proj", "/proj", "/proj/v2", "/a/../b//c")

    def options(self, case: Case, path: str) -> list[str]:
        lines = []
        if self.often(0.6):
            chosen = self.pick('["pull", "resolve"]', '["pull", "resolve"]', '["pull"]', '["resolve"]', '["push"]',
                               "[]", '["Pull", "RESOLVE"]')  # fmt: skip
            lines.append(f"  capabilities = {chosen}")
        if self.often(0.25):
            lines.append(f"  override_path = {self.pick('true', 'true', 'false')}")
        if self.often(0.22):
            lines.append(f"  skip_verify = {self.pick('true', 'true', 'false')}")
        if self.often(0.15):
            lines.append(self.pick('  ca = "ca.pem"', '  ca = ["ca.pem"]', "  ca = []"))
            case.tree[f"{path}/ca.pem"] = b"CA"
        elif self.often(0.03):
            lines.append('  ca = "missing.pem"')
        if self.often(0.1):
            lines.append(
                self.pick('  client = "client.pem"', '  client = [["client.pem", "client.pem"]]', "  client = []")
            )
            case.tree[f"{path}/client.pem"] = b"CLIENT"
        if self.often(0.1):
            lines.append(self.pick('  dial_timeout = "3s"', "  plain_http = true", '  Capabilities = ["pull"]'))
        self.chance.shuffle(lines)
        return lines

    def legacy(self, tls: bool) -> dict[str, Any]:
        """A registry table with many mirrors."""
        keys = [*dict.fromkeys(NAMESPACES)]
        self.chance.shuffle(keys)
        mirrors = {
            key: {"endpoint": self.chance.sample(LEGACY_ENDPOINTS, self.pick(0, 1, 1, 2, 2, 3))} for key in keys[:9]
        }
        if self.often(0.7):
            mirrors["*"] = {"endpoint": self.chance.sample(LEGACY_ENDPOINTS, 2)}
        configs: dict[str, Any] = {}
        for host in self.chance.sample(("m1.rec:8080", "m2.rec", "m3.rec:5000", "registry-1.docker.io"), 2):
            configs[host] = {"auth": {"username": "u", "password": "p"}}
        if tls:
            option = self.pick({"ca_file": "/etc/recorder/private-ca.pem"}, {"insecure_skip_verify": True})
            client = {"cert_file": "/etc/recorder/client.pem", "key_file": "/etc/recorder/client.pem"}
            configs["m3.rec:8443"] = {"tls": {**option, **self.pick({}, client)}}
        return {"mirrors": mirrors, "configs": configs, **self.pick({}, {"headers": {"X-Test": ["1"]}})}


def _quoted(text: str) -> str:
    return json.dumps(text)
