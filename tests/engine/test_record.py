"""A loop that the learner wrote, with one line around it."""

import signal
import threading
import time

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dlnb as dl
from dlnb.train.culprit import NotFiniteError
from dlnb.train.diagnose import TrainingError

from .conftest import network, quadrants
from .patients import Apply, mlp, rings

SOON = 30  # seconds


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads of PyTorch on a busy machine with two cores wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def data() -> DataLoader:
    x = torch.randn(320, 2, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long()), batch_size=16, shuffle=True)


def train(epochs=3, before=None, each=None, model=None, lr=0.05, **arguments):
    """A plain loop with dropout, momentum and a shuffling loader. before: called with the open run."""
    torch.manual_seed(4)
    model = model or network(0.3)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loader = data()
    with dl.record(model, optimizer, **arguments) as run:
        if before:
            before(run)
        for x, y in run.loop(loader, epochs=epochs):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
            if each:
                each(run)
    return run


def plain(epochs=3) -> list[float]:
    """The same loop without dlnb."""
    torch.manual_seed(4)
    model = network(0.3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    loader = data()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def losses(run) -> list[float]:
    return run.history["loss"].tolist()


class Elsewhere(threading.Thread):
    """Somebody at the dashboard: waits until the loop has come to a step, then does something."""

    def __init__(self, step, action):
        super().__init__(daemon=True)
        self.step, self.action, self.error, self.answer = step, action, None, None

    def __call__(self, run):
        self.run_ = run
        self.start()

    def run(self):
        try:
            while self.run_.steps < self.step:
                time.sleep(0.0005)
            self.answer = self.action(self.run_)
        except BaseException as error:
            self.error = error


def test_a_recorded_loop_gives_the_numbers_of_the_loop_alone():
    run = train()
    assert run.state == "done" and run.steps == 60
    assert losses(run) == plain() and run.history.steps("loss").tolist() == list(range(1, 61))


def test_it_pauses_between_two_steps_and_goes_on():
    def pause(run):
        at = run.pause()
        time.sleep(0.2)
        still = run.steps
        run.step(3)
        three = run.steps
        run.resume()
        return at, still, three

    somebody = Elsewhere(5, pause)
    run = train(each=lambda run: time.sleep(0.002), before=somebody)
    somebody.join(SOON)
    at, still, three = somebody.answer
    assert somebody.error is None and still == at and three == at + 3
    assert losses(run) == plain()


def test_it_can_be_taken_back_while_it_goes_round_and_the_same_losses_come_again():
    def back(run):
        run.pause()
        first, at = losses(run), run.steps
        found = [run.seek(step) for step in (3, at, 0, 21)]
        seen = losses(run)
        run.resume()
        return first, at, found, seen

    somebody = Elsewhere(27, back)
    run = train(each=lambda run: time.sleep(0.002), before=somebody)
    somebody.join(SOON)
    assert somebody.error is None
    first, at, found, seen = somebody.answer
    assert at >= 27 and found == [3, at, 0, 21] and seen == first[:21]
    assert losses(run) == plain() and run.exact


def test_a_knob_turned_is_marked_and_going_back_before_it_gives_it_again():
    def turn(run):
        try:
            run.pause()
            at = run.set(lr=0.5)
            run.step(10)
            first = losses(run)
            run.seek(at - 2)
            rate = run.knobs["lr"]
            run.step(12)
            return at, rate, first, losses(run), run.exact
        finally:
            run.resume()

    somebody = Elsewhere(10, turn)
    run = train(each=lambda run: time.sleep(0.001), before=somebody)
    somebody.join(SOON)
    assert somebody.error is None
    at, rate, first, again, exact = somebody.answer
    assert (
        rate == 0.05
        and again == first
        and exact
        and (at, "lr 0.05 → 0.5") in [(m.step, m.text) for m in run.history.marks]
    )


def test_stop_ends_the_loop_and_the_cell_goes_on():
    somebody = Elsewhere(7, lambda run: run.stop())
    run = train(epochs=1000, before=somebody, each=lambda run: time.sleep(0.001))
    assert run.state == "done" and 7 <= run.steps < 20_000
    somebody.join(SOON)
    assert somebody.answer == run.steps


def test_a_loop_over_ones_own_iterator_pauses_and_stops_too():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    somebody = Elsewhere(
        7, lambda run: (run.pause(), run.steps, run.set(lr=0.01), run.resume(), time.sleep(0.05), run.stop())
    )
    with dl.record(model, optimizer) as run:
        somebody(run)
        for _ in range(10_000):
            for x, y in data():
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
    somebody.join(SOON)
    assert somebody.error is None and run.state == "done" and run.knobs["lr"] == 0.01
    assert run.history.steps("loss").tolist() == list(range(1, run.steps)) or len(run.history["loss"]) == run.steps
    with pytest.raises(ValueError, match="There are snapshots at"):
        run.seek(2)
    assert run.seek(run.timeline.snapshots(run.line)[0]) == run.timeline.snapshots(run.line)[0]


def test_a_loss_that_is_no_number_stops_the_cell_before_the_weights_change():
    kept = {}

    class Breaks(nn.Linear):
        def forward(self, x):
            if len(kept) == 5:
                x = x / 0
            kept[len(kept)] = self.weight.detach().clone()
            return super().forward(x)

    with pytest.raises(TrainingError, match="step 6"):
        train(model=Breaks(2, 2))


def test_an_error_of_the_loop_is_the_learners_and_the_run_keeps_it():
    held = []

    def each(run):
        held.append(run)
        if run.steps == 4:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        train(each=each)
    assert held[0].state == "failed" and "mine" in held[0].traceback and held[0].steps == 4


def test_an_interrupt_stops_between_two_steps():
    held, handler = [], signal.getsignal(signal.SIGINT)  # a background job ignores it

    def each(run):
        held.append(run)
        if run.steps == 4:
            signal.raise_signal(signal.SIGINT)
            assert run.steps == 4  # this pass goes on to its end

    with pytest.raises(KeyboardInterrupt):
        train(each=each)
    run = held[0]
    assert run.state == "paused" and run.steps == 4 and len(losses(run)) == 4
    assert signal.getsignal(signal.SIGINT) is handler


def test_gradients_added_up_over_batches_are_taken_back_too():
    def accumulate(run_back):
        torch.manual_seed(4)
        model, loader = network(0.3), data()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        with dl.record(model, optimizer) as run:
            if run_back:
                run_back(run)
            for x, y in run.loop(loader, epochs=3):
                time.sleep(0.002)
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                run.log(loss=loss)
                if run._loop.place % 2:
                    optimizer.step()
                    optimizer.zero_grad()
        return run

    straight = accumulate(None)
    somebody = Elsewhere(14, lambda run: (run.pause(), run.seek(5), run.resume()))
    run = accumulate(somebody)
    somebody.join(SOON)
    assert somebody.error is None and losses(run) == losses(straight) and run.exact


def test_a_run_of_dlnb_trains_beside_it_and_both_are_as_alone():
    others = []
    run = train(before=lambda run: others.append(dl.fit(network(0.2), quadrants(), epochs=10_000)))
    (other,) = others
    other.pause()
    assert other.steps > 0
    alone = dl.fit(network(0.2), quadrants(), epochs=10_000, start=False)
    alone.step(other.steps)
    assert losses(run) == plain()
    assert losses(other) == losses(alone)


def test_what_only_dlnbs_own_loop_can_do_is_refused_in_words():
    run = train(epochs=1)
    with pytest.raises(TypeError, match="cannot be copied into a fork"):
        run.fork()
    with pytest.raises(RuntimeError, match="run its cell again"):
        run.resume()
    with pytest.raises(RuntimeError, match="with dl.record"):
        next(iter(run.loop(data())))
    with pytest.raises(TypeError, match="Optimizer"):
        dl.record(network(), "sgd")
    with pytest.raises(ValueError, match="another model"):
        dl.record(network(), torch.optim.SGD(network().parameters(), lr=0.1))


def test_a_schedule_that_is_not_given_is_spoken_of():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="give it too"):
        dl.record(model, optimizer)
    dl.record(model, optimizer, scheduler=scheduler)


