"""One kernel, as the trusted side sees it: code goes in, bounded and plain outputs come back, and it may die any time.

Nothing that a kernel says is believed, but for the numbers of its observations, which are judged here.
"""

import base64
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course.errors import CourseError
from course.exercises.case import Case
from course.exercises.messages import ObservationError, pack_cases, unpack_observations
from course.exercises.observation import Observation
from course.grading.kernel.sandbox import KernelError, Settings
from course.grading.sandboxed.observed import OBSERVED_MIME

START_SECONDS = 60.0
LARGEST_MESSAGE = 24 * 2**20
MOST_MESSAGES = 20_000
MOST_BYTES = 64 * 2**20
"""What a kernel may send for one cell before it is stopped."""

MOST_MEMORY = 512 * 2**20
"""By how much this process may grow while a kernel lives: a message of endless parts cannot be counted any earlier."""

TOO_MUCH = "this cell printed without end, or more at once than can be kept."

KEPT_CHARACTERS = 20_000
"""What is kept of the output of one cell, for the feedback."""


class KernelStoppedError(CourseError):
    """The kernel is gone, or was ended because of what it did; the message says why, for the student."""


@dataclass
class CellOutput:
    """What a kernel sent while a cell ran."""

    outputs: list[NotebookNode] = field(default_factory=list)
    observed: str = ""
    characters: int = 0

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Keep an output's plain text; pictures, HTML, scripts and widgets are for the student's own screen."""
        if kind == "stream":
            self._add_text(str(content.get("name")), str(content.get("text", "")))
        elif kind == "error":
            cut = writable("\n".join(str(line) for line in _list(content.get("traceback"))))[: self._room()]
            name, text = writable(content.get("ename"))[:200], writable(content.get("evalue"))[:2000]
            if self._room() > 0:
                self.outputs.append(new_output("error", ename=name, evalue=text, traceback=cut.split("\n")))
            self.characters += len(cut) + len(name) + len(text)
        elif kind in ("display_data", "execute_result"):
            data = content.get("data") if isinstance(content.get("data"), dict) else {}
            assert isinstance(data, dict)
            if isinstance(data.get(OBSERVED_MIME), str):
                self.observed = data[OBSERVED_MIME]
            elif isinstance(data.get("text/plain"), str):
                self._add_text("stdout", data["text/plain"] + "\n")

    def _room(self) -> int:
        return max(0, KEPT_CHARACTERS - self.characters)

    def _add_text(self, name: str, text: str) -> None:
        room = self._room()
        self.characters += len(text)
        if room <= 0:
            return
        text = writable(text)
        text = text if len(text) <= room else text[:room] + "\n(The rest of the output was left out.)\n"
        name = "stderr" if name == "stderr" else "stdout"
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self.outputs.append(new_output("stream", name=name, text=text))


def _context(sandboxed: bool) -> zmq.Context[Any]:
    """Sockets that hang up on a message that is too large, and from a sandbox for good.

    Where a kernel's sockets were at first it may put links to sockets of this machine later: nobody connects twice.
    (Without a sandbox, the first attempt is made before the kernel listens.)
    """
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    if sandboxed:
        context.setsockopt(zmq.RECONNECT_IVL, -1)
    return context


class Session:
    """A kernel to run a submission in.

    Args:
        settings: of the sandbox; None is a kernel without any, with the rights of this process.

    Raises:
        SandboxError: if kernels cannot be had here.
        KernelError: if this one did not come up.
    """

    def __init__(self, settings: Settings | None):
        self._context = _context(sandboxed=settings is not None)
        self._folder = tempfile.TemporaryDirectory(prefix="score-course-")  # of the sockets, but a sandbox has its own
        self._manager = KernelManager(transport="ipc", ip=f"{self._folder.name}/k", context=self._context)
        self._manager._kernel_spec = _specification(settings)
        self._memory = _memory_of_this_process()
        self._manager.start_kernel()
        self._client = self._manager.client(context=self._context)
        self._client.start_channels(hb=False, stdin=False, control=False)
        try:
            self._client.wait_for_ready(timeout=START_SECONDS)
        except RuntimeError as error:
            self.close()
            raise KernelError(f"A kernel did not start: {error}.") from None
        channels = (self._client.iopub_channel, self._client.shell_channel)
        self._hung_up = [channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) for channel in channels]

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, source: str, seconds: float) -> list[NotebookNode]:
        """Run a cell and return its outputs, as plain text.

        Raises:
            KernelStoppedError: if the kernel died, or was stopped after so many seconds or too much output.
        """
        return self._run(source, seconds).outputs

    def observe(self, name: str, cases: list[Case], seconds: float) -> list[Observation]:
        """Have the student's function of this name called on cases; what came back is plain, and may be anything.

        Raises:
            KernelStoppedError: as ``execute``.
            ObservationError: if something else came back.
        """
        packed = base64.b64encode(pack_cases(cases)).decode()
        call = (
            f"import course.grading.sandboxed.observed\n"
            f"course.grading.sandboxed.observed.publish_observations({name!r}, globals(), {packed!r})"
        )
        heard = self._run(call, seconds)
        try:
            message = base64.b64decode(heard.observed, validate=True)
        except ValueError:
            raise ObservationError("The kernel sent something else than observations.") from None
        if not message:
            raise ObservationError("The kernel sent no observations.")
        return unpack_observations(message, len(cases))

    def close(self) -> None:
        """End the kernel and everything that it started."""
        self._client.shell_channel.stop()  # `stop_channels` would first connect those that were never started
        self._client.iopub_channel.stop()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._context.destroy(linger=0)
        self._folder.cleanup()

    def _run(self, source: str, seconds: float) -> CellOutput:
        asked = self._client.execute(source, store_history=False, allow_stdin=False, stop_on_error=False)
        heard, replied, idle = CellOutput(), False, False
        for channel, message in self._messages(time.monotonic() + seconds, seconds):
            if message.get("parent_header", {}).get("msg_id") != asked:
                continue
            kind, content = message.get("msg_type"), message.get("content")
            if not isinstance(content, dict):
                continue
            if channel == "shell":
                replied = replied or kind == "execute_reply"
            elif kind == "status":
                idle = idle or content.get("execution_state") == "idle"
            else:
                heard.add(str(kind), content)
            if replied and idle:
                break
        return heard

    def _messages(self, deadline: float, seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What comes on both channels until the deadline, counted."""
        sockets = {"iopub": self._client.iopub_channel.socket, "shell": self._client.shell_channel.socket}
        poller = zmq.Poller()
        for socket in [*sockets.values(), *self._hung_up]:
            poller.register(socket, zmq.POLLIN)
        count = size = 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise KernelStoppedError(f"this cell did not end within {seconds:.0f} seconds.")
            ready = dict(poller.poll(int(1000 * min(left, 0.05))))
            if _memory_of_this_process() > self._memory + MOST_MEMORY:
                raise KernelStoppedError(TOO_MUCH)
            if not any(socket in ready for socket in sockets.values()):
                self._check_is_there(bool(ready))
            for name, socket in sockets.items():
                if socket not in ready:
                    continue
                frames = socket.recv_multipart()
                count, size = count + 1, size + sum(map(len, frames))
                if count > MOST_MESSAGES or size > MOST_BYTES:
                    raise KernelStoppedError(TOO_MUCH)
                message = self._understand(frames)
                if message is not None:
                    yield name, message

    def _check_is_there(self, hung_up: bool) -> None:
        if hung_up and self._manager.is_alive():
            time.sleep(0.2)  # a process that dies hangs up first
        if not self._manager.is_alive():
            raise KernelStoppedError("the kernel died in this cell: it left the program, or used too much memory.")
        if hung_up:
            raise KernelStoppedError(TOO_MUCH)

    def _understand(self, frames: list[bytes]) -> dict[str, Any] | None:
        """A message of Jupyter's protocol, or None for anything else."""
        try:
            _, frames = self._client.session.feed_identities(frames)
            message = self._client.session.deserialize(frames)
        except Exception:  # what a hostile kernel sends may break the reading of it in any way
            return None
        return message if isinstance(message, dict) and isinstance(message.get("parent_header"), dict) else None


def writable(text: Any) -> str:
    """Text without the halves of characters, which JSON can carry and no file can."""
    return str(text).encode("utf-8", "replace").decode()


def _memory_of_this_process() -> int:
    """Bytes, where that can be known."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _specification(settings: Settings | None) -> KernelSpec:
    """Python's kernel, in a sandbox or as it is."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv += ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=CRITICAL"]
    metadata: dict[str, Any] = {}
    if settings is not None:
        config = {"assignment": settings.assignment or "", "memory": settings.limits.memory}
        config["devices"] = list(settings.devices)
        metadata["kernel_provisioner"] = {"provisioner_name": "score-course-sandbox", "config": config}
    return KernelSpec(argv=argv, display_name="Python 3", language="python", metadata=metadata)
