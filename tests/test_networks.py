"""Networks compute what their docstrings count: laws of structure, not of training."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from course.densities import Gaussian
from course.energies import energy_score
from course.networks import MLP, ConvEnergy


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# -- MLP ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [[2, 128, 128, 1], [3, 5, 4], [2, 3]], ids=str)
def test_mlp_has_as_many_parameters_as_it_says(widths):
    d_in, *hidden, d_out = widths
    assert count(MLP(d_in, hidden, d_out)) == sum((a + 1) * b for a, b in pairwise(widths))


def test_mlp_docstring():
    assert count(MLP(2, [128, 128], 1)) == 17_025
    assert "17,025" in MLP.__doc__


def test_mlp_is_its_layers_one_after_the_other(normal):
    """Every hidden layer is followed by its own activation, the last one by none."""
    net, x = MLP(3, [4, 5], 2, activation=nn.PReLU).double(), normal(7, 3)
    first, a, second, b, last = net.layers
    assert a is not b
    torch.testing.assert_close(net(x), last(b(second(a(first(x))))))
    torch.testing.assert_close(net.layers[:-1](x), b(second(a(first(x)))))  # a network can be cut for its features


def test_mlp_without_hidden_layers_is_affine(normal):
    net, x, y = MLP(3, [], 2).double(), normal(7, 3), normal(7, 3)
    torch.testing.assert_close(net(x + y) + net(torch.zeros(7, 3).double()), net(x) + net(y))


def test_mlp_squeezes_to_an_energy(normal):
    wide = MLP(2, [8], 1).double()
    flat = MLP(2, [8], 1, squeeze=True).double()
    flat.load_state_dict(wide.state_dict())
    x = normal(7, 2)
    torch.testing.assert_close(flat(x), wide(x)[:, 0])
    assert flat(x[:1]).shape == (1,)


def test_mlp_works_example_by_example(normal):
    net, x = MLP(2, [8], 3).double(), normal(7, 2)
    torch.testing.assert_close(net(x), torch.cat([net(x[i : i + 1]) for i in range(7)]))


def test_mlp_is_smooth_so_that_its_score_is(normal):
    """First and second derivatives are those of finite differences; with ReLUs the second is zero almost everywhere."""
    net, x = MLP(2, [8, 8], 1, squeeze=True).double(), normal(3, 2).requires_grad_()
    assert torch.autograd.gradcheck(net, x)
    assert torch.autograd.gradgradcheck(net, x)
    hessian = lambda net: torch.autograd.functional.hessian(lambda x: net(x).sum(), x.detach()).abs().max()
    assert hessian(net) > 1e-3
    assert hessian(MLP(2, [8, 8], 1, activation=nn.ReLU, squeeze=True).double()) == 0


def test_mlp_on_every_device_and_copied(normal, device):
    net, x = MLP(2, [16], 2), normal(7, 2).float()
    moved = copy.deepcopy(net).to(device)
    torch.testing.assert_close(moved(x.to(device)).cpu(), net(x), rtol=1e-4, atol=1e-5)


def test_mlp_cannot_squeeze_two_outputs():
    with pytest.raises(ValueError, match="d_out = 1 can be squeezed; got d_out = 2"):
        MLP(2, [8], 2, squeeze=True)


# -- ConvEnergy --------------------------------------------------------------------------------------------------------


def test_conv_energy_docstring():
    assert count(ConvEnergy(torch.zeros(1, 16, 16), torch.ones(1, 16, 16))) == 164_705
    assert "164,705" in ConvEnergy.__doc__


def conv_energy(normal) -> ConvEnergy:
    return ConvEnergy(normal(2, 8, 8), normal(2, 8, 8).abs() + 0.1, width=4).double()


def test_conv_energy_is_a_gaussian_and_a_correction(normal):
    energy, x = conv_energy(normal), normal(5, 2, 8, 8)
    gaussian = Gaussian(energy.mean.flatten(), energy.std.flatten().square().diag())
    correction = energy.correction(x).squeeze(1)
    constant = energy.std.log().sum() + 64 * math.log(2 * math.pi)
    torch.testing.assert_close(energy(x), -gaussian.log_prob(x.flatten(1)) - constant + correction)
    for parameter in energy.parameters():
        nn.init.zeros_(parameter)
    torch.testing.assert_close(energy_score(energy, x).flatten(1), gaussian.score(x.flatten(1)))


def test_conv_energy_starts_from_the_gaussian(normal, device, generator):
    energy = conv_energy(normal).float().to(device)
    z = ((energy.start(5000, generator) - energy.mean) / energy.std).double()
    assert z.shape == (5000, 2, 8, 8)
    assert abs(z.mean()) < 5 / z.numel() ** 0.5
    assert abs(z.square().mean() - 1) < 5 * (2 / z.numel()) ** 0.5


def test_conv_energy_trains_the_correction_alone(normal):
    energy = conv_energy(normal)
    assert {name for name, _ in energy.named_buffers()} == {"mean", "std"}
    assert all(name.startswith("correction.") for name, _ in energy.named_parameters())


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        (torch.zeros(8, 8), torch.ones(8, 8), r"shape \(C, H, W\); got \(8, 8\)"),
        (torch.zeros(1, 8, 8), torch.ones(8, 8), r"got \(1, 8, 8\) and \(8, 8\)"),
        (torch.zeros(1, 8, 8), torch.zeros(1, 8, 8), "positive std"),
        (torch.zeros(1, 8, 10), torch.ones(1, 8, 10), "divisible by 4; got 8 × 10"),
    ],
)
def test_conv_energy_mistakes_are_named(mean, std, words):
    with pytest.raises(ValueError, match=words):
        ConvEnergy(mean, std)
