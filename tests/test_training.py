"""The training loop: exact resume, the average's closed form, and clear errors."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn

from course.training import launched, train


def least_squares(model, batch, generator):
    x, y = batch
    noise = 0.01 * torch.randn(x.shape, generator=generator, device=x.device)
    return (model(x + noise) - y).square().mean()


class Remembers(nn.Module):
    """A loss with a state, as persistent chains have. Its calls are counted in the class: they are not of the run."""

    calls, fail_at, error = 0, None, KeyboardInterrupt

    def __init__(self):
        super().__init__()
        self.register_buffer("memory", torch.zeros(3))

    def forward(self, model, batch, generator):
        self.memory += batch.mean(0)
        Remembers.calls += 1
        if Remembers.calls == self.fail_at:
            raise self.error
        return (model(batch) - self.memory.mean()).square().mean()


@contextmanager
def failing(at, error=KeyboardInterrupt):
    Remembers.calls, Remembers.fail_at, Remembers.error = 0, at, error
    with pytest.raises(error):
        yield
    Remembers.calls, Remembers.fail_at = 0, None


def regression(device="cpu"):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 3, generator=generator)
    return (x.to(device), (x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3).to(device))


def network(device="cpu"):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1)).to(device)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("stop", [1, 7, 20, 33])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, stop):
    settings = {"steps": 40, "batch_size": 16, "save_every": 10, "progress": False, "seed": 5}
    whole = train(network(), Remembers(), regression()[0], **settings)
    file = tmp_path / "run.pt"
    with failing(stop):
        train(network(), Remembers(), regression()[0], checkpoint=file, **settings)
    rest = train(network(), Remembers(), regression()[0], checkpoint=file, **settings)
    assert torch.equal(weights(whole.model), weights(rest.model))
    assert torch.equal(weights(whole.ema), weights(rest.ema))
    assert whole.losses == rest.losses


def test_a_crash_costs_no_step(tmp_path):
    settings = {"steps": 40, "batch_size": 16, "save_every": 10, "progress": False}
    whole = train(network(), Remembers(), regression()[0], **settings)
    file = tmp_path / "run.pt"
    with failing(25, OSError):
        train(network(), Remembers(), regression()[0], checkpoint=file, **settings)
    rest = train(network(), Remembers(), regression()[0], checkpoint=file, **settings)
    assert Remembers.calls == 40 - 24
    assert torch.equal(weights(whole.ema), weights(rest.ema))


def test_a_finished_run_is_not_run_again(tmp_path):
    settings = {"steps": 10, "progress": False, "checkpoint": tmp_path / "run.pt"}
    first = train(network(), Remembers(), regression()[0], **settings)
    Remembers.calls = 0
    second = train(network(), Remembers(), regression()[0], **settings)
    assert Remembers.calls == 0
    assert torch.equal(weights(first.model), weights(second.model))


def test_without_decay_a_run_can_be_made_longer(tmp_path):
    settings = {"progress": False, "decay": False}
    whole = train(network(), least_squares, regression(), steps=30, **settings)
    train(network(), least_squares, regression(), steps=12, checkpoint=tmp_path / "run.pt", **settings)
    longer = train(network(), least_squares, regression(), steps=30, checkpoint=tmp_path / "run.pt", **settings)
    assert torch.equal(weights(whole.model), weights(longer.model))


def test_least_squares_reaches_the_exact_solution(device):
    x, y = regression(device)
    model = nn.Linear(3, 1).to(device)
    train(model, lambda m, b, g: (m(b[0]) - b[1]).square().mean(), (x, y), steps=1500, lr=0.05, progress=False)
    assert torch.allclose(model.weight.cpu(), torch.tensor([[1.0, -2.0, 0.5]]), atol=1e-4)
    assert model.bias.item() == pytest.approx(0.3, abs=1e-4)


def test_the_average_is_the_exponential_one():
    """With a loss θ the gradient is 1 and Adam moves by the learning rate: θ_k = −k lr, whose average is known."""
    model, lr, steps, decay = nn.Linear(1, 1, bias=False), 0.1, 60, 0.8
    nn.init.zeros_(model.weight)
    data = torch.ones(4, 1)
    settings = {"lr": lr, "warmup": 0, "decay": False, "ema": decay, "clip": 1e9, "progress": False}
    trained = train(model, lambda m, b, g: m(b).mean(), data, steps=steps, **settings)
    expected = -lr  # the first update copies the weights
    for k in range(1, steps):
        mu = min(decay, (1 + k) / (10 + k))
        expected = mu * expected + (1 - mu) * -(k + 1) * lr
    assert trained.ema.weight.item() == pytest.approx(expected, rel=1e-4)
    assert trained.model.weight.item() == pytest.approx(-steps * lr, rel=1e-4)


def test_the_global_generators_are_left_alone():
    model, state = network(), torch.get_rng_state()
    train(model, least_squares, regression(), steps=3, progress=False)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    settings = {"steps": 5, "progress": False}
    a, b, c = (train(network(), least_squares, regression(), seed=seed, **settings).model for seed in (0, 0, 1))
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (lambda value, model: value / 0, r"The loss is inf at step 14; try a learning rate smaller than"),
        (lambda value, model: value + (model[0].weight * 0).sum().sqrt(), r"gradient is nan at step 14; try"),
    ],
)
def test_what_is_not_finite_stops_and_keeps_the_last_good_step(tmp_path, spoilt, words):
    calls = []

    def loss(model, batch, generator):
        calls.append(0)
        value = least_squares(model, batch, generator)
        return spoilt(value, model) if len(calls) == 15 else value

    file, model = tmp_path / "run.pt", network()
    with pytest.raises(FloatingPointError, match=words):
        train(model, loss, regression(), steps=15, checkpoint=file, progress=False)
    state = torch.load(file, weights_only=True)["state"]
    assert len(state["losses"]) == 14
    assert all(torch.equal(state["model"][name], held) for name, held in model.state_dict().items())
    assert weights(model).isfinite().all()


def test_a_batch_may_be_changed_and_the_data_stay():
    x, everything = torch.ones(4, 3), lambda data, n, generator: data
    train(network(), lambda m, b, g: m(b.mul_(2)).square().mean(), x, steps=2, draw=everything, progress=False)
    assert torch.equal(x, torch.ones(4, 3))


def test_a_list_of_numbers_is_one_tensor():
    loss = lambda m, b, g: m(b).square().mean()
    made = [train(network(), loss, data, steps=2, progress=False).model for data in (X, torch.tensor(X))]
    assert torch.equal(*map(weights, made))


X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_the_number_of_processes_is_a_number(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "abc")
    with pytest.raises(ValueError, match="WORLD_SIZE is the number of processes"):
        launched()


def test_a_model_without_anything_to_train_is_named():
    for model in (nn.ReLU(), network().requires_grad_(False)):
        with pytest.raises(ValueError, match="no parameter that requires a gradient"):
            train(model, least_squares, regression(), steps=1, progress=False)


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    file = tmp_path / "run.pt"
    train(network(), least_squares, regression(), steps=3, checkpoint=file, progress=False)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"of another run \(lr 0.001 there and 0.01 here\)"):
        train(network(), least_squares, regression(), steps=3, lr=0.01, checkpoint=file, progress=False)
    assert file.read_bytes() == before
    file.write_text("not a checkpoint")
    with pytest.raises(ValueError, match="is no checkpoint of `train`"):
        train(network(), least_squares, regression(), steps=3, checkpoint=file, progress=False)


def test_data_must_fit_together():
    with pytest.raises(ValueError, match=r"same number of examples; got \[\(4, 3\), \(5, 1\)\]"):
        train(network(), least_squares, (torch.zeros(4, 3), torch.zeros(5, 1)), steps=1, progress=False)


def test_half_precision_is_used_in_the_loss_and_not_kept(device):
    """The network computes in bfloat16, its weights stay float32, and it learns what it learns in float32."""
    torch.manual_seed(0)
    x = torch.randn(500, 3, device=device)
    target = x @ torch.tensor([[1.0], [-2.0], [0.5]], device=device)
    seen = set()

    def loss(model, batch, generator):
        out = model(batch[0])
        seen.add(out.dtype)
        return (out.float() - batch[1]).square().mean()

    net = torch.nn.Linear(3, 1).to(device)
    made = train(net, loss, (x, target), steps=400, lr=0.03, precision=torch.bfloat16, progress=False)
    assert seen == {torch.bfloat16}
    assert made.model.weight.dtype == torch.float32
    assert loss(made.model, (x, target), None).item() < 1e-3


def test_a_compiled_network_learns_the_same():
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("torch.compile needs a C++ compiler on the CPU")
    settings = {"steps": 20, "progress": False}
    plain, compiled = (train(network(), least_squares, regression(), compiled=c, **settings) for c in (False, True))
    torch.testing.assert_close(weights(compiled.ema), weights(plain.ema), rtol=1e-4, atol=1e-5)
    assert [name for name, _ in compiled.model.named_parameters()] == [name for name, _ in network().named_parameters()]


TWO = """
import sys
import torch
from course.training import launched, train
from tests.test_training import Remembers, failing, least_squares, network, regression, weights

