"""Attacks on the walls: files, processes, the network and sockets."""

# ruff: noqa: E501

from pathlib import Path

from .attack import Attack, World, hostile, payload

READS = """
import glob, os
paths = [prefix + path for path in @SECRETS@ for prefix in ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/..")]
for pattern in ("/root/*", "/root/.*", "/home/*/*", "/tmp/*", "/var/tmp/*", "/mnt/*", "/opt/*", "/srv/*", "/etc/*",
                "/proc/[0-9]*/environ", "/proc/[0-9]*/cmdline", "/run/*", "/sys/*", "/dev/shm/*"):
    paths += glob.glob(pattern)
opened = 0
for path in paths:
    try: os.path.isfile(path) and print(open(path, errors="replace").read(3000)); opened += 1
    except OSError: pass
print(dict(os.environ))
for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", @ROOT@ + "/class", @ROOT@ + "/solutions"):
    if os.path.exists(path): breach(path)
"""

READ = [
    payload(
        "reads-secrets",
        "reading what is not one's own",
        "solutions, other submissions, the gradebook, the home and temporary folders, by every path to them",
        READS,
    ),
    payload(
        "sees-other-processes",
        "reading what is not one's own",
        "looks for other processes, their memory, sockets and folders",
        """
        import os
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = open(f"/proc/{pid}/cmdline").read()
            if int(pid) != os.getpid() and ("bwrap" in line or "distributed" in line or "pytest" in line): breach(line)
        if os.getpid() != 1 or os.getppid() != 0: breach("not alone")
        for name in os.listdir("/proc/self/fd"):
            try: path = os.readlink(f"/proc/self/fd/{name}"); mode = os.stat(f"/proc/self/fd/{name}").st_mode
            except OSError: continue
            if (mode & 0o170000) == 0o100000 and not path.startswith(("/memfd", "/tmp/.")): breach(f"open file {path}")
        """,
    ),
    payload(
        "leaves-a-message",
        "reading what is not one's own",
        "writes an answer where the next kernel of the same fork server could read it",
        """
        import os
        for top in ("/tmp", "/dev/shm", "/run", "/run/kernel", "/dev", "/var/tmp", "/proc/self/fd/2", "/proc/self/fd/45"):
            try:
                path = top if top.startswith("/proc") else f"{top}/left-by-a-student"
                if os.path.isfile(path) and os.path.getsize(path): breach(f"found {path}: {open(path).read(99)}")
                if not top.startswith("/proc"): open(path, "a").write("a right answer")
            except OSError: pass
        """,
    ),
]
READ.append(Attack("finds-a-message", READ[2].kind, "the next student looks for it", READ[2].make, ran=READ[2].ran))

WRITE = [
    payload(
        "writes-everywhere",
        "writing what is not one's own",
        "changes, renames and removes secrets, the course, Python and the system",
        """
        import os, sys, shutil, course
        for path in @SECRETS@ + [@ROOT@]:
            for act in (lambda: open(path, "a").write("x"), lambda: os.remove(path), lambda: os.rename(path, path + "x"),
                        lambda: os.chmod(path, 0), lambda: os.truncate(path, 0)):
                try: act()
                except OSError: pass
        tops = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/run", sys.prefix, sys.base_prefix, course.__path__[0], "/root",
                os.path.dirname(torch.__file__), "/proc/sys/kernel", "/sys/fs/cgroup"]
        for top in tops:
            try: open(top + "/attack", "w").write("x"); breach(f"wrote to {top}")
            except OSError: pass
        for path in (torch.__file__, course.__file__, sys.executable, "/bin/sh"):
            try: open(path, "r+b").close(); breach(f"opened {path}")
            except OSError: pass
        """,
    ),
    payload(
        "writes-the-kernel",
        "writing what is not one's own",
        "opens for writing what configures Linux itself; root's own files where grading runs as root",
        """
        import os
        names = ["sysrq-trigger", "self/oom_score_adj"]
        for folder, _, files in os.walk("/proc/sys"):
            names += [os.path.relpath(os.path.join(folder, name), "/proc") for name in files]
        for name in names:
            try: os.close(os.open("/proc/" + name, os.O_WRONLY)); breach(f"/proc/{name} can be written")
            except OSError: pass
        print(len(names) > 100)
        """,
    ),
    payload(
        "shadow-modules",
        "shadow modules",
        "writes a torch, a course and a sitecustomize of its own beside the notebook, first on the path",
        """
        import os, sys
        lie = "def __getattr__(name): return lambda *a, **k: 88\\nfresh_seed = begin = lambda *a: print"
        for name in ("torch", "course", "sitecustomize", "safetensors", "json", "IPython"):
            open(name + ".py", "w").write(lie)
            os.makedirs(f"{name}_", exist_ok=True)
        sys.path.insert(0, os.getcwd())
        for name in [n for n in sys.modules if n.split(".")[0] in ("course", "safetensors")]: del sys.modules[name]
        """,
        told="could not be observed",
    ),
]


