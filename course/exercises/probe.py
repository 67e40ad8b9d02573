"""Call a student's function on a case and write down what it did, as plain tensors and facts.

Nothing here knows the answer: this file runs beside the student's code, and what it returns is judged elsewhere.
"""

import contextlib
import io
import linecache
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.exercises.case import Case, Given, Seed

TIME_LIMIT = 10.0
"""Seconds of computing for all cases of an exercise; a right answer takes under two."""

PATIENCE = 4
"""By the clock it may take so many times as long, on a machine that does other things too."""


@dataclass
class Observation:
    """What a function did on one case.

    Attributes:
        tensors: what it returned ("result", or "result[0]", … for a tuple) and the gradients that were asked for.
        facts: JSON. ``returned``: the kind of each result; ``raised``, ``changed``, ``drew``, ``repeats``,
            ``attached``, ``shares``, ``printed`` only where there is something to tell.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


class TookTooLong(BaseException):
    """Raised inside a function that exceeds its time; not an Exception, so that ``except Exception`` lets it pass."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong after some seconds of this thread's own computing, or ``PATIENCE`` times as many by the clock.

    Without effect where there are no signals (Windows, other threads).
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    computed, began = time.thread_time(), time.monotonic()

    def stop(*_: Any) -> None:
        if time.thread_time() - computed >= seconds or time.monotonic() - began >= PATIENCE * seconds:
            raise TookTooLong

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, min(seconds, 1.0))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def usual_state() -> Iterator[None]:
    """PyTorch's own defaults, so that what a notebook changed for one exercise costs no points in another."""
    dtype = torch.get_default_dtype()
    with torch.inference_mode(False), torch.enable_grad():
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


class Printed(io.TextIOBase):
    """Swallows what is printed, warnings too, and counts its characters."""

    characters = 0

    def write(self, text: str) -> int:
        self.characters += len(text)
        return len(text)


@contextlib.contextmanager
def quiet() -> Iterator[Printed]:
    """Keep what is printed out of the notebook (nbgrader takes anything on stderr for a failure)."""
    printed = Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield printed


def observe_all(function: Callable, cases: list[Case]) -> list[Observation]:
    """Observe the function on every case, within the time limit of an exercise; stop at the first that raises."""
    seen: list[Observation] = []
    try:
        with time_limit(TIME_LIMIT):
            for case in cases:
                seen.append(observe(function, case))
                if "raised" in seen[-1].facts:
                    break
    except TookTooLong:
        seen.append(Observation(facts={"raised": {"type": "TookTooLong", "text": ""}}))
    return seen


@usual_state()
def observe(function: Callable, case: Case) -> Observation:
    """Call the function once, with fresh copies of everything, and note the result and every side effect."""
    arguments = _arguments(case)
    for name in case.gradients:
        if isinstance(arguments[name], Tensor):
            arguments[name].requires_grad_()
    watched = dict(_watch(arguments))
    before = {name: _state(t) for name, t in watched.items()}
    items = {name: list(value) for name, value in arguments.items() if isinstance(value, list)}
    global_streams = _global_streams()
    seen = Observation()
    try:
        with quiet() as printed, torch.set_grad_enabled(not case.no_grad):
            result = function(*arguments.values())
    except (Exception, SystemExit) as error:
        seen.facts["raised"] = _describe(error, function)
        return seen
    if printed.characters:
        seen.facts["printed"] = printed.characters
    changed = [what + name for name, t in watched.items() for what in _changes(before[name], _state(t))]
    changed += [name for name, held in items.items() if list(map(id, held)) != list(map(id, arguments[name]))]
    if changed:
        seen.facts["changed"] = changed
    if _global_streams() != global_streams and _draws_again(function, case):
        seen.facts["drew"] = True
    if _repeats(function, case, result, arguments):
        seen.facts["repeats"] = True
    _record(seen, result, watched)
    for name in case.gradients:
        _record_gradients(seen, name, arguments[name])
    seen.tensors = {name: t.detach().clone() for name, t in seen.tensors.items()}
    return seen


def _arguments(case: Case) -> dict[str, Any]:
    """Fresh copies of everything that a case hands over."""
    return {name: _hand_over(value, case.device) for name, value in case.arguments.items()}


def _hand_over(value: Any, device: torch.device) -> Any:
    if isinstance(value, Given):
        return value.build()
    if isinstance(value, Seed):
        return torch.Generator(device).manual_seed(value.value)
    if isinstance(value, list):
        return [_hand_over(v, device) for v in value]
    return value.clone() if isinstance(value, Tensor) else value


