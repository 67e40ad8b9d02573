"""Call a student's function on a case and write down what it did, as plain tensors and facts.

Nothing here knows the answer: this file runs beside the student's code, and what it returns is judged elsewhere.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course.exercises.case import Case, FunctionSpec, Seed
from course.exercises.held import Held
from course.exercises.lending import Lending
from course.exercises.observation import GRADIENT_MODE, MOST_BYTES, TOO_LARGE, Facts, Observation, Raised
from course.exercises.own_code import describe, names_used
from course.exercises.surroundings import TimeLimitError, quiet, time_limit, usual_state

TIME_LIMIT = 10.0
"""Seconds of computing for all cases of an exercise; a right answer takes under two."""


def observe_all(function: Callable, cases: list[Case]) -> list[Observation]:
    """Observe the function on every case, within the time limit of an exercise; stop at the first that raises."""
    seen: list[Observation] = []
    size = 0
    try:
        with time_limit(TIME_LIMIT):
            for case in cases:
                seen.append(observe(function, case))
                size += sum(t.nbytes for t in seen[-1].tensors.values())
                if size > MOST_BYTES:
                    shapes = " and ".join(str(tuple(t.shape)) for t in seen[-1].tensors.values())
                    seen[-1] = Observation(facts=Facts(raised=Raised(TOO_LARGE, f"shape {shapes}")))
                if seen[-1].facts.raised:
                    break
    except TimeLimitError:
        seen.append(Observation(facts=Facts(raised=Raised("TimeLimitError"))))
    return seen


@usual_state()
def observe(function: Callable, case: Case) -> Observation:
    """Call the function once, with fresh copies of everything, and note the result and every side effect."""
    arguments = hand_over(case)
    for name in case.gradients:
        if isinstance(arguments[name], Tensor):
            arguments[name].requires_grad_()
    watched, lending = list(_watch(arguments)), Lending(arguments)
    before = [_state(t) for _, t in watched]
    items = {name: list(value) for name, value in arguments.items() if isinstance(value, list)}
    generators = {name: g.get_state() for name, g in arguments.items() if isinstance(g, torch.Generator)}
    global_streams = _global_streams()
    try:
        with quiet() as printed, torch.set_grad_enabled(not case.no_grad), _held(case) as held:
            result = function(*arguments.values())
            switched = torch.is_grad_enabled() == case.no_grad
    except (Exception, SystemExit) as error:
        return Observation(facts=Facts(raised=describe(error, function), uses=names_used(function)))
    lent = lending.facts()
    changed = [what + whose for (whose, t), old in zip(watched, before) for what in _changes(old, _state(t))]
    changed += [
        f"its argument `{name}`"
        for name, held in items.items()
        if list(map(id, held)) != list(map(id, arguments[name]))
    ]
    changed += [GRADIENT_MODE] * switched
    unmoved = [name for name, state in generators.items() if torch.equal(arguments[name].get_state(), state)]
    results = {f"result[{i}]": r for i, r in enumerate(result)} if type(result) is tuple else {"result": result}
    tensors = {name: r for name, r in results.items() if isinstance(r, Tensor) and not _unusual(r)}
    facts = Facts(
        returned=[_kind(r) for r in results.values()],
        printed=printed.characters,
        changed=list(dict.fromkeys(changed)),
        shares=[whose for whose, t in watched if any(_share_memory(r, t) for r in tensors.values())],
        drew=_global_streams() != global_streams and _draws_again(function, case),
        unmoved=unmoved,
        repeats=_repeats(function, case, result, arguments),
        attached=any(r.requires_grad for r in tensors.values()),
        held=held.most if held else 0,
        uses=names_used(function),
        **lent,
    )
    numbers = {name: _number(r) for name, r in results.items() if isinstance(r, (float, int))}
    gradients = {f"gradient for `{name}`": g for name in case.gradients for g in _gradients(tensors, arguments[name])}
    everything = tensors | numbers | gradients
    return Observation({name: t.detach().clone() for name, t in everything.items()}, facts)


def _held(case: Case) -> contextlib.AbstractContextManager[Held | None]:
    return Held() if case.room else contextlib.nullcontext()


def hand_over(case: Case) -> dict[str, Any]:
    """Fresh copies of everything that a case hands over."""
    return {name: _hand_over_one(value, case.device) for name, value in case.arguments.items()}


def _hand_over_one(value: Any, device: torch.device) -> Any:
    if isinstance(value, FunctionSpec):
        return value.build()
    if isinstance(value, Seed):
        return torch.Generator(device).manual_seed(value.value)
    if isinstance(value, list):
        return [_hand_over_one(v, device) for v in value]
    return value.clone() if isinstance(value, Tensor) else value


def _watch(arguments: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that must not change: the arguments, and the parameters of functions handed over."""
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            yield f"its argument `{name}`", value
        elif isinstance(value, nn.Module):
            yield from ((f"the parameters of `{name}`", p) for p in value.parameters())
        elif isinstance(value, list):
            yield from _watch({f"{name}[{i}]": v for i, v in enumerate(value)})


