"""hw5: the small modules that layers and networks are made around."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course.exercises.case_functions.common import GivenModule


class Conv(GivenModule):
    """A convolution that keeps height and width; weight (out, in, 3, 3), bias (out,)."""

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=1)


class Linear(GivenModule):
    """(B, in) → (B, out); weight (out, in), bias (out,)."""

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Part(GivenModule):
    """A part of a U-Net that keeps height and width: tanh(conv(h) + project e).

    weight (out, in, 3, 3), project (out, E)
    """

    weight: Tensor
    project: Tensor

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        told = F.linear(embedding, self.project)
        return torch.tanh(F.conv2d(h, self.weight, padding=1) + told[:, :, None, None])


class DownPart(Part):
    """A part that first halves height and width."""

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        return super().forward(F.avg_pool2d(h, 2), embedding)


class UpPart(Part):
    """A part that doubles height and width at its end."""

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        return super().forward(h, embedding).repeat_interleave(2, 2).repeat_interleave(2, 3)


class Branch(GivenModule):
    """A map of tokens, (B, N, C) → (B, N, C), that mixes both channels and tokens; weight and mix (C, C)."""

    weight: Tensor
    mix: Tensor

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.tanh(F.linear(tokens, self.weight)) + F.linear(tokens.mean(1, keepdim=True), self.mix)