def _watch(arguments: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that must not change: the arguments, and the parameters of functions handed over."""
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, nn.Module):
            yield from ((f"the parameters of {name} ({of})", p) for of, p in value.named_parameters())
        elif isinstance(value, list):
            yield from _watch({f"{name}[{i}]": v for i, v in enumerate(value)})


def _state(t: Tensor) -> tuple:
    grad = t.grad.detach().clone() if t.is_leaf and t.grad is not None else None
    return t.detach().clone(), t.requires_grad, grad


def _changes(before: tuple, after: tuple) -> Iterator[str]:
    for what, a, b in zip(("", "requires_grad of ", "the gradient stored in "), before, after):
        same = torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a is b
        if not same:
            yield what


def _global_streams() -> tuple:
    numpys: Any = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), numpys[1].tobytes(), numpys[2:]


def _draws_again(function: Callable, case: Case) -> bool:
    """Whether a second call moves the global streams too: the first time, another thread may have done it."""
    arguments = _arguments(case)
    before = _global_streams()
    _call_again(function, case, arguments)
    return _global_streams() != before


def _repeats(function: Callable, case: Case, result: Any, arguments: dict[str, Any]) -> bool:
    """Whether a second call with the generators of the first gives its result again, as if each began with a seed."""
    lent = {name: value for name, value in arguments.items() if isinstance(value, torch.Generator)}
    if not lent or not isinstance(result, Tensor):
        return False
    again = _call_again(function, case, _arguments(case) | lent)
    return isinstance(again, Tensor) and torch.equal(again, result)


def _call_again(function: Callable, case: Case, arguments: dict[str, Any]) -> Any:
    """What it returns this time; None if it fails."""
    with contextlib.suppress(Exception), quiet(), usual_state(), torch.set_grad_enabled(not case.no_grad):
        return function(*arguments.values())
    return None


def _record(seen: Observation, result: Any, watched: dict[str, Tensor]) -> None:
    several = type(result) is tuple
    results = {f"result[{i}]": r for i, r in enumerate(result)} if several else {"result": result}
    seen.facts["returned"] = [_kind(r) for r in results.values()]
    for name, r in results.items():
        if isinstance(r, Tensor) and not r.is_complex():  # complex numbers are never right, and cannot be sent
            seen.tensors[name] = r
            if r.requires_grad:
                seen.facts["attached"] = True
            shares = [arg for arg, t in watched.items() if _share_memory(r, t)]
            if shares:
                seen.facts["shares"] = shares
        elif isinstance(r, (float, int)):
            seen.tensors[name] = torch.tensor(float(r), dtype=torch.float64)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "complex tensor" if value.is_complex() else "tensor"
    return type(value).__name__


def _share_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() and a.numel() > 0


def _record_gradients(seen: Observation, name: str, argument: Any) -> None:
    """Differentiate a fixed linear function of the result, so that one gradient tells about all of it."""
    wrt = [argument] if isinstance(argument, Tensor) else [t for _, t in _watch({name: argument})]
    outputs = [t for key, t in seen.tensors.items() if key.startswith("result") and t.requires_grad]
    if not outputs:
        return
    try:
        total = sum((t * _weights(t)).sum() for t in outputs)
        gradients = torch.autograd.grad(total, wrt, retain_graph=True, allow_unused=True)  # type: ignore[arg-type]
    except RuntimeError:
        return
    flat = [torch.zeros_like(w) if g is None else g for w, g in zip(wrt, gradients)]
    seen.tensors[f"gradient for {name}"] = torch.cat([g.flatten() for g in flat])


def _weights(t: Tensor) -> Tensor:
    return torch.linspace(0.7, 1.3, t.numel(), dtype=t.dtype, device=t.device).reshape(t.shape)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200] if error.args and error.args[0] is not None else ""


def _describe(error: BaseException, function: Callable) -> dict[str, Any]:
    """Type, text, and the student's own line."""
    code = getattr(function, "__code__", None)
    found: dict[str, Any] = {"type": type(error).__name__, "text": _first_line(error)}
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if code is not None and f.filename == code.co_filename]
    if own:
        line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)
        found["line"] = line.strip()[:120]
    elif isinstance(error, TypeError):
        found["call"] = True  # it failed before its first line: the arguments do not fit the signature
    return found
