r"""tensor2tensor's invertible subwords: the "word-pieces" of section 5.1.

A line is cut into runs of letters and numbers and runs of everything else; one
space between two runs of the first kind is implied. Each run is escaped (`\`
as `\\`, `_` as `\u`, a character outside the vocabulary as `\` code point
`;`), ended with `_`, and cut from the left into the longest known subtokens.

Ids and files equal those of tensor2tensor 1.15; what is a letter is a matter of
Python's Unicode tables, here as there. Left out: vocabulary files without
quotes, word and byte vocabularies.
"""

import collections
import pathlib
import re
from collections.abc import Collection, Iterable, Sequence

from t2t_repro.errors import InputError
from t2t_repro.files import replace_file
from t2t_repro.text.encoder import until_end

SUFFIX = ".subwords"
RESERVED_TOKENS = ["<pad>", "<EOS>"]

# `\w` is str.isalnum() (the categories L* and N*) and the underscore.
_RUN = re.compile(r"[^\W_]+|[\W_]+")
_ESCAPE = re.compile(r"\\u|\\\\|\\([0-9]+);")
_ESCAPE_CHARACTERS = frozenset("\\_u;0123456789")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NO_CHARACTER = "\u3013"  # decoded for an escape that is no code point

# tensor2tensor seeks the least count of a subtoken between 1 and this, and for
# each selects once and refines so often.
_HIGHEST_LEAST_COUNT = 1000
_REFINEMENTS = 3

# A full cache starts anew. Words take some 200 bytes each, which makes 25 MB;
# the limit on characters and ids together keeps any text below 100 MB.
_CACHED_TOKENS = 2**17
_CACHED_LENGTH = 64


def tokenize(text: str) -> list[str]:
    """Alternating runs of alphanumeric and other characters.

    Without those of one space between two others; `detokenize` adds them.
    """
    runs = _RUN.findall(text)
    inner = [run for run in runs[1:-1] if run != " "]
    return [*runs[:1], *inner, *runs[1:][-1:]]


def detokenize(tokens: Iterable[str]) -> str:
    """The text of tokens; two alphanumeric neighbours get a space between."""
    parts: list[str] = []
    for token in tokens:
        if parts and parts[-1][0].isalnum() and token[0].isalnum():
            parts.append(" ")
        parts.append(token)
    return "".join(parts)


class SubwordEncoder:
    """A vocabulary file of tensor2tensor; an `encoder.TextEncoder`."""

    def __init__(self, path: str | pathlib.Path):
        """Raises InputError for a file that is no whole vocabulary."""
        self.path = pathlib.Path(path)
        self._subwords = SubwordTextEncoder(path)

    @property
    def vocab_size(self) -> int:
        """Number of ids, padding and end of sentence included."""
        return self._subwords.vocab_size

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""
        return self._subwords.encode(text)

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines."""
        return [self._subwords.encode(line) for line in lines]

    def decode(self, ids: Iterable[int]) -> str:
        """The line; ids from the first end of sentence on are ignored.

        A model can spell out the escape of a surrogate, which no text has and
        no file can hold: it becomes U+FFFD.
        """
        return _SURROGATE.sub("\ufffd", self._subwords.decode(until_end(ids)))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The subtoken of each id, as it stands in the vocabulary file."""
        return self._subwords.decode_list(ids)


