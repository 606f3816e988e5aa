# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report in a real browser: a small fleet, one of 300 nodes, and one that is hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import chromium
from fleet_samples import EVIL, fleet

from ansible_collections.airgap.containerd.plugins.plugin_utils import verify_page, verify_report

VIEWS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of some results; afterwards nothing was complained about and nobody was asked."""

    def show(results):
        page = tmp_path / "verify.html"
        page.write_text(verify_page.page(verify_report.document(results, "2026-01-01T00:00:00+00:00")))
        browser.console(), browser.requests()
        browser.open(page)
        return page

    yield show
    assert browser.console() == []
    assert {url.partition(":")[0] for url in browser.requests()} <= {"file", "data"}


def shots() -> Path | None:
    """Where screenshots go, if anybody wants to look at them."""
    folder = os.environ.get("AIRGAP_SCREENSHOTS")
    return Path(folder) if folder else None


def click(browser, name: str, upstream: str) -> str:
    """Click on the field of a node and an upstream; returns the text of the details."""
    browser.run(f"document.querySelector('button[aria-label^=\"{name}, {upstream}:\"]').click()")
    return browser.run("return document.getElementById('details').innerText")


def test_matrix_and_details(browser, show):
    show(fleet(12))
    heads = browser.run("return [...document.querySelectorAll('#matrix thead th')].map((each) => each.textContent)")
    assert heads == ["Node", "docker.io", "quay.io", "registry.k8s.io"]
    rows = browser.run("return [...document.querySelectorAll('#matrix tbody tr')].map((each) => each.innerText)")
    assert len(rows) == 12 and "?" in rows[0] and "✕" in rows[1] and "✕" not in rows[-1]
    text = click(browser, "n003", "quay.io")
    for words in (
        "m.lan:81 cannot be asked",
        "Start the registry",
        "HEAD http://m.lan:81/v2/",
        "containerd's own words",
    ):
        assert words in text, text
    assert "Endpoint" in text and "http://m.lan:81" in text
    browser.run("document.querySelector('#details button').click()")
    assert browser.run("return document.getElementById('details').open") is False
    assert "from http://m.lan" in click(browser, "n000", "docker.io")
    browser.run("document.querySelector('#details button').click()")
    browser.run("document.getElementById('failures').click()")
    assert browser.run("return document.querySelectorAll('#matrix tbody tr:not([hidden])').length") == 4


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_light_and_dark_narrow_and_wide(browser, show, scheme, width):
    browser.scheme(scheme)
    browser.size(width, 844)
    show(fleet(12))
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 24, 27)")
    for name in ("matrix", "details"):
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), (
            "the page itself must not scroll"
        )
        if shots():
            browser.screenshot(shots() / f"{name}-{scheme}-{width}.png")
        click(browser, "n003", "quay.io")


def test_300_nodes(browser, show):
    page = show(fleet(300))
    assert page.stat().st_size < 1_000_000
    # From the beginning of the navigation to the end of the script, by the browser's own clock.
    assert browser.run("return performance.timing.domComplete - performance.timing.navigationStart") < 1000
    assert browser.run("return document.querySelectorAll('#matrix tbody tr').length") == 300


def test_hostile_nodes_are_only_text(browser, show):
    show({EVIL: {**fleet(1)["n000"], "version": EVIL}, "n2": {"msg": EVIL}})
    assert browser.run("return [...document.scripts].length") == 2
    assert browser.run("return document.querySelectorAll('#matrix img, #matrix b').length") == 0
    assert "<img" in browser.run("return document.getElementById('matrix').innerText")
    browser.run("document.querySelectorAll('#matrix button').forEach((each) => { each.click(); "
                "document.getElementById('details').close(); })")  # fmt: skip
    assert browser.run("return window.owned") is None
