"""Code that ends, is interrupted, or never ends."""

from .attack import ALL, POINTS, Attack, hostile, nearly_right

BEFORE = ALL - POINTS["contrastive_divergence"] - POINTS["start_negatives"]
BUT_ONE = ALL - POINTS["contrastive_divergence"]
DIED, LATE, SEEN = "the kernel died", "did not end within", "could not be observed"


def _exits(name: str, tries: str, deserves: float, told: str, source: str) -> Attack:
    kind = "exits, interrupts and endless loops"
    return nearly_right(name, kind, tries, deserves, told, contrastive_divergence=source)


def _call(body: str) -> str:
    return f"import os, signal, sys, time\ndef contrastive_divergence(energy, data, negatives, penalty):\n    {body}"


EXITS = [
    _exits("exit-system-cell", "SystemExit in a cell", BUT_ONE, "", "raise SystemExit(0)"),
    _exits("exit-system-call", "SystemExit in a function", BUT_ONE, "SystemExit", _call("sys.exit(0)")),
    _exits("exit-os-cell", "os._exit in a cell", BEFORE, DIED, "import os; os._exit(0)"),
    _exits("exit-os-call", "os._exit in a function", BEFORE, DIED, _call("os._exit(0)")),
    _exits("exit-abort", "a segmentation fault", BEFORE, DIED, _call("import ctypes; ctypes.string_at(0)")),
    _exits("exit-interrupt-cell", "KeyboardInterrupt in a cell", BUT_ONE, "", "raise KeyboardInterrupt"),
    _exits("exit-interrupt-call", "KeyboardInterrupt in a function", BUT_ONE, SEEN, _call("raise KeyboardInterrupt")),
    _exits(
        "exit-base-exception",
        "an exception that no one catches",
        BUT_ONE,
        SEEN,
        "class Never(BaseException): pass\n" + _call("raise Never"),
    ),
    _exits("loop-cell", "a cell that never ends", BEFORE, LATE, "while True: pass"),
    _exits("loop-call", "a function that never ends", BEFORE, LATE, _call("while True: pass")),
    _exits(
        "loop-swallows",
        "an endless loop that swallows every interrupt",
        BEFORE,
        LATE,
        _call(
            """while True:
        try:
            while True: time.sleep(0.1)
        except BaseException: pass"""
        ),
    ),
    _exits(
        "loop-no-signals",
        "an endless loop with signals ignored and timers patched",
        BEFORE,
        LATE,
        _call(
            """import threading
    for number in (signal.SIGINT, signal.SIGALRM, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)
    signal.setitimer = signal.signal = threading.current_thread = lambda *_, **__: None
    while True: pass"""
        ),
    ),
    _exits(
        "loop-stops-itself",
        "stops its own process",
        BEFORE,
        LATE,
        _call("os.kill(os.getpid(), signal.SIGSTOP)\n    while True: pass"),
    ),
    Attack(
        "nearly-too-slow",
        "nearly too slow everywhere",
        "every exercise stays below the limit of a cell, so that only the limit of all together helps",
        lambda world: hostile(world, **{name: f"import time\n{_slow(name)}" for name in POINTS}),
        told=LATE,
    ),
]


def _slow(name: str) -> str:
    return f"def {name}(*_):\n    time.sleep(4.5)\n    raise ValueError('slow')"
