"""Translating what a person types, with settings that change on the way.

tensor2tensor's `--decode_interactive` had the same purpose and other commands
(`ns=`, `dl=`, `q`); here they begin with a colon, so that no sentence is taken
for one by accident. The weights are loaded once: a new beam only traces the
search anew. Lines are edited and recalled with readline where there is a
terminal; from a pipe there is no prompt, and every line gives its answer.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator

from t2t_repro import hparam
from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation, one_line
from t2t_repro.errors import InputError, UsageError, nearest
from t2t_repro.text import lines as text_lines

PROMPT = "> "

# Command -> the option that it sets.
_SHORT = {"beam": "beam_size", "alpha": "alpha", "nbest": "n_best"}
_COMMANDS = (*_SHORT, "scores", "set", "help", "quit")
_HELP = """\
A line is translated. A line that begins with a colon is a command:
  :beam 8      beam size
  :alpha 0.8   exponent of the length penalty
  :nbest 3     the best so many, a line each, with their ranks; 0: only one
  :scores      scores in front of the text, on or off
  :set a=1,b=2 any of --decode_hparams
  :help        this, and what is set
  :quit        ends, as the end of the input does
A space in front makes a sentence of a line that begins with a colon."""


class Conversation:
    """Answers line by line."""

    def __init__(
        self,
        loaded: LoadedRun,
        write: Callable[[str], None],
    ):
        """Begins with the settings that the run was opened with.

        Args:
          loaded: the run; of its options, `return_beams` counts as `n_best`.
          write: receives each line of an answer.
        """
        options = loaded.options
        if options.return_beams:
            options = dataclasses.replace(
                options, return_beams=False, n_best=options.beam_size
            )
        self._loaded = loaded
        self._write = write
        self._scores = options.write_beam_scores
        self._options = options
        self._known: dict[DecodeOptions, LoadedRun] = {}
        self._count = 0

    def answer(self, line: str) -> bool:
        """Does what a line asks for; a mistake is answered by one line.

        Returns:
          Whether to go on.
        """
        name, _, argument = line[1:].strip().partition(" ")
        is_command = line.startswith(":")
        if is_command and name == "quit":
            return False
        try:
            if is_command:
                self._obey(name, argument.strip())
            else:
                self._translate(line)
        except InputError as error:  # also what an engine has to say
            self._write(str(error).removeprefix("--decode_hparams: "))
        return True

    def _obey(self, name: str, argument: str) -> None:
        if name in _SHORT:
            self._set(f"{_SHORT[name]}={argument}")
        elif name == "set":
            self._set(argument)
        elif name == "scores":
            self._scores = not self._scores
            self._write(f"scores {'on' if self._scores else 'off'}")
        elif name == "help":
            self._write(_HELP)
            self._write(f"Set: {self._settings()}")
        else:
            raise UsageError(
                f"unknown command :{name}."
                f"{nearest(name, _COMMANDS)} :help lists them."
            )

    def _set(self, text: str) -> None:
        given = hparam.parse_fields("--decode_hparams", DecodeOptions, text)
        if given.get("return_beams"):
            raise UsageError("return_beams is :nbest here.")
        scores = bool(given.pop("write_beam_scores", self._scores))
        options = dataclasses.replace(self._options, **given)
        if "shortlist" in given:
            self._loaded_with(options)  # it may be no file of this run
        self._scores, self._options = scores, options
        self._write(self._settings())

    def _settings(self) -> str:
        """What differs from the defaults, and the beam always."""
        values = dataclasses.asdict(self._options)
        values["write_beam_scores"] = self._scores
        defaults = dataclasses.asdict(DecodeOptions())
        return ", ".join(
            f"{name}={value}"
            for name, value in values.items()
            if name in ("beam_size", "alpha") or value != defaults[name]
        )

    def _translate(self, line: str) -> None:
        self._count += 1
        loaded = self._loaded_with(self._options)
        (found,) = loaded.stream([line], self._count)
        for text in self._lines(found):
            self._write(text)

    def _loaded_with(self, options: DecodeOptions) -> LoadedRun:
        if options not in self._known:
            self._known[options] = self._loaded.with_options(options)
        return self._known[options]

    def _lines(self, hypotheses: list[Translation]) -> Iterator[str]:
        for rank, hypothesis in enumerate(hypotheses, start=1):
            if rank > 1 and not hypothesis.ids:
                return  # the search ended with fewer
            fields = [str(rank)] if self._options.n_best else []
            if self._scores:
                fields.append(f"{hypothesis.score:.4f}")
            yield "\t".join([*fields, one_line(hypothesis.text)])


def typed_lines() -> Iterator[str]:
    """Lines from the terminal, with a prompt and editing, or from a pipe.

    Raises:
      InputError: what comes is not UTF-8.
    """
    if not os.isatty(0):
        yield from text_lines.iterate_lines(text_lines.STANDARD)
        return
    # From now on `input` edits and recalls lines, where there is such a
    # library.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    while True:
        try:
            line = input(PROMPT)
            line.encode("utf-8")  # bytes that are none may come as surrogates
        except EOFError:
            print()
            return
        except UnicodeError as error:
            raise InputError(
                f"standard input is not UTF-8 ({error}): convert it (iconv -t"
                " UTF-8)."
            ) from error
        yield line


def run(loaded: LoadedRun) -> None:
    """Answers on standard output until `:quit` or the end of the input."""

    def write(line: str) -> None:
        print(line, flush=True)

    conversation = Conversation(loaded, write)
    for line in typed_lines():
        if not conversation.answer(line):
            return
