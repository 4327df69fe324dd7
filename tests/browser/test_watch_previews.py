"""The predictions panel in a real JupyterLab: boxes, masks and texts, each of a run that trains."""

from real_lab import expect, run_cell, see_predictions

DETECTION = """import torch, dlnb as dl
task = dl.vision.scenes_detection(batch_size=4, scenes=40)
run = dl.fit(task.models["Detector"](), task, lr=3e-3, epochs=10**6)
dl.watch(run)"""

SMALL = """import numpy as np, torch, dlnb as dl
from dlnb.preview import Masks, Texts
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