torch.set_num_threads(1)
accelerator, folder = launched(), sys.argv[1]
x, y = regression()
common = {"accelerator": accelerator, "progress": False, "batch_size": 16, "save_every": 10, "seed": 5}


def alike(model):
    return (accelerator.gather(weights(model)[None]) - weights(model)).abs().max().item()


def everything(model, batch, generator):
    return (model(x) - y).square().mean()


drawn = []


def keeps(model, batch, generator):
    drawn.append(batch[0])
    return least_squares(model, batch, generator)


whole = train(network(), keeps, (x, y), steps=30, **common)
batches = accelerator.gather(torch.stack(drawn)[None])
fixed = train(network(), everything, (x, y), steps=30, **common)
unbroken = train(network(), Remembers(), x, steps=30, **common)
with failing(25, OSError):
    train(network(), Remembers(), x, steps=30, checkpoint=folder + "/run.pt", **common)
resumed = train(network(), Remembers(), x, steps=30, checkpoint=folder + "/run.pt", **common)
facts = {
    "processes": accelerator.num_processes,
    "alike": alike(whole.model) + alike(whole.ema),
    "batches_differ": not torch.equal(batches[0], batches[1]),
    "fixed": weights(fixed.model),
    "resumed": (weights(resumed.ema) - weights(unbroken.ema)).abs().max().item(),
    "losses": resumed.losses == unbroken.losses,
}
if accelerator.is_main_process:
    torch.save(facts, folder + "/facts.pt")
accelerator.end_training()
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    """Launched by torchrun: other batches, the same weights, the mean gradient, and exact resume."""
    pytest.importorskip("accelerate", reason="several processes need Accelerate")
    (tmp_path / "two.py").write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [*command, str(tmp_path / "two.py"), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    facts = torch.load(tmp_path / "facts.pt", weights_only=True)
    assert facts["processes"] == 2
    assert facts["alike"] == 0
    assert facts["batches_differ"]
    assert facts["resumed"] == 0
    assert facts["losses"]
    x, y = regression()
    settings = {"steps": 30, "progress": False, "batch_size": 16, "seed": 5}
    alone = train(network(), lambda model, *_: (model(x) - y).square().mean(), (x, y), **settings)
    torch.testing.assert_close(facts["fixed"], weights(alone.model))


def test_gradients_that_are_switched_off_are_said():
    model = nn.Linear(2, 1)
    with torch.no_grad(), pytest.raises(ValueError, match=r"without a graph, since gradients are switched off here"):
        train(model, lambda m, batch, g: m(batch).square().mean(), torch.randn(8, 2), steps=1, progress=False)
