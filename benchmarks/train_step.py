"""One optimizer step on a batch of one shape, beside its peers and the limit.

    python -m benchmarks.train_step --batch=32 --source=32 --target=32
      --vocab=8192

The project's own TrainStep and Transformer on random ids without padding:
every XLA mode and precision that is asked for, the peers, and large matrix
products are measured in turn. What a step takes in operations is the formula
of `HParams.forward_flops`; `matmul_share` is its rate as a share of the matrix
products' (on a GPU: model FLOPs utilisation against the measured ceiling, not
the one on the data sheet).
"""

import itertools
from collections.abc import Sequence

from absl import flags

from benchmarks import devices, measure, models, steps
from benchmarks.measure import Record, Times
from benchmarks.peers import driver
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main(
        "train_step", __doc__ or "", _define_flags, _measure, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    models.define_flags(values)
    measure.define_integers(
        values,
        {
            "batch": (32, "sentences of a replica's batch"),
            "source": (32, "source positions, the end of sentence included"),
            "target": (32, "target positions"),
            "vocab": (8192, "ids"),
            "replicas": (1, "GPUs, or logical devices of the processor"),
            "rounds": (8, "steps of each system that are timed"),
        },
    )
    devices.define_worker_cpu(values)
    for name, known in (("xla", steps.XLA), ("precision", steps.PRECISIONS)):
        measure.define_choices(
            values,
            name,
            known,
            known[:1],
            f"one or more of {', '.join(known)}; each pair is measured, and"
            " the first is the one of the last line's figures",
        )
    flags.DEFINE_integer(
        "matmul_size",
        0,
        "rows of the ceiling's matrices; 0: 2048, on a GPU 8192",
        lower_bound=0,
        flag_values=values,
    )
    driver.define_flags(values, ("torch", "opennmt"))


def _measure(values: flags.FlagValues) -> Record:
    hparams = models.hparams(values)
    if hparams.accumulate_steps > 1:
        raise UsageError(
            f"--model={values.model} accumulates gradients over"
            f" {hparams.accumulate_steps} batches: give --hparams="
            "optimizer_multistep_accumulate_steps=0."
        )
    cores = devices.start_to_train(values, hparams)
    ours = [
        Ours(values, hparams, mode, precision, cores)
        for mode, precision in itertools.product(values.xla, values.precision)
    ]
    ceilings = {
        precision: devices.Ceiling(precision, values.matmul_size)
        for precision in values.precision
    }
    peers = driver.start(values, _peers(values, hparams))
    try:
        seconds = measure.in_turn(
            {
                **{system.name: system.round for system in ours},
                **{name: peer.round for name, peer in peers.items()},
                **{f"ceiling {p}": c.round for p, c in ceilings.items()},
            },
            values.rounds,
        )
    finally:
        for peer in peers.values():
            peer.close()
    limits = {
        precision: ceiling.gigaflops(min(seconds[f"ceiling {precision}"]))
        for precision, ceiling in ceilings.items()
    }
    work = _Work(values, hparams)
    rows = [
        work.row(s.name, seconds[s.name], s.first_seconds, limits[s.precision])
        for s in ours
    ]
    rows += [
        work.row(
            name,
            seconds[name],
            peer.first_seconds,
            limits.get(peer.settings["precision"]),
        )
        for name, peer in peers.items()
    ]
    for row in rows:
        row["times_ours"] = row["seconds_best"] / rows[0]["seconds_best"]
    return work.record(rows, limits, seconds, peers)


class Ours:
    """The project's training step in one XLA mode and precision."""

    def __init__(
        self,
        values: flags.FlagValues,
        hparams: HParams,
        xla: str,
        precision: str,
        cores: int,
    ):
        """Builds model and optimizer, and takes the first two steps."""
        self.name = f"t2t_repro, XLA {xla}, {precision}"
        if cores > 1:
            self.name += f", parts on {cores} cores"
        self.precision = precision
        shape = values.batch, values.source, values.target
        self.round = steps.new_round(
            hparams, shape, values.vocab, values.replicas, xla, precision, cores
        )
        self.first_seconds = self.round()
        self.round()


class _Work:
    """What all systems do in a step, and how their figures are worded."""

    def __init__(self, values: flags.FlagValues, hparams: HParams):
        self._values = values
        sentences = values.batch * values.replicas
        self._target_tokens = sentences * values.target
        shape = (sentences, values.source, values.target)
        # The backward pass takes twice what the forward pass takes.
        self._operations = 3 * hparams.forward_flops(shape, values.vocab)

    def row(
        self,
        name: str,
        seconds: Sequence[float],
        first_seconds: float,
        limit: float | None,
    ) -> Record:
        """One line of the table."""
        times = Times.of(seconds)
        rate = measure.gigaflops(self._operations, times.best)
        return {
            "system": name,
            "seconds_best": times.best,
            "seconds_median": times.median,
            "target_tokens_per_second": self._target_tokens / times.best,
            "gflops": rate,
            "matmul_share": rate / limit if limit else None,
            "compile_seconds": max(first_seconds - times.best, 0.0),
        }

    def record(
        self,
        rows: list[Record],
        limits: dict[str, float],
        seconds: dict[str, list[float]],
        peers: dict[str, driver.Peer],
    ) -> Record:
        """All figures, those of the first row by name."""
        values, first = self._values, rows[0]
        names = ("model", "batch", "source", "target", "vocab", "replicas")
        return {
            **{name: values[name].value for name in names},
            "step_seconds_best": first["seconds_best"],
            "step_seconds_median": first["seconds_median"],
            # Random ids fill every position: padded and not is the same here.
            "target_tokens_per_second": first["target_tokens_per_second"],
            "padded_target_tokens_per_second": first[
                "target_tokens_per_second"
            ],
            "gflop_per_step": self._operations / 1e9,
            "gflops": first["gflops"],
            "matmul_gflops": limits,
            "matmul_share": first["matmul_share"],
            "compile_seconds": first["compile_seconds"],
            "peak_memory_bytes": measure.peak_memory_bytes(),
            "peer_versions": {n: peer.version for n, peer in peers.items()},
            "seconds": seconds,
            "rows": rows,
        }


def _peers(values: flags.FlagValues, hparams: HParams) -> list[driver.Wanted]:
    """The peers that can do the same work: one replica, the paper's form.

    PyTorch takes 16 bits where it finds that safe (autocast); OpenNMT-tf has
    float16 alone, for GPUs, and always works in float32.
    """
    if values.replicas > 1 or not models.is_paper_shaped(hparams):
        return []
    settings = {
        **models.for_peers(hparams),
        **{
            name: values[name].value
            for name in ("batch", "source", "target", "vocab")
        },
        "threads": parallel.available_cores(),
    }
    return [
        *(
            driver.Wanted(
                f"PyTorch, {precision}",
                "torch",
                "torch_train",
                {**settings, "precision": precision},
            )
            for precision in values.precision
        ),
        driver.Wanted(
            "OpenNMT-tf",
            "opennmt",
            "opennmt_train",
            {**settings, "precision": "float32"},
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
