"""A small synchronous grammar that writes English-German-French sentences.

The built-in demo corpus: correct sentences, without limit, from a seed. A tiny
Transformer learns it in minutes, yet it is no word-for-word code: genders and
cases agree, the German verb goes second or last, names and numbers are copied.
English determines the other two: there is no "you", and every word of
problems/toy_lexicon.py has one translation.
"""

import itertools
import random
import zlib
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from . import toy_lexicon as lexicon
from .toy_lexicon import Triple

# Where a clause stands; after another, the German verb comes first.
Order = Literal["statement", "question", "subordinate", "after"]

_LENGTHS = range(3, 17)  # English words in a sentence
_CORPUS_SEED = 2017
# Which of 20 hash values belong to a split.
_SPLIT_SHARES = {"train": range(2, 20), "dev": range(1), "test": range(1, 2)}

# A grammatical person is a column in every list of four verb forms.
_I, _THIRD, _WE, _THEY = range(4)
_IS = (("am", "is", "are", "are"), ("was", "was", "were", "were"))
_IST = (("bin", "ist", "sind", "sind"), ("war", "war", "waren", "waren"))
_EST = ("suis", "est", "sommes", "sont")
_ETAIT = ("étais", "était", "étions", "étaient")
_HABEN = ("habe", "hat", "haben", "haben")
_AVOIR = ("ai", "a", "avons", "ont")

# English, plural, German stem, French masculine, feminine, plural.
_DETERMINERS = {
    "the": "the the der le la les",
    "this": "this these dies ce cette ces",
    "my": "my my mein mon ma mes",
    "a": "a - ein un une -",
    "no": "a - kein de de -",
}
# How often each opens a noun phrase, by its part in the clause.
_DETERMINER_WEIGHTS = {
    "definite": dict(the=60, this=18, my=22),
    "free": dict(the=40, a=25, this=10, my=13, number=12),
    "denied": dict(the=40, no=35, this=10, my=15),
}

# A sentence's template, the place of each clause in it, how often it comes.
_REPORT = Triple("{0} that {1}.", "{0}, dass {1}.", "{0} que {1}.")
_REASON = Triple("{0} because {1}.", "{0}, weil {1}.", "{0} parce que {1}.")
_CONDITION = Triple("if {0}, {1}.", "wenn {0}, {1}.", "si {0}, {1}.")
_FORMS: list[tuple[Triple, tuple[Order, ...], int]] = [
    (Triple("{0}.", "{0}.", "{0}."), ("statement",), 55),
    (Triple("{0}?", "{0}?", "est-ce que {0} ?"), ("question",), 15),
    (_REPORT, ("statement", "subordinate"), 10),
    (_CONDITION, ("subordinate", "after"), 8),
    (_REASON, ("statement", "subordinate"), 12),
]


class NounPhrase(NamedTuple):
    """A noun phrase in every case, with what a verb must agree with."""

    english: str
    german: Mapping[lexicon.Case, str]
    french: str
    person: int = _THIRD
    gender: str = "m"  # in French

    def put(self, case: lexicon.Case) -> Triple:
        """Leaves only one case."""
        return Triple(self.english, self.german[case], self.french)


def _unchanging(words: str, gender: str, person: int = _THIRD) -> NounPhrase:
    """Makes a phrase of a name, or of a subject pronoun in each language."""
    english, german, french = (words.split() * 3)[:3]
    cases = dict.fromkeys(lexicon.CASES, german)
    return NounPhrase(english, cases, french, person, gender)


_PRONOUNS = (
    _unchanging("I ich je", "m", _I),
    _unchanging("he er il", "m"),
    _unchanging("she sie elle", "f"),
    _unchanging("we wir nous", "m", _WE),
    _unchanging("they sie ils", "m", _THEY),
)
_NAMES = (
    *(_unchanging(name, "m") for name in lexicon.MEN),
    *(_unchanging(name, "f") for name in lexicon.WOMEN),
)


