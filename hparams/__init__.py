"""Hyperparameter sets: numbers only, each with its source. No TensorFlow."""

from . import bytenet as bytenet
from . import convs2s as convs2s
from . import extended_neural_gpu as extended_neural_gpu
from . import marian as marian
from . import memn2n as memn2n
from . import ranges as ranges
from . import recipes as recipes
from . import rnn as rnn
from . import table3 as table3
from . import tensor2tensor as tensor2tensor
from . import transformer as transformer
from . import transformer_moe as transformer_moe
from . import transformer_parsing as transformer_parsing
from . import transformer_restricted as transformer_restricted
