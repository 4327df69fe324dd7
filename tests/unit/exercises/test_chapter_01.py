"""Chapter 01: each exercise with nothing, with typical wrong answers, each of which gets its own message, and with its solution."""

import re
import time

import numpy as np
import pytest
import torch
from judging import tries

import dlnb as dl
from dlnb.exercises import desk
from dlnb.exercises.chapter_01 import as_batch, scaled, split, to_input

ALL = ["01.1", "01.2", "01.3", "01.4"]


def said(number, answer):
    """What is said of a wrong answer."""
    verdict = dl.check(number, answer)
    assert not verdict
    return verdict.words


def into(photo):
    """What the first exercise wants, in float64."""
    return photo.movedim(-1, 0).double() / 255


def darker(photo):
    photo //= 2
    return to_input(photo)


PHOTOS = {
    "the channels still come last": lambda photo: photo.float() / 255,
    "the picture lies on its side": lambda photo: photo.permute(2, 1, 0).float() / 255,
    "the pixels are mixed up": lambda photo: photo.reshape(3, *photo.shape[:2]).float() / 255,
    "that is a batch": lambda photo: to_input(photo)[None],
    "Divide by the largest that a byte can hold": lambda photo: photo.movedim(-1, 0).float(),
    "still uint8": lambda photo: photo.movedim(-1, 0) // 255,
    "brightest pixel of this photo": lambda photo: photo.movedim(-1, 0).float() / photo.max(),
    "stand in float64": into,
    "the photo itself has changed": darker,
    "gives a ndarray back": lambda photo: to_input(photo).numpy(),
    "are not the photo's": lambda photo: 1 - to_input(photo),
    "raised AttributeError": lambda photo: photo.move(),
    "does not take 1 things": lambda photo, size: photo,
}


@pytest.mark.parametrize("words", PHOTOS)
def test_a_photo_that_is_not_what_a_network_reads(words):
    assert words in said("01.1", PHOTOS[words])


def test_a_photo_itself_is_no_function():
    assert "give the function itself, `to_input`" in said("01.1", to_input(torch.zeros(4, 4, 3, dtype=torch.uint8)))


def padded(sentences, places, fill=0):
    return torch.tensor([(ids + [fill] * places)[:places] for ids in sentences])


def longest(sentences):
    return max(map(len, sentences))


BATCHES = {
    "cut to the shortest": lambda sentences: padded(sentences, min(map(len, sentences))),
    "only zeros to compute with": lambda sentences: padded(sentences, 10),
    "what does not fit is lost": lambda sentences: padded(sentences, longest(sentences) - 1),
    "filled up with -1": lambda sentences: padded(sentences, longest(sentences), -1),
    "belong behind them": lambda sentences: padded([ids[::-1] for ids in sentences], longest(sentences)).flip(1),
    "measure nothing": lambda sentences: padded(sentences, longest(sentences)).float(),
    "gives a list back": lambda sentences: sentences,
    "one row for each is wanted": lambda sentences: torch.cat([torch.tensor(ids) for ids in sentences]),
    "is wanted": lambda sentences: padded(sentences[::-1], longest(sentences)),
    "raised ValueError": lambda sentences: torch.tensor(sentences),
}


@pytest.mark.parametrize("words", BATCHES)
def test_sentences_that_are_no_batch(words):
    assert words in said("01.2", BATCHES[words])


def by(x, of):
    return (x - of.mean(0)) / of.std(0)


def squeezed(x, of):
    return (x - of.amin(0)) / (of.amax(0) - of.amin(0))


