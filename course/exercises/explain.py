"""What differs between what a function did and what is right, in one sentence; empty where nothing does."""

import torch
from torch import Tensor

from course.exercises.case import Case
from course.exercises.exercise import Exercise, Statistic, Statistics
from course.exercises.observation import GRADIENT_MODE, TOO_LARGE, Observation, Raised
from course.exercises.observe import TIME_LIMIT, observe
from course.exercises.words import article, nth, of, times

RELATIVE = {torch.float64: 1e-6, torch.float32: 1e-4}
"""How far rounding may move a result, relative to its largest entry."""


# -- what is right -----------------------------------------------------------------------------------------------------


def observe_answer(exercise: Exercise, case: Case) -> Observation:
    """The answer's observation, computed in float64 from the same numbers where that is possible."""
    return observe(exercise.answer, case.to(torch.float64, "cpu"))


def compared(exercise: Exercise, case: Case, seen: Observation, truth: Observation) -> Statistics:
    """What is compared: known statistics of a random result, or the entries of an exact one."""
    if exercise.statistics:
        return exercise.statistics(case, seen.tensors["result"])
    eps = torch.finfo(case.dtype).eps
    return {
        name: Statistic(
            seen.tensors[name].cpu().double(),
            t.double(),
            RELATIVE[case.dtype] * scale(t) + 64 * eps * case.magnitude,
        )
        for name, t in truth.tensors.items()
    }


def scale(t: Tensor) -> float:
    finite = t.double()[t.isfinite()]
    return finite.abs().max().item() if finite.numel() else 0.0


def _agrees(s: Statistic) -> bool:
    return torch.allclose(s.value, s.truth.expand_as(s.value), rtol=0.0, atol=s.tolerance, equal_nan=True)


# -- what differs ------------------------------------------------------------------------------------------------------


def difference(exercise: Exercise, case: Case, seen: Observation) -> str:
    """One sentence, empty where the observation is right."""
    if seen.facts.raised:
        return _raised(exercise, case, seen.facts.raised)
    truth = observe_answer(exercise, case)
    return (
        _not_comparable(exercise, case, seen, truth)
        or wrong_numbers(exercise, case, seen, truth)
        or _wrong_calls(exercise, seen, truth)
        or _too_much_held(case, seen)
        or _repeats(seen, truth)
    )


def _not_comparable(exercise: Exercise, case: Case, seen: Observation, truth: Observation) -> str:
    """What is off before numbers are compared."""
    return (
        _wrong_kind(exercise, seen, truth)
        or _changed(seen)
        or wrong_shape(exercise, seen, truth)
        or _wrong_place(exercise, case, seen, truth)
        or _side_effect(exercise, seen)
        or _not_a_number(exercise, seen, truth)
    )


def _raised(exercise: Exercise, case: Case, raised: Raised) -> str:
    kind, text = raised.type, raised.text
    if kind == "NotImplementedError":
        return text or "not written yet; replace `raise NotImplementedError` with your code, run the cell, check again."
    if kind == "TimeLimitError":
        return (
            f"did not finish within {TIME_LIMIT:.0f} seconds; look for a loop that never ends or grows with the data."
        )
    if kind == TOO_LARGE:
        return f"returned {text}, far more numbers than were asked for."
    if raised.call:
        return f"could not be called as {exercise.signature}: {text}. Keep the arguments of the stub, in their order."
    where = f" at your line `{raised.line}`" if raised.line else ""
    return f"raised {kind}{where}{': ' if text else ''}{text}{_given(case)}"


def _given(case: Case) -> str:
    """The shape of the first batch that was handed over: was it of vectors, or of images?"""
    for name, value in case.arguments.items():
        if isinstance(value, Tensor) and value.ndim > 1:
            return f" (Here {name} has shape {_shape(value)}.)"
    return ""


def _wrong_kind(exercise: Exercise, seen: Observation, truth: Observation) -> str:
    got, expected = seen.facts.returned, truth.facts.returned
    if got == ["NoneType"]:
        return "returned nothing; end the function with `return ...`."
    if len(got) != len(expected):
        return f"returned {_count(got)}, expected {_count(expected)}."
    for i, (g, e) in enumerate(zip(got, expected)):
        if g != e and {g, e} != {"int", "float"}:
            of_shape = f" of shape {_shape(_result(truth, i))}" if e == "tensor" else ""
            returned = f"{nth(exercise, i)} is" if len(expected) > 1 else "returned"
            return f"{returned} {article(g)}, expected {article(e)}{of_shape}."
    return ""


