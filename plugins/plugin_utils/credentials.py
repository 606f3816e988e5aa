# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a login goes: into hosts.toml as a header, into config.toml as a table, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.airgap.containerd.plugins.plugin_utils import certificates
from ansible_collections.airgap.containerd.plugins.plugin_utils.model import Access, Desired
from ansible_collections.airgap.containerd.plugins.plugin_utils.releases import Release


def in_hosts(access: Access, auth_method: str) -> dict[str, Any]:
    """Return the `header` that an endpoint gets in hosts.toml."""
    header = dict(access.headers)
    if access.authorization and auth_method != "config":
        header["Authorization"] = access.authorization
    return {"header": header} if header else {}


def in_config(
    wanted: Desired, rel: Release, auth_method: str, asked: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, str]]:
    """Return the logins that config.toml has to hold in config_path mode, as `{host[:port]: auth table}`.

    An identity token can be nowhere else. Before 2.1 a header is not sent to the token service, so a registry that
    insists on Bearer tokens needs its login here too (`WithAuthHeader` in containerd's hosts.go). `asked` is what the
    preflight found, by API URL.
    """
    found: dict[str, Mapping[str, str]] = {}
    for endpoint in wanted.asked():
        auth = wanted.access_to(endpoint).auth
        wants_token = (asked.get(endpoint.api) or {}).get("auth") == "bearer" and not rel.header_reaches_token_service
        if auth and (auth_method == "config" or "identitytoken" in auth or (auth_method == "auto" and wants_token)):
            found[endpoint.host] = auth
    return found


def legacy_configs(wanted: Desired, folder: str) -> dict[str, dict[str, Any]]:
    """Return the `configs` tables of legacy mode, keyed by host[:port] as the endpoint's URL spells it.

    `folder` is where the certificates are.
    """
    found = {}
    for endpoint in wanted.asked():
        access = wanted.access_to(endpoint)
        table: dict[str, Any] = {"auth": dict(access.auth)} if access.auth else {}
        tls = certificates.legacy_table(certificates.options(endpoint, access, folder))
        if tls:
            table["tls"] = tls
        if table:
            found[endpoint.host] = table
    return found
