"""Deepfakes: a detector on samplers and networks it has not seen, and a watermark found after distortions."""

import statistics
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import Tensor

from course.applications.detection import auc, detection_scores, pixel_traces, train_detector
from course.applications.distortions import add_noise, blur, crop, jpeg, quantize, shift
from course.applications.tree_ring import tree_ring
from course.applications.watermark import (
    keyed_signs,
    principal_directions,
    recovered_noise,
    trace_watermark,
    watermark_p_value,
    watermarked_noise,
)
from course.data import mnist
from course.guidance import classifier_free_guidance
from course.pretrained import CLASSES, load
from course.pretrained.forensics import COARSE, IMAGES, PROCESS, TIMES, generated
from course.processes import EDM, VP, Straight
from course.sampling import ddim, dpm_solver, edm_step, karras_times, uniform_times, walk
from course.scores import score_from_denoiser, score_from_noise, score_from_velocity
from course.types import Score, Step

SEEDS, BITS, LEVEL = (0, 1, 2), 128, 0.002
Row = tuple[str, ...]


def rows(quick: bool = False) -> list[Row]:
    """(what, ours mean ± standard error over seeds of sampling, control mean ± standard error)."""
    n = 60 if quick else 300
    return [*_detector(n), *_traces(n), *_watermark(n), *_unnoticed(n), *_distorted(n)]


def _row(what: str, ours: list[float], control: list[float]) -> Row:
    mean = lambda values: f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) / len(values) ** 0.5:.3f}"
    return what, mean(ours), mean(control)


# -- samplers ----------------------------------------------------------------------------------------------------------


def edm_score(labels: Tensor, scale: float = 1.0) -> Score:
    """Of ``edm`` given classes, with guidance if the scale is not 1."""
    network = load("edm")
    guided = (
        classifier_free_guidance(network, labels, CLASSES, scale) if scale != 1 else partial(network, labels=labels)
    )
    return score_from_denoiser(guided, PROCESS)


def _edm(step: Callable[[Score, torch.Generator], Step], times: list[float] = TIMES, scale: float = 1.0) -> Callable:
    def sampler(n: int, g: torch.Generator) -> Tensor:
        start = PROCESS.prior(torch.zeros(n, 1, 16, 16), g)
        return _end(step(edm_score(torch.arange(n) % CLASSES, scale), g), start, times)

    return sampler


def _vp(name: str) -> Callable:
    """Index i of DDPM's chain of 1,000 is VP at t = (i + 1) / 1,000, and its network is told i / 1,000."""
    process, network = VP(), load(name)
    late = 1e-3 if name == "ddpm" else 0.0
    score = score_from_noise(lambda x, t: network(x, max(0.0, t - late)), process)
    times = [*uniform_times(1.0, 0.03, 18).square().tolist(), 0.0]
    return lambda n, g: _end(dpm_solver(process, score), torch.randn(n, 1, 16, 16, generator=g), times)


def _dit(n: int, g: torch.Generator) -> Tensor:
    process = Straight()
    score = score_from_velocity(partial(load("dit"), labels=torch.arange(n) % CLASSES), process)
    return _end(
        ddim(process, score), process.prior(torch.zeros(n, 1, 16, 16), g), uniform_times(process.end, 0.0, 19).tolist()
    )


def _ncsn(n: int, g: torch.Generator) -> Tensor:
    process = EDM(10.0)
    times = [*karras_times(10.0, 0.01, 18).tolist(), 0.0]
    return _end(dpm_solver(process, load("ncsn")), process.prior(torch.zeros(n, 1, 16, 16), g), times)


def samplers() -> dict[str, Callable[[int, torch.Generator], Tensor]]:
    """By name, the one of the detector's training first: (n, generator) → images (n, 1, 16, 16)."""
    few = [*karras_times(80.0, 0.02, 8).tolist(), 0.0]
    return {
        "edm, DPM-Solver++, 18 (as trained)": _edm(lambda s, g: dpm_solver(PROCESS, s)),
        "edm, DPM-Solver++, 8": _edm(lambda s, g: dpm_solver(PROCESS, s), few),
        "edm, Heun, 35": _edm(lambda s, g: edm_step(s)),
        "edm, stochastic Heun, 35": _edm(lambda s, g: edm_step(s, 0.3, generator=g)),
        "edm, DDIM, 18": _edm(lambda s, g: ddim(PROCESS, s)),
        "edm, DDIM with η = 1, 18": _edm(lambda s, g: ddim(PROCESS, s, 1.0, g)),
        "edm, guided with w = 2": _edm(lambda s, g: dpm_solver(PROCESS, s), scale=2.0),
        "vp, DPM-Solver++, 18": _vp("vp"),
        "ddpm, DPM-Solver++, 18": _vp("ddpm"),
        "ncsn, DPM-Solver++, 18": _ncsn,
        "dit, DDIM, 18": _dit,
    }


def _end(step: Step, x: Tensor, times: list[float]) -> Tensor:
    *_, x = walk(step, x, times)
    return x


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(10_000 + seed)


@cache
def _drawn(name: str, n: int, seed: int) -> Tensor:
    return samplers()[name](n, _generator(seed))


