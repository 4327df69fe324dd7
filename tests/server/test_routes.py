"""All routes of the extension, whichever there are: none answers without the token, none fails, none holds the server up."""

import asyncio
import json
import random
import string
import threading
import time
import traceback
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from asking import PATH, PROGRESS, RESET, post
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnb.server import handlers

pytest_plugins = ("pytest_jupyter.jupyter_server",)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SECRET = "a-word-of-the-course"
BLOCKED = 0.05  # seconds


@pytest.fixture
def routes(jp_serverapp):
    """Every route of ours that this server has: its address and its handler."""
    found = []
    for rule in jp_serverapp.web_app.wildcard_router.rules + jp_serverapp.web_app.default_router.rules:
        for one in getattr(rule.target, "rules", [rule]):
            if getattr(one.target, "__module__", "").startswith("dlnb."):
                found.append((one.matcher._path, one.target))
    return found


@pytest.fixture
def ask(http_server_client, jp_auth_header):
    """Asks with the token, an address as it is."""

    def asked(address, headers=None, **call):
        return http_server_client.fetch(address, headers={**jp_auth_header, **(headers or {})}, raise_error=False, **call)

    return asked


@pytest.fixture
def words(course, jp_root_dir):
    """A course that holds a word which nobody may learn without the token."""
    file = jp_root_dir / PATH
    file.write_text(file.read_text().replace("Images", SECRET))
    (jp_root_dir / "notebooks" / "glossary.md").write_text(f"# Glossary\n\n## {SECRET}\n\nwords\n")
    return course


def test_every_handler_has_a_route_and_every_route_is_found(routes, jp_base_url):
    ours = {one for one in vars(handlers).values() if isinstance(one, type) and issubclass(one, handlers._CourseHandler)} - {handlers._CourseHandler}
    assert {handler for _, handler in routes} == ours
    assert {path for path, _ in routes} == {path.replace("\\", "") for path, _ in handlers.routes(jp_base_url + "dlnb")}


@pytest.mark.parametrize("token", [None, "wrong", "", "é"])
async def test_no_route_answers_any_method_without_the_token(words, routes, http_server_client, token):
    headers = {} if token is None else {"Authorization": f"token {token}".encode().decode("latin-1")}
    for path, _ in routes:
        for method in METHODS:
            for query in ("", f"?q={SECRET}") + (() if token is None else (f"?token={quote(token)}",)):
                body = json.dumps({"path": PATH, "cells": words}) if method in ("POST", "PUT", "PATCH") else None
                answer = await http_server_client.fetch(path + query, method=method, headers=headers, body=body, raise_error=False)
                if method == "OPTIONS":  # a browser asks for the rules, without the token; they hold nothing of the course
                    assert (answer.code, answer.body) == (204, b"") or answer.code in (200, 403)
                else:
                    assert answer.code in (403, 405), (method, path, answer.code)
                assert SECRET.encode() not in (answer.body or b"")


async def test_nothing_was_kept_for_one_who_had_no_token(words, routes, http_server_client, jp_fetch):
    for path, _ in routes:
        await http_server_client.fetch(path, method="POST", body=json.dumps({"path": PATH, "cells": words}), raise_error=False)
    assert json.loads((await jp_fetch("dlnb", "chapters")).body)[0]["state"] == "new"


