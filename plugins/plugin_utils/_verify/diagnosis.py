# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an image does not come from the intended registry: one class of failure, the cause, and the fix.

Pure. What is known of a pull goes in (containerd's own error, what the image resolves to on this node, what each
endpoint answered the node itself), one Diagnosis comes out. The rules are in the order in which one hides another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.airgap.containerd.plugins.module_utils._shared import verdicts
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd import go_url, namespaces, proxies
from ansible_collections.airgap.containerd.plugins.plugin_utils._containerd.notes import Kind
from ansible_collections.airgap.containerd.plugins.plugin_utils._node.replies import Manifest, PullError
from ansible_collections.airgap.containerd.plugins.plugin_utils._resolve.resolve import Asked, Node, Resolution
from ansible_collections.airgap.containerd.plugins.plugin_utils._verify import harbor, requests


class Diagnosis(NamedTuple):
    """One class of failure; `seen` and `fix` are a sentence each."""

    kind: str
    seen: str
    fix: str


class Seen(NamedTuple):
    """What is known of the pull of one image on one node."""

    node: Node
    found: Resolution
    error: PullError | None = None  # containerd's; None where the image was pulled
    answers: Sequence[Manifest] = ()  # of the endpoints, in the order of `requests.asked(found)`
    own_answers: Sequence[Manifest] = ()  # the same with the node's own credentials, where a pull secret was used


Told = tuple[str, str, Asked | None, str]
"""The class of failure, what was seen, where, and the address that the fix is about if it is another one."""

_OR_CATCH_ALL = " (or set containerd_registry_catch_all)"

FIXES = {
    "cri_not_loaded": "Run the site playbook: it corrects config.toml and restarts containerd.",
    "not_running": "Start containerd, and check its log (journalctl -u containerd) if it does not stay up.",
    "hosts_toml_broken": (
        "Correct that file, or run the site playbook to write it: containerd reads it at the next pull."
    ),
    "config_path_list": "Run the site playbook: it sets config_path to one directory and restarts containerd.",
    "wrong_table": "Run the site playbook: it writes the registry settings into the table that this release reads.",
    "config_path_unknown": "Use legacy mirrors on this release: containerd_registry_mode is auto or legacy.",
    "shadowed": "Remove that directory, or give it a hosts.toml of its own.",
    "on_the_node": "List {namespace} in containerd_registry_direct, then run the site playbook.",
    "no_mirror": (
        "Run the site playbook. If {namespace} has no mirror then, list it in containerd_registry_extra_upstreams"
        f"{_OR_CATCH_ALL}, and run it again."
    ),
    "proxy": "Add {host} to NO_PROXY in containerd's unit, run systemctl daemon-reload and restart containerd.",
    "pull_secret": "Remove the pod's pull secret for {namespace}, or use one with an account of {host}.",
    "dns": "Add {name} to DNS, or to /etc/hosts of the node.",
    "refused": "Start the registry, or correct the port in its URL.",
    "unreachable": "Add a route or open the firewall between the node and {host}.",
    "timeout": "Open the firewall between the node and {host}, or find out why it does not answer.",
    "unknown_ca": "Set the option ca of this endpoint to the certificate of the CA that signed it.",
    "certificate": "Renew the registry's certificate, or use the name in it in the URL.",
    "tls_file": "Put the certificate file in place that hosts.toml or config.toml names.",
    "tls": "Make the registry speak a TLS version that the node accepts.",
    "plain_http": "Write its URL with http:// instead of https://, or make it speak TLS.",
    "https_wanted": "Write its URL with https:// instead of http://.",
    "no_http": "Correct host and port in its URL.",
    "lost": "Check the registry's log, and any proxy between it and the node.",
    "unauthorized_anonymous": "Set the username and password for {host} in the role's variables.",
    "unauthorized": (
        "Correct the username and password, and give the account the right to pull from this project. A Harbor robot "
        "account expires after 30 days by default; then even its correct secret is refused."
    ),
    "forbidden": "Give the account the right to pull from this project; its username and password are correct.",
    "token_service": (
        "Make {host} resolvable and reachable from the nodes, or correct that address: in Harbor it is external_url, "
        "from 2.14 on only its scheme, so https there and http:// in the endpoint's URL do not work together."
    ),
    "token_without_header": (
        "Set containerd_registry_auth_method to config and run the site playbook, so that the credentials are in "
        "config.toml too."
    ),
    "not_found": (
        "Push the image to {endpoint}, or correct its name or the project for {namespace}. Images cannot be pushed to "
        "a proxy cache: check in Harbor that it reaches its upstream."
    ),
    "upstream_lacks_it": "Correct the image's name or tag: the upstream of this proxy cache does not have it.",
    "filtered": (
        "Change the filter of this proxy cache project in Harbor (proxy_cache_filter_pattern) to match the image."
    ),
    "policy": "Make the image meet the project's policy (sign it, scan it), or change the policy in Harbor.",
    "busy": "Try again later, or raise the limit: of requests, or in Harbor of connections to the upstream.",
    "redirected": "Write {address} in the endpoint's URL if the registry is there, else correct the URL.",
    "no_project": "Name a project for {namespace} in containerd_registry_projects ('*' is for all others).",
    "project_missing": "Create the project in Harbor, or correct containerd_registry_projects for {namespace}.",
    "html": "Make the URL of {endpoint} end in /v2/PROJECT with override_path, as containerd_registry_projects does.",
    "server_error": "Check the logs of the registry and of any proxy in front of it.",
    "too_slow": "Give the pull more time, or find out what slows {host} down.",
    "public": (
        "Run the site playbook. If {namespace} has no mirror then, list it in containerd_registry_extra_upstreams"
        f"{_OR_CATCH_ALL}, or in containerd_registry_direct to pull from it directly, and run it again."
    ),
    "platform": "Copy the image with all its platforms (skopeo copy --all), or use an image that is built for it.",
    "name": "Correct the name: containerd does not accept it.",
    "unknown": "Check containerd's log on the node (journalctl -u containerd).",
}
"""What to change, by class. {endpoint}, {host}, {name} (host without port), {namespace} and {address} are filled in."""

