"""Captioned scenes: reader, CLIP, and pictures of captions, told as words, as one vector, or not at all."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.report import mean_and_error
from course.applications.clip import clip
from course.applications.reading import agreement, diversity, read
from course.applications.text_to_image import sample
from course.data import Scenes, captions, draw_scenes, parse, recoloured, render, select, settled, swapped, tokenize
from course.data.scenes import NONE, RELATIONS
from course.pretrained import load

SEEDS = (0, 1, 2)
SCALES = (0.0, 1.0, 2.0, 3.0, 5.0)
BEST = 3.0
CAPTION = "a red seven"


def rows(quick: bool = False) -> list[tuple[str, ...]]:
    """(what, ours mean ± standard error over seeds, control mean ± standard error)."""
    n = 32 if quick else 128
    return [*_reader(n), *_clip(), *_pictures(n), *_diversity(16 if quick else 64)]


def _both(what: str, ours: list[float], control: list[float]) -> tuple[str, str, str]:
    return what, mean_and_error(ours), mean_and_error(control)


def _reader(n: int) -> list[tuple[str, ...]]:
    """The control reads pictures of other scenes of the same split."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        for split in ("test", "held_out"):
            scenes = settled(draw_scenes(4 * n, generator, split), generator)
            told = read(render(scenes, generator, "test"))
            order = torch.randperm(4 * n, generator=generator)
            for name in ("kind", "colour", "size", "relation", "attributes"):
                ours, control = found.setdefault(f"reader, {split}: {name}", ([], []))
                ours.append(agreement(told, scenes)[name])
                control.append(agreement(told, select(scenes, order))[name])
    return [_both(what, *both) for what, both in found.items()]


def _clip() -> list[tuple[str, ...]]:
    """The control is a bag of words beside the same image encoder."""
    bag = load("bag_of_words")
    encoders: list[Callable[[list[str]], Tensor]] = [
        lambda told: F.normalize(clip().text(*tokenize(told))[1], dim=1),
        lambda told: F.normalize(bag(*tokenize(told))[1], dim=1),
    ]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        scenes = draw_scenes(600, generator, "test", single=0.0)
        names = captions(scenes)
        scenes = select(scenes, list({name: i for i, name in enumerate(names)}.values())[:512])
        names = captions(scenes)
        image = F.normalize(clip().image(render(scenes, generator, "test")), dim=1)
        for encode, side in zip(encoders, (0, 1)):
            text = encode(names)
            near = torch.einsum("rie,rje->rij", image.reshape(8, 64, -1), text.reshape(8, 64, -1))
            right = (near.argmax(2) == torch.arange(64)).float().mean().item()
            found.setdefault("retrieval of the right one among 64 captions", ([], []))[side].append(right)
            for what, other in (("things", swapped(scenes)), ("colours", recoloured(scenes))):
                twins = captions(other)
                differ = torch.tensor([a != b for a, b in zip(names, twins)])
                ours, theirs = (image * text).sum(1)[differ], (image * encode(twins)).sum(1)[differ]
                apart = ((ours > theirs).float() + 0.5 * (ours == theirs).float()).mean().item()
                found.setdefault(f"told from the caption with exchanged {what}", ([], []))[side].append(apart)
    return [_both(f"CLIP (control: bag of words): {what}", *both) for what, both in found.items()]


def drawn(name: str, split: str, scale: float, seed: int, n: int) -> tuple[Tensor, Scenes]:
    """Pictures of n captions of a split by a network, and the scenes that were asked for."""
    generator = torch.Generator().manual_seed(seed)
    scenes = draw_scenes(n, generator, split)
    return sample(captions(scenes), scale, generator, model=load(name)), scenes


def _pictures(n: int) -> list[tuple[str, ...]]:
    """Told words; the control is told one vector."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for split in ("test", "held_out"):
        for scale in SCALES:
            for side, name in enumerate(("text_to_image", "text_to_image_vector")):
                for seed in SEEDS:
                    shares = _shares(name, split, scale, seed, n)
                    whats = shares if scale == BEST else ["attributes"]
                    for what in whats:
                        key = f"words (control: one vector), {split}, scale {scale:g}: {what}"
                        found.setdefault(key, ([], []))[side].append(shares[what])
    return [_both(what, *both) for what, both in found.items()]


def _shares(name: str, split: str, scale: float, seed: int, n: int) -> dict[str, float]:
    pictures, scenes = drawn(name, split, scale, seed, n)
    return agreement(read(pictures), scenes)


def _diversity(n: int) -> list[tuple[str, ...]]:
    """Of many pictures of one caption; the control is real pictures of it."""
    scenes = Scenes(*(field.expand(n, *field.shape[1:]) for field in parse(CAPTION)))
    assert (scenes.relation == NONE).all()
    found: dict[str, tuple[list[float], list[float]]] = {}
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        real = diversity(render(scenes, generator, "test"))
        for scale in SCALES[1:]:
            ours = diversity(sample([CAPTION] * n, scale, generator))
            for what in ours:
                sides = found.setdefault(f"diversity (control: real) of {what}, {CAPTION!r}, scale {scale:g}", ([], []))
                sides[0].append(ours[what])
                sides[1].append(real[what])
    return [_both(what, *both) for what, both in found.items()]


def figure(file: str, seed: int = 0) -> None:
    """Captions beside pictures, told words and told one vector; a red frame where the reader disagrees."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(8, 6, figsize=(13, 19))
    blocks = [(split, name) for split in ("test", "held_out") for name in ("text_to_image", "text_to_image_vector")]
    for i, (split, name) in enumerate(blocks):
        pictures, scenes = drawn(name, split, BEST, seed, 12)
        found = read(pictures)
        for j, ax in enumerate(axes[2 * i : 2 * i + 2].flat):
            right = agreement(select(found, [j]), select(scenes, [j]))["scenes"] == 1
            ax.imshow(((pictures[j].clamp(-1, 1) + 1) / 2).permute(1, 2, 0))
            ax.set_title(_broken(captions(select(scenes, [j]))[0]), fontsize=9)
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(color="none" if right else "red", linewidth=3, visible=True)
        told = "words" if name == "text_to_image" else "one vector"
        axes[2 * i, 0].set_ylabel(f"{split.replace('_', ' ')}, {told}")
    fig.savefig(file, dpi=80)


def _broken(caption: str) -> str:
    """A caption in two lines, the second from the relation on."""
    for relation in RELATIONS:
        caption = caption.replace(f" {relation}", f"\n{relation}")
    return caption
