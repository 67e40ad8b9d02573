"""Kernels in a sandbox: bubblewrap around a fork server, and a fork of it for each kernel.

The sandbox has no network, sees Python, its packages and a copy of the library without answers, all read-only, and
nothing else of this machine. Each kernel is isolated from the others as ``sandboxed.isolation`` says; its sockets are
in a file system of its own, which the trusted side reaches through /proc.
"""

import atexit
import base64
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

from course.errors import CourseError
from course.grading.kernel.cgroup import ControlGroup
from course.grading.kernel.redacted_library import PACKAGE, copy_for
from course.grading.kernel.system_calls import compiled, filter_missing
from course.grading.sandboxed.fork_server import PREPARED, READY
from course.grading.sandboxed.isolation import SOCKETS, Limits

START_SECONDS = 120.0
FORK_SECONDS = 30.0
PEER = struct.Struct("3i")


class SandboxError(CourseError):
    """Kernels cannot be started safely here; the message says what to do."""


class KernelError(CourseError):
    """One kernel did not come up, which is no fault of a submission's; the next may."""


@dataclass(frozen=True)
class Settings:
    """What kernels of one fork server have in common.

    Attributes:
        assignment: whose answers are left out of the library; None leaves all in.
        limits: what one kernel may use.
        devices: device files that kernels may use, such as /dev/nvidia0.
    """

    assignment: str | None = None
    limits: Limits = field(default_factory=Limits)
    devices: tuple[str, ...] = ()


