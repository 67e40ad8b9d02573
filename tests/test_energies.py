"""Normalizing constants, scores and likelihood gradients of energies, against exponential families that are known."""

import math

import pytest
import torch
from torch import Tensor, distributions, nn

from course.densities import Gaussian, GaussianMixture
from course.energies import contrastive_divergence, energy_score, log_partition, start_negatives
from course.networks import MLP


def grid(d: int, extent: float = 12.0, n: int = 97, dtype=torch.float64) -> tuple[Tensor, float]:
    axis = torch.linspace(-extent, extent, n, dtype=dtype)
    return torch.cartesian_prod(*[axis] * d).reshape(-1, d), (2 * extent / (n - 1)) ** d


class GaussianEnergy(nn.Module):
    """E(x) = a x²/2 + b x + c on a line: p = N(−b/a, 1/a), and log Z = b²/2a + ½ log(2π/a) − c."""

    def __init__(self, a: float, b: float, c: float = 0.0):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(torch.tensor(v).double()) for v in (a, b, c))

    def forward(self, x: Tensor) -> Tensor:
        return (self.a * x**2 / 2 + self.b * x).sum(1) + self.c

    @property
    def law(self) -> distributions.Normal:
        return distributions.Normal(-self.b / self.a, self.a**-0.5)

    @property
    def log_z(self) -> Tensor:
        return self.b**2 / (2 * self.a) + 0.5 * (2 * math.pi / self.a).log() - self.c


# -- the normalizing constant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3])
def test_log_partition_of_a_gaussian(normal, d):
    """log Z = ½ log det 2πΣ for E = ½ (x − μ)ᵀ Σ⁻¹ (x − μ); on smooth functions a Riemann sum is exact to rounding."""
    root = normal(d, d)
    gaussian = Gaussian(0.3 * normal(d), 0.2 * root @ root.mT + torch.eye(d).double())
    precision = torch.linalg.inv(gaussian.covariance)
    energy = lambda x: 0.5 * ((x - gaussian.mean) @ precision * (x - gaussian.mean)).sum(1)
    found = log_partition(energy, *grid(d, n=61))
    assert found.shape == ()
    torch.testing.assert_close(found, 0.5 * torch.logdet(2 * math.pi * gaussian.covariance), rtol=0, atol=1e-8)


def test_log_partition_of_a_density_is_zero(normal):
    mixture = GaussianMixture(torch.tensor([0.3, 0.7]).double(), normal(2, 2), torch.tensor([0.5, 1.0]).double())
    assert abs(log_partition(lambda x: -mixture.log_prob(x), *grid(2)).item()) < 1e-8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [-5000.0, 0.0, 5000.0])
def test_an_offset_of_the_energy_moves_log_z_by_minus_itself(offset, dtype):
    """Where e⁻ᴱ overflows or underflows, log Z does not."""
    found = log_partition(lambda x: 0.5 * x.square().sum(1) + offset, *grid(2, dtype=dtype))
    assert found.dtype == dtype
    tolerance = 4 * torch.finfo(dtype).eps * max(abs(offset), 1) + 1e-8
    assert found.item() == pytest.approx(math.log(2 * math.pi) - offset, rel=1e-6 if offset == 0 else 0, abs=tolerance)


def test_the_gradient_of_log_z_is_the_expected_energy_gradient():
    """∇ log Z = −E ∇E, which is where the second term of the likelihood's gradient comes from."""
    energy = GaussianEnergy(0.8, -0.5)
    parameters = list(energy.parameters())
    points, cell = grid(1, 20, 401)
    found = torch.autograd.grad(log_partition(energy, points, cell), parameters)
    exact = torch.autograd.grad(energy.log_z, parameters)
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-10)
    mean, variance = energy.law.mean, energy.law.variance
    torch.testing.assert_close(torch.stack(found), -torch.stack([(mean**2 + variance) / 2, mean, mean / mean]))


def test_the_cell_may_be_a_tensor():
    points, cell = grid(2)
    bowl = lambda x: 0.5 * x.square().sum(1)
    torch.testing.assert_close(log_partition(bowl, points, torch.tensor(cell)), log_partition(bowl, points, cell))


