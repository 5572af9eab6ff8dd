"""The toy grammar: agreement by hand, order by hand, and the corpus's promises.

The expected sentences were worked out from the three languages' grammars, not
copied from the program; only the literal first sentences pin what a seed gives.
"""

import pytest

from problems import toy_lexicon as lexicon
from problems.toy_grammar import (
    Clause,
    Triple,
    corpus,
    noun_phrase,
    sentence_triples,
)

_NOUNS = {noun.english: noun for noun in lexicon.NOUNS}
_ADJECTIVES = {word.english: word for word in lexicon.ADJECTIVES}
_VERBS = {verb.english: verb for verb in lexicon.ACTIONS + lexicon.REPORTING}
_YESTERDAY = Triple("yesterday", "gestern", "hier")
_GARDEN = Triple("in the garden", "im Garten", "dans le jardin")


def _phrase(words, plural=False):
    """Builds "the old dog" of its English words, all in the singular."""
    determiner, *adjective, noun = words.split()
    quality = _ADJECTIVES[adjective[0]] if adjective else None
    return noun_phrase(determiner, _NOUNS[noun], quality, plural)


def _object(words, plural=False):
    return _phrase(words, plural).put("accusative")


@pytest.fixture(scope="module")
def triples():
    return list(sentence_triples(seed=3, count=8000))


@pytest.mark.parametrize(
    ("words", "plural", "cases"),
    [
        ("the old dog", False, "der alte _, den alten _, dem alten _: Hund"),
        ("a old dog", False, "ein alter _, einen alten _, einem alten _: Hund"),
        (
            "no new hat",
            False,
            "kein neuer _, keinen neuen _, keinem neuen _: Hut",
        ),
        ("a new book", False, "ein neues _, ein neues _, einem neuen _: Buch"),
        (
            "my big cow",
            False,
            "meine große _, meine große _, meiner großen _: Kuh",
        ),
        ("this boy", False, "dieser Junge, diesen Jungen, diesem Jungen"),
        ("my child", True, "meine Kinder, meine Kinder, meinen Kindern"),
        ("the cat", True, "die Katzen, die Katzen, den Katzen"),
        ("8 red apple", True, "8 rote Äpfel, 8 rote Äpfel, 8 roten Äpfeln"),
    ],
)
def test_german_noun_phrases_decline(words, plural, cases):
    forms, _, noun = cases.partition(": ")
    declined = [_phrase(words, plural).german[case] for case in lexicon.CASES]
    assert declined == forms.replace("_", noun).split(", ")


@pytest.mark.parametrize(
    ("words", "plural", "english", "french"),
    [
        ("the old friend", False, "the old friend", "le vieil ami"),
        ("the old friend", True, "the old friends", "les vieux amis"),
        ("24 old horse", True, "24 old horses", "24 vieux chevaux"),
        ("a new computer", False, "a new computer", "un nouvel ordinateur"),
        ("a egg", False, "an egg", "un œuf"),
        ("this elephant", False, "this elephant", "cet éléphant"),
        ("my white clock", False, "my white clock", "mon horloge blanche"),
        ("no picture", False, "a picture", "d'image"),
        ("the beautiful hat", True, "the beautiful hats", "les beaux chapeaux"),
        ("my fresh cake", True, "my fresh cakes", "mes gâteaux frais"),
    ],
)
def test_french_noun_phrases_agree_and_elide(words, plural, english, french):
    phrase = _phrase(words, plural)
    assert phrase.english == english
    assert lexicon.french_sandhi(phrase.french) == french


def _texts(clause, order="statement"):
    english, german, french = clause.written(order)
    return english, german, lexicon.french_sandhi(french)


def test_the_german_verb_is_second_whatever_opens():
    clause = Clause(
        _phrase("the man"), _VERBS["buy"], direct=_object("a red hat")
    )
    assert _texts(clause) == (
        "the man buys a red hat",
        "der Mann kauft einen roten Hut",
        "l'homme achète un chapeau rouge",
    )
    assert _texts(clause._replace(past=True, time=_YESTERDAY)) == (
        "yesterday the man bought a red hat",
        "gestern hat der Mann einen roten Hut gekauft",
        "hier, l'homme a acheté un chapeau rouge",
    )


def test_a_time_may_close_a_statement():
    """In English and French; in German it follows the finite verb."""
    clause = Clause(
        _phrase("my hungry elephant"),
        _VERBS["eat"],
        direct=_object("a red apple"),
        time=Triple("today", "heute", "aujourd'hui"),
        time_opens=False,
    )
    assert _texts(clause) == (
        "my hungry elephant eats a red apple today",
        "mein hungriger Elefant isst heute einen roten Apfel",
        "mon éléphant affamé mange une pomme rouge aujourd'hui",
    )
    assert _texts(clause._replace(past=True, time=_YESTERDAY))[1] == (
        "mein hungriger Elefant hat gestern einen roten Apfel gegessen"
    )