class Kernel:
    """A process in the sandbox that has become a kernel.

    Attributes:
        pid: as this side sees it.
        ip: what stands before ``-port`` in the paths of its sockets.
    """

    def __init__(self, pid: int, settings: Settings, ended: Callable[[], None]):
        self.pid, self._ended = pid, ended
        self.ip = f"/proc/{pid}/root{SOCKETS}/k"
        self._handle = os.pidfd_open(pid)
        self._group = ControlGroup(f"score-course-{pid}", settings.limits.memory, settings.limits.processes)
        self._group.add(pid)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within some seconds."""
        return self._handle < 0 or bool(select.select([self._handle], [], [], seconds)[0])

    def signal(self, number: int) -> None:
        """Send a signal; SIGKILL ends every process that it started too."""
        with contextlib.suppress(ProcessLookupError):
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, number)

    def close(self) -> None:
        """End it, and give back what was kept for it."""
        if self._handle >= 0:
            self.signal(signal.SIGKILL)
            self.wait(10.0)
            os.close(self._handle)
            self._handle = -1
            self._group.close()
            self._ended()


class ForkServer:
    """bubblewrap with a fork server in it.

    Raises:
        SandboxError: if there is no bubblewrap, or it cannot make a sandbox here.
    """

    def __init__(self, settings: Settings):
        if missing := sandbox_missing() or filter_missing():
            raise SandboxError(missing)
        self.settings = settings
        self.kernels = 0
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="score-course-")
        self._errors = open(Path(self._folder.name) / "errors", "w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        library = copy_for(settings.assignment, Path(self._folder.name))
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = ["bwrap", *_mounts(library, settings), *_program(theirs.fileno())]
        self._process = _outlive(lambda: self._start(command, theirs.fileno()))
        theirs.close()
        self._control.settimeout(START_SECONDS)
        if self._receive() != PREPARED:
            self.close()
            raise SandboxError(f"bubblewrap could not make a sandbox here: {self._complaint()}")

    def _start(self, command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=self._errors, pass_fds=[descriptor], cwd="/"
        )

    def kernel(self, connection: dict[str, Any]) -> Kernel:
        """A new kernel, listening where its connection information says.

        Raises:
            SandboxError: if it cannot be walled in.
            KernelError: if it did not come up.
        """
        filtered = base64.b64encode(compiled(bool(self.settings.devices))).decode()
        request = {"connection": connection, "limits": asdict(self.settings.limits), "system_calls": filtered}
        request["kept"] = [path for path in [*_seen(), str(PACKAGE)] if Path(path).is_relative_to("/tmp")]
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with mine, theirs:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            mine.settimeout(FORK_SECONDS)
            with self._lock:
                socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
            theirs.close()
            try:
                message, ancillary, _, _ = mine.recvmsg(1000, socket.CMSG_SPACE(PEER.size))
            except TimeoutError:
                raise KernelError(f"A kernel did not start within {FORK_SECONDS:.0f} seconds.") from None
        if not message:
            raise KernelError("A kernel did not start: its fork server has ended.")
        if message != READY:
            raise SandboxError(f"A kernel could not be walled in: {message.decode()}")
        pid, _, _ = PEER.unpack(ancillary[0][2])
        self._count(1)
        return Kernel(pid, self.settings, lambda: self._count(-1))

    def _count(self, change: int) -> None:
        with self._lock:
            self.kernels += change

    @property
    def alive(self) -> bool:
        """Whether kernels can be had from it."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the fork server and every kernel of it."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    def _receive(self) -> bytes:
        try:
            return self._control.recv(64)
        except OSError:
            return b""

    def _complaint(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else "it gave no reason."


def sandbox_missing() -> str | None:
    """What to do where there is no bubblewrap; None where there is."""
    if sys.platform == "linux" and shutil.which("bwrap"):
        return None
    return (
        "Grading needs bubblewrap to keep students' code apart from this machine: install it (on Debian and Ubuntu: "
        "`apt install bubblewrap`; it exists for Linux only), or trust the class and give --no-sandbox."
    )


def run_by_root() -> str | None:
    """What to do where grading runs as root; None where it does not."""
    if os.geteuid() != 0:
        return None
    return (
        "Grading runs as root: whoever broke out of the sandbox would own this machine. Grade as an ordinary user, "
        "who needs no right but to this folder."
    )


def _outlive(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long: bubblewrap ends with the thread that started it."""
    started: Queue[subprocess.Popen[bytes] | BaseException] = Queue()

    def keep() -> None:
        try:
            process = start()
        except BaseException as error:
            started.put(error)
        else:
            started.put(process)
            process.wait()

    threading.Thread(target=keep, daemon=True, name="fork-server").start()
    process = started.get()
    if isinstance(process, BaseException):
        raise process
    return process


_servers: dict[Settings, ForkServer] = {}
_making = threading.Lock()


def fork_server(settings: Settings) -> ForkServer:
    """The fork server of this process for some settings, made when it is first asked for.

    It ends with the process, or when one for other settings is made and none of its kernels lives.
    """
    with _making:
        for other, one in list(_servers.items()):
            if not one.alive or (other != settings and one.kernels == 0):
                _servers.pop(other).close()
        if settings not in _servers:
            _servers[settings] = ForkServer(settings)
        return _servers[settings]


@atexit.register
def _close_all() -> None:
    while _servers:
        _servers.popitem()[1].close()


# -- what bubblewrap is told -------------------------------------------------------------------------------------------


def _mounts(library: Path, settings: Settings) -> list[str]:
    """No network, no other process, nothing to write to, and only what Python needs to be seen."""
    options = ["--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--cap-add", "ALL"]
    options += ["--uid", "0", "--gid", "0", "--hostname", "sandbox", "--clearenv"]
    for name, value in _environment().items():
        options += ["--setenv", name, value]
    options += ["--tmpfs", "/tmp"]
    for path in _seen():
        options += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    options += ["--ro-bind", str(library), str(PACKAGE), "--proc", "/proc", "--dev", "/dev"]
    for device in settings.devices:
        options += ["--dev-bind", device, device]
    options += ["--dir", "/dev/shm", "--remount-ro", "/dev", "--dir", SOCKETS, "--remount-ro", "/"]
    return [*options, "--chdir", "/tmp", "--"]


def _seen() -> list[str]:
    """The system's programs and libraries, and Python's: its own, and those of the environment it runs in.

    Only these folders of an environment: a class may be kept in it, or beside it.
    """
    system = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/share", "/etc/ld.so.cache", "/etc/fonts"]
    prefixes = ["/usr", "/usr/local", sys.base_prefix, sys.prefix]
    parts = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "pyvenv.cfg"]
    python = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    seen: list[str] = []
    for path in [*system, *(os.path.join(prefix, part) for prefix in prefixes for part in parts), *python]:
        covered = any(Path(path).is_relative_to(other) for other in seen if not os.path.islink(other))
        if os.path.lexists(path) and not covered:
            seen.append(path)
    return seen


def in_sight(folder: Path) -> str | None:
    """What to do where a class's folder is among what every kernel may read; None where it is not."""
    folder = folder.resolve()
    for path in _seen():
        if folder.is_relative_to(Path(path).resolve()):
            return (
                f"The class is kept in {folder}, and students' code may read all of {path}: move the class elsewhere."
            )
    return None


def _environment() -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
    }


def _program(descriptor: int) -> list[str]:
    # wherever the package was imported from: an installed one, a checkout, PYTHONPATH
    start = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); sys.argv = ['', {str(descriptor)!r}]; "
    start += (
        "import runpy; runpy.run_module('course.grading.sandboxed.fork_server', run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-I", "-B", "-c", start]
