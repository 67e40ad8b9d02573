"""An independent judge of pictures: a network that reads all attributes, and what it says beside what was asked for.

It is trained on real scenes of all splits, and has nothing in common with the encoders or the models that it judges.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from course.data.scenes import COLOURS, KINDS, NONE, RELATIONS, SIZES, Scenes, canonical, check_scenes
from course.networks.reader import SceneReader
from course.tensors import check_images, check_real

ATTRIBUTES = ("kind", "colour", "size", "relation")


def scene_reader() -> SceneReader:
    """The network, untrained: 14 kinds, 8 colours, 2 sizes, "above" and "left of"."""
    return SceneReader(len(KINDS), len(COLOURS), len(SIZES), len(RELATIONS) // 2)


def reader_loss(model: SceneReader, pictures: Tensor, scenes: Scenes) -> Tensor:
    """The mean cross-entropy of the attributes of canonical scenes whose sizes are decided; in nats.

    Raises:
        ValueError: if there are not as many scenes as pictures, or they are not canonical or have open sizes.
    """
    check_scenes(scenes)
    check_images(pictures=pictures)
    if len(pictures) != len(scenes.relation):
        raise ValueError(f"Expected one scene per picture; got {len(scenes.relation)} for {len(pictures)}.")
    if (scenes.relation >= len(RELATIONS) // 2).any() or ((scenes.size == NONE) & (scenes.kind != NONE)).any():
        raise ValueError(
            "A reader learns canonical scenes of decided sizes: try `canonical(settled(scenes, generator))`."
        )
    kind, colour, size, relation = model(pictures)
    there = torch.where(scenes.kind == NONE, len(KINDS), scenes.kind)
    single = torch.where(scenes.relation == NONE, len(RELATIONS) // 2, scenes.relation)
    named = F.cross_entropy(kind.flatten(0, 1), there.flatten())
    for logits, wanted in ((colour, scenes.colour), (size, scenes.size)):
        named = named + F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=NONE)
    return 0.5 * named + 0.5 * F.cross_entropy(relation, single)


@torch.no_grad()
def read(pictures: Tensor, model: SceneReader | None = None) -> Scenes:
    """The most probable attributes of pictures, told from the upper or left thing; shape (N, 3, 32, 32).

    Args:
        pictures: in [−1, 1].
        model: the reader that ships, where None.
    """
    check_real(pictures=pictures)
    parts = [(model or _reader())(some) for some in pictures.clamp(-1, 1).split(256)]
    kind, colour, size, relation = (torch.cat(logits).argmax(-1) for logits in zip(*parts))
    single = relation == len(RELATIONS) // 2
    nothing = torch.stack([torch.zeros_like(single), single | (kind[:, 1] == len(KINDS))], 1)
    kind = torch.where(nothing, NONE, kind.clamp(max=len(KINDS) - 1))
    colour, size = (torch.where(nothing, NONE, field) for field in (colour, size))
    return Scenes(kind, colour, size, torch.where(nothing[:, 1], NONE, relation))


@cache
def _reader() -> SceneReader:
    from course.pretrained import load

    return load("reader")


def agreement(found: Scenes, wanted: Scenes) -> dict[str, float]:
    """The share of what was asked for that is there, and what is mixed up.

    Args:
        found: what was read, told from the upper or left thing.
        wanted: what captions say, told from either; a size that is left open is not asked for.

    Returns:
        "kind", "colour", "size" and "relation": the share of the asked ones that are right, thing by thing in canonical
        order; "attributes": of all of them together; "scenes": of scenes with all attributes right. Among scenes of two
        things, "colours swapped": of those with two colours, where each thing has the other's; "things swapped": of
        those with two different things, where each is in the other's place.
    """
    check_scenes(found)
    wanted = canonical(wanted)
    if len(found.relation) != len(wanted.relation):
        raise ValueError(f"Expected as many scenes found as wanted; got {len(found.relation)}, {len(wanted.relation)}.")
    right = {name: getattr(found, name) == getattr(wanted, name) for name in ATTRIBUTES}
    asked = {name: getattr(wanted, name) != NONE for name in ATTRIBUTES}
    hits = {name: (right[name] & asked[name]).sum().item() for name in ATTRIBUTES}
    counts = {name: asked[name].sum().item() for name in ATTRIBUTES}
    shares = {name: hits[name] / max(counts[name], 1) for name in ATTRIBUTES}
    shares["attributes"] = sum(hits.values()) / max(sum(counts.values()), 1)
    whole = (right["kind"] & right["colour"] & (right["size"] | ~asked["size"])).all(1) & right["relation"]
    shares["scenes"] = whole.float().mean().item()
    two = wanted.relation != NONE
    for name, field in (("colours swapped", "colour"), ("things swapped", "kind")):
        ours, theirs = getattr(wanted, field), getattr(found, field)
        distinct = two & (ours[:, 0] != ours[:, 1])
        crossed = distinct & (theirs == ours.flip(1)).all(1)
        shares[name] = crossed.sum().item() / max(distinct.sum().item(), 1)
    return shares


def diversity(pictures: Tensor) -> dict[str, float]:
    """How different pictures of one thing, told by one caption, are from one another.

    Args:
        pictures: at least two, shape (N, 3, H, W), in [−1, 1].

    Returns:
        "pictures": the mean distance of two, root mean square over pixels. "places": the deviation of the centre of
        what is bright, in pixels, root mean square over both axes. "strokes": as "pictures", once every picture is
        rolled so that this centre is in the middle.

    Raises:
        ValueError: if there are less than two pictures.
    """
    check_images(pictures=pictures)
    if len(pictures) < 2:
        raise ValueError(f"Diversity is that of two pictures or more; got {len(pictures)}.")
    ink = (pictures.clamp(-1, 1) + 1).mean(1)
    height, width = ink.shape[1:]
    total = ink.sum((1, 2)).clamp(min=1e-6)
    row = (ink.sum(2) * torch.arange(height)).sum(1) / total
    column = (ink.sum(1) * torch.arange(width)).sum(1) / total
    rolls = zip(pictures, (height // 2 - row).round().int().tolist(), (width // 2 - column).round().int().tolist())
    centred = torch.stack([one.roll((down, right), (1, 2)) for one, down, right in rolls])
    places = torch.stack([row, column]).var(1).mean().sqrt().item()
    return {"pictures": _distance(pictures), "places": places, "strokes": _distance(centred)}


def _distance(pictures: Tensor) -> float:
    """The mean Euclidean distance of two, over the root of their number of pixels and channels."""
    flat = pictures.flatten(1)
    return torch.pdist(flat).mean().item() / flat.shape[1] ** 0.5
