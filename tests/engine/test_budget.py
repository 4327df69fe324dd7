"""The timeline's snapshots: what they may cost in time, memory and disk, and what holds when the disk does not."""

import gc
import logging
import mmap
import os
import random
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import platformdirs
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file
from torch import nn

import dlnb as dl
from dlnb.train import snapshots, spill, trail
from dlnb.train.buffers import SMALL, Buffers
from dlnb.train.snapshots import Snapshots
from dlnb.train.state import Snapshot

from .conftest import network, quadrants

EVERY = 0.25  # seconds of training between two snapshots of the runs that are only thought of


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """Where snapshots are spilled to."""
    monkeypatch.setattr(spill, "place", lambda: tmp_path)
    return tmp_path


def snapshot(step: int, numbers: int = 3000, plain: int = 2048) -> Snapshot:
    flat = torch.full((numbers,), float(step))
    layout = (("model/weight", torch.float32, torch.Size([numbers])),)
    return Snapshot(step, layout, {torch.float32: flat}, {"loop": {"steps": step}}, None, 0, plain)


def written(store: Snapshots) -> None:
    """Wait until the disk has what it was given, as it has in the quarter of a second between two snapshots."""
    for entry in list(store._held):
        if entry.spilled is not None:
            store._disk.wait(entry.spilled, 10)


def thought_of(
    puts: int, budget: int, disk: int, numbers: int = 3000, kept: tuple[int, ...] = (), plain: int = 2048
) -> Snapshots:
    """The snapshots of a run of `puts` quarters of a second; the budget is looked at after each."""
    store = Snapshots(budget, disk)
    for step in range(puts):
        store.put(0, snapshot(step, numbers, plain), EVERY * step, "mark" if step in kept else "")
        assert store.nbytes <= budget, step
        written(store)
    return store


def gaps(store: Snapshots) -> np.ndarray:
    return np.diff(store.steps(0)) * EVERY


def broad() -> nn.Module:
    """A network whose tensors take far more than the plain data of a snapshot."""
    with dl.seeded(0):
        return nn.Sequential(nn.Linear(2, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.3), nn.Linear(512, 2))


def spilled_run(monkeypatch, steps: int = 300, memory: int = 1 << 20) -> dl.Run:
    """A run with a snapshot at nearly every step, most of them on disk."""
    monkeypatch.setattr(trail, "EVERY", 0.0)
    monkeypatch.setattr(trail, "SHARE", 1e9)
    monkeypatch.setattr(snapshots, "APART", 0.0)
    run = dl.fit(broad(), quadrants(noise=0.1), epochs=10_000, threads=1, start=False, memory=memory)
    run.timeline.store._disk_budget = 64 << 20
    while run.steps < steps:
        run.step(3)
        written(run.timeline.store)
    return run


def on_disk(run: dl.Run) -> list[int]:
    store = run.timeline.store
    return [step for step in store.steps(0) if store.held(0, step) is None]


def files(place: Path) -> list[Path]:
    return sorted(place.glob("dlnb-timeline-*/*.safetensors"))


def losses(run: dl.Run) -> list[float]:
    return run.history["loss"].tolist()


def check_seeks(run: dl.Run, first: list[float], steps: list[int]) -> None:
    """Go to steps, and from each on to further ones, which must have the losses of the first time."""
    for step in steps:
        assert run.seek(step) == step
        run.step(min(5, len(first) - step)) if step < len(first) else None
        assert losses(run) == first[: run.steps] and run.exact


# Memory.


def test_the_budget_holds_at_every_one_of_many_thousand_snapshots_and_so_does_their_number():
    store = Snapshots(256 << 10, 64 << 20)
    for step in range(8000):
        store.put(0, snapshot(25 * step, 500), EVERY * step)
        assert store.nbytes <= 256 << 10
    assert 20 < len(store.steps(0)) < 128 and store.steps(0)[0] == 0
    kept = sum(entry.snapshot.plain_bytes for entry in store._lines[0].values())
    assert kept + sum(entry.snapshot.flats[torch.float32].nbytes for entry in store._held) <= store.nbytes
    assert len(list(store._lines[0])) == len(store.steps(0)) == store._count
    store.close()


