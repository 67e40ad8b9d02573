"""The one loop, and the two small things that every formula over a batch needs."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from course.sampling import walk
from course.tensors import expand, randn_like

TIMES = [1.0, 0.7, 0.25, 0.0]


def exponential(x, t, s):
    """The exact step of dx/dt = −x."""
    return x * torch.exp(torch.tensor(t - s, dtype=x.dtype))


# -- walk --------------------------------------------------------------------------------------------------------------


def test_a_state_for_every_time_the_start_first(normal):
    x = normal(5, 2)
    states = list(walk(exponential, x, TIMES))
    assert len(states) == len(TIMES)
    assert states[0] is x
    for state, t in zip(states, TIMES):
        torch.testing.assert_close(state, x * torch.tensor(1.0 - t).double().exp())


def test_one_time_is_the_start_alone(normal):
    x = normal(5, 2)
    assert [state is x for state in walk(exponential, x, [0.5])] == [True]


def test_there_and_back_again(normal):
    """A step runs in either direction of time."""
    x = normal(5, 2)
    *_, end = walk(exponential, x, [*TIMES, *reversed(TIMES)])
    torch.testing.assert_close(end, x)


@pytest.mark.parametrize(
    "times",
    [
        TIMES,
        tuple(TIMES),
        iter(TIMES),
        range(4),
        torch.tensor(TIMES),
        torch.tensor(TIMES, requires_grad=True),
        torch.arange(4),
        list(torch.tensor(TIMES)),
        np.array(TIMES, dtype=np.float32),
    ],
    ids=lambda times: type(times).__name__,
)
def test_the_step_gets_python_floats_each_the_end_of_the_one_before(times):
    seen = []

    def step(x, t, s):
        seen.append((t, s))
        return x

    list(walk(step, torch.zeros(1), times))
    assert all(type(number) is float for pair in seen for number in pair)
    assert [s for _, s in seen[:-1]] == [t for t, _ in seen[1:]]
    ends = [seen[0][0], *(s for _, s in seen)]
    assert ends == pytest.approx(TIMES) or ends == [0, 1, 2, 3]


def test_no_graph_is_kept_and_the_caller_keeps_his_mode(normal):
    """Whoever loops over the states may differentiate in between."""
    weight, modes = torch.ones(2, requires_grad=True), []

    def step(x, t, s):
        modes.append(torch.is_grad_enabled())
        return x * weight

    for state in walk(step, normal(5, 2), TIMES):
        modes.append(torch.is_grad_enabled())
        assert not state.requires_grad
    assert modes == [True, False, True, False, True, False, True]


def test_steps_are_taken_when_they_are_asked_for():
    """An endless walk costs what is looked at, and nothing runs ahead."""
    taken = []

    def count(x, t, s):
        taken.append(t)
        return x + 1

    def forever() -> Iterator[float]:
        t = 0.0
        while True:
            yield t
            t += 1

    states = walk(count, torch.zeros(1), forever())
    assert taken == []
    assert next(states).item() == 0
    assert taken == []
    assert [next(states).item() for _ in range(3)] == [1, 2, 3]
    assert taken == [0, 1, 2]


@pytest.mark.parametrize("times", [torch.tensor(0.5), torch.ones(3, 1)], ids=["number", "column"])
def test_times_that_are_no_sequence_of_numbers(times):
    with pytest.raises(ValueError, match=r"times of shape \(n,\); got \((3, 1)?\)"):
        next(walk(exponential, torch.zeros(1), times))


# -- over a batch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 3, 4, 4)], ids=str)
def test_expanded_numbers_multiply_example_by_example(normal, shape):
    a, x = normal(5), normal(*shape)
    assert torch.equal(expand(a, x) * x, torch.stack([a[i] * x[i] for i in range(5)]))


def test_numbers_pass_through():
    x, a = torch.zeros(5, 2), torch.tensor(2.0)
    assert expand(0.5, x) == 0.5
    assert expand(a, x) is a


@pytest.mark.parametrize("shape", [(4,), (1,), (5, 1), (2, 5)], ids=str)
def test_what_is_not_one_number_an_example(shape):
    with pytest.raises(ValueError, match=r"one value per example, shape \(5,\); got \(.*\)") as error:
        expand(torch.zeros(shape), torch.zeros(5, 2))
    assert str(shape) in str(error.value)


def test_noise_is_like_x_and_follows_the_generator(device, generator):
    x = torch.zeros(100, 3, 8, 8, device=device, dtype=torch.float16)
    z = randn_like(x, generator)
    assert (z.shape, z.dtype, z.device) == (x.shape, x.dtype, x.device)
    assert torch.equal(randn_like(x, torch.Generator(device).manual_seed(0)), z)
    n, z = z.numel(), z.float()
    assert abs(z.mean()) < 5 / n**0.5
    assert abs(z.square().mean() - 1) < 5 * (2 / n) ** 0.5
