# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: of a small fleet, of 300 nodes, and of hostile nodes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import chromium
from fleet_samples import EVIL, fleet, motley, unlike

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document, settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import page as page_module

VIEWS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]
ROWS = "document.querySelectorAll('#matrix tbody tr:not([hidden])')"
NOW = "2026-01-01T00:00:00+00:00"
COLOURS = """return Object.fromEntries([...document.querySelectorAll('#matrix td button')].map((each) =>
    [each.className, [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]]))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def show(browser, tmp_path):
    """Open the HTML report of some results; afterwards there were no errors and no requests."""

    def show(results, harbor=None, made=document.document):
        page = tmp_path / "verify.html"
        page.write_text(page_module.page(made(results, NOW, harbor)))
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


def close(browser) -> None:
    browser.run("document.querySelector('#details button').click()")
    assert browser.run("return document.getElementById('details').open") is False


def press(browser, selector: str) -> int:
    """Press a button; returns how many nodes the matrix shows then."""
    browser.run(f"document.querySelector('{selector}').click()")
    return browser.run(f"return {ROWS}.length")


def test_matrix_and_details(browser, show):
    show(fleet(12))
    heads = browser.run("return [...document.querySelectorAll('#matrix thead span')].map((each) => each.textContent)")
    assert heads == ["docker.io", "quay.io", "registry.k8s.io"]
    assert "from m.lan" in browser.run("return document.querySelector('#matrix thead').textContent")
    rows = browser.run(f"return [...{ROWS}].map((each) => each.textContent)")
    assert len(rows) == 12 and "?" in rows[0] and "✕" in rows[1] and "✕" not in rows[-1] and "0.11 s" in rows[-1]
    text = click(browser, "n003", "quay.io")
    for words in (
        "n003: quay.io",
        "containerd 1.7.24",
        "m.lan:81 cannot be asked",
        "Start the registry",
        "HEAD http://m.lan:81/v2/",
        "containerd's own words",
        "/etc/containerd/certs.d/quay.io is there",
    ):
        assert words in text, text
    assert "Endpoint" in text and "http://m.lan:81" in text
    close(browser)
    assert "from http://m.lan" in click(browser, "n000", "docker.io")
    close(browser)
    assert "Failed to connect to the host" in click(browser, "n001", "docker.io")


def test_what_is_wrong_is_summed_up_and_narrows_the_matrix(browser, show):
    show(fleet(12), {"projects": [{"problems": ["Harbor has no project quay."]}]})
    text = browser.run("return document.body.innerText")
    for words in ("8 of 12 nodes get every image", "8 as it should", "3 not pulled", "1 no answer", "no project quay"):
        assert words in text, text
    cards = browser.run("return [...document.querySelectorAll('#problems li')].map((each) => each.innerText)")
    assert len(cards) == 3 and "Start the registry" in cards[2] and "3 nodes: n003, n006, n009" in cards[2]
    assert press(browser, "#problems li:last-child button") == 3
    assert press(browser, "#only") == 12
    assert press(browser, "#kinds [data-kind=unknown]") == 1
    assert press(browser, "#kinds [data-kind=failed]") == 4
    find = "document.getElementById('filter')"
    browser.run(f"{find}.value = 'N00'; {find}.dispatchEvent(new Event('input'))")
    assert browser.run(f"return {ROWS}.length") == 4
    browser.run(f"{find}.value = 'none'; {find}.dispatchEvent(new Event('input'))")
    assert browser.run("return document.getElementById('none').hidden") is False


def test_the_keyboard_goes_everywhere(browser, show):
    show(fleet(12))
    browser.run("document.querySelector('#matrix button').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowUp"):
        script = f"new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true}})"
        browser.run(f"document.activeElement.dispatchEvent({script})")
    assert browser.run("return document.activeElement.getAttribute('aria-label')") == "n001, quay.io: no answer"
    assert browser.run("return document.querySelectorAll('#matrix button[tabindex=\"0\"]').length") == 1


def test_a_fleet_that_is_well(browser, show):
    show(fleet(1))
    assert "The node gets every image" in browser.run("return document.getElementById('summary').innerText")
    assert browser.run("return document.getElementById('wrong').hidden") is True


def test_the_settings_of_nodes(browser, show):
    edited = {
        "path": "/etc/containerd/certs.d/docker.io/hosts.toml", "cause": "hand_edit", "upstream": "docker.io",
        "seen": EVIL, "changed_at": NOW, "owner": 1000,
    }  # fmt: skip
    planned = {"pending": True, "version": "2.1.9", "namespaces": ["docker.io", "quay.io"], "changes": []}
    show({"n1": planned, "n2": {**planned, "changes": [edited]}, "n3": {"msg": EVIL}}, made=settings.settings)
    assert browser.run("return document.title") == "Settings of the nodes"
    text = browser.run("return document.body.innerText")
    for words in ("1 of 3 nodes are configured as the variables describe", "1 would change", "1 no answer"):
        assert words in text, text
    assert press(browser, "#kinds [data-kind=drift]") == 1
    details = click(browser, "n2", "docker.io")
    assert "<img" in details and "last changed 2026-01-01 00:00:00 UTC, and is owned by the user ID 1000" in details
    close(browser)
    assert "Configured as the variables describe" in click(browser, "n2", "quay.io")
    assert browser.run("return window.owned") is None


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_light_and_dark_narrow_and_wide(browser, show, scheme, width):
    browser.scheme(scheme)
    browser.size(width, 844)
    show(motley(60))
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert luminance(paper) > 0.85 if scheme == "light" else luminance(paper) < 0.02
    for name in ("top", "matrix", "details"):
        if name == "matrix":
            browser.run("document.getElementById('around').scrollIntoView()")
        if name == "details":
            click(browser, "worker-05.prod.example.com", "quay.io")
        fits = "return [document.documentElement, document.getElementById('details')].every((each) => " \
               "each.scrollWidth <= innerWidth)"  # fmt: skip
        assert browser.run(fits), "the page itself must not scroll sideways"
        if shots():
            browser.screenshot(shots() / f"{name}-{scheme}-{width}.png")


def luminance(colour: str) -> float:
    """Relative luminance of rgb(…), as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_differ_without_their_hue(browser, show, scheme):
    """Who sees no hue at all still sees the sign of each field, and which fields are not as they should be."""
    browser.scheme(scheme)
    show(motley(60))
    colours = browser.run(COLOURS)
    assert set(colours) == {"good", "bypassed", "failed", "unknown"}
    assert all(contrast(paper, ink) >= 4.5 for paper, ink in colours.values()), colours
    papers = [colours[kind][0] for kind in ("good", "bypassed", "failed")]
    assert all(contrast(one, other) > 1.35 for one in papers for other in papers if one != other), papers
    signs = browser.run("return [...document.querySelectorAll('#kinds .sign')].map((each) => each.textContent)")
    assert len(set(signs)) == 4