TABLES = {
    "by their own mean": lambda train, valid: (by(train, train), by(valid, valid)),
    "that is a leak": lambda train, valid: (by(train, torch.cat([train, valid])), by(valid, torch.cat([train, valid]))),
    "each column needs its own": lambda train, valid: ((train - train.mean()) / train.std(), (valid - train.mean()) / train.std()),
    "divide by the deviation too": lambda train, valid: (train - train.mean(0), valid - train.mean(0)),
    "take the mean away first": lambda train, valid: (train / train.std(0), valid / train.std(0)),
    "squeezes all others": lambda train, valid: (squeezed(train, train), squeezed(valid, train)),
    "the validation rows are not": lambda train, valid: (by(train, train), valid),
    "you divide by it: NaN": lambda train, valid: (by(train, train), by(valid, train)),
    "two tables back": lambda train, valid: by(train, train),
    "should have the shape (40, 3)": lambda train, valid: (by(train, train).T, valid),
    "does not take 2 things": lambda train: train,
}


@pytest.mark.parametrize("words", TABLES)
def test_tables_that_are_not_on_one_scale(words):
    assert words in said("01.3", TABLES[words])


def test_both_deviations_will_do_and_so_will_a_small_number_that_is_added():
    def by_all(train, valid):
        mean, deviation = train.mean(0), train.std(0, correction=0) + 1e-6
        return (train - mean) / deviation, (valid - mean) / deviation

    assert dl.check("01.3", by_all)


def by_rows(patients, seed):
    order = torch.randperm(len(patients), generator=torch.Generator().manual_seed(seed))
    return order[len(order) // 5 :], order[: len(order) // 5]


def the_first(patients, seed):
    there = torch.isin(patients, patients.unique()[:6])
    return (~there).nonzero()[:, 0], there.nonzero()[:, 0]


SPLITS = {
    "stand on both sides: the network": by_rows,
    r"rows stand on both sides": lambda patients, seed: (torch.arange(len(patients)), split(patients, seed)[1]),
    "each should stand on one side": lambda patients, seed: (split(patients, seed)[0][1:], split(patients, seed)[1]),
    "of the rows are set aside": lambda patients, seed: split(patients, seed)[::-1],
    "with another seed the split is the same": the_first,
    "two different splits": lambda patients, seed: split(patients, int(time.perf_counter_ns() % 2**31)),
    "the patients' own numbers": lambda patients, seed: (patients[split(patients, seed)[0]], patients[split(patients, seed)[1]]),
    "the second side is empty": lambda patients, seed: (torch.arange(len(patients)), torch.arange(0)),
    "two lists of row numbers": lambda patients, seed: split(patients, seed)[0],
    "whole numbers from 0": lambda patients, seed: tuple(side.float() for side in split(patients, seed)),
}


@pytest.mark.parametrize("words", SPLITS)
def test_splits_that_ask_about_people_who_are_known(words):
    assert re.search(words, said("01.4", SPLITS[words]))


@pytest.mark.parametrize("form", [list, np.asarray, tuple])
def test_a_split_in_any_form(form):
    assert dl.check("01.4", lambda patients, seed: [form(side.tolist()) for side in split(patients, seed)])


def test_a_split_by_true_and_false():
    def masks(patients, seed):
        there = torch.zeros(len(patients), dtype=torch.bool)
        there[split(patients, seed)[1]] = True
        return ~there, there

    assert dl.check("01.4", masks)


@pytest.mark.parametrize("number", ALL)
def test_a_function_that_gives_nothing_back_is_no_try(number):
    things = {"01.1": 1, "01.2": 1, "01.3": 2, "01.4": 2}[number]
    words = said(number, (lambda a: None) if things == 1 else (lambda a, b: None))
    assert "gives nothing back yet" in words and tries(number) == 0


@pytest.mark.parametrize("number", ALL)
def test_the_solution_is_right(number):
    asked, made = desk.exercise(number), {"torch": torch}
    exec(asked.solution, made)
    assert dl.check(number, made[{"01.1": "to_input", "01.2": "as_batch", "01.3": "scaled", "01.4": "split"}[number]])


def test_what_is_given_fits_the_next_cells():
    assert as_batch([[1], [2, 3]]).tolist() == [[1, 0], [2, 3]]
    assert scaled(torch.ones(4, 2), torch.ones(2, 2))[1].abs().max() == 0
