"""t2t-bleu: scores a translation file against a reference file (Section 6.1).

The command of tensor2tensor's name. Its `--translations_dir`, which watched a
folder for new translations, is left out: the trainer writes the real BLEU of
its development set to TensorBoard itself.
"""

import dataclasses
import json
import logging
import os
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro.bin import command, paths
from t2t_repro.errors import InputError, UsageError, nearest
from t2t_repro.files import file_sha256
from t2t_repro.text import lines

_DOCUMENTATION = """scores a translation against a reference, line by line.

`sacrebleu` is the figure to compare between systems. With --language come
`paper_bleu`, to compare with the figures of the paper, and `multi30k_bleu`, to
compare with those published on Multi30k. --baseline tells whether another
translation differs by more than chance. The files are plain, untokenised UTF-8
text, or the same with a name in .gz.

  t2t-bleu --translation=out.de --reference=ref.de --language=de
  t2t-bleu --translation=out.de --reference=ref.de --baseline=other.de --chrf
  t2t-bleu --reference=ref1.de,ref2.de < out.de"""


# How the files of a WMT test set begin before somebody has unwrapped them.
_MARKUP = ("<srcset", "<refset", "<tstset", "<mteval", "<!doctype", "<?xml")
_TOKENIZED_LINES = 100  # as many as sacreBLEU
_TESTED = ("sacrebleu", "chrf2", "ter")  # those that sacreBLEU itself tests

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-bleu`; see `command.run` for arguments and statuses."""
    return command.run("t2t-bleu", _DOCUMENTATION, _define_flags, _body, argv)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_multi_string(
        "reference",
        [],
        "the file to compare it with, line by line; of several, separated by"
        " commas, the best match counts",
        flag_values=values,
    )
    for name, default, text in (
        (
            "translation",
            lines.STANDARD,
            "the file to score, one sentence to a line; - is standard input",
        ),
        (
            "test_set",
            None,
            "take the reference from sacreBLEU instead of a file (it downloads"
            " the set once); the paper's is wmt14/full",
        ),
        ("language_pair", None, "of --test_set, such as en-de"),
        (
            "language",
            None,
            "of the translation, such as de: adds paper_bleu and multi30k_bleu,"
            " whose tokeniser needs to know",
        ),
        (
            "baseline",
            None,
            "another translation of the same: adds its scores, and how likely"
            " the difference is chance, by paired bootstrap and by approximate"
            " randomisation",
        ),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    for name, text in (
        (
            "rewrite_reference_quotes",
            "for paper_bleu, turn the reference's typographic quotation marks"
            " into plain ones first, as in the file that the paper's authors"
            " used",
        ),
        ("chrf", "add chrF2, an F-score of character n-grams"),
        ("ter", "add TER, edits for 100 words: less is better"),
        (
            "t2t",
            "add BLEU_uncased and BLEU_cased as tensor2tensor's t2t-bleu"
            " printed them",
        ),
        ("json", "print one JSON object instead of lines"),
    ):
        flags.DEFINE_bool(name, False, text, flag_values=values)


def _body(values: flags.FlagValues) -> None:
    references = _references(values.reference)
    if bool(references) == bool(values.test_set):
        raise UsageError(
            "give either --reference=FILE or --test_set=NAME with"
            " --language_pair."
        )
    if values.test_set:
        command.require(values, "language_pair")
        references = _test_set_references(values.test_set, values.language_pair)
    elif values.language_pair:
        raise UsageError(
            "--language_pair says which part of --test_set to take: leave it"
            " out beside --reference."
        )
    if values.rewrite_reference_quotes and not values.language:
        raise UsageError(
            "--rewrite_reference_quotes is about paper_bleu: add --language."
        )
    if len(references) > 1 and (values.language or values.t2t):
        raise UsageError(
            f"--{'language' if values.language else 't2t'} adds a figure of one"
            f" reference, not of {len(references)}: leave it out, or give one"
            f" of {', '.join(references)} as --reference."
        )
    _check_standard_input(values.translation, references, values.baseline)
    _score(values, references)


def _references(given: Sequence[str]) -> list[str]:
    """The files of --reference."""
    found = paths.several(given)
    if "" in found:
        raise UsageError(
            f"--reference={','.join(given)} has a name that is empty: give"
            " files, with a comma between two."
        )
    return found


def _check_standard_input(
    translation: str, references: Sequence[str], baseline: str | None
) -> None:
    if [translation, *references, baseline].count(lines.STANDARD) > 1:
        raise UsageError(
            "the translation comes from standard input, and so cannot the"
            " reference or the baseline: give --translation=FILE."
        )
    if translation == lines.STANDARD and os.isatty(0):
        raise UsageError(
            "no translation: give --translation=FILE, or the text on standard"
            " input (< FILE)."
        )


def _score(values: flags.FlagValues, names: Sequence[str]) -> None:
    hypotheses = _read(values.translation)
    references = [_read(path) for path in names]
    baseline = _read(values.baseline) if values.baseline else []
    for path, reference in zip(names, references, strict=True):
        if len(reference) != len(hypotheses):
            raise InputError(
                f"the translation has {len(hypotheses)} lines and the reference"
                f" {len(reference)} ({path}): line by line they must belong"
                " together. Give the reference of the file that was translated."
            )
    if values.baseline and len(baseline) != len(hypotheses):
        raise InputError(
            f"the translation has {len(hypotheses)} lines and the baseline"
            f" {len(baseline)} ({values.baseline}): they must be of the same"
            " sentences."
        )
    _warn_of_tokens(values.translation, hypotheses)
    report = _scores(values, hypotheses, references)
    if lines.STANDARD not in names:
        # Of the files' bytes, as sha256sum has it, not of the lines in them.
        digest = ",".join(map(file_sha256, names))
        for figure in report.values():
            if "reference_sha256" in figure:
                figure["reference_sha256"] = digest
    if values.baseline:
        from t2t_repro.metrics import significance

        metrics = [name for name in _TESTED if name in report]
        report["paired"] = {
            name: dataclasses.asdict(tested)
            for name, tested in significance.paired_tests(
                metrics, hypotheses, baseline, *references
            ).items()
        }
    print(json.dumps(report) if values.json else _as_text(report))


def _scores(
    values: flags.FlagValues,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
) -> dict[str, dict[str, Any]]:
    """All that was asked for, by the names that they are printed under."""
    # Here and not above: --help need not wait for sacreBLEU.
    from t2t_repro.metrics import bleu, chrf_ter

    names = {
        "test_set": values.test_set or "",
        "language_pair": values.language_pair or "",
    }
    scores: dict[str, Any] = {
        "sacrebleu": bleu.sacrebleu_score(hypotheses, *references, **names)
    }
    if values.language:
        scores["paper_bleu"] = bleu.paper_bleu(
            hypotheses,
            references[0],
            values.language,
            rewrite_reference_quotes=values.rewrite_reference_quotes,
        )
        scores["multi30k_bleu"] = bleu.multi30k_bleu(
            hypotheses, references[0], values.language
        )
    if values.t2t:
        scores["t2t_bleu"] = bleu.t2t_bleu(hypotheses, references[0])
    if values.chrf:
        scores["chrf2"] = chrf_ter.chrf2(hypotheses, *references, **names)
    if values.ter:
        scores["ter"] = chrf_ter.ter(hypotheses, *references, **names)
    return {name: dataclasses.asdict(score) for name, score in scores.items()}


def _as_text(report: dict[str, dict[str, Any]]) -> str:
    printed = []
    for name, figure in report.items():
        if name == "t2t_bleu":
            printed.append(f"BLEU_uncased = {figure['uncased']:6.2f}")
            printed.append(f"BLEU_cased = {figure['cased']:6.2f}")
        elif name == "paired":
            printed += [
                line
                for metric, tested in figure.items()
                for line in _paired_lines(metric, tested)
            ]
        else:
            printed.append(
                f"{name} = {figure['score']:.2f} {figure['signature']}"
            )
    printed[0] += f" reference sha256 {report['sacrebleu']['reference_sha256']}"
    return "\n".join(printed)


def _paired_lines(metric: str, tested: dict[str, Any]) -> list[str]:
    difference = tested["score"] - tested["baseline"]
    interval, baseline_interval = (
        f"{tested[f'{of}mean']:.2f} +- {tested[f'{of}interval']:.2f}"
        for of in ("", "baseline_")
    )
    return [
        f"{metric} of the baseline = {tested['baseline']:.2f}, difference"
        f" {difference:+.2f}",
        f"{metric} paired bootstrap: p = {tested['bootstrap_p']:.4f},"
        f" {interval} and {baseline_interval},"
        f" {tested['bootstrap_signature']}",
        f"{metric} approximate randomisation: p ="
        f" {tested['randomisation_p']:.4f},"
        f" {tested['randomisation_signature']}",
    ]


def _warn_of_tokens(path: str, hypotheses: Sequence[str]) -> None:
    """sacreBLEU's own doubt, which is silenced where scores are computed."""
    tokenized = sum(line.endswith(" .") for line in hypotheses)
    if tokenized >= _TOKENIZED_LINES:
        logger.warning(
            "%s has %d lines that end in ' .', as tokenised text does: scores"
            " are comparable for plain text only",
            path,
            tokenized,
        )


def _read(path: str) -> list[str]:
    read = lines.read_lines(path)
    if not read:
        name = "standard input" if path == lines.STANDARD else path
        raise InputError(f"{name} is empty: one sentence to a line is needed.")
    if read[0].lstrip().lower().startswith(_MARKUP):
        raise InputError(
            f"{path} is SGM or XML, and its markup would be scored as text:"
            " give plain text, one sentence to a line (`sacrebleu --echo`"
            " prints a test set so)."
        )
    return read


def _test_set_references(test_set: str, language_pair: str) -> list[str]:
    """The paths of references that sacreBLEU keeps, or fetches now."""
    from sacrebleu import utils

    known = utils.get_available_testsets()
    if test_set not in known:
        raise UsageError(
            f"sacreBLEU has no test set {test_set!r}."
            f"{nearest(test_set, known)} `sacrebleu --list` names them all."
        )
    pairs = utils.get_langpairs_for_testset(test_set)
    if language_pair not in pairs:
        raise UsageError(
            f"the test set {test_set} has no language pair {language_pair!r};"
            f" it has {', '.join(pairs)}."
        )
    try:
        return utils.get_reference_files(test_set, language_pair)
    # sacreBLEU raises bare exceptions and, for a damaged download, exits.
    except (Exception, SystemExit) as error:
        raise InputError(
            f"sacreBLEU cannot fetch {test_set} {language_pair} into"
            f" {utils.SACREBLEU_DIR} ({error}). Connect to the network, or give"
            " the reference as a file: --reference=FILE."
        ) from error


if __name__ == "__main__":
    raise SystemExit(main())
