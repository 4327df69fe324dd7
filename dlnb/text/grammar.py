"""Sentences in English, French and German that one grammar writes together, so that they mean exactly the same.

What has to be learned is what makes translating hard: gender and number that articles, adjectives and verbs agree with,
adjectives that stand behind their noun in French, cases in German, and a German verb that goes to the end of a subordinate
clause. A sentence is a pure function of its number, and says which nouns meet which adjectives and verbs in it, so that a
test can be about combinations that were never seen.
"""

from dataclasses import dataclass
from typing import NamedTuple

from numpy.random import RandomState


class Noun(NamedTuple):
    """A noun in singular and plural; French gender f or m, German gender f, m or n."""

    english: tuple[str, str]
    french: tuple[str, str, str]
    german: tuple[str, str, str]


class Adjective(NamedTuple):
    """French: masculine, feminine, masculine plural, feminine plural, and whether it stands before the noun. German: the stem."""

    english: str
    french: tuple[str, str, str, str]
    before: bool
    german: str


class Verb(NamedTuple):
    """Third person, singular and plural; all take an object in the accusative."""

    english: tuple[str, str]
    french: tuple[str, str]
    german: tuple[str, str]


NOUNS = (
    Noun(("dog", "dogs"), ("chien", "chiens", "m"), ("hund", "hunde", "m")),
    Noun(("cat", "cats"), ("chatte", "chattes", "f"), ("katze", "katzen", "f")),
    Noun(("child", "children"), ("gamin", "gamins", "m"), ("kind", "kinder", "n")),
    Noun(("woman", "women"), ("femme", "femmes", "f"), ("frau", "frauen", "f")),
    Noun(("man", "men"), ("monsieur", "messieurs", "m"), ("mann", "männer", "m")),
    Noun(("teacher", "teachers"), ("professeur", "professeurs", "m"), ("lehrer", "lehrer", "m")),
    Noun(("doctor", "doctors"), ("médecin", "médecins", "m"), ("arzt", "ärzte", "m")),
    Noun(("queen", "queens"), ("reine", "reines", "f"), ("königin", "königinnen", "f")),
    Noun(("horse", "horses"), ("cheval", "chevaux", "m"), ("pferd", "pferde", "n")),
    Noun(("mouse", "mice"), ("souris", "souris", "f"), ("maus", "mäuse", "f")),
    Noun(("girl", "girls"), ("fille", "filles", "f"), ("mädchen", "mädchen", "n")),
    Noun(("sister", "sisters"), ("sœur", "sœurs", "f"), ("schwester", "schwestern", "f")),
)
ADJECTIVES = (
    Adjective("small", ("petit", "petite", "petits", "petites"), True, "klein"),
    Adjective("big", ("grand", "grande", "grands", "grandes"), True, "groß"),
    Adjective("young", ("jeune", "jeune", "jeunes", "jeunes"), True, "jung"),
    Adjective("red", ("rouge", "rouge", "rouges", "rouges"), False, "rot"),
    Adjective("white", ("blanc", "blanche", "blancs", "blanches"), False, "weiß"),
    Adjective("green", ("vert", "verte", "verts", "vertes"), False, "grün"),
    Adjective("happy", ("content", "contente", "contents", "contentes"), False, "froh"),
    Adjective("tired", ("fatigué", "fatiguée", "fatigués", "fatiguées"), False, "müd"),
)
VERBS = (
    Verb(("sees", "see"), ("voit", "voient"), ("sieht", "sehen")),
    Verb(("looks for", "look for"), ("cherche", "cherchent"), ("sucht", "suchen")),
    Verb(("finds", "find"), ("trouve", "trouvent"), ("findet", "finden")),
    Verb(("knows", "know"), ("connaît", "connaissent"), ("kennt", "kennen")),
    Verb(("notices", "notice"), ("remarque", "remarquent"), ("bemerkt", "bemerken")),
    Verb(("greets", "greet"), ("salue", "saluent"), ("grüßt", "grüßen")),
    Verb(("chases", "chase"), ("poursuit", "poursuivent"), ("verfolgt", "verfolgen")),
)
THINKS = Verb(("thinks", "think"), ("pense", "pensent"), ("denkt", "denken"))


@dataclass(frozen=True)
class Sentence:
    """The same in three languages, in small letters, words and signs parted by spaces.

    combinations: which nouns stand with which adjectives and verbs in it, as pairs of English words.
    """

    english: str
    french: str
    german: str
    combinations: frozenset[tuple[str, str]]


