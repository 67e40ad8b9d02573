"""What a kernel may ask of the machine: the calls on the list, UNIX sockets, no namespaces, no keys of others."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="grading needs the extra `instructor`")
pytest.importorskip("pyseccomp", reason="the filter of system calls needs libseccomp", exc_type=ImportError)

import course
from course.grading.kernel.sandbox import Settings
from course.grading.kernel.session import Session
from course.grading.kernel.system_calls import ALLOWED, compiled, filter_missing
from course.grading.sandboxed.isolation import SEEN_OF_PROC

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")

REFUSED = """
    acct add_key bpf chroot clone3 delete_module fanotify_init finit_module init_module io_setup io_uring_enter
    io_uring_register io_uring_setup ioperm iopl kcmp kexec_load keyctl lookup_dcookie mbind memfd_secret migrate_pages
    modify_ldt mount mount_setattr move_mount move_pages msgget name_to_handle_at nfsservctl open_by_handle_at
    open_tree perf_event_open personality pidfd_getfd pidfd_open pidfd_send_signal pivot_root process_vm_readv
    process_vm_writev ptrace quotactl reboot request_key semget set_mempolicy setdomainname setgid sethostname setns
    settimeofday setuid shmget swapon swapoff sysfs syslog umount2 unshare uselib userfaultfd vhangup
"""
"""Calls that nobody needs here, of every sort."""

HEAD = """
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
def refused(number):
    ctypes.set_errno(0)
    return libc.syscall(number, 0, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.ENOSYS
"""


def test_lists_are_of_names_and_disjoint():
    assert len(set(ALLOWED)) == len(ALLOWED)
    assert not set(ALLOWED) & set(REFUSED.split())
    assert filter_missing() is None
    assert len(compiled()) % 8 == 0  # instructions of eight bytes
    assert compiled() != compiled(devices=True)


@pytest.fixture(scope="module")
def session():
    with Session(Settings("hw2")) as opened:
        opened.execute(HEAD, 30)
        yield opened


def said(session: Session, source: str) -> str:
    return "".join(output.get("text", output.get("evalue", "")) for output in session.execute(source, 60)).strip()


@pytest.mark.slow
def test_every_other_call_is_refused(session):
    import pyseccomp

    numbers = {}
    for name in REFUSED.split():
        try:
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
        except ValueError:  # this architecture never had it
            continue
        if isinstance(number, int) and number >= 0:
            numbers[name] = number
    assert len(numbers) > 40
    assert said(session, f"print([name for name, number in {numbers}.items() if not refused(number)])") == "[]"


@pytest.mark.slow
def test_only_unix_sockets_can_be_made(session):
    made = "[f for f in range(64) if libc.socket(f, 1, 0) >= 0 or libc.socket(f, 3, 0) >= 0]"
    assert said(session, f"print({made})") == f"[{1 if sys.platform == 'linux' else ''}]"


@pytest.mark.slow
def test_no_new_namespace_by_any_call(session):
    flags = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
    asked = f"print([f for f in {flags} if not refused_clone(f)])"
    define = "def refused_clone(f): return libc.syscall(56, f | 17, 0, 0, 0, 0) == -1\n"
    assert said(session, define + asked) == "[]"


@pytest.mark.slow
def test_a_signal_to_its_group_reaches_nobody_else(session):
    """The kernel leads a session of its own: what is sent to its group leaves the fork server alive."""
    assert said(session, "import os\nprint(os.getsid(0) == os.getpgrp() == os.getpid())") == "True"
    with Session(Settings("hw2")) as other:
        other.execute(
            "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.kill(0, signal.SIGTERM)", 30
        )
        assert said(other, "print('still here')") == "still here"
    assert said(session, "print('still here')") == "still here"


@pytest.mark.slow
def test_what_courses_need_works(session):
    """Threads, processes, linear algebra, pictures, temporary files."""
    source = """
import subprocess, tempfile, threading, multiprocessing
import matplotlib.pyplot as plt, scipy.integrate, torch
threading.Thread(target=lambda: None).start()
torch.set_num_threads(2)
torch.linalg.svd(torch.randn(200, 200))
assert multiprocessing.get_context("fork").Pool(1).map(abs, [-3]) == [3]
assert subprocess.run(["true"]).returncode == 0
with tempfile.TemporaryFile() as file:
    plt.figure().savefig(file)
scipy.integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0])
print("all")
"""
    assert said(session, source).startswith("all")


OF_PROC = """
import os
names = [n for n in os.listdir("/proc") if not n.isdigit() and not os.path.islink("/proc/" + n)]
size = lambda path: len(os.listdir(path)) if os.path.isdir(path) else len(open(path, "rb").read(99))
"""


@pytest.mark.slow
def test_of_proc_only_what_libraries_read_is_there(session):
    seen = said(session, OF_PROC + "print(sorted(n for n in names if size('/proc/' + n)))")
    assert seen == str(sorted(SEEN_OF_PROC))


ORDINARY = """
from course.grading.kernel.sandbox import Settings, run_by_root
from course.grading.kernel.session import Session
assert run_by_root() is None
with Session(Settings("hw2")) as session:
    print(session.execute("import course, os; print(course.__file__, os.getuid(), sorted(os.listdir('/tmp')))", 30))
"""


@pytest.mark.slow
def test_an_ordinary_user_can_grade():
    """Without a capability: where tests run as root, in a user namespace that has none."""
    user = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]
    result = subprocess.run([*user, sys.executable, "-c", ORDINARY], capture_output=True, text=True, timeout=300)
    assert "course/__init__.py" in result.stdout, result.stderr


@pytest.mark.slow
def test_a_checkout_below_tmp_can_grade():
    """A kernel's /tmp is its own, and what it needs of the machine's is shown again, for reading only."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        shutil.copytree(
            Path(course.__file__).parent, Path(folder) / "course", ignore=shutil.ignore_patterns("checkpoints", "*.npz")
        )
        environment = os.environ | {"PYTHONPATH": folder}
        script = ORDINARY.replace("assert run_by_root() is None", "")
        script += """    print(session.execute("open(course.__file__, 'a')", 30)[-1]["evalue"])"""
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, env=environment, cwd=folder
        )
        assert f"{folder}/course/__init__.py" in result.stdout, result.stderr
        assert "Read-only file system" in result.stdout
