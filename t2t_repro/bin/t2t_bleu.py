"""t2t-bleu: scores a translation file against a reference file (Section 6.1).

The command of tensor2tensor's name. Its `--translations_dir`, which watched a
folder for new translations, is left out: the trainer writes the real BLEU of
its development set to TensorBoard itself.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro.bin import command
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.errors import nearest
from t2t_repro.text.lines import read_lines

_DOCUMENTATION = """scores a translation against a reference, line by line.

`sacrebleu` is the figure to compare between systems. `paper_bleu`, printed when
--language is given, is the one to hold against the figures of the paper. Both
files are plain, untokenised UTF-8 text, or the same with a name in .gz."""


# How the files of a WMT test set begin before somebody has unwrapped them.
_MARKUP = ("<srcset", "<refset", "<tstset", "<mteval", "<!doctype", "<?xml")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      argv: arguments without the program's name; `sys.argv[1:]` when None.

    Returns:
      The exit status.
    """
    return command.run("t2t-bleu", _DOCUMENTATION, _define_flags, _body, argv)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "translation",
        None,
        "the file to score, one sentence to a line",
        flag_values=values,
    )
    flags.DEFINE_string(
        "reference",
        None,
        "the file to compare it with, line by line",
        flag_values=values,
    )
    flags.DEFINE_string(
        "test_set",
        None,
        "take the reference from sacreBLEU instead of a file (it downloads the"
        " set once); the paper's is wmt14/full",
        flag_values=values,
    )
    flags.DEFINE_string(
        "language_pair",
        None,
        "of --test_set, such as en-de",
        flag_values=values,
    )
    flags.DEFINE_string(
        "language",
        None,
        "of the translation, such as de: adds paper_bleu, whose tokeniser needs"
        " to know",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "rewrite_reference_quotes",
        False,
        "for paper_bleu, turn the reference's typographic quotation marks into"
        " plain ones first, as in the file that the paper's authors used",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "t2t",
        False,
        "add BLEU_uncased and BLEU_cased as tensor2tensor's t2t-bleu printed"
        " them",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "json",
        False,
        "print one JSON object instead of lines",
        flag_values=values,
    )


def _body(values: flags.FlagValues) -> None:
    command.require(values, "translation")
    if bool(values.reference) == bool(values.test_set):
        raise UsageError(
            "give either --reference=FILE or --test_set=NAME with"
            " --language_pair."
        )
    if values.test_set:
        command.require(values, "language_pair")
    if values.rewrite_reference_quotes and not values.language:
        raise UsageError(
            "--rewrite_reference_quotes is about paper_bleu: add --language."
        )
    _score(values)


def _score(values: flags.FlagValues) -> None:
    # Here and not above: --help need not wait for sacreBLEU.
    from t2t_repro.metrics import bleu

    hypotheses = _read(values.translation)
    reference_path = values.reference or _test_set_reference(
        values.test_set, values.language_pair
    )
    references = _read(reference_path)
    scores = {
        "sacrebleu": bleu.sacrebleu_score(
            hypotheses,
            references,
            test_set=values.test_set or "",
            language_pair=values.language_pair or "",
        )
    }
    if values.language:
        scores["paper_bleu"] = bleu.paper_bleu(
            hypotheses,
            references,
            values.language,
            rewrite_reference_quotes=values.rewrite_reference_quotes,
        )
    # Of the file's bytes, as sha256sum has it, not of the lines read from it.
    with open(reference_path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    report = {
        name: dataclasses.asdict(score) | {"reference_sha256": digest}
        for name, score in scores.items()
    }
    if values.t2t:
        t2t = bleu.t2t_bleu(hypotheses, references)
        report["t2t_bleu"] = dataclasses.asdict(t2t)
    print(json.dumps(report) if values.json else _as_text(report))


def _as_text(report: dict[str, dict[str, Any]]) -> str:
    sacrebleu = report["sacrebleu"]
    lines = [
        f"sacrebleu = {sacrebleu['score']:.2f} {sacrebleu['signature']}"
        f" reference sha256 {sacrebleu['reference_sha256']}"
    ]
    if paper := report.get("paper_bleu"):
        lines.append(f"paper_bleu = {paper['score']:.2f} {paper['signature']}")
    if t2t := report.get("t2t_bleu"):
        lines.append(f"BLEU_uncased = {t2t['uncased']:6.2f}")
        lines.append(f"BLEU_cased = {t2t['cased']:6.2f}")
    return "\n".join(lines)


def _read(path: str) -> list[str]:
    lines = read_lines(path)
    if not lines:
        raise InputError(f"{path} is empty: one sentence to a line is needed.")
    if lines[0].lstrip().lower().startswith(_MARKUP):
        raise InputError(
            f"{path} is SGM or XML, and its markup would be scored as text:"
            " give plain text, one sentence to a line (`sacrebleu --echo`"
            " prints a test set so)."
        )
    return lines


def _test_set_reference(test_set: str, language_pair: str) -> str:
    """The path of a reference that sacreBLEU keeps, or fetches now."""
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
        paths = utils.get_reference_files(test_set, language_pair)
    # sacreBLEU raises bare exceptions and, for a damaged download, exits.
    except (Exception, SystemExit) as error:
        raise InputError(
            f"sacreBLEU cannot fetch {test_set} {language_pair} into"
            f" {utils.SACREBLEU_DIR} ({error}). Connect to the network, or give"
            " the reference as a file: --reference=FILE."
        ) from error
    if len(paths) > 1:
        raise InputError(
            f"{test_set} {language_pair} has {len(paths)} references and this"
            " command compares with one: choose one of them with --reference,"
            f" {', '.join(paths)}."
        )
    return paths[0]


if __name__ == "__main__":
    raise SystemExit(main())
