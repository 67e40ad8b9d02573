"""A checkpoint is of one run and of no other, and nothing that ships is replaced by a trial."""

import os
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from course import pretrained
from course.applications.privacy import PrivateLoss
from course.networks import MLP
from course.processes import VP
from course.scores import Preconditioned
from course.training import train
from course.training.checkpoint import identity
from course.training.loop import with_replacement
from tests.test_training import least_squares, network, regression, weights

SETTINGS = {"steps": 4, "batch_size": 8, "progress": False}


def scaled(factor):
    return lambda model, batch, generator: factor * least_squares(model, batch, generator)


def other_network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


@pytest.mark.parametrize(
    ("what", "model", "loss", "data"),
    [
        ("another loss", network, scaled(2.0), None),
        ("another loss", network, partial(least_squares), None),
        ("another model", other_network, scaled(1.0), None),
        ("another data", network, scaled(1.0), lambda x, y: (x, y + 1)),
    ],
)
def test_a_checkpoint_of_another_run_is_not_taken_for_this_one_s(tmp_path, what, model, loss, data):
    file = tmp_path / "run.pt"
    train(network(), scaled(1.0), regression(), checkpoint=file, **SETTINGS)
    own = regression() if data is None else data(*regression())
    with pytest.raises(ValueError, match=rf"is of another run \({what}\); name another file"):
        train(model(), loss, own, checkpoint=file, **SETTINGS)


@dataclass
class Weighted:
    weight: float

    def __call__(self, model, batch, generator):
        return self.weight * least_squares(model, batch, generator)

    def bound(self, model, batch, generator):
        return self(model, batch, generator)


class Teacher(nn.Linear):
    def forward(self, model, batch, generator):
        return least_squares(model, batch, generator) + super().forward(batch[0]).mean()


def teacher(seed):
    torch.manual_seed(seed)
    return Teacher(3, 1).requires_grad_(False)


def closing_over(value):
    return lambda model, batch, generator: least_squares(model, batch, generator) + 0 * (value is None)


SCALE = 1.0


def by_a_global(model, batch, generator):
    return SCALE * least_squares(model, batch, generator)


def every(n):
    return lambda data, size, generator: tuple(t[::n] for t in data)


def with_slope(slope):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(slope), nn.Linear(8, 1))


RUNS = {
    "a process": ("loss", lambda b: {"loss": closing_over(VP(beta_max=20.0 + b))}),
    "a list": ("loss", lambda b: {"loss": closing_over([1.0, {"w": b}])}),
    "a tensor": ("loss", lambda b: {"loss": closing_over(torch.tensor([1.0, b]))}),
    "an object": ("loss", lambda b: {"loss": Weighted(b)}),
    "a method": ("loss", lambda b: {"loss": Weighted(b).bound}),
    "an argument": ("loss", lambda b: {"loss": partial(least_squares, generator=[b])}),
    "another network": ("loss", lambda b: {"loss": teacher(b)}),
    "privacy": ("loss", lambda b: {"loss": PrivateLoss(None, None, 8, 1.0, float(b))}),
    "a setting of the network": ("model", lambda b: {"model": MLP(3, [8], 1, scale=1.0 + b)}),
    "a layer's setting": ("model", lambda b: {"model": with_slope(0.1 + b)}),
    "preconditioning": ("model", lambda b: {"model": Preconditioned(network(), 0.5 + b)}),
    "precision": ("model", lambda b: {"model": network().double() if b else network()}),
    "a draw": ("drawing", lambda b: {"draw": every(1 + b)}),
    "a partial draw": ("drawing", lambda b: {"draw": partial(every, 1 + b)}),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_fingerprint_sees_what_a_run_is_made_of(name):
    what, run = RUNS[name]

    def found(b):
        given = {"model": network(), "loss": least_squares, "data": regression(), "draw": with_replacement}
        return identity(**(given | run(b)))

    assert found(0) == found(0)
    assert {key for key in found(0) if found(0)[key] != found(1)[key]} == {what}


def test_a_fingerprint_ends_where_things_hold_each_other():
    own = [least_squares]
    own.append(own)
    identity(network(), closing_over(own), regression(), with_replacement)


def test_a_fingerprint_sees_numbers_of_the_module(monkeypatch):
    given = (network(), by_a_global, regression(), with_replacement)
    before = identity(*given)
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 2.0)
    assert identity(*given)["loss"] != before["loss"]


