"""A comparison in a real browser, over a sweep that trains on a real kernel."""

import re

import pytest
from real_lab import box_of, eventually, expect, outputs, run_cell

SWEEP = """import torch, dlnb as dl
from torch import nn
from dlnb.data.batches import TensorBatches
from dlnb.train.sweeps.sweep import sweep
from dlnb.widgets.compare import compare
x = torch.randn(640, 2, generator=torch.Generator().manual_seed(1)); y = (x[:, 0] * x[:, 1] > 0).long()
task = dl.Task("quadrants", TensorBatches(x, y, size=32, shuffle=True), TensorBatches(x, y, size=320))
def make(lr, dropout):
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 2))
    return dl.fit(model, task, lr=lr, epochs=EPOCHS, threads=1)
found = sweep(make, {"lr": (1e-4, 1e-1, "log"), "dropout": (0.0, 0.5)}, trials=TRIALS, at_once=2, vectorize=VECTORIZE)
compare(found)"""

# How many pixels of the curves are painted with a colour that is no grey.
PAINTED = """(canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 60 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) count++;
    return count;
}"""


@pytest.fixture
def comparing(notebook):
    """A page on which a sweep trains in front of the reader; further cells follow the first."""

    def opened(*cells: str, epochs: int = 10**6, trials: int = 4, vectorize: bool = False):
        first = SWEEP.replace("EPOCHS", str(epochs)).replace("TRIALS", str(trials)).replace("VECTORIZE", str(vectorize))
        page = notebook(first, *cells)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-compare[data-lines]")
        return page

    return opened


def rows(page) -> list[list[str]]:
    text = page.locator(".dlnb-compare .dlnb-table tbody").inner_text()
    return [row.split("\t") for row in text.split("\n") if row.strip()]


def steps(page) -> list[int]:
    return [int(row[2].replace(",", "")) for row in rows(page)]


def said(page, index: int, words: str) -> None:
    run_cell(page, index)
    expect(outputs(page, index)).to_contain_text(words)


def test_the_lines_grow_while_they_train_and_one_is_stopped_and_promoted_with_keys_alone(comparing):
    page = comparing(
        "print([trial.state for trial in found.trials])", "print(found.trials[0].promoted, found.trials[0].state)"
    )
    page.wait_for_selector('.dlnb-compare[data-lines="2"]')
    before = max(steps(page))
    page.wait_for_function(
        "(n) => [...document.querySelectorAll('.dlnb-compare tbody td:nth-child(3)')]"
        ".some((cell) => Number(cell.textContent.replaceAll(',', '')) > n)",
        arg=before + 200,
    )
    assert eventually(page, lambda: page.locator(".dlnb-overlay canvas").evaluate(PAINTED), lambda ink: ink > 100) > 100
    page.locator(".dlnb-overlay .dlnb-plot").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".dlnb-selected h3")).to_contain_text("trial 0")
    expect(page.locator(".dlnb-point")).to_contain_text("trial 0, step")
    page.locator("[data-action=stop-line]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".dlnb-selected h3")).to_contain_text("stopped")
    said(page, 1, "'stopped'")
    page.locator("[data-action=promote]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".dlnb-selected h3")).to_contain_text("promoted")
    said(page, 2, "True running")
    page.click("[data-action=stop]")
    page.wait_for_selector(".dlnb-compare[data-state=stopped]")


def test_a_finished_sweep_is_searched_by_brush_sorted_and_summed_up(comparing):
    page = comparing(epochs=10, trials=8)
    page.wait_for_selector(".dlnb-compare[data-state=done]")
    expect(page.locator(".dlnb-importance li")).to_have_count(2)
    expect(page.locator(".dlnb-responses figure")).to_have_count(2)
    table = rows(page)
    values = [float(row[3]) for row in table if row[1] == "done"]
    assert len(table) == 8 and values == sorted(values)
    rail = page.locator(".dlnb-rail").first
    rail.focus()
    page.keyboard.press("ArrowUp")  # the upper half of the learning rates
    rates = [float(row[4]) for row in table]
    middle = (1e-4 * 1e-1) ** 0.5
    expect(page.locator(".dlnb-compare tbody tr")).to_have_count(sum(rate >= middle for rate in rates))
    page.keyboard.press("Escape")
    expect(page.locator(".dlnb-compare tbody tr")).to_have_count(8)
    box = box_of(rail)
    page.mouse.move(box["x"] + 9, box["y"] + box["height"] - 1)
    page.mouse.down()
    page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(page.locator(".dlnb-compare tbody tr")).to_have_count(sum(rate <= middle for rate in rates))
    page.keyboard.press("b")
    expect(page.locator(".dlnb-selected h3")).to_contain_text(table[0][0])
    expect(page.locator(".dlnb-compare .dlnb-spoken")).to_contain_text(re.compile("8 trials|running"))


def test_a_click_on_a_curve_chooses_it_and_a_fork_of_it_is_one_more_line(comparing):
    page = comparing(epochs=10, trials=3)
    page.wait_for_selector(".dlnb-compare[data-state=done]")
    box = box_of(page.locator(".dlnb-overlay .dlnb-plot"))
    for down in range(10, int(box["height"]) - 30, 8):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + down)
        if page.locator("[data-action=fork]").count():
            break
    page.click("[data-action=fork]")
    page.wait_for_selector('.dlnb-compare[data-lines="4"]')
    assert any(row[0].startswith("fork of trial") for row in rows(page))


def test_256_settings_at_once_are_drawn_while_they_train_and_the_page_stays_alive(comparing):
    page = comparing("print(found.state)", trials=256, vectorize=True)
    page.wait_for_selector('.dlnb-compare[data-lines="256"]')
    before = max(steps(page))
    assert eventually(page, lambda: max(steps(page)), lambda now: now > before) > before
    page.locator(".dlnb-rail").first.focus()
    begin = page.evaluate("performance.now()")
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    page.wait_for_function("() => document.querySelectorAll('.dlnb-compare tbody tr').length < 200")
    assert page.evaluate("performance.now()") - begin < 10_000
    page.click("[data-action=pause]")
    page.wait_for_selector(".dlnb-compare[data-state=paused]")
    said(page, 1, "paused")
    page.click("[data-action=stop]")
    page.wait_for_selector(".dlnb-compare[data-state=stopped]")


def test_it_stands_in_one_column_in_a_narrow_window_and_follows_the_dark_theme(comparing):
    page = comparing(epochs=5, trials=4)
    page.wait_for_selector(".dlnb-compare[data-state=done]")
    wide = page.locator(".dlnb-overlay").bounding_box()["width"]
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 480, "height": 900})
    page.wait_for_function("(w) => document.querySelector('.dlnb-overlay').clientWidth < w", arg=wide)
    root = page.locator(".dlnb-compare").bounding_box()
    side, main = page.locator(".dlnb-side").bounding_box(), page.locator(".dlnb-main").bounding_box()
    assert side["y"] >= main["y"] + main["height"] - 1
    for part in page.locator(".dlnb-compare section, .dlnb-compare figure").all():
        box = part.bounding_box()
        assert box["x"] + box["width"] <= root["x"] + root["width"] + 1
    theme = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    page.evaluate(theme, "JupyterLab Dark")
    try:
        page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
        ground = page.locator(".dlnb-root").evaluate("(root) => getComputedStyle(root).backgroundColor")
    finally:
        page.evaluate(theme, "JupyterLab Light")  # the tests after this one share the settings
    assert all(int(part) < 100 for part in ground.removeprefix("rgb(").removesuffix(")").split(", "))
