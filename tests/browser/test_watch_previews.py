"""The predictions panel in a real JupyterLab: boxes, masks, texts, pictures with texts and forecasts, each of a run that trains."""

from real_lab import expect, run_cell, see_predictions

DETECTION = """import torch, dlnb as dl
task = dl.vision.scenes_detection(batch_size=4, scenes=40)
run = dl.fit(task.models["Detector"](), task, lr=3e-3, epochs=10**6)
dl.watch(run)"""

SMALL = """import numpy as np, torch, dlnb as dl
from dlnb.preview import Captioned, Forecasts, Masks, Texts
data = [(torch.randn(8, 2), torch.zeros(8, dtype=torch.long))] * 50
task = dl.Task.from_loaders(data, loss=torch.nn.functional.cross_entropy)
"""

MASKS = f"""{SMALL}
pixels = np.random.RandomState(0).randint(0, 256, (3, 24, 32, 3)).astype(np.uint8)
truth = np.zeros((3, 24, 32), np.uint8)
truth[:, 5:15, 5:20] = 1
task.preview = lambda model: Masks(pixels, ("ground", "cat", "<b>dog</b>"), truth, np.roll(truth, 4, 2) * 2)
run = dl.fit(torch.nn.Linear(2, 2), task, epochs=10**6)
dl.watch(run)"""

TEXTS = f"""{SMALL}
read = ('<img src=x onerror="window.hacked=1"> a fine film', "سلام دنیا", "не плохо 👩‍🚀")
task.preview = lambda model: Texts(read, ("for", "against", "for"), ("for", "for", "<b>for</b>"),
                                   np.array([True, False, True]), np.float32([0.9, 0.6, 0.7]))
run = dl.fit(torch.nn.Linear(2, 2), task, epochs=10**6)
dl.watch(run)"""


CAPTIONED = f"""{SMALL}
def preview(model):
    pixels = np.random.RandomState(run.steps % 1000 if 'run' in globals() else 0).randint(0, 256, (3, 40, 150)).astype(np.uint8)
    return Captioned(pixels, ("play some bach", "stop", "<b>x</b>"), ("play some bach", "", "<b>y</b>"), np.array([True, False, False]))
task.preview = preview
run = dl.fit(torch.nn.Linear(2, 2), task, epochs=10**6)
dl.watch(run)"""

FORECASTS = f"""{SMALL}
wave = np.sin(np.arange(60, dtype=np.float32) / 5)[None] * np.float32([[1], [2], [3]])
said = wave[:, 48:] + 0.3
task.preview = lambda model: Forecasts(wave[:, :48], wave[:, 48:], said, said - 0.4, said + 0.4, unit="MW", step="hour")
run = dl.fit(torch.nn.Linear(2, 2), task, epochs=10**6)
dl.watch(run)"""


def test_a_detectors_boxes_are_drawn_over_the_pictures_and_follow_the_training(notebook):
    page = notebook(DETECTION, "run.pause()")
    run_cell(page, 0)
    gallery = see_predictions(page)
    expect(gallery.locator("li canvas")).to_have_count(12)
    boxes = gallery.locator("li .dlnb-box-true rect:not(.dlnb-box-under)")
    assert boxes.count() >= 12
    # An outline lies on its picture, and truth is told from what was found without colours.
    picture, outline = gallery.locator("li canvas").first.bounding_box(), boxes.first.bounding_box()
    assert picture["x"] - 3 <= outline["x"] <= picture["x"] + picture["width"] + 3
    assert boxes.first.evaluate("box => getComputedStyle(box).strokeDasharray") != "none"
    expect(gallery).to_contain_text("objects found")
    gallery.get_by_text("worst").click()
    expect(gallery.locator("li canvas")).to_have_count(12)
    run_cell(page, 1)


def test_masks_are_laid_over_the_pictures_beside_the_truth_with_a_legend(notebook):
    page = notebook(MASKS, "run.pause()")
    run_cell(page, 0)
    gallery = see_predictions(page)
    expect(gallery.locator("figure canvas")).to_have_count(6)
    expect(gallery.locator(".dlnb-legend")).to_contain_text("<b>dog</b>")
    colours = "canvas => [...canvas.getContext('2d').getImageData(8, 8, 1, 1).data]"
    truth, said = (gallery.locator("figure canvas").nth(place).evaluate(colours) for place in (0, 1))
    assert truth != said
    run_cell(page, 1)


def test_texts_stay_texts_and_run_in_their_own_direction(notebook):
    page = notebook(TEXTS, "run.pause()")
    run_cell(page, 0)
    gallery = see_predictions(page)
    expect(gallery.locator("tbody tr")).to_have_count(3)
    expect(gallery).to_contain_text('<img src=x onerror="window.hacked=1"> a fine film')
    expect(gallery).to_contain_text("2 of 3 right")
    direction = "cell => getComputedStyle(cell).direction"
    cells = gallery.locator("tbody tr")
    assert cells.nth(1).locator("td[dir=auto]").first.evaluate(direction) == "rtl"
    assert cells.nth(0).locator("td[dir=auto]").first.evaluate(direction) == "ltr"
    gallery.get_by_text("worst", exact=True).click()
    expect(cells.first).to_contain_text("سلام دنیا")
    assert page.evaluate("() => window.hacked") is None
    run_cell(page, 1)


def test_pictures_have_their_texts_and_new_pictures_replace_the_old_ones(notebook):
    page = notebook(CAPTIONED, "run.pause()")
    run_cell(page, 0)
    gallery = see_predictions(page)
    expect(gallery.locator("li canvas")).to_have_count(3)
    expect(gallery).to_contain_text("<b>y</b>")
    expect(gallery).to_contain_text("1 of 3 right")
    row = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 150, 1).data].join()"
    first = gallery.locator("li canvas").first.evaluate(row)
    page.wait_for_function(
        "first => { const c = document.querySelector('.dlnb-captioned canvas');"
        " return c && [...c.getContext('2d').getImageData(0, 0, 150, 1).data].join() !== first; }",
        arg=first,
    )
    gallery.get_by_text("worst", exact=True).click()
    expect(gallery.locator("li").last).to_contain_text("play some bach")
    run_cell(page, 1)


def test_a_forecast_is_drawn_beside_what_came_and_says_how_far_it_is_off(notebook):
    page = notebook(FORECASTS, "run.pause()")
    run_cell(page, 0)
    gallery = see_predictions(page)
    charts = gallery.locator("ul.dlnb-series li")
    expect(charts).to_have_count(3)
    expect(gallery).to_contain_text("off by 0.3 MW on the average")
    assert charts.first.locator("svg").get_attribute("aria-label").startswith("12 hours ahead, from ")
    # Truth and forecast are told apart without colours, and lie inside of the chart.
    dashes = [charts.first.locator(f"polyline.dlnb-line-{name}").evaluate("line => getComputedStyle(line).strokeDasharray") for name in ("truth", "said")]
    assert dashes[0] != "none" and dashes[1] == "none"
    chart, line = charts.first.locator("svg").bounding_box(), charts.first.locator("polyline.dlnb-line-said").bounding_box()
    assert chart["y"] - 2 <= line["y"] and line["y"] + line["height"] <= chart["y"] + chart["height"] + 2
    run_cell(page, 1)
