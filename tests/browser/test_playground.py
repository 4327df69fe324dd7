"""The playground in a real browser: it learns live, is built by clicking, drawn on, undone, and worked by keys alone."""

import pytest
from real_lab import at_rest, box_of, eventually, expect, run_cell

SETTING = "import dlnb as dl\n"


@pytest.fixture
def playground(notebook):
    """A page with a playground in its first cell; further cells can use it as `view`."""

    def opened(what: str = "", *cells: str):
        page = notebook(f"{SETTING}view = dl.playground({what})\nview", *cells)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-playground[data-frames]")
        return page

    return opened


def mark(page, name: str) -> int:
    return int(page.locator(".dlnb-playground").get_attribute(f"data-{name}"))


def colours(page, canvas: str) -> int:
    """How many colours a canvas has."""
    return page.locator(canvas).first.evaluate(
        """(canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
            return seen.size;
        }"""
    )


def pixel(page, canvas: str, x: float, y: float) -> list[int]:
    """The colour at a share of the width and height of a canvas."""
    return page.locator(canvas).first.evaluate(
        """(canvas, [x, y]) => Array.from(canvas.getContext('2d').getImageData(
            Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data)""",
        [x, y],
    )


def test_it_learns_live_until_it_is_paused(playground):
    page = playground("layers=(6, 4), optimizer='Adam', lr=0.03")
    assert eventually(page, lambda: colours(page, ".dlnb-board canvas"), lambda count: count > 10) > 10
    before = pixel(page, ".dlnb-board canvas", 0.5, 0.5)
    page.click("[data-action=play]")
    assert eventually(page, lambda: mark(page, "epoch"), lambda epoch: epoch >= 40) >= 40
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-playing", "false")
    at_rest(page, lambda: mark(page, "steps"))
    assert pixel(page, ".dlnb-board canvas", 0.5, 0.5) != before
    assert float(page.locator("[data-accuracy]").get_attribute("data-accuracy")) > 0.95


