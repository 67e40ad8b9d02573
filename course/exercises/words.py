"""Words for what students read: articles, numbers, and results by number and name."""

from course.exercises.exercise import Exercise

_NTH = ["first", "second", "third", "fourth"]
_COUNT = {2: "two", 3: "three", 4: "four"}


def article(kind: str) -> str:
    """Such as "a list", "an int", "an ndarray"."""
    return ("an " if kind[:1].lower() in "aeio" or kind == "ndarray" else "a ") + kind


def times(n: int) -> str:
    """Such as "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def of(exercise: Exercise, tensor: str) -> str:
    """Of which tensor of an observation, for the end of a phrase: empty where there is one result."""
    if tensor == "result":
        return ""
    if tensor.startswith("result["):
        return f" of {nth(exercise, int(tensor[7:-1]))}"
    return f" of the {tensor}"


def nth(exercise: Exercise, i: int) -> str:
    """Such as "the first result" or, where results have names, "the first of the two results (`alpha`)"."""
    if i >= len(exercise.results):
        return f"the {_NTH[i]} result" if i < len(_NTH) else f"result {i + 1}"
    return f"the {_NTH[i]} of the {_COUNT[len(exercise.results)]} results (`{exercise.results[i]}`)"
