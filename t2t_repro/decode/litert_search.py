"""Beam search over LiteRT's programs of a Transformer.

The rules are `beam_step`'s, which the step program ends with; so hypotheses and
scores are those of `beam_search`, and every sentence is searched by itself.
Here is what lies around it. Keys and values of a position go to places of the
cache that no beam of the sentence sees any more, so that nothing is ever moved
and the cache stays short; which entries a beam sees, its ancestors', is a mask
that follows the beams. Where a program would have to carry ids of a growing
number it carries the number of the hypothesis that each one continues.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_repro.decode import beam_step, parallel
from t2t_repro.decode.beam_search import SHRINK_AT, final_hypotheses
from t2t_repro.interop import litert
from t2t_repro.interop.litert_program import Program
from t2t_repro.layers.attention import MASKED

# Positions that a cache begins with room for, were all beams apart, and by how
# much it grows: to change the sizes takes as long as half a step.
_FIRST_POSITIONS = 8
_GROW_BY = 1.5

_HIDDEN = np.float32(MASKED)

# Of the state: what the program reads, and gives back in this order.
_STATE = ("alive_log_probs", "finished_scores", "is_finished", "is_done")


class Programs(NamedTuple):
    """A model, made into programs; several searches share it.

    Attributes:
      model: whose vectors are looked up.
      rules: of the search.
      encoder: see `litert.encoder_program`.
      step: see `litert.step_program`.
      source_vectors: `[batch, source]` ids to what the encoder reads.
      vectors: see `litert.target_vectors`.
    """

    model: Any
    rules: beam_step.Rules
    encoder: bytes
    step: bytes
    source_vectors: Callable[[np.ndarray], tf.Tensor]
    vectors: np.ndarray


def programs(model: Any, rules: beam_step.Rules, is_narrow: bool) -> Programs:
    """Converts a model.

    Args:
      model: a `Transformer` with its weights.
      rules: of the search.
      is_narrow: whether its matrices have 8 bits.
    """
    beams = rules.beams

    def choose(
        logits: tf.Tensor,
        position: tf.Tensor,
        limits: tf.Tensor,
        numbers: tf.Tensor,
        *state: tf.Tensor,
    ) -> Any:
        alive, finished = numbers[:, :beams], numbers[:, beams:]
        before = dict(zip(_STATE, state, strict=True))
        after, parents = beam_step.advance(
            position[0],
            beam_step.State(alive_ids=alive, finished_ids=finished, **before),
            logits,
            limits,
            rules,
        )
        # [batch, 2 beams, 2]: whom each hypothesis continues, and its last id.
        grown = tf.concat([after.alive_ids, after.finished_ids], axis=1)
        return parents, grown, [getattr(after, name) for name in _STATE]

    chooses_by = [
        tf.TensorSpec([1], tf.int32, "position"),
        tf.TensorSpec([None], tf.int32, "limits"),
        tf.TensorSpec([None, 2 * beams, 1], tf.int32, "numbers"),
        tf.TensorSpec([None, beams], tf.float32, "alive_log_probs"),
        tf.TensorSpec([None, beams], tf.float32, "finished_scores"),
        tf.TensorSpec([None, beams], tf.bool, "is_finished"),
        tf.TensorSpec([None], tf.bool, "is_done"),
    ]
    return Programs(
        model,
        rules,
        litert.encoder_program(model, is_narrow),
        litert.step_program(model, beams, choose, chooses_by, is_narrow),
        tf.function(
            model.source_vectors,
            input_signature=[tf.TensorSpec([None, None], tf.int32)],
            autograph=False,
        ),
        litert.target_vectors(model),
    )


class _Active(NamedTuple):
    """The sentences that are still in the batch.

    Attributes:
      rows: `[active]`, their rows in the result.
      limits: `[active]`.
      ids: `[active, 2 beams, position]`, of what is alive, then of what ended.
      sees: `[active, beams, entries]` bool, which of the cache's.
      state: `[active, ...]`, by `_STATE`.
    """

    rows: np.ndarray
    limits: np.ndarray
    ids: np.ndarray
    sees: np.ndarray
    state: dict[str, np.ndarray]

    def take(self, which: np.ndarray) -> "_Active":
        """Copies of those that a mask, `[active]`, says."""
        return tf.nest.map_structure(lambda array: array[which], self)

    def best(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What `Search` returns of each, if nothing more is generated."""
        beams = self.sees.shape[1]
        alive, finished = self.ids[:, :beams], self.ids[:, beams:]
        found = final_hypotheses(
            beam_step.State(
                alive_ids=alive, finished_ids=finished, **self.state
            )
        )
        return zip(found.ids.numpy(), found.scores.numpy(), strict=True)

    def has_room(self) -> bool:
        """Whether every sentence has an unseen entry for each beam."""
        beams, entries = self.sees.shape[1:]
        seen = self.sees.any(axis=1).sum(axis=1)
        return seen.max() + beams <= entries


