"""Every health rule fires on its planted bug: the sentence, the layer, what there is to draw, and a remedy that helps."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

import dlnb as dl
from dlnb.train.culprit import NotFiniteError
from dlnb.train.health.finding import RULES

from .patients import BUGS, Bug, mlp, rings, run_of, split

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size", "ignore:Detected call of")
WAIT = 120  # seconds


def by_name(bug: Bug) -> str:
    return f"{bug.rule}, {bug.name}"


@pytest.fixture(params=BUGS, ids=by_name)
def bug(request) -> Bug:
    return request.param


@cache
def found(bug: Bug):
    """The finding of a bug, the health that found it, and the loop."""
    health, loop = bug.patient().examine()
    assert not health._broken
    findings = {finding.rule: finding for finding in health.log}
    assert bug.rule in findings, f"found only {list(findings)}"
    return findings[bug.rule], health, loop


def test_a_planted_bug_is_found_and_said_in_plain_words(bug):
    finding, health, loop = found(bug)
    assert bug.words in finding.sentence and not finding.sentence[0].islower() and finding.sentence[-1] in ".?"
    assert finding.layer == bug.layer
    assert 0 <= finding.step <= loop.steps
    assert bug.rule not in health.checked
    if finding.layer is not None:
        assert finding.layer in dict(loop.model.named_modules())


def test_there_is_something_to_show_and_something_to_do(bug):
    finding, _, loop = found(bug)
    shown = finding.evidence
    lengths = {len(values) for values in shown["columns"].values()}
    assert len(lengths) <= 1 and all(values.dtype == np.float64 for values in shown["columns"].values())
    assert not shown["columns"] or shown["x"] in shown["columns"]
    assert not shown["labels"] or len(shown["labels"]) in lengths
    assert shown["columns"] or shown["facts"]
    assert all(isinstance(value, (int, float, str)) for value in shown["facts"].values())
    assert finding.remedy is not None and len(finding.remedy.words) > 10
    assert set(bug.knobs) <= set(finding.remedy.knobs) <= set(dl.Run(loop).knobs)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.knobs], ids=by_name)
def test_the_remedy_tried_in_a_fork_helps(bug):
    finding, *_ = found(bug)
    patient = bug.patient()
    run = run_of(patient)
    if patient.meanwhile is not None:
        run.step(500)
        run.set(lr=0.3)
    while run.steps < finding.step:
        run.step(min(50, finding.step - run.steps))
    before = run.history["loss"].tolist() if run.steps else []
    trial = run.health.try_remedy(finding, 40 if bug.rule != "overfitting" else 150).wait(WAIT)
    assert trial.helped, trial.words
    assert trial.words.startswith(f"tested {trial.steps} steps") and "no better" not in trial.words
    assert (run.history["loss"].tolist() if run.steps else []) == before  # the run itself saw none of it
    step = trial.adopt()
    assert run.steps == step == trial.start + trial.steps
    assert all(run.knobs[name] == pytest.approx(value) for name, value in finding.remedy.knobs.items())


def test_every_rule_has_its_planted_bug():
    in_loops_of_ones_own = {"never_cleared"}
    assert {rule.name for rule in RULES} | {"nan"} == {bug.rule for bug in BUGS} | in_loops_of_ones_own


def test_a_finding_goes_away_when_what_was_wrong_is_mended():
    run = run_of(next(bug for bug in BUGS if bug.rule == "slow").patient())
    run.step(300)
    run.health.after_turn()
    assert [finding.rule for finding in run.health.findings] == ["slow"]
    run.set(lr=3e-3)
    run.step(300)
    run.health.after_turn()
    assert run.health.findings == [] and [finding.rule for finding in run.health.log] == ["slow"]
    assert run.health.summary() == "Nothing is wrong, as far as I can see."


def test_going_back_before_a_finding_takes_it_away():
    run = run_of(next(bug for bug in BUGS if bug.rule == "explosion").patient())
    run.step(150)
    run.health.after_turn()
    assert "explosion" in {finding.rule for finding in run.health.findings}
    run.seek(3)
    run.health.after_turn()
    assert run.health.findings == []


def test_a_nan_fails_the_run_with_weights_as_before_and_is_a_finding():
    run = run_of(next(bug for bug in BUGS if bug.name == "a NaN in the data").patient())
    with pytest.raises(NotFiniteError, match="in the input 1 of 64"):
        run.step(50)
    assert run.state == "failed"
    assert all(parameter.isfinite().all() for parameter in run.model.parameters())
    assert run.health.findings[0].rule == "nan" and run.health.findings[0].severity == "stop"


def test_a_rule_that_stumbles_is_left_out_and_the_training_goes_on(monkeypatch):
    run = run_of(next(bug for bug in BUGS if bug.rule == "slow").patient())

    def stumble(context):
        raise ZeroDivisionError

    broken = [type(rule)(rule.name, rule.when, stumble) if rule.name == "dead" else rule for rule in RULES]
    monkeypatch.setattr("dlnb.train.health.health.RULES", broken)
    run.step(200)
    run.health.after_turn()
    assert run.state == "paused" and "dead" not in run.health.checked
    assert [finding.rule for finding in run.health.findings] == ["slow"]


def test_words_alone_cannot_be_tried():
    finding, *_ = found(next(bug for bug in BUGS if bug.rule == "softmax_twice"))
    run = run_of(next(bug for bug in BUGS if bug.rule == "softmax_twice").patient())
    with pytest.raises(ValueError, match="nothing to try"):
        run.health.try_remedy(finding)


def test_a_trial_that_is_discarded_leaves_no_run_behind():
    bug = next(bug for bug in BUGS if bug.rule == "slow")
    finding, *_ = found(bug)
    run = run_of(bug.patient())
    run.step(finding.step)
    trial = run.health.try_remedy(finding, 20)
    trial.discard()
    assert trial.plain.state == trial.changed.state == "done"
    with pytest.raises(RuntimeError, match="discarded"):
        trial.wait(WAIT).adopt()
    assert run.steps == finding.step and math.isclose(run.knobs["lr"], 1e-8)


@pytest.mark.parametrize("rule", ["softmax_twice", "never_cleared", "eval_mode", "nothing"])
def test_a_hand_written_loop_is_looked_after_too(rule):
    model = mlp(2, 32, 32, 3, norm=rule == "eval_mode")
    if rule == "softmax_twice":
        model.append(nn.Softmax(1))
    task = split(*rings())
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3 if rule == "never_cleared" else 1e-1)
    batches = [task.train.batch(0, 0, place) for place in range(len(task.train))]
    with dl.record(model, optimizer) as run:
        run.probes.share = run.health.share = 1000.0
        for x, y in run.loop(batches, epochs=6):
            if rule == "eval_mode":
                model.eval()
            if rule != "never_cleared":
                optimizer.zero_grad()
            loss = task.loss(model(x), y)
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
            run.health.after_turn()
    assert rule in [finding.rule for finding in run.health.log] or rule == "nothing"
    assert {finding.rule for finding in run.health.log} <= {rule}