def _count(kinds: list[str]) -> str:
    return f"a tuple of {len(kinds)}" if len(kinds) > 1 else article(kinds[0])


def _result(seen: Observation, i: int) -> Tensor:
    return seen.tensors["result" if "result" in seen.tensors else f"result[{i}]"]


def _shape(t: Tensor) -> str:
    return str(tuple(t.shape))


def wrong_shape(exercise: Exercise, seen: Observation, truth: Observation) -> str:
    for name, t in truth.tensors.items():
        got = seen.tensors.get(name)
        if got is None:
            return (
                f"the result has no {name}: something on the way detaches it (`.detach()`, `.item()`, `no_grad`, or "
                "`autograd.grad` without `create_graph=True`)."
            )
        if got.shape != t.shape:
            return f"got shape {_shape(got)}, expected {_shape(t)}{of(exercise, name)}.{_axes(got, t)}"
    return ""


def _axes(got: Tensor, expected: Tensor) -> str:
    """How such a shape typically comes about."""
    if got.ndim < expected.ndim and got.numel() < expected.numel():
        return " Something sums over an axis that should stay."
    other = [(a, b) for a, b in zip(got.shape, expected.shape) if a != b]
    if got.ndim > expected.ndim or (other and all(b == 1 < a for a, b in other)):
        return " Something broadcasts, or an axis that should be summed over is left."
    if got.ndim == expected.ndim and len(other) == 1 and abs(other[0][0] - other[0][1]) == 1:
        return f" There is one entry too {'many' if other[0][0] > other[0][1] else 'few'}."
    return ""


def _wrong_place(exercise: Exercise, case: Case, seen: Observation, truth: Observation) -> str:
    for name, t in truth.tensors.items():
        got = seen.tensors[name]
        expected = case.dtype if t.is_floating_point() else t.dtype
        if got.dtype != expected and not (got.ndim == 0 and "tensor" not in truth.facts.returned):
            if not expected.is_floating_point:
                what = "the comparison itself" if expected is torch.bool else "whole numbers, as they came"
                return f"got dtype {got.dtype}, expected {expected}{of(exercise, name)}: return {what}."
            if not case.gives_precision:
                default = "the default dtype, since no tensor was given"
                return f"got dtype {got.dtype}, expected {expected}{of(exercise, name)}, {default}."
            return (
                f"got dtype {got.dtype}, expected {expected}{of(exercise, name)}, the one that was given; make new "
                "tensors with `dtype=x.dtype, device=x.device`."
            )
        if got.device.type != case.device.type and "tensor" in truth.facts.returned:
            return (
                f"the result is on {got.device}, its inputs on {case.device}; make new tensors with `device=x.device`."
            )
    return ""


def _changed(seen: Observation) -> str:
    facts, look = seen.facts, "look for `+=`, `x[...] =`, methods ending in `_`"
    if facts.changed == [GRADIENT_MODE]:
        return (
            "your function switches gradients on or off and leaves them so: `with torch.enable_grad():` restores them."
        )
    if facts.changed:
        return (
            f"your function modifies {facts.changed[0]} in place; {look}, `.pop()`, `.backward()` or "
            "`.requires_grad_()`, and work on a copy."
        )
    if facts.overwrote:
        return (
            f"your function modifies in place what `{facts.overwrote[0]}` returned, which may be its argument; {look}, "
            "and make a new tensor."
        )
    return ""


def _side_effect(exercise: Exercise, seen: Observation) -> str:
    facts = seen.facts
    if facts.drew:
        return "your function draws from the global generators; use only the noise or the generator that is handed in."
    if facts.attached and not exercise.attached:
        return "the result still carries its graph, so memory grows with every step; return it detached."
    if facts.shares and exercise.fresh:
        return f"the result shares its memory with {facts.shares[0]}: writing to one changes the other; make a copy."
    return ""


def _wrong_calls(exercise: Exercise, seen: Observation, truth: Observation) -> str:
    facts = seen.facts
    if facts.times:
        return (
            f"your function calls `{facts.times[0]}` with another kind of time than it was given; hand t on as it is, "
            "a float or shape (B,)."
        )
    for name in exercise.counted:
        got, expected = facts.calls.get(name, 0), truth.facts.calls.get(name, 0)
        if got != expected:
            return f"your function calls `{name}` {times(got)}, expected {times(expected)}."
    return ""


def holds_too_much(case: Case, seen: Observation) -> bool:
    """Whether more numbers were held at once than the case has room for."""
    return 0 < case.room <= seen.facts.held


