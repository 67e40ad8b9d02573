"""One careful call each of the data and networks of the last slides, and of ``course.applications``."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course import data, networks, scores
from course.applications import (
    clip,
    detection,
    distillation,
    distortions,
    locality,
    membership,
    memorization,
    privacy,
    reading,
    text_to_image,
    turning_heads,
    video,
    volumes,
    watermark,
)
from course.applications.tree_ring import tree_ring, tree_ring_score
from course.data import moving, parse, rendering, scenes, solids, tokenize
from course.networks import patches, text, view

N = 4


def _normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=seeded(len(shape)))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def square(x: Tensor) -> Tensor:
    return x**2


def denoiser(x: Tensor, sigma: Any, *given: Any) -> Tensor:
    return 0.9 * x


def predicted_noise(x: Tensor) -> Tensor:
    return x - 0.1


def prior(x: Tensor, sigma: Tensor, azimuth: Tensor) -> Tensor:
    return x - 0.1


def squared_error(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().mean()


def class_of(x: Tensor) -> Tensor:
    return x.flatten(1)[:, :10]


def towards(x: Tensor, t: float, s: float) -> Tensor:
    return x - (s - t) * 0.1 * x


DIGITS = _normal(N, 1, 16, 16).clamp(-1, 1)
PICTURES = _normal(N, 3, 32, 32).clamp(-1, 1)
CLIPS = _normal(N, 8, 1, 24, 24).clamp(-1, 1)
FEATURES = _normal(N, 5)


def data_and_networks() -> Iterator[tuple[str, Callable, dict[str, Any]]]:
    """(name, callable, arguments)."""
    some = scenes.draw_scenes(6, seeded())
    yield "draw_scenes", scenes.draw_scenes, {"n": 3, "generator": seeded(), "sized": 0.5, "single": 0.2}
    yield "select", scenes.select, {"scenes": some, "index": torch.tensor([0, 2])}
    for function in (scenes.is_held_out, scenes.restated, scenes.canonical, scenes.swapped, scenes.recoloured):
        yield function.__name__, lambda f=function, **fields: f(scenes.Scenes(**fields)), some._asdict()
    yield "captions", lambda **fields: data.captions(scenes.Scenes(**fields)), some._asdict()
    yield "parse", parse, {"caption": "a red seven"}
    yield "tokenize", tokenize, {"captions": ["a red seven", "a blue one above a green star"]}
    settled = {"scenes": some, "generator": seeded()}
    yield "settled", rendering.settled, settled
    yield "render", rendering.render, settled | {"grid": 4}
    yield "moving_digits", moving.moving_digits, {"n": 2, "generator": seeded(), "frames": 8, "size": 24}
    motion = {"images": _normal(N, 1, 28, 28), "labels": torch.arange(N), "generator": seeded(), "frames": 8}
    yield "set_in_motion", moving.set_in_motion, motion | {"size": 24}
    yield "centre_of_ink", moving.centre_of_ink, {"x": CLIPS}
    yield "read_captions", moving.read_captions, {"captions": ["a three falls"]}
    yield "heads", data.heads, {"n": 2, "generator": seeded()}
    heads = solids.heads(3, seeded())
    yield "photograph", data.photograph, {"solids": heads, "azimuth": torch.tensor([0.0, 1.0, 2.0]), "size": 16}
    yield "head_views", data.head_views, {"n": 2, "generator": seeded(), "size": 16}
    yield "over", solids.over, {"picture": torch.rand(N, 4, 8, 8), "background": 0.5}
    yield "turned", solids.turned, {"a": torch.tensor([0.1, 3.0]), "b": torch.tensor([-3.0, 0.4])}

    torch.manual_seed(0)
    yield "temporal_attention", networks.temporal_attention, {"x": _normal(2, 3, 8, 4, 5), "attend": square}
    told = torch.tensor([[3, 1, 0], [5, 0, 1], [10, 4, 2], [0, 2, 1]])
    films = {"x": CLIPS, "t": 0.5, "told": told, "first": CLIPS[:, 0].clone(), "at": torch.arange(8).repeat(N, 1)}
    yield "VideoUNet", networks.VideoUNet(widths=(8, 8)), films
    yield "VideoUNet(...)", networks.VideoUNet, {"channels": 1, "size": 24, "patch": 3}
    yield "ViewUNet", networks.ViewUNet(widths=(8, 8)), {"x": PICTURES, "t": 0.5, "view": _normal(N, 2)}
    yield "ViewReader", networks.ViewReader((8, 8, 8, 8)), {"x": PICTURES}
    yield "view_of", view.view_of, {"azimuth": torch.tensor([0.0, 1.0, 2.0, 3.0]), "x": PICTURES}
    context, mask = _normal(N, 6, 7), torch.arange(6) < torch.tensor([[6], [4], [1], [3]])
    looks = {"x": _normal(N, 9, 8), "context": context, "mask": mask, "w_q": _normal(8, 8), "w_kv": _normal(16, 7)}
    yield "attention_weights", networks.attention_weights, looks | {"heads": 2}
    yield "cross_attention", networks.cross_attention, looks | {"w_out": _normal(8, 8), "heads": 2}
    tokens, real = tokenize(["a red seven", "a blue one above a green star"])
    for encoder in (text.TextEncoder(len(scenes.WORDS), scenes.LENGTH, 16, 1, 2), text.BagOfWords(len(scenes.WORDS))):
        yield type(encoder).__name__, encoder, {"tokens": tokens, "mask": real}
    yield "SceneReader", reading.scene_reader(), {"x": PICTURES}
    yield "Patches", patches.Patches(networks.UNet(16, widths=(8,)), 4), {"x": DIGITS, "t": 0.5}
    yield "Condition", networks.condition.Condition(8, 3), {"x": DIGITS, "t": 0.5, "labels": torch.arange(N) % 3}


def pictures_of_words() -> Iterator[tuple[str, Callable, dict[str, Any]]]:
    """CLIP, the reader, and text to image."""
    torch.manual_seed(0)
    words = ["a red seven", "a blue one", "a green star", "a white two above a red six"]
    yield "clip_loss", clip.clip_loss, {"image": FEATURES, "text": FEATURES + 0.1, "temperature": 0.1}
    yield "encode_captions", clip.encode_captions, {"captions": words}
    yield "similarity", clip.similarity, {"pictures": PICTURES, "captions": words}
    told = parse("a small white two above a large red six")
    wanted = scenes.Scenes(*(field.expand(N, *field.shape[1:]) for field in told))
    reader = reading.scene_reader()
    yield "read", reading.read, {"pictures": PICTURES, "model": reader}
    yield "reader_loss", reading.reader_loss, {"model": reader, "pictures": PICTURES, "scenes": wanted}
    yield "agreement", lambda **fields: reading.agreement(scenes.Scenes(**fields), wanted), wanted._asdict()
    yield "diversity", reading.diversity, {"pictures": PICTURES}
    by_words = scores.Preconditioned(text_to_image.CaptionUNet(words=64, widths=(8, 8), dim=8), 0.2)
    by_vector = scores.Preconditioned(text_to_image.CaptionUNet(vector=64, widths=(8, 8), dim=8), 0.2)
    asked = {"captions": words, "scale": 2.0, "model": by_words}
    yield "guided", lambda x, **some: text_to_image.guided(**some)(x, 1.0), asked | {"x": PICTURES}
    yield "sample", text_to_image.sample, asked | {"generator": seeded(), "steps": 2}
    looks = {"model": by_words, "x": PICTURES, "sigma": 1.0, "captions": words}
    yield "attention_maps", text_to_image.attention_maps, looks
    network = by_vector.network
    told_so = {"x": PICTURES, "t": 0.5, "vector": _normal(N, 64)}
    yield "CaptionUNet", lambda x, t, vector: network(x, t, vector), told_so
    yield "CaptionUNet(...)", text_to_image.CaptionUNet, {"words": 64, "patch": 4, "dim": 8}
    yield "VectorCondition", text_to_image.VectorCondition(8, 5), {"x": PICTURES, "t": 0.5, "vector": FEATURES}


def films_and_solids() -> Iterator[tuple[str, Callable, dict[str, Any]]]:
    """Video and 3D."""
    torch.manual_seed(0)
    network = networks.VideoUNet(widths=(8, 8))
    told = torch.tensor([[3, 1, 0], [5, 0, 1], [10, 4, 2], [0, 2, 1]])
    asked = {"told": told, "first": CLIPS[:, 0].clone(), "scale": 1.5}
    yield "video_denoiser", lambda x, **some: video.video_denoiser(network, **some)(x, 1.0), asked | {"x": CLIPS}
    shape = {"denoiser": denoiser, "shape": (2, 8, 1, 24, 24), "generator": seeded(), "steps": 2}
    yield "sample_clips", video.sample_clips, shape
    for function in (video.recentred, video.clean, video.path):
        yield function.__name__, function, {"clips": CLIPS}
    yield "moves_as_told", video.moves_as_told, {"clips": CLIPS, "told": told, "smooth": 0.5}
    yield "judge", video.judge, {"clips": CLIPS, "told": told, "classifier": class_of}

    noisy = {
        "x": PICTURES,
        "noise_prediction": predicted_noise,
        "noise": _normal(N, 3, 32, 32),
        "weight": torch.ones(N),
    }
    levels = {"alpha": torch.full((N,), 0.9), "sigma": torch.full((N,), 0.4)}
    yield "score_distillation", distillation.score_distillation, noisy | levels
    angles = torch.tensor([0.0, 1.0, 2.0, 3.0])
    asked = {"x": PICTURES, "sigma": torch.full((N,), 0.7), "azimuth": angles}
    yield "view_prior", distillation.view_prior(denoiser, 2.0), asked
    budget = {"steps": 1, "views": 2, "lr": 0.1, "azimuths": angles, "generator": seeded()}
    small = {"prior": prior, "volume": volumes.Volume(8)}
    yield "distill", distillation.distill, small | budget
    yield (
        "view_errors",
        turning_heads.view_errors,
        {"volume": volumes.Volume(32), "reader": networks.ViewReader(), "azimuth": angles},
    )
    yield "faces", turning_heads.faces, {"volume": volumes.Volume(32), "reader": networks.ViewReader(), "sides": 3}
    grid = {"density": torch.rand(6, 6, 6), "colour": torch.rand(3, 6, 6, 6), "azimuth": angles, "samples": 5}
    yield "volumes.render", volumes.render, grid
    yield "Volume", volumes.Volume, {"size": 8, "radius": 0.6, "sharpness": 16.0}
    yield "around", volumes.around, {"n": 4, "offset": 0.1}
    yield "turntable", volumes.turntable, {"volume": volumes.Volume(8), "n": 3, "background": 0.5}


def novelty_and_marks() -> Iterator[tuple[str, Callable, dict[str, Any]]]:
    """Memory, privacy, detectors and watermarks."""
    torch.manual_seed(0)
    train = _normal(9, 1, 16, 16)
    for function in (memorization.nearest_training, memorization.two_nearest, memorization.distance_ratio):
        yield function.__name__, function, {"samples": DIGITS, "train": train}
    yield "memorized_fraction", memorization.memorized_fraction, {"samples": DIGITS, "train": train, "ratio": 0.5}
    yield "repeated_images", memorization.repeated_images, {"samples": DIGITS, "radius": 1.0, "least": 3}
    blinkered = lambda images, radius, x, sigma: locality.local_denoiser(images, radius)(x, sigma)
    yield "local_denoiser", blinkered, {"images": train, "radius": 2, "x": DIGITS, "sigma": 0.5}
    losses = {"denoiser": denoiser, "x": DIGITS, "sigmas": [0.5, 1.0, 2.0], "noise": _normal(2, 1, 16, 16)}
    yield "denoising_losses", membership.denoising_losses, losses | {"sigma_data": 0.5}
    both = {"member_losses": torch.rand(7, generator=seeded()), "other_losses": torch.rand(6, generator=seeded(1))}
    for function in (membership.membership_auc, membership.roc_curve):
        yield function.__name__, function, both
    yield "true_positive_rate", membership.true_positive_rate, both | {"false_positive_rate": 0.1}
    model = networks.MLP(5, [4], 1)
    yield "clipped_gradients", privacy.clipped_gradients, {"gradients": FEATURES, "max_norm": 1.0}
    yield (
        "example_gradients",
        lambda x, loss: privacy.example_gradients(model, loss, x),
        {"x": FEATURES, "loss": squared_error},
    )
    yield "poisson_batch", privacy.poisson_batch, {"data": FEATURES, "n": 2, "generator": seeded()}
    yield "renyi_divergence", privacy.renyi_divergence, {"order": 4, "noise_multiplier": 1.0, "rate": 0.1}
    yield "epsilon", privacy.epsilon, {"noise_multiplier": 1.0, "rate": 0.1, "steps": 10, "delta": 1e-5}

    keyed = {"key": "secret", "numbers": [0, 1, 2, 3], "bits": 8}
    yield "keyed_signs", watermark.keyed_signs, keyed
    detector = detection.Detector()
    yield "Detector", detector, {"x": DIGITS}
    yield "detection_pairs", detection.detection_pairs, {"real": DIGITS, "generated": -DIGITS, "levels": 16}
    yield "train_detector", detection.train_detector, {"real": DIGITS, "generated": -DIGITS, "steps": 1, "levels": 16}
    yield "detection_scores", detection.detection_scores, {"model": detector, "x": DIGITS, "levels": 16}
    yield "auc", detection.auc, {"positive": torch.rand(7, generator=seeded()), "negative": torch.rand(6)}
    yield "pixel_traces", detection.pixel_traces, {"x": DIGITS}
    yield "quantize", distortions.quantize, {"x": DIGITS, "levels": 16}
    yield "blur", distortions.blur, {"x": DIGITS, "width": 0.7}
    yield "add_noise", distortions.add_noise, {"x": DIGITS, "sigma": 0.1, "generator": seeded()}
    yield "shift", distortions.shift, {"x": DIGITS, "rows": 1, "columns": -2}
    yield "crop", distortions.crop, {"x": DIGITS, "margin": 2}
    yield "jpeg", distortions.jpeg, {"x": DIGITS, "quality": 50}
    noise, signs = _normal(N, 1, 16, 16), watermark.keyed_signs("key", range(N), 8)
    directions = watermark.principal_directions(_normal(60, 1, 16, 16), 8)
    yield "principal_directions", watermark.principal_directions, {"x": _normal(60, 1, 16, 16), "k": 8}
    marked = {"noise": noise, "signs": signs, "directions": directions}
    yield "watermarked_noise", watermark.watermarked_noise, marked
    back = {"step": towards, "x": DIGITS, "times": [0.1, 0.5, 1.0], "scale": 1.0}
    yield "recovered_noise", watermark.recovered_noise, back
    found = {"recovered": noise, "signs": signs, "directions": directions}
    for function in (watermark.watermark_score, watermark.watermark_p_value, watermark.trace_watermark):
        yield function.__name__, function, found
    rings = _normal(4)
    yield "tree_ring", tree_ring, {"noise": noise, "rings": rings}
    yield "tree_ring_score", tree_ring_score, {"recovered": noise, "rings": rings}


MANY = "any number of them"
SECOND_SAMPLE = "the two samples may differ in number"
SILENT_FOR_A_REASON = {
    ("keyed_signs", "numbers"): "no images, no signs",
    ("select", "index"): "any of the scenes",
    ("VideoUNet", "first"): "None is its default, no frame is known",
    ("video_denoiser", "first"): "None is its default, no frame is known",
    ("ViewUNet", "view"): "None is its default, nothing is told",
    ("distill", "azimuths"): "None is its default, all around",
    ("volumes.render", "azimuth"): MANY,
    ("denoising_losses", "x"): MANY,
    ("denoising_losses", "noise"): MANY,
    ("trace_watermark", "signs"): "of any number of images",
    ("tree_ring", "rings"): MANY,
    ("tree_ring_score", "rings"): MANY,
    ("keyed_signs", "key"): "any string is a key",
    ("local_denoiser", "images"): MANY,
    ("local_denoiser", "x"): MANY,
    ("shift", "rows"): "a negative number shifts up",
    ("shift", "columns"): "a negative number shifts to the left",
} | {
    (name, argument): SECOND_SAMPLE
    for names, arguments in (
        (("nearest_training", "two_nearest", "distance_ratio", "memorized_fraction"), ("samples", "train")),
        (("membership_auc", "roc_curve", "true_positive_rate"), ("member_losses", "other_losses")),
        (("detection_pairs", "train_detector"), ("real", "generated")),
        (("auc",), ("positive", "negative")),
    )
    for name in names
    for argument in arguments
}
"""(callable, argument) → why some careless values of it give a result that is right."""


def all_calls() -> list[tuple[str, Callable, dict[str, Any]]]:
    """Of this module, in order."""
    return [*data_and_networks(), *pictures_of_words(), *films_and_solids(), *novelty_and_marks()]
