# SPDX-License-Identifier: MIT
"""Names of functions: what a program finds in sysfs and /dev/vfio.

The programs are scripts; each checks by itself and raises if something does not
hold. They run as every user and in every mode that the machine has.
"""
import os
import shutil
import sys
import textwrap

import harness as h

# One that every user can execute.
PYTHON = sys.executable if h.reachable(sys.executable) else \
    shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")

FUNCTIONS = ("--device", "dma,addr=e1:00.0,group=4,vfio=2",
             "--device", "dma,addr=e1:01.2,group=4,vfio=7",
             "--device", "dma,addr=0003:e2:00.0,group=9")

HEAD = """
import ctypes, errno, fcntl, os, stat, struct, subprocess

PCI = "/sys/bus/pci/devices/"
BUS = "/sys/devices/pci0000:e1/"
A, B, C = "0000:e1:00.0", "0000:e1:01.2", "0003:e2:00.0"
RW = os.O_RDWR

def fails(error, fn, *args, **kwargs):
    try:
        fn(*args, **kwargs)
    except OSError as e:
        assert e.errno == error, (fn, args, e)
        return
    raise AssertionError((fn, args, "did not fail"))

def read(path, **more):
    fd = os.open(path, os.O_RDONLY, **more)
    text = os.read(fd, 4096)
    os.close(fd)
    return text.decode(errors="replace")

def out(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, check=True,
                          timeout=30).stdout.decode().split()
"""


def everywhere(text, options=FUNCTIONS, mode=None):
    name = h.FILES.write((HEAD + textwrap.dedent(text)).encode())
    for way in h.ways():
        if mode and way["mode"] != mode:
            continue
        if way["user"] and not PYTHON:
            continue
        h.run(PYTHON or sys.executable, name, options=options, **way)


def every_directory_lists_our_functions_alone():
    everywhere("""
        def check(path, *names):
            assert sorted(os.listdir(path)) == sorted(names), \\
                (path, os.listdir(path))
        check("/sys/bus/pci/devices", A, B, C)
        check("/sys/kernel/iommu_groups", "4", "9")
        check(PCI + A + "/iommu_group/devices", A, B)
        check(PCI + C + "/iommu_group/devices", C)
        check("/dev/vfio", "4", "9", "devices", "vfio")
        check("/dev/vfio/devices", "vfio0", "vfio2", "vfio7")
        check("/sys/class/vfio-dev", "vfio0", "vfio2", "vfio7")
        check(PCI + A + "/vfio-dev", "vfio2")
        assert {A, B, C} < set(os.listdir(PCI + A + "/driver"))
        # What there is besides, stays.
        assert os.path.isdir("/sys/bus") and os.path.isdir("/sys/bus/pci")
        if os.path.isdir("/sys/devices/system/cpu"):
            assert "online" in os.listdir("/sys/devices/system/cpu")
    """)


def tools_find_their_way():
    everywhere("""
        assert sorted(out("ls", "/sys/bus/pci/devices")) == [A, B, C]
        assert out("cat", PCI + A + "/vendor") == ["0x1234"]
        assert out("readlink", PCI + A) == ["../../../devices/pci0000:e1/" + A]
        assert out("readlink", PCI + A + "/iommu_group") == \\
            ["../../../kernel/iommu_groups/4"]
        assert out("realpath", PCI + A, PCI + B + "/iommu_group") == \\
            [BUS + A, "/sys/kernel/iommu_groups/4"]
        assert out("readlink", "-f", PCI + A + "/driver/" + C + "/class") == \\
            ["/sys/devices/pci0003:e2/" + C + "/class"]
        assert out("stat", "-c", "%F", PCI + A) == ["symbolic", "link"]
        assert out("stat", "-L", "-c", "%F", PCI + A) == ["directory"]
        number = read(PCI + A + "/vfio-dev/vfio2/dev").strip()
        assert out("stat", "-c", "%F:%Hr:%Lr:%a", "/dev/vfio/devices/vfio2") \\
            == ["character", "special", "file:" + number + ":600"]
        assert set(out("find", PCI)) == {PCI, PCI + A, PCI + B, PCI + C}
        found = out("find", PCI + A + "/", "-name", "vendor")
        assert found == [PCI + A + "/vendor"], found
        found = out("find", "-L", "/sys/kernel/iommu_groups", "-maxdepth",
                    "3", "-type", "d", "-name", "*:*")
        assert len(found) == 3, found
        out("ls", "-lR", PCI + A + "/", "/dev/vfio")
    """)


