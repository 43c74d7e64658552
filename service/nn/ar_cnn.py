"""The AR-CNN: an orderless four-voice U-Net.

Music is a grid of cells, one for each voice and 16th. Any subset of the cells may be hidden; in one pass the network
gives, for every cell, the distribution over what stands there, given the visible ones. Trained on uniformly random
subsets it is an orderless NADE (Uria et al. 2014, arXiv:1310.1757), as in Coconet (Huang et al. 2017,
arXiv:1903.07227).

Inside, every 16th is a circle of the 12 pitch classes. All layers treat the pitch classes alike: a convolution over
time is shared by them, and what one pitch class learns of the others depends only on the interval between the two
(a convolution around the circle). What is learnt in C is thereby known in every key, which is worth more than any
number of transposed copies. Octaves, meter and voice states are told beside the circle.

The U-Net (Ronneberger et al. 2015, arXiv:1505.04597) works on 16ths, 8ths and beats. At the beats, self-attention with
rotary positions (Su et al. 2021, arXiv:2104.09864) lets phrases answer each other.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn

VOICES = 4
LOWEST_PITCH, HIGHEST_PITCH = 36, 81
PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
REST = PITCHES  # silence begins
HOLD = PITCHES + 1  # the note or the silence of the 16th before goes on
CLASSES = PITCHES + 2

PITCH_CLASSES = 12
OCTAVES = 4  # from LOWEST_PITCH, a C, up

# What the network is told about a 16th besides its cells: where it stands in the bar, and the ends of the piece.
COMMON_POSITIONS, TRIPLE_POSITIONS = 16, 12
POSITIONS = COMMON_POSITIONS + TRIPLE_POSITIONS
UNKNOWN_POSITION = -1
FIRST, LAST, OUTSIDE = range(3)  # the first and the last 16th of the piece; padding around it
EDGES = 3

STEPS_PER_BEAT = 4  # the U-Net halves time twice, so T is a multiple of this


@dataclass(frozen=True)
class Config:
    """Channels per pitch class and numbers of blocks at 16ths, 8ths (both on the way down and up) and beats."""

    widths: tuple[int, int, int] = (24, 40, 64)
    blocks: tuple[int, int, int] = (1, 2, 3)
    kernel: int = 3  # taps of a convolution over time
    expansion: int = 2  # a block's inner width over its outer
    mixed: int = 8  # channels per pitch class that the other pitch classes see
    told: int = 64  # channels of what does not belong to a pitch class
    heads: int = 8
    dropout: float = 0.1


class TimeConv(nn.Module):
    """A convolution over time, zeros around: (B, T, ..., C_in) to (B, T, ..., C_out).

    Written as one matrix product over the taps side by side, which is faster on CPUs than Conv1d.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int = 1):
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.linear = nn.Linear(kernel * channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        steps, reach = x.shape[1], self.dilation * (self.kernel // 2)
        around = x.new_zeros(x.shape[0], reach, *x.shape[2:])
        padded = torch.cat([around, x, around], dim=1)
        taps = [padded[:, at * self.dilation : at * self.dilation + steps] for at in range(self.kernel)]
        return self.linear(torch.cat(taps, dim=-1))


class PitchClassConv(nn.Module):
    """A convolution around the circle of pitch classes: (B, T, 12, C_in) to (B, T, 12, C_out).

    Narrows to `mixed` channels first; the kernel spans the whole circle, one matrix for each interval.
    """

    interval: Tensor

    def __init__(self, channels_in: int, mixed: int, channels_out: int):
        super().__init__()
        self.narrow = nn.Linear(channels_in, mixed)
        self.by_interval = nn.Parameter(
            torch.randn(PITCH_CLASSES, mixed, channels_out) / (PITCH_CLASSES * mixed) ** 0.5
        )
        each = torch.arange(PITCH_CLASSES)
        self.register_buffer("interval", (each[None, :] - each[:, None]) % PITCH_CLASSES, persistent=False)
        self._kept: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, circle, _ = x.shape
        return (self.narrow(x).flatten(2) @ self._matrix()).view(batch, steps, circle, -1)

    def _matrix(self) -> Tensor:
        """(12 from · mixed, 12 to · C_out); kept while the weights stay as they are, in evaluation mode."""
        if self._kept is not None:
            return self._kept
        matrix = self.by_interval[self.interval].transpose(1, 2).flatten(0, 1).flatten(1)
        if not self.training:
            self._kept = matrix.contiguous()
        return matrix

    def train(self, mode: bool = True) -> "PitchClassConv":
        self._kept = None
        return super().train(mode)


class ChannelDropout(nn.Module):
    """Drops a channel of (B, T, 12, C) everywhere in an example: cheap to draw, and keeps the pitch classes alike."""

    def __init__(self, probability: float):
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        keep = torch.rand(x.shape[0], 1, 1, x.shape[-1], device=x.device) >= self.probability
        return x * (keep.to(x.dtype) / (1 - self.probability))


class Block(nn.Module):
    """x + two layers, the first of them a convolution around the circle and over time."""

    def __init__(self, config: Config, width: int, dilation: int):
        super().__init__()
        inner = config.expansion * width
        self.norm = nn.LayerNorm(width)
        self.time = TimeConv(width, inner, config.kernel, dilation)
        self.pitch_class = PitchClassConv(width, config.mixed, width)
        self.out = nn.Linear(inner, width)
        self.dropout = ChannelDropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        return x + self.out(self.dropout(F.gelu(self.time(normed + self.pitch_class(normed)))))


class Attention(nn.Module):
    """x + self-attention over all times: times match when their whole circles do, so transposing changes nothing."""

    def __init__(self, config: Config, width: int):
        super().__init__()
        self.heads = config.heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = ChannelDropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, circle, width = x.shape
        split = self.query_key_value(self.norm(x)).view(batch, steps, circle, 3, self.heads, width // self.heads)
        query, key, value = split.permute(3, 0, 4, 1, 2, 5).unbind()  # each (B, heads, T, 12, width / heads)
        query, key, value = rotate(query).flatten(3), rotate(key).flatten(3), value.flatten(3)
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(dim=-1)  # (B, heads, T, T)
        mixed = (weights @ value).view(batch, self.heads, steps, circle, width // self.heads)
        return x + self.out(self.dropout(mixed.permute(0, 2, 3, 1, 4).reshape(x.shape)))


def rotate(x: Tensor) -> Tensor:
    """Rotary position embedding of (..., T, 12, even number)."""
    cos, sin = (each.to(x) for each in _rotation(x.shape[-3], x.shape[-1]))
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


@lru_cache(maxsize=32)
def _rotation(steps: int, width: int) -> tuple[Tensor, Tensor]:
    """The cosines and sines of the angles by which a time turns its features: (T, 1, width / 2) each."""
    half = width // 2
    with torch.inference_mode(False):  # so that training may use what inference made
        angle = (torch.arange(steps)[:, None] * 1000.0 ** (-torch.arange(half) / half))[:, None, :]
        return angle.cos(), angle.sin()


class ARCNN(nn.Module):
    """Cells, of which some are hidden, to logits for every cell."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        fine, middle, coarse = config.widths
        fine_blocks, middle_blocks, coarse_blocks = config.blocks

        def stack(width: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(config, width, dilation=1 + index % 2) for index in range(count)))

        self.enter = TimeConv(VOICES * OCTAVES, fine, config.kernel)
        self.tell = nn.Linear(VOICES * (SOUNDS + STATES) + POSITIONS + EDGES, config.told)
        self.tell_all = TimeConv(config.told, fine, config.kernel)
        self.fine_down = stack(fine, fine_blocks)
        self.to_middle = nn.Linear(2 * fine, middle)
        self.middle_down = stack(middle, middle_blocks)
        self.to_coarse = nn.Linear(2 * middle, coarse)
        self.coarse = nn.Sequential()
        for index in range(coarse_blocks):
            self.coarse.append(Attention(config, coarse))
            self.coarse.append(Block(config, coarse, dilation=1 + index % 2))
        self.from_coarse = nn.Linear(coarse, 2 * middle)
        self.middle_up = stack(middle, middle_blocks)
        self.from_middle = nn.Linear(middle, 2 * fine)
        self.fine_up = stack(fine, fine_blocks)
        self.norm = nn.LayerNorm(fine)
        self.leave_pitch = nn.Linear(fine, VOICES * OCTAVES)
        self.leave_all = nn.Linear(2 * fine + config.told, VOICES * CLASSES)

    def forward(self, cells: Tensor, hidden: Tensor, position: Tensor, edges: Tensor) -> Tensor:
        """Logits (B, 4, T, CLASSES). T is a multiple of 4 and step 0 stands on a beat.

        cells: (B, 4, T) classes, of any value where hidden: (B, 4, T) bool is set;
        position: (B, T), below POSITIONS, or UNKNOWN_POSITION; edges: (B, T, EDGES) bool.
        """
        sounds, states = features(cells, hidden)
        told = torch.cat([sounds, states], dim=-1).transpose(1, 2).flatten(2)  # (B, T, 4 * (SOUNDS + STATES))
        places = (position[..., None] == torch.arange(POSITIONS, device=position.device)).float()
        told = F.gelu(self.tell(torch.cat([told, places, edges.float()], dim=-1)))  # (B, T, told)

        fine = self.enter(_circle(sounds)) + self.tell_all(told).unsqueeze(2)  # (B, T, 12, fine)
        fine = self.fine_down(fine)
        middle = self.middle_down(self.to_middle(_pair(fine)))  # (B, T/2, 12, middle)
        coarse = self.coarse(self.to_coarse(_pair(middle)))  # (B, T/4, 12, coarse)
        middle = self.middle_up(middle + _unpair(self.from_coarse(coarse)))
        fine = self.norm(self.fine_up(fine + _unpair(self.from_middle(middle))))

        summary = torch.cat([fine.mean(dim=2), fine.amax(dim=2), told.to(fine.dtype)], dim=-1)
        logits = self.leave_all(summary).unflatten(-1, (VOICES, CLASSES)).transpose(1, 2).float()  # (B, 4, T, CLASSES)
        return logits + F.pad(_line(self.leave_pitch(fine)).float(), (0, CLASSES - PITCHES))


# What is known of a cell: its sounding pitch, or REST; and whether it is a beginning, a hold, or hidden.
SOUNDS = PITCHES + 1
STATES = 3


def features(cells: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """What the visible cells say: the sound (B, 4, T, SOUNDS) and the state (B, 4, T, STATES), one-hot.

    A hold's sound is known when every cell back to its beginning is visible.
    """
    steps = torch.arange(cells.shape[-1], device=cells.device).expand_as(cells)
    begins = (cells != HOLD) & ~hidden
    begun = torch.where(begins, steps, -1).cummax(dim=-1).values
    broken = torch.where(hidden, steps, -1).cummax(dim=-1).values
    known = (begun > broken) & ~hidden
    sounding = cells.gather(-1, begun.clamp(min=0))
    sounds = (sounding[..., None] == torch.arange(SOUNDS, device=cells.device)) & known[..., None]
    states = torch.stack([begins, (cells == HOLD) & ~hidden, hidden], dim=-1)
    return sounds.float(), states.float()


def _circle(sounds: Tensor) -> Tensor:
    """(B, 4, T, SOUNDS) to (B, T, 12, 4 * OCTAVES): each pitch on its pitch class, its voice and octave a channel."""
    pitches = F.pad(sounds[..., :PITCHES], (0, PITCH_CLASSES * OCTAVES - PITCHES))
    return pitches.unflatten(-1, (OCTAVES, PITCH_CLASSES)).permute(0, 2, 4, 1, 3).flatten(3)


def _line(circle: Tensor) -> Tensor:
    """(B, T, 12, 4 * OCTAVES) to (B, 4, T, PITCHES): the inverse of `_circle`."""
    voices = circle.unflatten(-1, (VOICES, OCTAVES)).permute(0, 3, 1, 4, 2)  # (B, 4, T, OCTAVES, 12)
    return voices.flatten(3)[..., :PITCHES]


def _pair(x: Tensor) -> Tensor:
    """(B, T, 12, C) to (B, T/2, 12, 2C): two times become one."""
    return x.unflatten(1, (-1, 2)).transpose(2, 3).flatten(3)


def _unpair(x: Tensor) -> Tensor:
    """(B, T/2, 12, 2C) to (B, T, 12, C): the inverse of `_pair`."""
    return x.unflatten(-1, (2, -1)).transpose(2, 3).flatten(1, 2)


def orderless_loss(logits: Tensor, cells: Tensor, hidden: Tensor) -> Tensor:
    """Each example's mean negative log-likelihood of its hidden cells, in nats: (B,).

    With the number of hidden cells drawn uniformly, its expectation is the joint negative log-likelihood per cell.
    """
    nll = F.cross_entropy(logits.movedim(-1, 1), cells, reduction="none")  # (B, 4, T)
    return (nll * hidden).sum(dim=(1, 2)) / hidden.sum(dim=(1, 2)).clamp(min=1)
