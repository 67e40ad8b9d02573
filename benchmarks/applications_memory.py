"""Are the images new? Copies among samples, membership inference, extraction, and what a private training costs.

One network was trained equally long on 50 to 10,000 digits. Errors are over three seeds of sampling; that of an area
under the ROC is over the images (DeLong), which vary more than the noise under which they are looked at.

``python -m benchmarks.applications_memory FOLDER`` draws the figures.
"""

import statistics
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import mean_and_error
from course.applications.detection import auc
from course.applications.membership import roc_curve, true_positive_rate
from course.applications.memorization import distance_ratio, memorized_fraction, nearest_training, repeated_images
from course.distances import digit_features, frechet_distance
from course.pretrained import about, load
from course.pretrained.memory import SIZES, knowledge, sample, subset, unseen

SEEDS, RATIO = (0, 1, 2), 1 / 3
RADIUS = 2.0  # between two samples of one memory; the nearest of 2,000 test digits are 4.3 apart in the median
Row = tuple[str, ...]


def rows(quick: bool = False) -> list[Row]:
    """(what, ours: mean ± standard error, control)."""
    n = 200 if quick else 1000
    return [*_copies(n), *_membership(), *_extraction(n), *_private(n)]


@cache
def _network(name: str) -> Any:
    return load(name)


@cache
def _samples(name: str, n: int, seed: int) -> Tensor:
    return sample(_network(name), n, seed)


def _known(denoiser: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: knowledge(denoiser, x)


def _copies(n: int) -> list[Row]:
    """Samples that are copies; of unseen digits, the control, the same share would be wrongly called so."""
    (test,), found = unseen(), []
    for size in SIZES:
        seen = subset(size)
        ours = [memorized_fraction(_samples(f"memory_{size}", n, seed), seen, RATIO) for seed in SEEDS]
        control = [memorized_fraction(test[seed::3], seen, RATIO) for seed in SEEDS]
        found.append(
            (
                f"copies among samples, of {size:,} trained on",
                mean_and_error(ours, "{:.1%}"),
                mean_and_error(control, "{:.1%}"),
            )
        )
    return found


def losses(name: str, size: int) -> tuple[Tensor, Tensor]:
    """Of up to 2,000 members, and of the 2,000 test digits; (N,), (2000,)."""
    known = _known(_network(name))
    return known(subset(size)[:2000]), known(unseen()[0])


def _membership() -> list[Row]:
    """The control: half of the test digits said to be members."""
    found, networks = [], [*((f"memory_{size}", size) for size in SIZES)]
    for name, size in [*networks, ("edm", 10_000), ("not_private", 10_000), ("private", 10_000)]:
        member, other = losses(name, size)
        (area, error), (half, wrong) = auc(-member, -other), auc(-other[::2], -other[1::2])
        label = f"area under the ROC of membership, {name} ({size:,})"
        found.append((label, f"{area:.3f} ± {error:.3f}", f"{half:.3f} ± {wrong:.3f}"))
        rates = (true_positive_rate(member, other), true_positive_rate(other[::2], other[1::2]))
        found.append((f"members found at 1 % false accusations, {name} ({size:,})", *(f"{r:.1%}" for r in rates)))
    return found


def extracted(name: str, size: int, n: int, seed: int) -> tuple[int, int, int]:
    """Groups of samples alike, those whose centre is a copy, and how many training digits these are."""
    x, seen = _samples(name, n, seed), subset(size)
    centres = x[repeated_images(x, RADIUS)]
    if not len(centres):
        return 0, 0, 0
    copies = distance_ratio(centres, seen) < RATIO
    return len(centres), int(copies.sum()), len(nearest_training(centres[copies], seen)[1].unique())


def _extraction(n: int) -> list[Row]:
    """From samples alone: what comes thrice is taken for a memory. The control is the network that saw 10,000."""
    found = []
    for size in SIZES[:-1]:
        ours, control = ([extracted(f"memory_{k}", k, n, seed) for seed in SEEDS] for k in (size, SIZES[-1]))
        for i, what in ((2, "training digits extracted"), (0, "images taken for memories")):
            label = f"{what}, of {size:,}, from {n:,} samples"
            found.append(
                (label, *(mean_and_error([float(run[i]) for run in runs], "{:.1f}") for runs in (ours, control)))
            )
    return found


def _private(n: int) -> list[Row]:
    """The control: the same network and steps, without clipping and noise."""
    features, found = digit_features(unseen()[0]), []
    names = ("private", "not_private")
    spent = about("private")["quality"]["epsilon"]
    distances = [[frechet_distance(digit_features(_samples(k, n, s)), features) for s in SEEDS] for k in names]
    found.append(("Fréchet distance to test digits, private", *map(mean_and_error, distances)))
    tests = [losses(k, 10_000)[1] for k in names]
    shown = (f"{loss.mean():.3f} ± {loss.std() / len(loss) ** 0.5:.3f}" for loss in tests)
    found.append(("denoising loss of test digits, private", *shown))
    found.append(("ε at δ = 1e-5", f"{spent:.2f}", "∞"))
    return found


# -- figures -----------------------------------------------------------------------------------------------------------


def draw(folder: Path, n: int = 1000) -> None:
    """memory_curve.png, memory_pairs.png and memory_roc.png."""
    from course import plots

    fig, ax = plots.figure()
    fractions = [[memorized_fraction(_samples(f"memory_{k}", n, s), subset(k), RATIO) for s in SEEDS] for k in SIZES]
    means, errors = zip(*((statistics.fmean(f), statistics.stdev(f) / len(f) ** 0.5) for f in fractions))
    ax.errorbar(SIZES, means, errors, fmt="o-", capsize=3, color=plots.BLUE)
    ax.set(xscale="log", ylim=(-0.03, 1.03), xlabel="training images", ylabel="copies among samples")
    ax.set_title("Fewer training images, more copies")
    fig.savefig(folder / "memory_curve.png", dpi=100)

    fig, axes = plots.figure(1, len(SIZES), height=1.1)
    for ax, size in zip(axes[:, 0], SIZES):
        x, seen = _samples(f"memory_{size}", n, 0)[:16], subset(size)
        _, index = nearest_training(x, seen)
        plots.images(ax, torch.cat([x, seen[index]]), columns=16)
        ax.set_title(f"Trained on {size:,}: samples above, the nearest training images below", fontsize=11)
    fig.savefig(folder / "memory_pairs.png", dpi=130)

    fig, ax = plots.figure()
    for size, color in zip(SIZES, plots.COLOURS):
        found = losses(f"memory_{size}", size)
        ax.plot(*roc_curve(*found), color=color, label=f"{size:,}: area {auc(-found[0], -found[1])[0]:.2f}")
    ax.plot([1e-3, 1], [1e-3, 1], "--", color=plots.EXACT, linewidth=1, label="by chance")
    ax.axvline(0.01, color="0.8", linewidth=1)
    ax.set(xscale="log", yscale="log", xlim=(1e-3, 1), ylim=(1e-3, 1.1))
    ax.set(xlabel="false accusations", ylabel="members found", title="Who was in the training set?")
    ax.legend(title="training images")
    fig.savefig(folder / "memory_roc.png", dpi=100)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        draw(Path(sys.argv[1]))
    else:
        for row in rows():
            print(" | ".join(row), flush=True)
