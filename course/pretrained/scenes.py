"""Recipes of what reads, tells and draws captioned scenes."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.applications.clip import CLIP, clip, clip_loss
from course.applications.control import Control, controlled, edge_agreement, edges
from course.applications.reading import agreement, read, reader_loss, scene_reader
from course.applications.text_to_image import SIGMA_DATA, sample, shipped, text_to_image
from course.data.captions import captions, parse, tokenize
from course.data.rendering import render, settled
from course.data.scenes import LENGTH, WORDS, Scenes, canonical, draw_scenes, recoloured, select, swapped
from course.matching import edm_loss
from course.networks.classifier import jitter
from course.networks.text import BagOfWords
from course.pretrained.recipe import Recipe
from course.tensors import randn_like

SOURCE = "Captioned scenes 32 × 32, drawn from the package's 10,000 training digits and four shapes"
NOISE_MEAN, NOISE_STD = 0.8, 1.1
"""Of log σ, in training text to image."""


def _bytes(pictures: Tensor) -> Tensor:
    """Pictures in [−1, 1] as whole numbers, a quarter of the memory."""
    return (127.5 * (pictures + 1)).round().to(torch.uint8)


def _pictures(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def _rendered(scenes: Scenes, generator: torch.Generator, strokes: str, grid: int = 1) -> Tensor:
    """Pictures as whole numbers, some thousands at a time."""
    parts = torch.arange(len(scenes.relation)).split(4000)
    return torch.cat([_bytes(render(select(scenes, part), generator, strokes, grid)) for part in parts])


def _mixed(n: int, generator: torch.Generator, *splits: str, **shares: float) -> Scenes:
    """n scenes of each of the splits."""
    return Scenes(*map(torch.cat, zip(*(draw_scenes(n, generator, split, **shares) for split in splits))))


# -- the reader --------------------------------------------------------------------------------------------------------


def _readable(n: int, strokes: str, seed: int, *splits: str) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    scenes = canonical(settled(_mixed(n, generator, *splits), generator))
    return (_rendered(scenes, generator, strokes), *scenes)


def _reader_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Cross-entropy of all attributes of pictures that are moved and turned a little, under a little noise."""
    pictures = jitter(_pictures(batch[0]), generator, shift=0.06, turn=0.15, stretch=0.1)
    amount = 0.15 * torch.rand(len(pictures), 1, 1, 1, generator=generator, device=pictures.device)
    return reader_loss(model, pictures + amount * randn_like(pictures, generator), Scenes(*batch[1:]))


def _reader_quality(model: Any, pixels: Tensor, *fields: Tensor) -> dict[str, float]:
    return agreement(read(_pictures(pixels), model), Scenes(*fields))


# -- CLIP --------------------------------------------------------------------------------------------------------------


def _pairs(n: int, strokes: str, seed: int, split: str) -> tuple[Tensor, ...]:
    """n scenes and n others of the same words where there are two things: pictures, their tokens, and the others'."""
    generator = torch.Generator().manual_seed(seed)
    scenes = draw_scenes(n, generator, split, single=0.1)
    colours = (torch.rand(n, generator=generator) < 0.5)[:, None]
    crossed, turned = recoloured(scenes), swapped(scenes)
    others = Scenes(*(torch.where(colours if a.ndim > 1 else colours[:, 0], a, b) for a, b in zip(crossed, turned)))
    told = [tokenize(captions(some))[0] for some in (scenes, others)]
    return _rendered(scenes, generator, strokes), told[0], _rendered(others, generator, strokes), told[1]


def _clip_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """Half a batch of scenes, and half of the same words in another order, in one."""
    pixels, tokens = torch.cat(batch[0::2]), torch.cat(batch[1::2])
    image, text = model(_pictures(pixels), tokens, tokens != 0)
    return clip_loss(image.float(), text.float(), model.temperature)


def _clip_quality(model: Any, *test: Tensor) -> dict[str, float]:
    return _retrieval(model.image, model.text, *test)


def _retrieval(image: nn.Module, text: nn.Module, *test: Tensor) -> dict[str, float]:
    """How often the right one of 64 captions, and of a caption and its twin of the same words, is nearest."""
    pictures, tokens, _, others = (_pictures(t) if t.dtype is torch.uint8 else t for t in test)
    u = torch.cat([F.normalize(image(some), dim=1) for some in pictures.split(256)])
    v, w = (F.normalize(text(told, told != 0)[1], dim=1) for told in (tokens, others))
    rounds = len(u) // 64
    near = torch.einsum("rie,rje->rij", *(a[: 64 * rounds].reshape(rounds, 64, -1) for a in (u, v)))
    own = near.diagonal(dim1=1, dim2=2)
    same = (tokens[: 64 * rounds].reshape(rounds, 64, 1, -1) == tokens[: 64 * rounds].reshape(rounds, 1, 64, -1)).all(3)
    right = (near.masked_fill(same, -2).amax(2) < own).float().mean().item()
    twins = (tokens != others).any(1)
    ours, theirs = (u * v).sum(1)[twins], (u * w).sum(1)[twins]
    told_apart = ((ours > theirs).float() + 0.5 * (ours == theirs).float()).mean().item()
    return {"retrieval_among_64": right, "told_from_its_twin": told_apart}


def _bag_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """The bag of words beside the frozen image encoder of ``clip``, by the same loss."""
    pixels, tokens = torch.cat(batch[0::2]), torch.cat(batch[1::2])
    with torch.no_grad():
        image = clip().to(tokens.device).image(_pictures(pixels))
    return clip_loss(image.float(), model(tokens, tokens != 0)[1].float(), clip().temperature)


