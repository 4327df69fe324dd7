"""The store hands out the published file or a sentence, and nothing between the two.

The server is on loopback; each of its answers is a fault that real servers have.
"""

import hashlib
import http.server
import multiprocessing
import os
import re
import threading

import pytest

from dlnb.data import store
from dlnb.data.sets import DataSet, File

CONTENT = bytes(range(256)) * 1000  # 256,000 bytes: more than a socket buffers at once
TAMPERED = CONTENT[:-1] + b"!"


class Server(http.server.ThreadingHTTPServer):
    """Serves `/<behaviour>/<anything>`; remembers the path and the Range of each request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.release = threading.Event()

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{behaviour}/file.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        behaviour, wanted = self.path.split("/")[1], self.headers.get("Range")
        self.server.asked.append((behaviour, wanted))
        body = {"tampered": TAMPERED, "short": CONTENT[:100_000], "long": CONTENT + b"more"}.get(behaviour, CONTENT)
        if behaviour == "missing":
            return self.send_error(404)
        if behaviour == "broken":
            return self.send_error(503)
        if behaviour == "hanging":
            self.server.release.wait(10)
            return None
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and behaviour != "no_range" else 0
        if start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if behaviour != "no_length":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        cut = behaviour in ("cutting", "no_length") and len(rest) > 100_000
        self.wfile.write(rest[:100_000] if cut else rest)
        self.close_connection = True


@pytest.fixture
def server():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLNB_DATA", raising=False)
    monkeypatch.setattr(store, "_sets", dict(store._sets))
    return tmp_path / "cache" / "trial"


def known(*urls: str, content: bytes = CONTENT, file: str = "file.bin") -> DataSet:
    published = File(urls, len(content), hashlib.sha256(content).hexdigest())
    dataset = DataSet("trial", "bytes to try", "this test", "free for all", {file: published})
    store.add(dataset)
    return dataset


def get() -> bytes:
    return store.path("trial", "file.bin").read_bytes()


def left_in(folder) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"file.bin.lock"}


def test_a_file_is_fetched_once_and_then_used_from_the_cache(server, cache, capsys):
    known(server.url("good"))
    assert get() == CONTENT
    shown = capsys.readouterr().out
    assert "this test" in shown and "free for all" in shown
    assert get() == CONTENT
    assert server.asked == [("good", None)]
    assert capsys.readouterr().out == ""
    assert left_in(cache) == {"file.bin"}


def test_one_bar_counts_many_files_and_a_large_one_has_its_own(server, cache, capsys, monkeypatch):
    monkeypatch.setattr(store, "LARGE", len(CONTENT))
    known(server.url("good"))
    get()
    assert "file.bin:" in capsys.readouterr().err
    monkeypatch.setattr(store, "LARGE", len(CONTENT) + 1)
    published = File((server.url("good"),), len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    store.add(DataSet("trial", "bytes to try", "this test", "free for all", {f"{number}.bin": published for number in range(store.MANY)}))
    assert [file.read_bytes() for file in store.fetch("trial").values()] == [CONTENT] * store.MANY
    shown = capsys.readouterr().err
    assert f"/{store.MANY} " in shown and ".bin:" not in shown


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, cache):
    known(server.url("good"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").write_bytes(CONTENT[:70_000])
    assert get() == CONTENT
    assert server.asked == [("good", "bytes=70000-")]


def test_a_connection_cut_again_and_again_still_brings_the_whole_file(server, cache):
    known(server.url("cutting"))
    assert get() == CONTENT
    first, *more = [wanted for _, wanted in server.asked]
    starts = [int(wanted.removeprefix("bytes=").removesuffix("-")) for wanted in more]
    assert first is None and len(starts) == 2
    assert 90_000 < starts[0] <= 100_000 and 180_000 < starts[1] <= 200_000


def test_a_cut_is_noticed_when_the_server_tells_no_length(server, cache):
    known(server.url("no_length"))
    assert get() == CONTENT


def test_a_server_that_ignores_ranges_sends_the_file_from_its_beginning(server, cache):
    known(server.url("no_range"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").write_bytes(CONTENT[:70_000])
    assert get() == CONTENT


@pytest.mark.parametrize("stale", [b"x" * 70_000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_stale_part_is_thrown_away_and_the_file_fetched_once_again(server, cache, stale):
    known(server.url("good"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").write_bytes(stale)
    assert get() == CONTENT
    assert server.asked[-1] == ("good", None)


def test_a_part_longer_than_what_the_server_has_is_refused_in_words(server, cache):
    known(server.url("short"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").write_bytes(CONTENT[:150_000])
    with pytest.raises(store.DataError, match="100,000 bytes, expected 256,000"):
        get()
    assert left_in(cache) == set()


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("tampered", f"SHA-256 {hashlib.sha256(TAMPERED).hexdigest()}, expected {hashlib.sha256(CONTENT).hexdigest()}"),
        ("short", "100,000 bytes, expected 256,000"),
        ("long", "256,004 bytes, expected 256,000"),
        ("missing", "answered 404"),
    ],
)
def test_what_is_not_the_published_file_is_refused_and_nothing_kept(server, cache, behaviour, said):
    known(server.url(behaviour))
    with pytest.raises(store.DataError, match=re.escape(said)) as caught:
        get()
    assert "file.bin could not be fetched" in str(caught.value) and server.url(behaviour) in str(caught.value)
    assert left_in(cache) == set()
    assert len(server.asked) == 1, "asking again is of no use"


@pytest.mark.parametrize("first", ["missing", "tampered", "short", "broken"])
def test_the_next_mirror_is_asked_when_one_fails(server, cache, first):
    known(server.url(first), server.url("good"))
    assert get() == CONTENT


def test_a_server_that_hangs_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(store, "TIMEOUT", 0.2)
    monkeypatch.setattr(store, "TRIES", 2)
    known(server.url("hanging"))
    with pytest.raises(store.DataError, match=r"did not answer for 0\.2 s"):
        get()


def test_without_a_network_the_error_says_so(cache, monkeypatch):
    monkeypatch.setattr(store, "TRIES", 2)
    known("http://127.0.0.1:9/file.bin")  # nobody listens there
    with pytest.raises(store.DataError, match="could not be reached(.|\n)*DLNB_DATA"):
        get()


def test_what_arrived_before_a_failure_is_kept_for_the_next_call(server, cache, monkeypatch):
    monkeypatch.setattr(store, "TRIES", 1)
    known(server.url("broken"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").write_bytes(CONTENT[:70_000])
    with pytest.raises(store.DataError, match="answered 503"):
        get()
    assert (cache / "file.bin.part").read_bytes() == CONTENT[:70_000]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_said_in_words(server, cache):
    known(server.url("good"))
    cache.mkdir(parents=True)
    (cache / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(store.DataError, match="the disk is full.*0.3 MB.*DLNB_CACHE"):
        get()
    assert "file.bin" not in left_in(cache)


def test_a_cache_that_cannot_be_written_is_said_in_words(server, tmp_path, cache, monkeypatch):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path / "a file"))
    known(server.url("good"))
    with pytest.raises(store.DataError, match="cannot write into .*DLNB_CACHE"):
        get()


@pytest.mark.parametrize("damaged", [CONTENT[:1000], TAMPERED])
def test_a_damaged_file_in_the_cache_is_not_used_but_fetched_again(server, cache, damaged, capsys):
    known(server.url("good"))
    cache.mkdir(parents=True)
    (cache / "file.bin").write_bytes(damaged)
    assert get() == CONTENT
    assert "It is not used" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (CONTENT[:1000], "is cut short: 1,000 bytes, expected 256,000"),
        (CONTENT + b"x", "is too long: 256,001 bytes, expected 256,000"),
        (TAMPERED, "was altered: SHA-256 "),
    ],
)
def test_a_damaged_file_in_the_users_folder_is_refused_and_left_alone(
    server, cache, tmp_path, monkeypatch, damaged, said
):
    known(server.url("good"))
    mine = tmp_path / "mine" / "trial" / "file.bin"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(damaged)
    monkeypatch.setenv("DLNB_DATA", str(tmp_path / "mine"))
    with pytest.raises(store.DataError, match=re.escape(said)) as caught:
        get()
    assert str(mine) in str(caught.value)
    assert mine.read_bytes() == damaged and server.asked == []


def test_a_file_in_the_users_folder_is_used_where_it_lies(server, cache, tmp_path, monkeypatch, capsys):
    known(server.url("good"))
    mine = tmp_path / "mine" / "trial" / "file.bin"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(CONTENT)
    monkeypatch.setenv("DLNB_DATA", str(tmp_path / "mine"))
    assert store.path("trial", "file.bin") == mine
    assert server.asked == [] and not cache.exists() and capsys.readouterr().out == ""


def test_a_file_that_the_users_folder_lacks_is_fetched(server, cache, tmp_path, monkeypatch):
    known(server.url("good"))
    monkeypatch.setenv("DLNB_DATA", str(tmp_path))
    assert store.path("trial", "file.bin").parent == cache


def test_a_users_folder_that_is_none_is_an_error(cache, tmp_path, monkeypatch):
    known("http://127.0.0.1:9/")
    monkeypatch.setenv("DLNB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(store.DataError, match="DLNB_DATA names .*nowhere, which is not a folder"):
        get()


def _fetch_in_child(dataset: DataSet, barrier, results) -> None:
    store.add(dataset)
    barrier.wait(30)
    results.put(hashlib.sha256(get()).hexdigest())


def test_two_processes_that_fetch_at_once_get_the_same_whole_file(server, cache):
    dataset = known(server.url("cutting"))
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    children = [context.Process(target=_fetch_in_child, args=(dataset, barrier, results)) for _ in range(2)]
    for child in children:
        child.start()
    assert {results.get(timeout=60) for _ in children} == {hashlib.sha256(CONTENT).hexdigest()}
    for child in children:
        child.join(30)
    assert len(server.asked) == 3, "one of them fetched, in three pieces; the other waited"


def test_names_that_are_not_known_are_answered_with_those_that_are(cache):
    with pytest.raises(KeyError, match="no data set 'minst'; there are .*mnist"):
        store.fetch("minst")
    with pytest.raises(KeyError, match="has no file 'x'; it has .*t10k-images"):
        store.fetch("mnist", ["x"])


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "c:\\x", ""])
def test_no_file_of_a_set_lies_outside_its_folder(name):
    with pytest.raises(ValueError, match="relative path"):
        known("http://127.0.0.1:9/", file=name)


def test_every_published_file_has_two_mirrors_that_are_https_and_a_checksum():
    for dataset in store.sets().values():
        assert dataset.licence and dataset.source
        for file in dataset.files.values():
            assert len(file.urls) >= 2 and all(url.startswith("https://") for url in file.urls)
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