# -- detector ----------------------------------------------------------------------------------------------------------


def _detector(n: int) -> list[Row]:
    """Control: real training digits, which the detector has not seen either, in the samples' place."""
    table = []
    chosen = torch.randperm(10_000, generator=torch.Generator().manual_seed(3))[IMAGES:]
    for network, levels in (("detector", 256), ("coarse_detector", COARSE)):
        scores = partial(detection_scores, load(network), levels=levels)
        real, unseen = scores(mnist(16)[0][chosen]), scores(mnist(16, "test")[0])
        control = [auc(real[seed::3], unseen)[0] for seed in SEEDS]
        for name in samplers():
            ours = [auc(scores(_drawn(name, n, seed)), unseen)[0] for seed in SEEDS]
            table.append(_row(f"AUC of the detector with {levels} grey levels: {name}", ours, control))
    return table


def _traces(n: int) -> list[Row]:
    """AUC of one pixel statistic of the detector's training sampler; control: of real training digits."""
    (name, *_), real = samplers(), pixel_traces(mnist(16, "test")[0])
    found = [pixel_traces(_drawn(name, n, seed)) for seed in SEEDS]
    control = [pixel_traces(mnist(16)[0][n * seed : n * seed + n]) for seed in SEEDS]
    area = lambda traces, trace: [auc(one[trace], real[trace])[0] for one in traces]
    return [_row(f"AUC of {trace}", area(found, trace), area(control, trace)) for trace in real]


# -- watermark ---------------------------------------------------------------------------------------------------------


def directions() -> Tensor:
    """Of the training digits; (BITS, 256)."""
    return principal_directions(mnist(16)[0], BITS)


def marked(numbers: Sequence[int], seed: int, key: str) -> tuple[Tensor, Tensor]:
    """Start noise before it is multiplied by σ_max, marked with the key and these numbers, and its signs."""
    signs = keyed_signs(key, numbers, BITS)
    noise = torch.randn(len(numbers), 1, 16, 16, generator=_generator(seed))
    return watermarked_noise(noise, signs, directions()), signs


def found(x: Tensor, labels: Tensor, scale: float = 1.0, times: list[float] = TIMES) -> Tensor:
    """ẑ of images in 8 bits, by DDIM upwards; label 10 where the class is not known."""
    parts = zip(quantize(x).split(250), labels.split(250))
    return torch.cat([recovered_noise(ddim(PROCESS, edm_score(y, scale)), a, times, PROCESS.end) for a, y in parts])


