"""BLEU by hand, and against what Moses and tensor2tensor themselves print."""

import hashlib
import json
import math
import re

import pytest
import sacremoses.corpus

from t2t_repro.errors import InputError, UsageError
from t2t_repro.metrics import bleu
from t2t_repro.text.lines import read_lines


def _percent(product):
    """The geometric mean of four precisions from their product."""
    return 100 * product**0.25


def test_sacrebleu_by_hand():
    result = bleu.sacrebleu_score(
        ["The cat sat on the mat."], ["The cat sat on a mat."]
    )
    # Seven tokens each, the full stop one of them. Found in the reference:
    # 6 of 7 words (not "the"), 4 of 6 pairs (not "on the", "the mat"), 2 of 5
    # triples ("The cat sat", "cat sat on"), 1 of 4 quadruples.
    assert result.score == pytest.approx(
        _percent(6 / 7 * 4 / 6 * 2 / 5 * 1 / 4)
    )
    assert result.precisions == pytest.approx((600 / 7, 400 / 6, 40, 25))
    assert result.brevity_penalty == 1
    assert (result.hypothesis_length, result.reference_length) == (7, 7)


def test_counts_are_summed_over_the_corpus_before_dividing():
    result = bleu.sacrebleu_score(
        ["The cat sat on the mat.", "one two three four"],
        ["The cat sat on a mat.", "one two three four"],
    )
    # The counts above and 4 of 4, 3 of 3, 2 of 2, 1 of 1.
    assert result.score == pytest.approx(
        _percent(10 / 11 * 7 / 9 * 4 / 7 * 2 / 5)
    )


def test_sacrebleu_says_how():
    plain = bleu.sacrebleu_score(["ä b"], ["ä c"])
    assert re.fullmatch(
        r"nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:2\.[\d.]+",
        plain.signature,
    )
    assert (
        plain.reference_sha256 == hashlib.sha256("ä c\n".encode()).hexdigest()
    )
    named = bleu.sacrebleu_score(
        ["a"], ["a"], test_set="wmt14/full", language_pair="en-de"
    )
    assert "|test:wmt14/full|lang:en-de|" in named.signature


def test_only_sacrebleu_smooths():
    hypotheses, references = ["rot blau grün gelb"], ["rot blau grün weiß"]
    # 3 of 4, 2 of 3, 1 of 2 and 0 of 1, which counts as 1/2 of one.
    assert bleu.sacrebleu_score(hypotheses, references).score == pytest.approx(
        _percent(3 / 4 * 2 / 3 * 1 / 2 * 1 / 2)
    )
    assert bleu.paper_bleu(hypotheses, references, "de").score == 0


def test_paper_bleu_by_hand():
    hypotheses = ["Ein alt-neuer Weg dort hin."]
    references = ["Ein neu-neuer Weg dort hin."]
    # Ein alt ##AT##-##AT## neuer Weg dort hin . : the reference has all but
    # "alt", so 7 of 8, 5 of 7, 4 of 6 and 3 of 5.
    assert bleu.paper_bleu(hypotheses, references, "de").score == pytest.approx(
        _percent(7 / 8 * 5 / 7 * 4 / 6 * 3 / 5)
    )
    # Unsplit, "alt-neuer" is one wrong word of six: 5 of 6, 3 of 5, 2 of 4 and
    # 1 of 3.
    assert bleu.paper_bleu(
        hypotheses, references, "de", split_compounds=False
    ).score == pytest.approx(_percent(5 / 6 * 3 / 5 * 2 / 4 * 1 / 3))


def test_a_short_translation_is_penalised():
    result = bleu.paper_bleu(
        ["Ein neuer Weg dort."], ["Ein neuer Weg dort hin."], "de"
    )
    # Five tokens for six: 5 of 5, 3 of 4 (not "dort ."), 2 of 3, 1 of 2.
    assert result.brevity_penalty == pytest.approx(math.exp(1 - 6 / 5))
    assert result.score == pytest.approx(
        _percent(3 / 4 * 2 / 3 * 1 / 2) * math.exp(-0.2)
    )