def noun_phrase(
    determiner: str,
    noun: lexicon.Noun,
    adjective: lexicon.Adjective | None = None,
    plural: bool = False,
) -> NounPhrase:
    """Agrees in all three languages; the French still wants `french_sandhi`.

    Args:
      determiner: "the", "this", "my", "a", "no" (a denied "a") or a number.
      noun: the noun.
      adjective: one that goes with the noun's kind.
      plural: neither "a" nor "no" may be.
    """
    forms = _DETERMINERS.get(determiner, f"{determiner} " * 6).split()
    english = noun.english_plural if plural else noun.english
    gender, french = noun.french_gender, noun.french_form(plural)
    if adjective:
        english = f"{adjective.english} {english}"
        agreed = adjective.french_form(gender, plural)
        before = adjective.french_place == "before"
        french = f"{agreed} {french}" if before else f"{french} {agreed}"
    article = forms[plural]
    if article == "a" and english[0] in "aeiou":
        article = "an"
    stem = adjective.german if adjective else ""
    german = {
        case: lexicon.german_phrase(forms[2], stem, noun, case, plural)
        for case in lexicon.CASES
    }
    french = f"{forms[5 if plural else 'mf'.index(gender) + 3]} {french}"
    person = _THEY if plural else _THIRD
    return NounPhrase(f"{article} {english}", german, french, person, gender)


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


class Clause(NamedTuple):
    """Somebody does something, or is somehow, now or in the past."""

    subject: NounPhrase
    predicate: lexicon.Verb | lexicon.Adjective
    past: bool = False
    negative: bool = False
    direct: Triple = Triple("", "", "")  # the object
    place: Triple = Triple("", "", "")  # where or with whom
    time: Triple = Triple("", "", "")
    time_opens: bool = True  # a statement; elsewhere the time never does

    def written(self, order: Order) -> Triple:
        """Writes the clause, its French still without `french_sandhi`."""
        english, german = self._english(order), self._german(order)
        return Triple(english, german, self._french(order))

    def _english(self, order: Order) -> str:
        verb, person = self.predicate, self.subject.person
        finite, rest = "", verb.english
        if isinstance(verb, lexicon.Adjective):
            finite = _IS[self.past][person]
        elif order == "question" or self.negative:
            present = "does" if person == _THIRD else "do"
            finite = "did" if self.past else present
        elif self.past:
            rest = verb.english_past
        elif person == _THIRD:
            rest = verb.english_third
        start, time = (self.subject.english, finite), self.time.english
        if order == "question":
            start = (finite, self.subject.english)
        denied = "not" if self.negative else ""
        words = (*start, denied, rest, self.direct.english, self.place.english)
        if order == "statement" and self.time_opens:
            return _join(time, *words)
        return _join(*words, time)

    def _german(self, order: Order) -> str:
        verb, person = self.predicate, self.subject.person
        tail = quality = ""
        if isinstance(verb, lexicon.Adjective):
            finite, quality = _IST[self.past][person], verb.german
        elif self.past:
            with_sein = verb.english in lexicon.GERMAN_WITH_SEIN
            finite = (_IST[0] if with_sein else _HABEN)[person]
            tail = verb.german_participle
        else:
            finite = verb.german_present[person]
        subject, time = self.subject.german["nominative"], self.time.german
        direct, denied = self.direct.german, "nicht" if self.negative else ""
        if direct.startswith("kein"):  # which denies the clause by itself
            denied = ""
        middle = _join(direct, denied, self.place.german, quality)
        if order == "subordinate":
            return _join(subject, time, middle, tail, finite)
        if order != "statement":
            return _join(finite, subject, time, middle, tail)
        first, third = (time, subject) if time else (subject, "")
        if not self.time_opens:
            first, third = subject, time
        return _join(first, finite, third, middle, tail)

    def _french(self, order: Order) -> str:
        verb, person = self.predicate, self.subject.person
        rest = ""
        if isinstance(verb, lexicon.Adjective):
            finite = (_ETAIT if self.past else _EST)[person]
            rest = verb.french_form(self.subject.gender, person >= _WE)
        elif self.past:
            finite, rest = _AVOIR[person], verb.french_participle
        else:
            finite = verb.french_present[person]
        if self.negative:
            finite, rest = f"ne {finite}", _join("pas", rest)
        subject, time = self.subject.french, self.time.french
        words = (subject, finite, rest, self.direct.french, self.place.french)
        if time and order == "statement" and self.time_opens:
            return _join(f"{time},", *words)
        return _join(*words, time)


