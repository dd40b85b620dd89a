# SPDX-License-Identifier: MIT
"""Fault injection as files, as programs use them (fault-injection B)."""
import shutil
import sys
import textwrap

import harness as h

# One that every user can execute.
PYTHON = sys.executable if h.reachable(sys.executable) else \
    shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")

HEAD = """
import ctypes, errno, fcntl, os, struct, sys, threading

DEBUG = "/sys/kernel/debug/"

def fails(error, fn, *args, **kwargs):
    try:
        fn(*args, **kwargs)
    except OSError as e:
        assert e.errno == error, (fn, args, e)
        return
    raise AssertionError((fn, args, "did not fail"))

def put(name, text):
    fd = os.open(name, os.O_WRONLY)
    try:
        return os.write(fd, text.encode())
    finally:
        os.close(fd)

def get(name):
    fd = os.open(name, os.O_RDONLY)
    try:
        return os.read(fd, 8192).decode()
    finally:
        os.close(fd)

def alloc(fd):
    b = bytearray(struct.pack("<III", 12, 0, 0))
    fcntl.ioctl(fd, 0x3b81, b)
    return struct.unpack("<III", b)[2]
"""


def script(text, options=("--fault-injection",), **way):
    name = h.FILES.write((HEAD + textwrap.dedent(text)).encode())
    return h.run(PYTHON or sys.executable, name, options=options, **way)


def everywhere(text):
    for way in h.ways():
        if way["user"] and not PYTHON:
            continue
        script(text, **way)


def a_program_finds_that_it_is_there():
    everywhere("""
        found = 0
        with os.scandir(DEBUG) as d:
            for e in d:
                if e.name.startswith("fail"):
                    assert e.is_dir()
                    put(DEBUG + e.name + "/verbose", "0")
                    assert get(DEBUG + e.name + "/verbose") == "0\\n"
                    found += 1
        assert found == 4
        dir = os.open(DEBUG, os.O_RDONLY | os.O_DIRECTORY)
        fd = os.open("failslab/ignore-gfp-wait", os.O_WRONLY, dir_fd=dir)
        assert os.write(fd, b"N") == 1
        fails(errno.EBADF, os.read, fd, 1)
        assert get(DEBUG + "failslab/ignore-gfp-wait") == "N\\n"
        st = os.stat(DEBUG + "failslab/times")
        assert st.st_mode == 0o100600 and st.st_uid == os.getuid()
        assert get(DEBUG + "failslab/times") == "1\\n"
        fails(errno.ENOENT, os.open, DEBUG + "failslab/nothing", os.O_RDONLY)
        fails(errno.EINVAL, put, DEBUG + "failslab/times", "x")
        fails(errno.EINVAL, put, DEBUG + "failslab/task-filter", "x")
        assert put(DEBUG + "failslab/times", "-1\\n") == 3
        assert get(DEBUG + "failslab/times") == "-1\\n"
    """)


def a_sweep_ends():
    everywhere("""
        put(DEBUG + "failslab/ignore-gfp-wait", "N")
        nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
        def counts():
            try:
                value = int(os.pread(nth, 20, 0))
            except OSError as e:
                # The copy of this read was the one that should fail.
                assert e.errno == errno.EFAULT and \
                    os.pread(nth, 20, 0) == b"0\\n"
                return None
            if value:
                os.pwrite(nth, b"0", 0)
            return value
        def sweep():
            failed = []
            for n in range(1, 1000):
                fd = os.open("/dev/iommu", os.O_RDWR)
                assert os.pwrite(nth, str(n).encode(), 0) == len(str(n))
                try:
                    alloc(fd)
                    error = 0
                except OSError as e:
                    error = e.errno
                left = counts()
                if not error:
                    # As if nothing had been asked for.
                    assert left != 0, n
                    return failed
                assert left == 0, (n, left, error)
                assert alloc(fd) == 1
                failed.append(error)
                os.close(fd)
        failed = sweep()
        assert errno.ENOMEM in failed and errno.EFAULT in failed, failed
        assert sweep() == failed
        # Without them there is no allocation that fails.
        put(DEBUG + "failslab/ignore-gfp-wait", "Y")
        fewer = sweep()
        assert len(fewer) < len(failed), (fewer, failed)
    """)


