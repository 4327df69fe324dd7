"""Nothing grows without end under a dashboard; `benchmarks/soak.py` looks for half an hour, this for half a minute."""

from real_lab import run_cell, see_predictions
from soaking import MB, TRAIN, Soak

WARM = 12  # seconds in which the page fills: panels open, the first snapshots, compiled code
SECONDS = 36

# Half of the time lies between the two halves' beginnings, so that this much is 14 nodes, 230 kB and 1.8 MB a second.
NODES = 250  # of about 9,500
HEAP = 4 * MB
KERNEL = 32 * MB


def test_half_a_minute_under_the_dashboard_leaves_nothing_behind(notebook, capsys):
    page = notebook(TRAIN)
    page.set_viewport_size({"width": 1200, "height": 1600})
    run_cell(page, 0)
    page.wait_for_selector(".dlnb-watch")
    see_predictions(page)
    soak = Soak(page)
    page.wait_for_timeout(1000 * WARM)
    samples = soak.watch(SECONDS, every=5)
    with capsys.disabled():
        print("", *samples, sep="\n")
    middle = len(samples) // 2
    begin, end = samples[:middle], samples[middle:]

    def grown(of: str) -> float:
        """The least of the second half beyond the least of the first: what comes and goes is no leak."""
        return min(getattr(sample, of) for sample in end) - min(getattr(sample, of) for sample in begin)

    assert samples[-1].steps > samples[0].steps + 100, "it trained all the while"
    assert grown("nodes") < NODES
    assert grown("listeners") < NODES
    assert grown("heap") < HEAP
    assert grown("unexplained") < KERNEL
