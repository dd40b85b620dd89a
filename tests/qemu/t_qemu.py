# SPDX-License-Identifier: MIT
"""QEMU under `ioas run`: a machine that starts from the emulated NVMe disk.

usage: t_qemu.py IOAS DIRECTORY [SEED] [CASE]

    ioas run --device nvme,file=IMAGE -- qemu-system-x86_64
                                           -device vfio-pci,host=0000:01:00.0
      boot sector    the BIOS reads it from the disk and runs it (boot.S)
      Linux          its own driver of NVMe, with interrupts; reads all of the
                     disk, writes some of it, reads that back (init.c)
    ioas run --device nvme,file=IMAGE -- qemu-img ... nvme://0000:01:00.0/1
      QEMU's driver  of NVMe in user space, over VFIO's group and container

DIRECTORY is where boot.bin, init and vmlinuz (scripts/guest-kernel) are. QEMU
interprets the guest (TCG): nothing here needs /dev/kvm, or privileges; as root,
it runs as somebody else. The file harness.py is that of tests/run.
"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "run"))
import harness as h  # noqa: E402  pylint: disable=wrong-import-position

QEMU = shutil.which("qemu-system-x86_64")
QEMU = QEMU and os.path.realpath(QEMU)
KERNEL = os.path.join(h.CLIENTS, "vmlinuz")
# Where the first devices are.
ADDRESSES = ("0000:01:00.0", "0000:02:00.0")
LIMIT = 60
DISK = f"nvme://{ADDRESSES[0]}/1"

MEMORY = "96M"
# Of q35 only what a disk and a serial port need: Linux looks at all there is.
MACHINE = "q35,hpet=off,smbus=off,sata=off,usb=off,vmport=off,i8042=off"
REST = ["-m", MEMORY, "-accel", "tcg", "-cpu", "max", "-nodefaults",
        "-no-user-config", "-display", "none", "-serial", "stdio",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
# What takes a second each and is nothing to us.
COMMAND_LINE = ("console=ttyS0 quiet panic=-1 mitigations=off nokaslr audit=0 "
                "cryptomgr.notests tsc=reliable lsm=none init_on_alloc=0")
# Of boot.S, as QEMU says it: 2 * DONE + 1.
EXITED = 2 * 0x10 + 1

# ---- the disk ----------------------------------------------------------------

SIZE = 8 << 20


def content(starts=True):
    """Of a disk that has no block twice."""
    data = bytearray(random.Random(h.SEED).randbytes(SIZE))
    sector = bytes(512)
    if starts:
        with open(os.path.join(h.CLIENTS, "boot.bin"), "rb") as f:
            sector = f.read()
    data[:len(sector)] = sector
    return bytes(data)


def image(data):
    return h.FILES.write(data, 0o666)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def pattern(length):
    """pattern() of init.c."""
    return bytes((at * 7 + (at >> 9)) & 0xff for at in range(length))


# ---- an archive for the kernel: cpio, "newc" ---------------------------------

def padded(data):
    return data + bytes(-len(data) % 4)


def entry(nr, name, mode, data=b"", device=(0, 0)):
    name = name.encode() + b"\0"
    fields = [nr, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(head + name) + padded(data)


def initramfs():
    return h.FILES.write(
        entry(1, "dev", 0o040755)
        + entry(2, "dev/console", 0o020600, device=(5, 1))
        + entry(3, "init", 0o100755, read(os.path.join(h.CLIENTS, "init")))
        + entry(0, "TRAILER!!!", 0))


# ---- the machine -------------------------------------------------------------

def options(*images):
    each = [w for path in images for w in ("--device", f"nvme,file={path}")]
    # QEMU maps all memory of the guest for the devices.
    return ["--memlock", "unlimited", *each]


def vfio(nr, boot=False, more=""):
    return ["-device", f"vfio-pci,host={ADDRESSES[nr]}"
            + (",bootindex=1" if boot else "") + more]


def qemu(*args, shared=False):
    """@shared: the guest's memory is a memfd, as it is private otherwise."""
    if not QEMU:
        raise h.Skip("there is no qemu-system-x86_64: scripts/deps qemu")
    board, memory = MACHINE, []
    if shared:
        board += ",memory-backend=ram"
        memory = ["-object",
                  f"memory-backend-memfd,id=ram,size={MEMORY},share=on"]
    return [QEMU, "-M", board, *memory, *REST, *args]


def linux():
    """Arguments for a machine that init.c runs in."""
    if not os.path.exists(KERNEL):
        raise h.Skip(f"there is no kernel: scripts/guest-kernel {KERNEL}")
    return ["-no-reboot", "-kernel", h.FILES.public(KERNEL),
            "-initrd", initramfs(), "-append", COMMAND_LINE]


def machine(images, args, shared=False, want=0, before=(), **way):
    """Runs it to its end. Return: that, and what the devices did."""
    report = h.FILES.name(".json")
    done = h.run(*before, *qemu(*args, shared=shared),
                 options=[*options(*images), f"--report={report}"],
                 want=want, timeout=LIMIT, **way)
    # Not even of the registers, which is only a warning.
    h.expect("VFIO_MAP_DMA" not in done.err, done)
    with open(report, encoding="utf-8") as f:
        devices = json.load(f)["devices"]
    h.expect(len(devices) == len(images), devices)
    for device in devices:
        h.expect(device["faults"] == device["aborts"] == 0, devices, done)
    return done, devices


