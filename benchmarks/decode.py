"""Searches of a fixed length, beside peers; or real lines with a real model.

    python -m benchmarks.decode --batch=32 --source=24 --steps=40 --beam=4
      --vocab=8192
    python -m benchmarks.decode --output_dir=RUN --decode_from_file=FILE

The first form searches with random weights for exactly so many steps: the
vector of the end of sentence is zero, so that its logit is 0 and about half of
all others are above it; it never comes among the best. Peers are held to
the same number of steps by their own options. As in t2t-decoder, every core
searches for a part of the batch; CTranslate2, which can do that too
(`inter_threads`), is measured both ways. bfloat16 stands for
`t2t-decoder --quantize=bfloat16`, LiteRT for `t2t-decoder --engine=litert`
without and with `--quantize=int8`. The second form translates lines as
t2t-decoder does, vocabulary and sorting by length included.
"""

from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from benchmarks import decode_lines, devices, measure, models
from benchmarks.measure import Record, Times
from benchmarks.peers import driver
from t2t_repro.bin import command
from t2t_repro.decode import parallel
from t2t_repro.hparam import HParams
from t2t_repro.text.encoder import EOS_ID

_ALPHA = 0.6  # section 6.1
_SEED = 1
_CEILING = "ceiling float32"

# `[batch, source]` ids and `[batch]` limits to ids `[batch, beams, length]`.
_Search = Callable[[Any, Any], Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("decode", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    models.define_flags(values)
    measure.define_integers(
        values,
        {
            "batch": (32, "sentences at a time"),
            "source": (24, "source positions, the end of sentence included"),
            "steps": (40, "ids generated for every sentence"),
            "beam": (4, "hypotheses of the search that is not greedy"),
            "vocab": (8192, "ids"),
            "rounds": (5, "searches of each kind that are timed"),
        },
    )
    measure.define_texts(
        values,
        {
            "output_dir": "run directory of a trained model, for real lines",
            "decode_from_file": "the lines, one sentence each",
            "checkpoint_path": "another checkpoint than the newest",
        },
    )
    flags.DEFINE_integer(
        "matmul_size",
        0,
        "rows of the ceiling's matrices; 0: 2048, on a GPU 8192",
        lower_bound=0,
        flag_values=values,
    )
    driver.define_flags(values, ("opennmt", "ctranslate2"))


def _measure(values: flags.FlagValues) -> Record:
    if values.output_dir or values.decode_from_file:
        command.require(values, "output_dir", "decode_from_file")
        return decode_lines.measure_lines(values)
    return _measure_fixed(values)


def _measure_fixed(values: flags.FlagValues) -> Record:
    hparams = models.hparams(values)
    devices.start(for_many_searches=True)
    from t2t_repro.interop import litert

    greedy, beam = "t2t_repro, greedy", f"t2t_repro, beam {values.beam}"
    model = _model(values, hparams)
    narrow = _model(values, hparams, "bfloat16")
    searches = {
        beam: _tensorflow_search(model, values.beam),
        greedy: _tensorflow_search(model, 1),
        f"{beam}, bfloat16": _tensorflow_search(narrow, values.beam),
    }
    if litert.has_programs(hparams) and values.beam > 1:
        searches |= {
            f"{beam}, LiteRT": _litert_search(model, values.beam, False),
            f"{beam}, LiteRT, int8": _litert_search(model, values.beam, True),
        }
    ours = {
        name: _timed(values, search, 1 if name == greedy else values.beam)
        for name, search in searches.items()
    }
    ceiling = devices.Ceiling("float32", values.matmul_size)
    peers = driver.start(values, _peers(values, hparams))
    try:
        seconds = measure.in_turn(
            {
                **ours,
                **{name: peer.round for name, peer in peers.items()},
                _CEILING: ceiling.round,
            },
            values.rounds,
        )
    finally:
        for peer in peers.values():
            peer.close()
    limit = ceiling.gigaflops(min(seconds[_CEILING]))
    rows = []
    for name in (*ours, *peers):
        beams = 1 if name == greedy else values.beam
        rows.append(_row(values, hparams, name, seconds[name], beams, limit))
    by_name = {row["system"]: row for row in rows}
    sizes = ("model", "batch", "source", "steps", "beam", "vocab")
    return {
        **{name: values[name].value for name in sizes},
        "sentences_per_second": by_name[beam]["sentences_per_second"],
        "tokens_per_second": by_name[beam]["tokens_per_second"],
        "matmul_share": by_name[beam]["matmul_share"],
        "greedy_sentences_per_second": by_name[greedy]["sentences_per_second"],
        "greedy_tokens_per_second": by_name[greedy]["tokens_per_second"],
        "matmul_gflops": limit,
        # What a machine that did nothing but the products would give.
        "arithmetic_sentences_per_second": (
            by_name[beam]["sentences_per_second"]
            / by_name[beam]["matmul_share"]
        ),
        "peak_memory_bytes": measure.peak_memory_bytes(),
        "peer_versions": {name: peer.version for name, peer in peers.items()},
        "seconds": seconds,
        "rows": rows,
    }


def _row(
    values: flags.FlagValues,
    hparams: HParams,
    name: str,
    seconds: Sequence[float],
    beams: int,
    limit: float,
) -> Record:
    times = Times.of(seconds)
    shape = (values.batch, values.source, values.steps)
    operations = hparams.decoding_flops(shape, values.vocab, beams)
    return {
        "system": name,
        "seconds_best": times.best,
        "seconds_median": times.median,
        "sentences_per_second": values.batch / times.best,
        "tokens_per_second": values.batch * values.steps / times.best,
        "matmul_share": measure.gigaflops(operations, times.best) / limit,
    }


def _model(
    values: flags.FlagValues, hparams: HParams, quantize: str = ""
) -> Any:
    """Random weights, with which nothing ends by itself."""
    import keras

    from t2t_repro import registry

    keras.utils.set_random_seed(_SEED)
    model = registry.model(hparams.MODEL)(hparams, values.vocab)
    silence_end_of_sentence(model, values.vocab)
    if quantize:
        model.multiply_in(quantize)
    return model


def _tensorflow_search(model: Any, beams: int) -> _Search:
    import tensorflow as tf

    from t2t_repro.decode import beam_search

    # One trace for batches of any size.
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def search(inputs: Any, limits: Any) -> Any:
        if beams == 1:
            return beam_search.greedy_search(model, inputs, limits)
        return beam_search.beam_search(model, inputs, limits, beams, _ALPHA)

    return lambda *arguments: search(*map(tf.constant, arguments)).ids.numpy()


def _litert_search(model: Any, beams: int, is_narrow: bool) -> _Search:
    import numpy as np

    from t2t_repro.decode import beam_step, litert_search

    rules = beam_step.beam_rules(beams, _ALPHA, 1, "tensor2tensor")
    search = litert_search.Searches(
        litert_search.programs(model, rules, is_narrow)
    )
    return lambda *arguments: np.stack([ids for ids, _ in search(*arguments)])


def _timed(
    values: flags.FlagValues, search: _Search, beams: int
) -> Callable[[], float]:
    """A search of the whole batch, which checks what it did."""
    import numpy as np

    shape = (values.batch, values.source)
    rng = np.random.default_rng(_SEED)
    inputs = rng.integers(2, values.vocab, shape).astype(np.int32)
    # As the translator has it: dealt out over the cores.
    batches = parallel.batches(list(inputs), values.batch)

    def search_batch(batch: Any) -> None:
        limits = np.full([len(batch)], values.steps, np.int32)
        ids = search(np.stack(batch), limits)
        full = (len(batch), beams, values.steps)
        assert ids.shape == full and (ids > EOS_ID).all(), ids.shape

    def work() -> None:
        for _ in parallel.run(search_batch, batches):
            pass

    work()
    return measure.clocked(work)


def silence_end_of_sentence(model: Any, vocab_size: int) -> None:
    """Makes the logit of the end of sentence 0, whatever the model thinks.

    Args:
      model: with random weights.
      vocab_size: rows of its embeddings.
    """
    for weight in model.weights_by_path().values():
        if len(weight.shape) == 2 and weight.shape[0] == vocab_size:
            matrix = weight.numpy()
            matrix[EOS_ID] = 0.0
            weight.assign(matrix)


def _peers(values: flags.FlagValues, hparams: HParams) -> list[driver.Wanted]:
    if not models.is_paper_shaped(hparams):
        return []
    settings = {
        **models.for_peers(hparams),
        **{
            name: values[name].value
            for name in ("batch", "source", "steps", "beam", "vocab")
        },
        "alpha": _ALPHA,
        "threads": parallel.available_cores(),
    }
    wanted = [
        driver.Wanted("OpenNMT-tf", "opennmt", "opennmt_decode", settings)
    ]
    for compute_type in ("float32", "int8"):
        for searches in sorted({1, parallel.searches()}):
            name = f"CTranslate2, {compute_type}"
            if searches > 1:
                name += f", {searches} at a time"
            own = {"compute_type": compute_type, "searches": searches}
            wanted.append(
                driver.Wanted(
                    name, "ctranslate2", "ctranslate2_decode", settings | own
                )
            )
    return wanted


if __name__ == "__main__":
    raise SystemExit(main())
