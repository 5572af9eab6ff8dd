"""Lines before and after the model, for problems that have their own."""

import collections
import logging

import pytest

from t2t_repro.decode import lines
from t2t_repro.decode.translator import Translation


class _Shouted:
    """Reads capitals; a model's text without `!` has to be repaired."""

    def input_line(self, line):
        return line.upper()

    def output_line(self, line, text):
        repairs = collections.Counter()
        if not text.endswith("!"):
            repairs.update(["calm", "calm"])
        if not text:
            repairs["silent"] += 1
        return f"{line}: {text.rstrip('!')}!", repairs


@pytest.fixture
def messages(monkeypatch):
    texts = []
    logger = logging.getLogger("t2t_repro")
    monkeypatch.setattr(
        logger, "info", lambda text, *values: texts.append(text % values)
    )
    return texts


def _hypotheses(*texts):
    return [Translation(text, -1.0, (5, 1)) for text in texts]


def test_a_translation_stays_as_it_is(messages):
    results = [_hypotheses("ein Hund", "der Hund")]
    assert lines.before(object(), ["a dog"]) == ["a dog"]
    assert lines.after(object(), ["a dog"], results) == results
    assert messages == []


def test_all_hypotheses_get_the_problems_text(messages):
    problem = _Shouted()
    assert lines.before(problem, ["a", "b"]) == ["A", "B"]
    found = lines.after(
        problem, ["a", "b"], [_hypotheses("x!", "y"), _hypotheses("", "z!")]
    )
    assert found == [
        _hypotheses("a: x!", "a: y!"),
        _hypotheses("b: !", "b: z!"),
    ]
    # Sentences, not repairs, and of the best hypotheses alone.
    assert messages == [
        "1 of 2 sentences were repaired (sentences by kind: calm 1, silent 1)"
    ]


def test_nothing_to_repair(messages):
    lines.after(_Shouted(), ["a"], [_hypotheses("x!")])
    assert messages == ["0 of 1 sentences were repaired"]
    assert lines.after(_Shouted(), [], []) == []


def test_repairs_are_counted_over_a_stream(messages):
    outputs = lines.Outputs(_Shouted())
    for line, text in (("a", "x!"), ("b", "y"), ("c", "z")):
        assert outputs.finish(line, _hypotheses(text)) == _hypotheses(
            f"{line}: {text.rstrip('!')}!"
        )
    assert messages == []
    outputs.log_repairs()
    assert messages == [
        "2 of 3 sentences were repaired (sentences by kind: calm 2)"
    ]
    assert lines.input_line(_Shouted(), "a") == "A"
    assert lines.input_line(object(), "a") == "a"