def _too_much_held(case: Case, seen: Observation) -> str:
    if not holds_too_much(case, seen):
        return ""
    return (
        f"the result is right, but your function holds {seen.facts.held:,} numbers at once, and there is room for "
        f"{case.room:,}{_given(case)}: go through the batch in smaller pieces, or find a way without the large tensor."
    )


def _repeats(seen: Observation, truth: Observation) -> str:
    if seen.facts.repeats and not truth.facts.repeats:
        return (
            "two calls with one generator give the same numbers: draw from the generator as it is, without "
            "`manual_seed` and without one of your own."
        )
    return ""


def _not_a_number(exercise: Exercise, seen: Observation, truth: Observation) -> str:
    for name, t in truth.tensors.items():
        got = seen.tensors[name]
        bad = ~got.isfinite() & t.isfinite().to(got.device)
        if bad.any():
            what = "nan" if got[bad].isnan().any() else "inf"
            where = f"{int(bad.sum())} of {got.numel()} entries{of(exercise, name)}"
            return f"got {what} in {where}: look for 0/0, log 0 or an overflow."
    return ""


def wrong_numbers(exercise: Exercise, case: Case, seen: Observation, truth: Observation) -> str:
    for name, s in compared(exercise, case, seen, truth).items():
        if _agrees(s):
            continue
        if exercise.statistics and seen.facts.unmoved and not truth.facts.unmoved:
            return (
                f"nothing is drawn from `{seen.facts.unmoved[0]}`{_where(case)}: is a step or its noise left out, or "
                "does the noise come from elsewhere?"
            )
        if exercise.statistics:
            worst = (s.value - s.truth).abs().argmax() if s.value.ndim else 0
            return f"the {name} is {s.value.flatten()[worst]:.4g}, theory says {s.truth.flatten()[0]:.4g}."
        if seen.tensors[name].dtype == torch.bool:
            return f"{int((s.value != s.truth).sum())} of {s.value.numel()} decisions{of(exercise, name)} are wrong."
        return _pattern(s) + _largest_error(exercise, s, name) + _given(case)
    return ""


def says_numbers_alone(exercise: Exercise, case: Case, seen: Observation, sentence: str) -> bool:
    """Whether a sentence of ``difference`` tells how far numbers are off, and neither why nor in what pattern."""
    truth = observe_answer(exercise, case)
    if sentence.startswith(PATTERNS) or seen.facts.raised or _not_comparable(exercise, case, seen, truth):
        return False
    return sentence == wrong_numbers(exercise, case, seen, truth)


def _where(case: Case) -> str:
    """The counts that a case is about, such as " where sigmas has length 1 and n_per_level = 2"."""
    counts = []
    for name, value in case.arguments.items():
        if isinstance(value, int) and not isinstance(value, bool):
            counts.append(f"{name} = {value}")
        elif isinstance(value, Tensor) and value.ndim == 1:
            counts.append(f"{name} has length {len(value)}")
    return f" where {' and '.join(counts)}" if counts else ""


PATTERNS = ("the sign is flipped", "your result is")


def _pattern(s: Statistic) -> str:
    """A constant factor or offset explains many errors better than any number."""
    value, truth, close = s.value.flatten(), s.truth.flatten(), 20 * s.tolerance
    if torch.allclose(value, -truth, rtol=0, atol=close):
        return "the sign is flipped: "
    ratio = ((value @ truth) / (truth @ truth)).item() if truth.numel() and truth.any() else 0.0
    plain = abs(ratio) > 1e-3 and f"{ratio:.4g}" != "1"
    if truth.numel() > 1 and plain and torch.allclose(value, ratio * truth, rtol=0, atol=close):
        return f"your result is {ratio:.4g} times the expected one everywhere: "
    offset = (value - truth).mean().item()
    if truth.numel() > 1 and torch.allclose(value - offset, truth, rtol=0, atol=close):
        return f"your result is the expected one plus {offset:.4g} everywhere: "
    return ""


def _largest_error(exercise: Exercise, s: Statistic, name: str) -> str:
    error = (s.value - s.truth).abs().nan_to_num(nan=torch.inf)
    error = error.masked_fill(s.value.isnan() & s.truth.isnan(), 0)  # both say that there is no number
    at = int(error.argmax())
    where = tuple(int(i) for i in torch.unravel_index(torch.tensor(at), error.shape)) if error.ndim else ()
    place = f" at {list(where)}" if where else ""
    return (
        f"the largest error{of(exercise, name)} is {error.flatten()[at]:.3g}{place}: got {s.value.flatten()[at]:.6g}, "
        f"expected {s.truth.flatten()[at]:.6g}."
    )
