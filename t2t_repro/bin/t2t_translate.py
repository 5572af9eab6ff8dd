"""Translates sentences that are given, typed, or come through a pipe.

  t2t-translate --output_dir=O "A man rides a bike." "Two dogs play."
  t2t-translate --output_dir=O < sentences.txt

Without a sentence it translates what is typed; there :help lists what can be
set. For whole files, references and parts of many machines: t2t-decoder.
"""

import os
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options
from t2t_repro.text import lines


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-translate`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-translate",
        __doc__ or "",
        _define_flags,
        _translate,
        argv,
        positional="input",
    )


def _define_flags(values: flags.FlagValues) -> None:
    for name, default, text in (
        ("output_dir", None, "run directory of t2t-trainer"),
        (
            "checkpoint_path",
            None,
            "a checkpoint; default: the newest (average)",
        ),
        (
            "decode_hparams",
            "",
            "such as beam_size=4,alpha=0.6,n_best=3; default: these, or the"
            " problem's own",
        ),
        ("t2t_usr_dir", None, "folder of your own Python files"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_multi_string(
        "input",
        [],
        "a sentence; an argument without a name is one, too",
        flag_values=values,
    )


def _translate(values: flags.FlagValues) -> None:
    command.require(values, "output_dir")
    # Before the run is read: the user's own mistakes come first.
    decode_options.parse(values.decode_hparams)
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    run = run_directory.load(files.absolute(values.output_dir))
    options = decode_options.of_run(run, values.decode_hparams)
    command.load_tensorflow()
    import tensorflow as tf

    from t2t_repro.decode import interactive, output
    from t2t_repro.decode.loaded_run import open_run

    loaded = open_run(run, options, values.checkpoint_path)
    if not values.input and os.isatty(0):
        interactive.run(loaded)
        return
    given = [line for text in values.input for line in text.split("\n")]
    sentences = given or lines.iterate_lines(lines.STANDARD)
    # To trace the search takes longer than to translate a sentence without.
    tf.config.run_functions_eagerly(len(given) == 1)
    try:
        translated = loaded.stream(sentences)
        for line in output.output_lines(options, translated):
            print(line, flush=True)
    finally:
        tf.config.run_functions_eagerly(False)


if __name__ == "__main__":
    raise SystemExit(main())