def walks_come_to_an_end():
    everywhere("""
        files = 0
        for top, dirs, names in os.walk(PCI + A):
            for name in names:
                path = os.path.join(top, name)
                if os.stat(path).st_mode & 0o400 and not os.path.isdir(path):
                    read(path)
                    files += 1
        assert files > 10, files
        assert os.path.realpath(PCI + B) == BUS + B
        for link in "driver", "subsystem", "iommu_group":
            assert os.path.islink(PCI + A + "/" + link)
            assert os.path.isdir(PCI + A + "/" + link)
        seen = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p,
                                ctypes.c_int, ctypes.c_void_p)
        def one(path, st, what, ftw):
            seen.append((path.decode(), what))
            return 0
        # FTW_PHYS; a link is FTW_SL, a directory FTW_D.
        assert ctypes.CDLL(None).nftw(b"/sys/bus/pci/devices", kind(one), 8,
                                      1) == 0
        assert sorted(seen) == [("/sys/bus/pci/devices", 1)] + \\
            [(PCI + name, 4) for name in (A, B, C)], seen
    """)


def names_may_be_relative():
    everywhere("""
        where = os.O_RDONLY | os.O_DIRECTORY
        for place in "/sys/bus/pci/devices", "/sys/kernel/iommu_groups/4/devices":
            all = os.open(place, where)
            assert read(A + "/vendor", dir_fd=all) == "0x1234\\n"
            assert read(A + "/iommu_group/devices/" + B + "/vendor",
                        dir_fd=all) == "0x1234\\n"
            assert os.readlink(A, dir_fd=all).endswith("pci0000:e1/" + A)
            one = os.open(A, where, dir_fd=all)
            assert read("vendor", dir_fd=one) == "0x1234\\n"
            assert read("../" + B + "/irq", dir_fd=one) == "0\\n"
            assert "vendor" in os.listdir(one)
            os.fchdir(one)
            assert read("class") == read(PCI + A + "/class")
            assert read("driver/" + C + "/irq") == "0\\n"
            assert os.stat("vendor") == os.stat(BUS + A + "/vendor")
            os.chdir("/")
            assert read(place[1:] + "/" + A + "/vendor") == "0x1234\\n"
        # Behind a link ".." is the parent of where it leads.
        assert read(PCI + A + "/iommu_group/../9/type") == "DMA\\n"
        assert read(PCI + A + "/../" + B + "/irq") == "0\\n"
        fails(errno.ENOENT, os.stat, PCI + "0000:00:00.0")
        fails(errno.ENOTDIR, os.open, PCI + A + "/vendor/", os.O_RDONLY)
        fails(errno.EACCES, os.open, PCI + A + "/driver_override", os.O_WRONLY)
        fails(errno.ELOOP, os.open, PCI + A, os.O_RDONLY | os.O_NOFOLLOW)
        assert not os.access(PCI + A + "/driver_override", os.W_OK)
        assert os.access("/dev/vfio/devices/vfio2", os.R_OK | os.W_OK)
    """)