def test_small_snapshots_are_limited_in_number_and_stay_in_memory(monkeypatch, place):
    monkeypatch.setattr(snapshots, "MOST", 200)
    store = thought_of(3000, 64 << 20, 64 << 20, numbers=10)
    assert 180 <= len(store.steps(0)) <= 200 and not files(place)
    store.close()


def test_gaps_grow_towards_the_past_where_there_is_no_disk():
    store = thought_of(4000, 512 << 10, 0)
    gap = gaps(store)
    assert gap[-1] == EVERY and store.steps(0)[0] == 0 and len(gap) > 20
    quarters = [float(part.mean()) for part in np.array_split(gap, 4)]
    assert quarters == sorted(quarters, reverse=True) and quarters[0] > 4 * quarters[-1]
    assert gap.max() < 4 * 1000 / len(gap)  # and nowhere is it far longer than if all lay evenly
    store.close()


def test_ten_minutes_leave_no_gap_that_takes_longer_than_a_seek_may():
    """Sizes are to budgets as those of a million parameters are to 256 MB and 16 GB."""
    store = thought_of(2400, (256 << 20) // 100, 160 << 20, numbers=30_000, plain=20)
    assert gaps(store).max() <= snapshots.APART < 1.0
    assert gaps(store)[-4:].max() == EVERY  # dense near now
    assert store.disk_bytes <= 160 << 20
    store.close()


def test_the_disk_budget_holds_and_what_is_kept_stays(place):
    kept = (100, 101, 700)
    store = thought_of(1200, 512 << 10, 600 << 10, kept=kept)
    assert store.disk_bytes <= 600 << 10
    assert sum(file.stat().st_size for file in files(place)) <= 600 << 10
    assert {0, *kept} <= set(store.steps(0))
    for step in (0, *kept, *store.steps(0)[1::3]):
        assert store.at_or_before(0, step).flats[torch.float32].tolist() == [float(step)] * 3000
    store.close()
    assert not files(place)


def test_what_is_kept_waits_for_the_disk_and_is_within_the_budget_too():
    store = Snapshots(512 << 10, 64 << 20)
    for step in range(150):
        store.put(0, snapshot(step), EVERY * step, "mark")
        assert store.nbytes <= 512 << 10
    assert store.steps(0) == list(range(150))
    store.close()


def test_without_a_disk_what_is_kept_goes_beyond_the_budget_and_nothing_else_does():
    store = Snapshots(256 << 10, 0)
    for step in range(100):
        store.put(0, snapshot(step), EVERY * step, "mark" if step < 40 else "")
    assert set(range(40)) <= set(store.steps(0))
    assert store.nbytes <= sum(entry.snapshot.nbytes for entry in store._held)
    assert len(store.steps(0)) <= 40 + 1  # and the newest
    store.close()


def test_one_that_is_larger_than_the_budget_goes_to_disk():
    store = Snapshots(10_000, 64 << 20)
    for step in range(5):
        store.put(0, snapshot(step, plain=20), 10.0 * step)
        written(store)
        store.tidy()
        assert store.nbytes <= 10_000
    assert [store.at_or_before(0, step).flats[torch.float32][0].item() for step in range(5)] == [0, 1, 2, 3, 4]
    store.close()


# Blocks of memory that are used again.


def wide(memory: int | None = None) -> dl.Run:
    """A run of a model whose snapshots come from the blocks."""
    with dl.seeded(0):
        model = nn.Sequential(nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2))
    run = dl.fit(model, quadrants(), epochs=10_000, threads=1, start=False, memory=memory)
    run.step(2)
    return run


def test_blocks_are_used_again_but_never_while_somebody_looks(place, monkeypatch):
    where, take = [], Buffers.take

    def noted(self, nbytes):
        there = {block.data_ptr() for block in self._free}
        block = take(self, nbytes)
        where.append(block.data_ptr() in there)
        return block

    monkeypatch.setattr(Buffers, "take", noted)
    run = wide(memory=8 << 20)
    held = run._trail.snapshot()
    view = run._trail.snapshot().tensors["model/2.weight"][3:]  # of this one only a view is left
    assert held.nbytes > SMALL
    wanted = {name: tensor.clone() for name, tensor in held.tensors.items()}, view.clone()
    before = len(where)
    for _ in range(40):
        run.step(1)
        taken = run._trail.snapshot()
        assert all(
            torch.equal(tensor, run.model.state_dict()[name[6:]])
            for name, tensor in taken.tensors.items()
            if name[:6] == "model/"
        )
        assert run.timeline.nbytes <= 8 << 20
        del taken
        written(run.timeline.store)
    again = where[before:]  # whether it was a block that had come back
    assert len(again) >= 40 and sum(again[-20:]) >= 10  # once memory is full; what is free in time is up to the disk
    assert all(torch.equal(tensor, wanted[0][name]) for name, tensor in held.tensors.items())
    assert torch.equal(view, wanted[1])
    run.stop()