def test_the_same_loss_in_another_process_goes_on(tmp_path):
    """What a run is does not depend on where in memory its loss lies."""
    code = "import sys; from tests.test_checkpoints import *; train(network(), scaled(1.0), regression(), "
    code += "checkpoint=sys.argv[1], **SETTINGS)"
    command = [sys.executable, "-c", code, str(tmp_path / "run.pt")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, timeout=120)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (network().state_dict(), "holds a state_dict"),
        ([1, 2, 3], "holds a list"),
        ({"settings": {}, "state": {"model": {}}}, "has no average, optimizer"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path, content, words):
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(ValueError, match=words):
        train(network(), least_squares, regression(), checkpoint=tmp_path / "run.pt", **SETTINGS)


def test_a_folder_that_cannot_be_written_is_noticed_before_the_first_step(tmp_path):
    calls, counted = [], lambda *_: calls.append(0)
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "run.pt", tmp_path):
        with pytest.raises(OSError, match=r"cannot be written .*; name another file"):
            train(network(), counted, regression(), checkpoint=place, **SETTINGS)
    assert calls == []


SLOW = """
import sys, time
from tests.test_training import *

def loss(model, batch, generator):
    print("step", flush=True)
    time.sleep(0.05)
    return least_squares(model, batch, generator)

train(network(), loss, regression(), steps=1000, save_every=1000, progress=False, checkpoint=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_termination_saves_like_an_interrupt(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", SLOW, str(tmp_path / "run.pt")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        for _ in range(5):
            run.stdout.readline()
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 128 + signal.SIGTERM
    assert len(torch.load(tmp_path / "run.pt", weights_only=True)["state"]["losses"]) >= 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "Expected steps of 1 or more; got 0"),
        ({"steps": -5}, "Expected steps of 1 or more; got -5"),
        ({"steps": 2.5}, "Expected steps to be a whole number; got 2.5"),
        ({"batch_size": 0}, "Expected batch_size of 1 or more"),
        ({"clip": 0.0}, "clip is the largest norm of a gradient, above 0"),
        ({"ema": float("nan")}, "ema is the share that the average keeps"),
        ({"lr": -1.0}, "Expected lr to be positive"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises((ValueError, TypeError), match=words):
        train(network(), least_squares, regression(), **(SETTINGS | settings))


def test_arrays_and_lists_of_tensors_are_data_too():
    x, y = regression()
    plain = train(network(), least_squares, (x, y), **SETTINGS)
    listed = train(network(), least_squares, [x.numpy(), y], **SETTINGS)
    assert torch.equal(weights(plain.model), weights(listed.model))


# -- the networks that ship --------------------------------------------------------------------------------------------


def test_a_trial_goes_elsewhere_and_replaces_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = pretrained.FOLDER / "classifier.safetensors"
    before, unfinished = shipped.read_bytes(), set(pretrained.FOLDER.glob("*.unfinished"))
    record = pretrained.make("classifier", steps=2, progress=False)
    made = tmp_path / "trials" / "classifier.safetensors"
    assert record["steps"] == 2
    assert stat.S_IMODE(made.stat().st_mode) == 0o666 & ~_umask()
    with safe_open(made, "pt") as file:
        assert file.keys()
    with pytest.raises(ValueError, match="is of a full run, and a trial of 2 steps with seed 0 does not replace it"):
        pretrained.make("classifier", pretrained.FOLDER, steps=2, progress=False)
    full = pretrained.RECIPES["classifier"].steps
    with pytest.raises(
        ValueError, match=f"is of a full run, and a trial of {full} steps with seed 1 does not replace it"
    ):
        pretrained.make("classifier", pretrained.FOLDER, seed=1, progress=False)
    (tmp_path / "classifier.safetensors").write_text("foreign")
    for settings in ({}, {"steps": 2}):
        with pytest.raises(ValueError, match="is not of this package, and"):
            pretrained.make("classifier", "", progress=False, **settings)
    for steps, error in ((0, ValueError), (-5, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="Expected steps"):
            pretrained.make("classifier", tmp_path, steps=steps, progress=False)
    assert shipped.read_bytes() == before
    assert set(pretrained.FOLDER.glob("*.unfinished")) == unfinished


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained.loading, "FOLDER", tmp_path)
    whole = (pretrained.FOLDER / "classifier.safetensors").read_bytes()
    for content in (whole[:1000], b""):
        (tmp_path / "classifier.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match=r"is damaged or of another network .*`course train classifier`"):
            pretrained.load("classifier")