def test_one_sample_one_batch_one_epoch_and_back(playground):
    page = playground()
    for action, steps, epoch in (("sample", 1, 0), ("batch", 2, 0), ("epoch", 26, 1), ("epoch", 51, 2)):
        page.click(f"[data-action={action}]")
        expect(page.locator(".dlnb-playground")).to_have_attribute("data-steps", str(steps))
        assert mark(page, "epoch") == epoch
    page.click("[data-action=back]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "1")
    page.click("[data-action=restart]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-steps", "0")


def test_the_network_grows_and_shrinks_without_a_reset_and_a_change_is_taken_back(playground):
    page = playground()
    page.click("[data-action=epoch]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "1")
    page.click("[data-action=more-0]")
    expect(page.locator("[data-node^='0/']")).to_have_count(5)
    page.click("[data-action=more-layers]")
    expect(page.locator("[data-node^='2/']")).to_have_count(2)
    page.click("[data-input='xy']")
    expect(page.locator("[data-input='xy']")).to_have_attribute("aria-checked", "true")
    assert mark(page, "epoch") == 1
    for _ in range(3):
        page.click("[data-action=undo]")
    expect(page.locator("[data-node^='0/']")).to_have_count(4)
    expect(page.locator("[data-input='xy']")).to_have_attribute("aria-checked", "false")
    page.click("[data-layer='0']")
    page.select_option("[data-setting=activation]", "relu")
    expect(page.locator("[data-layer='0']")).to_have_text("relu")


def test_a_line_is_dragged_and_a_weight_typed(playground):
    page = playground("layers=()", "print(round(float(view.network[0].weight[0, 0].detach()), 2))")
    page.click("[data-node='0/0']")
    field = page.locator(".dlnb-parts [data-knob='weight-0'] input[type=text]")
    field.fill("1")
    field.press("Enter")
    page.click("[data-action=undo]:not([disabled])")
    page.click("[data-action=close]")
    source, target = box_of(page.locator("[data-input=x]")), box_of(page.locator("[data-node='0/0']"))
    x, y = (source["x"] + source["width"] + target["x"]) / 2, (source["y"] + target["y"] + target["height"]) / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=6)
    bubble = page.locator(".dlnb-bubble").inner_text()
    page.mouse.up()
    page.click("[data-node='0/0']")
    shown = float(field.input_value())
    assert f"weight {shown:.3g}" == bubble and mark(page, "epoch") == 0
    run_cell(page, 1)
    expect(page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output")).to_have_text(str(shown))


def test_points_are_painted_and_one_class_alone_is_said(playground):
    page = playground()
    page.click("[data-action=clear]")
    expect(page.locator("[data-pending]")).to_contain_text("no points yet")
    plane = page.locator(".dlnb-board canvas").last
    page.click("[data-tool=A]")
    box = box_of(plane)
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 40, steps=10)
    page.mouse.up()
    expect(page.locator("[data-pending]")).to_contain_text("All points are of class A")
    assert page.locator("[data-action=play]").is_disabled()
    page.click("[data-tool=B]")
    box = box_of(plane)
    for step in range(4):
        page.mouse.click(box["x"] + 60 + 30 * step, box["y"] + box["height"] - 50)
    expect(page.locator("[data-pending]")).to_have_count(0)
    page.click("[data-action=epoch]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "1")


def test_a_csv_with_text_is_refused_in_words_and_one_that_fits_is_learned(playground):
    page = playground()
    page.click(".dlnb-tablein summary")
    field = page.locator(".dlnb-tablein textarea")
    field.fill("a,b,c\n1,two,x\n2,3,y\n3,4,x\n4,5,y")
    page.click("[data-action=table]")
    expect(page.locator(".dlnb-notice")).to_contain_text("must hold numbers, but point 1 has 'two'")
    field.fill("age,weight,ill\n" + "\n".join(f"{k},{k * k % 17},{'yes' if k > 15 else 'no'}" for k in range(30)))
    page.click("[data-action=table]")
    expect(page.locator("[data-input=x]")).to_have_text("age")
    expect(page.locator(".dlnb-notice")).to_have_count(0)


def test_a_learning_rate_that_explodes_is_said_and_the_network_goes_on(playground):
    page = playground("'plane', layers=(4,), activation='relu'")
    field = page.locator("[data-knob=lr] input[type=text]")
    field.fill("100000")
    field.press("Enter")
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-notice")).to_contain_text("The loss exploded")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-playing", "false")
    field.fill("0.01")
    field.press("Enter")
    page.click("[data-action=epoch]")
    expect(page.locator(".dlnb-notice")).to_have_count(0)


def test_many_seeds_the_warp_and_back(playground):
    page = playground()
    page.select_option("[data-setting=seen]", "spread")
    page.click("[data-action=play]")
    assert eventually(page, lambda: mark(page, "epoch"), lambda epoch: epoch >= 5) >= 5
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-seeds")).to_contain_text("of 64 have 90 % right")
    page.select_option("[data-setting=seen]", "warp0")
    assert eventually(page, lambda: colours(page, ".dlnb-board canvas"), lambda count: count > 10) > 10
    page.select_option("[data-setting=seen]", "output")
    expect(page.locator(".dlnb-seeds")).to_have_count(0)


def test_a_mission_is_passed_and_the_link_brings_everything_back(playground):
    page = playground("mission=1", "again = dl.playground(view.link())\nagain")
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-passed")).to_contain_text("Passed.")
    page.click("[data-action=play]")
    expect(page.locator(".dlnb-playground").first).to_have_attribute("data-playing", "false")
    epoch = at_rest(page, lambda: mark(page, "epoch"))
    page.click("[data-action=code]")
    assert "nn.Linear(2, 1)" in page.locator(".dlnb-script textarea").input_value()
    run_cell(page, 1)
    expect(page.locator(".dlnb-playground").nth(1)).to_have_attribute("data-epoch", str(epoch))


def test_the_link_is_copied_and_brings_everything_back_here_and_in_an_address(playground):
    page = playground("layers=(3,)")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for epoch in (1, 2, 3):
        page.click("[data-action=epoch]")
        expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", str(epoch))
    page.click("[data-action=link]")
    expect(page.locator(".dlnb-share [role=status]")).to_contain_text("Copied.")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert "#playground=" in link and link == page.get_by_label("The link").input_value()
    page.click("[data-action=restart]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "0")
    page.locator("[data-setting=link]").fill(link)
    page.locator("[data-setting=link]").press("Enter")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "3")
    page.click("[data-action=restart]")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "0")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.goto(link)
    page.reload()  # only what is behind the # has changed
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "3")


def test_the_playground_by_keys_alone(playground):
    page = playground()
    page.locator("[data-action=play]").focus()
    page.keyboard.press("b")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-steps", "1")
    page.keyboard.press("e")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-epoch", "1")
    page.keyboard.press("Space")
    assert eventually(page, lambda: mark(page, "epoch"), lambda epoch: epoch > 3) > 3
    page.keyboard.press("Space")
    expect(page.locator(".dlnb-playground")).to_have_attribute("data-playing", "false")
    at_rest(page, lambda: mark(page, "steps"))
    page.locator("[data-node='0/0']").focus()
    page.keyboard.press("Enter")
    page.locator(".dlnb-parts [data-knob=bias] input[type=range]").focus()
    before = page.locator(".dlnb-parts [data-knob=bias] input[type=text]").input_value()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".dlnb-parts [data-knob=bias] input[type=text]")).not_to_have_value(before)
    page.keyboard.press("u")
    expect(page.locator(".dlnb-parts [data-knob=bias] input[type=text]")).to_have_value(before)
    page.locator(".dlnb-board canvas").last.focus()
    for key in ("ArrowRight", "Shift+C", "ArrowUp", "ArrowUp", "Shift+C"):
        page.keyboard.press(key)
    expect(page.locator("[data-node^='2/']")).to_have_count(3)
    page.keyboard.press("t")
    expect(page.locator(".dlnb-playground .dlnb-table")).to_contain_text("training loss")