def sentence(number: int, seed: int = 0) -> Sentence:
    """The sentence with this number."""
    draw = RandomState((seed * 1_000_003 + number * 8161 + 3) % 2**32)
    main = _Clause(draw)
    if draw.rand() < 0.5:
        return Sentence(f"{main.english()} .", f"{main.french()} .", f"{main.german()} .", main.combinations)
    who = _Phrase(draw)
    plural = int(who.plural)
    return Sentence(
        f"{who.english()} {THINKS.english[plural]} that {main.english()} .",
        f"{who.french()} {THINKS.french[plural]} {_that(main.french())} .",
        f"{who.german('nominative')} {THINKS.german[plural]} , dass {main.german(last=True)} .",
        main.combinations | who.combinations,
    )


def _that(clause: str) -> str:
    return f"qu' {clause}" if clause.startswith("un") else f"que {clause}"


class _Phrase:
    """An article, perhaps an adjective, and a noun."""

    def __init__(self, draw: RandomState) -> None:
        self.noun = NOUNS[draw.randint(len(NOUNS))]
        self.adjective = ADJECTIVES[draw.randint(len(ADJECTIVES))] if draw.rand() < 0.6 else None
        self.plural = bool(draw.rand() < 0.4)
        self.definite = bool(draw.rand() < 0.6)

    @property
    def combinations(self) -> frozenset[tuple[str, str]]:
        return frozenset() if self.adjective is None else frozenset([(self.noun.english[0], self.adjective.english)])

    def english(self) -> str:
        article = "the" if self.definite else "some" if self.plural else "a"
        return " ".join(filter(None, [article, self.adjective and self.adjective.english, self.noun.english[self.plural]]))

    def french(self) -> str:
        *forms, gender = self.noun.french
        feminine = gender == "f"
        article = ("les" if self.plural else "la" if feminine else "le") if self.definite else ("des" if self.plural else "une" if feminine else "un")
        words = [article, forms[self.plural]]
        if self.adjective is not None:
            if self.adjective.before and article == "des":
                words[0] = "de"
            place = 1 if self.adjective.before else 2
            words.insert(place, self.adjective.french[2 * self.plural + feminine])
        return " ".join(words)

    def german(self, case: str) -> str:
        singular, plural, gender = self.noun.german
        accusative = case == "accusative"
        masculine = "den" if accusative else "der"
        if self.plural:
            article, ending = ("die", "en") if self.definite else ("einige", "e")
        elif self.definite:
            article = {"m": masculine, "f": "die", "n": "das"}[gender]
            ending = "en" if gender == "m" and accusative else "e"
        else:
            article = {"m": "einen" if accusative else "ein", "f": "eine", "n": "ein"}[gender]
            ending = {"m": "en" if accusative else "er", "f": "e", "n": "es"}[gender]
        adjective = None if self.adjective is None else self.adjective.german + ending
        return " ".join(filter(None, [article, adjective, plural if self.plural else singular]))


class _Clause:
    """Somebody does something to somebody, or does not."""

    def __init__(self, draw: RandomState) -> None:
        self.subject, self.object = _Phrase(draw), _Phrase(draw)
        self.verb = VERBS[draw.randint(len(VERBS))]
        # "No dog" is another word in French and in German, so that only what is definite is negated.
        self.negated = bool(draw.rand() < 0.4) and self.object.definite

    @property
    def combinations(self) -> frozenset[tuple[str, str]]:
        verb = self.verb.english[1]
        own = {(self.subject.noun.english[0], verb), (verb, self.object.noun.english[0])}
        return self.subject.combinations | self.object.combinations | own

    def english(self) -> str:
        plural = self.subject.plural
        verb = f"{'do' if plural else 'does'} not {self.verb.english[1]}" if self.negated else self.verb.english[plural]
        return f"{self.subject.english()} {verb} {self.object.english()}"

    def french(self) -> str:
        verb = self.verb.french[self.subject.plural]
        return f"{self.subject.french()} {f'ne {verb} pas' if self.negated else verb} {self.object.french()}"

    def german(self, last: bool = False) -> str:
        """last: in a subordinate clause the verb stands at the end."""
        who, whom = self.subject.german("nominative"), self.object.german("accusative")
        verb, no = self.verb.german[self.subject.plural], " nicht" if self.negated else ""
        return f"{who} {whom}{no} {verb}" if last else f"{who} {verb} {whom}{no}"
