"""What an import costs, as the set of modules that it brings: sets do not depend on the machine, timings do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import course

ROOT = Path(course.__file__).parent
NOTEBOOKS = {
    "cli",
    "drawings",
    "films",
    "plots",
    "sketch",
    "student",
    "widgets",
    "exercises",
    "grading",
}  # what may know of notebooks
ALONE = ["course.types", "course.tensors", "course.densities", "course.energies", "course.langevin", "course.sampling"]


def modules() -> list[str]:
    """The mathematics: every module of the package but those for notebooks."""
    files = (path.relative_to(ROOT.parent).with_suffix("") for path in ROOT.rglob("*.py"))
    names = (path.parts for path in files)
    return sorted(
        ".".join(part for part in parts if part != "__init__") for parts in names if parts[1] not in NOTEBOOKS
    )


def brought_by(*names: str) -> list[set[str]]:
    """Import the modules one after the other in a fresh Python; what each adds to sys.modules."""
    program = """
import importlib, json, sys
brought = []
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    brought.append(sorted(set(sys.modules) - before))
print(json.dumps(brought))
"""
    command = [sys.executable, "-c", program, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT.parent)
    return [set(found) for found in json.loads(done.stdout.splitlines()[-1])]


def packages(found: set[str]) -> set[str]:
    """The installed packages among modules."""
    return {name.split(".")[0] for name in found} - sys.stdlib_module_names


def test_the_package_itself_brings_nothing():
    assert brought_by("course") == [{"course"}]


@pytest.fixture(scope="module")
def brought() -> dict[str, set[str]]:
    names = list(dict.fromkeys(["torch", "course", *ALONE, *modules()]))
    return dict(zip(names, brought_by(*names)))


def test_the_list_of_modules_is_complete(brought):
    assert {*ALONE, "course", "course.networks", "course.networks.mlp"} <= set(brought)


def test_the_mathematics_knows_nothing_of_notebooks(brought):
    forbidden = {"matplotlib", "ipywidgets", "IPython", "ipykernel", "torchvision", "nbgrader", "nbformat", "typer"}
    for name, found in brought.items():
        if name != "torch":
            assert not packages(found) & forbidden, name
            assert not {parts[1] for m in found if len(parts := m.split(".")) > 1 and parts[0] == "course"} & NOTEBOOKS


@pytest.mark.parametrize("name", ALONE)
def test_exact_formulas_need_torch_alone(brought, name):
    assert packages(brought[name]) <= {"course"}


WITHOUT_TORCH = [
    "student",
    "doctor",
    "grading.report",
    "grading.lms.import_roster",
    "grading.lms.exports",
    "grading.lms.give_back",
    "grading.due",
]


def test_what_only_reads_and_writes_files_brings_no_torch():
    """`course get`, `roster`, `collect` and their like would take seconds before their first word."""
    brought = brought_by(*(f"course.{name}" for name in [*WITHOUT_TORCH, "grading.lms.collect"]))
    assert "torch" not in packages(set().union(*brought))