def _shadows(world: World, folder: Path) -> None:
    for name in ("torch", "course", "sitecustomize", "conftest", "nbgrader_config", "hw2"):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'shadow-ran')!r}, 'w')\nraise SystemExit(0)\n")
    (folder / "course").mkdir()
    (folder / "course" / "__init__.py").write_text("check = lambda *_: 88\n")


SHADOWS = [
    Attack(
        "submitted-modules",
        "shadow modules",
        "a folder with torch.py, course/, sitecustomize.py and nbgrader_config.py in it",
        hostile,
        place=_shadows,
    )
]

NETWORK = [
    payload(
        "network",
        "the network",
        "loopback's ports, the world outside, names, abstract sockets, and other interfaces",
        """
        import socket, struct
        for port in [22, 80, 443, 8786, 8787, 8888, *range(30000, 61000, 7)]:
            try:
                s = socket.socket()
                s.settimeout(0.05)
                s.connect(("127.0.0.1", port)); breach(f"port {port}")
            except OSError: pass
        for address in (("192.0.2.1", 80), ("255.255.255.255", 53), ("169.254.169.254", 80)):
            try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", address); breach(str(address))
            except OSError: pass
        try: socket.getaddrinfo("example.org", 80); breach("names are looked up")
        except OSError: pass
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
            for name in ("\\0" + @ABSTRACT@, @SOCKET@):
                try: socket.socket(socket.AF_UNIX, kind).connect(name); breach(name)
                except OSError: pass
        try:
            if [name for _, name in socket.if_nameindex() if name != "lo"]: breach("an interface")
        except OSError: pass
        """,
    ),
    payload(
        "other-kernels",
        "the network",
        "looks for other kernels' sockets, and kills what it can name",
        """
        import glob, os, signal
        own = {f"/run/kernel/k-{i}" for i in range(1, 6)}
        for path in glob.glob("/proc/*/root/run/kernel/*") + glob.glob("/run/*/*"):
            inside = path[path.index("/run/"):]
            if inside not in own | {"/run/kernel/kernel.json", "/run/kernel/left-by-a-student"}: breach(path)
        own = {int(thread) for thread in os.listdir("/proc/self/task")}
        for pid in [-1, *(set(range(2, 3000)) - own)]:
            try: os.kill(pid, signal.SIGKILL); pid == -1 or breach(f"killed {pid}")
            except OSError: pass
        """,
    ),
]

OWN_SOCKETS = """
import os, socket, stat, struct, sys, time
sys.stdout.flush(); time.sleep(0.3)
own = []
for fd in map(int, os.listdir("/proc/self/fd")):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            s = socket.socket(fileno=os.dup(fd))
            if str(s.getsockname()).startswith("/run/kernel"): s.getpeername(); own.append(s)
    except OSError: pass
"""

SOCKETS = [
    payload(
        "redirects-the-grader",
        "the kernel's own sockets",
        "puts links to a socket of the machine where its own were, and hangs up, so that the grader calls there",
        OWN_SOCKETS
        + """
for name in os.listdir("/run/kernel"):
    if name.startswith("k-"):
        os.unlink("/run/kernel/" + name)
        os.symlink(@SOCKET@, "/run/kernel/" + name)
for s in own:
    try: s.shutdown(2)
    except OSError: pass
time.sleep(3)
""",
        ends=False,
        told="printed without end|kernel died|did not end",
    ),
    payload(
        "endless-message",
        "the kernel's own sockets",
        "sends one message of endless parts, which the grader's library keeps until the last has come",
        OWN_SOCKETS
        + """
part = b"\\x03" + struct.pack(">Q", 2**23) + bytes(2**23)
for s in own:
    try:
        s.settimeout(2)
        for _ in range(3 * 2**30 // 2**23 // len(own)): s.sendall(part)  # 3 GiB at most
    except OSError: pass
time.sleep(3)
""",
        ends=False,
        told="printed without end|kernel died|did not end",
    ),
    payload(
        "one-large-message",
        "the kernel's own sockets",
        "a display of 40 MB, and another with the answer",
        "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'x' * 40_000_000})",
        ends=False,
        told="printed without end|did not end",
    ),
]

PROCESSES = [
    payload(
        "outlives-its-kernel",
        "processes that outlive the kernel",
        "daemons by double fork, setsid, nohup and threads, which go on when the notebook is done",
        """
        import atexit, os, subprocess, sys
        forever = [sys.executable, "-c", "import time, signal\\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\\n"
                   "while True: time.sleep(1)", @MARK@]
        subprocess.Popen(forever, start_new_session=True)
        subprocess.Popen(["nohup", *forever], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: os.execv(forever[0], forever)
            os._exit(0)
        atexit.register(subprocess.Popen, forever)
        """,
    ),
    payload(
        "atexit",
        "processes that outlive the kernel",
        "writes, prints and starts something when Python ends, or is told to",
        """
        import atexit, os, signal, subprocess, sys
        def last(*_):
            for path in @SECRETS@:
                try: open(path, "a").write("last words")
                except OSError: pass
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", @MARK@], start_new_session=True)
        atexit.register(last)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT): signal.signal(number, last)
        """,
    ),
]

BREAKOUTS = [*READ, *WRITE, *SHADOWS, *NETWORK, *SOCKETS, *PROCESSES]
