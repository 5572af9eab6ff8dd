"""`benchmarks.decode` on real lines, with a trained model."""

import functools
from collections.abc import Mapping, Sequence

from absl import flags

from benchmarks import devices, measure
from benchmarks.measure import Record, Times
from t2t_repro import files, run_directory


def measure_lines(values: flags.FlagValues) -> Record:
    """Translates the lines of a file, with beams and greedily, in turn.

    Args:
      values: `output_dir`, `decode_from_file`, `checkpoint_path`, `beam`,
        `batch` and `rounds`.

    Raises:
      InputError: there is no such run, checkpoint or file.
    """
    run = run_directory.load(files.absolute(values.output_dir))
    devices.start(for_many_searches=True)
    from t2t_repro.decode.loaded_run import open_run
    from t2t_repro.decode.options import DecodeOptions
    from t2t_repro.text.lines import read_lines

    lines = read_lines(files.absolute(values.decode_from_file))
    beam = DecodeOptions(beam_size=values.beam, batch_size=values.batch)
    greedy = DecodeOptions(beam_size=1, batch_size=values.batch)
    translator = open_run(run, beam, values.checkpoint_path)
    translators = {
        f"t2t_repro, beam {values.beam}": translator,
        "t2t_repro, greedy": translator.with_options(greedy),
    }
    # The search is traced meanwhile.
    tokens = {
        name: sum(len(best.ids) for best, *_ in translator.translate(lines))
        for name, translator in translators.items()
    }
    seconds = measure.in_turn(
        {
            name: measure.clocked(
                functools.partial(translator.translate, lines)
            )
            for name, translator in translators.items()
        },
        values.rounds,
    )
    rows = _rows(seconds, len(lines), tokens)
    return {
        "problem": run.problem,
        "hparams_set": run.hparams_set,
        "sentences": len(lines),
        "batch": values.batch,
        "beam": values.beam,
        "sentences_per_second": rows[0]["sentences_per_second"],
        "tokens_per_second": rows[0]["tokens_per_second"],
        "greedy_sentences_per_second": rows[1]["sentences_per_second"],
        "greedy_tokens_per_second": rows[1]["tokens_per_second"],
        "peak_memory_bytes": measure.peak_memory_bytes(),
        "seconds": seconds,
        "rows": rows,
    }


def _rows(
    seconds: Mapping[str, Sequence[float]],
    sentences: int,
    tokens: Mapping[str, int],
) -> list[Record]:
    rows = []
    for name, rounds in seconds.items():
        times = Times.of(rounds)
        rows.append(
            {
                "system": name,
                "seconds_best": times.best,
                "seconds_median": times.median,
                "sentences_per_second": sentences / times.best,
                "tokens_per_second": tokens[name] / times.best,
            }
        )
    return rows
