"""Rows of the zoo's table: models that write music."""

import dlnb as dl
from dlnb.fast import Muon

from .row import Measured, Row, scaled, trained


def rows() -> list[Row]:
    """In the order of the table."""
    return [
        Row("JSB chorales, nats a frame", "Composer, batches of 8, Muon 0.02, others 0.004, 10 epochs, linear to 0; as published, not transposed", chorales, most={"nats a frame": 6.5}, seconds=180),
    ]  # fmt: skip


def chorales(seed: int, threads: int) -> Measured:
    """The set's own split; the mean of −log p(frame | all frames before it) over all frames of the test part, the first included."""
    task, epochs = dl.generate.jsb_chorales(batch_size=8), 10
    with dl.seeded(seed):
        model = task.models["Composer"]()
    optimizer = Muon.of(model, ("head", "steps"), lr=0.02, lr_others=4e-3)
    steps = epochs * len(task.train)
    schedule = scaled(lambda step: max(0.0, 1 - step / steps))
    return trained(model, task, seed, threads, optimizer=optimizer, schedule=schedule, epochs=epochs, validate_every=steps // 4)
