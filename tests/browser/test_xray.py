"""The x-ray in a real browser, on a real LeNet that trains: open, choose, switch off, freeze, begin anew."""

import re

import pytest
from real_lab import box_of, expect, outputs, run_cell

TRAIN = """import dlnb as dl, torch
from dlnb.widgets.xray import xray
with dl.seeded(0):
    model = dl.vision.LeNet()
run = dl.fit(model, dl.vision.digits(), epochs=2000)
view = xray(run)
view"""
BARE = """import dlnb as dl, torch
from dlnb.widgets.xray import xray
with dl.seeded(0):
    model = dl.vision.LeNet().requires_grad_(True)
    batch = dl.vision.digits().test.batch(0, 0, 0)
view = xray(model, batch[0][:32], batch[1][:32])
view"""


@pytest.fixture
def seeing(notebook):
    """A page with an x-ray in its first cell; further cells follow."""

    def opened(*cells: str):
        page = notebook(*cells)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-xray .dlnb-tree-row canvas")
        return page

    return opened


def layer(page, path: str):
    return page.locator(f'.dlnb-tree-row[data-path="{path}"]')


def choose(page, path: str) -> None:
    layer(page, path).locator(".dlnb-name").click()
    page.wait_for_selector(f'.dlnb-detail[data-path="{path}"]')


def loss(page) -> str:
    return page.locator('[data-measure="loss"]').inner_text().removeprefix("loss").strip()


def step(page) -> int:
    return int(page.locator(".dlnb-xray").get_attribute("data-step"))


def ink(canvas) -> int:
    """How many colours a canvas shows."""
    return canvas.evaluate(
        """(c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"""
    )


def said(page, index: int, words: str | re.Pattern[str]) -> None:
    run_cell(page, index)
    expect(outputs(page, index)).to_contain_text(words)


def test_a_training_lenet_is_opened_a_channel_switched_off_and_the_loss_changes(seeing):
    page = seeing(TRAIN, "run.state, run.line.number")
    first = step(page)
    page.wait_for_function("(n) => Number(document.querySelector('.dlnb-xray').dataset.step) > n", arg=first)
    layer(page, "features").locator(".dlnb-fold").click()
    expect(layer(page, "features.2")).to_have_count(0)
    layer(page, "features").locator(".dlnb-fold").click()
    expect(layer(page, "features.2")).to_contain_text("(64, 32, 8, 8)")
    assert ink(layer(page, "features.2").locator("canvas").first) > 8
    choose(page, "features.2")
    expect(page.locator('[data-action="unit-off"]')).to_have_text("Switch channel 0 off")
    page.locator(".dlnb-channels canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")  # faster than the kernel answers
    expect(page.locator('[data-action="unit-off"]')).to_have_text("Switch channel 3 off")
    page.click('[data-action="unit-off"]')
    expect(page.locator('[data-measure="loss"]')).to_contain_text("→")
    before, after = loss(page).split(" → ")
    assert float(before) != float(after)
    expect(layer(page, "features.2")).to_contain_text("1 off")
    expect(page.locator(".dlnb-answer")).to_contain_text("the output moved by")
    expect(page.locator(".dlnb-big")).to_be_visible()
    page.click('[data-action="layer-off"]')  # all of it: the answer says nothing any more
    expect(layer(page, "features.2")).to_contain_text(re.compile(r"\boff"))
    page.wait_for_function("() => document.querySelector('.dlnb-big canvas').width > 0")
    page.click('[data-action="restore"]')
    expect(page.locator('[data-measure="loss"]')).not_to_contain_text("→")
    said(page, 1, "('running', 0)")  # the run has noticed nothing


