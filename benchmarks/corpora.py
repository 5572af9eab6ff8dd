"""Training records of a problem, as the trainer batches them."""

import pathlib
from typing import Any, NamedTuple

from absl import flags

from benchmarks import measure, models
from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.hparam import HParams
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID

_SEED = 1


class Counts:
    """What a number of batches hold; both sides, padding apart."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.batches = self.sentences = 0
        self.source_tokens = self.target_tokens = 0
        self.padded_source = self.padded_target = 0

    def add(self, inputs: Any, targets: Any) -> None:
        """Counts a batch.

        Args:
          inputs: `[..., batch, source]`, 0 = padding.
          targets: `[..., batch, target]`, each sentence with its end.
        """
        self.batches += 1
        self.sentences += int((targets == EOS_ID).sum())
        self.source_tokens += int((inputs != 0).sum())
        self.target_tokens += int((targets != 0).sum())
        self.padded_source += inputs.size
        self.padded_target += targets.size

    def efficiencies(self) -> dict[str, float]:
        """Shares of positions that hold a token: both sides, targets alone."""
        tokens = self.source_tokens + self.target_tokens
        padded = self.padded_source + self.padded_target
        return {
            "padding_efficiency": tokens / padded,
            "target_padding_efficiency": (
                self.target_tokens / self.padded_target
            ),
        }


class Corpus(NamedTuple):
    """A problem's training records and the hparams to batch them with."""

    paths: list[str]
    run: Run

    @property
    def hparams(self) -> HParams:
        """Of the run."""
        return self.run.hparams

    def batches(self, replicas: int = 1) -> Any:
        """The trainer's stream for a new run; reads all lengths."""
        from t2t_repro.train import batch_shapes

        folder = pathlib.Path(self.paths[0]).parent
        return batch_shapes.batches(self.run, folder, replicas, _SEED)


def define_flags(values: flags.FlagValues) -> None:
    """`--problem`, `--data_dir`, `--model` and `--hparams`."""
    measure.define_texts(
        values,
        {
            "problem": "name of the problem",
            "data_dir": "folder of its vocabulary and TFRecord files",
        },
    )
    models.define_flags(values, "transformer_multi30k")


def from_flags(values: flags.FlagValues) -> Corpus:
    """What the flags name.

    Raises:
      UsageError: a flag is missing or names nothing.
      InputError: there are no such records.
    """
    command.require(values, "problem", "data_dir")
    problem = registry.problem(values.problem)
    data_dir = files.absolute(values.data_dir)
    command.require_folder("data_dir", data_dir)
    hparams = models.hparams(values)
    from t2t_repro.data import records

    paths = records.shard_paths(data_dir, problem.name, "train")
    run = Run(
        # Nothing is written: a run is what the batch shapes are chosen for.
        folder=pathlib.Path(data_dir / "no_run"),
        model="transformer",
        hparams_set=values.model,
        hparams=hparams,
        problem=problem.full_name,
        languages=problem.languages,
        vocabulary=run_directory.data_vocabulary(problem, data_dir),
    )
    return Corpus(paths, run)
