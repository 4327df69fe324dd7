"""Live runs over HTTP: a real kernel that trains in a busy cell, killed, started again, and ended."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

pytest_plugins = ("pytest_jupyter.jupyter_server",)

TRAIN = """
import dlnb as dl
run = dl.fit(dl.vision.LeNet(), dl.vision.digits(), epochs=100_000)
"""
BUSY = "while True:\n    sum(range(1000))"
LIVE = ("dlnb", "live")


@pytest.fixture
def kernel(learner, jp_fetch, jp_serverapp, jp_asyncio_loop):
    """A kernel of this server, and the way to have it run code without waiting."""
    answer = jp_asyncio_loop.run_until_complete(jp_fetch("api", "kernels", method="POST", body="{}"))
    name = json.loads(answer.body)["id"]
    client = jp_serverapp.kernel_manager.get_kernel(name).client()
    client.start_channels()
    yield name, client.execute
    client.stop_channels()
    jp_asyncio_loop.run_until_complete(jp_serverapp.kernel_manager.shutdown_all(now=True))


async def live(jp_fetch):
    return json.loads((await jp_fetch(*LIVE)).body)


async def once(jp_fetch, holds, seconds=120):
    """What the server says once it holds; fails when it does not come to that."""
    for _ in range(int(seconds / 0.2)):
        said = await live(jp_fetch)
        if holds(said):
            return said
        await asyncio.sleep(0.2)
    raise AssertionError(f"it never came to that: {said}")


def runs(said):
    return [run for kernel in said["kernels"] for run in kernel["runs"]]


async def tell(jp_fetch, kernel, run, command):
    body = json.dumps({"kernel": kernel, "run": run, "do": command})
    return (await jp_fetch(*LIVE, method="POST", body=body, raise_error=False)).code


async def test_without_kernels_there_is_memory_against_a_limit(learner, jp_fetch):
    said = await live(jp_fetch)
    assert said["kernels"] == []
    assert 0 < said["memory"]["used"] < said["memory"]["limit"]


async def test_a_run_is_seen_and_steered_while_the_cell_is_busy_and_nothing_is_left_of_dead_kernels(kernel, jp_fetch, jp_serverapp):
    name, execute = kernel
    execute(TRAIN)
    execute(BUSY)
    said = await once(jp_fetch, lambda said: runs(said) and runs(said)[0]["step"] > 5)
    [run] = runs(said)
    assert (run["id"], run["name"], run["state"]) == ("run-1", "LeNet on digits", "running")
    assert 0 < run["loss"] < 10
    assert said["kernels"][0]["memory"] > 100_000_000

    assert await tell(jp_fetch, name, "run-1", "pause") == 200
    paused = await once(jp_fetch, lambda said: runs(said)[0]["state"] == "paused", 20)
    await asyncio.sleep(2)
    assert runs(await live(jp_fetch))[0]["step"] == runs(paused)[0]["step"]
    assert await tell(jp_fetch, name, "run-1", "resume") == 200
    await once(jp_fetch, lambda said: runs(said)[0]["step"] > runs(paused)[0]["step"], 20)
    assert await tell(jp_fetch, name, "run-2", "pause") == 404
    assert await tell(jp_fetch, "no-kernel", "run-1", "pause") == 404

    manager = jp_serverapp.kernel_manager.get_kernel(name)
    folder = Path(manager.connection_file).parent
    assert [file.name[:5] for file in folder.glob("dlnb-*")] == ["dlnb-", "dlnb-"]
    killed = manager.provisioner.pid
    os.kill(killed, signal.SIGKILL)  # Jupyter starts it again, with the same connection file
    await once(jp_fetch, lambda said: not runs(said), 60)
    # What is ended while it is being started again raises InvalidStateError within Jupyter.
    await once(jp_fetch, lambda _: manager.has_kernel and manager.provisioner.pid != killed and manager.ready.done(), 60)
    await jp_serverapp.kernel_manager.shutdown_kernel(name, now=True)
    assert (await once(jp_fetch, lambda said: not said["kernels"], 20))["kernels"] == []
    assert list(folder.glob("*dlnb-*")) == []


async def test_a_run_can_be_stopped(kernel, jp_fetch):
    name, execute = kernel
    execute(TRAIN)
    await once(jp_fetch, lambda said: runs(said) and runs(said)[0]["step"] > 1)
    assert await tell(jp_fetch, name, "run-1", "stop") == 200
    await once(jp_fetch, lambda said: not runs(said), 20)


async def test_a_kernel_is_asked_nothing_that_jupyter_would_take_for_activity(kernel, jp_fetch, jp_serverapp):
    """Else no hub would ever end a server that somebody has left open."""
    manager = jp_serverapp.kernel_manager.get_kernel(kernel[0])
    await once(jp_fetch, lambda said: said["kernels"][0]["memory"])
    await asyncio.sleep(3)  # what its start brought has come
    before = manager.last_activity
    for _ in range(10):
        assert runs(await live(jp_fetch)) == []
        await asyncio.sleep(0.2)
    assert manager.last_activity == before


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"runs": 3}', '{"runs": [1, null], "at": "x"}', "[" * 50_000, " " * 300_000])
async def test_odd_words_of_a_kernel_are_passed_over(kernel, jp_fetch, jp_serverapp, content):
    file = Path(jp_serverapp.kernel_manager.get_kernel(kernel[0]).connection_file)
    file.with_name("dlnb-runs-" + file.name).write_text(content)
    assert runs(await live(jp_fetch)) == []


async def test_a_folder_that_takes_no_files_does_no_harm(kernel, jp_fetch, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dlnb.server.kernels.tempfile.mkstemp", full)
    assert (await live(jp_fetch))["kernels"][0]["runs"] == []