_UNREACHED = (
    "dns", "refused", "unreachable", "timeout", "unknown_ca", "certificate", "tls_file", "tls", "plain_http", "no_http",
    "lost",
)  # fmt: skip
"""What may keep a node from an answer, in the words of its half."""

_FROM_NOTES: Mapping[Kind, str] = {
    "config_path_list": "config_path_list",
    "config_path_unknown": "config_path_unknown",
    "shadowed": "shadowed",
    "wrong_table": "wrong_table",
}
"""The class of failure that a kind of the resolver's notes stands for."""

# Words of others that have no code: of Go's HTTP client in containerd's error (proxyconnect), of Go's HTTP server where
# it is contacted by plain HTTP, and of Harbor's v2auth middleware.
_PROXY_WORD = "proxy"
_WANTS_HTTPS = "HTTPS server"
_REDIRECTS = (301, 302, 303, 307, 308)
_KINDS = {412: "policy", 429: "busy"}
_FILTERED = re.compile(r"repository .+ does not match project repository filter")  # after 2.15
_NOT_UPSTREAM = re.compile(r"resource not found: repo ")  # of a proxy cache: its upstream was queried


def diagnose(seen: Seen) -> Diagnosis | None:
    """Return what is wrong, or None where the image comes from the intended registry."""
    namespace = seen.found.reference.host if seen.found.reference else seen.found.image
    bypass = next(_ignored_settings(seen), None)
    dead = next(_daemon(seen, seen.error), None) if seen.error else None
    if bypass and dead:
        now, then = _diagnosis(dead[0], dead[1], namespace), _diagnosis(*bypass, namespace)
        return Diagnosis(now.kind, f"{now.seen} Besides: {then.seen}", f"{now.fix} {then.fix}")
    if bypass:
        return _diagnosis(*bypass, namespace)
    if seen.error is None:
        return None
    for rule in (_daemon, _proxy, _pull_secret, _answers):
        for kind, text, where, address in rule(seen, seen.error):
            found = _diagnosis(kind, text, namespace, where, address)
            has_catch_all = seen.node.release.catch_all or not seen.node.release.config_path
            return found if has_catch_all else found._replace(fix=found.fix.replace(_OR_CATCH_ALL, ""))
    if seen.error.code == "DEADLINE_EXCEEDED":
        first = next(iter(requests.asked(seen.found)), None)
        return _diagnosis("too_slow", f"The pull did not finish in time ({seen.error.message}).", namespace, first)
    return _diagnosis("unknown", f"containerd says: {seen.error.message} ({seen.error.code}).", namespace)


