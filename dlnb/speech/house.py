"""Commands to a house, that a grammar makes; what each of them wants; and what is no command."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
from numpy.random import RandomState
from torch import Tensor

from .sentences import sentence

NOT_UNDERSTOOD = "not understood"
NOTHING = "-"  # the answer to a question that a command says nothing of
ROOMS = ("kitchen", "bedroom", "bathroom", "garden", "hallway", "office", "cellar")
MINUTES = ("two", "three", "five", "ten", "fifteen", "twenty", "thirty", "forty")
COMPOSERS = ("bach", "mozart", "chopin", "verdi", "brahms", "vivaldi")
GRAMMAR = {
    "light on": ("turn on the {room} light", "switch the {room} light on", "lights on in the {room}", "make the {room} bright", "i need light in the {room}"),
    "light off": ("turn off the {room} light", "switch the {room} light off", "lights off in the {room}", "make the {room} dark", "no more light in the {room}"),
    "timer": ("set a timer for {minutes} minutes", "wake me in {minutes} minutes", "count down {minutes} minutes", "tell me when {minutes} minutes are over"),
    "music": ("play some {composer}", "put on music by {composer}", "i want to hear {composer}", "is there something by {composer}"),
    "stop": ("stop the music", "be quiet", "stop that", "silence please"),
    "weather": ("what is the weather like", "will it rain today", "tell me the weather", "how cold is it outside"),
}
SLOTS = {"light on": ("room", ROOMS), "light off": ("room", ROOMS), "timer": ("minutes", MINUTES), "music": ("composer", COMPOSERS)}
ODD = ("turn on the {thing}", "play some {thing}", "set a {thing} for {minutes} men", "what is the {thing}", "put the {room} down", "i want {minutes} {thing}s")
THINGS = ("bottle", "window", "ladder", "pencil", "blanket", "hammer", "station", "river")
KEPT_APART = 4  # of so many commands with a slot, about one is said in validation and the test only

QUESTIONS: dict[str, tuple[str, ...]] = {
    "intent": (NOT_UNDERSTOOD, *GRAMMAR),
    "room": (NOTHING, *ROOMS),
    "minutes": (NOTHING, *MINUTES),
    "composer": (NOTHING, *COMPOSERS),
}
SIZES = tuple(map(len, QUESTIONS.values()))


class Command(NamedTuple):
    """What is said, and what it wants: an answer to each of QUESTIONS."""

    text: str
    intent: str
    room: str = NOTHING
    minutes: str = NOTHING
    composer: str = NOTHING

    @property
    def target(self) -> list[int]:
        """The numbers of the answers."""
        answers = (self.intent, self.room, self.minutes, self.composer)
        return [QUESTIONS[name].index(answer) for name, answer in zip(QUESTIONS, answers, strict=True)]

    def __str__(self) -> str:
        return ", ".join(part for part in (self.intent, self.room, self.minutes, self.composer) if part != NOTHING)


def command(draw: RandomState, learned: bool) -> Command:
    """A command, or in one of five times something else, which wants nothing that the house can do.

    learned: whether it is to learn from; else its words are said together in none that is, but for what asks for nothing in
        particular ("be quiet"). Of each form some values are kept apart, others of each, so every value is learned and tested.

    >>> str(command(RandomState(1), learned=True))
    'stop'
    """
    if draw.randint(5) == 0:
        return _odd(draw, learned)
    intent = _one(tuple(GRAMMAR), draw)
    while True:
        made, apart = _command(intent, draw)
        if intent not in SLOTS or apart != learned:
            return made


def understood(logits: Tensor) -> Tensor:
    """The number of the likeliest answer to each question. (B, sum of SIZES) → (B, questions) int64."""
    return torch.stack([group.argmax(1) for group in logits.split(SIZES, 1)], 1)


def commanded(answers: Sequence[int], text: str = "") -> Command:
    """The command that such answers make. Where it was not understood, nothing else counts."""
    said = [choices[number] for choices, number in zip(QUESTIONS.values(), answers, strict=True)]
    return Command(text, said[0]) if said[0] == NOT_UNDERSTOOD else Command(text, *said)


def _command(intent: str, draw: RandomState) -> tuple[Command, bool]:
    """A command, and whether it is kept apart: of each form some values are, others of each."""
    form = draw.randint(len(GRAMMAR[intent]))
    name, values = SLOTS.get(intent, ("", (NOTHING,)))
    value = draw.randint(len(values))
    said = {name: values[value]} if name else {}
    return Command(GRAMMAR[intent][form].format(**said), intent, **said), (form + value) % KEPT_APART == 0


def _odd(draw: RandomState, learned: bool) -> Command:
    if draw.randint(2):
        return Command(sentence(draw, learned), NOT_UNDERSTOOD)
    while True:
        form = _one(ODD, draw)
        text = form.format(thing=_one(THINGS, draw), room=_one(ROOMS, draw), minutes=_one(MINUTES, draw))
        if (zlib.crc32(text.encode()) % KEPT_APART > 0) == learned:
            return Command(text, NOT_UNDERSTOOD)


def _one(values: tuple[str, ...], draw: RandomState) -> str:
    return values[draw.randint(len(values))]