class _Writer:
    """Draws sentences from one random source."""

    def __init__(self, source: random.Random):
        self._random = source

    def sentence(self) -> Triple:
        """Draws one sentence whose length is in bounds."""
        weights = [weight for _, _, weight in _FORMS]
        while True:
            template, orders, _ = self._random.choices(_FORMS, weights)[0]
            past = template is not _CONDITION and self._chance(0.45)
            clauses = [self._clause(order, past) for order in orders]
            if template is _REPORT:
                reporter = self._subject("person", "definite")
                verb = self._random.choice(lexicon.REPORTING)
                clauses[0] = Clause(reporter, verb)
            parts = map(Clause.written, clauses, orders)
            english, german, french = (
                form.format(*texts)
                for form, *texts in zip(template, *parts, strict=True)
            )
            if len(english.split()) in _LENGTHS:
                texts = english, german, lexicon.french_sandhi(french)
                return Triple(*(text[0].upper() + text[1:] for text in texts))

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _common(self, kinds: str, part: str, bare: bool = False) -> NounPhrase:
        """Draws a phrase around a noun, perhaps with an adjective."""
        nouns = [noun for noun in lexicon.NOUNS if noun.kind in kinds]
        noun = self._random.choice(nouns)
        weights = _DETERMINER_WEIGHTS[part]
        determiner = self._random.choices([*weights], [*weights.values()])[0]
        plural = determiner not in ("a", "no") and self._chance(0.25)
        if determiner == "number":
            determiner, plural = str(self._random.randint(2, 99)), True
        adjective = None
        if not bare and self._chance(0.45):
            words = [it for it in lexicon.ADJECTIVES if noun.kind in it.kinds]
            adjective = self._random.choice(words)
        return noun_phrase(determiner, noun, adjective, plural)

    def _subject(self, kinds: str, part: str, bare: bool = False) -> NounPhrase:
        """Draws a subject; only one that may be a person is "he" or Anna."""
        if "person" not in kinds or self._chance(0.6):
            return self._common(kinds, part, bare)
        others = _PRONOUNS if self._chance(0.4) else _NAMES
        return self._random.choice(others)

    def _clause(self, order: Order, past: bool) -> Clause:
        """Draws a clause; only one that stands alone often has a time."""
        negative = order != "question" and self._chance(0.2)
        part = "definite" if negative else "free"
        if self._chance(0.25):
            quality = self._random.choice(lexicon.ADJECTIVES)
            # An adjective of the subject's own could contradict this one.
            subject = self._subject(quality.kinds, part, bare=True)
            return Clause(subject, quality, past, negative)
        verb = self._random.choice(lexicon.ACTIONS)
        subject = self._subject(verb.subjects, part)
        clause = Clause(subject, verb, past, negative)
        if verb.objects != "-":
            direct = self._common(verb.objects, "denied" if negative else part)
            if "person" in verb.objects and self._chance(0.25):
                direct = self._random.choice(_NAMES)
            clause = clause._replace(direct=direct.put("accusative"))
        elif self._chance(0.75):
            # What only people do, they may do together.
            place = self._random.choice(lexicon.PLACES)
            if verb.subjects == "person" and self._chance(0.6):
                place = self._company()
            clause = clause._replace(place=place)
        if self._chance(0.2 if order == "subordinate" else 0.5):
            times = lexicon.PAST_TIMES if past else lexicon.PRESENT_TIMES
            clause = clause._replace(
                time=self._random.choice(times), time_opens=self._chance(0.5)
            )
        return clause

    def _company(self) -> Triple:
        person = self._common("person", "definite")
        if self._chance(0.3):
            person = self._random.choice(_NAMES)
        english, german, french = person.put("dative")
        return Triple(f"with {english}", f"mit {german}", f"avec {french}")


def sentence_triples(seed: int, count: int) -> Iterator[Triple]:
    """Writes `count` sentences of a seed; short ones may come twice."""
    return itertools.islice(_endless(seed), count)


def corpus(split: str, count: int) -> Iterator[Triple]:
    """Writes one split of the demo corpus; a larger count adds to the end.

    A hash of the English sentence decides which split it belongs to, so no
    sentence of dev or test is in train, however many are written. In dev and
    test all are distinct.

    Raises:
      ValueError: there is no such split, or the count is negative.
    """
    if split not in _SPLIT_SHARES:
        raise ValueError(
            f"no split {split!r}: use one of {', '.join(_SPLIT_SHARES)}"
        )
    share = _SPLIT_SHARES[split]
    own = (
        triple
        for triple in _endless(_CORPUS_SEED, distinct=split != "train")
        if zlib.crc32(triple.english.encode()) % 20 in share
    )
    return itertools.islice(own, count)


def _endless(seed: int, distinct: bool = False) -> Iterator[Triple]:
    writer, seen = _Writer(random.Random(seed)), set()
    while True:
        triple = writer.sentence()
        if triple.english not in seen:
            yield triple
        if distinct:
            seen.add(triple.english)
