"""A network in space and time: it watches the first frames of a film, hears a word, and films on."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL = 2  # pixels of the side of a cell, which the network sees as one place
REACH = 2  # pixels from which what is seen may come in one frame


class Filmer(nn.Module):
    """Frames and a word → what it takes each frame to be followed by, and then its own film.

    frames: (B, T, side, side) in [0, 1], T ≥ 1; word: (B,) int64 below `words`. `ahead`: how many frames it films by itself.
    → (B, T - 1 + ahead, side, side): the frames from the second on, of which the last `ahead` are made without seeing any. So
    the T - 1 before them teach it to watch, and those after to remember and to dream.

    It keeps a map of what is where and how it moves, 2×2 pixels a place, which each frame renews by convolutions with gates
    (ConvGRU; Ballas et al. 2016, arXiv:1511.06432); nothing that comes later is seen. From the map it says of each pixel from
    which pixels around it in the frame before it comes (dynamic filters; De Brabandere et al. 2016, arXiv:1605.09673), and what is
    new. At its edges the map goes on at the other side, as a round world does; where the edges are it is told, for worlds that end.
    """

    def __init__(self, words: int, side: int = 16, ahead: int = 8, width: int = 64) -> None:
        super().__init__()
        if side % CELL or ahead < 1:
            raise ValueError(f"the side must be a multiple of {CELL} and ahead 1 or more, got {side} and {ahead}")
        self.words, self.side, self.ahead, self.width = words, side, ahead, width
        self.says = nn.Embedding(words, width)
        self.stem = Around(2 * CELL**2 + 4, width, 3)
        self.renew = Around(2 * width, 2 * width, 3)
        self.mix = nn.Conv2d(width, 2 * width, 1)
        self.unmix = nn.Conv2d(2 * width, width, 1)
        self.head = nn.Conv2d(width, CELL**2 * ((2 * REACH + 1) ** 2 + 1), 1)
        nn.init.normal_(self.head.weight, std=1e-3)  # at first it says that all stays where it is
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        place = torch.arange(side // CELL) * (CELL / side) * 2 * torch.pi
        waves = torch.stack([place.sin(), place.cos()])  # (2, side / CELL): no jump where the map goes on at the other side
        across, down = waves[:, None, :].expand(-1, side // CELL, -1), waves[:, :, None].expand(-1, -1, side // CELL)
        self.where: Tensor
        self.register_buffer("where", torch.cat([across, down]), persistent=False)  # (4, side / CELL, side / CELL)

    def forward(self, frames: Tensor, word: Tensor) -> Tensor:
        """(B, T, side, side), (B,) → (B, T - 1 + ahead, side, side)."""
        return self.film(frames, word, self.ahead)

    def film(self, frames: Tensor, word: Tensor, ahead: int) -> Tensor:
        """As `forward`, with another number of frames ahead. Raises: ValueError if what it is given are no frames."""
        if frames.ndim != 4 or not frames.shape[1] or frames.shape[2:] != (self.side, self.side):
            raise ValueError(
                f"frames have the shape {tuple(frames.shape)}; expected (clips, frames, {self.side}, {self.side}) with a frame "
                "or more to begin from"
            )
        heard = self.says(word)[:, :, None, None]  # (B, width, 1, 1)
        where = self.where.expand(len(frames), -1, -1, -1)
        state = torch.tanh(heard).expand(-1, -1, *self.where.shape[1:])  # (B, width, side / 2, side / 2)
        said: list[Tensor] = []
        seen = frames.shape[1]
        before = frames[:, 0]
        for number in range(seen + ahead - 1):
            frame = frames[:, number] if number < seen else said[-1]
            moved = torch.stack([2 * frame - 1, 4 * (frame - before)], 1)  # (B, 2, side, side): what is there, and what changed
            cells = F.pixel_unshuffle(moved, CELL)  # (B, 8, side / 2, side / 2)
            state = self._renewed(state, F.silu(self.stem(torch.cat([cells, where], 1)) + heard))
            before = frame
            said.append(frame + self._change(frame, F.pixel_shuffle(self.head(state), CELL)))
        return torch.stack(said, 1)

    def _renewed(self, state: Tensor, news: Tensor) -> Tensor:
        """The map after a frame. (B, width, h, w) twice → the same."""
        keep, fresh = self.renew(torch.cat([state, news], 1)).chunk(2, dim=1)
        state = torch.lerp(torch.tanh(fresh), state, torch.sigmoid(keep))
        return state + self.unmix(F.silu(self.mix(state)))


    def _change(self, frame: Tensor, said: Tensor) -> Tensor:
        """What becomes of a frame. frame: (B, side, side); said: (B, filter + 1, side, side) → (B, side, side)."""
        padded = F.pad(frame[:, None], [REACH] * 4, mode="circular")
        around = F.unfold(padded, 2 * REACH + 1).view(len(frame), -1, self.side, self.side)  # (B, filter, side, side)
        return (around * said[:, :-1]).sum(1) + said[:, -1]


class Around(nn.Conv2d):
    """A convolution of a map that goes on at its other side."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2, padding_mode="circular")


@torch.no_grad()
def film(model: Filmer, frames: Tensor, word: Tensor, count: int = 8) -> Tensor:
    """How films go on: (N, count, side, side) in [0, 1].

    frames: (N, T, side, side) in [0, 1], how they begin, T ≥ 1; word: (N,) int64, numbers of words.

    Raises: ValueError if there is no frame to begin from, a shape is wrong, a frame is not in [0, 1] or NaN, a word does not
    exist, or count is below 1.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"count must be a whole number of frames, 1 or more; got {count!r}")
    if frames.ndim == 4 and not frames.shape[1]:
        raise ValueError("there is no frame to begin from: give at least one, better two, as one does not show how things move")
    if not bool(((frames >= 0) & (frames <= 1)).all()):
        raise ValueError("frames must be numbers from 0 to 1; some are NaN or outside")
    if word.shape != frames.shape[:1] or word.is_floating_point():
        raise ValueError(f"word is {word.dtype} {tuple(word.shape)}; expected int64 {tuple(frames.shape[:1])}, one for each film")
    if word.numel() and not 0 <= int(word.min()) <= int(word.max()) < model.words:
        raise ValueError(f"the words run from {int(word.min())} to {int(word.max())}; the model knows 0 to {model.words - 1}")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        return model.film(frames.to(device), word.to(device), count)[:, -count:].clamp(0, 1).cpu()
    finally:
        model.train(was_training)
