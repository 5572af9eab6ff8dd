"""BLEU under four names that are never mixed (Section 6.1, Table 2).

* `sacrebleu_score`: the number to compare between systems. Plain text against
  plain text, tokenised by sacreBLEU's 13a, with the signature that says how.
* `paper_bleu`: the number to compare with the paper's 27.3, 28.4 and 41.8. It
  repeats tensor2tensor's `get_ende_bleu.sh`: Moses tokenisation, compounds
  split at hyphens, `multi-bleu.perl`, upper and lower case distinguished.
* `multi30k_bleu`: the number to compare with figures published on Multi30k,
  such as the 41.02 of Wu et al. 2021 (arXiv:2105.14462): the same scripts with
  `multi-bleu.perl -lc`, compounds whole.
* `t2t_bleu`: the two numbers that tensor2tensor's `t2t-bleu` printed.

The same translation scores 27.52 by the first and 29.02 by the second, which is
why every result says in words what it is.

Left out: several references for the last three. Tests of significance:
`metrics.significance`.
"""

import dataclasses
import functools
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence

from sacrebleu.metrics.bleu import BLEU, BLEUScore

from t2t_repro.errors import InputError, UsageError, nearest

# The languages for which sacremoses has both the abbreviations and every rule
# of tokenizer.perl. It lacks the rules of ca, fi, ga, sv and tdt, and treats zh
# in a way of its own; for a language it does not know it takes English rules
# without a word.
MOSES_LANGUAGES = (
    *("cs", "de", "el", "en", "es", "et", "fr", "hu", "is", "it"),
    *("lt", "lv", "nl", "pl", "pt", "ro", "ru", "sk", "sl"),
)

_MAXIMUM_ORDER = 4
_HYPHEN = re.compile(r"(\S)-(\S)")
_QUOTES = str.maketrans(dict.fromkeys("„“”‟", '"') | dict.fromkeys("‚‘’‛", "'"))


@dataclasses.dataclass(frozen=True)
class BleuScore:
    """One corpus score, and what is needed to repeat it.

    Attributes:
      score: 0 to 100.
      signature: how it was computed.
      precisions: of 1-grams to 4-grams, 0 to 100.
      brevity_penalty: 0 to 1.
      hypothesis_length: tokens in the translation.
      reference_length: tokens in the reference.
      reference_sha256: of the reference, see `lines_sha256`; of several, with
        commas between them.
    """

    score: float
    signature: str
    precisions: tuple[float, ...]
    brevity_penalty: float
    hypothesis_length: int
    reference_length: int
    reference_sha256: str


@dataclasses.dataclass(frozen=True)
class T2tBleu:
    """What tensor2tensor's `t2t-bleu` prints, 0 to 100."""

    uncased: float
    cased: float


def lines_sha256(lines: Iterable[str]) -> str:
    """SHA-256 in hexadecimal of the lines, each with its `"\\n"`, in UTF-8.

    It is what `sha256sum` says of a file that holds them and ends in `"\\n"`.
    """
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def sacrebleu_score(
    hypotheses: Sequence[str],
    *references: Sequence[str],
    test_set: str = "",
    language_pair: str = "",
) -> BleuScore:
    """Scores plain, untokenised text with sacreBLEU's defaults (13a).

    Args:
      hypotheses: the translation, one sentence to a line.
      *references: one or several, each of as many lines.
      test_set: sacreBLEU's name of the test set, for the signature.
      language_pair: such as `"en-de"`, for the signature.

    Raises:
      InputError: the line counts differ or are 0.
    """
    for reference in references:
        require_pairs(hypotheses, reference)
    # Or sacreBLEU itself would print its doubts that the text is plain.
    metric = BLEU(tokenize="13a", force=True)
    counted = metric.corpus_score(hypotheses, references)
    signature = metric.get_signature()
    signature.update("test", test_set or None)
    signature.update("lang", language_pair or None)
    return _result(counted, signature.format(), *references)


def paper_bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    language: str,
    *,
    lowercase: bool = False,
    split_compounds: bool = True,
    rewrite_reference_quotes: bool = False,
) -> BleuScore:
    """Scores plain text as the paper's authors did.

    As in their script, only the hypothesis has its Unicode punctuation
    replaced, so every typographic quotation mark of the reference counts as a
    mistake of a system that writes plain ones. The authors' reference file had
    been rewritten by hand, which `rewrite_reference_quotes` repeats; figures
    such as 29.02 on WMT14 en-de cannot be reached without it.

    The spaces that French puts before `? ! : ; %` and inside guillemets need no
    option: the Moses tokeniser parts these marks from the word either way.

    Args:
      hypotheses: the translation, one untokenised sentence to a line.
      references: as many lines, untokenised too.
      language: of both, one of `MOSES_LANGUAGES`.
      lowercase: `multi-bleu.perl -lc` instead of `multi-bleu.perl`.
      split_compounds: whether the parts of a hyphenated word count apart.
      rewrite_reference_quotes: whether the typographic quotation marks of the
        reference become `"` and `'` first.

    Raises:
      InputError: the line counts differ or are 0.
      UsageError: there are no Moses rules for the language.
    """
    require_pairs(hypotheses, references)
    compared = references
    if rewrite_reference_quotes:
        compared = [line.translate(_QUOTES) for line in references]
    hypothesis_tokens = _moses_tokens(tuple(hypotheses), language, True)
    reference_tokens = _moses_tokens(tuple(compared), language, False)
    if split_compounds:
        hypothesis_tokens = [split_at_hyphens(x) for x in hypothesis_tokens]
        reference_tokens = [split_at_hyphens(x) for x in reference_tokens]
    # multi-bleu.perl: BLEU of the corpus over what stands between spaces, and
    # 0 where an order has no match.
    metric = BLEU(
        tokenize="none", smooth_method="none", lowercase=lowercase, force=True
    )
    counted = metric.corpus_score(hypothesis_tokens, [reference_tokens])
    description = (
        f"Moses-tokenised ({language}, sacremoses {_moses_version()})",
        "reference quotes rewritten" if rewrite_reference_quotes else "",
        "compounds split at hyphens" if split_compounds else "",
        "multi-bleu",
        "lowercased" if lowercase else "cased",
    )
    words = ", ".join(part for part in description if part)
    return _result(counted, words, references)


