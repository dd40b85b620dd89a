# SPDX-License-Identifier: MIT
"""Names: what a program finds at /dev/iommu, /dev/vfio and in /proc.

The programs are scripts; each checks by itself and raises if something does not
hold. They run as every user and in every mode that the machine has.
"""
import shutil
import sys
import textwrap

import harness as h

# One that every user can execute.
PYTHON = sys.executable if h.reachable(sys.executable) else \
    shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")

HEAD = """
import ctypes, errno, fcntl, os, resource, stat, struct, subprocess, sys

def fails(error, fn, *args, **kwargs):
    try:
        fn(*args, **kwargs)
    except OSError as e:
        assert e.errno == error, (fn, args, e)
        return
    raise AssertionError((fn, args, "did not fail"))

RW = os.O_RDWR
"""


def script(text, options=(), **way):
    name = h.FILES.write((HEAD + textwrap.dedent(text)).encode())
    return h.run(PYTHON or sys.executable, name, options=options, **way)


def everywhere(text, options=()):
    for way in h.ways():
        if way["user"] and not PYTHON:
            continue
        script(text, options, **way)


def every_way_to_open_a_device():
    everywhere("""
        dev = os.open("/dev", os.O_RDONLY | os.O_DIRECTORY)
        fds = [os.open("/dev/iommu", RW), os.open("/dev/vfio/vfio", RW),
               os.open("/dev/../dev//./iommu", RW),
               os.open("iommu", RW, dir_fd=dev),
               os.open("vfio/vfio", RW, dir_fd=dev)]
        os.chdir("/dev")
        fds.append(os.open("iommu", RW))
        fds.append(os.open("./vfio/../iommu", os.O_RDONLY))
        fds.append(os.open("iommu", RW | os.O_CREAT | os.O_TRUNC, 0o600))
        # Each is a context: its first object has the first id.
        for fd in fds[:1] + fds[2:4] + fds[5:]:
            b = bytearray(struct.pack("<III", 12, 0, 0))
            fcntl.ioctl(fd, 0x3b81, b)
            assert struct.unpack("<III", b)[2] == 1, (fd, b)
        assert not os.get_inheritable(fds[0])
    """)


def a_device_refuses_as_a_device():
    everywhere("""
        fails(errno.ENOTDIR, os.open, "/dev/iommu", RW | os.O_DIRECTORY)
        fails(errno.ENOTDIR, os.open, "/dev/iommu/", RW)
        fails(errno.ENOTDIR, os.open, "/dev/iommu/x", RW)
        fails(errno.EEXIST, os.open, "/dev/iommu",
              RW | os.O_CREAT | os.O_EXCL)
        fails(errno.ENOENT, os.open, "/dev/vfio/77", RW)
        fails(errno.ENOENT, os.stat, "/dev/vfio/77")
        fails(errno.EINVAL, os.readlink, "/dev/iommu")
        fails(errno.EISDIR, os.open, "/dev/vfio", RW)
        fails(errno.EBADF, os.open, "iommu", RW, dir_fd=9999)
        pipe = os.pipe()[0]
        fails(errno.ENOTDIR, os.open, "iommu", RW, dir_fd=pipe)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.open(ctypes.c_void_p(8), RW) == -1
        assert ctypes.get_errno() == errno.EFAULT
        long = b"/dev/" + b"iommu/" * 1000
        assert libc.open(long, RW) == -1
        assert ctypes.get_errno() == errno.ENAMETOOLONG
    """)


def stat_says_what_programs_check():
    everywhere("""
        for name in "/dev/iommu", "/dev/vfio/vfio":
            fd = os.open(name, RW)
            for st in (os.stat(name), os.lstat(name), os.fstat(fd),
                       os.stat(f"/proc/self/fd/{fd}")):
                assert stat.S_ISCHR(st.st_mode), (name, st)
                assert stat.S_IMODE(st.st_mode) == 0o666, (name, st)
                assert os.major(st.st_rdev) == 10, (name, st)
                assert st == os.stat(name), (name, st)
            assert os.readlink(f"/proc/self/fd/{fd}") == name
            assert os.readlink(f"/dev/fd/{fd}") == name
            assert os.readlink(f"/proc/{os.getpid()}/fd/{fd}") == name
            assert os.access(name, os.R_OK | os.W_OK)
            assert not os.access(name, os.X_OK)
        assert os.minor(os.stat("/dev/vfio/vfio").st_rdev) == 196
        assert stat.S_ISDIR(os.stat("/dev/vfio").st_mode)
        assert os.listdir("/dev/vfio") == ["vfio"]
        # statx(2), by another program.
        out = subprocess.run(["stat", "-c", "%F %t:%T", "/dev/vfio/vfio"],
                             stdout=subprocess.PIPE, check=True).stdout
        assert out.split() == b"character special file a:c4".split(), out
    """)


