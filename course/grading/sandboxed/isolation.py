"""The isolation of one kernel, set up by the process itself before any code of a student's runs.

The fork server runs in bubblewrap with every capability in a user namespace of its own. A child of it takes new mount,
process, IPC, network and host-name namespaces, private /tmp, /dev/shm and /proc, limits, and then drops every
capability for good: it can neither see nor change its parent, its siblings, or what comes after it.
"""

import ctypes
import os
import platform
import resource
from dataclasses import dataclass

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 22, 24, 38
SECCOMP_MODE_FILTER = 2
KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271, "s390x": 280}
"""The number of the system call keyctl, which glibc has no function for."""

KEYCTL_JOIN_SESSION_KEYRING = 1
LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x20080522

SEEN_OF_PROC = ("cpuinfo", "filesystems", "meminfo", "stat", "uptime", "version")
"""Files of /proc that libraries read: torch, psutil, and others through them."""

SOCKETS = "/run/kernel"
"""Where a kernel's sockets are, in a file system of its own that is too small to be filled with anything else."""


@dataclass(frozen=True)
class Limits:
    """What one kernel may use.

    Attributes:
        memory: bytes of address space beyond what the fork server has mapped already.
        processes: processes and threads of the user in this sandbox.
        file: bytes of any one file.
        scratch: bytes of /tmp and of /dev/shm, each.
        open_files: file descriptors.
    """

    memory: int = 4 * 2**30
    processes: int = 256
    file: int = 64 * 2**20
    scratch: int = 256 * 2**20
    open_files: int = 256


_libc = ctypes.CDLL(None, use_errno=True)


def leave_namespaces() -> None:
    """Take new namespaces; the process namespace is its children's."""
    _call("unshare", CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)


class _Program(ctypes.Structure):
    """The C structure sock_fprog: how many instructions of eight bytes, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def isolate(limits: Limits, system_calls: bytes, kept: list[str]) -> None:
    """As the first process of its namespace: private file systems, then limits, then no capability any more.

    Args:
        limits: what this kernel may use.
        system_calls: the BPF program that says which calls it may make.
        kept: folders below /tmp that stay where they are, such as a checkout's package and its Python.
    """
    os.setsid()  # a signal to its process group reaches no other kernel, nor the fork server
    _leave_keyring()
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    safe = MS_NOSUID | MS_NODEV
    _mount("proc", "/proc", "proc", safe | MS_NOEXEC)
    handles = [os.open(path, os.O_PATH) for path in kept]
    for folder in ("/tmp", "/dev/shm"):
        _mount("tmpfs", folder, "tmpfs", safe, f"size={limits.scratch},nr_inodes=10000,mode=1777")
    for path, handle in zip(kept, handles):
        _show_again(path, handle)
    _mount("tmpfs", SOCKETS, "tmpfs", safe | MS_NOEXEC, "size=65536,nr_inodes=16,mode=0700")
    _forbid_user_namespaces()
    _hide_the_machine()
    _set_limits(limits)
    _drop_capabilities()
    program = _Program(len(system_calls) // 8, system_calls)
    _call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def _show_again(path: str, handle: int) -> None:
    """Bind a file or folder, of which a handle was taken, to a path in the new /tmp; it stays read-only."""
    if os.path.isdir(f"/proc/self/fd/{handle}"):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    _mount(f"/proc/self/fd/{handle}", path, None, MS_BIND | MS_REC)
    os.close(handle)


def _leave_keyring() -> None:
    """Take an empty session keyring: keys are not kept apart by namespaces."""
    number = KEYCTL.get(platform.machine())
    if number:
        _libc.syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)


def _forbid_user_namespaces() -> None:
    """In a user namespace of its own a process has every capability again: allow none below this one."""
    with open("/proc/sys/user/max_user_namespaces", "w") as limit:
        limit.write("0")


def _hide_the_machine() -> None:
    """Of /proc, leave the processes and what libraries ask of a processor: the rest tells of the machine.

    Where grading runs as root, the rest would be root's own to read, and /proc/sys to write, capabilities or not.
    """
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    for entry in list(os.scandir("/proc")):
        if entry.name.isdigit() or entry.is_symlink() or entry.name in SEEN_OF_PROC:
            continue
        if entry.is_dir():
            _mount("tmpfs", entry.path, "tmpfs", flags | MS_RDONLY, "size=4096,nr_inodes=1,mode=0555")
        else:
            _mount("/dev/null", entry.path, None, MS_BIND)
    _mount("none", "/proc", None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def _set_limits(limits: Limits) -> None:
    with open("/proc/self/statm") as sizes:
        mapped = int(sizes.read().split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, mapped + limits.memory),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _drop_capabilities() -> None:
    for capability in range(LAST_CAPABILITY + 1):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one that this kernel knows
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    os.makedirs(target, exist_ok=True) if kind and not os.path.isdir(target) else None
    name = kind.encode() if kind else None
    _call("mount", source.encode(), target.encode(), name, ctypes.c_ulong(flags), options.encode())


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
