"""A story is cut as by hand, and noise is what it is said to be."""

import numpy as np
import tensorflow as tf

from t2t_repro.models.memn2n_layers import (
    ages,
    cut,
    noisy_ages,
    position_encoding,
    sentence_vectors,
)


def test_a_story_is_cut_into_its_newest_sentences():
    # 5 6 . 7 . 8 9 10 . 11 12 <EOS>: with two slots of two words each.
    ids = np.array([[5, 6, 2, 7, 2, 8, 9, 10, 2, 11, 12, 1]], np.int32)
    story = cut(ids, 2, 2)
    # The newest first, its third word left out.
    np.testing.assert_array_equal(story.sentences, [[[8, 9], [7, 0]]])
    np.testing.assert_array_equal(story.is_there, [[True, True]])
    np.testing.assert_array_equal(story.ends, [[8, 4]])
    np.testing.assert_array_equal(story.question, [[11, 12]])


def test_empty_slots_and_rows():
    ids = np.array(
        [
            [5, 2, 7, 1, 0],  # one sentence
            [5, 6, 1, 0, 0],  # a question alone
            [0, 0, 0, 0, 0],  # padding
            [5, 2, 2, 1, 0],  # an empty sentence, no question
        ],
        np.int32,
    )
    cut_in_graph = tf.function(
        lambda ids: cut(ids, 3, 2),
        input_signature=[tf.TensorSpec([None, None], tf.int32)],
    )
    story = cut_in_graph(ids)
    np.testing.assert_array_equal(
        story.sentences[..., 0],
        [[5, 0, 0], [0, 0, 0], [0, 0, 0], [0, 5, 0]],
    )
    assert not np.asarray(story.sentences)[..., 1].any()
    np.testing.assert_array_equal(
        story.ends, [[1, -1, -1], [-1] * 3, [-1] * 3, [2, 1, -1]]
    )
    np.testing.assert_array_equal(
        story.question, [[7, 0], [5, 6], [0, 0], [0, 0]]
    )
    # Padding behind changes nothing.
    wider = cut_in_graph(np.pad(ids, ((0, 0), (0, 7))))
    for one, other in zip(story, wider, strict=True):
        np.testing.assert_array_equal(one, other)


def test_position_encoding_by_hand():
    # d = 2 and J = 3: k - 1.5 is -0.5 and 0.5, j - 2 is -1, 0 and 1; 4 / 6.
    np.testing.assert_allclose(
        position_encoding(3, 2),
        [[4 / 3, 2 / 3], [1, 1], [2 / 3, 4 / 3]],
        rtol=1e-6,
    )


def test_sentence_vectors_by_hand():
    matrix = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 5.0]], np.float32)
    ids = np.array([[1, 2, 0]])
    np.testing.assert_array_equal(
        sentence_vectors(matrix, ids, None), [[4.0, 7.0]]
    )
    encoding = np.array([[2.0, 1.0], [0.5, 1.0], [9.0, 9.0]], np.float32)
    # 2 * 1 + 0.5 * 3 and 2 + 5.
    np.testing.assert_array_equal(
        sentence_vectors(matrix, ids, encoding), [[3.5, 7.0]]
    )


def test_noise_strews_empty_sentences():
    rows, slots = 3000, 12
    is_there = np.zeros((rows, slots), bool)
    is_there[:, :10] = True  # at most ceil(0.2 * 10) = 2 empty ones
    found = np.asarray(
        noisy_ages(tf.constant(is_there), 0.2, tf.constant([3, 4]))
    )[:, :10]
    added = found - np.arange(10)
    # Older sentences have as many empty ones before them, or more.
    assert (np.diff(added, axis=1) >= 0).all()
    assert added.min() == 0 and added.max() == 2
    # Of the rows a third has none, a third one: 1 of 11 places is after all.
    last = added[:, -1]
    # One shows in 10 of 11, two of both in 9 * 10 / (12 * 11) / ... by count:
    # P(0) = 1/3 + 1/3 * 1/11 + 1/3 * 1/66.
    expected = (1 + 1 / 11 + 1 / 66) / 3
    assert abs((last == 0).mean() - expected) < 0.03
    np.testing.assert_array_equal(ages(is_there), [np.arange(12)])


def test_no_noise_where_there_is_no_story():
    found = noisy_ages(tf.zeros((2, 3), tf.bool), 0.1, tf.constant([1, 2]))
    assert found.shape == (2, 3)
    assert (np.asarray(found) < 3).all()
