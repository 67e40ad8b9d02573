"""Which system calls a kernel may make: those that Python, torch, scipy, matplotlib and ipykernel need, and no others.

Namespaces decide what a process can see; this list decides what it can ask the machine's kernel for at all, and so how
much of that kernel's code a submission can reach. Everything else answers ENOSYS, as on a machine that does not have it
(which is how glibc, say, finds out to use clone instead of clone3). The filter is compiled here, by libseccomp, and is
loaded by each kernel after it has given up every capability.
"""

import errno
import tempfile
from functools import cache

FILES = """
    access chdir chmod close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate
    fchdir fchmod fchmodat fchmodat2 fcntl fdatasync flock fstat fstatfs fsync ftruncate futimesat getcwd getdents
    getdents64 link linkat lseek lstat mkdir mkdirat newfstatat open openat pipe pipe2 pread64 preadv preadv2 pwrite64
    pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice stat
    statfs statx symlink symlinkat sync_file_range tee truncate umask unlink unlinkat utime utimensat utimes write
    writev
"""
MEMORY = """
    brk get_mempolicy madvise membarrier memfd_create mincore mlock mmap mprotect mremap msync munlock munmap
"""
PROCESSES = """
    arch_prctl execve execveat exit exit_group fork futex futex_waitv get_robust_list getcpu getegid geteuid getgid
    getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid
    kill pause prctl prlimit64 restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity
    sched_getattr sched_getparam sched_getscheduler sched_setaffinity sched_setattr sched_setparam sched_setscheduler
    sched_yield set_robust_list set_tid_address
    setpgid setpriority setrlimit setsid sysinfo tgkill times tkill uname vfork wait4 waitid
"""
SIGNALS_AND_TIME = """
    alarm clock_getres clock_gettime clock_nanosleep getitimer getrandom gettimeofday nanosleep rt_sigaction
    rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait setitimer sigaltstack
    signalfd4 time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
    timerfd_gettime timerfd_settime
"""
EVENTS_AND_SOCKETS = """
    accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd
    eventfd2 getpeername getsockname getsockopt listen poll ppoll pselect6 recvfrom recvmmsg recvmsg select sendmmsg
    sendmsg sendto setsockopt shutdown
"""
ALLOWED = tuple(" ".join([FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, EVENTS_AND_SOCKETS]).split())

OF_UNIX = ("socket", "socketpair")
"""Allowed for AF_UNIX alone: no network, netlink, vsock or packet sockets, namespaces or not."""

AF_UNIX = 1
NEW_NAMESPACES = 0x7E020080
"""The flags of clone that ask for a new namespace: CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET and TIME."""

IOCTLS = (0x5401, 0x5411, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x5452)
"""TCGETS, TIOCOUTQ, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX and FIOASYNC."""

OF_TERMINALS: tuple[int, ...] = (0x5402, 0x5403, 0x5404, 0x5405, 0x540B, 0x540E, 0x540F, 0x5410, 0x5414, 0x5422, 0x5441)
OF_TERMINALS += (0x40045431, 0x80045430)
"""What a pseudo-terminal of one's own needs, in which IPython runs ``!ls``: TCSETS and its kin, TCFLSH, TIOCSCTTY,
TIOCGPGRP, TIOCSPGRP, TIOCSWINSZ, TIOCNOTTY, TIOCGPTPEER, TIOCSPTLCK and TIOCGPTN. TIOCSTI, which types, is not here."""


def filter_missing() -> str | None:
    """What to do where no filter can be compiled; None where one can."""
    try:
        import pyseccomp  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        return (
            f"Grading needs a filter of system calls, from libseccomp (`apt install libseccomp2`) and its binding "
            f"(`pip install pyseccomp`): {error}."
        )
    return None


@cache
def compiled(devices: bool = False) -> bytes:
    """The filter as a BPF program, for this machine's architecture.

    Args:
        devices: allow every ioctl, which a GPU's driver needs.
    """
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    for name in ALLOWED:
        if _known(seccomp, name):
            rules.add_rule(seccomp.ALLOW, name)
    for name in OF_UNIX:
        rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(0, seccomp.EQ, AF_UNIX))
        rules.add_rule(seccomp.ERRNO(errno.EINVAL), name, seccomp.Arg(0, seccomp.NE, AF_UNIX))  # what ZeroMQ bears
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, NEW_NAMESPACES, 0))
    if devices:
        rules.add_rule(seccomp.ALLOW, "ioctl")
    else:
        for request in IOCTLS + OF_TERMINALS:
            rules.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _known(seccomp: object, name: str) -> bool:
    """Whether this architecture has a system call of the name."""
    try:
        return seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0  # type: ignore[attr-defined]
    except ValueError:
        return False
