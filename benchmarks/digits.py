"""Digits of a given class from nothing in 150 seconds: how many the classifier takes for their class, beside others.

Both networks are trained on the package's 10,000 images at 16 × 16 for the same seconds; both drop one label in ten, so
that classifier-free guidance can be had, w = 1 being none. Ours is sampled by 18 Heun steps of EDM's sampler, which
evaluate the network 35 times; smalldiffusion's by 35 steps of its own. The classifier and the features of the Fréchet
distance are the package's, the distance is to the package's 2,000 test images.
"""

import time
from collections.abc import Callable

import torch

from benchmarks.report import table
from course import pretrained
from course.data import mnist
from course.distances import digit_features, frechet_distance
from course.extras import remedy
from course.guidance import classifier_free_guidance
from course.processes import EDM
from course.sampling import edm_step, karras_times, walk
from course.scores import score_from_denoiser
from course.training import train

SECONDS, SCALES, SAMPLES = 150.0, (1.0, 1.5, 2.0), 1000


def run(seconds: float = SECONDS) -> str:
    classifier, real = pretrained.load("classifier"), digit_features(mnist(16, "test")[0])
    accuracy = pretrained.about("classifier")["quality"]["test_accuracy"]
    labels = torch.arange(10).repeat(SAMPLES // 10)
    rows = []
    for make in (course, smalldiffusion):
        try:
            sampler, steps, spent = make(seconds)
        except ImportError:
            rows.append([make.__name__, f"not installed: `{remedy('bench')}`", "", "", "", ""])
            continue
        for scale in SCALES:
            torch.manual_seed(0)
            x = sampler(labels, scale)
            agrees = (classifier(x).argmax(1) == labels).float().mean().item()
            distance = frechet_distance(digit_features(x), real)
            rows.append([make.__name__, f"{steps}", f"{spent:.0f} s", f"{scale:g}", f"{agrees:.1%}", f"{distance:.2f}"])
    header = ["", "training steps", "seconds", "guidance w", "taken for their class", "Fréchet distance"]
    return f"The classifier is right about {accuracy:.1%} of real test images.\n\n{table(header, rows)}"


def course(seconds: float) -> tuple[Callable, int, float]:
    """Our recipe `edm`, with as many steps as there is time for, in the precision that is faster."""
    recipe, data = pretrained.RECIPES["edm"], mnist(16)

    def trained(steps, precision):
        torch.manual_seed(0)
        net, start = recipe.network(), time.perf_counter()
        options = {"batch_size": recipe.batch_size, "lr": recipe.lr, "warmup": 50, "ema": 0.995, "precision": precision}
        made = train(net, recipe.loss, data, steps=steps, progress=False, **options)
        return made.ema, time.perf_counter() - start

    start = time.perf_counter()
    trained(10, None)  # the first steps are slow
    cost = {precision: trained(20, precision)[1] / 20 for precision in (None, torch.bfloat16)}
    faster = min(cost, key=lambda precision: cost[precision])
    steps = int((seconds - (time.perf_counter() - start)) / cost[faster])
    denoiser, _ = trained(steps, faster)
    spent = time.perf_counter() - start

    def sample(labels, scale):
        guided = classifier_free_guidance(denoiser, labels, 10, scale)
        step = edm_step(score_from_denoiser(guided, EDM(80.0)))
        times = [*karras_times(80.0, 0.02, 18).tolist(), 0.0]
        *_, x = walk(step, 80.0 * torch.randn(len(labels), 1, 16, 16), times)
        return x

    return sample, steps, spent


def smalldiffusion(seconds: float) -> tuple[Callable, int, float]:
    """Its U-Net at its smallest width, 1.0 M parameters, which takes the most steps in the time; schedule and learning
    rate are those of its own example of Fashion-MNIST."""
    from accelerate import Accelerator
    from smalldiffusion import CondEmbedderLabel, ScheduleDDPM, Unet, samples, training_loop
    from smalldiffusion.model import Scaled
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    accelerator, schedule = Accelerator(cpu=True), ScheduleDDPM(beta_start=0.0001, beta_end=0.02, N=1000)
    condition = CondEmbedderLabel(128, 10, 0.1)
    model = Scaled(Unet)(16, 1, 1, ch=32, ch_mult=(1, 2), attn_resolutions=(8,), cond_embed=condition)
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    loader = DataLoader(TensorDataset(*mnist(16)), batch_size=64, shuffle=True)
    start, steps = time.perf_counter(), 0
    for _ in training_loop(loader, model, schedule, accelerator, lr=7e-4, conditional=True):
        ema.update_parameters(model)
        steps += 1
        if time.perf_counter() - start > seconds:
            break
    spent, trained = time.perf_counter() - start, ema.module.eval()

    def sample(labels, scale):
        start = torch.randn(len(labels), 1, 16, 16) * schedule.sample_sigmas(35)[0]
        common = {"cfg_scale": scale - 1, "xt": start, "cond": labels, "accelerator": accelerator}
        *_, x = samples(trained, schedule.sample_sigmas(35), gam=1.6, **common)
        return x

    return sample, steps, spent
