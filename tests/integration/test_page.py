# Copyright (c) 2026, the airgap.containerd contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report in a real browser: of a small fleet, of 300 nodes, and of hostile nodes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from browser import chromium
from fleet_samples import EVIL, fleet, motley, unlike

from ansible_collections.airgap.containerd.plugins.plugin_utils._report import document, settings
from ansible_collections.airgap.containerd.plugins.plugin_utils._report import page as page_module

VIEWS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280, 1920)]
ROWS = "[...document.querySelectorAll('#matrix tbody tr:not(.group)')].filter((each) => each.offsetParent)"
NOW = "2026-01-01T00:00:00+00:00"
COLOURS = """return Object.fromEntries([...document.querySelectorAll('#matrix td a')].map((each) =>
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


def click(browser, name: str, column: int) -> str:
    """Click on a cell; returns the text of the details."""
    browser.run(f"{ROWS}.find((each) => each.cells[0].textContent.startsWith('{name}')).cells[{column}]"
                ".querySelector('a').click()")  # fmt: skip
    return browser.run("return document.querySelector('.details:target').innerText")


def close(browser) -> None:
    browser.run("document.querySelector('.details:target .close').click()")
    assert browser.run("return document.querySelector('.details:target')") is None


def press(browser, kind: str) -> int:
    """Show the nodes of one kind; returns how many the matrix shows then."""
    browser.run(f"document.querySelector('label[for=show-{kind}]').click()")
    return browser.run(f"return {ROWS}.length")


def test_matrix_and_details(browser, show):
    show(fleet(12))
    heads = browser.run("return [...document.querySelectorAll('#matrix thead span')].map((each) => each.textContent)")
    assert heads == ["docker.io", "quay.io", "registry.k8s.io"]
    rows = browser.run(f"return {ROWS}.map((each) => each.textContent)")
    assert len(rows) == 12 and "?" in rows[0] and "✕connection refused" in rows[1]
    assert "✕" not in rows[-1] and "0.11 s" in rows[-1]
    text = click(browser, "n003", 2)
    for words in (
        "quay.io",
        "on n003, n006, n009, containerd 1.7.24",
        "m.lan:81 cannot be used",
        "Start the registry",
        "HEAD http://m.lan:81/v2/",
        "containerd error",
        "/etc/containerd/certs.d/quay.io exists",
    ):
        assert words in text, text
    assert "Endpoint" in text and "http://m.lan:81" in text
    close(browser)
    assert "from http://m.lan" in click(browser, "n000", 1)
    close(browser)
    assert "Failed to connect to the host" in click(browser, "n001", 1)


def test_what_needs_attention_is_summed_up_and_the_matrix_narrowed(browser, show):
    show(fleet(12), {"projects": [{"problems": ["Harbor has no project quay."]}]})
    text = browser.run("return document.body.innerText")
    for words in (
        "4 of 12 nodes and Harbor need",
        "8 as expected",
        "3 failed to pull",
        "1 unreachable",
        "no project quay",
    ):
        assert words in text, text
    cards = browser.run("return [...document.querySelectorAll('#problems li')].map((each) => each.innerText)")
    assert len(cards) == 3 and "Start the registry" in cards[2] and "3 nodes:" in cards[2]
    assert [press(browser, kind) for kind in ("unreachable", "failed", "good", "all")] == [1, 3, 8, 12]


def test_failed_nodes_are_copied_for_limit(browser, show):
    show(fleet(12))
    browser.developer("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    for selector, copied in (("header .copy", "n001,n003,n006,n009"), ("#p1 .copy", "n003,n006,n009")):
        browser.run(f"document.querySelector('{selector}').click()")
        for _attempt in range(50):
            if browser.run(f"return document.querySelector('{selector}').textContent") == "Copied":
                break
            time.sleep(0.02)
        assert browser.run("return navigator.clipboard.readText()") == f"--limit {copied}"
    browser.run("Object.defineProperty(navigator, 'clipboard', {value: undefined}); "
                "document.execCommand = () => false; document.querySelector('#p0 .copy').click()")  # fmt: skip
    time.sleep(0.05)
    assert browser.run("return document.querySelector('#p0 .copy').textContent") == "--limit n001", "to copy by hand"


def test_all_but_copying_works_without_a_script(browser, show):
    browser.developer("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(fleet(12))
    finally:
        browser.developer("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("return document.querySelector('header .copy').offsetParent") is None
    assert "--limit n001,n003,n006,n009" in browser.run("return document.querySelector('header').innerText")
    assert press(browser, "failed") == 3
    assert "Endpoints tried, in order" in click(browser, "n003", 2)
    close(browser)


def test_the_keyboard_goes_everywhere_and_the_page_stays_where_it_is(browser, show):
    show(fleet(12))
    browser.run("document.querySelector('#matrix td a').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowRight"):
        key_event(browser, key)
    assert browser.run("return document.activeElement.title").startswith("failed to pull: http://m.lan:81")
    assert browser.run("return document.querySelectorAll('#matrix a[tabindex=\"0\"]').length") == 1
    browser.run("scrollTo(0, 99)")
    browser.run("document.activeElement.click()")
    assert browser.run("return document.querySelector('.details:target h2').textContent") == "quay.io"
    time.sleep(0.1)
    key_event(browser, "Escape")
    time.sleep(0.1)
    assert browser.run("return [document.querySelector('.details:target'), scrollY]") == [None, 99]
    assert browser.run("return document.activeElement.title").startswith("failed to pull"), "where it was opened"


def key_event(browser, key: str) -> None:
    script = f"new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true}})"
    browser.run(f"document.activeElement.dispatchEvent({script})")


def test_a_fleet_that_is_as_expected(browser, show):
    show(fleet(1))
    text = browser.run("return document.querySelector('header').innerText")
    assert "Everything is as expected" in text and "The node pulls every image" in text
    assert browser.run("return document.getElementById('wrong')") is None


def test_the_settings_of_nodes(browser, show):
    edited = {
        "path": "/etc/containerd/certs.d/docker.io/hosts.toml", "cause": "hand_edit", "upstream": "docker.io",
        "seen": EVIL, "changed_at": NOW, "owner": 1000,
    }  # fmt: skip
    planned = {"pending": True, "version": "2.1.9", "namespaces": ["docker.io", "quay.io"], "changes": []}
    show({"n1": planned, "n2": {**planned, "changes": [edited]}, "n3": {"msg": EVIL}}, made=settings.settings)
    assert browser.run("return document.title") == "✕ Settings of the nodes"
    text = browser.run("return document.body.innerText")
    for words in ("1 of 3 nodes is configured as the variables describe", "1 would change", "1 failed"):
        assert words in text, text
    assert press(browser, "drift") == 1
    details = click(browser, "n2", 1)
    assert "<img" in details and "last changed 2026-01-01 00:00:00 UTC and is owned by user ID 1000" in details
    close(browser)
    assert "Configured as the variables describe" in click(browser, "n2", 2)
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
            browser.run("document.getElementById('all').scrollIntoView()")
        if name == "details":
            click(browser, "worker-05", 9)
        fits = "return document.documentElement.scrollWidth <= innerWidth"
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
    """Who sees no hue at all still sees the sign of each cell, and which cells are not as expected."""
    browser.scheme(scheme)
    show(motley(60))
    colours = browser.run(COLOURS)
    assert set(colours) == {"good", "bypassed", "failed", "unreachable"}
    assert all(contrast(paper, ink) >= 4.5 for paper, ink in colours.values()), colours
    papers = [colours[kind][0] for kind in ("good", "bypassed", "failed")]
    assert all(contrast(one, other) > 1.35 for one in papers for other in papers if one != other), papers
    signs = browser.run("return [...document.querySelectorAll('#kinds .sign')].map((each) => each.textContent)")
    assert len(set(signs)) == 4


def work(browser) -> float:
    """Return the seconds of processor time that a page has taken: other programs run too, and do not count."""
    metrics = browser.developer("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in metrics}["TaskDuration"]


@pytest.mark.parametrize("sample", [fleet, motley, unlike])
def test_300_nodes(browser, show, sample):
    browser.developer("Performance.enable", timeDomain="threadTicks")
    page = show(sample(300))
    assert page.stat().st_size < 1_000_000
    assert browser.run(f"return {ROWS}.length") == 300
    assert 0 < work(browser) < 1
    browser.developer("Performance.disable")


def test_hostile_nodes_are_only_text(browser, show):
    show({EVIL: {**fleet(1)["n000"], "version": EVIL}, "n2": {"msg": EVIL}}, {"msg": EVIL})
    assert browser.run("return [...document.scripts].length") == 1
    assert browser.run("return document.querySelectorAll('img').length") == 0
    for name in ("matrix", "problems"):
        assert "<img" in browser.run(f"return document.getElementById('{name}').innerText")
    browser.run("document.querySelectorAll('#matrix td a').forEach((each) => each.click())")
    assert browser.run("return window.owned") is None
