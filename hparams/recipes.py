"""Numbers that sets of several families have in common, by field.

A comparison of models wants one recipe for all of them. The Transformer's sets
write theirs out: they are what is compared with.
"""

from typing import Any

# What a set leaves as it is.
PLAIN: dict[str, Any] = {
    "shared_embedding_and_softmax_weights": False,
    "shared_embedding": False,
    "optimizer": "adam",
    "learning_rate": 0.1,  # read by the schedule "legacy" only
    "learning_rate_decay_rate": 1.0,  # by "staircase_decay" only
    "learning_rate_decay_steps": 1,
    "optimizer_multistep_accumulate_steps": 0,
    "batch_shapes": 8,
}

# Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1, at a rate that stays.
ADAM: dict[str, Any] = {
    "optimizer_adam_beta1": 0.9,
    "optimizer_adam_beta2": 0.999,
    "optimizer_adam_epsilon": 1e-8,
    "learning_rate_schedule": "constant",
    "learning_rate_warmup_steps": 1,
}

# Vaswani et al. 2017 (arXiv:1706.03762), section 5.3.
NOAM: dict[str, Any] = {
    "optimizer_adam_beta1": 0.9,
    "optimizer_adam_beta2": 0.98,
    "optimizer_adam_epsilon": 1e-9,
    "learning_rate_schedule": "noam",
    "learning_rate_constant": 1.0,
    "learning_rate_warmup_steps": 4000,
}

# What tensor2tensor's (1.15.7) LSTMs and Neural GPUs have alike. There the
# rate, 0.002 times the set's own, rises exponentially over the warm-up; here in
# a straight line.
TENSOR2TENSOR: dict[str, Any] = {
    "optimizer_adam_beta1": 0.85,
    "optimizer_adam_beta2": 0.997,
    "optimizer_adam_epsilon": 1e-6,
    "learning_rate_schedule": "constant*linear_warmup",
    "batch_size": 1024,
    "max_length": 256,  # there no limit of its own; the Transformer's
}

# Of `transformer_multi30k`, for 29,000 sentences.
MULTI30K: dict[str, Any] = {
    **NOAM,
    "shared_embedding_and_softmax_weights": True,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "learning_rate_warmup_steps": 1000,
    "batch_size": 1024,
    "max_length": 128,
}

# Of a first look at the toy corpus, and of tests.
TINY: dict[str, Any] = {
    "learning_rate_warmup_steps": 400,
    "batch_size": 1024,
    "max_length": 64,
    "batch_shapes": 3,
}