def multi30k_bleu(
    hypotheses: Sequence[str], references: Sequence[str], language: str
) -> BleuScore:
    """Scores plain text as papers on Multi30k do; see `paper_bleu`.

    They lower-case the text and let Moses tokenise it, and nothing is split.
    """
    return paper_bleu(
        hypotheses,
        references,
        language,
        lowercase=True,
        split_compounds=False,
    )


def t2t_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> T2tBleu:
    """Scores plain text as tensor2tensor's `t2t-bleu` did.

    That is sacreBLEU's `intl` tokenisation, with tensor2tensor's own way of
    treating an order without n-grams. One difference is left: next to
    punctuation, tensor2tensor takes only decimal digits for numbers, sacreBLEU
    also such as `²` and `½`.

    Raises:
      InputError: the line counts differ or are 0.
    """
    require_pairs(hypotheses, references)
    uncased = BLEU(tokenize="intl", lowercase=True, force=True)
    cased = BLEU(tokenize="intl", force=True)
    return T2tBleu(
        uncased=_t2t_score(uncased.corpus_score(hypotheses, [references])),
        cased=_t2t_score(cased.corpus_score(hypotheses, [references])),
    )


def moses_tokenize(
    lines: Iterable[str], language: str, *, replace_punctuation: bool = False
) -> list[str]:
    """Tokenises as Moses' `tokenizer.perl -l LANGUAGE` did in 2017.

    Brackets, quotes and the like come out escaped (`&quot;`), hyphens stay in
    their words. Moses has since (commit 9fc964d, 2018) begun to part the last
    full stop from an abbreviation; the paper's scores are older than that.

    Args:
      lines: untokenised sentences.
      language: one of `MOSES_LANGUAGES`.
      replace_punctuation: whether `replace-unicode-punctuation.perl` comes
        first.

    Raises:
      UsageError: there are no Moses rules for the language.
    """
    tokenize, replace = _moses(language)
    if replace_punctuation:
        lines = (replace(line) for line in lines)
    return [tokenize(line) for line in lines]


@functools.lru_cache(maxsize=2)
def _moses_tokens(
    lines: tuple[str, ...], language: str, replace_punctuation: bool
) -> list[str]:
    """As `moses_tokenize`, which is slow, once for two scores."""
    return moses_tokenize(
        lines, language, replace_punctuation=replace_punctuation
    )


def split_at_hyphens(line: str) -> str:
    """Splits compounds as the GNMT and ConvS2S papers did.

    Matches do not overlap: of `a-b-c` only the first hyphen is split, because
    `b` has been used up by then.
    """
    return _HYPHEN.sub(r"\1 ##AT##-##AT## \2", line)


@functools.cache
def _moses(
    language: str,
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """The two scripts as functions of a line: tokeniser, punctuation."""
    if language not in MOSES_LANGUAGES:
        raise UsageError(
            f"there are no Moses rules for the language {language!r}; known"
            f" are {', '.join(MOSES_LANGUAGES)}."
            f"{nearest(language, MOSES_LANGUAGES)}"
        )
    # Three times as slow to import as sacreBLEU, and needed by one score only.
    import sacremoses

    tokenizer = sacremoses.MosesTokenizer(language)
    normalizer = sacremoses.MosesPunctNormalizer()

    def replace(line: str) -> str:
        # The script makes a quotation mark of the full-width digit one. That
        # must be a slip, and sacremoses corrects it, but scores contain it.
        return normalizer.replace_unicode_punct(line.replace("\uff11", '"'))

    return functools.partial(tokenizer.tokenize, return_str=True), replace


def _moses_version() -> str:
    import sacremoses

    return sacremoses.__version__


def _t2t_score(counted: BLEUScore) -> float:
    """tensor2tensor's score from the n-gram counts.

    sacreBLEU gives 0 when nothing matches or when no sentence is four tokens
    long. tensor2tensor smooths the former like any other order without a match
    and leaves orders without n-grams out of the product.
    """
    logarithms = []
    smoothing = 1.0
    for matches, total in zip(counted.counts, counted.totals, strict=True):
        if not total:
            continue
        if not matches:
            smoothing *= 2
        logarithms.append(math.log((matches or 1 / smoothing) / total))
    if not logarithms:
        return 0.0
    mean = sum(logarithms) / _MAXIMUM_ORDER
    return 100 * counted.bp * math.exp(mean)


def require_pairs(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Raises InputError unless both have the same lines, and any."""
    if len(hypotheses) != len(references):
        raise InputError(
            f"the translation has {len(hypotheses)} lines and the reference"
            f" {len(references)}: line by line they must belong together. Give"
            " the reference of the file that was translated."
        )
    if not hypotheses:
        raise InputError(
            "the translation and the reference have 0 lines: there is nothing"
            " to score."
        )


def _result(
    counted: BLEUScore, signature: str, *references: Sequence[str]
) -> BleuScore:
    return BleuScore(
        score=counted.score,
        signature=signature,
        precisions=tuple(counted.precisions),
        brevity_penalty=counted.bp,
        hypothesis_length=counted.sys_len,
        reference_length=counted.ref_len,
        reference_sha256=",".join(map(lines_sha256, references)),
    )
