"""Chains and paths of layers that can be counted by eye."""

import tensorflow as tf

from benchmarks import dependence


def test_a_chain_is_the_longest_of_its_branches():
    def layer(x):
        return tf.exp(tf.sin(tf.cos(x))) + tf.tanh(x)

    # cos, sin, exp, add.
    assert dependence.longest_chain(layer, (1, 3, 2)) == 4


def test_a_loop_counts_as_often_as_it_goes_round():
    def layer(x):
        def body(i, y, z):
            # The two do not wait for each other: z is two operations a round.
            return i + 1, tf.sin(y), tf.exp(tf.sin(z))

        loop = tf.while_loop(
            lambda i, y, z: i < 6, body, (0, x, x), maximum_iterations=5
        )
        return loop[2]

    assert dependence.longest_chain(layer, (1, 3, 2)) == 10


def test_a_path_counts_steps_of_different_reach():
    def step(i, x):
        return x + tf.roll(x, 2**i, axis=1)  # as a circle

    # Of 8 positions on a circle: 1, 2, then 4 on.
    assert dependence.path_length(step, 8, 2) == 3
    assert dependence.path_length(lambda _, x: 2 * x, 4, 2) is None
