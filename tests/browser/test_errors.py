"""The view of mistakes in a real browser, on a LeNet that trains."""

import re

import pytest
from real_lab import box_of, eventually, expect, run_cell

LENET = """import dlnb as dl
from dlnb.widgets.errors import errors
with dl.seeded(0):
    model = dl.vision.LeNet()
run = dl.fit(model, dl.vision.digits(), epochs={epochs}{more})
errors(run)"""
MARK = "next((mark.text for mark in reversed(run.history.marks) if 'try again' in mark.text), '')"


@pytest.fixture
def errors(notebook):
    """A page with a view of mistakes in its first cell."""

    def opened(epochs: int = 10_000, more: str = "", *cells: str):
        page = notebook(LENET.format(epochs=epochs, more=more), *cells)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-summary")
        return page

    return opened


def step(page) -> int:
    return int(page.locator(".dlnb-errors").get_attribute("data-step"))


def wait_for(page, condition: str) -> None:
    page.wait_for_function(condition)


# Pictures that have been drawn, each with some light and some dark.
DRAWN = """() => [...document.querySelectorAll('.dlnb-examples canvas')].filter(c => {
  const grey = c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 0);
  return Math.max(...grey) > 100 && Math.min(...grey) < 50;
}).length === 24"""


def test_it_follows_the_training_and_shows_the_worst_examples_with_their_pictures(errors):
    page = errors()
    first = step(page)
    wait_for(page, f"() => Number(document.querySelector('.dlnb-errors').dataset.step) > {first}")
    expect(page.locator(".dlnb-summary")).to_contain_text("of 180 validation examples")
    wait_for(page, "() => Number(document.querySelector('.dlnb-errors').dataset.step) > 100")
    wait_for(page, DRAWN)
    expect(page.locator(".dlnb-examples li").first).to_have_class(re.compile("dlnb-"))


def test_a_click_on_a_cell_shows_its_examples_and_the_keys_do_so_too(errors):
    page = errors(15, ", block=True")
    canvas = page.locator(".dlnb-matrix canvas")
    box = box_of(canvas)
    canvas.click(position={"x": box["width"] - 10, "y": box["height"] - 10})
    expect(page.locator(".dlnb-about")).to_contain_text("Truly 9, the model says 9")
    shown = page.locator(".dlnb-examples li")
    expect(shown.first).to_be_visible()
    by_mouse = shown.count()
    canvas.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    spoken = page.locator(".dlnb-matrix .dlnb-point")
    expect(spoken).to_contain_text("truly 7, the model says 8")
    page.keyboard.press("ArrowLeft")
    expect(spoken).to_contain_text("truly 7, the model says 7")
    count = int(re.search(r"says 7: (\d+)", spoken.inner_text())[1])
    page.keyboard.press("Enter")
    expect(page.locator(".dlnb-about")).to_contain_text("Truly 7, the model says 7")
    expect(shown).to_have_count(count)
    assert 0 < by_mouse <= 24


def test_it_follows_a_seek(errors):
    page = errors(15, ", block=True", "run.seek(0)")
    assert step(page) == 300
    run_cell(page, 1)
    wait_for(page, "() => document.querySelector('.dlnb-errors').dataset.step === '0'")
    words = page.locator(".dlnb-summary").inner_text()
    assert int(re.search(r"Right on (\d+) of 180", words)[1]) < 90, "an untrained model"


def test_the_test_set_is_shown_after_one_question_only(errors):
    page = errors(5, ", block=True")
    page.click("button[data-split=test]")
    expect(page.locator("[role=alertdialog]")).to_contain_text("how results become too good")
    expect(page.locator("[data-action=sure]")).to_be_focused()
    page.click("[data-action=not]")
    expect(page.locator("[role=alertdialog]")).to_have_count(0)
    expect(page.locator(".dlnb-summary")).to_contain_text("180 validation examples")
    page.click("button[data-split=test]")
    page.click("[data-action=sure]")
    expect(page.locator(".dlnb-summary")).to_contain_text("360 test examples")
    page.click("button[data-split=train]")
    expect(page.locator("[role=alertdialog]")).to_have_count(0)
    expect(page.locator(".dlnb-summary")).to_contain_text("1,257 training examples")