def test_paper_bleu_respects_case_unless_told():
    hypotheses, references = ["der Weg dort hin"], ["Der Weg dort hin"]
    # 3 of 4, 2 of 3, 1 of 2, 0 of 1.
    assert bleu.paper_bleu(hypotheses, references, "de").score == 0
    lowercased = bleu.paper_bleu(hypotheses, references, "de", lowercase=True)
    assert lowercased.score == pytest.approx(100)
    assert lowercased.signature.endswith("multi-bleu, lowercased")


def test_multi30k_bleu_looks_at_no_case_and_splits_nothing():
    result = bleu.multi30k_bleu(
        ["ein ALT-neuer Weg dort hin."], ["Ein alt-neuer weg dort hin."], "de"
    )
    # Ein alt-neuer weg dort hin . : six tokens, all of them right.
    assert result.score == pytest.approx(100)
    assert result.hypothesis_length == 6
    assert "compounds" not in result.signature
    assert result.signature.endswith("multi-bleu, lowercased")


def test_quotes_of_the_reference_are_rewritten_only_on_request():
    references = ["Er sagte „Ja“ und ging‚s an."]
    for hypotheses in (
        ["""Er sagte "Ja" und ging's an."""],
        # The upper ones are replaced in the hypothesis in any case.
        ["""Er sagte ”Ja“ und ging’s an."""],
    ):
        plain = bleu.paper_bleu(hypotheses, references, "de")
        # Er sagte &quot; Ja &quot; und ging &apos; s an . : three of eleven
        # tokens differ.
        assert plain.precisions[0] == pytest.approx(800 / 11)
        rewritten = bleu.paper_bleu(
            hypotheses, references, "de", rewrite_reference_quotes=True
        )
        assert rewritten.score == pytest.approx(100)
    assert "quotes rewritten" in rewritten.signature
    assert "quotes rewritten" not in plain.signature
    assert rewritten.reference_sha256 == plain.reference_sha256


def test_french_spacing_matters_to_sacrebleu_only():
    hypotheses = ["Il dit: «oui»! Pourquoi? Voilà; 50% du temps."]
    references = [
        "Il dit\u00a0: «\u202foui\u202f» ! Pourquoi ? Voilà\u202f; 50 % du"
        " temps ."
    ]
    paper = bleu.paper_bleu(hypotheses, references, "fr")
    assert paper.score == pytest.approx(100)
    assert bleu.sacrebleu_score(hypotheses, references).score < 90


def test_t2t_bleu_by_hand():
    # it ' s so : without "It" 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, and 0
    # of 1, which counts as 1/2.
    result = bleu.t2t_bleu(["it's so"], ["It's so"])
    assert result.uncased == pytest.approx(100)
    assert result.cased == pytest.approx(_percent(3 / 4 * 2 / 3 / 2 / 2))


def test_t2t_bleu_leaves_out_orders_without_ngrams():
    # One of one word, one word for two, and no pairs at all.
    one_word = bleu.t2t_bleu(["rot"], ["rot blau"])
    assert one_word.cased == pytest.approx(100 * math.exp(-1))
    assert bleu.t2t_bleu([""], ["rot blau"]).cased == 0


def test_t2t_bleu_smooths_even_when_nothing_matches():
    # 0 of 2 counts as 1/2 of one, 0 of 1 as 1/4: 1/4 * 1/4.
    result = bleu.t2t_bleu(["rot blau"], ["grün gelb"])
    assert result.cased == pytest.approx(_percent(1 / 4 * 1 / 4))


@pytest.mark.parametrize(
    "score",
    [
        bleu.sacrebleu_score,
        bleu.t2t_bleu,
        lambda hypotheses, references: bleu.paper_bleu(
            hypotheses, references, "de"
        ),
    ],
)
def test_lines_must_pair_up(score):
    with pytest.raises(InputError, match="has 2 lines and the reference 1:"):
        score(["a", "b"], ["a"])
    with pytest.raises(InputError, match="0 lines"):
        score([], [])
    empty = score(["", ""], ["a", "b"])
    assert getattr(empty, "score", 0) == getattr(empty, "cased", 0) == 0


