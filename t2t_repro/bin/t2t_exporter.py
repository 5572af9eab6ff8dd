"""Writes a trained model in a form that other programs load.

  saved_model    strings in, strings and scores out; loads with tensorflow and
                 tensorflow_text alone, tokenizer and beam search inside
  litert         a file for phones and other small devices, in 8 bits, that
                 LiteRT runs without TensorFlow; ids in, beam search inside
  ctranslate2    for the CTranslate2 engine; needs its package, the extra
                 t2t_repro[ctranslate2]
  huggingface    a folder that MarianMTModel.from_pretrained and its tokenizer
                 open in PyTorch
  keras_weights  weights, hparams and vocabulary, for this package's model on
                 any Keras backend

docs/serving.md has a client for each.

  t2t-exporter --output_dir=O --export_dir=E --format=saved_model
"""

from collections.abc import Sequence

from absl import flags

from t2t_repro import files, run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options
from t2t_repro.errors import UsageError
from t2t_repro.export import exporter


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-exporter`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-exporter", __doc__ or "", _define_flags, _export, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    command.define_model_flags(values)
    command.define_checkpoint_flags(values)
    flags.DEFINE_enum(
        "format",
        exporter.FORMATS[0],
        exporter.FORMATS,
        f"what to write: {', '.join(exporter.FORMATS)}",
        flag_values=values,
    )
    for name, default, text in (
        (
            "export_dir",
            None,
            "where to; default: output_dir/export/<seconds>",
        ),
        (
            "decode_hparams",
            "",
            "such as beam_size=4,alpha=0.6,extra_length=50,n_best=0, which"
            " saved_model and litert keep, and huggingface as far as it can;"
            " default: these, or the run's own",
        ),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_enum(
        "quantize",
        None,
        ("int8", "none"),
        "the matrices of --format=litert: int8, or none for 32 bits; default:"
        " int8",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "replace the export that --export_dir holds",
        flag_values=values,
    )


def _export(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "output_dir")
    # Before the run is read: the user's own mistakes come first.
    checkpoint = command.checkpoint(values)
    engine = _engine(values)
    run = run_directory.load(files.absolute(values.output_dir))
    command.check_run(run, values)
    if values.data_dir:
        command.check_data(run, values.data_dir)
    target = files.absolute(values.export_dir or exporter.default_folder(run))
    exporter.check_folder(target, values.overwrite)
    options = decode_options.of_run(run, values.decode_hparams, **engine)
    command.load_tensorflow()
    exporter.write(
        run, values.format, target, options, checkpoint, values.overwrite
    )
    return 0


def _engine(values: flags.FlagValues) -> dict[str, str]:
    """What the format says of the search, beside `--decode_hparams`.

    Raises:
      UsageError: a flag that does not go with the format.
    """
    asked = decode_options.parse(values.decode_hparams)
    given = f"--decode_hparams={values.decode_hparams}"
    if values.decode_hparams and values.format not in exporter.WITH_SEARCH:
        raise UsageError(
            f"{given}: --format={values.format} holds a model and no search;"
            " leave it out and tell the client."
        )
    if values.format != "litert":
        if values.quantize:
            raise UsageError(
                f"--quantize={values.quantize}: --format={values.format} keeps"
                " the weights as they are; leave it out, or give"
                " --format=litert."
            )
        return {}
    if (asked.engine, asked.quantize) != ("tensorflow", "none"):
        raise UsageError(
            f"{given}: engine and quantize are t2t-decoder's; leave them out,"
            " and say --quantize=int8 or none."
        )
    return {"engine": "litert", "quantize": values.quantize or "int8"}


if __name__ == "__main__":
    raise SystemExit(main())
