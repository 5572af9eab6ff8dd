"""What a person types: commands, mistakes, and sentences among them."""

import pytest

from t2t_repro.decode import interactive
from t2t_repro.decode.interactive import Conversation
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.errors import InputError


class _Loaded:
    """Says how it was asked; counts how often it was built anew."""

    def __init__(self, options=None, built=None):
        self.options, self.built = options, [] if built is None else built

    def with_options(self, options):
        if options.shortlist == "no":
            raise InputError("no: No such file.")
        self.built.append(options)
        return _Loaded(options, self.built)

    def stream(self, lines, first):
        for line in lines:
            beam, alpha = self.options.beam_size, self.options.alpha
            yield [
                Translation(f"{line}/{beam}/{alpha}/{rank}", -rank, (5, 1))
                for rank in range(self.options.hypotheses)
            ]


@pytest.fixture
def talk():
    """Returns a function from typed lines to what was answered."""

    def run(*typed, options=DecodeOptions()):  # noqa: B008
        answers: list[str] = []
        loaded = _Loaded(options)
        conversation = Conversation(loaded, answers.append)
        go_on = [conversation.answer(line) for line in typed]
        return answers, go_on, loaded.built

    return run


def test_a_sentence_and_the_end(talk):
    answers, go_on, _ = talk("A dog.", ":quit")
    assert answers == ["A dog./4/0.6/0"] and go_on == [True, False]


def test_what_an_engine_refuses_is_one_line_until_it_is_changed(
    talk, monkeypatch
):
    def start(self, options):
        if options.engine != "tensorflow":
            raise InputError("needs the package")
        return _Loaded(options)

    monkeypatch.setattr(_Loaded, "with_options", start)
    answers, go_on, _ = talk(
        ":set engine=ctranslate2", "a", ":set engine=tensorflow", "a"
    )
    assert answers[1::2] == ["needs the package", "a/4/0.6/0"] and all(go_on)


def test_settings_change_on_the_way(talk):
    answers, _, built = talk("a", ":beam 8", ":alpha 0.8", "a", ":beam 4", "a")
    assert answers == [
        "a/4/0.6/0",
        "beam_size=8, alpha=0.6",
        "beam_size=8, alpha=0.8",
        "a/8/0.8/0",
        "beam_size=4, alpha=0.8",
        "a/4/0.8/0",
    ]
    # The settings in between translated nothing.
    assert [(o.beam_size, o.alpha) for o in built] == [
        (4, 0.6),
        (8, 0.8),
        (4, 0.8),
    ]


def test_what_was_set_before_is_not_built_again(talk):
    _, _, built = talk("a", ":beam 8", "a", ":scores", ":beam 4", "a", "b")
    assert [options.beam_size for options in built] == [4, 8]


def test_a_shortlist_that_is_none_changes_nothing(talk):
    answers, go_on, built = talk(":set beam_size=8,shortlist=no", "a")
    assert answers == ["no: No such file.", "a/4/0.6/0"]
    assert all(go_on) and [options.beam_size for options in built] == [4]


def test_scores_and_ranks(talk):
    answers, _, _ = talk(":scores", "a", ":nbest 2", "a", ":scores", "a")
    assert answers == [
        "scores on",
        "0.0000\ta/4/0.6/0",
        "beam_size=4, alpha=0.6, write_beam_scores=True, n_best=2",
        "1\t0.0000\ta/4/0.6/0",
        "2\t-1.0000\ta/4/0.6/1",
        "scores off",
        "1\ta/4/0.6/0",
        "2\ta/4/0.6/1",
    ]


def test_all_beams_are_that_many_best(talk):
    options = DecodeOptions(beam_size=2, return_beams=True)
    answers, _, _ = talk("a", options=options)
    assert answers == ["1\ta/2/0.6/0", "2\ta/2/0.6/1"]


def test_any_option_can_be_set(talk):
    answers, _, built = talk(":set beam_size=2, extra_length=7", "a")
    assert answers[0] == "beam_size=2, alpha=0.6, extra_length=7"
    assert built[0].extra_length == 7


@pytest.mark.parametrize(
    "typed, words",
    [
        (":baem 8", "unknown command :baem. Did you mean beam?"),
        (":", "unknown command :. :help lists them."),
        (":beam x", "beam_size=x: expected a whole number"),
        (":beam", "beam_size=: expected a whole number"),
        (":beam 0", "beam_size=0: expected 1 or more"),
        (":alpha -1", "cannot be negative"),
        (":nbest 9", "n_best=9: expected 0 to beam_size=4"),
        (":set baem_size=3", "'baem_size'. Did you mean beam_size"),
        (":set return_beams=true", "return_beams is :nbest here"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(talk, typed, words):
    answers, go_on, _ = talk(typed, "a")
    assert len(answers) == 2 and words in answers[0]
    assert not answers[0].startswith("--") and "\n" not in answers[0]
    assert answers[1] == "a/4/0.6/0" and go_on == [True, True]


def test_help_names_every_command(talk):
    (text, settings), _, _ = talk(":help")
    for command in interactive._COMMANDS:
        assert f":{command}" in text
    assert settings == "Set: beam_size=4, alpha=0.6"


def test_a_space_makes_a_sentence_of_a_colon(talk):
    answers, _, _ = talk(" :beam 8")
    assert answers == [" :beam 8/4/0.6/0"]


def test_a_pipe_has_no_prompt(standard_input, capsys):
    with standard_input("A dog.\r\n\nA\rcat\u2028.".encode()):
        interactive.run(_Loaded(DecodeOptions()))
    assert capsys.readouterr().out == (
        "A dog./4/0.6/0\n/4/0.6/0\nA\rcat\u2028./4/0.6/0\n"
    )


def test_bytes_that_are_no_text(standard_input):
    with (
        standard_input(b"b\xe4d\n"),
        pytest.raises(InputError, match="standard input, line 1, is not UTF-8"),
    ):
        list(interactive.typed_lines())


def test_typed_bytes_that_are_no_text(monkeypatch):
    monkeypatch.setattr(interactive.os, "isatty", lambda file: True)
    monkeypatch.setattr("builtins.input", lambda prompt: "b\udce4d")
    with pytest.raises(InputError, match="not UTF-8"):
        list(interactive.typed_lines())