OUTSIDE = [
    "../secret.ipynb", "notebooks/../../secret.ipynb", "notebooks/./10_a.ipynb", "notebooks//10_a.ipynb", "/etc/passwd", "//host/share",
    "C:\\secret.ipynb", "C:/secret.ipynb", "\\\\host\\share", "..\\secret.ipynb", "notebooks\\10_a.ipynb", "%2e%2e/secret.ipynb",
    "notebooks/%2e%2e/%2e%2e/secret.ipynb", "notebooks/10_a.ipynb%00", "notebooks/10_a.ipynb\0", "\0", "~/secret.ipynb", "$HOME/x",
    "file:///etc/passwd", "notebooks/10_a.ipynb/", " notebooks/10_a.ipynb", "notebooks/10_a.ipynb\n", "NOTEBOOKS/10_A.IPYNB", "\ud800",
    "notebooks/11_link.ipynb", "notebooks/labs/12_folder/10_x.ipynb", "notebooks/．．/secret.ipynb", "notebooks/…/x", "a" * 1024,
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("route", [PROGRESS, RESET], ids="/".join)
async def test_a_path_outside_of_the_course_is_refused_and_the_file_stays(course, jp_fetch, jp_root_dir, route, path):
    secret = jp_root_dir.parent / "secret.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("secret", id="s")], metadata={"dlnb": {"chapter": "11"}}), secret)
    (jp_root_dir / "notebooks" / "11_link.ipynb").symlink_to(secret)
    (jp_root_dir / "notebooks" / "labs" / "12_folder").symlink_to(jp_root_dir.parent)
    before = secret.read_bytes()
    answer = await jp_fetch(*route, method="POST", body=json.dumps({"path": path, "cells": ["s"]}), raise_error=False)
    if path == "notebooks/11_link.ipynb" and route == PROGRESS:  # listed with an error, and no cell of it counts
        assert json.loads(answer.body)["cells"] == 0
    else:
        assert answer.code in (404, 409)
    assert secret.read_bytes() == before
    assert [file.name for file in jp_root_dir.parent.iterdir() if "backup" in file.name] == []


def anything(chance: random.Random, depth: int = 0):
    """Some JSON value, likely to look almost right."""
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return chance.choice([None, True, False, 0, -1, 1e308, 2**70, float("nan")])
    if kind in (1, 2):
        return "".join(chance.choices(string.printable + "\0\ud800é/..", k=chance.randrange(40)))
    if kind in (3, 4, 5):
        return chance.choice([PATH, "notebooks", "../" * 5, "%s%d{}", "path", "cells", "pause", "run-1"])
    if kind == 6:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(5))]
    keys = chance.choices(["path", "cells", "kernel", "run", "do", "x", ""], k=chance.randrange(5))
    return {key: anything(chance, depth + 1) for key in keys}