def test_a_block_comes_back_when_the_last_view_of_it_is_gone_and_not_sooner():
    buffers = Buffers()
    buffers.limit = 3 << 20
    block = buffers.take(1 << 20)
    place, view = block.data_ptr(), block.view(torch.float32)[7:9].view(2, 1)
    del block
    assert buffers.nbytes == 0 and buffers.take(1 << 20).data_ptr() != place
    del view
    gc.collect()
    assert buffers.nbytes == 2 << 20  # the other one too
    assert place in {buffers.take(1 << 20).data_ptr() for _ in range(2)}
    buffers.limit = 0
    assert buffers.nbytes == 0


def test_blocks_are_pages_of_their_own_and_leave_no_holes_in_the_memory_of_the_c_library():
    buffers = Buffers()
    blocks = [buffers.take(SMALL + 8) for _ in range(8)]
    assert all(block.data_ptr() % mmap.PAGESIZE == 0 for block in blocks)
    assert len({block.data_ptr() for block in blocks}) == 8 and not any(block.any() for block in blocks)
    buffers.limit = SMALL + 8
    buffers.provide([SMALL + 8])
    buffers._provider.join()
    assert buffers.take(SMALL + 8).data_ptr() % mmap.PAGESIZE == 0


def test_what_looks_on_while_snapshots_go_sees_no_other_numbers():
    """A look ahead, a look at one step, and a fork hold states of the past while many more are taken."""
    run = wide(memory=6 << 20)
    run.step(20)
    first = losses(run)
    fork = run.fork()
    found, events, _ = run._trail.way_to(run.steps)
    kept = {name: tensor.clone() for name, tensor in found.tensors.items()}
    for _ in range(40):
        run.step(1)
        run._trail.snapshot()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in found.tensors.items()) and events == []
    fork.step(5)
    assert losses(fork) == losses(run)[:27] and losses(run)[:22] == first
    fork.stop(), run.stop()


def test_a_run_that_rests_holds_no_snapshot_that_the_store_has_let_go():
    gc.collect()
    others = {id(other) for other in gc.get_objects() if type(other) is Snapshot}
    run = wide(memory=6 << 20)
    fork = run.fork()
    fork._trail.snapshot()
    assert fork._trail._last.flats
    for _ in range(30):
        run.step(1)
        run._trail.snapshot()
        written(run.timeline.store)
    held = [other for other in gc.get_objects() if type(other) is Snapshot and other.flats and id(other) not in others]
    assert sum(snapshot.nbytes for snapshot in held) <= 6 << 20
    assert len(held) <= len(run.timeline.store._held)
    fork.stop(), run.stop()


# Time.


class Clock:
    """A run of which only the time goes by, and whose snapshots take as long as one says."""

    def __init__(self, monkeypatch, cost) -> None:
        self.now = 0.0
        self.run = dl.fit(network(), quadrants(), epochs=10_000, threads=1, start=False)
        self.run.step(1)
        self.store, self.trail = self.run.timeline.store, self.run._trail
        put = self.store.put

        def slow(*arguments):
            self.now += cost(self.store._puts)
            put(*arguments)

        monkeypatch.setattr(self.store, "put", slow)
        monkeypatch.setattr(trail, "time", SimpleNamespace(perf_counter=lambda: self.now))
        self.trail._costs.clear()
        self.trail.cost = 0.0

    def train(self, seconds: float) -> None:
        loop = self.run._loop
        for _ in range(int(seconds / 0.02)):
            loop.steps += 1
            loop.seconds += 0.02
            self.trail.snapshot_if_due()

    @property
    def gaps(self) -> np.ndarray:
        return np.diff([entry.seconds for entry in self.store._lines[0].values()])


