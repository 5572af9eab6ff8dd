"""What TensorBoard shows besides scalars: graph, hparams, text and pictures.

Every function writes to the writer that is TensorFlow's default at the time.
tensor2tensor wrote graph and attention pictures; its pictures were named by the
model's scopes and ended in `attention`, as these do.
"""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.hparams import summary as hparams_summary

from t2t_repro.run_directory import Run
from t2t_repro.visualize.heat_map import heads_image
from t2t_repro.visualize.stacks import Stack

# What the HParams tab compares runs by: figures in the folder `eval`.
_METRICS = {
    "bleu": "dev BLEU",
    "nll": "dev nll",
    "perplexity": "dev perplexity",
}
# What runs are mostly told apart by.
_COMPARED = (
    "batch_size",
    "hidden_size",
    "hparams_set",
    "layer_prepostprocess_dropout",
    "learning_rate_warmup_steps",
)

# What Markdown, or the table around it, would take for its own.
_MARKDOWN = str.maketrans({c: f"&#{ord(c)};" for c in "\\`*_{}[]<>|#&~$!\n"})


@dataclasses.dataclass(frozen=True)
class Sample:
    """A sentence with what the model makes of it.

    Attributes:
      source: as the model reads it.
      reference: how it should be translated.
      hypothesis: how the model translates it.
    """

    source: str
    reference: str
    hypothesis: str


def write_graph(model: Any) -> None:
    """Writes the operations of one teacher-forced pass."""
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[ids, ids])
    def logits(inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        decoded = model(inputs, targets)
        return model.logits(tf.reshape(decoded, [-1, decoded.shape[-1]]))

    tf.summary.graph(logits.get_concrete_function().graph)


def write_hparams(run: Run) -> None:
    """Writes what the HParams tab compares runs by, and that one began."""
    values = hparam_values(run)
    record = hparams_api.hparams_config_pb(
        hparams=[hparams_api.HParam(name) for name in values],
        metrics=[
            hparams_api.Metric(tag, group="eval", display_name=name)
            for tag, name in _METRICS.items()
        ],
    )
    plugin_data = record.value[0].metadata.plugin_data
    parsed = plugin_data_pb2.HParamsPluginData.FromString(plugin_data.content)
    for info in parsed.experiment.hparam_infos:
        # The tab puts these first, and the first five into its table.
        info.differs = info.name in _COMPARED
    plugin_data.content = parsed.SerializeToString()
    _write(record)
    hparams_api.hparams(values)


def write_end() -> None:
    """Says to the HParams tab that the run reached its last step."""
    _write(hparams_summary.session_end_pb(api_pb2.STATUS_SUCCESS))


def _write(record: Any) -> None:
    tf.summary.experimental.write_raw_pb(record.SerializeToString(), step=0)


def hparam_values(run: Run) -> dict[str, bool | int | float | str]:
    """Every hparam of a run, and which model, set and problem it has."""
    names = {
        "model": run.model,
        "hparams_set": run.hparams_set,
        "problem": run.problem,
    }
    return names | {
        name: value if isinstance(value, bool | int | float) else str(value)
        for name, value in dataclasses.asdict(run.hparams).items()
    }


def write_samples(samples: Sequence[Sample], step: int) -> None:
    """Writes translations as a table."""
    tf.summary.text("samples", samples_table(samples), step=step)


def samples_table(samples: Sequence[Sample]) -> str:
    """Markdown in which no text of a sample is anything but text."""
    rows = ["| source | reference | hypothesis |", "|---|---|---|"]
    for sample in samples:
        cells = dataclasses.astuple(sample)
        rows.append(f"| {' | '.join(c.translate(_MARKDOWN) for c in cells)} |")
    return "\n".join(rows)


def write_attention(stacks: Sequence[Stack], step: int) -> None:
    """Writes a picture of every layer of the three attentions."""
    for stack in stacks:
        for layer, heads in enumerate(stack.weights):
            image = heads_image(heads, stack.queries, stack.keys)
            tf.summary.image(
                f"{stack.place(layer)}/attention",
                image[None],
                step=step,
                description=f"row: {stack.query_title}; column:"
                f" {stack.key_title}",
            )


def weight_norms(weights: Mapping[str, Any]) -> dict[str, float]:
    """Norms of the weights: of all, and of every part of the model.

    Args:
      weights: variables by path, such as `encoder/layer_0/...`.

    Returns:
      By tag, such as `weight_norm/encoder/layer_0`.
    """
    squares: dict[str, Any] = {}
    for path, weight in weights.items():
        names = path.split("/")
        part = "/".join(
            names[:2] if names[0] in ("encoder", "decoder") else names[:1]
        )
        square = tf.reduce_sum(tf.square(tf.cast(weight, tf.float32)))
        squares[part] = squares.get(part, 0.0) + square
    norms = {
        f"weight_norm/{part}": float(square) ** 0.5
        for part, square in squares.items()
    }
    total = sum(float(square) for square in squares.values())
    return {"weight_norm/all": total**0.5, **norms}
