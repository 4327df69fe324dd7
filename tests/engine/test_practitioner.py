"""As a practitioner would: a plain PyTorch script, one line added; broken on purpose in seven ways, and mended by the words."""

import re

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dlnb as dl
from dlnb.train.diagnose import TrainingError

EPOCHS = 6


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads of PyTorch on a busy machine with two cores wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def script(bug: str = "") -> tuple[dl.Run, float]:
    """Learn scikit-learn's digits. Returns the recording and the accuracy on examples it has not seen."""
    torch.manual_seed(0)
    pictures, labels = load_digits(return_X_y=True)
    x = torch.tensor(pictures, dtype=torch.float32) / (1 / 16 if bug == "inputs of 0 to 255" else 16)
    y = torch.tensor(labels)
    train, test = TensorDataset(x[:1400], y[:1400]), (x[1400:], y[1400:])
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    if bug == "softmax before cross-entropy":
        model.append(nn.Softmax(dim=1))
    learns = model[3:].parameters() if bug == "parameters left out" else model.parameters()
    optimizer = torch.optim.SGD(learns, lr={"steps too big": 8.0, "no zero_grad": 0.01}.get(bug, 0.1), momentum=0.9)
    loader = DataLoader(train, batch_size=50, shuffle=True)
    if bug == "eval while training":
        model.eval()
    if bug == "dead units":
        nn.init.constant_(model[0].bias, -100.0)
    with dl.record(model, optimizer) as run:  # the one line
        run.probes.share = run.health.share = 1.0  # how often they look must not depend on the machine
        for inputs, targets in run.loop(loader, epochs=EPOCHS):
            if bug != "no zero_grad":
                optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
    model.eval()
    return run, (model(test[0]).argmax(1) == test[1]).float().mean().item()


def test_the_healthy_script_learns_and_nothing_is_said():
    run, accuracy = script()
    assert accuracy > 0.85 and [finding.sentence for finding in run.health.log] == []


BUGS = {
    "no zero_grad": "zero_grad",
    "softmax before cross-entropy": "softmax",
    "parameters left out": "not in the optimi",
    "eval while training": "eval mode",
    "inputs of 0 to 255": "inputs",
    "dead units": "never switch on|stuck|dead|off",
    "steps too big": "too big|explo|zig-zag|NaN|infinit|never switch on",
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_named(bug):
    try:
        findings = script(bug)[0].health.log
    except TrainingError as error:  # a loss that is no number ends the cell
        assert re.search(BUGS[bug], str(error))
        return
    assert any(re.search(BUGS[bug], f.sentence) for f in findings), [f.sentence for f in findings]
    assert all(f.remedy and f.remedy.words for f in findings if re.search(BUGS[bug], f.sentence))
