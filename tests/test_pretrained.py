"""The networks that ship: as good as their records say, and made again by their recipes."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from safetensors import safe_open

from course import pretrained
from course.data import mnist
from course.guidance import classifier_free_guidance
from course.langevin import annealed_langevin
from course.processes import EDM
from course.sampling import edm_step, geometric_sigmas, karras_times, walk
from course.scores import score_from_denoiser

SHIPPED = {name: recipe for name, recipe in pretrained.RECIPES.items() if name not in pretrained.UNTRAINED}


def test_every_recipe_has_its_checkpoint_and_record():
    files = {path.stem for path in pretrained.FOLDER.glob("*.safetensors")}
    assert files == set(SHIPPED)
    for name, recipe in SHIPPED.items():
        record = pretrained.about(name)
        assert record["what"] == recipe.what
        assert (record["steps"], record["batch_size"], record["lr"]) == (recipe.steps, recipe.batch_size, recipe.lr)
        assert (pretrained.FOLDER / f"{name}.safetensors").stat().st_size < 3e6


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_quality_is_what_the_record_says(name):
    recipe = pretrained.RECIPES[name]
    measured = recipe.measure(pretrained.load(name), *recipe.test())
    assert measured == pytest.approx(pretrained.about(name)["quality"], rel=0.01)


def test_the_classifier_is_right_often_enough():
    assert pretrained.about("classifier")["quality"]["test_accuracy"] >= 0.985


def test_class_conditional_samples_are_of_their_class():
    process, labels = EDM(), torch.arange(10).repeat(10)
    guided = classifier_free_guidance(pretrained.load("edm"), labels, 10, 2.0)
    start = process.prior(torch.zeros(100, 1, 16, 16), torch.Generator().manual_seed(0))
    times = [*karras_times(80.0, 0.002, 18).tolist(), 0.0]
    *_, x = walk(edm_step(score_from_denoiser(guided, process)), start, times)
    assert (pretrained.load("classifier")(x).argmax(1) == labels).float().mean() >= 0.96


def test_labels_change_the_answer_and_null_is_none():
    edm, x = pretrained.load("edm"), torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    told, null = (partial(edm, labels=torch.full((4,), label))(x, 1.0) for label in (3, 10))
    assert (told - null).abs().mean() > 0.01
    torch.testing.assert_close(null, edm(x, 1.0))


def test_annealed_langevin_draws_digits():
    """The classifier is about as sure of them as of real ones; of pure noise it is not."""
    generator = torch.Generator().manual_seed(0)
    start = 10 * torch.randn(30, 1, 16, 16, generator=generator)
    x = annealed_langevin(pretrained.load("ncsn"), start, geometric_sigmas(10.0, 0.01, 20), 1e-5, 10, generator)
    assert pretrained.load("classifier")(x).softmax(1).amax(1).mean() > 0.8
    assert x.mean().item() == pytest.approx(mnist(16, "test")[0].mean().item(), abs=0.1)


def test_a_recipe_runs_again_and_leaves_only_its_checkpoint(tmp_path):
    record = pretrained.make("noisy_classifier", tmp_path, steps=3, precision=torch.bfloat16, progress=False)
    (file,) = tmp_path.iterdir()
    assert file.name == "noisy_classifier.safetensors"
    assert (record["steps"], record["precision"]) == (3, "bfloat16")
    assert json.loads(json.dumps(record)) == record


@pytest.mark.slow
def test_an_interrupted_recipe_goes_on_where_it_was(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    whole = tmp_path / "whole"
    pretrained.make("vp", whole, steps=4, progress=False)
    calls, step = [], torch.optim.Adam.zero_grad

    def broken(adam):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        step(adam)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.Adam, "zero_grad", broken)
        with pytest.raises(KeyboardInterrupt):
            pretrained.make("vp", tmp_path, steps=4, progress=False)
    pretrained.make("vp", tmp_path, steps=4, progress=False)
    ours, theirs = (load_file(folder / "vp.safetensors") for folder in (tmp_path, whole))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.slow
def test_two_processes_make_one_network(tmp_path):
    """As `course train --help` says: torchrun starts two, which share the run and leave one checkpoint."""
    pytest.importorskip("accelerate", reason="several processes need Accelerate")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "course.cli", "train", "noisy_classifier", "--steps", "3", "--folder", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.iterdir()
    with safe_open(file, "pt") as checkpoint:
        assert json.loads(checkpoint.metadata()["recipe"])["processes"] == 2
    assert done.stdout.count("3 steps in") == 1


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(ValueError, match="no network 'nothing'; there are classifier, edm"):
        pretrained.load("nothing")