def test_every_language_has_abbreviations_of_its_own():
    known = sacremoses.corpus.NonbreakingPrefixes().available_langs.values()
    assert set(bleu.MOSES_LANGUAGES) <= set(known)
    with pytest.raises(UsageError, match=r"'dee'; .* Did you mean de\?"):
        bleu.paper_bleu(["a"], ["a"], "dee")


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("Ja, 1,5 % (gut)!", "Ja , 1,5 % ( gut ) !"),
        ("A & B <c> [d]", "A &amp; B &lt; c &gt; &#91; d &#93;"),
        ("Dr. Alt kam. Er", "Dr. Alt kam . Er"),
        # As before Moses' commit 9fc964d.
        ("Brot, Milch usw.", "Brot , Milch usw."),
        ("ein-mal \u2028 mehr", "ein-mal mehr"),
        ("", ""),
    ],
)
def test_moses_tokenisation(sentence, tokens):
    assert bleu.moses_tokenize([sentence], "de") == [tokens]


def test_punctuation_is_replaced_as_the_script_does():
    sentence = "“Ja”，１２ „so“ – it’s…"
    assert bleu.moses_tokenize([sentence], "de", replace_punctuation=True) == [
        "&quot; Ja &quot; , &quot; 2 „ so &quot; – it &apos; s ..."
    ]


def test_hyphens_are_split_without_overlap():
    split = " ##AT##-##AT## "
    assert bleu.split_at_hyphens("ab-cd-ef") == f"ab{split}cd{split}ef"
    assert bleu.split_at_hyphens("a-b-c") == f"a{split}b-c"
    assert bleu.split_at_hyphens("a - b -c d- -") == "a - b -c d- -"


def test_tokens_are_those_of_the_moses_scripts(shared):
    folder = shared("oracle/bleu")
    for name, replace in (("bleu_hyp", True), ("bleu_ref", False)):
        tokens = bleu.moses_tokenize(
            read_lines(folder / f"{name}.de"), "de", replace_punctuation=replace
        )
        assert tokens == read_lines(folder / f"{name}.tok.de")


@pytest.mark.parametrize(
    ("figure", "options"),
    [
        ("tokenized", {"split_compounds": False}),
        ("tokenized_lc", {"split_compounds": False, "lowercase": True}),
        ("compound_split", {}),
        ("compound_split_lc", {"lowercase": True}),
    ],
)
def test_scores_are_those_of_multi_bleu(shared, figure, options):
    folder = shared("oracle/bleu")
    printed = json.loads((folder / "bleu_expected.de.json").read_text())[figure]
    result = bleu.paper_bleu(
        read_lines(folder / "bleu_hyp.de"),
        read_lines(folder / "bleu_ref.de"),
        "de",
        **options,
    )
    precisions = "/".join(f"{value:.1f}" for value in result.precisions)
    ratio = result.hypothesis_length / result.reference_length
    assert printed == (
        f"BLEU = {result.score:.2f}, {precisions}"
        f" (BP={result.brevity_penalty:.3f}, ratio={ratio:.3f},"
        f" hyp_len={result.hypothesis_length},"
        f" ref_len={result.reference_length})"
    )


def test_scores_are_those_of_tensor2tensor(shared):
    folder = shared("oracle/t2t/bleu")
    cases = json.loads((folder / "bleu.json").read_text())
    assert len(cases["files"]) == 13
    for name, case in cases["files"].items():
        result = bleu.t2t_bleu(
            read_lines(folder / case["hyp"]), read_lines(folder / case["ref"])
        )
        expected = case["BLEU_uncased"], case["BLEU_cased"]
        # The scores of "one_word" are near 0.001 themselves.
        assert (result.uncased, result.cased) == pytest.approx(
            expected, rel=1e-5, abs=1e-7
        ), name
    for case in cases["compute_bleu_on_ids"]:
        hypotheses, references = (
            [" ".join(map(str, ids)) for ids in case[f"{side}_corpus"]]
            for side in ("translation", "reference")
        )
        result = bleu.t2t_bleu(hypotheses, references)
        assert result.cased == pytest.approx(100 * case["bleu"], rel=1e-5)


def test_sacrebleu_itself_says_nothing(caplog):
    """The trainer scores every few minutes; t2t-bleu says it in a line."""
    lines = ["the dog sleeps ."] * 100
    assert bleu.sacrebleu_score(lines, lines).score == pytest.approx(100.0)
    assert not caplog.records