def bodies(chance: random.Random):
    """What may come as a body: almost right, wrong types, deep, huge, no UTF-8, cut off."""
    yield from (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"path":' * 20_000, b" " * 300_000, b'{"path": "' + b"a" * 250_000 + b'"}')
    yield from (b'{"path": "\xff"}', b'{"path": "\\ud800", "cells": ["a"]}', b"NaN", b"1e999", b'"' + b"\\u0000" * 100 + b'"', b"9" * 10_000)
    for i in range(150):
        body = anything(chance)
        if i % 2:  # of the right form, so that what it holds is looked at as well
            right = {"path": PATH, "cells": ["a", "b"], "kernel": "k", "run": "run-1", "do": "pause"}
            body = {**right, chance.choice(list(right)): anything(chance)}
        text = json.dumps(body).encode()
        yield text[: chance.randrange(len(text) + 1)] + chance.randbytes(chance.randrange(4)) if i % 3 == 0 else text


async def test_no_body_and_no_query_make_any_route_fail(course, routes, ask):
    for path, handler in routes:
        chance = random.Random(path)
        codes = set()
        if "post" in vars(handler):
            for body in bodies(chance):
                answer = await ask(path, method="POST", body=body)
                codes.add(answer.code)
                assert answer.code < 500, (path, body[:200], answer.body)
            assert codes <= {200, 400, 404, 413}, (path, codes)
            assert {400, 413} <= codes
            codes.clear()
        if "get" in vars(handler):
            for _ in range(100):
                text = quote(str(anything(chance)).encode("utf-8", "surrogatepass"))
                query = chance.choice([f"q={text}", f"q={text}&q=x", text, "q=%ff%fe", "q=" + "a" * 300, "q"])
                answer = await ask(f"{path}?{query}", headers={"If-None-Match": text[:50]})
                codes.add(answer.code)
                assert answer.code < 500, (path, query, answer.body)
            assert 200 in codes and codes <= {200, 304, 400}, (path, codes)


# How long the loop stands still.


class Watch:
    """How long each callback of the event loop computes, and how long the loop comes to nothing while others have the interpreter.

    What other processes take from the loop's thread does not count: Linux says how long a thread was ready and had no core.
    """

    def __init__(self, monkeypatch):
        self.computed: list[tuple[float, str]] = []
        self.gaps: list[float] = []
        run = asyncio.events.Handle._run

        def watched(handle):
            begin = time.thread_time()
            run(handle)
            self.computed.append((time.thread_time() - begin, repr(handle)[:200]))

        monkeypatch.setattr(asyncio.events.Handle, "_run", watched)

    async def beat(self):
        """Note by how much each sleep of 5 ms was too long."""
        while True:
            begin, waited = time.perf_counter(), without_a_core()
            await asyncio.sleep(0.005)
            self.gaps.append(time.perf_counter() - begin - 0.005 - (without_a_core() - waited))

    @property
    def longest(self) -> tuple[float, str]:
        return max(self.computed)


def without_a_core() -> float:
    """Seconds for which this thread was ready to run and waited for a core."""
    return int(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()[1]) / 1e9


@pytest.fixture
def large(learner, jp_root_dir):
    """A course of 40 chapters with outputs, some of many megabytes, and what they teach."""
    chance = random.Random(0)
    folder = jp_root_dir / "notebooks"
    folder.mkdir()
    for number in range(40):
        numbers = [new_output("display_data", {"application/json": [chance.random() for _ in range(100_000 if number % 10 == 0 else 500)]})]
        text = "The nine weights are a kernel, moved over the picture; ünlike words make it slower. " * 15
        cells = [new_markdown_cell(f"# {number:02d} · Title {number}")]
        cells += [new_markdown_cell(f"## Part {part}\n\n{text}") if part % 2 else new_code_cell(f"x = {part}", outputs=numbers) for part in range(30)]
        nbformat.write(new_notebook(cells=cells, metadata={"dlnb": {"chapter": f"{number:02d}"}}), folder / f"{number:02d}_a.ipynb")
    terms = "".join(f"## Term {i:03d}\n\n{text}\n\nTaught in [Part](0{i % 10}_a.ipynb#Part-{i % 30}).\n\n" for i in range(300))
    (folder / "glossary.md").write_text("# Glossary\n\n" + terms)
    assert max(file.stat().st_size for file in folder.iterdir()) > 5_000_000


async def test_nothing_that_is_asked_of_a_large_course_holds_the_server_up(large, routes, ask, jp_root_dir, monkeypatch):
    """Also the first time, when every notebook must be read."""
    watch = Watch(monkeypatch)
    heart = asyncio.create_task(watch.beat())
    for again in range(3):
        asked = []
        for path, handler in routes:
            if "get" in vars(handler):
                asked += [ask(f"{path}?q=kernel+{word}", request_timeout=120) for word in ("weights", "title", "x")]
            if "post" in vars(handler):
                body = {"path": f"notebooks/0{again}_a.ipynb", "cells": ["a"] * 1000, "kernel": "k", "run": "r", "do": "pause"}
                asked.append(ask(path, method="POST", body=json.dumps(body), request_timeout=120))
        assert {answer.code for answer in await asyncio.gather(*asked)} <= {200, 404}
        (jp_root_dir / "notebooks" / f"1{again}_a.ipynb").touch()
    heart.cancel()
    usual, longest = sorted(watch.gaps)[int(0.99 * len(watch.gaps))], max(watch.gaps)
    print(f"longest callback {1000 * watch.longest[0]:.0f} ms; of {len(watch.gaps)} gaps 99 % below {1000 * usual:.0f} ms, the longest {1000 * longest:.0f} ms")
    assert watch.longest[0] < BLOCKED, watch.longest
    assert usual < BLOCKED  # a single one may be a thread of ours that had the interpreter and lost its core to another process


async def test_a_callback_that_computes_for_long_would_be_noticed(monkeypatch):
    watch = Watch(monkeypatch)
    asyncio.get_running_loop().call_soon(lambda: json.loads(json.dumps(list(range(600_000)))))
    await asyncio.sleep(0.01)
    assert watch.longest[0] > BLOCKED


@pytest.mark.parametrize("method", ["listing", "stamp", "search", "glossary", "record", "reset"])
async def test_a_slow_disk_does_not_hold_the_server_up(course, jp_fetch, jp_serverapp, monkeypatch, method):
    """Everything that touches files does so in a thread, and never on the loop."""
    ours = jp_serverapp.web_app.settings["dlnb"]
    work, stacks = getattr(ours, method), []

    def slow(*arguments):
        stacks.append("".join(traceback.format_stack()))
        time.sleep(0.5)
        return work(*arguments)

    monkeypatch.setattr(ours, method, slow)
    calls = {
        "search": lambda: jp_fetch("dlnb", "search", params={"q": "a"}),
        "glossary": lambda: jp_fetch("dlnb", "glossary"),
        "record": lambda: post(jp_fetch, PROGRESS, {"path": PATH, "cells": course}),
        "reset": lambda: post(jp_fetch, RESET, {"path": PATH}),
    }
    request = asyncio.ensure_future(calls.get(method, lambda: jp_fetch("dlnb", "chapters"))())
    beats = 0
    while not request.done():
        await asyncio.sleep(0.005)
        beats += 1
    await request
    assert "run_forever" not in stacks[0]
    assert beats > 20  # of a hundred: the loop went on
