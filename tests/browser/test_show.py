"""`dl.show` in a real browser: zoomed to the numbers, by mouse and by keyboard alone, while the kernel computes, and after it is gone."""

import re

import pytest
from playwright.sync_api import Page
from real_lab import expect, run_cell

SETTING = """import numpy as np, torch, dlnb as dl
draw = np.random.default_rng(0)
photo = draw.integers(0, 256, (60, 80, 3), dtype=np.uint8)
digit = np.arange(64.0, dtype=np.float32).reshape(8, 8) / 64
times = np.arange(8000) / 8000
tone = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)"""


@pytest.fixture
def shown(notebook):
    """`shown("dl.show(digit)")` is the page with the widget of that cell."""

    def opened(code: str):
        page = notebook(SETTING, code)
        run_cell(page, 0)
        run_cell(page, 1)
        expect(page.locator(".dlnb-show[data-sight]")).to_be_visible()
        return page

    return opened


def canvas(page: Page):
    return page.locator(".dlnb-show .dlnb-stage canvas").first


def said(page: Page):
    return page.locator(".dlnb-show .dlnb-point")


def test_a_picture_is_zoomed_to_its_numbers_by_keyboard_alone(shown):
    page = shown("dl.show(photo)")
    canvas(page).focus()
    expect(said(page)).to_contain_text("Come closer")
    for _ in range(4):
        page.keyboard.press("+")
    expect(page.locator(".dlnb-show .dlnb-stage figcaption")).to_contain_text(re.compile(r"columns \d+ to \d+ of 60 × 80"))
    page.keyboard.press("ArrowRight")
    expect(said(page)).to_have_text(re.compile(r"row \d+, column \d+: red \d+, green \d+, blue \d+"))
    page.keyboard.press("t")
    expect(page.locator(".dlnb-show .dlnb-scroll tbody tr").first).to_be_visible()
    page.keyboard.press("0")
    expect(page.locator(".dlnb-show .dlnb-stage figcaption")).to_contain_text("all 60 × 80")


def test_what_is_read_is_what_the_kernel_has(shown):
    page = shown("dl.show(digit)")
    canvas(page).hover(position={"x": 3, "y": 3})
    expect(said(page)).to_have_text("row 0, column 0: 0")
    canvas(page).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(said(page)).to_have_text("row 2, column 1: 0.26563")


def test_a_batch_is_turned_over(shown):
    page = shown("dl.show(torch.rand(5, 1, 8, 8), [0, 1, 2, 3, 4])")
    buttons = page.locator(".dlnb-contact button")
    expect(buttons).to_have_count(5)
    buttons.nth(3).click()
    expect(buttons.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(canvas(page)).to_have_attribute("aria-label", re.compile("Picture 3, 3"))


def test_a_sound_is_zoomed_to_its_samples_and_its_pitch_is_read(shown):
    page = shown("dl.show(tone, rate=8000)")
    expect(page.locator(".dlnb-waves canvas")).to_have_count(2)
    canvas(page).focus()
    page.keyboard.press("ArrowRight")
    expect(said(page)).to_contain_text(re.compile(r"loudest around it: 4[34]\d Hz"))
    for _ in range(12):
        page.keyboard.press("+")
    expect(page.get_by_role("button", name="Closer")).to_be_disabled()


def test_everything_else_opens_too(notebook):
    cells = ["dl.show('the cat')", "dl.show(draw.random((4, 3)), names=list('abc'))", "dl.show(dl.driving.World('highway').reset(seed=0))",
             "dl.show(dl.vision.digits(seed=0).show(*dl.vision.digits(seed=0).valid.batch(0, 0, 0)[:-1]))"]  # fmt: skip
    page = notebook(SETTING, *cells)
    for place in range(len(cells) + 1):
        run_cell(page, place)
    for sight in ("tokens", "table", "scene", "preview"):
        expect(page.locator(f".dlnb-show[data-sight={sight}]")).to_be_visible()
    rows = page.locator("[data-sight=scene] tbody tr")
    rows.nth(1).focus()
    page.keyboard.press("ArrowUp")
    expect(rows.nth(0)).to_be_focused()


def test_zooming_needs_no_kernel(shown, notebook):
    page = shown("dl.show(photo)")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    canvas(page).click(position={"x": 20, "y": 20})
    expect(page.locator(".dlnb-show .dlnb-stage figcaption")).to_contain_text("of 60 × 80")


def test_a_narrow_window_cuts_nothing_off(shown):
    page = shown("dl.show(photo)")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 480, "height": 900})
    page.wait_for_timeout(500)
    wide = page.locator(".dlnb-show").evaluate("(node) => [node.scrollWidth, node.clientWidth]")
    assert wide[0] <= wide[1] + 1
