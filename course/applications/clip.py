r"""CLIP: pictures and captions as vectors, near where they belong together.

Radford et al. (2021) train a ResNet or a vision transformer and a text transformer on 400 million pictures with their
captions, in batches of 32,768, by the loss below. Such encoders hardly notice the order of words (Yuksekgonul et al.,
2023: "bags of words"), since two captions of the same words rarely meet in a batch; as in that paper's NegCLIP, every
scene here meets one told by the same words in another order. Half a million weights then suffice for a small grammar.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.data.captions import tokenize
from course.data.scenes import LENGTH, WORDS
from course.networks.text import TextEncoder
from course.tensors import check_takes, not_empty, one_dtype, positive


def clip_loss(image: Tensor, text: Tensor, temperature: float | Tensor) -> Tensor:
    r"""The mean of two cross-entropies: which caption is the picture's, and which picture is the caption's.

    .. math:: -\frac{1}{2B} \sum_i \log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ij}/\tau}}
       + \log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ji}/\tau}}, \qquad
       s_{ij} = \frac{u_i \cdot v_j}{\lVert u_i \rVert \lVert v_j \rVert}

    Args:
        image: embeddings u of pictures, shape (B, E), of any length.
        text: embeddings v of their captions, shape (B, E), in the same order.
        temperature: τ > 0.

    Returns:
        Shape (), in nats: log B where all embeddings are alike.

    Raises:
        ValueError: if the shapes differ or are not (B, E), or the temperature is not positive.

    Source: Radford et al. (2021), figure 3.
    """
    not_empty(image=image, text=text)
    if image.ndim != 2 or image.shape != text.shape:
        raise ValueError(
            f"Expected one image and one text embedding per pair, both (B, E); got {tuple(image.shape)} and "
            f"{tuple(text.shape)}."
        )
    one_dtype(image=image, text=text)
    positive(temperature=temperature)  # type: ignore[arg-type]
    logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T / temperature
    pairs = torch.arange(len(image), device=image.device)
    return 0.5 * (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs))


class ImageEncoder(nn.Module):
    """Pictures as vectors: convolutions at half, a quarter and an eighth of their size, and a perceptron.

    Shape: (B, 3, 32, 32) → (B, E). Parameters: 367,312 at E = 64.
    """

    def __init__(self, out: int = 64, width: int = 48):
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            _layer(12, width, 1),
            _layer(width, 2 * width, 2),
            _layer(2 * width, 2 * width, 1),
            _layer(2 * width, 2 * width, 2),
            nn.Flatten(),
            nn.Linear(32 * width, 2 * width),
            nn.SiLU(),
            nn.Linear(2 * width, out),
        )

    def forward(self, x: Tensor) -> Tensor:
        check_takes("This encoder takes pictures", x, 3, 32, 32)
        one_dtype(weights=self.body[6].weight, x=x)  # type: ignore[arg-type]
        return self.body(x)


def _layer(fan_in: int, fan_out: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(fan_in, fan_out, 3, stride, padding=1), nn.GroupNorm(8, fan_out), nn.SiLU())


class CLIP(nn.Module):
    """Both encoders and the temperature, of which the logarithm is learned.

    Shape: pictures (B, 3, 32, 32), tokens (B, M), mask (B, M) → embeddings of both, (B, E) each, of length one.
    """

    def __init__(self, dim: int = 64, depth: int = 2):
        super().__init__()
        self.image = ImageEncoder(dim)
        self.text: nn.Module = TextEncoder(len(WORDS), LENGTH, dim, depth, out=dim)
        self.log_temperature = nn.Parameter(torch.tensor(0.1).log())

    @property
    def temperature(self) -> Tensor:
        return self.log_temperature.clamp(min=-4.6).exp()

    def forward(self, pictures: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return F.normalize(self.image(pictures), dim=1), F.normalize(self.text(tokens, mask)[1], dim=1)


@cache
def clip() -> CLIP:
    """The network that ships, loaded once; its weights are frozen."""
    from course.pretrained import load

    return load("clip")


def encode_captions(captions: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Captions through the frozen text encoder of ``clip``; an empty one is the unconditional one.

    Returns:
        Words (N, 11, 64), their mask (N, 11), true at real ones, and captions as one vector (N, 64).

    Raises:
        ValueError: if a word is unknown, or the words are in another order than the grammar's.
    """
    tokens, mask = tokenize(captions)
    words, vectors = clip().text(tokens, mask)
    return words, mask, vectors


def similarity(pictures: Tensor, captions: Sequence[str]) -> Tensor:
    """Cosines of N pictures (N, 3, 32, 32) and M captions; shape (N, M). It complains as ``tokenize`` does."""
    captions = captions if isinstance(captions, str) else list(captions)  # an iterator is read twice
    return clip()(pictures, *tokenize(captions))[0] @ F.normalize(encode_captions(captions)[2], dim=1).T
