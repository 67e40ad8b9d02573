"""Attacks on what a machine has only so much of.

Bombs carry their own limits, so that a hole would not take the machine down.
"""

from .attack import Attack, payload


def _bomb(name: str, tries: str, code: str, ends: bool = True, **options) -> Attack:
    return payload(name, "bombs", tries, code, ends=ends, **options)


BOMBS = [
    _bomb(
        "fork-bomb",
        "processes that start processes (2,000 at most)",
        """
        import os, time
        started = 0
        for _ in range(2000):
            try: pid = os.fork()
            except OSError: break
            if pid == 0: time.sleep(60); os._exit(0)
            started += 1
            if started == 300: breach(f"{started} processes")
        print(started)
        os.kill(-1, 9)
        """,
        ends=False,
        control_groups=True,
    ),
    _bomb(
        "thread-bomb",
        "threads (2,000 at most)",
        """
        import threading, time
        started = 0
        try:
            for _ in range(2000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); started += 1
        except (RuntimeError, MemoryError): pass
        if started > 300: breach(f"{started} threads")
        """,
        control_groups=True,
    ),
    _bomb(
        "memory-bomb",
        "anonymous memory (8 GiB at most)",
        """
        kept = []
        try:
            for _ in range(64): kept.append(bytearray(b"x" * 2**27))
            breach("8 GiB")
        except MemoryError: kept.clear()
        """,
        ends=False,
    ),
    _bomb(
        "shared-memory-bomb",
        "shared and anonymous files in memory by many processes (8 GiB at most)",
        """
        import mmap, os
        for _ in range(8):
            if os.fork() == 0:
                area = mmap.mmap(-1, 2**30)
                for at in range(0, 2**30, 4096): area[at] = 1
                import time; time.sleep(60)
        while True: os.wait()
        """,
        ends=False,
        control_groups=True,
    ),
    _bomb(
        "disk-bomb",
        "files in every folder that can be written, one large and many small (8 GiB at most)",
        """
        import os
        written = 0
        for top in ("/tmp", "/dev/shm", "/run/kernel", "/var/tmp", "/dev", "."):
            for i in range(128):
                try:
                    with open(f"{top}/large-{i}", "wb") as file:
                        for _ in range(64): written += file.write(bytes(2**20))
                except OSError: break
        try:
            for i in range(100_000): open(f"/tmp/small-{i}", "w").close()
            breach("100,000 files")
        except OSError: pass
        print(written)
        if written > 2**30: breach(f"{written} bytes")
        """,
    ),
    _bomb(
        "descriptor-bomb",
        "open files, sockets and pipes (100,000 at most)",
        """
        import os, socket
        kept = []
        try:
            for _ in range(50_000): kept.append(os.pipe())
            breach("100,000 descriptors")
        except OSError:
            for pair in kept: [os.close(end) for end in pair]
        """,
    ),
    _bomb(
        "one-long-line",
        "a line of 200 MB",
        "print('x' * 200_000_000)",
        ends=False,
        told="printed without end|did not end",
    ),
    _bomb(
        "many-lines",
        "lines on stdout and stderr without end",
        "import sys\nwhile True: print('x' * 1000); print('y' * 1000, file=sys.stderr)",
        ends=False,
        told="printed without end|did not end",
    ),
    _bomb(
        "many-displays",
        "displays without end",
        "while True: display('x' * 10_000)",
        ends=False,
        told="printed without end|did not end",
    ),
]