def test_a_bare_model_by_keys_alone(seeing):
    page = seeing(BARE, "tuple(p.requires_grad for p in model.features[0].parameters()), len(view.looks.off)")
    start = loss(page)
    layer(page, "").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(layer(page, "features.0")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".dlnb-detail h3")).to_contain_text("features.0")
    page.keyboard.press("o")
    expect(layer(page, "features.0")).to_contain_text("1 off")
    expect(page.locator('[data-measure="loss"]')).to_contain_text("→")
    before, after = loss(page).split(" → ")
    assert float(before) == pytest.approx(float(start), abs=0.01) and before != after
    page.keyboard.press("o")
    expect(page.locator('[data-measure="loss"]')).to_have_text(re.compile(rf"loss\s+{re.escape(start)}$"))
    page.keyboard.press("f")
    expect(layer(page, "features.0")).to_contain_text("frozen")
    page.keyboard.press("ArrowLeft")
    expect(layer(page, "features")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(layer(page, "features.0")).to_have_count(0)
    said(page, 1, "((False, False), 0)")
    expect(page.locator(".dlnb-spoken")).to_contain_text("53,194 weights")
    expect(page.locator(".dlnb-spoken")).to_contain_text("loss")


def test_the_values_under_the_pointer_are_those_of_the_model(seeing):
    page = seeing(BARE, "model.eval(); float(model.features[0](batch[0][:32])[0, 0, 0, 0])")
    choose(page, "features.0")
    box = box_of(page.locator(".dlnb-big canvas"))
    page.mouse.move(box["x"] + box["width"] / 16, box["y"] + box["height"] / 16)
    expect(page.locator(".dlnb-point")).to_contain_text("channel 0, row 0, column 0: ")
    shown = float(page.locator(".dlnb-point").inner_text().split(": ")[1])
    run_cell(page, 1)
    expect(outputs(page, 1)).to_contain_text(re.compile(r"\d\.\d"))
    assert float(outputs(page, 1).inner_text().split("\n")[-1]) == pytest.approx(shown, rel=0.02)
    page.locator(".dlnb-detail label", has_text="table").locator("input").check()
    expect(page.locator(".dlnb-values td")).to_have_count(64)


def test_a_layer_begins_anew_only_after_a_yes_and_the_run_writes_it_down(seeing):
    marks = "[mark.text for mark in run.history.marks if 'anew' in mark.text]"
    until = f"import time\nend = time.monotonic() + 120\nwhile not {marks} and time.monotonic() < end: time.sleep(0.1)\n{marks}"
    page = seeing(TRAIN, marks, until)
    choose(page, "classifier.5")
    page.click('[data-action="reinitialise"]')
    expect(page.locator(".dlnb-ask")).to_contain_text("Draw the 1,290 weights of classifier.5 anew?")
    page.keyboard.press("Escape")  # at once: the question must have the key, whatever the browser has painted
    expect(page.locator(".dlnb-ask")).to_have_count(0)
    expect(page.locator('[data-action="reinitialise"]')).to_be_focused()
    said(page, 1, "[]")
    page.click('[data-action="reinitialise"]')
    expect(page.locator('[data-action="sure"]')).to_be_focused()
    page.keyboard.press("Enter")
    said(page, 2, "classifier.5 begun anew")


def test_seeking_in_a_cell_moves_the_view_and_closing_ends_it(seeing):
    page = seeing(
        TRAIN,
        "run.seek(20)",
        "view.close(); view.looks._run_changed in run.on_change, sum(len(m._forward_hooks) for m in model.modules())",
    )
    page.wait_for_function("() => Number(document.querySelector('.dlnb-xray').dataset.step) > 25")
    run_cell(page, 1)
    page.wait_for_function("() => document.querySelector('.dlnb-xray').dataset.step === '20'")
    expect(page.locator(".dlnb-xray .dlnb-head")).to_contain_text("paused")
    said(page, 2, "(False, 0)")


def test_an_error_of_the_model_is_said_in_the_widget(notebook):
    page = notebook(
        "import torch\nfrom dlnb.widgets.xray import xray\nxray(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.ones(4, 5))"
    )
    run_cell(page, 0)
    expect(page.locator(".dlnb-xray [role=alert]")).to_contain_text(
        "RuntimeError in 0 (Linear), which got ((4, 5))"
    )
    expect(page.locator('.dlnb-tree-row[data-path="0"]')).to_contain_text("Linear")
