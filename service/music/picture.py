"""A score as a picture: a piano roll with a keyboard, bars and beats, a colour a track and a legend, as PNG.

Pillow is loaded when a picture is first drawn. The same score gives the same picture.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from service.music.bars import bar_starts
from service.music.drums import drum_name
from service.music.instruments import instrument_name
from service.music.score import TICKS_PER_BEAT, TICKS_PER_STEP, Note, Score, Track
from service.music.theory import pitch_name

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

Colour = tuple[int, int, int]

_PALETTE: tuple[Colour, ...] = (
    (58, 110, 220),
    (226, 92, 66),
    (38, 154, 110),
    (160, 98, 200),
    (218, 152, 24),
    (32, 158, 190),
    (206, 82, 142),
    (112, 124, 140),
)
_PAPER = (255, 255, 255)
_BLACK_KEY_ROW = (244, 246, 250)
_OCTAVE_LINE = (214, 219, 229)
_BEAT_LINE = (232, 235, 242)
_BAR_LINE = (190, 197, 210)
_INK = (45, 52, 66)
_FAINT_INK = (122, 131, 148)
_KEY_EDGE = (200, 205, 215)
_BLACK_KEY = (60, 66, 80)

_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
_MARGIN = 20
_KEYBOARD = 96
_RULER = 24
_ROW = 9
_DRUM_ROW = 15
_LANE_GAP = 16
_TITLE = 34
_LEGEND = 26
_BEAT_WIDTHS = (10.0, 44.0)  # narrowest and widest, in pixels
_USUAL_WIDTH, _MAX_WIDTH = 1400, 3200
_LEAST_PITCHES = 25
_OVERSAMPLING = 2  # drawn larger and scaled down, for smooth edges


def draw(score: Score, title: str = "") -> bytes:
    """The score as a PNG image. Time runs to the right and pitch upwards; drums have a lane of their own below.

    A softer note is paler. A long score is drawn narrower, 3,200 pixels wide at most.
    """
    from PIL import Image, ImageDraw

    page = _Page(score, title)
    size = (page.width * _OVERSAMPLING, page.height * _OVERSAMPLING)
    image = Image.new("RGB", size, _PAPER)
    _Painter(page, ImageDraw.Draw(image)).paint()
    file = io.BytesIO()
    image.resize((page.width, page.height), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class _Page:
    """Where everything lies, in pixels. All arithmetic between ticks or pitches and pixels is here."""

    score: Score
    title: str

    @cached_property
    def pitched(self) -> list[tuple[int, Track]]:
        return [(index, track) for index, track in enumerate(self.score.tracks) if not track.is_drum]

    @cached_property
    def drums(self) -> list[tuple[int, Track]]:
        return [(index, track) for index, track in enumerate(self.score.tracks) if track.is_drum]

    @cached_property
    def pitches(self) -> range:
        """The pitches shown: those used and some air, two octaves at least."""
        used = [note.pitch for _, track in self.pitched for note in track.notes] or [60, 72]
        low, high = min(used) - 2, max(used) + 2
        lacking = max(_LEAST_PITCHES - (high - low + 1), 0)
        low, high = low - lacking // 2, high + (lacking + 1) // 2
        return range(max(low, 0), min(high, 127) + 1)

    @cached_property
    def drum_keys(self) -> list[int]:
        """The drums shown, highest first."""
        return sorted({note.pitch for _, track in self.drums for note in track.notes}, reverse=True)

    @cached_property
    def bars(self) -> list[int]:
        """The ticks of all bar lines, the one after the last bar too."""
        starts = bar_starts(self.score).tolist() or [0]
        return [*starts, max(starts[-1] + self.score.meters[-1].ticks_per_bar, self.score.end)]

    @cached_property
    def pixels_per_tick(self) -> float:
        beats = self.bars[-1] / TICKS_PER_BEAT
        narrowest, widest = _BEAT_WIDTHS
        wanted = min(max((_USUAL_WIDTH - self.left - _MARGIN) / beats, narrowest), widest)
        return min(wanted, (_MAX_WIDTH - self.left - _MARGIN) / beats) / TICKS_PER_BEAT

    @property
    def left(self) -> int:
        return _MARGIN + _KEYBOARD

    @property
    def top(self) -> int:
        return _MARGIN + _TITLE + _RULER

    @cached_property
    def right(self) -> int:
        return max(round(self.x(self.bars[-1])), self.left + 300)

    @property
    def roll_bottom(self) -> int:
        return self.top + _ROW * len(self.pitches)

    @property
    def drum_top(self) -> int:
        return self.roll_bottom + _LANE_GAP

    @property
    def bottom(self) -> int:
        return self.drum_top + _DRUM_ROW * len(self.drum_keys) if self.drum_keys else self.roll_bottom

    @property
    def width(self) -> int:
        return self.right + _MARGIN

    @property
    def height(self) -> int:
        return self.bottom + _LANE_GAP + _LEGEND * self.legend_rows + _MARGIN

    @cached_property
    def legend_columns(self) -> int:
        return max((self.right - _MARGIN) // 240, 1)

    @property
    def legend_rows(self) -> int:
        return -(-len(self.score.tracks) // self.legend_columns)

    def x(self, tick: int) -> float:
        return self.left + tick * self.pixels_per_tick

    def y(self, pitch: int) -> int:
        """The upper edge of a pitch's row."""
        return self.top + (self.pitches[-1] - pitch) * _ROW

    def drum_y(self, key: int) -> int:
        return self.drum_top + self.drum_keys.index(key) * _DRUM_ROW

    def beats(self) -> Iterator[int]:
        """The ticks of the beats within bars, if there is room to show them."""
        if TICKS_PER_BEAT * self.pixels_per_tick < _BEAT_WIDTHS[0] / 2:
            return
        for start, end in zip(self.bars, self.bars[1:], strict=False):
            yield from range(start + TICKS_PER_BEAT, end, TICKS_PER_BEAT)


