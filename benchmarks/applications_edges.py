"""Edges and text: are lines heeded, with a caption that agrees, with none, and with one that is at odds?

``python -m benchmarks.applications_edges FILE`` draws edges beside pictures.
"""

import sys

import torch
from torch import Tensor

from benchmarks.report import mean_and_error
from course.applications import control
from course.applications.control import edge_agreement, edges
from course.applications.reading import agreement, read
from course.applications.text_to_image import sample
from course.data import Scenes, captions, draw_scenes, render, select

SEEDS, SCALE = (0, 1, 2), 2.0
Row = tuple[str, ...]


def rows(quick: bool = False) -> list[Row]:
    """(what, with edges: mean ± standard error over seeds, the same captions without edges)."""
    n = 24 if quick else 96
    found: dict[str, tuple[list[float], list[float]]] = {}
    for seed in SEEDS:
        scenes, lines = asked(n, seed)
        for name, said in texts(scenes).items():
            drawn = control.sample(lines, said, SCALE, torch.Generator().manual_seed(seed))
            free = sample(said, SCALE, torch.Generator().manual_seed(seed))
            for side, pictures in enumerate((drawn, free)):
                for what, value in judged(pictures, lines, scenes, name).items():
                    found.setdefault(f"{name}: {what}", ([], []))[side].append(value)
    return [(what, mean_and_error(ours), mean_and_error(theirs)) for what, (ours, theirs) in found.items()]


def asked(n: int, seed: int) -> tuple[Scenes, Tensor]:
    """n test scenes, and the edges of pictures of them."""
    generator = torch.Generator().manual_seed(seed)
    scenes = draw_scenes(n, generator, "test")
    return scenes, edges(render(scenes, generator, "test"))


def texts(scenes: Scenes) -> dict[str, list[str]]:
    """Captions that agree with the edges, that say nothing, and that are of the next scene."""
    said = captions(scenes)
    return {"caption agrees": said, "no caption": [""] * len(said), "caption at odds": said[1:] + said[:1]}


def judged(pictures: Tensor, lines: Tensor, scenes: Scenes, name: str) -> dict[str, float]:
    """Agreement of edges, and what the reader finds of the scene that the edges are of, and of the caption's."""
    seen = {"edges agree (F₁)": edge_agreement(edges(pictures), lines).mean().item()}
    found = read(pictures)
    seen["kinds are those of the edges"] = agreement(found, scenes)["kind"]
    if name == "caption at odds":
        order = [*range(1, len(scenes.relation)), 0]
        seen["kinds are those of the caption"] = agreement(found, select(scenes, order))["kind"]
    if name == "caption agrees":
        seen["colours are those of the caption"] = agreement(found, scenes)["colour"]
    return seen


def figure(file: str, seed: int = 0) -> None:
    """Edges, and pictures of them with the caption that agrees, with none, and with another scene's."""
    from course import plots

    scenes, lines = asked(6, seed)
    fig, axes = plots.figure(4, 6, height=0.35)
    for column in range(6):
        axes[0, column].imshow(1 - lines[column, 0], cmap="gray")
    axes[0, 0].set_ylabel("edges")
    for row, (name, said) in zip(axes[1:], texts(scenes).items()):
        pictures = control.sample(lines, said, SCALE, torch.Generator().manual_seed(seed))
        for ax, picture, caption in zip(row, pictures, said):
            ax.imshow(((picture.clamp(-1, 1) + 1) / 2).permute(1, 2, 0))
            ax.set_title(caption, fontsize=6)
        row[0].set_ylabel(name)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    fig.savefig(file, dpi=100)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        figure(sys.argv[1])
    else:
        for row in rows():
            print(" | ".join(row), flush=True)