@pytest.mark.parametrize("cost", [0.0005, 0.004, 0.03, 0.3])
def test_snapshots_take_less_than_one_percent_however_long_each_takes(monkeypatch, cost):
    clock = Clock(monkeypatch, lambda puts: cost)
    clock.train(300)
    assert cost < clock.trail.cost <= 0.01 * 300 + cost
    assert clock.gaps[2:].max() < max(0.3, 1.1 * cost / trail.SHARE)


def test_a_hitch_does_not_leave_a_long_gap(monkeypatch):
    clock = Clock(monkeypatch, lambda puts: 0.05 if puts % 20 == 9 else 0.0005)
    clock.train(60)
    assert clock.gaps.max() < 0.3


def test_a_fork_uses_the_snapshot_that_there_is():
    run = wide()
    run._trail.snapshot()
    taken = run.timeline.store._puts
    first = run.fork()
    assert run.timeline.store._puts == taken
    assert "fork" in run.timeline.store._lines[0][run.steps].kept
    first.step(3)
    run.set(lr=0.5)  # the state after this is another one
    second = run.fork()
    assert run.timeline.store._puts == taken + 1
    second.step(3)
    second.seek(2)
    second.step(3)
    assert second.exact and losses(second) != losses(first)
    assert all(parameter.grad is None for parameter in run.fork().model.parameters())
    first.stop(), second.stop()


# What is kept.


def test_the_best_the_marked_and_the_fork_points_are_kept(monkeypatch):
    run = dl.fit(broad(), quadrants(), epochs=10_000, threads=1, start=False, memory=600_000, lr=0.05)
    monkeypatch.setattr(trail, "EVERY", 0.0)
    monkeypatch.setattr(trail, "SHARE", 1e9)
    run.timeline.store._disk_budget = 2 << 20
    run.step(33)
    fork = run.fork()
    run.step(10)
    run.mark("here")
    for _ in range(150):
        run.step(2)
        written(run.timeline.store)
    steps = run.timeline.store.steps(0)
    assert len(steps) < 80 and {33, 43} <= set(steps)
    valid = run.history["valid_loss"]
    best = int(run.history.steps("valid_loss")[int(valid.argmin())])
    entries = run.timeline.store._lines[0]
    (kept,) = [step for step in steps if "best" in entries[step].kept]
    assert best - 12 <= kept <= best
    first = losses(run)
    check_seeks(run, first, [43, kept, 33])
    fork.seek(33)
    assert losses(fork) == first[:33]
    fork.stop(), run.stop()


# Disk.


def test_seeks_from_disk_are_exact(monkeypatch, place):
    run = spilled_run(monkeypatch)
    first = losses(run)
    assert len(on_disk(run)) > 10 and files(place)
    chance = random.Random(0)
    check_seeks(run, first, [*on_disk(run)[1:6], *(chance.randrange(300) for _ in range(15)), 0])
    run.stop()
    run.timeline.store.close()
    assert not list(place.glob("dlnb-timeline-*"))


def test_files_are_safetensors(monkeypatch, place):
    run = spilled_run(monkeypatch, 60)
    flats = load_file(files(place)[0])
    found = run.timeline.store.at_or_before(0, int(files(place)[0].name.split("-")[0]))
    assert flats and {name: f"torch.{name}" for name in flats} == {
        name: str(flat.dtype) for name, flat in flats.items()
    }
    assert all(torch.equal(flats[str(dtype).removeprefix("torch.")], flat) for dtype, flat in found.flats.items())
    run.stop()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-9] ^= 4
    file.write_bytes(content)


def of_another_size(file: Path) -> None:
    other = Snapshots(1, 1 << 20)
    other.put(0, snapshot(0, 7), 0.0)
    written(other)
    shutil.copy(other._disk.folder / other._lines[0][0].spilled.name, file)
    other.close()


def longer(file: Path) -> None:
    header = file.read_bytes()
    file.write_bytes(header.replace(b'"F32"', b'"I32"'))