def test_log_partition_on_every_device(device):
    points, cell = grid(2, dtype=torch.float32)
    found = log_partition(lambda x: 0.5 * x.square().sum(1), points.to(device), cell)
    assert found.device.type == device.type
    assert found.item() == pytest.approx(math.log(2 * math.pi), abs=1e-5)


# -- the score ---------------------------------------------------------------------------------------------------------


def test_energy_score_of_a_density_is_its_score(normal):
    mixture = GaussianMixture(torch.tensor([0.3, 0.7]).double(), normal(2, 2, 3), torch.tensor([0.5, 1.0]).double())
    x = 2 * normal(9, 2, 3)
    for log_z in (0.0, 7.0):
        found = energy_score(lambda x, z=log_z: z - mixture.log_prob(x), x)
        torch.testing.assert_close(found, mixture.score(x), rtol=1e-10, atol=1e-10)


def test_energy_score_of_a_network_against_central_differences(normal):
    net, x, h = MLP(3, [16, 16], 1, squeeze=True).double(), normal(5, 3), 1e-5
    for i, e in enumerate(torch.eye(3).double()):
        slope = (net(x + h * e) - net(x - h * e)) / (2 * h)
        torch.testing.assert_close(energy_score(net, x)[:, i], -slope.detach(), rtol=0, atol=1e-8)


def test_energy_score_leaves_everything_as_it_was(normal):
    net, x = MLP(2, [8], 1, squeeze=True).double(), normal(5, 2)
    truth = energy_score(net, x)
    kept = [torch.full_like(p, 0.5) for p in net.parameters()]
    for parameter, grad in zip(net.parameters(), kept):
        parameter.grad = grad.clone()
    with torch.no_grad():
        assert torch.equal(energy_score(net, x), truth)
        assert not torch.is_grad_enabled()
    attached = x.clone().requires_grad_()
    for given in (x, attached, attached * 1):
        found = energy_score(net, given)
        assert torch.equal(found, truth)
        if found.requires_grad:  # so that a second derivative is refused, and not taken for zero
            with pytest.raises(ValueError, match="pass it `differentiable=True`"):
                torch.autograd.grad(found.sum(), given)
    assert not energy_score(net, x).requires_grad
    assert (x.requires_grad, attached.requires_grad, attached.grad) == (False, True, None)
    assert all(torch.equal(p.grad, grad) and p.requires_grad for p, grad in zip(net.parameters(), kept))


# -- the likelihood's gradient -----------------------------------------------------------------------------------------


def gradients(loss: Tensor, energy: nn.Module) -> Tensor:
    return torch.stack(torch.autograd.grad(loss, list(energy.parameters()), allow_unused=True))


def test_contrastive_divergence_has_the_gradient_of_the_likelihood(normal):
    """The expectation over the model is exact for two points at mean ± std, which have its two moments."""
    energy, data = GaussianEnergy(0.8, -0.5, 0.3), normal(30, 1)
    mean, std = energy.law.mean.detach(), energy.law.stddev.detach()
    negatives = torch.stack([mean - std, mean + std])[:, None]
    found = gradients(contrastive_divergence(energy, data, negatives), energy)
    nll = energy(data).mean() + energy.log_z
    torch.testing.assert_close(found, gradients(nll, energy), rtol=0, atol=1e-12)
    torch.testing.assert_close(
        -energy(data) - energy.log_z, energy.law.log_prob(data).squeeze(1)
    )  # the same likelihood


def test_contrastive_divergence_is_unbiased_with_samples_of_the_model(normal):
    energy, data, n = GaussianEnergy(0.8, -0.5), normal(30, 1), 50_000
    mean, std = energy.law.mean.item(), energy.law.stddev.item()
    negatives = mean + std * normal(n, 1)
    off = gradients(contrastive_divergence(energy, data, negatives) - energy(data).mean() - energy.log_z, energy)
    features = torch.cat([negatives**2 / 2, negatives], 1)  # ∂E/∂a and ∂E/∂b
    assert (off[:2].abs() < 5 * features.std(0) / n**0.5).all()
    assert off[2].abs() < 1e-12


def test_the_gradient_vanishes_where_model_and_data_agree(normal):
    net, data = MLP(2, [8], 1, squeeze=True).double(), normal(30, 2)
    loss = contrastive_divergence(net, data, data.flip(0))
    for g in torch.autograd.grad(loss, list(net.parameters())):
        torch.testing.assert_close(g, torch.zeros_like(g), rtol=0, atol=1e-14)


