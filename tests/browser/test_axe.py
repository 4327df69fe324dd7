"""The course panel and every widget, in the light and the dark theme, under axe: no violation of WCAG 2.2 A or AA.

axe judges what is ours: the panel and the widgets' roots. JupyterLab around them is not ours to judge.
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page
from real_lab import SLOW, expect, open_notebook, run_all, shut_down_kernel, write_notebook

from dlnb.course.chapters import Shelf
from dlnb.course.progress import Progress

AXE = Path(__file__).parents[2] / "widgets" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
THEMES = ["JupyterLab Light", "JupyterLab Dark"]
JUDGED = {"color-contrast", "button-name"}  # rules that have something to judge in all that is ours

SETTING = """import torch, dlnb as dl
task = dl.vision.digits(seed=0)
def begun(**settings):
    with dl.seeded(0):
        model = dl.vision.LeNet(width=8)
    return dl.fit(model, task, **settings)
runs = [begun(lr=lr, epochs=3, block=True) for lr in (1e-3, 5e-3)]
run = runs[0]
run.seek(40)
other = run.fork(lr=3e-3)
other.step(20)
ill = begun(lr=1e4, epochs=2, optimizer='sgd')"""
WIDGETS = {
    "watch": "dl.watch(run)",
    "ill": "dl.watch(ill)",
    "compare": "dl.compare(runs)",
    "errors": "dl.errors(run)",
    "pad": "dl.pad(run)",
    "xray": "dl.xray(run)",
    "descend": "dl.descend('valley')",
    "quiz": "dl.quiz('10')",
    "playground": "dl.playground(mission=5)",
    "backprop": "dl.backprop(torch.nn.functional.cross_entropy(run.model(torch.zeros(4, 1, 8, 8)).log(), torch.tensor([0, 1, 2, 3])))",
    "show": "dl.show((torch.rand(9, 3, 12, 12) * 255).to(torch.uint8), range(9))",
    "sound": "dl.show(torch.randn(4000) / 9, rate=8000)",
    "tokens": "dl.show('what is seen', tokenizer=dl.text.Words(['what is said']))",
    "table": "dl.show(torch.rand(30, 12).numpy(), names=[f'column {i}' for i in range(12)])",
    "scene": "dl.show(dl.driving.World('intersection').reset(seed=0))",
}


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe, which comes with the front end's packages."""
    assert AXE.is_file(), f"{AXE} is missing: run `npm ci` in widgets, or `make test`"
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=THEMES)
def seen(request, lab, browser, axe):
    """A page in one theme with a notebook that shows every widget, each root marked with its name, and axe."""
    # So high that a whole widget is on the screen: axe tells no contrast of what is scrolled away.
    context = browser.new_context(viewport={"width": 1400, "height": 5000}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(SLOW)
    file = write_notebook(lab.root / "axe.ipynb", SETTING, *WIDGETS.values())
    open_notebook(page, lab, file.name)
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", request.param)
    page.wait_for_function("(theme) => document.body.dataset.jpThemeName === theme", arg=request.param)
    page.evaluate(axe)
    # JupyterLab's body has no height and hides what overflows it: axe would take all that is in it for unseen.
    page.add_style_tag(content="body { min-height: 100vh; }")
    run_all(page)
    for index, name in enumerate(WIDGETS, 1):
        root = page.locator(".jp-NotebookPanel:visible .jp-Cell").nth(index).locator(".dlnb-root")
        root.scroll_into_view_if_needed()
        root.evaluate("(node, name) => (node.dataset.shown = name)", name)
    yield page
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_function("() => document.body.dataset.jpThemeName === 'JupyterLab Light'")
    shut_down_kernel(page, lab)
    context.close()


def shown(page: Page, name: str) -> Locator:
    """The root of one widget, on the screen."""
    root = page.locator(f".dlnb-root[data-shown={name}]")
    root.scroll_into_view_if_needed()
    return root


def violations(root: Locator, judged: set[str] = JUDGED) -> list[str]:
    """What axe finds wrong inside of the element, each in a line. judged: rules that have something to judge in it."""
    root.evaluate("(node) => node.scrollIntoView({ block: 'nearest' })")  # it may have grown since
    root.page.wait_for_timeout(500)  # until what came last is drawn
    found = root.evaluate(
        """(node, rules) => axe.run(node, { runOnly: { type: 'tag', values: rules } })
            .then(({ violations, passes }) => ({ violations, judged: [...violations, ...passes].map((rule) => rule.id) }))""",
        RULES,
    )
    assert judged <= set(found["judged"]), f"axe saw nothing: it judged {found['judged']} only"
    return [
        f"{rule['id']}: {node['failureSummary'].splitlines()[1].strip()} at {json.dumps(node['target'][-1])} {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def assert_clean(root: Locator, judged: set[str] = JUDGED) -> None:
    """No violation inside of the element."""
    found = violations(root, judged)
    assert not found, "\n".join(found)


def test_axe_finds_what_is_wrong(seen):
    quiz = shown(seen, "quiz")
    quiz.evaluate(
        """(root) => root.insertAdjacentHTML('beforeend',
            '<div id="wrong"><img src="x.png"><input><p style="color:#888;background:#999">pale</p></div>')"""
    )
    found = violations(quiz)
    quiz.locator("#wrong").evaluate("(node) => node.remove()")
    assert {line.split(":")[0] for line in found} == {"image-alt", "label", "color-contrast"}


def test_the_course_panel(seen, lab):
    first, second, *_ = (chapter for chapter in Shelf(lab.root / "notebooks").chapters())
    progress = Progress(lab.learner)
    progress.record(first.path, first.cells[:1])  # started, and the other one done
    progress.record(second.path, second.cells)
    seen.evaluate("() => window.jupyterapp.commands.execute('dlnb:show-course')")
    panel = seen.locator("#dlnb-course-panel")
    panel.get_by_role("button", name="Read the chapters again").click()
    expect(panel).to_contain_text("Done")
    assert_clean(panel)
    for summary in panel.locator("summary").all():
        if summary.is_visible():
            summary.evaluate("(node) => (node.parentElement.open = true)")
    assert_clean(panel)


def test_the_quiz(seen):
    quiz = shown(seen, "quiz")
    again = quiz.locator("[data-action=restart]")
    if again.is_visible():  # answered in the other theme
        again.click()
        expect(quiz.locator(".dlnb-why")).to_have_count(0)
    assert_clean(quiz)
    for asked in quiz.locator(".dlnb-asked").all():
        asked.locator("input").first.check()
        asked.get_by_role("button").click()
        expect(asked.locator(".dlnb-why").first).to_be_visible()
    expect(quiz.locator(".dlnb-score")).to_contain_text("All 8 answered")
    assert_clean(quiz)


def test_watch(seen):
    watch = shown(seen, "watch")
    watch.locator(".dlnb-plot canvas").first.wait_for()
    watch.locator(".dlnb-gallery").first.wait_for()
    assert_clean(watch)
    watch.locator(".dlnb-help").click()
    watch.locator("[data-action=script]").click()
    watch.locator("[data-action=what-if]").first.click()
    for summary in watch.locator("summary").all():
        summary.evaluate("(node) => (node.parentElement.open = true)")
    watch.locator(".dlnb-script").wait_for()
    assert_clean(watch)


def test_watch_of_a_run_that_is_ill(seen):
    ill = shown(seen, "ill")
    ill.locator(".dlnb-finding").first.wait_for()
    ill.locator("[data-action=why]").first.click()
    for summary in ill.locator("summary").all():
        summary.evaluate("(node) => (node.parentElement.open = true)")
    assert_clean(ill)


def test_compare(seen):
    compare = shown(seen, "compare")
    compare.locator("canvas").first.wait_for()
    compare.locator(".dlnb-help").click()
    compare.locator(".dlnb-table tbody tr").first.click()
    assert_clean(compare)


def test_errors(seen):
    errors = shown(seen, "errors")
    errors.locator(".dlnb-summary").wait_for()
    errors.locator(".dlnb-help").click()
    errors.locator(".dlnb-classes summary").click()
    errors.locator(".dlnb-examples li button").first.click()
    assert_clean(errors)
    errors.locator("[data-split=test]").click()  # a question before the test set is opened
    errors.locator("[role=alertdialog]").wait_for()
    assert_clean(errors)


def test_pad(seen):
    pad = shown(seen, "pad")
    assert_clean(pad)
    pad.locator("canvas").first.focus()
    for key in ["Space", *["ArrowDown"] * 8, "Space"]:
        seen.keyboard.press(key)
    seen.wait_for_function("() => document.querySelector('.dlnb-share')?.textContent !== ''")
    assert_clean(pad)


def test_xray(seen):
    xray = shown(seen, "xray")
    rows = xray.locator("[role=rowgroup] [role=row]")
    rows.nth(2).click()
    xray.locator(".dlnb-surgery").first.wait_for()
    assert_clean(xray)
    xray.locator(".dlnb-help").click()
    xray.locator("[data-action=layer-off]").click()
    xray.locator(".dlnb-off").wait_for()
    assert_clean(xray)


def test_backprop(seen):
    backprop = shown(seen, "backprop")
    assert_clean(backprop)
    backprop.locator(".dlnb-notice").wait_for()  # the logarithm of what is below zero
    backprop.locator(".dlnb-help").click()
    backprop.locator("[data-action=table]").click()
    backprop.locator(".dlnb-graph").focus()
    for key in ("End", "ArrowLeft"):
        seen.keyboard.press(key)
    backprop.locator(".dlnb-values tbody tr").first.wait_for()
    assert_clean(backprop)


def test_playground(seen):
    playground = shown(seen, "playground")
    playground.locator(".dlnb-board canvas").last.wait_for()
    assert_clean(playground)
    playground.locator("[data-node='0/0']").click()
    playground.locator(".dlnb-parts [data-knob=bias]").wait_for()
    playground.locator(".dlnb-help").click()
    playground.get_by_label("table", exact=True).check()
    for summary in playground.locator("summary").all():
        summary.evaluate("(node) => (node.parentElement.open = true)")
    playground.locator("[data-action=code]").click()
    playground.locator(".dlnb-script textarea").wait_for()
    playground.locator("[data-action=clear]").click()  # no points: it says so
    playground.locator("[data-pending]").wait_for()
    assert_clean(playground)
    playground.locator("[data-action=undo]").click()
    playground.locator("[data-pending]").wait_for(state="detached")  # what is below moves up, under the pointer too
    playground.locator("[data-layer='0']").click()
    playground.locator("[data-setting=activation]").wait_for()
    playground.locator("[data-setting=seen]").select_option("spread")
    playground.locator(".dlnb-seeds").wait_for()
    assert_clean(playground)
    playground.locator("[data-setting=seen]").select_option("output")
    playground.locator(".dlnb-seeds").wait_for(state="detached")


def test_descend(seen):
    descend = shown(seen, "descend")
    descend.locator(".dlnb-board canvas").wait_for()
    assert_clean(descend)
    descend.locator("[data-action=step]").click()
    descend.locator("[data-line=step]").wait_for()
    descend.locator(".dlnb-help").click()
    descend.get_by_label("table", exact=True).check()
    field = descend.locator("[data-knob=lr] input[type=text]")
    field.fill("3")
    field.press("Enter")
    expect(descend.locator("[data-knob=lr] .dlnb-knob-at")).to_have_text("")
    descend.locator("select[aria-label=Speed]").select_option("2")
    descend.locator("[data-action=play]").click()
    descend.locator(".dlnb-racers [role=alert]").wait_for()  # it has flown off
    descend.locator("[data-action=play]").click()
    assert_clean(descend)
    descend.locator("[data-action=restart]").click()  # as it was, for the other theme


def test_show(seen):
    for name in ("show", "sound", "tokens", "table", "scene"):
        root = shown(seen, name)
        root.locator("[data-sight]").wait_for()
        for button in root.get_by_role("button", name="Table").all():
            button.click()
        assert_clean(root, JUDGED if root.get_by_role("button").count() else {"color-contrast"})
