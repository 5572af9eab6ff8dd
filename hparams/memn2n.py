"""Sets of the memory network: Sukhbaatar et al. 2015, arXiv:1503.08895v5.

Section 4.2, and the authors' program where the paper is short. Their loss is a
sum over the 32 answers of a batch; the trainer's is a mean over its 64 ids, an
answer and its end each. So rates and norms are theirs times and by 64. They
clip the gradient of each matrix by itself, here all together as
tensor2tensor does.

A task has its own sizes: `memory_slots` the sentences of its longest story, 50
at the most, `sentence_words` the words of its longest sentence, `batch_size`
32 times the ids of its longest source; docs/babi.md has them.

Linear start is two trainings. The first, of the set with `_linear` behind its
name, ends when nll does not fall any more (--eval_early_stopping_steps); the
second goes on from it (--warm_start_from).
"""

from collections.abc import Callable
from typing import Any

from t2t_repro.models.memn2n_hparams import MemN2NHParams
from t2t_repro.registry import register_hparams

_IDS = 64.0  # of 32 answers
# Batches of an epoch of 900 questions.
_EPOCH = 29


def _paper(**changes: Any) -> MemN2NHParams:
    """Three hops over the words of each sentence, for one task."""
    values: dict[str, Any] = dict(
        hidden_size=20,
        num_hidden_layers=3,
        memory_slots=50,
        sentence_words=6,
        sentence_encoding="position",
        weight_tying="adjacent",
        relu_between_hops=False,
        linear_attention=False,
        time_noise=0.0,
        # All ids have matrices of their own, or as weight_tying says.
        shared_embedding_and_softmax_weights=False,
        shared_embedding=False,
        multiply_embedding_mode="none",
        label_smoothing=0.0,
        optimizer="sgd",
        # Read by "adam" only, with its own values.
        optimizer_adam_beta1=0.9,
        optimizer_adam_beta2=0.999,
        optimizer_adam_epsilon=1e-8,
        # 0.01, halved every 25 of 100 epochs.
        learning_rate_schedule="constant*staircase_decay",
        learning_rate_constant=0.01 * _IDS,
        learning_rate_warmup_steps=1,
        learning_rate=0.1,
        learning_rate_decay_rate=0.5,
        learning_rate_decay_steps=25 * _EPOCH,
        clip_grad_norm=40.0 / _IDS,
        optimizer_multistep_accumulate_steps=0,
        batch_size=32 * 350,
        max_length=2048,  # ours: some 300 sentences, of which 50 are kept
        batch_shapes=1,
    )
    return MemN2NHParams(**{**values, **changes})


# With linear start both trainings begin with half the rate.
_LS = {"learning_rate_constant": 0.005 * _IDS}
_RN = {"time_noise": 0.1}
# All tasks together: 60 epochs of 18,000 questions, halved every 15.
_JOINT = {
    "hidden_size": 50,
    "sentence_words": 12,  # ours: room for the longest
    "learning_rate_decay_steps": 15 * 563,
    "batch_size": 32 * 2048,
}

# The columns of the paper's Table 1: name, and what it has.
SUKHBAATAR_2015: dict[str, dict[str, Any]] = {
    "memn2n_babi_bow": {"sentence_encoding": "bag"},
    "memn2n_babi_pe": {},
    "memn2n_babi_pe_ls": _LS,
    "memn2n_babi_3hop": {**_LS, **_RN},  # PE LS RN
    "memn2n_babi_joint_1hop": {**_JOINT, **_LS, "num_hidden_layers": 1},
    "memn2n_babi_joint_2hop": {**_JOINT, **_LS, "num_hidden_layers": 2},
    "memn2n_babi_joint_3hop": {**_JOINT, **_LS},
    "memn2n_babi_joint_rn": {**_JOINT, **_LS, **_RN},
    "memn2n_babi_joint_layer_wise": {
        **_JOINT,
        **_LS,
        "weight_tying": "layer_wise",
    },
}


def _column(changes: dict[str, Any], says: str) -> Callable[[], MemN2NHParams]:
    def column() -> MemN2NHParams:
        return _paper(**changes)

    column.__doc__ = says
    return column


for _name, _changes in SUKHBAATAR_2015.items():
    _says = f"Table 1 of Sukhbaatar et al. 2015: {_name[12:]}"
    register_hparams(_column(_changes, f"{_says}."), name=_name)
    if "learning_rate_constant" in _changes:
        _linear = {
            **_changes,
            "linear_attention": True,
            "learning_rate_schedule": "constant",
        }
        register_hparams(
            _column(_linear, f"{_says}, its linear start."),
            name=f"{_name}_linear",
        )


@register_hparams
def memn2n_tiny() -> MemN2NHParams:
    """Two hops for bAbI's shorter tasks, with Adam: a first look, and tests."""
    return _paper(
        num_hidden_layers=2,
        memory_slots=10,
        time_noise=0.1,
        optimizer="adam",
        learning_rate_schedule="constant",
        learning_rate_constant=0.01,  # ours
        batch_size=32 * 70,
    )
