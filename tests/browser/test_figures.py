"""Figures that a cell draws while widgets of the cells before talk with the kernel."""

from real_lab import run_cell, wait_until_run

WATCHED = """import dlnb as dl, torch
from torch import nn
task = dl.vision.digits(seed=0)
with dl.seeded(0):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
run = dl.fit(model, task, epochs=10_000)
view = dl.watch(run)
view"""
FIGURES = 40
DRAWN = f"""import matplotlib.pyplot as plt
for _ in range({FIGURES}):
    figure, axes = plt.subplots(1, 2, figsize=(6, 2), layout="constrained")
    axes[0].bar(range(32), range(32))
    axes[1].fill_between(range(9), range(9), color="#0072b2")
    plt.show()"""
OF_CELL = """(i) => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[i].outputs
    .filter((output) => output.data?.['image/png']).map((output) => [output.data['image/png']].flat().join('').length)"""


def test_figures_are_whole_and_shown_once_while_a_widget_talks(notebook):
    page = notebook(WATCHED, DRAWN)
    run_cell(page, 0)
    page.wait_for_selector(".dlnb-watch .dlnb-buttons")
    run_cell(page, 1)
    wait_until_run(page, 1)
    sizes = page.evaluate(OF_CELL, 1)
    assert len(sizes) == FIGURES and len(set(sizes)) == 1
