"""Translates a file with a trained model, one output line per input line."""

import sys
from collections.abc import Sequence

from absl import flags

from t2t_repro import files
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
        ("decode_reference", "score the translations against this file"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_string(
        "decode_hparams",
        "",
        "such as beam_size=4,alpha=0.6,extra_length=50,batch_size=32",
        flag_values=values,
    )


def _decode(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "output_dir", "decode_from_file", "decode_to_file")
    options = decode_options.parse(values.decode_hparams)
    run = run_directory.load(files.absolute(values.output_dir))
    command.check_run(run, values)
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
        _print_score([best[0].text for best in translated], references, values)
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


if __name__ == "__main__":
    raise SystemExit(main())