def _bag_quality(model: Any, *test: Tensor) -> dict[str, float]:
    return _retrieval(clip().image, model, *test)


# -- text to image -----------------------------------------------------------------------------------------------------


def _captioned(n: int, strokes: str, seed: int, *splits: str) -> tuple[Tensor, Tensor]:
    """Pictures, and the tokens of their captions."""
    generator = torch.Generator().manual_seed(seed)
    scenes = _mixed(n, generator, *splits)
    return _rendered(scenes, generator, strokes, grid=4), tokenize(captions(scenes))[0]


def _text_to_image_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """The loss of the denoiser, told the caption nine times in ten, and no word of it otherwise."""
    pixels, tokens = batch
    words_follow = torch.arange(LENGTH, device=tokens.device) > 0
    dropped = torch.rand(len(tokens), 1, generator=generator, device=tokens.device) < 0.1
    tokens = torch.where(dropped & words_follow, 0, tokens)
    with torch.no_grad(), torch.autocast(tokens.device.type, enabled=False):
        words, vectors = clip().to(tokens.device).text(tokens, tokens != 0)
    given = (words, tokens != 0) if model.network.by_words else (vectors,)
    noise = {"sigma_data": SIGMA_DATA, "mean": NOISE_MEAN, "std": NOISE_STD}
    return edm_loss(model, _pictures(pixels), generator, *given, **noise, left=_left)


def _left(sigma: Tensor) -> Tensor:
    """The loss that is left at σ, read off a trained network.

    At large σ most of it is where things are, which nobody can know; undivided, its gradients drown those of what
    things look like.
    """
    return 0.1 + 3.6 * sigma / (sigma + 6)


def _text_to_image_quality(model: Any, pixels: Tensor, tokens: Tensor) -> dict[str, float]:
    """The loss, and what the reader finds right in samples of the first 128 captions of either half."""
    generator = torch.Generator().manual_seed(1)
    quality = {"test_loss": _text_to_image_loss(model, (pixels[:512], tokens[:512]), generator).item()}
    for name, some in zip(("seen", "held_out"), tokens.chunk(2)):
        told = _told(some[:128])
        wanted = Scenes(*map(torch.cat, zip(*map(parse, told))))
        for scale in (1, 2, 4):
            found = agreement(read(sample(told, float(scale), generator, model=model)), wanted)
            quality[f"attributes_{name}_at_{scale}"] = found["attributes"]
    return quality


def _told(tokens: Tensor) -> list[str]:
    """Captions of tokens."""
    return [" ".join(WORDS[i] for i in row[1:] if i) for row in tokens.tolist()]


# -- edges and text ----------------------------------------------------------------------------------------------------


def _edges_loss(model: Any, batch: Any, generator: torch.Generator) -> Tensor:
    """The loss of the frozen denoiser with the branch beside it, told a picture's edges, and its caption as above."""
    pictures = _pictures(batch[0])
    base = shipped().to(pictures.device)
    return _text_to_image_loss(controlled(base, model, edges(pictures)), batch, generator)


def _edges_quality(model: Any, pixels: Tensor, tokens: Tensor) -> dict[str, float]:
    """The loss, and how far samples of the first 128 test captions have the edges they were to have."""
    generator = torch.Generator().manual_seed(1)
    quality = {"test_loss": _edges_loss(model, (pixels[:512], tokens[:512]), generator).item()}
    lines = edges(_pictures(pixels[:128]))
    both = controlled(shipped(), model, lines)
    found = edges(sample(_told(tokens[:128]), 2.0, generator, model=both))
    return quality | {"edges_agree": edge_agreement(found, lines).mean().item()}


_of_pairs = partial(
    Recipe,
    data=lambda: _pairs(30_000, "train", 2, "train"),
    test=lambda: _pairs(2048, "test", 3, "test"),
    source=SOURCE,
)
_of_captioned = partial(
    Recipe,
    data=lambda: _captioned(60_000, "train", 4, "train"),
    test=lambda: _captioned(512, "test", 5, "test", "held_out"),
    source=SOURCE,
)

RECIPES: dict[str, Recipe] = {
    "reader": Recipe(
        "Kinds, colours, sizes and the relation of the things in a picture, the upper or left one first",
        scene_reader,
        _reader_loss,
        _reader_quality,
        4000,
        96,
        data=lambda: _readable(30_000, "train", 0, "train", "held_out"),
        test=lambda: _readable(2000, "test", 1, "test", "held_out"),
        source=SOURCE,
    ),
    "clip": _of_pairs(
        "Pictures and captions as vectors of 64 numbers, near where they belong together",
        CLIP,
        _clip_loss,
        _clip_quality,
        5000,
        64,
    ),
    "bag_of_words": _of_pairs(
        "Captions as vectors near those of clip's pictures, whatever the order of their words",
        lambda: BagOfWords(len(WORDS)),
        _bag_loss,
        _bag_quality,
        2000,
        64,
    ),
    "text_to_image": _of_captioned(
        "D(x, σ, words, mask), the denoiser of scenes, told the words of a caption by the frozen encoder of clip",
        text_to_image,
        _text_to_image_loss,
        _text_to_image_quality,
        20_000,
    ),
    "text_to_image_vector": _of_captioned(
        "D(x, σ, vector), the denoiser of scenes, told a caption as one vector by the frozen encoder of clip",
        lambda: text_to_image(by_words=False),
        _text_to_image_loss,
        _text_to_image_quality,
        20_000,
    ),
    "edges": _of_captioned(
        "What to add to text_to_image, (x, t, edges, words, mask) → tensors, so that pictures have these edges",
        lambda: Control(shipped().network),
        _edges_loss,
        _edges_quality,
        5000,
    ),
}
