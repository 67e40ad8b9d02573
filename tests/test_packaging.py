"""What stands beside the code agrees with it: versions, the workflow, the container."""

import json
import re
from pathlib import Path

import yaml

import course

ROOT = Path(__file__).parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere():
    (declared,) = re.findall(r'(?m)^version = "(.*)"$', text("pyproject.toml"))
    assert course.__version__ == declared
    assert yaml.safe_load(text("CITATION.cff"))["version"] == declared
    assert f"## {declared}" in text("CHANGELOG.md")


def test_the_workflow_runs_what_is_here():
    jobs = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    targets = set(re.findall(r"(?m)^([a-z-]+):", text("Makefile")))
    assert {c.split()[1] for c in commands if c.startswith("make ")} <= targets
    container = json.loads(text(".devcontainer/devcontainer.json"))
    assert container["postCreateCommand"].split()[1] in targets
