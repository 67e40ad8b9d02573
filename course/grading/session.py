"""One kernel, as the trusted side sees it: code goes in, bounded and plain outputs come back, and it may die any time.

Nothing that a kernel says is believed, but for the numbers of its observations, which are judged here.
"""

import base64
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course.exercises.case import Case
from course.exercises.probe import Observation
from course.exercises.wire import NotAnObservation, pack_cases, unpack_observations
from course.grading.inside.answer import OBSERVED_MIME
from course.grading.sandbox import Settings

START_SECONDS = 60.0
LARGEST_MESSAGE = 24 * 2**20
MOST_MESSAGES = 20_000
MOST_BYTES = 64 * 2**20
"""What a kernel may send for one cell before it is stopped."""

ASK = "__import__('course.grading.inside.answer', fromlist=['answer'])"

KEPT_CHARACTERS = 20_000
"""What is kept of the output of one cell, for the feedback."""


class Stopped(Exception):
    """The kernel is gone, or was ended because of what it did; the message says why, for the student."""


@dataclass
class Heard:
    """What a kernel sent while a cell ran."""

    outputs: list[NotebookNode] = field(default_factory=list)
    observed: str = ""
    characters: int = 0

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Keep an output's plain text; pictures, HTML, scripts and widgets are for the student's own screen."""
        if kind == "stream":
            self._add_text(str(content.get("name")), str(content.get("text", "")))
        elif kind == "error":
            lines = [str(line) for line in _list(content.get("traceback"))]
            cut = "\n".join(lines)[:KEPT_CHARACTERS].split("\n")
            name, text = str(content.get("ename"))[:200], str(content.get("evalue"))[:2000]
            self.outputs.append(new_output("error", ename=name, evalue=text, traceback=cut))
        elif kind in ("display_data", "execute_result"):
            data = content.get("data") if isinstance(content.get("data"), dict) else {}
            assert isinstance(data, dict)
            if isinstance(data.get(OBSERVED_MIME), str):
                self.observed = data[OBSERVED_MIME]
            elif isinstance(data.get("text/plain"), str):
                self._add_text("stdout", data["text/plain"] + "\n")

    def _add_text(self, name: str, text: str) -> None:
        room = KEPT_CHARACTERS - self.characters
        self.characters += len(text)
        if room <= 0:
            return
        text = text if len(text) <= room else text[:room] + "\n(The rest of the output was left out.)\n"
        name = "stderr" if name == "stderr" else "stdout"
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self.outputs.append(new_output("stream", name=name, text=text))


class _BoundedClient(BlockingKernelClient):
    """A client whose sockets hang up on a message that is too large."""

    def _create_connected_socket(self, *args: Any, **kwargs: Any) -> zmq.Socket:
        self.context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        return super()._create_connected_socket(*args, **kwargs)


class Session:
    """A kernel to run a submission in.

    Args:
        settings: of the sandbox; None is a kernel without any, with the rights of this process.

    Raises:
        SandboxError: if kernels cannot be had here.
    """

    def __init__(self, settings: Settings | None):
        self._manager = KernelManager(transport="ipc", client_class=f"{__name__}._BoundedClient")
        self._manager._kernel_spec = _specification(settings)
        self._manager.start_kernel()
        self._client = self._manager.client()
        self._client.start_channels(hb=False, stdin=False, control=False)
        try:
            self._client.wait_for_ready(timeout=START_SECONDS)
        except RuntimeError as error:
            self.close()
            raise Stopped(f"the kernel did not start: {error}") from None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, source: str, seconds: float) -> list[NotebookNode]:
        """Run a cell and return its outputs, as plain text.

        Raises:
            Stopped: if the kernel died, or was stopped after so many seconds or too much output.
        """
        return self._run(source, seconds).outputs

    def observe(self, name: str, cases: list[Case], seconds: float) -> list[Observation]:
        """Have the student's function of this name called on cases; what came back is plain, and may be anything.

        Raises:
            Stopped: as ``execute``.
            NotAnObservation: if something else came back.
        """
        packed = base64.b64encode(pack_cases(cases)).decode()
        call = (
            f"import course.grading.inside.answer\ncourse.grading.inside.answer.answer({name!r}, globals(), {packed!r})"
        )
        heard = self._run(call, seconds)
        try:
            message = base64.b64decode(heard.observed, validate=True)
        except ValueError:
            raise NotAnObservation("The kernel sent something else than observations.") from None
        if not message:
            raise NotAnObservation("The kernel sent no observations.")
        return unpack_observations(message, len(cases))

    def close(self) -> None:
        """End the kernel and everything that it started."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def _run(self, source: str, seconds: float) -> Heard:
        asked = self._client.execute(source, store_history=False, allow_stdin=False, stop_on_error=False)
        heard, replied, idle = Heard(), False, False
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
        for socket in sockets.values():
            poller.register(socket, zmq.POLLIN)
        count = size = 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Stopped(f"this cell did not end within {seconds:.0f} seconds.")
            ready = dict(poller.poll(int(1000 * min(left, 0.25))))
            if not ready and not self._manager.is_alive():
                raise Stopped("the kernel died in this cell: it left the program, or used too much memory.")
            for name, socket in sockets.items():
                if socket not in ready:
                    continue
                frames = socket.recv_multipart()
                count, size = count + 1, size + sum(map(len, frames))
                if count > MOST_MESSAGES or size > MOST_BYTES:
                    raise Stopped("this cell printed without end.")
                message = self._understand(frames)
                if message is not None:
                    yield name, message

    def _understand(self, frames: list[bytes]) -> dict[str, Any] | None:
        """A message of Jupyter's protocol, or None for anything else."""
        try:
            _, frames = self._client.session.feed_identities(frames)
            message = self._client.session.deserialize(frames)
        except Exception:  # what a hostile kernel sends may break the reading of it in any way
            return None
        return message if isinstance(message, dict) and isinstance(message.get("parent_header"), dict) else None


def _list(value: Any) -> list:
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