def _state(t: Tensor) -> tuple:
    grad = t.grad.detach().clone() if t.is_leaf and t.grad is not None else None
    return t.detach().clone(), t.requires_grad, grad


def _changes(before: tuple, after: tuple) -> Iterator[str]:
    for what, a, b in zip(("", "`requires_grad` of ", "the gradient stored in "), before, after):
        same = torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a is b
        if not same:
            yield what


def _global_streams() -> tuple:
    numpys: Any = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), numpys[1].tobytes(), numpys[2:]


def _draws_again(function: Callable, case: Case) -> bool:
    """Whether a second call moves the global streams too: the first time, another thread may have done it."""
    arguments = hand_over(case)
    before = _global_streams()
    _call_again(function, case, arguments)
    return _global_streams() != before


def _repeats(function: Callable, case: Case, result: Any, arguments: dict[str, Any]) -> bool:
    """Whether a second call with the generators of the first gives its result again, as if each began with a seed."""
    lent = {name: value for name, value in arguments.items() if isinstance(value, torch.Generator)}
    if not lent or not isinstance(result, Tensor):
        return False
    again = _call_again(function, case, hand_over(case) | lent)
    return isinstance(again, Tensor) and torch.equal(again, result)


def _call_again(function: Callable, case: Case, arguments: dict[str, Any]) -> Any:
    """What it returns this time; None if it fails."""
    with contextlib.suppress(Exception), quiet(), usual_state(), torch.set_grad_enabled(not case.no_grad):
        return function(*arguments.values())
    return None


def _kind(value: Any) -> str:
    return f"{_unusual(value)}tensor" if isinstance(value, Tensor) else type(value).__name__


def _unusual(t: Tensor) -> str:
    """What sort of tensor it is, if of a sort that is never right and cannot be sent."""
    sorts = {"complex ": t.is_complex(), "meta ": t.is_meta, "quantized ": t.is_quantized, "nested ": t.is_nested}
    sorts["sparse "] = t.layout is not torch.strided and not t.is_nested
    return next((word for word, is_so in sorts.items() if is_so), "")


def _number(value: float) -> Tensor:
    try:
        return torch.tensor(float(value), dtype=torch.float64)
    except OverflowError:
        return torch.tensor(torch.inf, dtype=torch.float64)


def _share_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() and a.numel() > 0


def _gradients(results: dict[str, Tensor], argument: Any) -> Iterator[Tensor]:
    """Differentiate a fixed linear function of the results, so that one gradient tells about all of them."""
    wrt = [argument] if isinstance(argument, Tensor) else [t for _, t in _watch({"": argument})]
    outputs = [t for t in results.values() if t.requires_grad]
    if not outputs:
        return
    try:
        total = sum((t * _weights(t)).sum() for t in outputs)
        gradients = torch.autograd.grad(total, wrt, retain_graph=True, allow_unused=True)  # type: ignore[arg-type]
    except RuntimeError:
        return
    flat = [torch.zeros_like(w) if g is None else g for w, g in zip(wrt, gradients)]
    yield torch.cat([g.flatten() for g in flat])


def _weights(t: Tensor) -> Tensor:
    return torch.linspace(0.7, 1.3, t.numel(), dtype=t.dtype, device=t.device).reshape(t.shape)