@pytest.mark.parametrize("damage", [cut_short, emptied, changed, of_another_size, longer, Path.unlink])
def test_damaged_files_are_found_out_and_the_run_goes_on_from_earlier_ones(monkeypatch, place, caplog, damage):
    run = spilled_run(monkeypatch, 120)
    first, gone = losses(run), on_disk(run)
    for file in files(place):
        if not file.name.startswith("000000000"):
            damage(file)
    with caplog.at_level(logging.WARNING):
        check_seeks(run, first, [gone[-1], gone[len(gone) // 2], gone[1] + 1, 0])
    assert len([record for record in caplog.records if "are lost" in record.message]) == 1
    run.resume()
    time.sleep(0.1)
    run.pause()
    assert losses(run)[:120] == first[: run.steps] and run.exact
    run.stop()


def test_a_folder_that_vanishes_is_made_anew(monkeypatch, place):
    run = spilled_run(monkeypatch, 90)
    first = losses(run)
    (folder,) = place.glob("dlnb-timeline-*")
    shutil.rmtree(folder)
    while run.steps < 180:
        run.step(3)
        written(run.timeline.store)
    assert files(place) and not run.timeline.store.trouble
    last = on_disk(run)[-1]
    again = losses(run)
    assert again[:90] == first
    check_seeks(run, again, [last])
    run.stop()


def full(place: Path, monkeypatch, way: str):
    """Have a disk that takes no more after a few snapshots. Returns what gives it room again."""
    if way == "raised":
        put = spill.write_all
        count = iter(range(10**9))

        def takes_little(file, data):
            if next(count) > 20:
                raise OSError(28, "No space left on device")
            put(file, data)

        monkeypatch.setattr(spill, "write_all", takes_little)
        return lambda: monkeypatch.setattr(spill, "write_all", put)
    small = place / "small"
    small.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)], capture_output=True)
    if done.returncode:
        pytest.skip("nothing may be mounted here")
    monkeypatch.setattr(spill, "place", lambda: small)
    return lambda: subprocess.run(["mount", "-o", "remount,size=8m", str(small)], check=True)


@pytest.mark.parametrize(
    "way",
    ["raised", pytest.param("mounted", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount"))],
)
def test_a_full_disk_is_said_once_and_the_run_is_intact(monkeypatch, place, caplog, way):
    alone = dl.fit(broad(), quadrants(noise=0.1), epochs=10_000, threads=1, start=False)
    alone.step(300)
    monkeypatch.setattr(spill, "AGAIN", 0.0)
    give_room = full(place, monkeypatch, way)
    try:
        with caplog.at_level(logging.WARNING):
            run = spilled_run(monkeypatch)
        said = [record.message for record in caplog.records if "No space left" in record.message]
        assert len(said) == 1 and "The run goes on" in said[0] and run.timeline.store.trouble in said[0]
        assert run.notice == run.timeline.store.trouble
        assert run.timeline.nbytes <= run.timeline.budget
        assert losses(run) == losses(alone) and run.state == "paused"
        check_seeks(run, losses(alone), [*run.timeline.store.steps(0)[::4], 1, 150, 299])
        give_room()
        before = set(files(place) + files(place / "small"))
        while run.steps < 400:
            run.step(3)
            written(run.timeline.store)
        assert set(files(place) + files(place / "small")) - before and not run.timeline.store.trouble and not run.notice
        check_seeks(run, losses(run), on_disk(run)[-2:])
        run.stop()
        run.timeline.store.close()
    finally:
        if way == "mounted":
            subprocess.run(["umount", "-l", str(place / "small")], capture_output=True)


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_has_is_not(monkeypatch, place):
    for name in ("dlnb-timeline-dead", "dlnb-timeline-live", "dlnb-timeline-new"):
        (place / name).mkdir()
        (place / name / "1.safetensors").write_bytes(b"x")
        if name[-3:] != "new":
            os.utime(place / name, (0, 0))
    with FileLock(place / "dlnb-timeline-live" / "lock"):
        os.utime(place / "dlnb-timeline-live", (0, 0))
        run = spilled_run(monkeypatch, 60)
    assert not (place / "dlnb-timeline-dead").exists()
    assert (place / "dlnb-timeline-live").exists() and (place / "dlnb-timeline-new").exists()
    run.stop()


def test_files_in_memory_are_no_disk(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(spill, "_kind", lambda folder: "tmpfs")
    assert spill.place() == Path(platformdirs.user_cache_dir("dlnb", appauthor=False))
    monkeypatch.setattr(spill, "_kind", lambda folder: "ext4")
    assert spill.place() == Path(spill.tempfile.gettempdir()) and spill.free_disk() > 0
