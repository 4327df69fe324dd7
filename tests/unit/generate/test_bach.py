import numpy as np
import pytest

from dlnb.generate.bach import Chorale, cache, corpus, keep, published, read_kept, voices_of
from dlnb.generate.music import as_score


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path))
    return tmp_path


def score_of(*parts):
    """A score of music21, made of notes in its own short notation."""
    from music21 import converter, stream

    return stream.Score([stream.Part(converter.parse(f"tinynotation: 4/4 {part}").flatten().notesAndRests) for part in parts])


def test_the_chorales_of_music21_are_read_once_and_kept(own_cache, capsys):
    first = corpus(2)
    assert [chorale.name for chorale in first] == ["bwv269", "bwv347"]
    (kept,) = (own_cache / "chorales").iterdir()
    written = kept.stat().st_mtime_ns
    again = corpus(2)
    assert kept.stat().st_mtime_ns == written
    assert all(np.array_equal(a.notes, b.notes) and a.name == b.name for a, b in zip(first, again, strict=True))


def test_a_chorale_has_four_voices_of_a_choir_from_high_to_low(own_cache):
    for chorale in corpus(2):
        assert chorale.notes.shape[1] == 4 and len(chorale.notes) > 100
        sung = [column[column > 0] for column in chorale.notes.T]
        means = [column.mean() for column in sung]
        assert means == sorted(means, reverse=True)
        assert min(map(min, sung)) >= 36 and max(map(max, sung)) <= 81


def test_a_damaged_cache_is_not_used_but_made_anew(own_cache, capsys):
    whole = corpus(1)
    (kept,) = cache().iterdir()
    content = kept.read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:200] + b"\0" * 50 + content[250:]):
        kept.write_bytes(damaged)
        again = corpus(1)
        assert "is damaged" in capsys.readouterr().out
        assert np.array_equal(again[0].notes, whole[0].notes)
        assert np.array_equal(read_kept(kept)[0].notes, whole[0].notes)
    assert list(cache().iterdir()) == [kept]  # no half-written file is left


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLNB_CACHE", str(tmp_path / "file"))
    assert corpus(1)[0].name == "bwv269"
    assert "cannot be kept" in capsys.readouterr().out


def test_what_is_kept_must_fit_together(tmp_path):
    file = tmp_path / "a.npz"
    keep(file, [Chorale("one", as_score(np.full((8, 4), 60)))])
    assert read_kept(file)[0].name == "one"
    for wrong in (
        {"notes": np.full((8, 4), 60), "lengths": np.array([7]), "names": np.array(["one"])},
        {"notes": np.full((8, 3), 60), "lengths": np.array([8]), "names": np.array(["one"])},
        {"notes": np.full((8, 4), 200), "lengths": np.array([8]), "names": np.array(["one"])},
        {"notes": np.full((8, 4), 60), "lengths": np.array([8])},
    ):
        np.savez(file, **wrong)
        with pytest.raises((ValueError, KeyError)):
            read_kept(file)


def test_a_note_sounds_as_long_as_it_is_written():
    score = score_of("c'2 r4 e'8 f'8", "g1", "e4 f4 g4 a4", "C1")
    notes = voices_of(score)
    assert notes.shape == (16, 4)
    assert notes[:, 0].tolist() == [72] * 8 + [0] * 4 + [76] * 2 + [77] * 2
    assert notes[::4, 2].tolist() == [64, 65, 67, 69]


def test_the_highest_voice_comes_first_however_the_parts_are_ordered():
    assert voices_of(score_of("C1", "c'1", "e1", "g1"))[0].tolist() == [72, 67, 64, 48]


def test_what_has_not_four_singing_voices_is_left_out():
    assert voices_of(score_of("c'1", "g1", "C1")) is None
    assert voices_of(score_of("c'1", "g1", "r1", "C1")) is None


def test_a_tune_is_known_in_any_key_and_rhythm():
    def tune(*melody):
        return Chorale("", as_score([[note, 50, 45, 40] for note in melody])).tune

    assert tune(60, 62, 64, 60) == tune(65, 65, 67, 67, 69, 65) == (2, 2, -4)
    assert tune(60, 62, 64, 60) != tune(60, 62, 63, 60)


def test_what_is_not_there_is_refused_in_words(own_cache):
    with pytest.raises(ValueError, match="pieces must be 1 or more"):
        corpus(0)
    with pytest.raises(ValueError, match="'train', 'valid', 'test', not 'all'"):
        published("all")
