"""Edges and text: a branch that changes nothing at first, and pictures that have the lines they were to have."""

import pytest
import torch

from course.applications import control
from course.applications.control import Control, controlled, edge_agreement, edges
from course.applications.text_to_image import SIGMA_DATA, CaptionUNet, sample, told
from course.data import captions, draw_scenes, render
from course.pretrained import UNTRAINED as NOT_YET
from course.pretrained import load
from course.scores import Preconditioned

UNTRAINED = pytest.mark.skipif("edges" in NOT_YET, reason="the branch of edges is not trained yet")
CAPTIONS = ["a small red seven above a blue circle", "a green three", ""]


@pytest.fixture(params=[True, False], ids=["words", "vector"])
def model(request) -> Preconditioned:
    """Frozen, with a last layer that is not zero."""
    torch.manual_seed(0)
    network = CaptionUNet(**({"words": 64} if request.param else {"vector": 64}), widths=(16, 32), dim=16)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return Preconditioned(network, SIGMA_DATA).eval().requires_grad_(False)


def square(low: int, high: int) -> torch.Tensor:
    picture = -torch.ones(1, 3, 32, 32)
    picture[:, 0, low:high, low:high] = 1
    return picture


def test_edges_of_a_square_are_its_outline():
    """Two pixels wide: on both sides of every border, with nothing inside and nothing outside."""
    found = edges(square(8, 20))[0, 0]
    assert not found[10:18, 10:18].any()
    assert not found[:7].any()
    assert found[7, 9:19].all()
    assert found[8, 9:19].all()
    assert found[9:19, 19:21].all()
    assert not edges(-torch.ones(2, 3, 32, 32)).any()
    dim = edges((square(8, 20) + 1) * 0.6 - 1)[0, 0]  # at sixty per cent of full brightness the sides are still there
    assert torch.equal(dim[9:19], found[9:19])


def test_agreement_is_one_within_a_pixel_and_falls_beyond():
    wanted = edges(square(8, 20))
    assert edge_agreement(wanted, wanted).item() == 1
    assert edge_agreement(edges(square(9, 21)), wanted).item() == 1
    assert edge_agreement(edges(square(12, 24)), wanted).item() < 0.5
    nothing = torch.zeros_like(wanted)
    assert edge_agreement(nothing, wanted).item() == 0
    assert edge_agreement(nothing, nothing).item() == 1


def test_a_new_branch_changes_nothing_to_the_last_bit(model):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 3, 32, 32, generator=generator)
    lines = edges(render(draw_scenes(3, generator), generator))
    both = controlled(model, Control(model.network), lines)
    for sigma in (0.1, 1.0, 20.0):
        given = told(CAPTIONS, model)
        assert torch.equal(both(x, sigma, *given), model(x, sigma, *given))
    start = torch.Generator().manual_seed(2), torch.Generator().manual_seed(2)
    assert torch.equal(sample(CAPTIONS, 2.0, start[0], 3, both), sample(CAPTIONS, 2.0, start[1], 3, model))


def test_a_branch_learns_though_it_is_zero_and_the_network_stays(model):
    """The first gradients reach the last convolutions, the second ones also the hint; none the frozen network."""
    branch = Control(model.network)
    x, lines = torch.randn(2, 3, 32, 32), edges(square(8, 20)).repeat(2, 1, 1, 1)
    given = told(CAPTIONS[:2], model)
    optimizer = torch.optim.SGD(branch.parameters(), 0.1)
    both = controlled(model, branch, lines)
    both(x, 1.0, *given).square().sum().backward()
    assert all(zero.weight.grad.any() for zero in branch.zeros)
    assert not branch.hint.weight.grad.any()
    optimizer.step()
    both(x, 1.0, *given).square().sum().backward()
    assert branch.hint.weight.grad.any()
    assert all(parameter.grad is None for parameter in model.parameters())
    other = controlled(model, branch, torch.zeros_like(lines))
    optimizer.step()
    assert not torch.equal(both(x, 1.0, *given), other(x, 1.0, *given))


def test_a_branch_can_be_turned_down_to_nothing(model):
    """However it was trained: at strength 0 nothing is added, to the last bit."""
    branch, lines = Control(model.network), edges(square(8, 20)).repeat(2, 1, 1, 1)
    for parameter in branch.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x, given = torch.randn(2, 3, 32, 32), told(CAPTIONS[:2], model)
    off, on, default = (controlled(model, branch, lines, *strength) for strength in ((0.0,), (1.0,), ()))
    assert torch.equal(off(x, 1.0, *given), model(x, 1.0, *given))
    assert torch.equal(on(x, 1.0, *given), default(x, 1.0, *given))
    assert not torch.equal(on(x, 1.0, *given), off(x, 1.0, *given))
    with pytest.raises(ValueError, match="strength"):
        controlled(model, branch, lines, float("nan"))


def test_what_does_not_fit_is_said(model):
    lines = edges(square(8, 20)).repeat(2, 1, 1, 1)
    both = controlled(model, Control(model.network), lines)
    with pytest.raises(ValueError, match="lines for 2 pictures; got 3 pictures"):
        both(torch.zeros(3, 3, 32, 32), 1.0, *told(CAPTIONS, model))
    with pytest.raises(ValueError, match="Lines and captions come in pairs; got 2 and 3"):
        control.sample(lines, CAPTIONS)
    with pytest.raises(ValueError, match=r"\(B, 1, 32, 32\); got \(2, 3, 32, 32\)"):
        controlled(model, Control(model.network), torch.zeros(2, 3, 32, 32))
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\); got \(2, 1, 32, 32\)"):
        edges(lines)


@UNTRAINED
def test_pictures_have_the_lines_they_were_to_have():
    """Far more than pictures of the same captions that were not told of lines, and as the captions say."""
    generator = torch.Generator().manual_seed(7)
    scenes = draw_scenes(24, generator, "test")
    lines = edges(render(scenes, generator, "test"))
    said = captions(scenes)
    ours = edge_agreement(edges(control.sample(lines, said, 2.0, torch.Generator().manual_seed(8))), lines).mean()
    free = edge_agreement(edges(sample(said, 2.0, torch.Generator().manual_seed(8))), lines).mean()
    assert ours > 0.8
    assert ours > free + 0.3
    assert load("edges")
