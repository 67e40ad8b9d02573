"""The public API, called without care: it works, or says in one sentence of ours what is wrong; it is never silent."""

import os
import signal
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import course
from tests.careless import applications
from tests.careless.calls import CALLS, NOT_CALLED, Call, public
from tests.careless.variants import variants

PACKAGE = str(Path(course.__file__).parent)

SECOND_SAMPLE = applications.SECOND_SAMPLE
SILENT_FOR_A_REASON = applications.SILENT_FOR_A_REASON | {
    ("mmd_squared", "x"): SECOND_SAMPLE,
    ("mmd_squared", "y"): SECOND_SAMPLE,
    ("frechet_distance", "x"): SECOND_SAMPLE,
    ("frechet_distance", "y"): SECOND_SAMPLE,
    ("mode_coverage", "samples"): SECOND_SAMPLE,
    ("mode_coverage", "modes"): SECOND_SAMPLE,
    ("precision_recall", "real"): SECOND_SAMPLE,
    ("precision_recall", "generated"): SECOND_SAMPLE,
    ("sliced_wasserstein", "directions"): "any number of them",
    ("contrastive_divergence", "data"): "the energy decides what it takes",
    ("contrastive_divergence", "negatives"): "the energy decides what it takes",
    ("start_negatives", "buffer"): "any number of chains",
    ("annealed_langevin", "sigmas"): "any number of levels",
    ("error_by_density", "edges"): "any number of bins",
    ("ddpm_step", "betas"): "any number of steps beyond i",
    ("log_likelihood", "probe"): "None is its default, the exact trace",
}
"""(callable, argument) → why some careless values of it give a result that is right."""


EMPTY_BINS = ("error_by_density",)  # a bin without points is nan, as it says


def flat(result: Any) -> list[Tensor]:
    """Every number in a result."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, (float, int)):
        return [torch.tensor(float(result))]
    if isinstance(result, complex):
        return [torch.tensor(result)]
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in flat(part)]
    return []


def outcome(call: Call, arguments: dict[str, Any], may_work: bool) -> tuple[str, str]:
    """What came of a call: works, clear, obscure, silent, non-finite, complex, or hang; and in which words."""

    def too_long(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = flat(call.function(**arguments))
    except TimeoutError:
        return "hang", ""
    except (ValueError, TypeError, FloatingPointError, FileNotFoundError) as error:
        ours = traceback.extract_tb(error.__traceback__)[-1].filename.startswith(PACKAGE)
        return ("clear" if ours and len(str(error)) > 20 else "obscure"), f"{type(error).__name__}: {error}"
    except Exception as error:
        return "obscure", f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    if any(t.is_complex() for t in result):
        return "complex", ""
    if not may_work:
        return "silent", str([tuple(t.shape) for t in result])
    if any(t.is_floating_point() and not t.isfinite().all() for t in result):
        return "non-finite", ""
    return "works", ""


def walk_the_api() -> list[tuple[str, str, str, str, str]]:
    """(callable, argument, variant, outcome, words) of every careless call."""
    found = []
    for call in CALLS:
        for name, value in call.arguments.items():
            others = [v for key, v in call.arguments.items() if key != name and isinstance(v, Tensor)]
            fixed = any(t.ndim >= value.ndim for t in others) if isinstance(value, Tensor) else False
            for variant, careless, may_work in variants(name, value, fixed):
                torch.manual_seed(0)
                what, words = outcome(call, call.arguments | {name: careless}, may_work)
                found.append((call.name, name, variant, what, words))
    return found


def test_every_public_callable_is_here():
    called = {call.name.removesuffix("(...)") for call in CALLS}
    called |= {type(call.function).__name__ for call in CALLS} | {call.name.partition(".")[0] for call in CALLS}
    assert public() - called - set(NOT_CALLED) == set()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_careful_call_works(call):
    assert outcome(call, call.arguments, may_work=True)[0] == "works"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_batch_of_nothing_gives_no_nan(call):
    sizes = Counter(len(a) for a in call.arguments.values() if isinstance(a, Tensor) and a.ndim)
    for size in sizes:
        none = {
            k: a[:0] if isinstance(a, Tensor) and a.ndim and len(a) == size else a for k, a in call.arguments.items()
        }
        assert call.name in EMPTY_BINS or outcome(call, none, may_work=True)[0] != "non-finite"


@pytest.mark.slow
def test_careless_calls_are_never_silent():
    found = walk_the_api()
    if "CARELESS" in os.environ:  # where to write what was found
        Path(os.environ["CARELESS"]).write_text("\n".join("\t".join(row) for row in found))
    counts = Counter(what for *_, what, _ in found)
    print(dict(counts))
    for what in ("silent", "complex", "hang"):
        rows = [row for row in found if row[3] == what and row[:2] not in SILENT_FOR_A_REASON]
        assert rows == [], what
    assert counts["obscure"] < 0.05 * len(found)
    assert counts.total() > 4000
