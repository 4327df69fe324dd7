"""Short sentences about things in a house, that a grammar makes: to be said, and to be written down again."""

import zlib

from numpy.random import RandomState

WHO = ("anna", "my brother", "the teacher", "our neighbour", "peter", "the doctor", "a child", "grandma")
DOES = ("finds", "brings", "needs", "washes", "paints", "hides", "opens", "sells", "draws", "buys")
WHICH = ("red", "small", "old", "heavy", "clean", "yellow", "broken", "wooden", "cheap", "round", "dark", "warm")
THING = (
    "key", "chair", "window", "bottle", "box", "lamp", "table", "coat", "book", "cup", "door", "basket", "clock", "ladder",
    "mirror", "blanket", "hammer", "suitcase", "pencil", "carpet",
)  # fmt: skip
WHERE = ("in the garden", "under the bed", "on the shelf", "behind the house", "at school", "near the river")
COUNT = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
KEPT_APART = 6  # of so many pairs of words, one is heard in validation and the test only


def sentence(draw: RandomState, learned: bool) -> str:
    """A sentence of three to six words.

    learned: whether it is to learn from; else some pair of words in it stands together in no sentence that is.

    >>> sentence(RandomState(0), learned=True)
    'our neighbour is behind the house'
    """
    while True:
        which, thing, who, where = (_one(words, draw) for words in (WHICH, THING, WHO, WHERE))
        kind = draw.randint(4)
        if kind == 0:
            said, pair = f"{who} {_one(DOES, draw)} a {which} {thing}", which + thing
        elif kind == 1:
            said, pair = f"the {which} {thing} is {where}", which + thing
        elif kind == 2:
            count = _one(COUNT, draw)
            said, pair = f"{count} {which} {_plural(thing)}", count + thing
        else:
            said, pair = f"{who} is {where}", who + where
        if (zlib.crc32(pair.encode()) % KEPT_APART > 0) == learned:
            return said


def phrase(draw: RandomState) -> str:
    """One to four words, of which sentences are made.

    >>> phrase(RandomState(0))
    'key'
    """
    kind = draw.randint(5)
    which, thing = _one(WHICH, draw), _one(THING, draw)
    if kind == 0:
        return _one((*WHO, *COUNT, *(_plural(thing) for thing in THING)), draw)
    if kind == 1:
        return f"{_one(DOES, draw)} a" if draw.randint(2) else _one(DOES, draw)
    if kind == 2:
        return f"is {_one(WHERE, draw)}"
    return f"{_one(('the', 'a'), draw)} {which}" if kind == 3 else thing


def _one(words: tuple[str, ...], draw: RandomState) -> str:
    return words[draw.randint(len(words))]


def _plural(thing: str) -> str:
    return thing + ("es" if thing.endswith("x") else "s")
