"""The race down a surface in a real browser: step, play, click a start, turn a knob, by mouse and by keys."""

import pytest
from real_lab import at_rest, box_of, eventually, expect, run_cell


@pytest.fixture
def descend(notebook):
    """A page with a race in its first cell."""

    def opened(what: str = "'valley'"):
        page = notebook(f"import dlnb as dl\nview = dl.descend({what})\nview")
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-descend")
        return page

    return opened


def steps(page) -> int:
    return int(page.locator(".dlnb-descend").get_attribute("data-steps"))


def loss(page, name: str) -> float:
    return float(page.locator(f"[data-loss={name}]").inner_text())


def colours(page) -> int:
    """How many colours the map has."""
    return page.locator(".dlnb-board canvas").evaluate(
        """(canvas) => {
            const { data } = canvas.getContext('2d').getImageData(60, 20, canvas.width - 90, canvas.height - 80);
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
            return seen.size;
        }"""
    )


def test_a_step_shows_its_arithmetic_and_back_takes_it_away(descend):
    page = descend()
    assert eventually(page, lambda: colours(page), lambda count: count > 15) > 15
    expect(page.locator(".dlnb-arithmetic")).to_contain_text("Make a step")
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "1")
    expect(page.locator("[data-line=step]")).to_contain_text("−0.35 · 9 = −3.15")
    assert float(page.locator("[data-apart]").get_attribute("data-apart")) < 1e-6
    page.click("[data-racer=adam] button")
    expect(page.locator("[data-line='m̂']")).to_contain_text("/ (1 − 0.9^1)")
    page.click("[data-action=back]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "0")


def test_play_runs_until_pause_and_leads_down(descend):
    page = descend()
    before = loss(page, "adam")
    page.select_option("[aria-label=Speed]", "2")
    page.click("[data-action=play]")
    assert eventually(page, lambda: steps(page), lambda count: count >= 60) >= 60
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-playing", "false")
    assert at_rest(page, lambda: steps(page)) >= 60 and loss(page, "adam") < before / 10
    expect(page.locator(".dlnb-chart canvas")).to_be_visible()


def test_a_click_on_the_map_is_the_new_start(descend):
    page = descend("'bowl'")
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "1")
    box = box_of(page.locator(".dlnb-board canvas"))
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "0")
    read = float(page.locator(".dlnb-map output").inner_text().rpartition(" ")[2])
    assert loss(page, "sgd") == pytest.approx(read, rel=0.15)


def test_the_race_by_keys_alone(descend):
    page = descend("'bowl'")
    page.locator(".dlnb-board canvas").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("[data-loss=sgd]")).to_have_text("7.13")  # (-2.4 + 0.3, 1.8 - 0.15)
    page.keyboard.press(".")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "1")
    page.keyboard.press(",")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "0")
    page.keyboard.press("Space")
    assert eventually(page, lambda: steps(page), lambda count: count >= 3) >= 3
    page.keyboard.press("Space")
    page.keyboard.press("t")
    expect(page.locator(".dlnb-descend .dlnb-table thead")).to_contain_text("Adam loss")


def test_a_learning_rate_that_explodes_is_said_and_can_be_mended(descend):
    page = descend("'bowl', optimizers=['sgd', 'adam']")
    field = page.locator("[data-knob=lr] input[type=text]")
    field.fill("1.5")
    field.press("Enter")
    page.select_option("[aria-label=Speed]", "2")
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-racers [role=alert]")).to_contain_text("flew off at step")
    page.click("[data-action=restart]")
    field.fill("0.1")
    field.press("Enter")
    expect(page.locator(".dlnb-racers [role=alert]")).to_have_count(0)
    page.click("[data-action=play]")
    assert eventually(page, lambda: loss(page, "sgd"), lambda now: now < 0.01) < 0.01


def test_another_surface_is_another_race(descend):
    page = descend()
    page.select_option(".dlnb-head select >> nth=0", "saddle")
    expect(page.locator(".dlnb-descend")).to_contain_text("no lowest place")
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "1")


def test_a_model_of_two_weights_has_its_weights_as_axes(descend):
    page = descend("__import__('torch').nn.Linear(1, 1), [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]")
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-arithmetic thead")).to_contain_text("for bias")


def test_a_function_and_an_optimiser_of_ones_own(notebook):
    page = notebook(
        """import torch, dlnb as dl
class Half(torch.optim.SGD):
    'Half as far as SGD.'
    def step(self, closure=None):
        for group in self.param_groups:
            for weight in group["params"]:
                weight.data -= group["lr"] / 2 * weight.grad
dl.descend(lambda x, y: torch.sin(3 * x) + x**2 + y**2, optimizers=["sgd", Half], lr=0.1, start=(2.0, 1.0))"""
    )
    run_cell(page, 0)
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "1")
    page.click("[data-racer=half] button")
    expect(page.locator(".dlnb-knobs")).to_contain_text("Half as far as SGD.")
    expect(page.locator("[data-line=step]")).to_contain_text("computed by your optimiser")
    assert loss(page, "sgd") < loss(page, "half")


def test_a_killed_kernel_is_said_and_the_race_stays_in_sight(notebook):
    page = notebook("import os, dlnb as dl\nview = dl.descend('valley')\nview.step(3)\nview", "os._exit(1)")
    run_cell(page, 0)
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend")).to_have_attribute("data-steps", "4")
    run_cell(page, 1)
    page.get_by_role("button", name="Ok", exact=True).click()  # JupyterLab says that the kernel died
    page.click("[data-action=step]")
    expect(page.locator(".dlnb-descend .dlnb-notice")).to_contain_text("No news from the kernel")
    assert steps(page) == 4 and colours(page) > 15