def test_chosen_examples_are_noted_and_their_gradients_compared(errors):
    page = errors(
        5,
        ", block=True",
        f"import time\nend = time.monotonic() + 120\nwhile not {MARK} and time.monotonic() < end: time.sleep(0.1)\nprint({MARK})",
    )
    items = page.locator(".dlnb-examples li button")
    items.nth(0).click()
    items.nth(0).press("ArrowRight")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".dlnb-chosen")).to_contain_text("2 chosen: valid")
    page.click("[data-action=help]")
    expect(page.locator(".dlnb-influence")).to_contain_text("The dot product of their gradients is")
    page.click("[data-action=note]")
    run_cell(page, 1)
    expect(page.locator(".jp-OutputArea-output").last).to_contain_text("try again: valid ")
    page.click("[data-action=none]")
    expect(page.locator(".dlnb-chosen")).to_have_count(0)


def test_keys_lists_and_the_table(errors):
    page = errors(5, ", block=True")
    page.locator(".dlnb-matrix canvas").focus()
    page.keyboard.press("f")
    expect(page.locator("[data-list=forgotten]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("w")
    expect(page.locator("[data-list=worst]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("t")
    expect(page.locator(".dlnb-table tbody tr")).to_have_count(10)
    page.locator(".dlnb-table tbody button").nth(3).click()
    expect(page.locator(".dlnb-about")).to_contain_text("Mistakes with 3")
    page.keyboard.press("m")
    expect(page.locator(".dlnb-tools input").nth(1)).to_be_checked()
    page.select_option(".dlnb-chart select", "4")
    expect(page.locator(".dlnb-chart .dlnb-point").first).to_contain_text("average precision")


def test_a_reload_brings_back_everything(errors):
    page = errors(5, ", block=True")
    words = page.locator(".dlnb-summary").inner_text()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_selector(".dlnb-summary")
    expect(page.locator(".dlnb-summary")).to_have_text(words)
    wait_for(page, "() => document.querySelectorAll('.dlnb-examples canvas').length === 24")


@pytest.mark.parametrize("width", [400, 620])
def test_in_a_narrow_window_nothing_sticks_out(errors, width):
    page = errors(5, ", block=True")
    page.evaluate(f"() => document.querySelector('.dlnb-root').style.width = '{width}px'")
    wide = """() => { const right = document.querySelector('.dlnb-errors').getBoundingClientRect().right;
             return [...document.querySelectorAll('.dlnb-errors *')]
               .filter(e => !e.closest('.dlnb-table') && !e.closest('.dlnb-spoken'))
               .filter(e => e.getBoundingClientRect().right > right + 1).map(e => e.className || e.tagName); }"""
    page.wait_for_timeout(500)  # before, it might not have begun to follow
    assert eventually(page, lambda: page.evaluate(wide), lambda found: found == []) == []


def test_a_regression_is_read_by_its_dots(notebook):
    page = notebook(
        """import torch, dlnb as dl
from dlnb.widgets.errors import errors
x = torch.randn(300, 4)
split = [(x[i:i + 50], x[i:i + 50, :1] * 3) for i in range(0, 300, 50)]
task = dl.Task.from_loaders(split, split, loss=torch.nn.functional.mse_loss)
run = dl.fit(torch.nn.Linear(4, 1), task, epochs=3, block=True)
errors(run)"""
    )
    run_cell(page, 0)
    page.wait_for_selector(".dlnb-dot")
    expect(page.locator(".dlnb-summary")).to_contain_text("Off by")
    page.locator(".dlnb-svg").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".dlnb-point").first).to_contain_text("predicted")
    expect(page.locator(".dlnb-examples li")).to_have_count(24)