@pytest.mark.parametrize(
    ("verb", "third"),
    [
        ("wash", "washes"),
        ("watch", "watches"),
        ("cry", "cries"),
        ("play", "plays"),
        ("choose", "chooses"),
    ],
)
def test_the_third_person_is_spelt_as_in_english(verb, third):
    assert _VERBS[verb].english_third == third


def test_a_subordinate_clause_ends_in_its_finite_verb():
    chair = _object("this chair")
    clause = Clause(_phrase("my uncle"), _VERBS["carry"], direct=chair)
    assert _texts(clause, "subordinate") == (
        "my uncle carries this chair",
        "mein Onkel diesen Stuhl trägt",
        "mon oncle porte cette chaise",
    )
    _, german, french = _texts(clause._replace(past=True), "subordinate")
    assert german == "mein Onkel diesen Stuhl getragen hat"
    assert french == "mon oncle a porté cette chaise"


def _denied(words, verb, plural=False, **parts):
    subject = _phrase(words, plural)
    return _texts(Clause(subject, verb, negative=True, **parts))


def test_negation():
    egg, orange = _object("the egg"), _object("no orange")
    assert _denied("the girl", _VERBS["eat"], direct=egg) == (
        "the girl does not eat the egg",
        "das Mädchen isst das Ei nicht",
        "la fille ne mange pas l'œuf",
    )
    assert _denied("this aunt", _VERBS["buy"], past=True, direct=orange) == (
        "this aunt did not buy an orange",
        "diese Tante hat keine Orange gekauft",
        "cette tante n'a pas acheté d'orange",
    )
    assert _denied(
        "the boy", _VERBS["run"], True, past=True, place=_GARDEN
    ) == (
        "the boys did not run in the garden",
        "die Jungen sind nicht im Garten gelaufen",
        "les garçons n'ont pas couru dans le jardin",
    )
    assert _denied("the mouse", _ADJECTIVES["white"], True, past=True) == (
        "the mice were not white",
        "die Mäuse waren nicht weiß",
        "les souris n'étaient pas blanches",
    )


def test_questions_put_the_german_verb_first():
    clause = Clause(_phrase("this child"), _VERBS["sleep"], past=True)
    assert _texts(clause, "question")[:2] == (
        "did this child sleep",
        "hat dieses Kind geschlafen",
    )
    state = Clause(_phrase("the pear", plural=True), _ADJECTIVES["good"])
    assert _texts(state, "question") == (
        "are the pears good",
        "sind die Birnen gut",
        "les poires sont bonnes",
    )


def test_si_elides_before_il_only():
    assert lexicon.french_sandhi("si il ne a pas dormi") == "s'il n'a pas dormi"
    assert lexicon.french_sandhi("si elle ou Ida") == "si elle ou Ida"


def test_a_seed_always_gives_the_same_sentences():
    first = list(sentence_triples(seed=5, count=20))
    assert first[1] == (
        "The rich neighbour cried with the men last week.",
        "Der reiche Nachbar hat letzte Woche mit den Männern geweint.",
        "Le voisin riche a pleuré avec les hommes la semaine dernière.",
    )
    assert list(sentence_triples(seed=5, count=10)) == first[:10]
    assert list(sentence_triples(seed=6, count=20)) != first


def test_english_determines_german_and_french(triples):
    translations: dict[str, Triple] = {}
    for triple in triples:
        assert triple == translations.setdefault(triple.english, triple)


def test_sentences_vary_over_few_words(triples):
    assert len({triple.english for triple in triples}) > 0.97 * len(triples)
    lengths = [len(triple.english.split()) for triple in triples]
    assert (min(lengths), max(lengths)) == (3, 16)
    assert 7 < sum(lengths) / len(lengths) < 9
    for sentences in zip(*triples, strict=True):
        words = {word for text in sentences for word in text.split()}
        assert len(words) < 1500


def test_times_open_and_close_statements(triples):
    """Half each, as a draw says: a model must see both."""
    statements = [t.english for t in triples if t.english.endswith(".")]
    opening = sum(text.startswith("Yesterday ") for text in statements)
    closing = sum(text.endswith(" yesterday.") for text in statements)
    assert 0.5 < opening / closing < 1.5


def test_sentences_are_clean_lines(triples):
    for text in (text for triple in triples for text in triple):
        assert " ".join(text.split()) == text
        assert text[-1] in ".?" and text[0] == text[0].upper()
        assert not set("{}-|").intersection(text.replace("Est-ce", ""))
        assert "' " not in text


def test_splits_share_no_sentence():
    train = {triple.english for triple in corpus("train", 4000)}
    dev = [triple.english for triple in corpus("dev", 150)]
    test = [triple.english for triple in corpus("test", 150)]
    assert len({*dev, *test}) == 300
    assert train.isdisjoint({*dev, *test})
    assert [triple.english for triple in corpus("dev", 5)] == dev[:5]


def test_corpus_refuses_what_it_does_not_have():
    with pytest.raises(ValueError, match="no split 'valid': use one of train"):
        corpus("valid", 1)
    with pytest.raises(ValueError):
        corpus("train", -1)
