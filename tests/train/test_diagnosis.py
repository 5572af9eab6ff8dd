"""What is said of a step that was not finite."""

import numpy as np

from t2t_repro.train import diagnosis

_GOOD = {"a": np.zeros(2), "b": np.ones((2, 2))}
_BAD = {"a": np.zeros(2), "b": np.array([1, np.inf])}


def test_weights():
    assert diagnosis.of_weights(_GOOD) is None
    assert diagnosis.of_weights(_BAD) == (
        "the weight b was not finite before the step"
    )


def test_nothing_to_say_of_a_finite_micro_batch():
    assert diagnosis.of_micro_batch("it", np.ones((2, 3)), _GOOD) is None


def test_a_gradient_alone():
    # Four losses of 1.5.
    said = diagnosis.of_micro_batch("it", np.full((2, 2), 1.5), _BAD)
    assert said == (
        "the loss of it is finite (6), and of 2 gradients 1 are not, first"
        " that of b"
    )


def test_sentences_are_named_up_to_five():
    losses = np.zeros((8, 2))
    losses[[1, 2, 4, 5, 6, 7], 1] = np.nan
    said = diagnosis.of_micro_batch("it", losses, _GOOD)
    assert said == (
        "the loss of it is not finite in 6 of its 8 sentences (2, 3, 5, 6, 7,"
        " ...; the first is 1), and of 2 gradients 0 are not"
    )