def of_answer(seen: Seen, each: Asked, answer: Manifest) -> Diagnosis | None:
    """Return why containerd does not get an image of an endpoint that gives the node itself the manifest, or None."""
    namespace = seen.found.reference.host if seen.found.reference else seen.found.image
    proxy = proxies.proxy_for(requests.endpoint(each), seen.node.proxies)
    if proxy:
        name = proxies.host_of(proxy)
        text = (
            f"containerd sends requests for {each.host} to the proxy {name}; the node itself reaches it without the "
            "proxy."
        )
        return _diagnosis("proxy", text, namespace, each)
    kind, text = _answer(seen, each, answer)
    return _diagnosis(kind, text, namespace, each) if kind else None


def diagnosis(kind: str, text: str, found: Resolution, where: Asked | None = None) -> Diagnosis:
    """Return a diagnosis of this kind."""
    return _diagnosis(kind, text, found.reference.host if found.reference else found.image, where)


def _diagnosis(kind: str, text: str, namespace: str, where: Asked | None = None, address: str = "") -> Diagnosis:
    host = address.partition("://")[2] or (where.host if where else namespace)
    place = requests.endpoint(where) if where else namespace
    name = go_url.split_port(host)[0].strip("[]")
    words = {"endpoint": place, "host": host, "name": name, "namespace": namespace, "address": address or "another one"}
    return Diagnosis(kind, text, FIXES[kind].format(**words))


