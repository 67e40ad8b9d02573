r"""Text to image: a denoiser that is told a caption by a frozen text encoder, and is guided by itself without one.

Stable Diffusion (Rombach et al., 2022) trains 860 million weights on a billion or so captioned pictures, in an
autoencoder's latents, and lets features look at CLIP's 77 frozen tokens by cross-attention; DALL·E 2 is told CLIP's one
vector. Here both are done to the same small U-Net on patches of pixels, so that they can be held side by side, and a
reader that has seen neither says what is right (``course.applications.reading``).
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.applications.clip import encode_captions
from course.guidance import classifier_free
from course.networks.condition import Condition
from course.networks.convolutional import CrossAttention, ModulatedBlock, UNet
from course.networks.layers import attention_weights, sinusoidal_embedding
from course.processes import EDM
from course.sampling import dpm_solver, karras_times, walk
from course.scores import Preconditioned, score_from_denoiser
from course.tensors import check_generator, check_real, check_takes, finite, one_dtype, per_example, whole
from course.types import Field, Time

SIGMA_MAX, SIGMA_MIN = 40.0, 0.06
SIGMA_DATA = 0.2
"""Below the pixels' deviation, 0.38, since most are black: a larger one makes the network pass noise on to its end."""


class VectorCondition(nn.Module):
    """Time and a caption's vector as one: (x, t, vector (B, V)) → (B, dim).

    Parameters: 2 · dim(dim + 1) and dim(V + dim + 2).
    """

    def __init__(self, dim: int, vector: int, time_scale: float = 100.0):
        super().__init__()
        self.dim, self.time_scale = dim, time_scale
        self.time = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.caption = nn.Sequential(nn.Linear(vector, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, x: Tensor, t: Time, vector: Tensor) -> Tensor:
        times = per_example(t, x)
        check_real(vector=vector)
        weights: Any = self.caption[0].weight
        one_dtype(weights=weights, x=x, vector=vector)
        if vector.shape != (len(x), weights.shape[1]):
            raise ValueError(f"Expected a caption's vector {(len(x), weights.shape[1])}; got {tuple(vector.shape)}.")
        e = self.time(sinusoidal_embedding(self.time_scale * times, self.dim))
        return F.silu(e + self.caption(vector))


class CaptionUNet(nn.Module):
    r"""A U-Net on patches of pixels that is told a caption, and paints: two masks, each in a colour of its own.

    .. math:: F(x) = y + r(x, y, m), \qquad y = \sum_{k=1}^2 (1 + m_k) \, c_k

    A mask m has a number for each pixel and a colour c is one for each patch, so that the shape of a seven is learned
    once, and not once in each colour. Two convolutions r at full size then refine pixels beside the noisy picture.

    Args:
        vector: V, of a caption's vector, or None.
        words: D, of a word's vector, or None; one of the two is given.
        patch: side of the patches, whose pixels become channels.
        widths, depth: of ``UNet``, at the patches' resolution.
        dim: of the embedding of time and vector.

    Shape: x (B, 3, 32, 32), t, then the vector (B, V), or words (B, M, D) and their mask (B, M) → (B, 3, 32, 32).

    Raises:
        ValueError: if neither or both are given, pictures of another size, or what is told is of another shape.
    """

    def __init__(
        self,
        vector: int | None = None,
        words: int | None = None,
        patch: int = 4,
        widths: Sequence[int] = (96, 96),
        depth: int = 1,
        dim: int = 128,
    ):
        super().__init__()
        if (vector is None) == (words is None):
            raise ValueError(f"A caption is told as a vector or as words; got vector={vector} and words={words}.")
        for name, n in {"vector": vector, "words": words, "patch": patch, "dim": dim}.items():
            if n is not None:
                whole(name, n, 1)
        self.patch, self.by_words = patch, words is not None
        condition = VectorCondition(dim, vector) if vector else Condition(dim)
        told = {"condition": condition, "context": words, "block": ModulatedBlock}
        self.unet = UNet(3 * patch**2, widths, depth, out=2 * (patch**2 + 3), **told)  # type: ignore[arg-type]
        self.refine = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 3, 3, padding=1))
        nn.init.constant_(self.refine[2].bias, -1 / SIGMA_DATA)  # type: ignore[arg-type]  # black, the background

    def forward(self, x: Tensor, t: Time, *told: Tensor, added: Sequence[Tensor] = ()) -> Tensor:
        """``added`` as in ``UNet``."""
        check_takes("This network takes pictures", x, 3, 32, 32)
        if len(told) != 1 + self.by_words:
            what = "words and their mask" if self.by_words else "a caption's vector"
            raise ValueError(f"This network is told {what}; got {len(told)} tensors.")
        h = F.pixel_unshuffle(x, self.patch)
        h = self.unet(h, t, *((None, *told) if self.by_words else told), added=added)
        masks, colours = h.split([2 * self.patch**2, 6], dim=1)
        masks = F.pixel_shuffle(masks, self.patch)
        colours = F.interpolate(colours, scale_factor=float(self.patch)).unflatten(1, (2, 3))
        painted = ((1 + masks)[:, :, None] * colours).sum(1)
        return painted + self.refine(torch.cat([x, painted, masks], 1))


