"""From a text to numbers and exactly back: by characters, by words, or by pieces that are learned.

Every tokeniser has `encode(text) → list of ids`, `decode(ids) → text` and a length; its ids run from 0 to the length less 1.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

PADDING, START, END, UNKNOWN, MASK = range(5)  # the ids that stand for no piece of a text, where a tokeniser has them
SPECIAL = ("·", "⟨start⟩", "⟨end⟩", "⟨unknown⟩", "⟨mask⟩")  # how they are shown

# A word or a row of signs, each with the one space before it; or other white space. Together they are the whole text.
PIECES = re.compile(r" ?\w+| ?[^\w\s]+|\s+")


class Characters:
    """A token for each character (code point) that occurs in the texts it is made from, in the order of Unicode.

    Raises: ValueError if there is no character in them.

    >>> tokenizer = Characters("banana")
    >>> tokenizer.encode("nab"), tokenizer.decode([2, 0, 1])
    ([2, 0, 1], 'nab')
    """

    def __init__(self, *texts: str) -> None:
        self.pieces = sorted(set("".join(texts)))
        if not self.pieces:
            raise ValueError("there are no characters to make tokens of: the text is empty")
        self._ids = {piece: number for number, piece in enumerate(self.pieces)}

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """Raises: ValueError if a character has no token, naming it."""
        try:
            return [self._ids[character] for character in text]
        except KeyError as error:
            place = text.index(error.args[0])
            raise ValueError(
                f"the character {error.args[0]!r} (at place {place}) has no token: it does not occur in what the tokeniser was made from"
            ) from None

    def decode(self, tokens: Iterable[int]) -> str:
        """Raises: ValueError if a token is none of this tokeniser's."""
        return "".join(self.pieces[token] for token in _checked(tokens, len(self)))


class Words:
    """A token for each of the most frequent words and signs; those that are left out become `UNKNOWN`.

    A word has the space before it in itself, so that decoding gives exactly the text, if all its words are known.
    The first five ids are PADDING, START, END, UNKNOWN and MASK.

    size: tokens at the most; least: how often a word must occur to be one.

    Raises: ValueError if no word is left.

    >>> tokenizer = Words(["the cat sat", "the dog"])
    >>> tokenizer.decode(tokenizer.encode("the dog sat"))
    'the dog sat'
    """

    def __init__(self, texts: Iterable[str], size: int | None = None, least: int = 1) -> None:
        counts = Counter(piece for text in texts for piece in self.split(text))
        frequent = sorted(((-count, piece) for piece, count in counts.items() if count >= least))
        room = None if size is None else max(0, size - len(SPECIAL))
        self.pieces = [*SPECIAL, *(piece for _, piece in frequent[:room])]
        if len(self.pieces) == len(SPECIAL):
            raise ValueError("there are no words to make tokens of: the texts are empty, or `size` or `least` leaves none")
        self._ids = {piece: number for number, piece in enumerate(self.pieces) if number >= len(SPECIAL)}

    def __len__(self) -> int:
        return len(self.pieces)

    @staticmethod
    def split(text: str) -> list[str]:
        """The words and signs of a text, each with the space before it; the first one gets one too."""
        return PIECES.findall(" " + text)

    def encode(self, text: str) -> list[int]:
        """The ids of a text's words."""
        return [self._ids.get(piece, UNKNOWN) for piece in self.split(text)]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text, without padding, start and end. Raises: ValueError if a token is none of this tokeniser's."""
        shown = (self.pieces[token] for token in _checked(tokens, len(self)) if token not in (PADDING, START, END))
        return "".join(shown).removeprefix(" ")


class BytePairs:
    """Pieces of words that are learned: beginning with single bytes, the most frequent pair of neighbours becomes a new piece.

    Every text can be encoded, in any script, and decodes exactly. The first five ids are PADDING, START, END, UNKNOWN and MASK.

    size: tokens, at least 261 (the bytes and the five); fewer come where the texts have no more pairs.

    Raises: ValueError if `size` is too small.
    Source: Sennrich, Haddow & Birch 2016, arXiv:1508.07909; on bytes: Radford et al. 2019. By the `tokenizers` library.

    >>> tokenizer = BytePairs(["the theme of the thesis"] * 2, size=270)
    >>> tokenizer.decode(tokenizer.encode("thé 🙂"))
    'thé 🙂'
    """

    def __init__(self, texts: Iterable[str], size: int = 1000) -> None:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        if size < 256 + len(SPECIAL):
            raise ValueError(f"size must be {256 + len(SPECIAL)} or more (256 bytes and {len(SPECIAL)} special tokens), got {size}")
        self._tokenizer: Any = Tokenizer(models.BPE())
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size - len(SPECIAL), initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
        )
        self._tokenizer.train_from_iterator(texts, trainer)
        learned = [self._tokenizer.decode([number]) for number in range(self._tokenizer.get_vocab_size())]
        self.pieces = [*SPECIAL, *learned]

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """The ids of a text's pieces."""
        return [number + len(SPECIAL) for number in self._tokenizer.encode(text).ids]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text, without special tokens. Raises: ValueError if a token is none of this tokeniser's."""
        checked = _checked(tokens, len(self))
        return str(self._tokenizer.decode([token - len(SPECIAL) for token in checked if token >= len(SPECIAL)]))


def padded(texts: Sequence[Sequence[int]], longest: int | None = None) -> Tensor:
    """Token lists of many lengths as one tensor (N, T) int64, filled up with `PADDING`.

    longest: what is beyond it is cut off. Raises: ValueError if there are none, or one of them is empty.
    """
    if not texts:
        raise ValueError("there are no texts")
    for number, tokens in enumerate(texts):
        if not len(tokens):
            raise ValueError(f"text number {number} is empty: it has no tokens")
    longest = min(longest or 10**9, max(map(len, texts)))
    result = torch.full((len(texts), longest), PADDING, dtype=torch.long)
    for row, tokens in zip(result, texts, strict=True):
        row[: len(tokens)] = torch.tensor(tokens[:longest])
    return result


def _checked(tokens: Iterable[int], size: int) -> list[int]:
    checked = [int(token) for token in tokens]
    for token in checked:
        if not 0 <= token < size:
            raise ValueError(f"there is no token {token}: this tokeniser has {size:,}, 0 to {size - 1:,}")
    return checked