class SubwordTextEncoder:
    """tensor2tensor's class: `<pad>` and `<EOS>` are text like any other."""

    def __init__(self, filename: str | pathlib.Path | None = None):
        """Reads a vocabulary file; without one the encoder is empty."""
        self.filename = filename
        self._set_subtokens([] if filename is None else _read(filename))

    def _set_subtokens(self, subtokens: list[str]) -> None:
        self._subtokens = subtokens
        self._id_of = {subtoken: i for i, subtoken in enumerate(subtokens)}
        self._alphabet = _ESCAPE_CHARACTERS.union(*subtokens)
        self._longest = max(map(len, subtokens), default=0)
        self._cache: dict[str, tuple[int, ...]] = {}

    @property
    def vocab_size(self) -> int:
        """Number of ids, the reserved ones included."""
        return len(self._subtokens)

    def encode(self, text: str) -> list[int]:
        """Ids of any text, without an end of sentence."""
        cached = self._cache.get
        ids: list[int] = []
        for token in tokenize(text):
            # A token has at least one id, so that only a miss is falsy.
            ids += cached(token) or self._encode_token(token)
        return ids

    def _encode_token(self, token: str) -> tuple[int, ...]:
        if not self._subtokens:
            raise InputError("the encoder is empty: give it a vocabulary file.")
        escaped = _escape(token, self._alphabet)
        pieces = _segment(escaped, self._id_of, self._longest)
        ids = tuple(self._id_of[piece] for piece in pieces)
        if len(self._cache) >= _CACHED_TOKENS:
            self._cache.clear()
        if len(token) + len(ids) <= _CACHED_LENGTH:
            self._cache[token] = ids
        return ids

    def decode(self, ids: Iterable[int], strip_extraneous: bool = False) -> str:
        """The text; ids outside the vocabulary stand for nothing.

        Args:
          ids: padding and ends of sentence read `<pad>` and `<EOS>`.
          strip_extraneous: leave those at the end out.
        """
        ids = list(ids)
        if strip_extraneous:
            while ids and 0 <= ids[-1] < len(RESERVED_TOKENS):
                ids.pop()
        escaped = "".join(self.decode_list(ids)).split("_")
        return detokenize(_ESCAPE.sub(_unescape, run) for run in escaped if run)

    def decode_list(self, ids: Iterable[int]) -> list[str]:
        """The subtoken of each id, empty for one outside the vocabulary."""
        size = self.vocab_size
        return [self._subtokens[i] if 0 <= i < size else "" for i in ids]

    @classmethod
    def build_from_generator(
        cls,
        generator: Iterable[str],
        target_size: int,
        max_subtoken_length: int | None = None,
        reserved_tokens: Sequence[str] | None = None,
    ) -> "SubwordTextEncoder":
        """Learns a vocabulary of about `target_size` subtokens from text.

        Args:
          generator: lines of text; their order does not matter.
          target_size: number of ids wanted. Every character of the text gets
            one whatever the target.
          max_subtoken_length: subtokens learnt are shorter than this; without
            it time and memory grow with the square of the longest token.
          reserved_tokens: the first ids, beginning with `RESERVED_TOKENS`;
            these alone by default.
        """
        reserved = list(reserved_tokens or RESERVED_TOKENS)
        if reserved[: len(RESERVED_TOKENS)] != RESERVED_TOKENS:
            raise InputError(
                f"reserved tokens {reserved} must begin with {RESERVED_TOKENS}."
            )
        counts = collections.Counter(
            token for line in generator for token in tokenize(line)
        )
        if not counts:
            raise InputError("there is no text to learn a vocabulary from.")
        if target_size < 1:
            raise InputError(f"vocabulary size {target_size} must be positive.")
        alphabet = _ESCAPE_CHARACTERS.union(*counts, *reserved)
        subtokens = _search(
            {_escape(token, alphabet): n for token, n in counts.items()},
            alphabet,
            [_escape(token, alphabet) for token in reserved],
            target_size,
            max_subtoken_length,
        )
        if len(set(subtokens)) < len(subtokens):
            what = f"reserved tokens {reserved}: one is also a word; rename it."
            raise InputError(what)
        encoder = cls()
        encoder._set_subtokens(subtokens)
        return encoder

    def store_to_file(self, filename: str | pathlib.Path) -> None:
        """Writes the vocabulary file, whole or not at all."""
        content = "".join(f"'{subtoken}'\n" for subtoken in self._subtokens)
        if content.count("\n") > self.vocab_size or _SURROGATE.search(content):
            raise InputError(
                f"cannot write vocabulary {filename}: a subtoken has a line"
                " break or a surrogate; learn from lines of valid text."
            )
        replace_file(filename, content)


def _escape(token: str, alphabet: Collection[str]) -> str:
    """Makes a token of the alphabet's characters, with `_` at its end only."""
    token = token.replace("\\", "\\\\").replace("_", "\\u")
    # A line break is always escaped: no line of the file could hold it.
    letters = (
        letter if letter in alphabet and letter != "\n" else f"\\{ord(letter)};"
        for letter in token
    )
    return "".join(letters) + "_"


def _unescape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "_" if match[0] == "\\u" else "\\"
    try:
        return chr(int(match[1]))
    except (ValueError, OverflowError):
        return _NO_CHARACTER


