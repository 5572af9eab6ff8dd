"""tensor2tensor's checkpoints: which variable is which weight.

One table says where each weight of ours stands in a checkpoint of
tensor2tensor 1.x. Nothing is transposed: the two programs multiply in the same
order. What differs is that tensor2tensor cuts an embedding into row blocks
(`symbol_modality_num_shards`), which are joined here.

Left out: models other than its `transformer`, separate vocabularies for source
and target, and attention weights as three-dimensional variables.
"""

import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from t2t_repro import checkpoints
from t2t_repro.errors import InputError
from t2t_repro.interop.conversion import Conversion

_BLOCKS = "weights_"
_STEP = "global_step"  # tensor2tensor's; ours has the same name
_TARGET_SPACES = "target_space_embedding/matrix"

# Our path, and tensor2tensor's name behind "transformer/". {v} and {h} are the
# sizes of vocabulary and model; a name that ends in `weights_` is in blocks.
_NAMES = (
    (r"embedding/matrix", "symbol_modality_{v}_{h}/shared/weights_"),
    (r"source_embedding/matrix", "symbol_modality_{v}_{h}/input_emb/weights_"),
    (r"target_embedding/matrix", "symbol_modality_{v}_{h}/target_emb/weights_"),
    (r"softmax/matrix", "symbol_modality_{v}_{h}/softmax/weights_"),
    (r"target_space_embedding/matrix", "body/target_space_embedding/kernel"),
    (r"encoder_positions/table", "body/inputs_positional_embedding"),
    (r"decoder_positions/table", "body/targets_positional_embedding"),
    (
        r"(encoder|decoder)_norm/(scale|bias)",
        r"body/\1/layer_prepostprocess/layer_norm/layer_norm_\2",
    ),
    (r"(.+_attention)/query/kernel", r"body/\1/multihead_attention/q/kernel"),
    (r"(.+_attention)/key/kernel", r"body/\1/multihead_attention/k/kernel"),
    (r"(.+_attention)/value/kernel", r"body/\1/multihead_attention/v/kernel"),
    (
        r"(.+_attention)/output/kernel",
        r"body/\1/multihead_attention/output_transform/kernel",
    ),
    (r"(.+)/feed_forward/inner/(kernel|bias)", r"body/\1/ffn/conv1/\2"),
    (r"(.+)/feed_forward/outer/(kernel|bias)", r"body/\1/ffn/conv2/\2"),
    (
        r"(.+)_residual/norm_before/(scale|bias)",
        r"body/\1/layer_prepostprocess/layer_norm/layer_norm_\2",
    ),
    (
        r"(.+)_residual/norm_after/(scale|bias)",
        r"body/\1/layer_postprocess/layer_norm/layer_norm_\2",
    ),
)
# tensor2tensor's Adam slots of a variable, by our names of the two moments.
_SLOTS = {"m": "training/{}/Adam", "v": "training/{}/Adam_1"}


def convert(
    tensors: Mapping[str, np.ndarray],
    model: Any,
    origin: str,
    target_space: int = 0,
) -> Conversion:
    """Finds every weight of a model in a tensor2tensor checkpoint.

    Args:
      tensors: the checkpoint, by tensor2tensor's names.
      model: of the checkpoint's size, with `weights_by_path`.
      origin: what to call the checkpoint in messages.
      target_space: the row of `target_space_embedding` that the run used; it
        becomes row 0, which this program uses.

    Raises:
      InputError: a variable is missing or of another shape, the vocabulary
        has another size, or the moments show that another target space was
        trained.
    """
    shapes = {
        path: tuple(weight.shape)
        for path, weight in model.weights_by_path().items()
    }
    _check_vocabulary(tensors, model.vocab_size, origin)
    sources = {path: _sources(path, model, tensors, origin) for path in shapes}
    used = {name for names in sources.values() for name in names}

    def read(form: str) -> dict[str, np.ndarray]:
        return {
            path: _joined(
                path,
                [form.format(name) for name in names],
                tensors,
                shapes[path],
                origin,
            )
            for path, names in sources.items()
        }

    weights = read("{}")
    moments: dict[str, np.ndarray] = {}
    slots = {f.format(name) for f in _SLOTS.values() for name in used}
    if slots & tensors.keys():
        for moment, form in _SLOTS.items():
            for path, value in read(form).items():
                moments[checkpoints.moment(moment, path)] = value
        used |= slots
        _check_target_space(moments, target_space, origin)
    for values in (weights, moments):
        for name in values:
            if name.endswith(_TARGET_SPACES):
                values[name] = _with_first(values[name], target_space)
    return Conversion(
        weights=weights,
        moments=moments,
        step=_step(tensors, origin),
        sources=sources,
        ignored=sorted(tensors.keys() - used - {_STEP}),
    )


