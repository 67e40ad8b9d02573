"""A fork server: a process that has imported what kernels need, and has a child for each kernel that is asked for.

Importing torch takes seconds, a fork takes milliseconds. The fork_server itself never computes: after a first parallel
operation a fork would hang. It speaks over one socket, the file descriptor that it was started with: each request is
JSON with a socket of its own, on which the new kernel says that it is ready, or what went wrong.
"""

import base64
import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module
from typing import Any

from course.grading.sandboxed.isolation import SOCKETS, Limits, isolate, leave_namespaces

KERNEL_MODULES = [
    "course.grading.sandboxed.observed",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "tornado.locks",
    "tornado.platform.asyncio",
    "tornado.queues",
]
READY = b"ready"
PREPARED = b"prepared"
LONGEST_REQUEST = 65536


def prepare() -> None:
    """Import everything that a kernel would, but its debugger."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    for name in KERNEL_MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is there now is never looked at again, so that its memory stays shared


def serve(control: socket.socket) -> None:
    """Fork a kernel for every request, until the other side hangs up."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
        if not request:
            return
        if os.fork() == 0:
            _become_first_process(json.loads(request), descriptors[0])
        for descriptor in descriptors:
            os.close(descriptor)


def _become_first_process(request: dict[str, Any], descriptor: int) -> None:
    """In the child: take new namespaces, and become a kernel in them."""
    report = socket.socket(fileno=os.dup2(descriptor, 3))
    os.closerange(4, 65536)
    os.dup2(0, 2)  # /dev/null: the fork server's own is a file of the machine outside, the same for all kernels
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        leave_namespaces()
        if os.fork() == 0:
            isolate(Limits(**request["limits"]), base64.b64decode(request["system_calls"]), request["kept"])
            _become_kernel(request["connection"], report)
    except BaseException as error:
        report.send(f"{type(error).__name__}: {error}".encode()[:1000])
    finally:
        os._exit(0)


def _become_kernel(connection: dict[str, Any], report: socket.socket) -> None:
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    os.chdir("/tmp")
    os.environ.update(HOME="/tmp", IPYTHONDIR="/tmp/.ipython", MPLCONFIGDIR="/tmp/.matplotlib")
    path = f"{SOCKETS}/kernel.json"
    with open(path, "w") as file:
        json.dump({**connection, "transport": "ipc", "ip": f"{SOCKETS}/k"}, file)
    config = Config()
    config.IPKernelApp.connection_file = path
    config.IPKernelApp.log_level = "CRITICAL"
    config.HistoryManager.enabled = False
    app = IPKernelApp.instance(config=config)
    app.initialize([])
    report.send(READY)
    report.close()
    app.start()


if __name__ == "__main__":
    control = socket.socket(fileno=int(sys.argv[1]))
    prepare()
    control.send(PREPARED)
    serve(control)
