"""3D from pictures: heads distilled from a prior that is told the view, beside the same prior that isn't told it."""

import statistics
from functools import partial

import torch
from torch import Tensor, nn

from course.applications.turning_heads import distilled_head, faces, view_errors
from course.applications.volumes import around
from course.data.solids import heads, over, photograph, turned
from course.networks.view import view_of
from course.pretrained import load
from course.processes import EDM
from course.sampling import edm_step, karras_times, walk
from course.scores import score_from_denoiser

SEEDS = (0, 1, 2)
RENDERED = around(24)  # the only azimuths that are optimised, 15 degrees apart; all are judged halfway between them
Row = tuple[str, ...]


def rows(quick: bool = False) -> list[Row]:
    """(what, told the view: mean ± standard error over seeds, not told: the same)."""
    steps, n = (60, 24) if quick else (300, 120)
    told, untold = ([distilled_head(t, steps, _generator(seed), RENDERED) for seed in SEEDS] for t in (True, False))
    between = RENDERED + (RENDERED[1] - RENDERED[0]) / 2
    reader = load("head_reader")
    errors = lambda volume: torch.rad2deg(view_errors(volume, reader, between)).abs()
    within = lambda error: (error <= 20).float().mean().item()
    compare = lambda what, judge: _row(what, [judge(v) for v in told], [judge(v) for v in untold])
    drawn = [[_sampled_errors(t, n, _generator(seed)) for seed in SEEDS] for t in (True, False)]
    return [
        compare("3D: share of views right within 20°, between those optimised", lambda v: within(errors(v))),
        compare("3D: mean error of the view, degrees", lambda v: errors(v).mean().item()),
        compare("3D: faces on 8 sides (a head has 1)", lambda v: faces(v, reader)),
        compare("3D: distance of pixels to an average head's picture, RMS", partial(_distance, azimuth=between)),
        _row("2D: share of the prior's samples within 20° of the view", *([within(e) for e in es] for es in drawn)),
        _row("Reader: share of new heads within 10° | 20°", *_reader_itself(n)),
    ]


def _row(what: str, ours: list[float], control: list[float]) -> Row:
    mean = lambda values: f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) / len(values) ** 0.5:.3f}"
    return what, mean(ours), mean(control)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(20_000 + seed)


@torch.no_grad()
def _distance(volume: nn.Module, azimuth: Tensor) -> float:
    """Between a volume's pictures and the mean of those of 40 heads from the same azimuths."""
    solids = heads(40, _generator(9))
    mean = [photograph(solids, a.expand(40)).mean(0) for a in azimuth]
    return (over(volume(azimuth)) - over(torch.stack(mean))).square().mean().sqrt().item()


@torch.no_grad()
def _sampled_errors(told: bool, n: int, generator: torch.Generator) -> Tensor:
    """How far the views of sampled pictures are from those that were asked for, in degrees."""
    azimuth, denoiser, process = around(n), load("head_prior"), EDM()
    view = view_of(azimuth, azimuth) * told
    score = score_from_denoiser(partial(denoiser, labels=view), process)
    start = process.prior(torch.zeros(n, 3, 32, 32), generator)
    *_, x = walk(edm_step(score), start, [*karras_times(80.0, 0.02, 18).tolist(), 0.0])
    return torch.rad2deg(turned(load("head_reader").azimuth(x), azimuth)).abs()


def _reader_itself(n: int) -> tuple[list[float], list[float]]:
    shares = []
    for seed in SEEDS:
        azimuth = around(n, 0.1 * seed)
        read = load("head_reader").azimuth(over(photograph(heads(n, _generator(seed)), azimuth)))
        error = torch.rad2deg(turned(read, azimuth)).abs()
        shares.append([(error <= most).float().mean().item() for most in (10, 20)])
    ten, twenty = zip(*shares, strict=True)
    return list(ten), list(twenty)