class _Painter:
    """Paints a page, scaled by the oversampling."""

    def __init__(self, page: _Page, canvas: ImageDraw.ImageDraw) -> None:
        self.page = page
        self.canvas = canvas
        self.fonts: dict[int, Font] = {}

    def paint(self) -> None:
        self.paint_title()
        self.paint_rows()
        self.paint_time_grid()
        self.paint_keyboard()
        self.paint_drum_names()
        for index, track in self.page.pitched:
            for note in track.notes:
                self.paint_note(note, index)
        for index, track in self.page.drums:
            for note in track.notes:
                self.paint_hit(note, index)
        self.paint_legend()

    def paint_title(self) -> None:
        page, score = self.page, self.page.score
        self.text(_MARGIN, _MARGIN + 8, page.title or "Untitled", 20, _INK)
        minutes, seconds = divmod(round(score.seconds), 60)
        meter = score.meters[0]
        facts = f"{len(page.bars) - 1} bars of {meter.numerator}/{meter.denominator}   {score.tempos[0].bpm:g} bpm   "
        facts += f"{minutes}:{seconds:02d}   {score.note_count:,} notes"
        self.text(page.right, _MARGIN + 9, facts, 13, _FAINT_INK, anchor="rm")

    def paint_rows(self) -> None:
        page = self.page
        for pitch in page.pitches:
            if pitch % 12 in _BLACK_KEYS:
                self.box(page.left, page.y(pitch), page.right, page.y(pitch) + _ROW, _BLACK_KEY_ROW)
            if pitch % 12 == 0:
                self.line(page.left, page.y(pitch) + _ROW, page.right, page.y(pitch) + _ROW, _OCTAVE_LINE)
        for key in page.drum_keys[::2]:
            self.box(page.left, page.drum_y(key), page.right, page.drum_y(key) + _DRUM_ROW, _BLACK_KEY_ROW)

    def paint_time_grid(self) -> None:
        page = self.page
        for tick in page.beats():
            self.vertical(tick, _BEAT_LINE)
        spacing = (page.right - page.left) / (len(page.bars) - 1)
        every = next(step for step in (1, 2, 4, 8, 16, 32, 64, 128, 10**9) if spacing * step >= 30)
        for number, tick in enumerate(page.bars):
            if number % every == 0 or number == len(page.bars) - 1:
                self.vertical(tick, _BAR_LINE)
            if number % every == 0 and number < len(page.bars) - 1:
                self.text(page.x(tick) + 3, page.top - 10, str(number + 1), 12, _FAINT_INK)
        self.line(page.left, page.top, page.right, page.top, _BAR_LINE)
        self.line(page.left, page.roll_bottom, page.right, page.roll_bottom, _BAR_LINE)

    def paint_keyboard(self) -> None:
        page = self.page
        self.box(page.left - 40, page.top, page.left, page.roll_bottom, _PAPER, outline=_KEY_EDGE)
        for pitch in page.pitches:
            y = page.y(pitch)
            if pitch % 12 in _BLACK_KEYS:
                self.box(page.left - 40, y + 1, page.left - 15, y + _ROW - 1, _BLACK_KEY)
                self.line(page.left - 15, y + _ROW / 2, page.left, y + _ROW / 2, _KEY_EDGE)
            elif pitch % 12 in (0, 5):  # no black key parts these from the white key below
                self.line(page.left - 40, y + _ROW, page.left, y + _ROW, _KEY_EDGE)
            if pitch % 12 == 0:
                self.text(page.left - 47, y + _ROW / 2, pitch_name(pitch), 12, _INK, anchor="rm")

    def paint_drum_names(self) -> None:
        page = self.page
        for key in page.drum_keys:
            self.text(page.left - 6, page.drum_y(key) + _DRUM_ROW / 2, drum_name(key), 10, _INK, anchor="rm")

    def paint_note(self, note: Note, track: int) -> None:
        page = self.page
        x0, x1 = page.x(note.start), page.x(note.end)
        x1 = max(x1 - 1, x0 + 1.5)  # a gap keeps repeated notes apart
        y = page.y(note.pitch)
        colour = _colour(track)
        box = self.scaled(x0 + 0.5, y + 0.5, x1, y + _ROW - 0.5)
        self.canvas.rounded_rectangle(
            box,
            radius=min(2.5, (x1 - x0) / 3) * _OVERSAMPLING,
            fill=_paler(colour, note.velocity),
            outline=_dark(colour),
        )

    def paint_hit(self, note: Note, track: int) -> None:
        page = self.page
        x, y = page.x(note.start), page.drum_y(note.pitch) + _DRUM_ROW / 2
        radius = min(_DRUM_ROW / 2 - 2.5, max(TICKS_PER_STEP * page.pixels_per_tick * 0.6, 2.0))
        colour = _colour(track)
        diamond = [(x, y), (x + radius, y - radius), (x + 2 * radius, y), (x + radius, y + radius)]
        points = [(px * _OVERSAMPLING, py * _OVERSAMPLING) for px, py in diamond]
        self.canvas.polygon(points, fill=_paler(colour, note.velocity), outline=_dark(colour))

    def paint_legend(self) -> None:
        page = self.page
        column_width = (page.right - _MARGIN) / page.legend_columns
        for index, track in enumerate(page.score.tracks):
            row, column = divmod(index, page.legend_columns)
            x = _MARGIN + column * column_width
            y = page.bottom + _LANE_GAP + row * _LEGEND + _LEGEND / 2
            self.canvas.rounded_rectangle(
                self.scaled(x, y - 6, x + 18, y + 6), radius=3 * _OVERSAMPLING, fill=_colour(index)
            )
            self.text(x + 26, y, self.fitted(_label(track), column_width - 36, 13), 13, _INK)

    def fitted(self, text: str, width: float, size: int) -> str:
        """The text, shortened where it would be wider than `width`."""
        font = self.font(size)
        if font.getlength(text) <= width * _OVERSAMPLING:
            return text
        while text and font.getlength(text + "…") > width * _OVERSAMPLING:
            text = text[:-1]
        return text + "…"

    def vertical(self, tick: int, colour: Colour) -> None:
        page = self.page
        self.line(page.x(tick), page.top, page.x(tick), page.roll_bottom, colour)
        if page.drum_keys:
            self.line(page.x(tick), page.drum_top, page.x(tick), page.bottom, colour)

    def scaled(self, *coordinates: float) -> list[float]:
        return [coordinate * _OVERSAMPLING for coordinate in coordinates]

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, outline: Colour | None = None) -> None:
        self.canvas.rectangle(self.scaled(x0, y0, x1, y1), fill=fill, outline=outline, width=_OVERSAMPLING)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.canvas.line(self.scaled(x0, y0, x1, y1), fill=colour, width=_OVERSAMPLING)

    def text(self, x: float, y: float, text: str, size: int, colour: Colour, anchor: str = "lm") -> None:
        self.canvas.text((x * _OVERSAMPLING, y * _OVERSAMPLING), text, colour, self.font(size), anchor=anchor)

    def font(self, size: int) -> Font:
        from PIL import ImageFont

        if size not in self.fonts:
            self.fonts[size] = ImageFont.load_default(size * _OVERSAMPLING)
        return self.fonts[size]


def _label(track: Track) -> str:
    instrument = instrument_name(track.program, track.is_drum)
    return instrument if track.name.casefold() in ("", instrument.casefold()) else f"{track.name} · {instrument}"


def _colour(track: int) -> Colour:
    return _PALETTE[track % len(_PALETTE)]


def _paler(colour: Colour, velocity: int) -> Colour:
    strength = 0.45 + 0.55 * velocity / 127
    red, green, blue = (round(255 - (255 - part) * strength) for part in colour)
    return red, green, blue


def _dark(colour: Colour) -> Colour:
    red, green, blue = (round(part * 0.7) for part in colour)
    return red, green, blue
