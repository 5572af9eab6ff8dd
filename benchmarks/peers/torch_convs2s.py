"""ConvS2S as `convs2s_multi30k`, of PyTorch's own layers, as fairseq has it.

nn.Conv1d and nn.Linear under weight_norm, gated linear units, residuals scaled
by sqrt(0.5), attention from every layer of the decoder, learned positions.
"""

import math
from typing import Any

from benchmarks.peers import torch_rival
from benchmarks.peers.torch_rival import torch

_HALF = math.sqrt(0.5)
_normalized = torch.nn.utils.parametrizations.weight_norm


class _Layer(torch.nn.Module):
    """A gated convolution, with attention in the decoder."""

    def __init__(self, size: int, width: int, rate: float, attends: bool):
        super().__init__()
        self._dropout = torch.nn.Dropout(rate)
        padding = width - 1 if attends else (width - 1) // 2
        self._convolution = _normalized(
            torch.nn.Conv1d(size, 2 * size, width, padding=padding)
        )
        if attends:
            self._query = _normalized(torch.nn.Linear(size, size))
            self._output = _normalized(torch.nn.Linear(size, size))

    def gated(self, x: Any) -> Any:
        """`[batch, length, size]`; what lies beyond the end is cut off."""
        y = self._convolution(self._dropout(x).transpose(1, 2))
        y = y[..., : x.shape[1]]
        return torch.nn.functional.glu(y, dim=1).transpose(1, 2)

    def attended(self, y: Any, embedded: Any, keys: Any, values: Any) -> Any:
        """Equations 1 and 2 of Gehring et al. 2017."""
        query = (self._query(y) + embedded) * _HALF
        weights = (query @ keys.transpose(1, 2)).softmax(-1)
        context = weights @ values * math.sqrt(values.shape[1])
        return (self._output(context) + y) * _HALF


class _Stack(torch.nn.Module):
    """Positions, convolutions and the products at both ends."""

    def __init__(self, given: Any, attends: bool):
        super().__init__()
        size = given["hidden_size"]
        self.positions = torch.nn.Embedding(given["max_length"], size)
        torch.nn.init.normal_(self.positions.weight, std=0.1)
        self.into, self.out = (
            _normalized(torch.nn.Linear(size, size)) for _ in range(2)
        )
        self.layers = torch.nn.ModuleList(
            _Layer(size, given["width"], given["dropout"], attends)
            for _ in range(given["layers"])
        )


class Model(torch_rival.Embedded):
    """Layers of one size on either side."""

    def __init__(self, given: Any):
        """Makes the layers."""
        super().__init__(given, 0.1)
        self._encoder = _Stack(given, attends=False)
        self._decoder = _Stack(given, attends=True)

    def forward(self, inputs: Any, targets: Any) -> Any:
        """`[batch, source]`, `[batch, target]` -> `[batch, target, size]`."""
        embedded = self._embedded(self._encoder, inputs)
        x = self._encoder.into(embedded)
        for layer in self._encoder.layers:
            x = (layer.gated(x) + x) * _HALF
        keys = self._encoder.out(x)
        values = (keys + embedded) * _HALF
        before = torch.nn.functional.pad(targets[:, :-1], (1, 0), value=1)
        embedded = self._embedded(self._decoder, before)
        x = self._decoder.into(embedded)
        for layer in self._decoder.layers:
            y = layer.attended(layer.gated(x), embedded, keys, values)
            x = (y + x) * _HALF
        return self.dropout(self._decoder.out(x))

    def _embedded(self, stack: Any, ids: Any) -> Any:
        places = torch.arange(ids.shape[1])
        return self.dropout(self.matrix(ids) + stack.positions(places))


if __name__ == "__main__":
    torch_rival.serve(Model)