def a_child_sees_what_its_parent_holds():
    everywhere("""
        fd = os.open("/dev/iommu", RW)
        there, done = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            os.write(there[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
        os.read(there[0], 1)
        name = os.readlink(f"/proc/{child}/fd/{fd}")
        os.write(done[1], b"x")
        assert os.waitpid(child, 0)[1] == 0
        assert name == "/dev/iommu", name
    """)


def a_descriptor_leads_back_to_its_name():
    everywhere("""
        def first_id(fd):
            b = bytearray(struct.pack("<III", 12, 0, 0))
            fcntl.ioctl(fd, 0x3b81, b)
            return struct.unpack("<III", b)[2]
        fd = os.open("/dev/iommu", RW)
        assert first_id(fd) == 1 and first_id(fd) == 2
        # A context of its own.
        again = os.open(f"/proc/self/fd/{fd}", RW)
        assert first_id(again) == 1
        assert os.readlink(f"/proc/self/fd/{again}") == "/dev/iommu"
        alone = os.open("/dev/iommu", os.O_PATH)
        assert stat.S_ISCHR(os.fstat(alone).st_mode)
        assert first_id(os.open(f"/proc/self/fd/{alone}", RW)) == 1
        directory = os.open("/dev/vfio", os.O_RDONLY | os.O_DIRECTORY)
        os.close(os.open("vfio", RW, dir_fd=directory))
        assert os.listdir(directory) == ["vfio"]
        os.fchdir(directory)
        os.close(os.open("vfio", RW))
        os.close(os.open("../iommu", RW))
        fails(errno.ENOENT, os.open, "77", RW, dir_fd=directory)
    """)


def what_is_not_ours_is_untouched():
    everywhere("""
        import tempfile
        null = os.open("/dev/null", RW)
        assert os.readlink(f"/proc/self/fd/{null}") == "/dev/null"
        assert os.fstat(null).st_rdev == os.makedev(1, 3)
        with tempfile.TemporaryDirectory() as d:
            for name in "iommu", "vfio", "fail-nth", "status", "times":
                path = os.path.join(d, name)
                with open(path, "w") as f:
                    f.write(name)
                assert os.stat(path).st_size == len(name)
                os.chdir(d)
                with open(name) as f:
                    assert f.read() == name
            os.unlink("iommu")
            os.symlink("/dev/iommu", "iommu")
            os.close(os.open("iommu", RW))
            assert stat.S_ISLNK(os.lstat("iommu").st_mode)
            assert stat.S_ISCHR(os.stat("iommu").st_mode)
            fails(errno.ELOOP, os.open, "iommu", RW | os.O_NOFOLLOW)
            os.chdir("/")
        with open("/proc/self/status") as f:
            assert f"Pid:\\t{os.getpid()}\\n" in f.read()
        # Not asked for.
        assert not os.path.exists("/proc/self/fail-nth")
    """)


def status_counts_what_is_pinned():
    everywhere("""
        import mmap
        def numbers():
            with open("/proc/self/status") as f:
                lines = dict(l.split(":", 1) for l in f)
            return [int(lines[k].split()[0]) for k in ("VmLck", "VmPin")]
        before = numbers()
        n = 1 << 16
        memory = mmap.mmap(-1, n, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.write(b"x" * n)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        fd = os.open("/dev/iommu", RW)
        b = bytearray(struct.pack("<III", 12, 0, 0))
        fcntl.ioctl(fd, 0x3b81, b)
        ioas = struct.unpack("<III", b)[2]
        # A mock device pins what is mapped: IOMMU_TEST_CMD, MOCK_DOMAIN.
        b = bytearray(struct.pack("<III", 72, 2, ioas).ljust(72, b"\\0"))
        fcntl.ioctl(fd, 0x3ba0, b)
        b = bytearray(struct.pack("<IIIIQQQ", 40, 6, ioas, 0, address, n, 0))
        fcntl.ioctl(fd, 0x3b85, b)
        after = numbers()
        assert after[1] - before[1] == n // 1024, (before, after)
        assert after[0] == before[0], (before, after)
        os.close(fd)
        assert numbers() == before, (before, numbers())
    """, options=("--test-abi",))


if __name__ == "__main__":
    sys.exit(h.main([
        every_way_to_open_a_device,
        a_device_refuses_as_a_device,
        stat_says_what_programs_check,
        a_child_sees_what_its_parent_holds,
        a_descriptor_leads_back_to_its_name,
        what_is_not_ours_is_untouched,
        status_counts_what_is_pinned,
    ]))
