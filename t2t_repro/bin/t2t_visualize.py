"""Shows a trained model's attention while it translates, as a web page.

The page is one file that needs no network: every attention of the model, by
layer and head, and the tree of a parsing model.

  t2t-visualize --output_dir=O --input="A man rides a bike." --html=page.html
  t2t-visualize --output_dir=O --decode_from_file=F --html=page.html
"""

import pathlib
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, run_directory
from t2t_repro.bin import command, paths
from t2t_repro.decode import options as decode_options
from t2t_repro.errors import InputError, UsageError
from t2t_repro.run_directory import Run
from t2t_repro.text import lines

_MOST_SENTENCES = 50
# 43 MB of base64: browsers are slow beyond it.
_MOST_WEIGHTS = 16_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-visualize`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-visualize", __doc__ or "", _define_flags, _visualize, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    command.define_model_flags(values)
    command.define_checkpoint_flags(values)
    decoding = (
        "such as beam_size=4,alpha=0.6; default: these, or the problem's own"
    )
    sentences = f"UTF-8 text, a sentence a line, at most {_MOST_SENTENCES}"
    for name, default, text in (
        ("input", None, "the sentence"),
        ("decode_from_file", None, sentences),
        ("html", "attention.html", "the page to write"),
        ("decode_hparams", "", decoding),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_bool(
        "overwrite", False, "replace the page of that name", flag_values=values
    )


def _visualize(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "output_dir", "html")
    # Before the run is read: the user's own mistakes come first.
    checkpoint = command.checkpoint(values)
    decode_options.parse(values.decode_hparams)
    target = paths.to_write(values, "html")
    sources = _sources(values)
    run = run_directory.load(files.absolute(values.output_dir))
    command.check_run(run, values)
    if values.data_dir:
        command.check_data(run, values.data_dir)
    command.load_tensorflow()
    text = _page(run, sources, checkpoint, values)
    files.replace_file(target, text)
    print(f"wrote {target}: {files.size_text(len(text))}, open it in a browser")
    return 0


def _sources(values: flags.FlagValues) -> list[str]:
    """The sentences, of which a page shows none that is empty."""
    if (values.input is None) == (values.decode_from_file is None):
        raise UsageError(
            "give --input with a sentence, or --decode_from_file: one of them."
        )
    given, name = (values.input or "").split("\n"), "--input"
    if values.decode_from_file is not None:
        name = values.decode_from_file
        given = lines.read_lines(name)
    sources = [line for line in given if line.strip()]
    if not 1 <= len(sources) <= _MOST_SENTENCES:
        raise InputError(
            f"{name} has {len(sources)} lines with text: a page holds 1 to"
            f" {_MOST_SENTENCES}."
        )
    return sources


def _page(
    run: Run,
    sources: Sequence[str],
    checkpoint: str | None,
    values: flags.FlagValues,
) -> str:
    from t2t_repro import checkpoints
    from t2t_repro.decode.loaded_run import open_run
    from t2t_repro.visualize import page

    prefix = checkpoints.find(run.folder, checkpoint)
    options = decode_options.of_run(run, values.decode_hparams)
    loaded = open_run(run, options, prefix)
    sentences: list[page.Sentence] = []
    count = 0
    for source in sources:
        sentences.append(page.translate(loaded, source))
        if not sentences[-1].attentions:
            raise InputError(
                f"{run.folder} has nothing to show: the model {run.model} has"
                " no attention."
            )
        count += sentences[-1].weight_count
        if count > _MOST_WEIGHTS:
            raise InputError(
                f"up to {source[:40]!r} the page would hold {count} weights,"
                f" more than {_MOST_WEIGHTS}: give fewer or shorter sentences."
            )
    facts = [
        f"{run.problem}, {run.languages[0]} to {run.languages[1]}",
        f"{run.model}, {run.hparams_set}",
        pathlib.Path(prefix).name,
    ]
    return page.build("Attention", facts, sentences)


if __name__ == "__main__":
    raise SystemExit(main())