def t2t_name(path: str, model: Any) -> str:
    """tensor2tensor's name of a weight; `.../weights_` if it is in blocks.

    The sizes of the model's vocabulary and its hparams decide names, too.

    Raises:
      InputError: tensor2tensor has no such weight.
    """
    if path == "target_embedding/matrix" and model.hparams.shared_embedding:
        path = "embedding/matrix"
    for ours, theirs in _NAMES:
        match = re.fullmatch(ours, path)
        if match:
            name = match.expand(theirs).format(
                v=model.vocab_size, h=model.hparams.hidden_size
            )
            return "transformer/" + name.replace("/feed_forward/", "/ffn/")
    raise InputError(
        f"tensor2tensor's transformer has no weight {path}: import a run"
        " without the hparam that makes it."
    )


def newest(folder: pathlib.Path) -> str:
    """The prefix of the `model.ckpt-STEP` with the highest step.

    Raises:
      InputError: there is none.
    """
    found = {}
    for path in folder.glob("model.ckpt-*.index"):
        step = path.stem.removeprefix("model.ckpt-")
        if step.isdecimal():
            found[int(step)] = str(path.with_suffix(""))
    if not found:
        raise InputError(
            f"{folder} has no model.ckpt-STEP.index: give the --output_dir of"
            " a t2t-trainer run of tensor2tensor, or --checkpoint_path."
        )
    return found[max(found)]


def _check_vocabulary(
    names: Iterable[str], vocab_size: int, origin: str
) -> None:
    """Raises InputError when no embedding is of the vocabulary's size."""
    pattern = re.compile(r"transformer/symbol_modality_(\d+)_")
    sizes = {int(m[1]) for m in map(pattern.match, names) if m}
    if sizes and sizes != {vocab_size}:
        listed = " and ".join(map(str, sorted(sizes)))
        raise InputError(
            f"{origin} was trained with a vocabulary of {listed} ids, the"
            f" vocabulary file has {vocab_size}: give the --data_dir that the"
            " run was trained on."
        )


def _check_target_space(
    moments: Mapping[str, np.ndarray], target_space: int, origin: str
) -> None:
    """Raises InputError when only other rows have ever had a gradient."""
    moment = moments.get(checkpoints.moment("v", _TARGET_SPACES))
    if moment is None:
        return
    trained = np.flatnonzero(moment.any(axis=1))
    if trained.size and target_space not in trained:
        raise InputError(
            f"{origin} was trained with target space {trained[0]}, not"
            f" {target_space}: give --target_space_id={trained[0]}."
        )


def _with_first(matrix: np.ndarray, row: int) -> np.ndarray:
    """`[rows, columns]` with a row and row 0 exchanged."""
    order = np.arange(len(matrix))
    order[[0, row]] = row, 0
    return matrix[order]


def _step(tensors: Mapping[str, np.ndarray], origin: str) -> int:
    if _STEP not in tensors:
        raise _missing(_STEP, "the number of updates", origin)
    step = np.asarray(tensors[_STEP])
    if step.shape or step.dtype.kind != "i" or step < 0:
        raise InputError(
            f"{origin} has {_STEP}={str(step)[:40]}: expected a whole number"
            " that is not negative; it is damaged, take another checkpoint."
        )
    return int(step)


def _sources(
    path: str, model: Any, names: Iterable[str], origin: str
) -> list[str]:
    """The variables that hold a weight, blocks in the order of their rows."""
    name = t2t_name(path, model)
    if not name.endswith(_BLOCKS):
        return [name]
    blocks = [
        int(other.removeprefix(name))
        for other in names
        if other.startswith(name) and other.removeprefix(name).isdecimal()
    ]
    # Up to the last one there is, so that a gap is found and named.
    return [f"{name}{i}" for i in range(max(blocks, default=0) + 1)]


def _joined(
    path: str,
    names: list[str],
    tensors: Mapping[str, np.ndarray],
    shape: tuple[int, ...],
    origin: str,
) -> np.ndarray:
    """The value of one weight, in float32."""
    blocks = []
    for name in names:
        if name not in tensors:
            raise _missing(name, f"for our {path}", origin)
        block = np.asarray(tensors[name])
        # Blocks of rows: only their number may differ.
        if block.shape[1:] != shape[1:] or block.ndim != len(shape):
            raise _other_shape(name, block.shape, shape, origin)
        if block.dtype.kind not in "fV":  # V: NumPy's kind of bfloat16
            raise InputError(
                f"{origin} has {name} as {block.dtype}, not in floating point:"
                " it is not of tensor2tensor."
            )
        blocks.append(block)
    value = np.concatenate(blocks)
    if value.shape != shape:
        raise _other_shape(names[0], value.shape, shape, origin)
    return value.astype(np.float32)


def _other_shape(
    name: str, found: tuple[int, ...], shape: tuple[int, ...], origin: str
) -> InputError:
    return InputError(
        f"{origin} has shape {found} for {name}, its hparams.json makes it"
        f" {shape}: the two are not of one run."
    )


def _missing(name: str, what: str, origin: str) -> InputError:
    return InputError(
        f"{origin} has no {name} ({what}): it is of another model than its"
        " hparams.json says, or not of tensor2tensor."
    )
