"""Sandboxed kernels for any Jupyter program, as a kernel provisioner.

A kernel specification selects it by its metadata::

    "metadata": {"kernel_provisioner": {"provisioner_name": "score-course-sandbox", "config": {"assignment": "hw2"}}}

or a program by ``JUPYTER_DEFAULT_PROVISIONER_NAME=score-course-sandbox``. The kernel is Python's, whatever the
specification's command says.
"""

import asyncio
import signal
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Int, List, Unicode

from course.grading.kernel.sandbox import Kernel, Settings, fork_server
from course.grading.sandboxed.isolation import Limits

PORTS = {f"{name}_port": port for port, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}


class SandboxProvisioner(KernelProvisionerBase):
    """Starts a kernel as a fork of this process's fork server (``sandbox.fork_server``)."""

    assignment = Unicode("", help="Whose answers are left out of the library; empty leaves all in.").tag(config=True)
    memory = Int(Limits.memory, help="Bytes that the kernel may use.").tag(config=True)
    devices = List(Unicode(), help="Device files that the kernel may use, such as /dev/nvidia0.").tag(config=True)

    kernel: Kernel | None = None
    _exit: int | None = None

    @property
    def has_process(self) -> bool:
        return self.kernel is not None

    async def poll(self) -> int | None:
        return 0 if self.kernel is None or self.kernel.wait(0) else None

    async def wait(self) -> int | None:
        while await self.poll() is None:
            await asyncio.sleep(0.005)
        self._close()
        return 0

    async def send_signal(self, signum: int) -> None:
        if self.kernel:
            self.kernel.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.kill(restart)  # the first process of a namespace takes no notice of SIGTERM

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.pop("extra_arguments", None)
        return await super().pre_launch(cmd=list(self.kernel_spec.argv), **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        settings = Settings(self.assignment or None, Limits(memory=self.memory), tuple(self.devices))
        assert self.parent is not None
        session = self.parent.session
        told: dict[str, Any] = {**PORTS, "key": session.key.decode(), "signature_scheme": session.signature_scheme}
        self.kernel = fork_server(settings).kernel(told)
        self.connection_info = cast(
            KernelConnectionInfo, {**told, "key": session.key, "transport": "ipc", "ip": self.kernel.ip}
        )
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        self._close()

    def _close(self) -> None:
        if self.kernel:
            self.kernel.close()
            self.kernel = None
