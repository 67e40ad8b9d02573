"""The parts of image networks and the networks made of them: laws of structure, and that they can learn."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course.networks import (
    DiT,
    FourierMLP,
    InstanceNormBlock,
    TimeBlock,
    UNet,
    adaptive_layer_norm,
    conditional_instance_norm,
    patchify,
    residual_block,
    self_attention,
    sinusoidal_embedding,
    unet,
    unpatchify,
)
from course.networks.classifier import NoisyClassifier
from course.networks.transformer import DiTBlock
from course.training import train


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_embedding_turns_with_time(normal):
    """Products of embeddings depend on the difference of times alone; all cosines come first."""
    t = normal(5)
    e = sinusoidal_embedding(t, 8, 100.0)
    omega = 100.0 ** (-torch.arange(4).double() / 4)
    torch.testing.assert_close(e @ e.T, ((t[:, None] - t)[..., None] * omega).cos().sum(-1))
    torch.testing.assert_close(sinusoidal_embedding(0 * t, 8)[0], torch.tensor([1.0] * 4 + [0.0] * 4).double())
    with pytest.raises(ValueError, match="even dimension; got 7"):
        sinusoidal_embedding(t, 7)


def test_instance_norm_is_the_papers(normal):
    x, gamma, alpha, beta = normal(3, 4, 5, 6), normal(3, 4), normal(3, 4), normal(3, 4)
    mean = x.mean((2, 3), keepdim=True)
    normalized = (x - mean) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    between = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, keepdim=True) + 1e-5).sqrt()
    wide = lambda a: a[:, :, None, None]
    expected = wide(gamma) * (normalized + wide(alpha) * between) + wide(beta)
    torch.testing.assert_close(conditional_instance_norm(x, gamma, alpha, beta), expected)
    with pytest.raises(ValueError, match="two channels or more; got 1"):
        conditional_instance_norm(x[:, :1], gamma[:, :1], alpha[:, :1], beta[:, :1])


def test_attention_agrees_with_torchs_own(normal):
    x, w_qkv, w_out = normal(2, 5, 8), normal(24, 8), normal(8, 8)
    zeros = torch.zeros(24).double(), torch.zeros(8).double()
    expected, _ = F.multi_head_attention_forward(
        *[x.transpose(0, 1)] * 3, 8, 4, w_qkv, zeros[0], None, None, False, 0.0, w_out, zeros[1], need_weights=False
    )
    torch.testing.assert_close(self_attention(x, w_qkv, w_out, 4), expected.transpose(0, 1))


def test_attention_does_not_know_the_order_of_tokens(normal):
    x, w_qkv, w_out, order = normal(2, 5, 8), normal(24, 8), normal(8, 8), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        self_attention(x[:, order], w_qkv, w_out, 2), self_attention(x, w_qkv, w_out, 2)[:, order]
    )
    with pytest.raises(ValueError, match="3 heads and 8 channels"):
        self_attention(x, w_qkv, w_out, 3)


def test_residual_block_adds_to_its_input(normal):
    x, e = normal(2, 3, 4, 4), normal(2, 5)
    conv, project = nn.Conv2d(3, 3, 3, padding=1).double(), nn.Linear(5, 3).double()
    torch.testing.assert_close(residual_block(x, e, conv, lambda h: 0 * h, project), x)
    told = F.silu(conv(F.silu(x)) + project(e)[:, :, None, None])
    torch.testing.assert_close(residual_block(x, e, conv, lambda h: 2 * h, project), x + 2 * told)


def test_patches_are_rows_of_the_image_and_go_back():
    x = torch.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    tokens = patchify(x, 2)
    assert torch.equal(tokens[1, 4], x[1, :, 2:4, 2:4].flatten())  # second row of patches, second in it
    assert torch.equal(unpatchify(tokens, 2, 4, 6), x)
    with pytest.raises(ValueError, match="do not tile an image of 4 × 6"):
        patchify(x, 4)
    with pytest.raises(ValueError, match="no image of 8 × 6"):
        unpatchify(tokens, 2, 8, 6)


def test_adaptive_layer_norm_is_gated_and_modulated(normal):
    x, shift, scale, gate = normal(2, 5, 4), normal(2, 4), normal(2, 4), normal(2, 4)
    torch.testing.assert_close(adaptive_layer_norm(x, shift, scale, 0 * gate, torch.exp), x)
    seen = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    seen = seen * (1 + scale[:, None]) + shift[:, None]
    torch.testing.assert_close(adaptive_layer_norm(x, shift, scale, gate, torch.sin), x + gate[:, None] * seen.sin())


def test_unet_uses_skips_last_in_first_out(normal):
    x, e, order = normal(1, 1, 4, 4), normal(1, 2), []

    def down(name):
        return lambda h, e: torch.full_like(h[:, :1], name)

    def up(h, e):
        order.append(h[0, -1, 0, 0].item())
        return h[:, :1]

    same = lambda h, *rest: h
    unet(x, e, same, [down(1), down(2), down(3)], same, [up] * 3, same)
    assert order == [3.0, 2.0, 1.0]
    with pytest.raises(ValueError, match="got 1 and 0"):
        unet(x, e, same, [down(1)], same, [], same)


# -- networks ----------------------------------------------------------------------------------------------------------

NETWORKS = {
    "UNet": lambda **k: UNet(widths=(16, 32), **k),
    "instance norm": lambda **k: UNet(widths=(16, 32), block=InstanceNormBlock, **k),
    "DiT": lambda **k: DiT(size=8, dim=32, depth=2, **k),
}


@pytest.mark.parametrize(
    ("net", "said"),
    [(UNet(), 485_537), (DiT(), 705_892), (FourierMLP(2), 149_506), (NoisyClassifier(), 119_818)],
    ids=["UNet", "DiT", "FourierMLP", "NoisyClassifier"],
)
def test_docstrings_count_parameters(net, said):
    assert count(net) == said
    assert f"{said:,}" in type(net).__doc__
    if isinstance(net, UNet):
        assert count(UNet(classes=10)) - said == 11 * 128


def test_blocks_keep_the_shape_and_count_parameters(normal):
    c, e = 16, 24
    for block, parameters in (
        (TimeBlock(c, e), 18 * c**2 + 5 * c + e * c),
        (InstanceNormBlock(c, e), 18 * c**2 + 5 * c + 3 * e * c),
        (DiTBlock(c, 4), 18 * c**2 + 11 * c),
    ):
        assert count(block) == parameters
        x, told = (normal(2, 5, c), normal(2, c)) if isinstance(block, DiTBlock) else (normal(2, c, 4, 4), normal(2, e))
        added = (block.double()(x, told) - x).flatten(2)
        torch.testing.assert_close(added, added[:1, :, :1].expand_as(added))  # at first the same whatever it sees


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_overfit_eight_images_and_use_time_and_class(name, device):
    """Each image is told apart by its time and class alone, the input being the same."""
    torch.manual_seed(0)
    target = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)).to(device)
    times, labels = torch.linspace(0, 1, 8, device=device), torch.arange(8, device=device)
    net = NETWORKS[name](classes=8).to(device)

    def loss(model, index, generator):
        return (model(0 * target[index], times[index], labels[index]) - target[index]).square().mean()

    data = torch.arange(8, device=device)
    made = train(net, loss, data, steps=300, batch_size=32, lr=3e-3, progress=False).model
    assert loss(made, data, None).item() < 0.005  # the images' variance is 0.083
    with torch.no_grad():
        right = made(0 * target, times, labels)
        assert (made(0 * target, times.flip(0), labels) - right).abs().mean() > 0.01
        assert (made(0 * target, times, labels.flip(0)) - right).abs().mean() > 0.01
        torch.testing.assert_close(made(0 * target, 0.5), made(0 * target, 0.5 + 0 * times, 8 + 0 * labels))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_work_example_by_example(name, normal):
    torch.manual_seed(0)
    net = NETWORKS[name]().double()
    for p in net.parameters():
        nn.init.normal_(p, std=0.1)
    x, t = normal(3, 1, 8, 8), normal(3).sigmoid()
    alone = torch.cat([net(x[i : i + 1], t[i].item()) for i in range(3)])
    torch.testing.assert_close(net(x, t), alone)


def test_networks_say_what_they_cannot_take(normal):
    with pytest.raises(ValueError, match="multiples of 4; got \\(6, 6\\)"):
        UNet()(torch.zeros(1, 1, 6, 6), 0.5)
    with pytest.raises(ValueError, match="takes no labels"):
        UNet()(torch.zeros(1, 1, 8, 8), 0.5, torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"shape \(2,\); got \(3,\)"):
        FourierMLP(2)(torch.zeros(2, 2), torch.zeros(3))


def test_fourier_features_learn_what_a_plain_network_does_not():
    """A wave of ten periods on [−1, 1]²; the same steps of the same training."""
    from course.networks import MLP

    torch.manual_seed(0)
    x = 2 * torch.rand(2000, 2, generator=torch.Generator().manual_seed(0)) - 1
    target = (10 * math.pi * x).sin()

    class Plain(MLP):
        def forward(self, x, t):
            return super().forward(x)

    def loss(model, batch, generator):
        return (model(batch[0], 0.0) - batch[1]).square().mean()

    nets = FourierMLP(2, (64, 64), waves=32, scale=3.0), Plain(2, (64, 64), 2)
    waves, plain = (train(net, loss, (x, target), steps=300, lr=3e-3, progress=False).losses[-1] for net in nets)
    assert waves < 0.5 * plain