def nodes_are_what_sysfs_says():
    everywhere("""
        name = "/dev/vfio/devices/vfio2"
        st = os.stat(name)
        assert stat.S_ISCHR(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o600
        number = "%d:%d\\n" % (os.major(st.st_rdev), os.minor(st.st_rdev))
        assert number == read(PCI + A + "/vfio-dev/vfio2/dev")
        fd = os.open(name, RW)
        assert os.fstat(fd) == st, (os.fstat(fd), st)
        assert os.readlink(f"/proc/self/fd/{fd}") == name
        assert os.stat(f"/proc/self/fd/{fd}") == st
        os.close(os.open(f"/proc/self/fd/{fd}", RW))
        line = "vfio-device-syspath: " + BUS + A + "\\n"
        info = read(f"/proc/self/fdinfo/{fd}")
        assert info.startswith("pos:") and info.endswith(line), info
        os.close(fd)
        fails(errno.ENOENT, os.open, "/dev/vfio/devices/vfio1", RW)
        fails(errno.ENOENT, os.open, "/dev/vfio/1", RW)
        group = os.open("/dev/vfio/4", RW)
        fails(errno.EBUSY, os.open, "/dev/vfio/4", RW)
        assert os.fstat(group) == os.stat("/dev/vfio/4")
        assert os.readlink(f"/proc/self/fd/{group}") == "/dev/vfio/4"
        assert "syspath" not in read(f"/proc/self/fdinfo/{group}")
        # VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, VFIO_GROUP_GET_DEVICE_FD.
        container = os.open("/dev/vfio/vfio", RW)
        fcntl.ioctl(group, 0x3b68, struct.pack("i", container))
        fcntl.ioctl(container, 0x3b66, 3)
        fd = fcntl.ioctl(group, 0x3b6a, bytearray(A.encode() + b"\\0"))
        assert os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:[vfio-device]"
        assert not stat.S_ISCHR(os.fstat(fd).st_mode)
        assert read(f"/proc/self/fdinfo/{fd}").endswith(line)
        fails(errno.ENXIO, os.open, f"/proc/self/fd/{fd}", RW)
    """)


def a_namespace_has_them_for_every_call():
    there = {p: sorted(os.listdir(p))
             for p in ("/sys/class", "/sys/devices", "/sys/module")
             if os.path.isdir(p)}
    everywhere(f"""
        there = {there!r}
        for path, names in there.items():
            assert set(names) <= set(os.listdir(path)), path
        os.chdir(PCI + A)
        assert os.getcwd() == BUS + A
        assert read("vendor") == "0x1234\\n"
        os.chdir("driver/" + C)
        assert os.getcwd() == "/sys/devices/pci0003:e2/" + C
        os.chdir("/sys/bus/pci/drivers/vfio-pci")
        assert read(B + "/class") == read(BUS + B + "/class")
    """, mode="namespace")


def a_machine_without_pci():
    if not h.ROOT:
        raise h.Skip("mounts over /sys take root")
    script = h.FILES.write((HEAD + textwrap.dedent("""
        assert sorted(os.listdir("/sys/bus/pci/devices")) == [A, B, C]
        assert out("ls", "/sys/bus/pci/devices") == [A, B, C]
        assert out("realpath", PCI + A) == [BUS + A]
        assert os.listdir("/sys/class/net") == ["lo"]
        assert "net" in os.listdir("/sys/class")
        assert read(PCI + A + "/iommu_group/devices/" + B + "/irq") == "0\\n"
        assert os.path.realpath(PCI + B + "/driver") == \\
            "/sys/bus/pci/drivers/vfio-pci"
    """)).encode())
    bare = "mount -t tmpfs none /sys && mkdir -p /sys/class/net/lo && " \
        'exec "$@"'
    if h.execute(["unshare", "-m", "sh", "-c", bare, "sh", "true"]).rc:
        raise h.Skip("no mounts of its own")
    for mode in h.modes():
        done = h.execute(["unshare", "-m", "sh", "-c", bare, "sh", h.IOAS,
                          "run", *FUNCTIONS, "--mode", mode, "--",
                          sys.executable, script])
        h.expect(done.rc == 0, done)


def without_functions_there_is_what_there_was():
    places = ("/sys/bus/pci/devices", "/sys/kernel/iommu_groups",
              "/sys/class", "/sys/bus", "/sys/devices")
    there = {p: sorted(os.listdir(p)) for p in places if os.path.isdir(p)}
    everywhere(f"""
        there = {there!r}
        for path in {places!r}:
            assert os.path.isdir(path) == (path in there), path
            if path in there:
                assert sorted(os.listdir(path)) == there[path], path
        assert os.listdir("/dev/vfio") == ["vfio"]
        assert "syspath" not in read("/proc/self/fdinfo/0")
    """, options=())


if __name__ == "__main__":
    sys.exit(h.main([
        every_directory_lists_our_functions_alone,
        tools_find_their_way,
        walks_come_to_an_end,
        names_may_be_relative,
        nodes_are_what_sysfs_says,
        a_namespace_has_them_for_every_call,
        a_machine_without_pci,
        without_functions_there_is_what_there_was,
    ]))
