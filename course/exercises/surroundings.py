"""The surroundings in which a student's function is called: a time limit, PyTorch's usual state, and no output."""

import contextlib
import io
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch

PATIENCE = 4
"""By the clock a function may take so many times its limit, on a machine that does other things too."""


class TimeLimitError(BaseException):
    """Raised inside a function that exceeds its time; not an Exception, so that ``except Exception`` lets it pass."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitError after seconds of this thread's own computing, or ``PATIENCE`` times as many by the clock.

    Without effect where there are no signals (Windows, other threads).
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    computed, began = time.thread_time(), time.monotonic()

    def stop(*_: Any) -> None:
        if time.thread_time() - computed >= seconds or time.monotonic() - began >= PATIENCE * seconds:
            raise TimeLimitError

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
