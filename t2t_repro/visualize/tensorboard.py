"""What TensorBoard shows besides scalars: hparams, text, pictures, histograms.

Every function writes to the writer that is TensorFlow's default at the time.
tensor2tensor wrote attention pictures, named by the model's scopes and ending
in `attention`, as these do. Its graph of operations is left out: of a thousand
nodes, none said what a layer is.
"""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import sacrebleu
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import summary as hparams_summary

from t2t_repro.run_directory import Run
from t2t_repro.visualize.attention_maps import AttentionMaps
from t2t_repro.visualize.heat_map import head_images

# What the HParams tab compares runs by: tags in `eval` and `train`.
_METRICS = {
    ("eval", "bleu_best"): "dev BLEU, best",
    ("eval", "bleu"): "dev BLEU, last",
    ("eval", "f1_best"): "dev F1, best",
    ("eval", "f1"): "dev F1, last",
    ("eval", "accuracy_best"): "dev accuracy, best",
    ("eval", "accuracy"): "dev accuracy, last",
    ("eval", "nll"): "dev nll",
    ("train", "nll"): "train nll",
    ("eval", "perplexity"): "dev perplexity",
}
# In what runs differ most often.
_COMPARED = (
    "batch_size",
    "hidden_size",
    "hparams_set",
    "layer_prepostprocess_dropout",
    "learning_rate_warmup_steps",
)

# Enough for a histogram; TensorBoard would copy all of them several times.
_MOST_OF_A_MATRIX = 100_000

# What Markdown, or the table around it, would take for its own.
_MARKDOWN = str.maketrans({c: f"&#{ord(c)};" for c in "\\`*_{}[]<>|#&~$!\n"})


@dataclasses.dataclass(frozen=True)
class Sample:
    """A sentence as the model reads it, and what it makes of it."""

    source: str
    reference: str
    hypothesis: str


def write_hparams(run: Run) -> None:
    """Writes what the HParams tab compares runs by, and that one began.

    A trial without an id of its own has the name that TensorBoard gives to the
    folder. By default the hparams were the id, and two runs of the same ones a
    single trial.
    """
    values = hparam_values(run)
    record = hparams_api.hparams_config_pb(
        hparams=[hparams_api.HParam(name) for name in values],
        metrics=[
            hparams_api.Metric(tag, group=group, display_name=name)
            for (group, tag), name in _METRICS.items()
        ],
    )
    plugin_data = record.value[0].metadata.plugin_data
    parsed = plugin_data_pb2.HParamsPluginData.FromString(plugin_data.content)
    for info in parsed.experiment.hparam_infos:
        # The tab puts these first, and the first five into its table.
        info.differs = info.name in _COMPARED
    plugin_data.content = parsed.SerializeToString()
    _write(record)
    hparams_api.hparams(values, trial_id="")


def write_end() -> None:
    """Says to the HParams tab that the run reached its last step."""
    _write(hparams_summary.session_end_pb(api_pb2.STATUS_SUCCESS))


def _write(record: Any) -> None:
    tf.summary.experimental.write_raw_pb(record.SerializeToString(), step=0)


def hparam_values(run: Run) -> dict[str, bool | float | str]:
    """Every hparam of a run, and which model, set and problem it has.

    Whole numbers are text: the tab would write 512 as 512.00.
    """
    names = {
        "model": run.model,
        "hparams_set": run.hparams_set,
        "problem": run.problem,
    }
    return names | {
        name: value if isinstance(value, bool | float) else str(value)
        for name, value in dataclasses.asdict(run.hparams).items()
    }


def write_samples(samples: Sequence[Sample], step: int) -> None:
    """Writes translations as a table."""
    tf.summary.text(
        "samples",
        samples_table(samples),
        step=step,
        description="Bold: where reference and hypothesis differ.",
    )


def samples_table(samples: Sequence[Sample]) -> str:
    """Markdown in which no text of a sample is anything but text."""
    # TensorBoard breaks words in narrow columns: the long title gives it room.
    rows = [
        "| BLEU of the line | source | reference | hypothesis |",
        "|--:|---|---|---|",
    ]
    for sample in samples:
        bleu = sacrebleu.sentence_bleu(sample.hypothesis, [sample.reference])
        cells = (
            f"{bleu.score:.1f}",
            sample.source.translate(_MARKDOWN),
            *_differences(sample.reference.split(), sample.hypothesis.split()),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _differences(one: list[str], other: list[str]) -> tuple[str, str]:
    """Both in Markdown, bold what the other one has not at that place."""
    same = difflib.SequenceMatcher(None, one, other, autojunk=False)
    blocks = same.get_matching_blocks()
    kept = {i for a, _, size in blocks for i in range(a, a + size)}
    kept_other = {i for _, b, size in blocks for i in range(b, b + size)}
    return _marked(one, kept), _marked(other, kept_other)


def _marked(words: list[str], kept: set[int]) -> str:
    escaped = [word.translate(_MARKDOWN) for word in words]
    return " ".join(
        word if i in kept else f"**{word}**" for i, word in enumerate(escaped)
    )


def write_attention(attentions: Sequence[AttentionMaps], step: int) -> None:
    """Writes a picture of every head; none for a model without attention."""
    for maps in attentions:
        for place, heads in zip(maps.places, maps.weights, strict=True):
            tf.summary.image(
                f"{place}/attention",
                head_images(heads, maps.queries, maps.keys),
                step=step,
                max_outputs=len(heads),
                description=f"sample: the head; row: {maps.query_title};"
                f" column: {maps.key_title}",
            )


def weight_norms(weights: Mapping[str, Any]) -> dict[str, float]:
    """Norms of all weights, and of every part of the model.

    Args:
      weights: variables by path, such as `encoder/layer_0/.../kernel`.

    Returns:
      By tag, such as `weight_norm/encoder/layer_0`.
    """
    squares = {
        part: float(
            sum(tf.reduce_sum(tf.square(tf.cast(w, tf.float32))) for w in group)
        )
        for part, group in _by_part(weights).items()
    }
    squares["all"] = sum(squares.values())
    return {f"weight_norm/{part}": x**0.5 for part, x in squares.items()}


def write_histograms(weights: Mapping[str, Any], step: int) -> None:
    """Writes how the weights of every part of the model are distributed.

    Of a large matrix, evenly spread weights stand for all.
    """
    for part, group in _by_part(weights).items():
        flat = [
            tf.reshape(tf.cast(weight, tf.float32), [-1]) for weight in group
        ]
        some = [w[:: -(-w.shape[0] // _MOST_OF_A_MATRIX)] for w in flat]
        tf.summary.histogram(f"weights/{part}", tf.concat(some, 0), step=step)


def _by_part(weights: Mapping[str, Any]) -> dict[str, list[Any]]:
    """By the first two folders of the path: `encoder/layer_0`, `embedding`."""
    parts: dict[str, list[Any]] = {}
    for path, weight in weights.items():
        folders = path.split("/")[:-1] or [path]
        parts.setdefault("/".join(folders[:2]), []).append(weight)
    return parts