def _ignored_settings(seen: Seen) -> Iterator[tuple[str, str]]:
    """What keeps containerd from reading the mirrors, which it does not hold against a pull."""
    if seen.found.asks_mirrors or (seen.found.error and not seen.node.not_loaded):
        return
    if seen.found.log:
        told = [note.text for note in seen.found.notes if note.kind == "discarded"]
        yield "hosts_toml_broken", _sentence(told[0] if told else "a hosts.toml is discarded")
    for note in seen.found.notes:
        if note.kind in _FROM_NOTES:
            yield _FROM_NOTES[note.kind], _sentence(note.text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _daemon(seen: Seen, error: PullError) -> Iterator[Told]:
    if seen.node.not_loaded or error.code == "UNIMPLEMENTED":
        dead = seen.found.error if seen.node.not_loaded else None
        yield "cri_not_loaded", _sentence(dead or f"containerd runs without CRI: {error.message}"), None, ""
    elif error.code == "UNAVAILABLE" and not seen.found.error:
        yield "not_running", f"containerd does not answer on its socket ({error.message}).", None, ""
    elif seen.found.error:
        yield "hosts_toml_broken", _sentence(seen.found.error), None, ""


def _proxy(seen: Seen, error: PullError) -> Iterator[Told]:
    for each, answer in zip(requests.asked(seen.found), seen.answers, strict=False):
        proxy = proxies.proxy_for(requests.endpoint(each), seen.node.proxies)
        if proxy and each.origin != "upstream" and (serves(answer) or _PROXY_WORD in error.message):
            name = proxies.host_of(proxy)
            text = f"containerd sends requests for {each.host} to the proxy {name}, which does not serve them."
            yield "proxy", text, each, ""


def serves(answer: Manifest) -> bool:
    """Whether an endpoint has the manifest."""
    return verdicts.serves(answer.status, answer.kind)


def _pull_secret(seen: Seen, error: PullError) -> Iterator[Told]:
    for each, with_secret, own in zip(requests.asked(seen.found), seen.answers, seen.own_answers, strict=False):
        if serves(own) and not serves(with_secret):
            refused = with_secret.status or with_secret.message
            text = (
                f"{requests.endpoint(each)} refuses the pull secret ({refused}), which containerd sends instead of the "
                "node's own credentials; with those it serves the image."
            )
            yield "pull_secret", text, each, ""


def _answers(seen: Seen, error: PullError) -> Iterator[Told]:
    """The first endpoint that should have served the image, and what it answered instead."""
    pairs = list(zip(requests.asked(seen.found), seen.answers, strict=False))
    mirrors = [(each, answer) for each, answer in pairs if each.origin != "upstream"]
    namespace = seen.found.reference.host if seen.found.reference else ""
    if mirrors and namespaces.is_on_the_node(namespace) and not any(serves(answer) for dummy, answer in pairs):
        each = mirrors[0][0]
        text = (
            f"{namespace} is a registry on the node itself, but its images are pulled from {requests.endpoint(each)}."
        )
        yield "on_the_node", text, each, ""
    is_meant = namespaces.is_on_the_node(namespace) or seen.found.directory is not None
    if not mirrors and pairs and not is_meant and not serves(pairs[0][1]):
        each, answer = pairs[0]
        if not each.credentials and answer.failure:
            text = (
                f"No mirror is configured for it here, and the registry itself could not be reached: {answer.message}."
            )
            yield "no_mirror", text, each, ""
    for each, answer in mirrors or pairs:
        kind, text = _answer(seen, each, answer)
        if kind:
            address = {"token_service": answer.realm, "redirected": answer.location}.get(kind)
            yield kind, text, each, address or ""


def _answer(seen: Seen, each: Asked, answer: Manifest) -> tuple[str | None, str]:
    place, status = requests.endpoint(each), answer.status
    words = f" ({answer.message})" if answer.message else ""
    if answer.failure in ("token", "credentials"):
        refused = "unauthorized" if each.credentials else "unauthorized_anonymous"
        kind = "token_service" if answer.failure == "token" else refused
        return kind, f"{place} refers the node to its token service, but {answer.message}."
    if answer.failure:
        kind = answer.failure if answer.failure in _UNREACHED else "unknown"
        return kind, f"{place} cannot be used: {answer.message}."
    if status == 200:
        if answer.kind == "text/html":
            return "html", f"{place} answers with a web page instead of a manifest."
        by_token = each.credentials == "header" and answer.challenge == "bearer"
        if by_token and not seen.node.release.header_reaches_token_service:
            text = f"{place} requires tokens, and this containerd requests them without the credentials in hosts.toml."
            return "token_without_header", text
        return None, ""
    if status in (401, 403):
        return _refusal(seen, each, answer, f"{place} answers with status {status}{words}")
    if status == 404:
        said = answer.message or ""
        kind = (
            "filtered" if _FILTERED.search(said) else "upstream_lacks_it" if _NOT_UPSTREAM.match(said) else "not_found"
        )
        return kind, f"{place} does not have the image: it answers with status 404{words}."
    if status == 400:
        if _WANTS_HTTPS in (answer.message or ""):
            return "https_wanted", f"{place} answers plain HTTP with status 400{words}."
        return "no_project", f"{place} answers with status 400{words}, as Harbor does without a project in the path."
    if status in _REDIRECTS:
        there = (
            f" and redirects the node to {answer.location}" if answer.location else f"{words}, without a new location"
        )
        return "redirected", f"{place} answers with status {status}{there}."
    return _KINDS.get(status or 0, "server_error"), f"{place} answers with status {status}{words}."


def _refusal(seen: Seen, each: Asked, answer: Manifest, text: str) -> tuple[str, str]:
    if harbor.has_no_project(answer):
        own = seen.found.reference and seen.found.reference.host == each.host
        if each.path == "/v2" and not own:  # what Harbor took for its project is the beginning of the image's name
            return (
                "no_project",
                f"{text}: the path has no project, so Harbor reads the first part of the image name as the project.",
            )
        return "project_missing", f"{text}."
    if not each.credentials and answer.anonymous is None:
        return "unauthorized_anonymous", f"{text}, and the node has no credentials for it."
    if answer.login:
        return "forbidden", f"{text} to the node's credentials for it, which it accepts elsewhere."
    return "unauthorized", f"{text} to the node's credentials for it."
