# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the recorder: one authority that the nodes' systems trust, and a private one."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = datetime.timedelta(days=30)


def make(folder: Path, names: Iterable[str]) -> None:
    """Write KIND-ca.pem and KIND.pem (certificate and key) of both kinds, and the private authority's client.pem."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(names)
    for kind in ("system", "private"):
        authority, key = _issue(f"{kind} authority", None, [])
        (folder / f"{kind}-ca.pem").write_bytes(_pem(authority))
        for name, subject, alternatives in ((kind, "recorder", names), ("client", "node", [])):
            certificate, own = _issue(subject, (authority, key), alternatives)
            (folder / f"{name}.pem").write_bytes(_pem(certificate) + _key(own))


def _issue(name, issuer, alternatives):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    authority, authority_key = issuer or (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, alternatives))), critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())