def _segment(escaped: str, known: Collection[str], longest: int) -> list[str]:
    """Cuts an escaped token into known subtokens, the longest one first."""
    pieces = []
    start = 0
    while start < len(escaped):
        end = min(len(escaped), start + longest)
        # Every character alone is known, so this ends at one at the latest.
        while escaped[start:end] not in known:
            end -= 1
        pieces.append(escaped[start:end])
        start = end
    return pieces


def _search(
    words: dict[str, int],
    alphabet: frozenset[str],
    reserved: list[str],
    target_size: int,
    max_length: int | None,
) -> list[str]:
    """Bisects for the least count that gives nearest to `target_size`."""
    # The first candidates, by far the most, are the same for every count.
    first = _candidates(words, alphabet, max_length)
    low, high = 1, _HIGHEST_LEAST_COUNT
    best: list[str] = []
    while True:
        least_count = (low + high) // 2
        chosen = reserved + _select(first.copy(), alphabet, least_count)
        for _ in range(_REFINEMENTS):
            counts = _candidates(words, frozenset(chosen), max_length)
            chosen = reserved + _select(counts, alphabet, least_count)
        error = abs(len(chosen) - target_size)
        if not best or error < abs(len(best) - target_size):
            best = chosen
        if error * 100 < target_size or low >= high or least_count < 2:
            return best
        if len(chosen) > target_size:
            low = least_count + 1
        else:
            high = least_count - 1


def _candidates(
    words: dict[str, int], known: frozenset[str], max_length: int | None
) -> dict[str, int]:
    """Counts every string that begins where a known subtoken begins."""
    longest = max(map(len, known))
    found: dict[str, int] = collections.defaultdict(int)
    for escaped, count in words.items():
        start = 0
        for piece in _segment(escaped, known, longest):
            stop = len(escaped) + 1
            if max_length is not None:
                stop = min(stop, start + max_length)
            for end in range(start + 1, stop):
                found[escaped[start:end]] += count
            start += len(piece)
    return found


def _select(
    counts: dict[str, int], alphabet: frozenset[str], least_count: int
) -> list[str]:
    """Chooses subtokens, the most frequent first; uses up `counts`."""
    frequent = [word for word, n in counts.items() if n >= least_count]
    chosen = []
    # A chosen subtoken takes its occurrences away from all its beginnings,
    # which must be frequent without them: so the longest come first.
    for subtoken in sorted(frequent, key=len, reverse=True):
        count = counts[subtoken]
        if count >= least_count:
            if subtoken not in alphabet:
                chosen.append((count, subtoken))
            for end in range(1, len(subtoken)):
                counts[subtoken[:end]] -= count
    # Single characters stay however rare, or some text could not be encoded.
    chosen += [(counts.get(letter, 0), letter) for letter in alphabet]
    return [subtoken for _, subtoken in sorted(chosen, reverse=True)]


def _read(filename: str | pathlib.Path) -> list[str]:
    def broken(number: int, what: str) -> InputError:
        return InputError(
            f"vocabulary {filename}, line {number}: {what}; restore the file"
            " from a copy or learn it again with t2t-datagen."
        )

    try:
        content = pathlib.Path(filename).read_bytes()
    except OSError as error:
        what = f"cannot read vocabulary {filename}: {error.strerror}."
        raise InputError(what) from error
    line_of: dict[str, int] = {}
    lines = content.decode(errors="surrogateescape").removesuffix("\n")
    for number, line in enumerate(lines.split("\n"), 1):
        quoted = line.strip()  # Windows line ends do no harm
        if _SURROGATE.search(line):
            raise broken(number, "it is not UTF-8")
        if not content.strip():
            raise broken(number, "the file is empty")
        if len(quoted) < 3 or quoted[0] not in "'\"" or quoted[-1] != quoted[0]:
            raise broken(number, f"no subtoken in quotes in [{quoted[:40]}]")
        subtoken = quoted[1:-1]
        if line_of.setdefault(subtoken, number) != number:
            raise broken(number, f"{quoted} was on line {line_of[subtoken]}")
    subtokens = list(line_of)
    for number, token in enumerate(RESERVED_TOKENS, 1):
        # Earlier versions of tensor2tensor wrote them without the `_`.
        if subtokens[number - 1 : number] not in ([token], [token + "_"]):
            raise broken(number, f"'{token}_' is not there")
    missing = _ESCAPE_CHARACTERS.union(*subtokens).difference(subtokens)
    if missing:
        lost = f"the file ends without '{min(missing)}', which it needs"
        raise broken(len(subtokens), lost)
    return subtokens
