"""What grammars write: pure functions of a number, opinions that words alone do not give away, agreement in three languages."""

import re

import numpy as np
import pytest

from dlnb.text.grammar import ADJECTIVES, NOUNS, VERBS, sentence
from dlnb.text.reviews import BAD, GOOD, review


def test_reviews_and_sentences_are_pure_functions_of_their_number_and_seed():
    assert review(5, seed=1) == review(5, seed=1) and sentence(5, seed=1) == sentence(5, seed=1)
    assert len({review(number).text for number in range(200)}) > 190
    assert len({review(number, seed).text for number in range(20) for seed in range(5)}) > 95
    assert len({sentence(number).english for number in range(200)}) > 190


def opinion(text):
    """The opinion of a review, worked out backwards from its words by the rules of the grammar, which this does not share."""
    votes = set()
    for part in text.split(" . "):
        part = part.removesuffix(" .")
        flip = part.startswith("i would not say that ")
        part = part.removeprefix("i would not say that ")
        if not re.search(r"\bis\b", part) or not set(part.split()) & {*GOOD, *BAD}:
            continue
        if " , but " in part:
            part = part.split(" , but ")[1]
        elif part.startswith("although "):
            part = part.split(" , ")[1]
        elif " , even if " in part:
            part = part.split(" , even if ")[0]
        for clause in re.split(r" and (?=the )", part):
            good = bool(set(clause.split()) & set(GOOD))
            negated = bool(re.search(r"\bis (not|never|hardly|by no means)\b", clause))
            votes.add(good ^ negated ^ flip)
    assert len(votes) == 1, text
    return int(votes.pop())


def test_the_label_is_what_the_rules_say():
    for number in range(2000):
        one = review(number)
        assert opinion(one.text) == one.label


def test_the_opinions_are_balanced_and_counting_words_is_not_enough():
    reviews = [review(number) for number in range(4000)]
    labels = np.array([one.label for one in reviews])
    assert 0.45 < labels.mean() < 0.55
    balance = np.array([sum(word in GOOD for word in one.text.split()) - sum(word in BAD for word in one.text.split()) for one in reviews])
    right = ((balance > 0) == labels)[balance != 0].mean()
    assert 0.6 < right < 0.85


def test_the_words_of_a_review_never_repeat_and_never_contradict_each_other_in_one_breath():
    assert not {*GOOD} & {*BAD}
    for number in range(500):
        for first, second in re.findall(r"(\w+) and (\w+)", review(number).text):
            assert first != second


DETERMINED = {
    "french": {"le": "m", "un": "m", "la": "f", "une": "f"},
    "german": {"das": "n", "der": "m", "den": "m", "einen": "m", "eine": "f"},
}


@pytest.mark.parametrize("language", DETERMINED)
def test_articles_agree_with_their_nouns(language):
    genders = {noun[1 if language == "french" else 2][0]: noun[1 if language == "french" else 2][2] for noun in NOUNS}
    plurals = {noun[1 if language == "french" else 2][1] for noun in NOUNS}
    seen = 0
    for number in range(1500):
        words = getattr(sentence(number), language).split()
        for place, word in enumerate(words):
            if word in DETERMINED[language]:
                noun = next(following for following in words[place + 1 :] if following in genders or following in plurals)
                assert genders[noun] == DETERMINED[language][word], " ".join(words)
                seen += 1
    assert seen > 500


def test_the_verb_agrees_in_all_three_languages():
    for number in range(1500):
        one = sentence(number)
        main = one.english.split(" that ")[-1]
        for verb in VERBS:
            # The third form, after "do not" or "does not", says nothing.
            match = re.search(rf"(?<!not )\b({verb.english[0]}|{verb.english[1]})\b", main)
            if match:
                plural = match[1] == verb.english[1]
                assert re.search(rf"\b{verb.french[plural]}\b", one.french) and re.search(rf"\b{verb.german[plural]}\b", one.german)


def test_word_order_and_endings_are_those_of_a_grammar_book():
    found = {}
    for number in range(4000):
        one = sentence(number)
        found[one.english] = (one.french, one.german)
    patterns = {
        "negation": (r"^the \w+ does not \w+ the \w+ \.$", r" ne \w+ pas ", r" nicht \.$"),
        "a clause that depends": (r"thinks that a", r"pense qu' une? ", r"denkt , dass eine? .* (\w+t) \.$"),
        "adjective behind its noun": (r"^the red cat ", r"^la chatte rouge ", r"^die rote katze "),
        "adjective before its noun": (r"^some small dogs ", r"^de petits chiens ", r"^einige kleine hunde "),
        "accusative": (r"the small dog \.$", r" le petit chien \.$", r" den kleinen hund( \w+){0,2} \.$"),
    }
    for what, (english, french, german) in patterns.items():
        matching = [(e, f, g) for e, (f, g) in found.items() if re.search(english, e)]
        assert matching, what
        for e, f, g in matching:
            assert re.search(french, f) and re.search(german, g), (what, e, f, g)


def test_combinations_are_those_of_the_sentence():
    nouns, adjectives, verbs = ({n.english[0] for n in NOUNS}, {a.english for a in ADJECTIVES}, {v.english[1] for v in VERBS})
    every = set()
    for number in range(3000):
        one = sentence(number)
        every |= one.combinations
        for first, second in one.combinations:
            assert first in nouns | verbs and second in adjectives | verbs | nouns
    assert len(every) == len(NOUNS) * (len(ADJECTIVES) + 2 * len(VERBS))