def test_log_takes_two_microseconds_or_so():
    run = train(epochs=1)
    begin = time.perf_counter()
    for _ in range(10_000):
        run.log(loss=0.5)
    assert (time.perf_counter() - begin) / 10_000 < 50e-6  # a wide margin: the benchmark has the figure


def test_a_nan_in_a_loop_of_ones_own_names_the_module_and_spares_the_weights():
    model = mlp(2, 8, 3)
    model.insert(2, Apply(lambda h: h.log()))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [parameter.clone() for parameter in model.parameters()]
    with (
        pytest.raises(NotFiniteError, match=r"at step 1.*came from 2 \(Apply\).*as after step 0") as caught,
        dl.record(model, optimizer) as run,
    ):
        for x, y in run.loop([rings(16)]):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert caught.value.culprit.name == "2" and run.state == "failed"
    assert all(map(torch.equal, before, model.parameters()))


def test_a_nan_of_the_loss_of_a_loop_of_ones_own_is_traced_by_its_gradients():
    model = mlp(2, 8, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(NotFiniteError, match="came from the loss"), dl.record(model, optimizer) as run:
        for x, _ in run.loop([rings(16)]):
            (model(x) * 0).square().sum().sqrt().backward()
            optimizer.step()


@pytest.mark.parametrize("lr", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("clears", ["never", "before", "after", "with zeros", "every fourth pass"])
def test_gradients_that_nothing_clears_are_named_and_those_that_are_cleared_are_not(clears, lr):
    torch.manual_seed(0)
    model = mlp(2, 32, 32, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loader = DataLoader(TensorDataset(*rings(640)), batch_size=32, shuffle=True)
    with dl.record(model, optimizer) as run:
        for number, (x, y) in enumerate(run.loop(loader, epochs=8)):
            loss = F.cross_entropy(model(x), y)
            if clears in ("before", "with zeros"):
                optimizer.zero_grad(set_to_none=clears == "before")
            loss.backward()
            if clears != "every fourth pass" or number % 4 == 3:
                optimizer.step()
                if clears in ("after", "every fourth pass"):
                    optimizer.zero_grad()
            run.log(loss=loss)
    found = [finding.rule for finding in run.health.log]
    assert ("never_cleared" in found) == (clears == "never")
    assert not any(parameter._post_accumulate_grad_hooks for parameter in model.parameters())
