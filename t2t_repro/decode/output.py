"""What is written of hypotheses, and the names of the files it goes to."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from t2t_repro.decode.options import DecodeOptions
from t2t_repro.run_directory import Run


@dataclasses.dataclass(frozen=True)
class Translation:
    """One hypothesis.

    Attributes:
      text: the line; empty for an empty source line.
      score: see `beam_search.Hypotheses`; 0 for an empty source line.
      ids: without padding, the end of sentence included.
    """

    text: str
    score: float
    ids: tuple[int, ...]


def output_lines(
    options: DecodeOptions,
    translated: Iterable[Sequence[Translation]],
    first: int = 1,
    best: list[str] | None = None,
) -> Iterator[str]:
    """What is written for a stream of sentences.

    Args:
      options: the form.
      translated: `Translation`s of each sentence, best first.
      first: number of the first sentence's line.
      best: receives the best text of each, unless None.
    """
    for number, hypotheses in enumerate(translated, start=first):
        if best is not None:
            best.append(hypotheses[0].text)
        if options.n_best:
            yield from n_best_lines(number, hypotheses)
        else:
            yield output_line(options, hypotheses)


def output_line(
    options: DecodeOptions, hypotheses: Sequence[Translation]
) -> str:
    """What stands on the line of one sentence, as tensor2tensor writes it.

    Args:
      options: `return_beams` and `write_beam_scores`.
      hypotheses: `Translation`s, best first.

    Returns:
      The texts and, if wanted, their scores, separated by tabs.
    """
    kept = hypotheses if options.return_beams else hypotheses[:1]
    fields = []
    for hypothesis in kept:
        fields.append(one_line(hypothesis.text))
        if options.write_beam_scores:
            fields.append(f"{hypothesis.score:.4f}")
    return "\t".join(fields)


def n_best_lines(
    number: int, hypotheses: Sequence[Translation]
) -> Iterator[str]:
    """The lines of one sentence for programs: index, rank, score, text.

    Args:
      number: of the source line, from 1 as in every message.
      hypotheses: `Translation`s, best first.

    Yields:
      Four fields separated by tabs; ranks are from 1, and tabs in the text,
      which stands last, are its own.
    """
    for rank, hypothesis in enumerate(hypotheses, start=1):
        if rank > 1 and not hypothesis.ids:
            return  # the search ended with fewer
        text = one_line(hypothesis.text)
        yield f"{number}\t{rank}\t{hypothesis.score:.6f}\t{text}"


def one_line(text: str) -> str:
    """Text is a line; a model can still spell out a line end in bytes."""
    return text.replace("\n", " ")


def decodes_name(
    base: str, run: Run, options: DecodeOptions, kind: str = "decodes"
) -> str:
    """tensor2tensor's name of a file that nobody named.

    Args:
      base: what the name begins with.
      run: what is decoded.
      options: beam and alpha stand in the name.
      kind: `decodes`, or `inputs` and `targets` of a dataset.
    """
    return (
        f"{base}.{run.model}.{run.hparams_set}.{run.problem}"
        f".beam{options.beam_size}.alpha{options.alpha}.{kind}"
    )


def shard_name(path: str, shards: int, worker_id: int) -> str:
    """tensor2tensor's name of one worker's file, such as `out003`."""
    return path if shards == 1 else f"{path}{worker_id:03d}"


def shard_range(count: int, shards: int, worker_id: int) -> tuple[int, int]:
    """The part of `count` lines that is a worker's: first, and after last.

    Parts are contiguous and differ by one line at the most, so that the
    workers' files one after the other are the whole.
    """
    return (
        count * worker_id // shards,
        count * (worker_id + 1) // shards,
    )
