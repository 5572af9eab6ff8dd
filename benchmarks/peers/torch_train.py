"""PyTorch's own nn.Transformer: one optimizer step on the same work.

The paper's base or big model as torch.nn offers it: eager, shared embedding,
label smoothing, Adam, dropout where section 5.4 has it. Left out: sinusoids,
whose addition costs nothing next to the rest. In bfloat16 the forward pass runs
under autocast, PyTorch's own way.
"""

import math
from typing import Any

from benchmarks.peers import protocol

torch = protocol.load("torch")


def main() -> None:
    """Builds the model and serves rounds."""
    given = protocol.settings()
    torch.set_num_threads(given["threads"])
    torch.manual_seed(1)
    hidden, vocabulary = given["hidden_size"], given["vocab"]
    matrix = torch.nn.Embedding(vocabulary, hidden)
    torch.nn.init.normal_(matrix.weight, std=hidden**-0.5)
    stacks = torch.nn.Transformer(
        d_model=hidden,
        nhead=given["num_heads"],
        num_encoder_layers=given["layers"],
        num_decoder_layers=given["layers"],
        dim_feedforward=given["filter_size"],
        dropout=given["dropout"],
        batch_first=True,
    )
    _leave_only_residual_dropout(stacks)
    weights = [*matrix.parameters(), *stacks.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-4, betas=(0.9, 0.98), eps=1e-9)
    smoothed = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    batch, length = given["batch"], given["target"]
    inputs = torch.randint(2, vocabulary, (batch, given["source"]))
    targets = torch.randint(2, vocabulary, (batch, length))
    later = torch.nn.Transformer.generate_square_subsequent_mask(length)
    scale = math.sqrt(hidden)
    narrow = torch.autocast(
        "cpu", torch.bfloat16, enabled=given["precision"] == "bfloat16"
    )

    def step() -> float:
        with narrow:
            decoded = stacks(
                matrix(inputs) * scale,
                matrix(targets) * scale,
                tgt_mask=later,
                tgt_is_causal=True,
            )
            logits = decoded.flatten(0, 1) @ matrix.weight.T
            loss = smoothed(logits, targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    protocol.serve(torch.__version__, step)


def _leave_only_residual_dropout(stacks: Any) -> None:
    """nn.Transformer also drops attention weights and ReLUs at its one rate."""
    for layer in [*stacks.encoder.layers, *stacks.decoder.layers]:
        layer.dropout.p = 0.0
        for name in ("self_attn", "multihead_attn"):
            if hasattr(layer, name):
                getattr(layer, name).dropout = 0.0


if __name__ == "__main__":
    main()
