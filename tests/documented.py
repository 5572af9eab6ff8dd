"""The shell commands of README.md and docs/*.md, with the place of each.

A command is a line of a fenced block without a language (or of a shell's), a
line of an indented block that begins with a program, or an inline `program
argument ...`. Lines that end in a backslash go on. Of a shell's plumbing there
are variables in front of a command, comments, and `echo TEXT > FILE`.
"""

import dataclasses
import pathlib
import re
import shlex
from collections.abc import Iterator

from benchmarks import tables
from tests import source_tree

_SHELLS = ("", "bash", "console", "sh", "shell")
_FENCE = re.compile(r"^ *```(\w*)")
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_VARIABLE = re.compile(r"[A-Z][A-Z_0-9]*=")
# What an inline or indented piece begins with, to be a command and no code,
# formula or message. Fenced blocks need no such list.
_PROGRAM = re.compile(
    r"(\.venv/bin/)?(t2t-[a-z-]+|python3?)$|benchmarks\.\w+$"
    r"|(echo|git|make|mkdocs|mount|pip3?|tensorboard)$"
)


@dataclasses.dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
      page: path from the root of the checkout.
      line: of its beginning, from 1.
      section: the heading it stands under.
      text: as written, continuation lines joined.
      environment: the variables in front of it.
      words: program and arguments, without quotes.
    """

    page: str
    line: int
    section: str
    text: str
    environment: tuple[tuple[str, str], ...]
    words: tuple[str, ...]

    @property
    def page_and_section(self) -> tuple[str, str]:
        """Commands that have these in common follow one another."""
        return self.page, self.section

    @property
    def place(self) -> str:
        """For a message: page, line and command."""
        return f"{self.page}:{self.line}: {self.text}"


def pages() -> list[pathlib.Path]:
    """README.md and the pages of docs/."""
    docs = sorted((source_tree.ROOT / "docs").glob("*.md"))
    return [source_tree.ROOT / "README.md", *docs]


def commands() -> list[Command]:
    """Every command of every page, in reading order, but `records`."""
    found = []
    for path in pages():
        page = path.relative_to(source_tree.ROOT).as_posix()
        text = path.read_text(encoding="utf-8").partition(tables.BEGIN)[0]
        found += commands_of(page, text)
    return found


def records() -> list[Command]:
    """The commands that made the tables of docs/benchmarks.md.

    The program that runs them writes them there, without the folders.
    """
    page = "docs/benchmarks.md"
    text = (source_tree.ROOT / page).read_text(encoding="utf-8")
    return commands_of(page, text.partition(tables.BEGIN)[2])


def commands_of(page: str, text: str) -> list[Command]:
    """The commands of one page."""
    prose, blocks = _split(text.splitlines())
    pieces = [piece for block in blocks for piece in _of_block(block)]
    pieces += _of_prose("\n".join(prose))
    headings = [
        (number, line.strip("# "))
        for number, line in enumerate(prose, start=1)
        if re.match("#+ ", line)
    ]
    found = []
    for line, piece in sorted(pieces):
        before = [name for number, name in headings if number < line]
        section = before[-1] if before else ""
        environment, words = _words(piece)
        found.append(Command(page, line, section, piece, environment, words))
    return found


@dataclasses.dataclass
class _Block:
    """Lines of code, each with its number; `fenced` without or by a shell."""

    fenced: bool
    lines: list[tuple[int, str]] = dataclasses.field(default_factory=list)


def _split(lines: list[str]) -> tuple[list[str], list[_Block]]:
    """Prose, with empty lines where code was, and the blocks of code."""
    prose: list[str] = []
    blocks: list[_Block] = []
    language: str | None = None
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence and language is None:
            language = fence[1]
            blocks.append(_Block(fenced=True))
        elif fence:
            language = None
        elif language is not None:
            if language in _SHELLS:
                blocks[-1].lines.append((number, line.strip()))
        elif line.startswith("    "):
            # Of a list's second paragraph too: its first word decides.
            if not (prose and lines[number - 2].startswith("    ")):
                blocks.append(_Block(fenced=False))
            blocks[-1].lines.append((number, line.strip()))
            prose.append(line)
            continue
        prose.append("" if fence or language is not None else line)
    return prose, blocks


def _of_block(block: _Block) -> Iterator[tuple[int, str]]:
    """Line and text of the logical lines that are commands."""
    start, text = 0, ""
    last = block.lines[-1][0] if block.lines else 0
    for number, line in block.lines:
        start = start if text else number
        text += line.removesuffix("\\")
        if line.endswith("\\") and number < last:
            continue
        piece, text = " ".join(text.split()), ""
        is_comment = piece.startswith("#") or not piece
        if not is_comment and (block.fenced or is_command(piece)):
            yield start, piece


def _of_prose(text: str) -> Iterator[tuple[int, str]]:
    for match in _INLINE.finditer(text):
        # An indented block that is one command has no such marks.
        piece = " ".join(match[1].split())
        if " " in piece and is_command(piece):
            yield text.count("\n", 0, match.start()) + 1, piece


def is_command(piece: str) -> bool:
    """Whether the first word, variables aside, is a program's name."""
    try:
        _, words = _words(piece)
    except ValueError:  # a lone quote: prose
        return False
    return bool(words) and bool(_PROGRAM.match(words[0]))


def _words(
    piece: str,
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    words = shlex.split(piece, comments=True)
    count = 0
    while count < len(words) and _VARIABLE.match(words[count]):
        count += 1
    pairs = (word.split("=", 1) for word in words[:count])
    return tuple((name, value) for name, value in pairs), tuple(words[count:])