def test_the_loss_is_that_of_the_equation(normal):
    energy, data, negatives = GaussianEnergy(0.8, -0.5, 0.3), normal(30, 1), normal(20, 1)
    low, high = energy(data), energy(negatives)
    for penalty in (0.0, 0.1):
        expected = low.mean() - high.mean() + penalty * ((low**2).mean() + (high**2).mean())
        torch.testing.assert_close(contrastive_divergence(energy, data, negatives, penalty), expected)


def test_only_the_penalty_sees_a_constant_in_the_energy(normal):
    data, negatives = normal(30, 1), normal(20, 1)
    low, high = GaussianEnergy(0.8, -0.5, 0.0), GaussianEnergy(0.8, -0.5, 9.0)
    free, bound = ([contrastive_divergence(e, data, negatives, p) for e in (low, high)] for p in (0.0, 0.1))
    torch.testing.assert_close(*free)
    assert bound[1] > bound[0] + 1
    assert gradients(free[1], high)[2].abs() < 1e-14


def test_no_gradient_reaches_the_samples(normal):
    data, negatives = normal(5, 1).requires_grad_(), normal(5, 1).requires_grad_()
    contrastive_divergence(GaussianEnergy(0.8, -0.5), data, negatives, 0.1).backward()
    assert data.grad is None
    assert negatives.grad is None


# -- persistent chains -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)], ids=str)
def test_chains_continue_or_start_afresh(normal, device, shape):
    buffer, fresh = (t.float().to(device) for t in (normal(10, *shape), normal(4, *shape)))
    index = torch.tensor([7, 0, 7, 3], device=device)
    restart = torch.tensor([False, True, True, False], device=device)
    start = start_negatives(buffer, index, fresh, restart)
    assert torch.equal(start, torch.stack([buffer[7], fresh[1], fresh[2], buffer[3]]))


@pytest.mark.parametrize("restart", [[True] * 3, [False] * 3, [True, False, True]], ids=str)
def test_the_start_has_memory_of_its_own(normal, restart):
    buffer, fresh = normal(3, 2), normal(3, 2)
    before = buffer.clone(), fresh.clone()
    start_negatives(buffer, torch.arange(3), fresh, torch.tensor(restart)).zero_()
    assert torch.equal(buffer, before[0])
    assert torch.equal(fresh, before[1])


# -- errors ------------------------------------------------------------------------------------------------------------

X, I, R = torch.zeros(3, 2), torch.arange(3), torch.zeros(3, dtype=torch.bool)
bowl = lambda x: x.square().sum(1)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: log_partition(bowl, X, 0.0), "Expected cell to be positive and finite; got 0"),
        (lambda: log_partition(bowl, X, -0.1), "Expected cell to be positive and finite; got -0.1"),
        (lambda: contrastive_divergence(bowl, X, X, -0.5), "penalty is zero or more; got -0.5"),
        (lambda: start_negatives(X, I[:1], X, R), r"index \(B,\).*got \(1,\), \(3, 2\) and \(3,\)"),
        (lambda: start_negatives(X, I, X[:1], R), r"fresh \(B, \*D\).*got \(3,\), \(1, 2\) and \(3,\)"),
        (lambda: start_negatives(X, I, X, R[:1]), r"restart \(B,\).*got \(3,\), \(3, 2\) and \(1,\)"),
        (lambda: start_negatives(X, I, X[:, :1], R), r"buffer \(N, \*D\) of shape \(3, 2\); got \(3,\), \(3, 1\)"),
    ],
)
def test_mistakes_are_named(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


def test_a_mask_is_no_index_and_negatives_are_like_data():
    buffer, fresh, restart = torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2, dtype=torch.bool)
    for mask in (torch.tensor([True, False]), torch.tensor([1, 0], dtype=torch.uint8)):
        with pytest.raises(TypeError, match="no mask"):
            start_negatives(buffer, mask, fresh, restart)
    with pytest.raises(ValueError, match="negatives like data"):
        contrastive_divergence(lambda x: x.square().sum(1), fresh, torch.zeros(2, 3))
