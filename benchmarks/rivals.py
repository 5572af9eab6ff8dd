"""One optimizer step of the paper's rivals, beside the same models in PyTorch.

    python -m benchmarks.rivals --torch_python=PYTHON

The sets `rnn_multi30k` and `convs2s_multi30k` on random ids without padding, in
batches as they have them on Multi30k; the peers are benchmarks/peers/torch_rnn
and torch_convs2s. All of them take turns.
"""

from collections.abc import Sequence
from typing import Any

from absl import flags

from benchmarks import devices, measure, steps
from benchmarks.measure import Record, Times
from benchmarks.peers import driver
from t2t_repro import registry
from t2t_repro.decode import parallel
from t2t_repro.hparam import HParams

# A set's peer.
_PROGRAMS = {"rnn_multi30k": "torch_rnn", "convs2s_multi30k": "torch_convs2s"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("rivals", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    known = list(_PROGRAMS)
    measure.define_choices(values, "rivals", known, known, "sets to measure")
    measure.define_integers(
        values,
        {
            # 1,024 tokens, about as long as Multi30k's sentences are.
            "batch": (64, "sentences of a batch"),
            "source": (16, "source positions, the end of sentence included"),
            "target": (16, "target positions"),
            "vocab": (8192, "ids"),
            "rounds": (8, "steps of each system that are timed"),
        },
    )
    driver.define_flags(values, ("torch",))


def _measure(values: flags.FlagValues) -> Record:
    names = values.rivals
    devices.start(1)
    shape = values.batch, values.source, values.target
    ours = {
        name: steps.new_round(
            registry.hparams(name), shape, values.vocab, 1, "off", "float32"
        )
        for name in names
    }
    for run in ours.values():
        run()  # is compiled
        run()
    peers = driver.start(values, [_peer(values, name) for name in names])
    try:
        seconds = measure.in_turn(
            ours | {name: peer.round for name, peer in peers.items()},
            values.rounds,
        )
    finally:
        for peer in peers.values():
            peer.close()
    rows = [_row(name, seconds) for name in names]
    return {
        **{name: values[name].value for name in ("batch", "source", "target")},
        "vocab": values.vocab,
        "peer_versions": {name: peer.version for name, peer in peers.items()},
        "seconds": seconds,
        "rows": rows,
    }


def _row(name: str, seconds: dict[str, list[float]]) -> Record:
    """One line of the table."""
    times = Times.of(seconds[name])
    peer = seconds.get(_named(name))
    return {
        "rival": name,
        "seconds_best": times.best,
        "seconds_median": times.median,
        "peer_seconds_best": min(peer) if peer else None,
        "times_peer": times.best / min(peer) if peer else None,
    }


def _peer(values: flags.FlagValues, name: str) -> driver.Wanted:
    hparams: Any = registry.hparams(name)
    sizes = ("batch", "source", "target", "vocab")
    settings = {
        **{size: values[size].value for size in sizes},
        **_of_model(hparams),
        "threads": parallel.available_cores(),
    }
    return driver.Wanted(_named(name), "torch", _PROGRAMS[name], settings)


def _named(name: str) -> str:
    return f"PyTorch, {name}"


def _of_model(hparams: HParams) -> dict[str, Any]:
    """What the peers' programs build."""
    fields = vars(hparams)
    return {
        "hidden_size": hparams.hidden_size,
        "layers": hparams.num_hidden_layers,
        "max_length": hparams.max_length,
        "dropout": fields["dropout"],
        "width": fields.get("kernel_width"),
        "has_bias": hparams.MODEL == "convs2s",
        "clip": hparams.clip_grad_norm,
    }


if __name__ == "__main__":
    raise SystemExit(main())