@cache
def _pictures(n: int, seed: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    noise, signs = marked(range(n), seed, f"key {seed}")
    labels = torch.arange(n) % CLASSES
    if scale == 1:
        return generated(PROCESS.end * noise, labels), signs
    return _end(dpm_solver(PROCESS, edm_score(labels, scale)), PROCESS.end * noise, TIMES), signs


def _share_found(recovered: Tensor, signs: Tensor, level: float = LEVEL) -> float:
    return (watermark_p_value(recovered, signs, directions()) <= level).double().mean().item()


def _watermark(n: int) -> list[Row]:
    """Share of images taken for marked; control: of test digits and another key's images, which should be LEVEL."""
    none, labels = torch.full((n,), CLASSES), torch.arange(n) % CLASSES
    real = [found(mnist(16, "test")[0][s::3][:n], none) for s in SEEDS]
    false = [_share_found(real[s], keyed_signs(f"key {s}", range(n), BITS)) for s in SEEDS]
    other = lambda zs: [_share_found(zs[s], keyed_signs("another key", range(n), BITS)) for s in SEEDS]
    table = []
    for scale, told, guess in (
        (1.0, labels, 1.0),
        (1.0, none, 1.0),
        (1.0, labels.roll(1), 1.0),
        (2.0, labels, 2.0),
        (2.0, labels, 1.0),
        (2.0, none, 1.0),
    ):
        zs = [found(_pictures(n, s, scale)[0], told, guess) for s in SEEDS]
        whose = "unknown class" if told is none else "its class" if told is labels else "wrong class"
        what = f"marked at p ≤ {LEVEL}: drawn with w = {scale:g}, walked back with {whose}, w = {guess:g}"
        table.append(_row(what, [_share_found(zs[s], _pictures(n, s, scale)[1]) for s in SEEDS], other(zs)))
    zs = [found(_pictures(n, s)[0], none) for s in SEEDS]
    hits = [_share_found(zs[s], _pictures(n, s)[1]) for s in SEEDS]
    total = [1 - hit + miss for hit, miss in zip(hits, false)]
    return [
        *table,
        _row("errors in all: misses + false alarms on test digits (control: these alone)", total, false),
        *_traced(n, zs, real),
    ]


def _traced(n: int, zs: list[Tensor], real: list[Tensor]) -> list[Row]:
    """The image's number is not known: one of N that were issued. Control: test digits."""
    table = []
    for issued in (10, 100, 1000):
        ours, control = [], []
        for seed, (z, r) in enumerate(zip(zs, real)):
            signs = keyed_signs(f"key {seed}", range(max(n, issued)), BITS)
            hits = []
            for i in range(0, n, issued):  # each image is looked for among the numbers of its block
                p, row = trace_watermark(
                    z[i : i + issued], signs[i : i + issued] if issued <= n else signs, directions()
                )
                hits.append((p <= LEVEL) & (row == torch.arange(len(p))))
            ours.append(torch.cat(hits).double().mean().item())
            control.append((trace_watermark(r, signs[:issued], directions())[0] <= LEVEL).double().mean().item())
        table.append(_row(f"found and told apart among {issued} numbers", ours, control))
    return table


def _unnoticed(n: int) -> list[Row]:
    """AUC of a detector trained on marked against unmarked digits; control: on unmarked against unmarked ones."""
    m = 5 * n
    labels = torch.arange(m) % CLASSES
    draw = lambda noise: generated(PROCESS.end * noise, labels)
    plain = lambda seed: torch.randn(m, 1, 16, 16, generator=_generator(seed))
    train, test, others, more = (draw(plain(100 + i)) for i in range(4))
    rings = torch.randn(5, generator=torch.Generator().manual_seed(0))
    ways: dict[str, Callable[[int], Tensor]] = {  # one key; the numbers of training are not used in the test
        "fresh signs": lambda part: marked(range(part * m, part * m + m), 200 + part, "key")[0],
        "the same signs in every image": lambda part: marked([0] * m, 200 + part, "key")[0],
        "tree-ring": lambda part: tree_ring(plain(200 + part), rings),
    }
    blind = train_detector(train, others)
    control = [auc(a, b)[0] for a, b in _thirds(detection_scores(blind, more), detection_scores(blind, test))]
    table = []
    for name, noise in ways.items():
        model = train_detector(train, draw(noise(0)))
        pairs = _thirds(detection_scores(model, draw(noise(1))), detection_scores(model, test))
        table.append(_row(f"AUC of a detector trained for it: {name}", [auc(a, b)[0] for a, b in pairs], control))
    return table


def _thirds(a: Tensor, b: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(zip(a.chunk(3), b.chunk(3)))


# -- distortions -------------------------------------------------------------------------------------------------------


def distortions() -> dict[str, list[tuple[float, Callable[[Tensor], Tensor]]]]:
    """By name, strengths and what they do."""
    return {
        "grey levels": [(n, partial(quantize, levels=n)) for n in (16, 8, 4, 2)],
        "JPEG quality": [(q, partial(jpeg, quality=q)) for q in (95, 75, 50, 25, 10)],
        "noise, σ": [(s, partial(add_noise, sigma=s, generator=_generator(9))) for s in (0.05, 0.1, 0.2, 0.4, 0.8)],
        "blur, pixels": [(w, partial(blur, width=w)) for w in (0.3, 0.4, 0.5, 0.7, 1.0)],
        "crop, pixels each side": [(m, partial(crop, margin=m)) for m in (1, 2, 3, 4, 5)],
        "shift, pixels": [(m, partial(shift, rows=m, columns=0)) for m in (1, 2, 3)],
    }


def _distorted(n: int) -> list[Row]:
    """Share of images taken for marked. Control: the same images under another key."""
    table = []
    for name, strengths in distortions().items():
        for strength, distort in strengths:
            table.append(_judged(f"{name} {strength:g}", n, distort, _plainly))
    for sigma, distort in distortions()["noise, σ"]:
        table.append(_judged(f"noise, σ {sigma:g}, walked back from σ", n, distort, partial(_from, sigma)))
    for rows, distort in distortions()["shift, pixels"]:
        table.append(_judged(f"shift, pixels {rows:g}, searched for", n, distort, _searched))
    return table


Rule = Callable[[Tensor, list[Tensor]], list[Tensor]]
"""(images, signs under several keys) → p-values under each; the walk back is shared."""


def _judged(what: str, n: int, distort: Callable[[Tensor], Tensor], rule: Rule) -> Row:
    ours: list[float] = []
    control: list[float] = []
    for seed in SEEDS:
        x, signs = _pictures(n, seed)
        values = rule(distort(x), [signs, keyed_signs("another key", range(n), BITS)])
        for shares, p in zip((ours, control), values):
            shares.append((p <= LEVEL).double().mean().item())
    return _row(f"marked at p ≤ {LEVEL} after {what}", ours, control)


def _plainly(x: Tensor, keys: list[Tensor], times: list[float] = TIMES) -> list[Tensor]:
    z = found(x, torch.full((len(x),), CLASSES), times=times)
    return [watermark_p_value(z, signs, directions()) for signs in keys]


def _from(sigma: float, x: Tensor, keys: list[Tensor]) -> list[Tensor]:
    """An image under noise σ is a state of the flow at time σ."""
    return _plainly(x, keys, [*(t for t in TIMES if t > sigma), sigma])


def _searched(x: Tensor, keys: list[Tensor], reach: int = 3) -> list[Tensor]:
    """The best of all shifts of the rows, times how many were tried."""
    tried = [_plainly(shift(x, rows, 0), keys) for rows in range(-reach, reach + 1)]
    return [len(tried) * torch.stack(p).amin(0) for p in zip(*tried)]
