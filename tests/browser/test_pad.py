"""The pad in a real browser: draw by mouse and by keys, and see what the model says."""

import pytest
from real_lab import at_rest, box_of, eventually, expect, run_cell

TRAINED = """import dlnb as dl
with dl.seeded(0):
    model = dl.vision.LeNet()
run = dl.fit(model, dl.vision.digits(), epochs={epochs}{block})
dl.pad({what})"""


@pytest.fixture
def pad(notebook):
    """A page with a pad in its first cell."""

    def opened(epochs: int = 15, block: bool = True, what: str = "run"):
        page = notebook(TRAINED.format(epochs=epochs, block=", block=True" if block else "", what=what))
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-pad")
        page.wait_for_selector(".dlnb-says li")
        return page

    return opened


def draw(page, *points: tuple[float, float]) -> None:
    """One stroke through points in the unit square."""
    box = box_of(page.locator(".dlnb-board canvas"))
    place = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*place[0])
    page.mouse.down()
    for x, y in place[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


def probabilities(page) -> list[float]:
    texts = page.locator(".dlnb-share").all_inner_texts()
    return [float(text.removesuffix("%")) for text in texts if text]


def wait_for_answer(page) -> list[float]:
    """What the model says of the drawing as it is now: an answer after which none comes."""
    page.wait_for_function("() => document.querySelector('.dlnb-share')?.textContent")
    return at_rest(page, lambda: probabilities(page), quiet=1000)


def test_a_drawn_one_is_read_as_a_one(pad):
    page = pad(what="model")
    draw(page, (0.5, 0.12), (0.5, 0.88))
    shares = wait_for_answer(page)
    assert sum(shares) == pytest.approx(100, abs=2)
    assert max(range(10), key=shares.__getitem__) == 1
    expect(page.locator(".dlnb-best .dlnb-class")).to_have_text("1")
    expect(page.locator(".dlnb-seen")).to_contain_text("8 × 8")


def test_the_answer_changes_with_the_drawing_and_clear_takes_it_away(pad):
    page = pad()
    draw(page, (0.5, 0.15), (0.5, 0.85))
    one = wait_for_answer(page)
    draw(page, (0.5, 0.15), (0.2, 0.5), (0.5, 0.85), (0.8, 0.5), (0.5, 0.15))
    assert eventually(page, lambda: probabilities(page), lambda now: now != one) != one
    wait_for_answer(page)
    page.click("[data-action=undo]")
    assert eventually(page, lambda: probabilities(page), lambda now: now == one) == one
    page.click("[data-action=clear]")
    page.wait_for_function("() => document.querySelector('.dlnb-share').textContent === ''")


def test_one_can_draw_with_the_keys_alone(pad):
    page = pad()
    page.locator(".dlnb-board canvas").focus()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(18):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    shares = wait_for_answer(page)
    assert max(range(10), key=shares.__getitem__) == 1
    page.keyboard.press("c")
    page.wait_for_function("() => document.querySelector('.dlnb-share').textContent === ''")


def test_the_answers_follow_a_run_that_trains(pad):
    page = pad(epochs=5000, block=False)
    draw(page, (0.5, 0.15), (0.5, 0.85))
    page.wait_for_function("() => document.querySelector('.dlnb-share').textContent !== ''")
    seen: set[str] = set()

    def look() -> int:
        seen.add(page.locator(".dlnb-says h3").inner_text())
        return len(seen)

    assert eventually(page, look, lambda count: count >= 3) >= 3


def test_the_drawing_survives_a_page_reload(pad):
    page = pad()
    draw(page, (0.5, 0.15), (0.5, 0.85))
    before = wait_for_answer(page)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_selector(".dlnb-pad")
    assert wait_for_answer(page) == before
    ink = page.evaluate(
        """() => { const c = document.querySelector('.dlnb-board canvas');
                   return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; }"""
    )
    assert ink > 200
    draw(page, (0.15, 0.9), (0.85, 0.9))
    both = """() => { const c = document.querySelector('.dlnb-board canvas').getContext('2d');
                   return [[128, 128], [60, 230]].map(([x, y]) => c.getImageData(x, y, 1, 1).data[0]); }"""
    drawn = eventually(page, lambda: page.evaluate(both), lambda light: min(light) > 200)
    assert min(drawn) > 200, "a new stroke joins the old drawing"
