"""An LSTM encoder-decoder as `rnn_multi30k`, of PyTorch's own layers.

A bidirectional nn.LSTM reads; nn.LSTMCell writes, with Luong's general
attention and input feeding, so that its words come one after the other.
"""

import math
from typing import Any

from benchmarks.peers import torch_rival
from benchmarks.peers.torch_rival import torch


class Model(torch_rival.Embedded):
    """One layer on either side."""

    def __init__(self, given: Any):
        """Makes the layers."""
        size = given["hidden_size"]
        super().__init__(given, size**-0.5)
        self._scale = math.sqrt(size)
        self._encoder = torch.nn.LSTM(
            size, size, bidirectional=True, batch_first=True
        )
        self._decoder = torch.nn.LSTMCell(2 * size, 2 * size)
        self._key = torch.nn.Linear(2 * size, 2 * size, bias=False)
        self._vector = torch.nn.Linear(4 * size, size, bias=False)

    def forward(self, inputs: Any, targets: Any) -> Any:
        """`[batch, source]`, `[batch, target]` -> `[batch, target, size]`."""
        memory, states = self._encoder(self._words(inputs))
        # [direction, batch, size] -> [batch, 2 size].
        h, c = (torch.cat(tuple(state), dim=-1) for state in states)
        keys = self._key(memory).transpose(1, 2)
        words = torch.nn.functional.pad(
            self._words(targets[:, :-1]), (0, 0, 1, 0)
        )
        fed = torch.zeros_like(words[:, 0])
        outputs = []
        for word in words.unbind(1):
            read = torch.cat([word, self.dropout(fed)], dim=-1)
            h, c = self._decoder(read, (h, c))
            weights = (h[:, None] @ keys).softmax(-1)
            context = (weights @ memory)[:, 0]
            fed = self._vector(torch.cat([h, context], dim=-1)).tanh()
            outputs.append(fed)
        return torch.stack(outputs, dim=1)

    def _words(self, ids: Any) -> Any:
        return self.dropout(self.matrix(ids) * self._scale)


if __name__ == "__main__":
    torch_rival.serve(Model)