def numbers_are_as_c_writes_them():
    everywhere("""
        nth = os.open(f"/proc/self/task/{threading.get_native_id()}/fail-nth",
                      os.O_RDWR)
        w = lambda text: os.pwrite(nth, text, 0)
        for text, value in ((b"100", 100), (b"+7\\n", 7), (b"0x20", 32),
                            (b"010", 8), (b"4294967295", 4294967295)):
            os.pwrite(nth, b"0", 0)
            assert w(text) == len(text)
            assert os.pread(nth, 20, 0) == b"%d\\n" % value, text
        w(b"50")
        for text in b"x", b"1x", b"-1", b" 1", b"1\\n\\n", b"", b"08":
            fails(errno.EINVAL, w, text)
        for text in b"4294967296", b"99999999999999999999":
            fails(errno.ERANGE, w, text)
        # Nothing changed but by the copies themselves; the empty one is none.
        left = int(os.pread(nth, 20, 0))
        assert 41 <= left <= 42, left
        assert os.pread(nth, 20, 100) == b""
        # Itself.
        w(b"1")
        fails(errno.EFAULT, os.pread, nth, 20, 0)
        assert os.pread(nth, 20, 0) == b"0\\n"
        w(b"1")
        fails(errno.EFAULT, w, b"5")
        assert os.pread(nth, 20, 0) == b"0\\n"
    """)


def each_thread_has_its_own():
    everywhere("""
        fd = os.open("/dev/iommu", os.O_RDWR)
        main = os.open("/proc/self/fail-nth", os.O_RDWR)
        os.pwrite(main, b"1000", 0)
        seen, ended = [], []
        def work():
            path = f"/proc/self/task/{threading.get_native_id()}/fail-nth"
            mine = os.open(path, os.O_RDWR)
            seen.append(os.pread(mine, 20, 0))
            os.pwrite(mine, b"1", 0)
            try:
                alloc(fd)
            except OSError as e:
                seen.append(e.errno)
            seen.append(os.pread(mine, 20, 0))
            ended.append(mine)
        t = threading.Thread(target=work)
        t.start()
        t.join()
        assert seen == [b"0\\n", errno.EFAULT, b"0\\n"], seen
        assert int(os.pread(main, 20, 0)) == 1000
        # Python says that it ended a little before the kernel does.
        import time
        for _ in range(1000):
            try:
                os.pread(ended[0], 20, 0)
                time.sleep(0.002)
            except OSError as e:
                assert e.errno == errno.ESRCH, e
                break
        else:
            raise AssertionError("it is still there")
        child = os.fork()
        if not child:
            os._exit(get("/proc/self/fail-nth") != "0\\n")
        assert os.waitpid(child, 0)[1] == 0
    """)


def chance_fails_marked_tasks():
    everywhere("""
        fd = os.open("/dev/iommu", os.O_RDWR)
        mark = os.open("/proc/self/make-it-fail", os.O_RDWR)
        def may_mark():
            caps = get("/proc/self/status").split("CapEff:")[1].split()[0]
            return int(caps, 16) >> 24 & 1
        # Writing is copying: the filter comes first.
        put(DEBUG + "fail_usercopy/task-filter", "Y")
        put(DEBUG + "fail_usercopy/times", "2")
        put(DEBUG + "fail_usercopy/probability", "100")
        alloc(fd)
        try:
            os.pwrite(mark, b"1", 0)
        except OSError as e:
            assert e.errno == errno.EPERM, e
            assert not may_mark()
            assert os.pread(mark, 20, 0) == b"0\\n"
            sys.exit(0)
        assert may_mark()
        fails(errno.EFAULT, alloc, fd)
        fails(errno.EFAULT, alloc, fd)
        alloc(fd)
        assert get(DEBUG + "fail_usercopy/times") == "0\\n"
    """)


if __name__ == "__main__":
    sys.exit(h.main([
        a_program_finds_that_it_is_there,
        a_sweep_ends,
        numbers_are_as_c_writes_them,
        each_thread_has_its_own,
        chance_fails_marked_tasks,
    ]))
