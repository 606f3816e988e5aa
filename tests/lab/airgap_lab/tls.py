# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's private CA, which no machine trusts by itself, and the certificates that it issues."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airgap_lab.config import Config

VALID = datetime.timedelta(days=2)


def create(config: Config) -> None:
    """Make the CA, a certificate for every registry and one for a client, each as NAME.crt and NAME.key."""
    make(config.tls, {name: [name] for name in (*config.registries, "client")})


def make(folder: Path, certificates: Mapping[str, Sequence[str]]) -> None:
    """Make a CA and the certificates that it issues, for the hosts that each names, as NAME.crt and NAME.key."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    ca = _issue("ca", ["ca"], key, key, None)
    _write(folder / "ca", ca, key)
    for name, hosts in certificates.items():
        own = ec.generate_private_key(ec.SECP256R1())
        _write(folder / name, _issue(name, hosts, own, key, ca), own)


def _issue(
    name: str,
    hosts: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate | None,
) -> x509.Certificate:
    """A certificate for names or addresses of hosts; without ``ca`` it is the CA's own."""
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=ca is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(list(map(_alternative, hosts))), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = path.with_name(path.name + ".key")
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.with_name(path.name + ".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
