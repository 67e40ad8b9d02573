"""Attacks on the walls by system calls and programs with privileges."""

# ruff: noqa: E501

from .attack import payload

PRIVILEGES = [
    payload(
        "system-calls",
        "privileges, by ctypes",
        "new namespaces, mounts, others' namespaces, ptrace, devices, modules, clocks, users",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def must_fail(what, result):
            if result is not None and result >= 0: breach(what)
        if "CapEff:\\t0000000000000000" not in open("/proc/self/status").read(): breach("capabilities")
        if "CapBnd:\\t0000000000000000" not in open("/proc/self/status").read(): breach("capabilities to be had")
        if "NoNewPrivs:\\t1" not in open("/proc/self/status").read(): breach("new privileges")
        for name, flag in {"user": 0x10000000, "mount": 0x20000, "process": 0x20000000, "network": 0x40000000}.items():
            must_fail(f"a new {name} namespace", libc.unshare(flag))
        must_fail("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, b""))
        must_fail("remount", libc.mount(b"none", b"/", None, 32 | 4096, b""))
        must_fail("umount", libc.umount2(b"/proc", 2))
        must_fail("pivot_root", libc.syscall(155, b"/tmp", b"/tmp"))
        must_fail("chroot", libc.chroot(b"/tmp"))
        for name in os.listdir("/proc/1/ns"):
            if name == "pid" or name.endswith("children") or name == "user": continue
            try: must_fail(f"setns {name}", libc.setns(os.open(f"/proc/1/ns/{name}", 0), 0))
            except OSError: pass
        must_fail("setuid", libc.setresuid(12345, 12345, 12345))
        must_fail("setgroups", libc.setgroups(0, None))
        must_fail("hostname", libc.sethostname(b"mine", 4))
        must_fail("reboot", libc.reboot(0x89ABCDEF))
        must_fail("module", libc.syscall(175, b"", 0, b""))
        must_fail("clock", libc.settimeofday(b"\\0" * 16, None))
        must_fail("swap", libc.swapon(b"/tmp/swap", 0))
        must_fail("priority", libc.setpriority(0, 0, -10))
        must_fail("ptrace of another", libc.ptrace(16, 2, 0, 0))
        must_fail("a raw socket", libc.socket(2, 3, 1))
        must_fail("open by handle", libc.open_by_handle_at(0, b"\\8\\0\\0\\0\\1\\0\\0\\0" + bytes(8), 0))
        for number, device in ((0o020000, os.makedev(1, 1)), (0o060000, os.makedev(254, 0))):
            try: os.mknod(f"/tmp/device{number}", number | 0o600, device); breach("a device")
            except OSError: pass
        for path in ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/core", "/proc/kcore", "/dev/fuse", "/dev/kvm"):
            if os.path.exists(path): breach(path)
        libc.kill(-1, 9)
        """,
    ),
    payload(
        "programs-with-privileges",
        "privileges, by ctypes",
        "setuid programs, bubblewrap itself, and limits raised again",
        """
        import resource, shutil, subprocess
        for command in (["bwrap", "--dev-bind", "/", "/", "true"], ["unshare", "-r", "true"], ["su", "-c", "true"],
                        ["mount", "-t", "tmpfs", "none", "/tmp"], ["nsenter", "-t", "1", "-m", "chroot", "/tmp"]):
            if shutil.which(command[0]):
                if subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0: breach(command[0])
        for what in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
            try: resource.setrlimit(what, (resource.RLIM_INFINITY,) * 2); breach("a limit")
            except (ValueError, OSError): pass
        """,
    ),
]
