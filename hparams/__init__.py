"""Hyperparameter sets: numbers only, each with its source. No TensorFlow."""

from hparams import parsing as parsing
from hparams import ranges as ranges
from hparams import table3 as table3
from hparams import tensor2tensor as tensor2tensor
from hparams import transformer as transformer