def starts(disks, nr, more="", times=2, **way):
    """From disk @nr; boot.S resets a machine once."""
    paths = [image(data) for data in disks]
    args = [w for i in range(len(disks)) for w in vfio(i, i == nr, more)]
    done, devices = machine(paths, args, want=EXITED, **way)
    h.expect(done.out.count("boot: from the first sector") == times, done)
    h.expect(devices[nr]["write_bytes"] >= times * 512, devices)
    for data, path in zip(disks, paths):
        h.expect(read(path) == data, "a disk has changed:", done)


# ---- cases: as a user without privileges, in each mode -----------------------

def ways():
    return [{"user": True, "mode": mode} for mode in h.modes(user=True)]


def a_machine_starts_from_the_disk():
    for way in ways():
        starts([content()], 0, **way)


def registers_need_not_be_mapped():
    """Every access of the guest stops, and is answered."""
    starts([content()], 0, more=",x-no-mmap=on", **ways()[0])


def of_two_disks_the_second_can_start_it():
    """One container, two groups."""
    starts([content(starts=False), content()], 1, **ways()[0])


def one_machine_after_the_other():
    """The last close of one leaves the device as the next wants it."""
    starts([content()], 0, times=4,
           before=("sh", "-c", '"$@"; exec "$@"', "sh"), **ways()[0])


def linux_reads_and_writes_the_disk():
    before = content()
    digest = hashlib.sha256(before).hexdigest()
    for way, shared in zip(ways(), (False, True)):
        path = image(before)
        done, devices = machine([path], vfio(0) + linux(), shared, **way)
        said = dict(re.findall(r"^guest: ([a-z0-9]+) ?(.*?)\s*$", done.out,
                               re.MULTILINE))
        h.expect("done" in said, done)
        h.expect(said["disk"] == str(SIZE), done)
        h.expect(said["sha256"] == digest, done)
        length, at = map(int, said["wrote"].split(" at "))
        h.expect(said["read"] == f"back {length}", done)
        h.expect(devices[0]["interrupts"] > 0, devices)
        h.expect(read(path) == before[:at] + pattern(length)
                 + before[at + length:], "the disk is not as written:", done)


def tool(path, name, *args, **way):
    """A tool of QEMU's that opens the disk by its own driver."""
    program = shutil.which(name)
    if not program:
        raise h.Skip(f"there is no {name}: scripts/deps qemu")
    return h.run(program, *args, options=options(path), want=0, timeout=LIMIT,
                 **way)


def a_driver_in_user_space_copies_the_disk():
    data = content()
    path = image(data)
    for way in ways():
        copy = h.FILES.write(b"", 0o666)
        tool(path, "qemu-img", "convert", "-f", "raw", "-O", "raw", DISK, copy,
             **way)
        h.expect(read(copy) == data, "another content")


def a_driver_in_user_space_writes_the_disk():
    data = bytearray(content())
    path = image(bytes(data))
    tool(path, "qemu-io", "-f", "raw", DISK, "-c", "write -P 0x5a 1M 1M",
         "-c", "aio_write -P 0xa5 4M 64k", "-c", "aio_read 0 1M",
         "-c", "aio_flush", "-c", "write -z 3M 512k", "-c", "flush",
         "-c", "discard 6M 1M", "-c", "read -P 0x5a 1M 1M",
         "-c", "read -P 0 3M 512k", **ways()[0])
    data[1 << 20:2 << 20] = b"\x5a" * (1 << 20)
    data[4 << 20:(4 << 20) + 65536] = b"\xa5" * 65536
    data[3 << 20:(3 << 20) + (512 << 10)] = bytes(512 << 10)
    after = bytearray(read(path))
    # What is discarded may be anything.
    data[6 << 20:7 << 20] = after[6 << 20:7 << 20]
    h.expect(after == data, "the disk is not as written")


def a_driver_in_user_space_has_many_at_a_time():
    path = image(content())
    for more in ((), ("-w", "--flush-interval", "64")):
        tool(path, "qemu-img", "bench", "-f", "raw", "-t", "none", "-c", "4000",
             "-d", "32", "-s", "4096", *more, DISK, **ways()[0])


def a_machine_may_be_killed_while_it_reads():
    """The harness looks for what is left."""
    path = image(content())
    process = h.start([h.FILES.public(h.IOAS), "run", *options(path), "--",
                       *qemu(*vfio(0), *linux())], user=True)
    timer = threading.Timer(LIMIT, h.slay)
    timer.start()
    for line in process.stdout:
        if line.startswith(b"guest: disk"):
            break
    timer.cancel()
    victims = [pid for pid in h.tagged()
               if os.path.realpath(f"/proc/{pid}/exe") == QEMU]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    done = h.finish(process, "killed")
    h.expect(done.rc == -signal.SIGKILL, victims, done)


sys.exit(h.main([
    a_machine_starts_from_the_disk,
    registers_need_not_be_mapped,
    of_two_disks_the_second_can_start_it,
    one_machine_after_the_other,
    linux_reads_and_writes_the_disk,
    a_driver_in_user_space_copies_the_disk,
    a_driver_in_user_space_writes_the_disk,
    a_driver_in_user_space_has_many_at_a_time,
    a_machine_may_be_killed_while_it_reads,
]))
