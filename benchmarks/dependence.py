"""What must wait for what in a layer: two columns of Table 1, counted.

Sequential operations are the longest chain of operations of which each needs
the result of the one before, counted in the graph that TensorFlow runs; a loop
counts as often as it goes round. Path lengths are found by gradients: through
how many steps a position must pass until it moves another one.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# They hand a tensor on, or say what is known before the layer begins.
_FREE = frozenset(["Const", "Identity", "NoOp", "Placeholder"])


def longest_chain(layer: Callable[[Any], Any], shape: tuple[int, ...]) -> int:
    """Operations of the longest chain of a layer's forward pass.

    Args:
      layer: `[batch, length, hidden]` to the same.
      shape: `[batch, length, hidden]`; with the length known, loops are.
    """
    import tensorflow as tf

    traced = tf.function(layer).get_concrete_function(
        tf.TensorSpec(shape, tf.float32)
    )
    library = {
        function.signature.name: function
        for function in traced.graph.as_graph_def().library.function
    }
    entry = traced.function_def
    depths = [0] * len(entry.signature.input_arg)
    return max(_depths(entry, depths, library))


def _depths(
    function: Any, arguments: list[int], library: Mapping[str, Any]
) -> list[int]:
    """How long the chain before every result of a function is.

    Args:
      function: a FunctionDef.
      arguments: the length of the chain before each of its arguments.
      library: FunctionDefs by name.
    """
    nodes = {node.name: node for node in function.node_def}
    names = [argument.name for argument in function.signature.input_arg]
    of_arguments = dict(zip(names, arguments, strict=True))
    known: dict[str, list[int]] = {}

    def depth(reference: str) -> int:
        name, *output = reference.split(":")
        if name in of_arguments:
            return of_arguments[name]
        if name not in known:
            known[name] = results(nodes[name])
        # node:output:index; only calls and loops have results that differ.
        of_results = known[name]
        index = int(output[-1]) if output else 0
        return of_results[min(index, len(of_results) - 1)]

    def results(node: Any) -> list[int]:
        before = [depth(name) for name in node.input if name[0] != "^"]
        if "body" in node.attr:
            body = library[node.attr["body"].func.name]
            for _ in range(_rounds(node, nodes)):
                before = _depths(body, before, library)
            return before
        if node.op.endswith("PartitionedCall"):
            called = library[node.attr["f"].func.name]
            return _depths(called, before, library)
        return [max(before, default=0) + (node.op not in _FREE)]

    # In the order in which they were made: no deep recursion.
    for node in function.node_def:
        known[node.name] = results(node)
    return [
        depth(function.ret[arg.name]) for arg in function.signature.output_arg
    ]


def _rounds(loop: Any, nodes: Mapping[str, Any]) -> int:
    """How often a loop goes round: its second variable, a constant."""
    import tensorflow as tf

    limit = nodes[loop.input[1].partition(":")[0]]
    return int(tf.make_ndarray(limit.attr["value"].tensor))


def path_length(
    step: Callable[[int, Any], Any], length: int, hidden: int
) -> int | None:
    """Steps until the first position moves the last one, by gradients.

    Args:
      step: the number of a step, from 0, and `[batch, length, hidden]` to the
        same.
      length: n.
      hidden: channels.

    Returns:
      None where n steps are not enough.
    """
    reached = np.arange(length) == 0
    for count in range(length):
        layer = functools.partial(step, count)
        reached = _moves(layer, length, hidden) @ reached
        if reached[-1]:
            return count + 1
    return None


def _moves(layer: Callable[[Any], Any], length: int, hidden: int) -> np.ndarray:
    """`[to, from]` bool: where the gradient of one by the other is not 0."""
    import tensorflow as tf

    # One copy for every position that is looked at, so that one backward pass
    # serves all.
    row = tf.random.stateless_normal([1, length, hidden], seed=[1, 2])
    weight = tf.random.stateless_normal([length, hidden], seed=[3, 4])
    copies = tf.repeat(row, length, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        own = tf.linalg.diag_part(tf.transpose(layer(copies), [2, 0, 1]))
        total = tf.reduce_sum(tf.transpose(own) * weight)
    gradients = tape.gradient(total, copies).numpy()
    return np.any(gradients != 0, axis=-1)
