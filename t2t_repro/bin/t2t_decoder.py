"""Translates a file with a trained model, one output line per input line.

It is read, translated and written in windows of some thousand lines, so that
memory does not grow with its length; `-` is standard input or output. What is
typed, or with --stream what comes through a pipe, is translated line by line. A
run on a parsing problem reads sentences, tokenised as in the Penn Treebank, and
writes one tree for each, over exactly its words.

Without --decode_from_file, the dev (or test) split in --data_dir is decoded,
into BASE.<model>.<hparams_set>.<problem>.beam4.alpha0.6.decodes, with .inputs
and .targets beside it, or --decode_interactive translates what is typed, or
--score_file writes the log probability of given translations. --output_dirs
instead of --output_dir decodes with several models at once.
"""

import itertools
import os
import pathlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from absl import flags

from t2t_repro import files, run_directory
from t2t_repro.bin import command, decoder_sources, paths
from t2t_repro.decode import options as decode_options
from t2t_repro.decode import output
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.progress import Progress
from t2t_repro.run_directory import Run
from t2t_repro.text import lines


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-decoder`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-decoder", __doc__ or "", _define_flags, _decode, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    command.define_model_flags(values)
    command.define_checkpoint_flags(values)
    flags.DEFINE_multi_string(
        "output_dirs",
        [],
        "run directories with one vocabulary, with commas between them, instead"
        " of --output_dir: an ensemble, the mean of the models' log"
        " probabilities in each step",
        flag_values=values,
    )
    for name, text in (
        ("decode_from_file", "UTF-8 text, a sentence a line; - is stdin"),
        (
            "decode_to_file",
            "where the output goes; must not exist yet; - is stdout; default:"
            " the input's name and how it was decoded",
        ),
        ("decode_reference", "score the output against this file"),
        ("score_file", "score lines of source, tab and target instead"),
        ("shortlist", "of t2t-shortlist: the ids to search among, for speed"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_string(
        "decode_hparams",
        "",
        "such as beam_size=4,alpha=0.6,extra_length=50,batch_size=32; default:"
        " these, or the problem's own",
        flag_values=values,
    )
    for name, known, text in (
        (
            "engine",
            decode_options.ENGINES,
            "what multiplies and searches; litert is a part of TensorFlow for"
            " small programs, ctranslate2 needs its package, the extra"
            " t2t_repro[ctranslate2]; default: tensorflow",
        ),
        (
            "quantize",
            decode_options.QUANTIZE,
            "bfloat16: matrix products in 16 bits; int8: in 8, with"
            " --engine=litert or ctranslate2; default: none",
        ),
    ):
        flags.DEFINE_enum(
            name,
            None,
            known,
            f"{text}; the same as --decode_hparams={name}=...",
            flag_values=values,
        )
    for name, text in (
        ("decode_interactive", "translate what is typed; :help lists commands"),
        ("eval_use_test_set", "decode the test split of --data_dir, not dev"),
        ("score_per_token", "write the pieces of each target with theirs"),
        ("stream", "translate and write each line before the next is read"),
    ):
        flags.DEFINE_bool(name, False, text, flag_values=values)
    for name, default, lowest, text in (
        ("decode_shards", 1, 1, "how many workers share the lines"),
        (
            "worker_id",
            0,
            0,
            "which part is this one's; it goes to --decode_to_file and its"
            " number, such as out003",
        ),
    ):
        flags.DEFINE_integer(
            name, default, text, lower_bound=lowest, flag_values=values
        )


def _decode(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    folders = _folders(values)
    command.checkpoint(values)
    decoder_sources.check(values)
    # Before the run is read: the user's own mistakes come first.
    given = {
        name: values[name].value for name in ("engine", "quantize", "shortlist")
    }
    decode_options.parse(values.decode_hparams, "", **given)
    runs = [run_directory.load(folder) for folder in folders]
    command.check_run(runs[0], values)
    options = decode_options.of_run(runs[0], values.decode_hparams, **given)
    if values.data_dir:
        command.check_data(runs[0], values.data_dir)
    if values.decode_interactive:
        _converse(runs, options, values)
    elif values.score_file:
        _score_file(runs, options, values)
    elif values.decode_from_file:
        _decode_file(runs, options, values)
    else:
        _decode_dataset(runs, options, values)
    return None


def _folders(values: flags.FlagValues) -> list[pathlib.Path]:
    """The run directories that decode together."""
    if not values.output_dirs:
        command.require(values, "output_dir")
        return [files.absolute(values.output_dir)]
    for name in ("output_dir", "checkpoint_path"):
        if values[name].value:
            raise UsageError(
                f"--{name} and --output_dirs do not go together: leave one out."
            )
    given = paths.several(values.output_dirs)
    folders = [files.absolute(folder) for folder in given]
    if "" in given or len(set(folders)) < len(folders):
        raise UsageError(
            f"--output_dirs={','.join(values.output_dirs)}: give run"
            " directories, each once, with commas between them."
        )
    return folders


def _open(
    runs: Sequence[Run], options: DecodeOptions, values: flags.FlagValues
) -> Any:
    """The model, or the ensemble; TensorFlow is there already."""
    from t2t_repro.decode.loaded_run import open_ensemble

    return open_ensemble(runs, options, command.checkpoint(values))


def _converse(
    runs: Sequence[Run], options: DecodeOptions, values: flags.FlagValues
) -> None:
    command.load_tensorflow()
    from t2t_repro.decode import interactive

    interactive.run(_open(runs, options, values))


def _score_file(
    runs: Sequence[Run], options: DecodeOptions, values: flags.FlagValues
) -> None:
    command.require(values, "decode_to_file")
    _refuse_to_overwrite(values.decode_to_file)
    path = values.score_file
    command.load_tensorflow()
    from t2t_repro.decode import scoring

    count = None
    if paths.can_be_read_twice(path):
        # A line without its tab shows now, and not after the scoring.
        pairs = scoring.read_pairs(lines.iterate_lines(path), path)
        count = sum(1 for _ in pairs)
    scores = _open(runs, options, values).score(
        scoring.read_pairs(lines.iterate_lines(path), path),
        _progress("scoring", count, values.decode_to_file),
    )
    _write(
        values.decode_to_file,
        (score.line(values.score_per_token) for score in scores),
    )


def _decode_file(
    runs: Sequence[Run], options: DecodeOptions, values: flags.FlagValues
) -> None:
    run = runs[0]
    path = values.decode_from_file
    shard = (values.decode_shards, values.worker_id)
    target = output.shard_name(values.decode_to_file or path, *shard)
    if values.decode_to_file == lines.STANDARD:
        target = lines.STANDARD
    elif not values.decode_to_file and path != lines.STANDARD:
        target = output.decodes_name(_of_all(target, runs), run, options)
    _refuse_to_overwrite(target)
    streams = values.stream or (path == lines.STANDARD and os.isatty(0))
    if values.stream and target != lines.STANDARD:
        raise UsageError(
            "--stream writes every line at once, and a file appears whole: give"
            " --decode_to_file=- for standard output."
        )
    # A first time through the file: a byte that is not UTF-8 shows now, and
    # not after the decoding.
    count = None
    if paths.can_be_read_twice(path):
        count = sum(1 for _ in lines.iterate_lines(path))
    references = _references(run, count, values)
    begin, end = 0, count
    if values.decode_shards > 1:
        begin, end = output.shard_range(count or 0, *shard)
    command.load_tensorflow(for_many_searches=True)
    translated = _open(runs, options, values).stream(
        itertools.islice(lines.iterate_lines(path), begin, end),
        begin + 1,
        None
        if streams
        else _progress("translating", end and end - begin, target),
    )
    best: list[str] | None = None if references is None else []
    _write(
        target,
        output.output_lines(options, translated, begin + 1, best),
    )
    if references is not None and best is not None:
        digest = file_sha256(values.decode_reference)
        score = _score(run, best, references, values)
        print(f"{score} reference sha256 {digest}")


def _decode_dataset(
    runs: Sequence[Run], options: DecodeOptions, values: flags.FlagValues
) -> None:
    run = runs[0]
    command.require(values, "decode_to_file")
    shard = (values.decode_shards, values.worker_id)
    base = _of_all(output.shard_name(values.decode_to_file, *shard), runs)
    targets = {
        kind: output.decodes_name(base, run, options, kind)
        for kind in ("decodes", "inputs", "targets")
    }
    for path in targets.values():
        _refuse_to_overwrite(path)
    split = "test" if values.eval_use_test_set else "dev"
    run.open_problem().check_split(split)
    command.load_tensorflow(for_many_searches=True)
    from t2t_repro.data import records

    pairs = records.read_split(
        run.open_problem(), files.absolute(values.data_dir), split
    ).texts(run.encoder())
    if options.num_samples > 0:
        pairs = pairs[: options.num_samples]
    begin, end = output.shard_range(len(pairs), *shard)
    translated = _open(runs, options, values).stream(
        (source for source, _ in pairs[begin:end]),
        begin + 1,
        _progress("translating", end - begin, targets["decodes"]),
    )
    _write(
        targets["decodes"],
        output.output_lines(options, translated, begin + 1),
    )
    for side, kind in enumerate(("inputs", "targets")):
        texts = (output.one_line(pair[side]) for pair in pairs[begin:end])
        _write(targets[kind], texts)


def _of_all(base: str, runs: Sequence[Run]) -> str:
    """A name made of the first run's alone, told from that run's own."""
    return f"{base}.ensemble{len(runs)}" if len(runs) > 1 else base


def _progress(task: str, count: int | None, target: str) -> Progress:
    # Where the output is shown, it is the progress.
    is_shown = target == lines.STANDARD and sys.stdout.isatty()
    return Progress(task, "lines", count, with_bar=not is_shown)


def _write(path: str, written: Iterable[str]) -> None:
    if path != lines.STANDARD:
        lines.write_lines_atomically(path, written)
        return
    for line in written:
        sys.stdout.buffer.write(line.encode("utf-8") + b"\n")
        sys.stdout.flush()


def _refuse_to_overwrite(path: str) -> None:
    if path == lines.STANDARD:
        return
    if files.absolute(path).is_file():
        raise UsageError(
            f"--decode_to_file={path} exists: remove it or take another name."
        )
    paths.require_parent("decode_to_file", path)


def _references(
    run: Run, count: int | None, values: flags.FlagValues
) -> list[str] | None:
    if not values.decode_reference:
        return None
    references = lines.read_lines(files.absolute(values.decode_reference))
    if len(references) != count:
        raise InputError(
            f"{values.decode_reference} has {len(references)} lines,"
            f" {values.decode_from_file} has {count}: a reference"
            " has one line for each."
        )
    # A broken gold tree shows now, and not after the decoding.
    _score(run, references, references, values)
    return references


def _score(
    run: Run,
    outputs: list[str],
    references: list[str],
    values: flags.FlagValues,
) -> str:
    from t2t_repro.metrics.scores import corpus_score

    metric, name = run.open_problem().metric, values.decode_reference
    return corpus_score(metric, outputs, references, name).text


if __name__ == "__main__":
    raise SystemExit(main())
