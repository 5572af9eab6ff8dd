"""What the rivals in PyTorch share: ids, loss, optimizer and rounds."""

from collections.abc import Callable
from typing import Any

from benchmarks.peers import protocol

torch: Any = protocol.load("torch")


class Embedded(torch.nn.Module):
    """A model whose source, target and softmax share one matrix."""

    def __init__(self, given: Any, deviation: float):
        """Makes the matrix, rows N(0, deviation^2)."""
        super().__init__()
        self.matrix = torch.nn.Embedding(given["vocab"], given["hidden_size"])
        torch.nn.init.normal_(self.matrix.weight, std=deviation)
        self.dropout = torch.nn.Dropout(given["dropout"])
        self._bias = None
        if given["has_bias"]:
            self._bias = torch.nn.Parameter(torch.zeros(given["vocab"]))

    def logits(self, x: Any) -> Any:
        """`[rows, hidden]` -> `[rows, vocabulary]`."""
        return torch.nn.functional.linear(x, self.matrix.weight, self._bias)


def serve(new_model: Callable[[Any], Any]) -> None:
    """Builds a model and serves steps of its training.

    Args:
      new_model: of the driver's settings; it gives `[batch, target, hidden]` of
        `[batch, source]` and `[batch, target]` ids, all of them words.
    """
    given = protocol.settings()
    torch.set_num_threads(given["threads"])
    torch.manual_seed(1)
    model = new_model(given)
    weights = list(model.parameters())
    optimizer = torch.optim.Adam(weights, lr=1e-4, betas=(0.9, 0.98), eps=1e-9)
    smoothed = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    inputs, targets = (
        torch.randint(2, given["vocab"], (given["batch"], given[length]))
        for length in ("source", "target")
    )

    def step() -> float:
        decoded = model(inputs, targets)
        logits = model.logits(decoded.flatten(0, 1))
        loss = smoothed(logits, targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, given["clip"])
        optimizer.step()
        return loss.item()

    count = sum(weight.numel() for weight in weights)
    protocol.serve(torch.__version__, step, parameters=count)
