"""The autograd graph in a real browser, by mouse and by keys, with PyTorch's numbers."""

import re

import pytest
from real_lab import expect, outputs, run_cell

SMALL = """import torch, dlnb as dl
w = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)
x, y = torch.tensor(2.0), torch.tensor(10.0)
guess = w * x + b
loss = (guess - y) ** 2
dl.backprop(loss)"""
DEEP = """import torch, dlnb as dl
from torch import nn
net = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(12)], nn.Linear(4, 2))
loss = nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.zeros(8, dtype=torch.long))
dl.backprop(loss)"""
AFTERWARDS = "print(w.grad, b.grad); loss.backward(); print(w.grad.item(), b.grad.item())"


@pytest.fixture
def backprop(notebook):
    """A page with a graph in its first cell."""

    def opened(*cells: str):
        page = notebook(*cells)
        run_cell(page, 0)
        page.wait_for_selector(".dlnb-backprop .dlnb-box")
        return page

    return opened


def told(page):
    return page.locator(".dlnb-told")


def gradients(page) -> list[str]:
    return [text for text in page.locator(".dlnb-gradient").all_text_contents() if text]


def test_the_way_back_is_gone_by_keys_and_the_gradients_are_pytorchs(backprop):
    page = backprop(SMALL, AFTERWARDS)
    expect(told(page)).to_contain_text("power → loss")
    assert gradients(page) == []
    page.locator(".dlnb-graph").focus()
    page.keyboard.press("ArrowRight")
    expect(told(page)).to_contain_text("The way back begins here")
    expect(told(page)).to_contain_text("1 × −10 = −10")
    page.keyboard.press("End")
    expect(page.locator("[data-action=next]")).to_be_disabled()
    leaves = dict(
        zip(
            *[page.locator(f".dlnb-leaf .dlnb-{part}").all_text_contents() for part in ("title", "gradient")],
            strict=True,
        )
    )
    assert leaves == {"w": "∂ −20", "b": "∂ −10"}
    run_cell(page, 1)  # nothing of the learner's was changed, and the graph is still of use
    expect(outputs(page, 1)).to_have_text(re.compile(r"None None\s+-20\.0 -10\.0"))


def test_a_step_forward_says_the_formula_with_the_names_of_the_cell(backprop):
    page = backprop(SMALL)
    page.locator(".dlnb-graph").focus()
    page.keyboard.press("Home")
    expect(told(page)).to_contain_text("only what you have given is known")
    page.keyboard.press("ArrowRight")
    for words in ("y = a · b.", "a is w: 3.", "b is x: 2.", "It gives y = 6"):
        expect(told(page)).to_contain_text(words)
    page.locator(".dlnb-box", has_text="guess").click()
    expect(told(page)).to_contain_text("It gives y = 5.")


def test_all_numbers_are_there_as_a_table(backprop):
    page = backprop(SMALL)
    page.click("[data-action=table]")
    rows = page.locator(".dlnb-values tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.filter(has_text="power")).to_contain_text("25")
    expect(rows.filter(has_text="MulBackward0")).to_contain_text("to w: −20")


def test_a_large_graph_is_folded_by_its_layers_and_a_part_can_be_opened(backprop):
    page = backprop(DEEP)
    folds = page.locator(".dlnb-fold")
    expect(folds).to_have_count(14)  # 12 layers, the last, the loss
    folds.nth(3).click()
    page.click("[data-action=open]")
    expect(page.locator(".dlnb-leaf .dlnb-title", has_text="net.3.0.weight")).to_be_visible()
    expect(page.locator(".dlnb-outside")).to_have_count(2)
    page.locator(".dlnb-graph").focus()
    page.keyboard.press("u")
    expect(folds).to_have_count(14)


def test_in_a_narrow_window_nothing_sticks_out(backprop):
    page = backprop(SMALL)
    page.set_viewport_size({"width": 620, "height": 900})
    page.locator("[data-action=table]").click()
    page.wait_for_function(
        """() => { const widget = document.querySelector('.dlnb-backprop');
                  return widget.clientWidth < 400 && widget.scrollWidth <= widget.clientWidth; }"""
    )


def test_what_cannot_be_shown_is_said_in_the_cell(notebook):
    page = notebook(SMALL.replace("dl.backprop(loss)", "loss.backward()\ndl.backprop(loss)"))
    run_cell(page, 0)
    expect(outputs(page, 0)).to_contain_text("before loss.backward()")
