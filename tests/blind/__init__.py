"""Wrong answers written from the notebooks' text alone, by people who had not seen the lists of mistakes.

``@bank.wrong("langevin_step", "noise")`` collects the function below it as an answer to that exercise; the other words
are what a sentence that helps would speak of, any one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BlindAnswer:
    """A wrong answer, and words of which a sentence that helps has at least one."""

    exercise: str
    function: Callable
    words: tuple[str, ...]


class Bank(list[BlindAnswer]):
    """The answers of one file, in order."""

    def wrong(self, exercise: str, *words: str) -> Callable[[Callable], Callable]:
        """Collect a wrong answer (decorator)."""

        def collect(function: Callable) -> Callable:
            self.append(BlindAnswer(exercise, function, words))
            return function

        return collect
