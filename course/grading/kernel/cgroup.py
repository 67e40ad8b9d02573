"""A control group for one kernel, where this user may make one: limits on the memory and processes of all it starts.

Both generations of Linux's control groups are understood. Where there is none to be had, the limits of each process
(``sandboxed.isolation``) remain.
"""

import contextlib
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class ControlGroup:
    """A group that a process is put into, with all its children to come.

    Args:
        name: of the new group.
        memory: bytes that the group may use.
        processes: processes and threads that it may have.

    Attributes:
        complete: whether both limits could be set.
    """

    def __init__(self, name: str, memory: int, processes: int):
        self._folders: list[Path] = []
        limits = {
            "memory": ("memory.max", "memory.limit_in_bytes", memory),
            "pids": ("pids.max", "pids.max", processes),
        }
        unified = _own_unified()
        for controller, (new, old, most) in limits.items():
            folder = (unified or ROOT / controller / _own_legacy(controller)) / name
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
                self._folders.append(folder)
                (folder / (new if unified else old)).write_text(str(most))
        self.complete = len(self._folders) == len(limits)

    def add(self, pid: int) -> None:
        """Put a process into the group."""
        for folder in set(self._folders):
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """Remove the group, once its last process has gone."""
        for folder in set(self._folders):
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)


def _own_unified() -> Path | None:
    """This process's group of the second generation, if it hands both controllers on."""
    for line in _own_lines():
        if line.startswith("0::"):
            folder = ROOT / line[3:].lstrip("/")
            with contextlib.suppress(OSError):
                if {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
                    return folder
    return None


def _own_legacy(controller: str) -> str:
    for line in _own_lines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return ""


def _own_lines() -> list[str]:
    try:
        return Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
