"""Translates a file with a trained model, one output line per input line.

A run on a parsing problem reads sentences, tokenised as in the Penn Treebank,
and writes one tree for each, over exactly its words.
"""

import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro import files
from t2t_repro import registry
from t2t_repro import run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.text import lines


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-decoder`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-decoder", __doc__ or "", _define_flags, _decode, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    command.define_model_flags(values)
    for name, text in (
        ("checkpoint_path", "a checkpoint; default: the newest (average)"),
        ("decode_from_file", "UTF-8 text, a sentence a line"),
        ("decode_to_file", "where the translations go; must not exist yet"),
        ("decode_reference", "score the output against this file"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_string(
        "decode_hparams",
        "",
        "such as beam_size=4,alpha=0.6,extra_length=50,batch_size=32; default:"
        " these, or the problem's own",
        flag_values=values,
    )


def _decode(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "output_dir", "decode_from_file", "decode_to_file")
    # Before the run is read: the user's own mistakes come first.
    decode_options.parse(values.decode_hparams)
    run = run_directory.load(files.absolute(values.output_dir))
    command.check_run(run, values)
    problem = registry.problem(run.problem)
    options = decode_options.parse(
        values.decode_hparams, getattr(problem, "decode_hparams", "")
    )
    if values.data_dir:
        command.check_data(run, values.data_dir)
    _refuse_to_overwrite(values.decode_to_file)
    sources = lines.read_lines(values.decode_from_file)
    references = None
    if values.decode_reference:
        references = lines.read_lines(values.decode_reference)
        if len(references) != len(sources):
            raise InputError(
                f"{values.decode_reference} has {len(references)} lines,"
                f" {values.decode_from_file} has {len(sources)}: a reference"
                " has one line for each."
            )
        if _is_parsing(problem):
            # A broken gold tree shows now, and not after the decoding.
            _summary(references, references, values)
    command.load_tensorflow()
    from t2t_repro.decode import session

    translated = session.translate_lines(
        run, values.checkpoint_path, options, sources
    )
    lines.write_lines_atomically(
        values.decode_to_file,
        (decode_options.output_line(options, best) for best in translated),
    )
    if references is not None:
        best = [hypotheses[0].text for hypotheses in translated]
        if _is_parsing(problem):
            _print_f1(best, references, values)
        else:
            _print_score(best, references, values)
    return 0


def _refuse_to_overwrite(path: str) -> None:
    target = files.absolute(path)
    if target.is_file():
        raise UsageError(
            f"--decode_to_file={path} exists: remove it or take another name."
        )
    if not target.parent.is_dir():
        raise UsageError(
            f"--decode_to_file={path}: the folder {target.parent} does not"
            " exist."
        )


def _print_score(
    hypotheses: list[str], references: list[str], values: flags.FlagValues
) -> None:
    from t2t_repro.evaluate import bleu
    from t2t_repro.text.encoder import file_sha256

    score = bleu.sacrebleu_score(hypotheses, references)
    digest = file_sha256(values.decode_reference)
    sys.stdout.write(
        f"sacrebleu = {score.score:.2f} {score.signature}"
        f" reference sha256 {digest}\n"
    )


def _print_f1(
    trees: list[str], references: list[str], values: flags.FlagValues
) -> None:
    from t2t_repro.text.encoder import file_sha256

    summary = _summary(references, trees, values)
    # A sentence that cannot be scored counts as one without a right bracket.
    brackets = summary.brackets_with_failures
    digest = file_sha256(values.decode_reference)
    sys.stdout.write(
        f"f1 = {brackets.f1:.2f} recall {brackets.recall:.2f}"
        f" precision {brackets.precision:.2f} COLLINS.prm, all lengths,"
        f" {summary.failures} failures as zero recall"
        f" reference sha256 {digest}\n"
    )


def _summary(
    references: list[str], trees: list[str], values: flags.FlagValues
) -> Any:
    from t2t_repro.evaluate import bracketing_report

    return bracketing_report.evaluate(
        references, trees, gold_name=values.decode_reference
    ).all


def _is_parsing(problem: Any) -> bool:
    return getattr(problem, "metric", None) == "f1"


if __name__ == "__main__":
    raise SystemExit(main())
