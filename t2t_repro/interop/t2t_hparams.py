"""tensor2tensor's run directories: `hparams.json` and the flags beside it.

tensor2tensor writes all 150 hyperparameters of a run, most of which belong to
other models. Here they fall into four groups: those that HParams has, those
that must have one value because the network would be another one, those that
only change how training goes on, and the rest, which changes nothing.

Left out: runs of tensor2tensor's first versions, which wrote no hparams.json.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from t2t_repro import files, hparam, registry
from t2t_repro.errors import InputError, UsageError
from t2t_repro.models.transformer_hparams import TransformerHParams

_MODEL = "transformer"

# What HParams has and tensor2tensor has not, or not under this meaning.
_OURS = (
    "attention_bias",
    "batch_shapes",
    "optimizer",
    "learning_rate_decay_rate",
    "learning_rate_decay_steps",
    "decoder_start",
    "ffn_activation",
    "logits_bias",
)

# HParams' fields that younger versions of tensor2tensor added, with what the
# older ones did.
_ADDED_LATER = {
    "shared_embedding": False,
    "use_target_space_embedding": True,
    "multiply_embedding_mode": "sqrt_depth",
    "optimizer_multistep_accumulate_steps": 0,
    "learning_rate_constant": 1.0,
    "pack_dataset": False,
}

# With any other value the network, or what it computes, is another one.
_NETWORK: dict[str, tuple[Any, ...]] = {
    "self_attention_type": ("dot_product",),
    "ffn_layer": ("dense_relu_dense",),
    "norm_type": ("layer",),
    "pos": ("timing", "emb", "none"),
    "multiply_embedding_mode": ("sqrt_depth", "none"),
    "layer_preprocess_sequence": ("none", "n"),
    "layer_postprocess_sequence": ("dan", "da"),
    "attention_variables_3d": (False,),
    "causal_decoder_self_attention": (True,),
    "unidirectional_encoder": (False,),
    "proximity_bias": (False,),
    "hard_attention_k": (0,),
    "gumbel_noise_weight": (0.0,),
    "num_area_layers": (0,),
    "nbr_decoder_problems": (1,),
    "prepend_mode": ("none",),
    "vocab_divisor": (1,),
    # Replacements of parts of the model, which are Python functions.
    "bottom": ({},),
    "top": ({},),
    "loss": ({},),
    "modality": ({},),
    "input_modalities": ("default", {}),
    "target_modality": ("default", {}),
}

# With any other value training would go on differently here; the weights that
# are there mean the same.
_TRAINING: dict[str, tuple[Any, ...]] = {
    "optimizer": ("adam", "true_adam", "Adam", "TrueAdam"),
    "learning_rate_decay_scheme": ("noam",),  # read by "legacy" only
    "weight_decay": (0.0,),
    "weight_noise": (0.0,),
    "grad_noise_scale": (0.0,),
    "symbol_dropout": (0.0,),
    "attention_dropout_broadcast_dims": ("",),
    "relu_dropout_broadcast_dims": ("",),
    "layer_prepostprocess_dropout_broadcast_dims": ("",),
    "scheduled_sampling_prob": (0.0,),
    "max_input_seq_length": (0,),
    "max_target_seq_length": (0,),
    "min_length": (0,),
    "split_to_length": (0,),
    "split_targets_chunk_length": (0,),
    "use_fixed_batch_size": (False,),
    "activation_dtype": ("float32",),
    "weight_dtype": ("float32",),
    "multiproblem_reweight_label_loss": (False,),
    "weights_fn": ({},),
}


@dataclasses.dataclass(frozen=True)
class T2TRun:
    """What a run directory of tensor2tensor says.

    Attributes:
      hparams: in this program's terms.
      hparams_set: the name the run started from, marked as tensor2tensor's:
        under the same name ours has other values.
      problem: the run's problem, or None where no file of flags says it.
      data_dir: where its data and vocabulary were, or None.
      differing: fields that change further training and cannot be honoured.
      ignored: fields without effect on a Transformer.
    """

    hparams: TransformerHParams
    hparams_set: str
    problem: str | None
    data_dir: str | None
    differing: dict[str, Any]
    ignored: dict[str, Any]


def read_run(folder: pathlib.Path) -> T2TRun:
    """Reads `hparams.json`, `flags_t2t.txt` and `flags.txt` of a run.

    Raises:
      InputError: a file is missing or damaged, the model is not the
        Transformer, or a field cannot be honoured.
    """
    path = folder / "hparams.json"
    if not path.exists():
        raise InputError(
            f"{folder} has no hparams.json: give the --output_dir of a"
            " t2t-trainer run of tensor2tensor."
        )
    values = files.read_json(path)
    flags = _read_flags(folder)
    model = flags.get("model") or _MODEL
    if model != _MODEL:
        raise InputError(
            f"{folder} is a run of the model {model!r}: only {_MODEL!r} can be"
            " imported."
        )
    data_dir = flags.get("data_dir") or values.get("data_dir") or None
    if data_dir and not (isinstance(data_dir, str) and data_dir.isprintable()):
        raise InputError(
            f"{path}: data_dir={str(data_dir)[:40]!r}: expected a path."
        )
    hparams, differing, ignored = convert(values, str(path))
    return T2TRun(
        hparams=hparams,
        hparams_set=f"tensor2tensor:{flags.get('hparams_set') or 'unknown'}",
        problem=flags.get("problem") or None,
        data_dir=data_dir,
        differing=differing,
        ignored=ignored,
    )


def convert(
    values: Mapping[str, Any], origin: str
) -> tuple[TransformerHParams, dict[str, Any], dict[str, Any]]:
    """Sorts the fields of a parsed `hparams.json` of tensor2tensor.

    Returns:
      The hparams; the fields that change further training and cannot be
      honoured; the fields without effect.

    Raises:
      InputError: a field is missing, or makes a network that this program
        does not have; its value and what is supported are named.
    """
    for name, supported in _NETWORK.items():
        if name in values and values[name] not in supported:
            listed = " or ".join(repr(value) for value in supported)
            raise InputError(
                f"{origin}: {name}={values[name]!r} makes a network that"
                f" cannot be imported; supported is {listed}."
            )
    base = registry.hparams("transformer_base")
    fields: dict[str, Any] = {name: getattr(base, name) for name in _OURS}
    for name in hparam.field_types(TransformerHParams):
        if name in _OURS:
            continue
        if name not in values and name not in _ADDED_LATER:
            raise InputError(
                f"{origin} lacks {name!r}: it is no hparams.json of a"
                " tensor2tensor Transformer, or it is damaged."
            )
        fields[name] = values.get(name, _ADDED_LATER.get(name))
    if "multistep" not in str(values.get("optimizer")).lower():
        # tensor2tensor's other optimizers ignore this field.
        fields["optimizer_multistep_accumulate_steps"] = 0
    # As in tensor2tensor: no sentence is longer than a whole batch.
    fields["max_length"] = fields["max_length"] or fields["batch_size"]
    try:
        hparams = TransformerHParams.from_mapping(fields, origin)
    except UsageError as error:
        # It is the file that is wrong, not the command line.
        message = str(error).removeprefix(f"{origin}: ")
        raise InputError(f"{origin}: {message}") from error
    differing = {
        name: values[name]
        for name, supported in _TRAINING.items()
        if name in values and values[name] not in supported
    }
    if hparams.learning_rate_schedule != "legacy":
        differing.pop("learning_rate_decay_scheme", None)
    known = fields.keys() | _NETWORK.keys() | _TRAINING.keys()
    ignored = {n: v for n, v in values.items() if n not in known}
    return hparams, differing, ignored


def _read_flags(folder: pathlib.Path) -> dict[str, str]:
    """The `--name=value` lines that t2t-trainer left, if it did."""
    flags: dict[str, str] = {}
    for path in (folder / "flags.txt", folder / "flags_t2t.txt"):
        if not path.exists():
            continue
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(
                f"cannot read {path}: {error.strerror}."
            ) from error
        for line in text.splitlines():
            key, _, value = line.strip().removeprefix("--").partition("=")
            flags[key] = value
    return flags