def text_to_image(by_words: bool = True) -> Preconditioned:
    """The denoiser D(x, σ, words, mask), or D(x, σ, vector), untrained."""
    return Preconditioned(CaptionUNet(words=64) if by_words else CaptionUNet(vector=64), SIGMA_DATA)


def told(captions: Sequence[str], model: Preconditioned) -> tuple[Tensor, ...]:
    """What the network is told of captions: words and their mask, or one vector each."""
    words, mask, vectors = encode_captions(captions)
    network: Any = model.network
    return (words, mask) if network.by_words else (vectors,)


def guided(model: Preconditioned, captions: Sequence[str], scale: float) -> Field:
    """The denoiser of captions under classifier-free guidance: the empty caption at 0, the captions at 1, more above.

    Returns:
        (x, σ) → D, shape (B, 3, 32, 32), for as many pictures as there are captions.
    """
    finite(scale=scale)
    if scale == 1:
        return partial(_denoised, model, told(captions, model))
    both = told([*captions, *[""] * len(captions)], model)

    def denoiser(x: Tensor, sigma: Time) -> Tensor:
        sigmas = torch.cat([sigma, sigma]) if isinstance(sigma, Tensor) and sigma.ndim else sigma
        conditional, unconditional = model(torch.cat([x, x]), sigmas, *both).chunk(2)
        return classifier_free(conditional, unconditional, scale)

    return denoiser


def _denoised(model: Preconditioned, given: tuple[Tensor, ...], x: Tensor, sigma: Time) -> Tensor:
    return model(x, sigma, *given)


def sample(
    captions: Sequence[str],
    scale: float = 2.0,
    generator: torch.Generator | None = None,
    steps: int = 20,
    model: Preconditioned | None = None,
) -> Tensor:
    """Pictures of captions, by DPM-Solver++ along Karras et al.'s noise levels.

    Args:
        captions: N of them; an empty one is of any scene.
        scale: of classifier-free guidance.
        generator: draws the noise that sampling starts from.
        steps: evaluations of the network, twice each where the scale is not 1.
        model: the network that is told words and ships, where None.

    Returns:
        Shape (N, 3, 32, 32), in [−1, 1] but for a little.

    Raises:
        ValueError: if a caption is none of the grammar, the scale is not finite, or there are less than two steps.
    """
    whole("steps", steps, 2)
    check_generator(generator)
    noise = SIGMA_MAX * torch.randn(len(captions), 3, 32, 32, generator=generator)
    denoiser = guided(model or shipped(), captions, scale)
    step = dpm_solver(EDM(), score_from_denoiser(denoiser, EDM()))
    *_, pictures = walk(step, noise, [*karras_times(SIGMA_MAX, SIGMA_MIN, steps).tolist(), 0.0])
    return pictures


@cache
def shipped() -> Any:
    """The network that is told words and ships, loaded once."""
    from course.pretrained import load

    return load("text_to_image")


@torch.no_grad()
def attention_maps(model: Preconditioned, x: Tensor, sigma: Time, captions: Sequence[str]) -> list[Tensor]:
    """Where each place of the picture looks in its caption, in every cross-attention of a network that is told words.

    Returns:
        Of each layer, first to last, the mean over heads: shape (B, H, W, M), whose last axis sums to one; H and W are
        8 or 4. Word m is token m of ``tokenize``, the start the first.

    Source: Hertz et al. (2023), prompt-to-prompt.
    """
    maps: list[Tensor] = []

    def keep(layer: Any, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        h, context, mask = inputs
        weights = attention_weights(layer.tokens(h), context, mask, layer.w_q, layer.w_kv, layer.heads)
        maps.append(weights.mean(1).unflatten(1, h.shape[2:]))

    layers = [layer for layer in model.modules() if isinstance(layer, CrossAttention)]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        model(x, sigma, *told(captions, model))
    finally:
        for hook in hooks:
            hook.remove()
    return maps
