"""Tables: what can be learned from is read, what cannot is refused in words; no row is in two parts."""

import numpy as np
import pandas as pd
import pytest
import torch

from dlnb.tabular.tables import FOLDS, Scale, TableError, parts, read_table


def table(**more):
    random = np.random.default_rng(0)
    return pd.DataFrame({"a": random.standard_normal(40), "b": np.arange(40), "kind": ["cat", "dog"] * 20, **more})


def test_a_table_is_read_with_its_classes(tmp_path):
    table().to_csv(tmp_path / "animals.csv", index=False)
    read = read_table(tmp_path / "animals.csv", "kind")
    assert read.names == ("a", "b") and read.classes == ("cat", "dog")
    assert read.rows.shape == (40, 2) and read.rows.dtype == np.float32
    assert read.target[:3].tolist() == [0, 1, 0]


def test_numbers_are_a_quantity_and_few_whole_numbers_are_classes():
    assert read_table(table().drop(columns="kind"), "a").classes == ()
    assert read_table(table(stars=[1, 2, 3, 5] * 10).drop(columns="kind"), "stars").classes == ("1", "2", "3", "5")
    assert read_table(table(yes=[True, False] * 20).drop(columns="kind"), "yes").classes == ("False", "True")


@pytest.mark.parametrize(
    ("frame", "target", "words"),
    [
        (table(), "a", "'kind' holds text .'cat'., and a network reads numbers"),
        (table(c=[np.nan] * 3 + [1.0] * 37), "kind", "'c' has 3 missing or endless values of 40"),
        (table(c=[np.inf] + [1.0] * 39), "kind", "'c' has 1 missing or endless values"),
        (table(c=[1e300] + [1.0] * 39), "kind", "'c' has numbers beyond"),
        (table(c=[None] * 2 + ["x"] * 38), "c", "2 rows do not say 'c'"),
        (table(c=1.0), "c", "says the same in every row"),
        (table(c=[f"name {i}" for i in range(40)]).drop(columns="kind"), "c", "40 different things in 40 rows"),
        (table(), "size", "no column 'size'; the table has a, b, kind"),
        (table()[:5], "kind", "has 5 rows; at least 10"),
        (table()[:0], "kind", "has 0 rows"),
        (table()[["kind"]], "kind", "no column beside 'kind'"),
        (table(when=pd.date_range("2020", periods=40)), "kind", "'when' holds text"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(frame, target, words):
    with pytest.raises(TableError, match=words):
        read_table(frame, target)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01" * 50, b'a,b\n1,"2\n3'])
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "odd.csv").write_bytes(content)
    with pytest.raises(TableError):
        read_table(tmp_path / "odd.csv", "a")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.csv", "a")


@pytest.mark.parametrize("classes", [(), ("x", "y", "z")])
def test_each_row_is_in_one_part_and_is_tested_in_one_fold(classes):
    target = np.arange(101) % 3
    tested = []
    for fold in range(FOLDS):
        found = parts(target, 1, classes, fold)
        assert sorted(torch.cat(found).tolist()) == list(range(101))
        assert [len(part) / 101 for part in found] == pytest.approx([0.64, 0.16, 0.2], abs=0.03)
        tested += found[2].tolist()
    assert sorted(tested) == list(range(101))


def test_each_class_has_its_share_in_each_part():
    target = np.array([0] * 80 + [1] * 20)
    assert [target[part].mean() for part in parts(target, 0, ("a", "b"))] == pytest.approx([0.2, 0.2, 0.2], abs=0.02)


def test_the_split_is_drawn_by_the_seed():
    target = np.zeros(50)
    assert all(torch.equal(a, b) for a, b in zip(parts(target, 3), parts(target, 3), strict=True))
    assert not torch.equal(parts(target, 3)[0], parts(target, 4)[0])
    with pytest.raises(ValueError, match="fold must be 0 to 4"):
        parts(target, 0, fold=5)


def test_a_scale_brings_to_mean_0_and_back_and_bears_a_column_that_never_changes():
    rows = torch.tensor([[1.0, 7.0], [3.0, 7.0], [5.0, 7.0]])
    scale = Scale.of(rows)
    scaled = scale.apply(rows)
    torch.testing.assert_close(scaled, torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    torch.testing.assert_close(scale.undo(scaled), rows)