def _first(limits: np.ndarray, beams: int) -> _Active:
    """All sentences, with nothing generated."""
    batch = len(limits)
    state = beam_step.first_state(tf.constant(limits), beams)
    return _Active(
        np.arange(batch),
        limits,
        np.zeros((batch, 2 * beams, 0), np.int32),
        np.zeros((batch, beams, _FIRST_POSITIONS * beams), bool),
        {name: getattr(state, name).numpy() for name in _STATE},
    )


class Search:
    """Interpreters of the programs; belongs to one thread at a time."""

    def __init__(self, made: Programs, threads: int):
        """Opens the programs.

        Args:
          made: from `programs`.
          threads: that an operation may take.
        """
        self._made = made
        self._beams = made.rules.beams
        self._encoder = Program(made.encoder, threads)
        self._step = Program(made.step, threads)
        hparams = made.model.hparams
        self._memory = litert.memory_names(hparams)
        self._cache = litert.cache_names(hparams)
        self._places = np.zeros((0, hparams.hidden_size), np.float32)

    def __call__(
        self, inputs: np.ndarray, limits: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Translates a batch.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          limits: `[batch]` int32, most ids to generate; at least 1.

        Returns:
          Of each sentence ids `[beams, length]` and scores `[beams]`, as
          `beam_search.Hypotheses` has them; `length` is that of its search.
        """
        memory = self._encode(inputs)
        active = _first(limits, self._beams)
        found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._lay_out(active, memory)
        for position in itertools.count():
            *own, parents, grown, log_probs, finished, ended, done = self._run(
                active, position
            )
            state = (log_probs, finished, ended, done)
            active = active._replace(
                ids=_extended(active.ids, grown),
                sees=_of_each(active.sees, parents),
                state=dict(zip(_STATE, state, strict=True)),
            )
            if done.mean() >= SHRINK_AT or not active.has_room():
                gone = active.take(done)
                found |= zip(gone.rows, gone.best(), strict=True)
                if done.all():
                    break
                stay = ~done
                own = [array[stay] for array in own]
                parents, active = parents[stay], active.take(stay)
                active = self._rearrange(stay, active, memory)
            self._remember(active.sees, parents, own)
        return [found[row] for row in range(len(limits))]

    def _encode(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """What steps read of `[batch, source]`, by name.

        It stays where the encoder left it until the next batch.
        """
        x = self._made.source_vectors(inputs).numpy()
        bias = np.where(inputs == 0, _HIDDEN, np.float32(0))[:, None, None]
        self._encoder.resize({"x": x.shape, "memory_bias": bias.shape})
        self._encoder.input("x")[...] = x
        self._encoder.input("memory_bias")[...] = bias
        results = zip(self._memory, self._encoder(), strict=True)
        return {"memory_bias": bias, **dict(results)}

    def _rearrange(
        self, stay: np.ndarray, active: _Active, memory: dict[str, np.ndarray]
    ) -> _Active:
        """Makes room in the program, for fewer sentences or more entries.

        Args:
          stay: `[active before]` bool.
          active: those that stay.
          memory: from `_encode`.
        """
        kept = [self._step.input(name)[stay] for name in self._cache]
        if not active.has_room():
            entries = active.sees.shape[2]
            more = int(entries * (_GROW_BY - 1)) + self._beams
            active = active._replace(
                sees=np.pad(active.sees, [(0, 0), (0, 0), (0, more)])
            )
        self._lay_out(active, memory)
        for name, array in zip(self._cache, kept, strict=True):
            self._step.input(name)[:, :, : array.shape[2]] = array
        return active

    def _lay_out(self, active: _Active, memory: dict[str, np.ndarray]) -> None:
        """Gives the step its sizes, and writes what stays as it is."""
        batch, beams, entries = active.sees.shape
        shapes = {
            name: (batch, *array.shape[1:])
            for name, array in (*memory.items(), *active.state.items())
        }
        for cache, of_memory in zip(self._cache, self._memory, strict=True):
            _, heads, _, depth = shapes[of_memory]
            shapes[cache] = (batch, heads, entries, depth)
        hidden = self._made.vectors.shape[1]
        self._step.resize(
            shapes
            | {
                "x": (batch, beams, hidden),
                "bias": (batch, 1, beams, entries),
                "position": (1,),
                "limits": (batch,),
                "numbers": (batch, 2 * beams, 1),
            }
        )
        given = self._step.input
        for name, array in memory.items():
            array.take(active.rows, axis=0, out=given(name), mode="clip")
        for name in self._cache:
            # What is masked counts nothing, but is no number at all at first.
            given(name)[...] = 0
        given("limits")[...] = active.limits
        given("numbers")[..., 0] = np.arange(2 * beams)

    def _run(self, active: _Active, position: int) -> list[np.ndarray]:
        """A step, with what changes from one to the next."""
        if position >= len(self._places):
            count = 2 * max(position, _FIRST_POSITIONS)
            self._places = litert.target_places(self._made.model, count)
        given = self._step.input
        last = active.ids[:, : self._beams, -1] if position else 0
        given("x")[...] = self._made.vectors[last] + self._places[position]
        given("bias")[:, 0] = np.where(active.sees, np.float32(0), _HIDDEN)
        given("position")[...] = position
        for name, array in active.state.items():
            given(name)[...] = array
        return self._step()

    def _remember(
        self,
        sees: np.ndarray,
        parents: np.ndarray,
        own: Sequence[np.ndarray],
    ) -> None:
        """Puts the keys and values of a position where no beam looks.

        Args:
          sees: see `_Active`; is changed.
          parents: `[active, beams]`, whom each beam continues.
          own: as the program gave them, by the beams before.
        """
        batch, beams, entries = sees.shape
        free = np.argsort(sees.any(axis=1), axis=1, kind="stable")[:, :beams]
        row = np.arange(batch)[:, None]
        sees[row, np.arange(beams), free[row, parents]] = True
        heads = own[0].shape[1]
        begin = np.arange(batch * heads).reshape(batch, heads, 1) * entries
        places = begin + free[:, None]
        for name, array in zip(self._cache, own, strict=True):
            entry = self._step.input(name).reshape(-1, array.shape[3])
            entry[places] = array


class Searches:
    """As many searches of the same programs as threads ask at a time."""

    def __init__(self, made: Programs):
        """Takes what `programs` returns; each search has its own cores."""
        self._made = made
        self._threads = parallel.available_cores() // parallel.searches()
        self._idle: list[Search] = []

    def __call__(
        self, inputs: np.ndarray, limits: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """See `Search`."""
        try:
            search = self._idle.pop()
        except IndexError:
            search = Search(self._made, self._threads)
        found = search(inputs, limits)
        self._idle.append(search)
        return found


def _extended(ids: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """Hypotheses with one id more.

    Args:
      ids: `[active, 2 beams, position]`.
      grown: `[active, 2 beams, 2]`, whom each continues, and the id.
    """
    before = _of_each(ids, grown[:, :, 0])
    return np.concatenate([before, grown[:, :, 1:]], axis=2)


def _of_each(array: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Takes of `[active, n, ...]` by `[active, m]`; see `gather_beams`."""
    return array[np.arange(len(array))[:, None], chosen]
