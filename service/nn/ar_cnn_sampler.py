"""Composing with the AR-CNN: music in four voices is changed note by note.

Every iteration is one pass through the network and makes at most one move:

- *add* a note: it begins in an undecided cell and is followed by the holds that the network expects there;
- *remove* an input note that the network finds out of place, given everything else. To be judged a note has to be
  hidden, so each pass hides some of the notes that may be removed, in turn, and adds nothing close to them. Judged is
  the pitch, not the rhythm;
- *restore* a removed note, by adding just that note again. It refunds the removal and is no addition.

The chance of an addition is proportional to p^(SHARPNESS / temperature) for the network's probability p that the note
begins there, that of a removal to (DOUBT / p)^(SHARPNESS / temperature). Moves whose budget is spent have none, nor,
under `rules`, additions that would make two voices go in parallel fifths or octaves. Sampling ends early when no
undecided stretch wants a note. Last, added notes are held over the silence that remains behind them for as long as the
network does not expect something else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.music.chorale_metrics import is_parallel
from service.music.chorales import SILENT
from service.nn.ar_cnn import HOLD, LOWEST_PITCH, PITCHES, VOICES

SHARPNESS = 2.0
DOUBT = 0.01  # an input note of this probability is removed as readily as a certain one is added
REMOVABLE = 0.03  # an input note of this probability or more stays
JUDGED_GROUPS = 8  # each pass judges an eighth of the notes that may be removed
NEAR = 4  # 16ths around a judged note in which nothing is added
WANTED = 0.5  # an undecided stretch is left alone when fewer notes than this are expected in it
HELD = 0.5  # an added note goes on while its hold is at least this probable
HELD_LAST = 0.1  # the same when the iterations are over
REDRAWS = 32  # how often a move is drawn again for the rules' sake before the iteration passes without one


@dataclass(frozen=True)
class Span:
    """A window of the grid that the network sees from `start`; only in `low` to `high` may something move."""

    start: int
    low: int
    high: int


# The hidden cells' classes do not count: log-probabilities (4, high − low, CLASSES) of a span's cells.
Network = Callable[[np.ndarray, np.ndarray, Span], np.ndarray]


@dataclass(frozen=True)
class GridNote:
    """A note in a voice over the 16ths `start` to `end`. `source` numbers the input note that it is, if it is one."""

    voice: int
    start: int
    end: int
    pitch: int
    source: int | None = None
    removable: bool = False


@dataclass(frozen=True)
class Budget:
    """The most that may be done in all."""

    iterations: int
    additions: int
    removals: int


@dataclass(frozen=True)
class Sampled:
    """The notes at the end; `removed` counts the input notes that are not among them."""

    notes: tuple[GridNote, ...]
    iterations: int
    added: int
    removed: int


class Texture:
    """Notes in four voices over `steps` 16ths, also as cells for the network and as sounding pitches."""

    def __init__(self, steps: int):
        self.notes: dict[tuple[int, int], GridNote] = {}  # by voice and start
        self.cells = np.full((VOICES, steps), HOLD)
        self.hidden = np.ones((VOICES, steps), bool)
        self.sounding = np.full((VOICES, steps), SILENT)
        self.growing = np.zeros((VOICES, steps), bool)  # the cells of added notes

    def put(self, note: GridNote) -> None:
        self.notes[note.voice, note.start] = note
        self.cells[note.voice, note.start] = note.pitch - LOWEST_PITCH
        span = slice(note.start, note.end)
        self.hidden[note.voice, span] = False
        self.sounding[note.voice, span] = note.pitch
        self.growing[note.voice, span] = note.source is None

    def take(self, note: GridNote) -> None:
        del self.notes[note.voice, note.start]
        span = slice(note.start, note.end)
        self.cells[note.voice, span] = HOLD
        self.hidden[note.voice, span] = True
        self.sounding[note.voice, span] = SILENT
        self.growing[note.voice, span] = False

    def hold(self, voice: int, step: int) -> None:
        """Lets the note that ends at this step go on for a 16th."""
        start = step - 1
        while (voice, start) not in self.notes:
            start -= 1
        self.put(replace(self.notes[voice, start], end=step + 1))

    def makes_parallels(self, voice: int, start: int, pitch: int) -> bool:
        """Whether a note put there moves in parallel with another voice, into it or out of it; silence is bridged."""
        steps = self.hidden.shape[1]
        following = next((step for step in range(start + 1, steps) if (voice, step) in self.notes), steps)
        moves = [(start, self._bridged(voice, start - 1), pitch)]
        if following < steps:
            moves.append((following, pitch, self._bridged(voice, following)))
        for step, before, after in moves:
            for other in range(VOICES):
                move, others = (before, after), (self._bridged(other, step - 1), self._bridged(other, step))
                upper, lower = (move, others) if voice < other else (others, move)
                if other != voice and SILENT not in (*move, *others) and is_parallel(upper, lower):
                    return True
        return False

    def _bridged(self, voice: int, step: int) -> int:
        """What the voice sounds at a 16th, or last sounded; SILENT before its first note."""
        while step >= 0:
            if self.sounding[voice, step] != SILENT:
                return int(self.sounding[voice, step])
            step -= 1
        return SILENT


def sample(
    network: Network,
    notes: Sequence[GridNote],
    steps: int,
    spans: Sequence[Span],
    budget: Budget,
    temperature: float,
    rng: np.random.Generator,
    rules: bool = True,
) -> Sampled:
    """Changes the notes, at most one in each iteration; the iterations take the spans in turn."""
    return _Run(network, notes, steps, spans, budget, temperature, rng, rules).run()


class _Run:
    def __init__(
        self,
        network: Network,
        notes: Sequence[GridNote],
        steps: int,
        spans: Sequence[Span],
        budget: Budget,
        temperature: float,
        rng: np.random.Generator,
        rules: bool,
    ):
        self.network, self.spans, self.budget, self.rng, self.rules = network, spans, budget, rng, rules
        self.sharpness = SHARPNESS / temperature
        self.texture = Texture(steps)
        for note in notes:
            self.texture.put(note)
        self.gone: dict[tuple[int, int, int], GridNote] = {}  # by voice, start and pitch
        self.suspects = [note for note in notes if note.removable and budget.removals > 0]
        self.added = 0

    def run(self) -> Sampled:
        iterations, idle = 0, 0
        last: dict[Span, np.ndarray] = {}
        while iterations < self.budget.iterations and idle < len(self.spans) * (JUDGED_GROUPS if self.suspects else 1):
            span = self.spans[iterations % len(self.spans)]
            judged = self._judged(iterations // len(self.spans), span)
            logs = last[span] = self._ask(span, judged)
            iterations += 1
            self._hold(span, logs, HELD)
            idle = 0 if self._move(span, logs, judged) else idle + 1
        for span, logs in last.items():
            self._hold(span, logs, HELD_LAST)
        return Sampled(tuple(self.texture.notes.values()), iterations, self.added, len(self.gone))

    def _judged(self, turn: int, span: Span) -> list[GridNote]:
        """The input notes that this pass hides and judges."""
        if len(self.gone) >= self.budget.removals:
            return []
        return [
            note
            for note in self.suspects[turn % JUDGED_GROUPS :: JUDGED_GROUPS]
            if (note.voice, note.start, note.pitch) not in self.gone and span.low <= note.start < span.high
        ]

    def _ask(self, span: Span, judged: Sequence[GridNote]) -> np.ndarray:
        hidden = self.texture.hidden.copy()
        for note in judged:
            hidden[note.voice, note.start : note.end] = True
        return self.network(self.texture.cells, hidden, span)

    def _hold(self, span: Span, logs: np.ndarray, least: float) -> None:
        """Lets added notes go on into undecided cells whose hold is at least this probable."""
        likely = logs[:, :, HOLD] >= np.log(least)
        ours = slice(span.low, span.high)
        while True:
            behind = np.zeros_like(likely)
            behind[:, 1:] = self.texture.growing[:, ours][:, :-1]
            if span.low:
                behind[:, 0] = self.texture.growing[:, span.low - 1]
            found = np.argwhere(behind & self.texture.hidden[:, ours] & likely)
            if not len(found):
                return
            for voice, step in found.tolist():
                self.texture.hold(voice, span.low + step)

    def _move(self, span: Span, logs: np.ndarray, judged: Sequence[GridNote]) -> bool:
        """Makes a move, if there is one; logs: (4, high − low, CLASSES)."""
        additions = self._additions(span, logs, judged)
        removals = np.array([self._removal(span, logs, note) for note in judged])
        weights = np.concatenate([additions.ravel(), removals]) * self.sharpness
        for _ in range(REDRAWS):
            if not np.isfinite(weights).any():
                return False
            chosen = int(self.rng.choice(len(weights), p=_softmax(weights)))
            if chosen >= additions.size:
                self._remove(judged[chosen - additions.size])
                return True
            voice, step, pitch = (int(index) for index in np.unravel_index(chosen, additions.shape))
            if self._add(voice, span.low + step, LOWEST_PITCH + pitch):
                self._hold(span, logs, HELD)
                return True
            weights[chosen] = -np.inf
        return True

    def _additions(self, span: Span, logs: np.ndarray, judged: Sequence[GridNote]) -> np.ndarray:
        """Log-weights of all notes that may be added, before sharpening: (4, high − low, PITCHES), −∞ where none."""
        open_cells = self.texture.hidden[:, span.low : span.high] & self._wanted(span, logs)
        for note in judged:
            open_cells[:, max(note.start - NEAR - span.low, 0) : max(note.end + NEAR - span.low, 0)] = False
        weights = np.where(open_cells[:, :, None], logs[:, :, :PITCHES], -np.inf)
        if self.added >= self.budget.additions:
            weights = np.full_like(weights, -np.inf)
        for (voice, start, pitch), note in self.gone.items():
            if span.low <= start < span.high:
                room = self.texture.hidden[voice, note.start : note.end].all()
                weights[voice, start - span.low, pitch - LOWEST_PITCH] = (
                    logs[voice, start - span.low, pitch - LOWEST_PITCH] if room else -np.inf
                )
        return weights

    def _wanted(self, span: Span, logs: np.ndarray) -> np.ndarray:
        """The undecided cells in stretches where the network expects a note: (4, high − low) bool."""
        hidden = self.texture.hidden[:, span.low : span.high]
        expected = np.exp(logs[:, :, :PITCHES]).sum(axis=-1) * hidden
        wanted = np.zeros_like(hidden)
        for voice in range(VOICES):
            stretch = np.cumsum(np.diff(hidden[voice].astype(int), prepend=0) != 0)
            total = np.bincount(stretch, weights=expected[voice])
            wanted[voice] = hidden[voice] & (total[stretch] >= WANTED)
        return wanted

    def _removal(self, span: Span, logs: np.ndarray, note: GridNote) -> float:
        """The log-weight of removing a judged note, before sharpening."""
        pitches = logs[note.voice, note.start - span.low, :PITCHES]
        log_probability = pitches[note.pitch - LOWEST_PITCH] - np.logaddexp.reduce(pitches)
        return np.log(DOUBT) - log_probability if log_probability < np.log(REMOVABLE) else -np.inf

    def _add(self, voice: int, start: int, pitch: int) -> bool:
        """Adds, or restores, a note of at least a 16th; False when the rules forbid it."""
        if restored := self.gone.get((voice, start, pitch)):
            del self.gone[voice, start, pitch]
            self.texture.put(restored)
            return True
        if self.rules and self.texture.makes_parallels(voice, start, pitch):
            return False
        self.texture.put(GridNote(voice, start, start + 1, pitch))
        self.added += 1
        return True

    def _remove(self, note: GridNote) -> None:
        self.texture.take(note)
        self.gone[note.voice, note.start, note.pitch] = note


def _softmax(weights: np.ndarray) -> np.ndarray:
    """Probabilities from log-weights, of which −∞ means never."""
    powers = np.exp(weights - weights.max())
    return powers / powers.sum()