def reopened(browser, page: Path) -> int:
    """Open a page; returns the milliseconds that it took."""
    browser.open(page)
    return browser.run("return performance.timing.domComplete - performance.timing.navigationStart")


@pytest.mark.parametrize("sample", [fleet, motley, unlike])
def test_300_nodes(browser, show, sample):
    page = show(sample(300))
    assert page.stat().st_size < 1_000_000
    # From the beginning of the navigation to the end of the script, by the browser's own clock; the best of three,
    # since other programs run too.
    took = [reopened(browser, page) for dummy in range(3)]
    assert min(took) < 1000
    assert browser.run(f"return {ROWS}.length") == 300


def test_hostile_nodes_are_only_text(browser, show):
    show({EVIL: {**fleet(1)["n000"], "version": EVIL}, "n2": {"msg": EVIL}}, {"msg": EVIL})
    assert browser.run("return [...document.scripts].length") == 2
    assert browser.run("return document.querySelectorAll('img, li b, table b').length") == 0
    for name in ("matrix", "problems"):
        assert "<img" in browser.run(f"return document.getElementById('{name}').innerText")
    browser.run("document.querySelectorAll('#matrix button').forEach((each) => { each.click(); "
                "document.getElementById('details').close(); })")  # fmt: skip
    assert browser.run("return window.owned") is None
