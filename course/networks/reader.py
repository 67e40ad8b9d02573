"""A reader of pictures with one or two things: it looks for each, and names what it sees there."""

import torch
from torch import Tensor, nn

from course.tensors import check_takes, one_dtype


class SceneReader(nn.Module):
    """Logits of all attributes of a picture, the upper or left thing first.

    Two maps of attention are laid over features at a quarter of the picture's size, one for each thing; what each map
    gathers is read by the same layers, and the relation from both and from where they lie.

    Args:
        kinds, colours, sizes, relations: how many there are. One more kind says that there is no second thing, and one
            more relation that there is none.
        width: channels of the first convolution.

    Shape: (B, 3, 32, 32) → kind (B, 2, kinds + 1), colour (B, 2, colours), size (B, 2, sizes), relation
    (B, relations + 1).
    """

    place: Tensor

    def __init__(self, kinds: int, colours: int, sizes: int, relations: int, width: int = 48):
        super().__init__()
        self.split = [kinds + 1, colours, sizes]
        wide = 2 * width
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            _layer(12, width),
            _layer(width, width),
            nn.MaxPool2d(2),
            _layer(width, wide),
        )
        axis = torch.linspace(-1, 1, 8)
        self.register_buffer("place", torch.stack(torch.meshgrid(axis, axis, indexing="ij")), persistent=False)
        self.deep = nn.Sequential(_layer(wide + 2, wide), _layer(wide, wide))
        self.look = nn.Conv2d(wide, 2, 1)
        self.name = nn.Sequential(nn.Linear(wide, wide), nn.SiLU(), nn.Linear(wide, sum(self.split)))
        self.relate = nn.Sequential(nn.Linear(2 * wide + 4, wide), nn.SiLU(), nn.Linear(wide, relations + 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        check_takes("This reader takes pictures", x, 3, 32, 32)
        one_dtype(weights=self.look.weight, x=x)
        h = self.body(x)
        h = self.deep(torch.cat([h, self.place.expand(len(h), -1, -1, -1)], 1))
        map_ = self.look(h).flatten(2).softmax(2)
        seen = map_ @ h.flatten(2).mT
        where = map_ @ self.place.flatten(1).T
        kind, colour, size = self.name(seen).split(self.split, dim=2)
        return kind, colour, size, self.relate(torch.cat([seen.flatten(1), where.flatten(1)], 1))


def _layer(fan_in: int, fan_out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.GroupNorm(8, fan_out), nn.SiLU())
