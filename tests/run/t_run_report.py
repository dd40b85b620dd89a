# SPDX-License-Identifier: MIT
"""`ioas run --report`: what a program left mapped, and which of its commands
did that; said of programs that end in every way there is."""
import json
import os
import signal
import sys

import harness as h
import schema

REPORT = schema.Schema("report")
TRACE = schema.Schema("trace")
PYTHON = os.path.realpath(sys.executable)
PAGE = os.sysconf("SC_PAGE_SIZE")
MAPPED = "open C alloc C a device C a map C a 2 p map C a 3 q".split()
# As in t_run_trace; the memory is some of the program's own.
PRELUDE = """
import fcntl, mmap, os, ctypes, struct, sys
PAGE = os.sysconf("SC_PAGE_SIZE")
def opened():
    return os.open("/dev/iommu", os.O_RDWR | os.O_CLOEXEC)
def call(fd, cmd, fmt, *values):
    block = bytearray(struct.pack("=" + fmt, *values))
    try:
        ret = fcntl.ioctl(fd, cmd, block)
    except OSError as error:
        ret = -error.errno
    return ret, struct.unpack("=" + fmt, block)
def alloc(fd):
    return call(fd, 0x3b81, "III", 12, 0, 0)[1][2]
def memory(pages):
    m = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for i in range(pages):
        m[i * PAGE] = 1
    return m, ctypes.addressof(ctypes.c_char.from_buffer(m))
def map_fixed(fd, ioas, va, length, iova):
    return call(fd, 0x3b85, "IIIIQQQ", 40, 7, ioas, 0, va, length, iova)[0]
"""


def reported(*program, want=0, options=("--test-abi",), **more):
    """What came of it, its report, its trace."""
    report, trace = h.FILES.name(".report"), h.FILES.name(".trace")
    done = h.run(*program, want=want,
                 options=(*options, f"--report={report}", "--trace", trace),
                 **more)
    with open(report, encoding="utf-8") as f:
        said = json.load(f)
    REPORT.check(said)
    events = sorted(h.trace_of(trace), key=lambda event: event["serial"])
    agree(said, events)
    return done, said, events


def agree(said, events):
    """Counts are those of the trace."""
    ioctls = [e for e in events if e["event"] == "ioctl"]
    h.expect(said["commands"]["count"] == len(ioctls), said["commands"])
    h.expect(said["commands"]["failed"] ==
             sum(e["result"] < 0 for e in ioctls), said["commands"])
    for kind, count in said["events"].items():
        h.expect(count == sum(e["event"] == kind for e in events), kind, count)
    left = said["left_mapped"]
    h.expect(left["areas"] == sum(c["areas"] for c in said["contexts"]["list"])
             or said["contexts"]["opened"] > 64, said)
    h.expect(left["bytes"] == sum(a["length"] for a in left["list"])
             or left["areas"] > 256, left)


def text(*program, want=0, options=("--test-abi",), **more):
    return h.run(*program, want=want, options=(*options, "--report"), **more)


def by_trace(events, area):
    """The event that mapped it is the one that the report names."""
    event = next(e for e in events if e["serial"] == area["by"]["serial"])
    TRACE.check(event)
    for name in ("pid", "comm", "time"):
        h.expect(event[name] == area["by"][name], event, area)
    h.expect(event["command"] == area["by"]["command"], event, area)
    return event


def python(script, **more):
    return reported(PYTHON, "-c", PRELUDE + script, **more)


# ---- leaks -------------------------------------------------------------------

def a_clean_program_left_nothing():
    words = [*MAPPED, *"unmap C a p unmap C a q close C".split()]
    _, said, _ = reported(h.client("client"), *words)
    h.expect(said["left_mapped"]["areas"] == 0, said)
    h.expect(said["program"]["status"] == 0, said)
    h.expect(said["pinned"]["peak"] == 5, said["pinned"])
    h.expect("nothing was left mapped" in text(h.client("client"), *words).err)


def a_leak_has_its_command():
    _, said, events = reported(
        h.client("client"), *MAPPED, *"unmap C a p close C".split())
    left = said["left_mapped"]
    h.expect(left["areas"] == 1 and left["bytes"] == 3 * PAGE, left)
    area = left["list"][0]
    event = by_trace(events, area)
    h.expect(event["out"]["iova"] == area["iova"], event, area)
    h.expect(event["args"]["length"] == area["length"], event, area)
    h.expect(area["pages"] == {"pinned": 3, "store": 0, "domain": 3,
                               "both": 0}, area)
    done = text(h.client("client"), *MAPPED, *"unmap C a p close C".split())
    h.expect("left mapped  1 area," in done.err, done)
    h.expect(f"IOMMU_IOAS_MAP, #{area['by']['serial']} of" in done.err, done)


def a_program_that_never_closes():
    """Its end closes."""
    _, said, _ = reported(h.client("client"), *MAPPED)
    h.expect(said["contexts"]["closed"] == 1, said["contexts"])
    h.expect(said["left_mapped"]["areas"] == 2, said["left_mapped"])


def a_child_that_leaks_is_named():
    done, said, events = reported(
        h.client("client"),
        *"open C alloc C a fork pid map C a 1 p".split())
    pid = int(done.out.split("pid ")[1].split()[0])
    area = said["left_mapped"]["list"][0]
    h.expect(area["by"]["pid"] == pid, area, done)
    opened = said["contexts"]["list"][0]["opened"]
    h.expect(opened["pid"] != pid and opened["comm"] == "client", opened)
    h.expect(by_trace(events, area)["pid"] == pid)
    # No page table, no client: nothing is pinned.
    h.expect(area["pages"]["pinned"] == 0, area)


def a_container_that_is_unmapped_in_part():
    _, said, events = python("""
fd = opened()
ioas = alloc(fd)
m, va = memory(8)
print(call(fd, 0x3b88, "IIHH", 12, ioas, 1, 0)[0], fcntl.ioctl(fd, 0x3b66, 1))
print(call(fd, 0x3b71, "IIQQQ", 32, 3, va, 0x100000, 8 * PAGE)[0])
print(call(fd, 0x3b72, "IIQQ", 24, 0, 0x100000 + 2 * PAGE, 3 * PAGE))
""")
    areas = said["left_mapped"]["list"]
    h.expect([(a["iova"], a["length"]) for a in areas] == [
        ("0x100000", 2 * PAGE), (hex(0x100000 + 5 * PAGE), 3 * PAGE)], areas)
    for area in areas:
        h.expect(by_trace(events, area)["command"] == "VFIO_IOMMU_MAP_DMA")


def many_leaks_are_summed_up():
    _, said, _ = python("""
fd = opened()
ioas = alloc(fd)
m, va = memory(1)
for i in range(1000):
    assert map_fixed(fd, ioas, va, PAGE, 0x100000 + 2 * i * PAGE) == 0
""")
    left = said["left_mapped"]
    h.expect(left["areas"] == 1000 and left["bytes"] == 1000 * PAGE, left)
    h.expect(len(left["list"]) == 256, len(left["list"]))
    h.expect(all("by" in area for area in left["list"]))


def contexts_are_apart():
    _, said, events = python("""
m, va = memory(1)
for i in range(100):
    fd = opened()
    assert map_fixed(fd, alloc(fd), va, PAGE, 0x100000) == 0
    if i % 2:
        os.close(fd)
""")
    h.expect(said["contexts"]["opened"] == said["contexts"]["closed"] == 100,
             said["contexts"])
    left = said["left_mapped"]
    h.expect(left["areas"] == 100, left["areas"])
    h.expect({a["context"] for a in left["list"]} == set(range(1, 101)))
    h.expect(len({by_trace(events, a)["serial"] for a in left["list"]}) == 100)


# ---- ends --------------------------------------------------------------------

def a_program_that_fails():
    _, said, _ = reported(h.client("client"), *MAPPED, "exit", "3", want=3)
    h.expect(said["program"]["status"] == 3, said["program"])
    h.expect(said["left_mapped"]["areas"] == 2, said["left_mapped"])


def a_program_that_is_killed():
    _, said, events = reported(h.client("client"), *MAPPED, "kill", "9",
                               want=-signal.SIGKILL)
    h.expect(said["program"] == {"argv": said["program"]["argv"],
                                 "signal": 9}, said["program"])
    h.expect(said["left_mapped"]["areas"] == 2, said["left_mapped"])
    for area in said["left_mapped"]["list"]:
        by_trace(events, area)
    done = text(h.client("client"), *MAPPED, "kill", "9",
                want=-signal.SIGKILL)
    h.expect("by signal 9" in done.err and "left mapped  2" in done.err, done)


def a_program_that_executes_another():
    """The descriptor goes along, the mapping stays; the memory does not."""
    _, said, events = reported(
        h.client("client"), *MAPPED, *"exec alloc 3 b".split())
    left = said["left_mapped"]
    h.expect(left["areas"] == 2 and said["contexts"]["closed"] == 1, said)
    for area in left["list"]:
        by_trace(events, area)


def memory_that_an_exec_takes_is_told():
    """As soon as the new program makes a call; it need not use the device."""
    _, said, _ = reported(
        h.client("client"),
        *"open C alloc C a device C a map C a 2 p exec pid".split())
    h.expect([(l["why"], l["address"]) for l in said["lost"]["list"]] ==
             [("execve", "0x0")], said["lost"])


def memory_that_went_is_told():
    """A device reaches for pinned memory of a process that is gone."""
    done, said, _ = python("""
fd = opened()
ioas = alloc(fd)
access = call(fd, 0x3ba0, "IIIIII48x", 72, 5, ioas, 0, 0, 1)[1][4]
if not os.fork():
    m, va = memory(1)
    assert map_fixed(fd, ioas, va, PAGE, 0x2000000) == 0
    assert call(fd, 0x3ba0, "IIIIIIQQQ24x", 72, 7, access, 0, 0, 0, 0x2000000,
                PAGE, 0)[0] == 0
    print(os.getpid(), hex(va), flush=True)
    os._exit(0)
os.wait()
buffer = ctypes.create_string_buffer(16)
for i in range(3):
    ret = call(fd, 0x3ba0, "IIIIQQQII24x", 72, 8, access, 0, 0x2000000, 16,
               ctypes.addressof(buffer), 0, 0)[0]
    assert ret == -14, ret
""")
    lost = said["lost"]
    h.expect(lost["count"] == 4 and len(lost["list"]) == 2, lost)
    left, told = lost["list"]
    # It went with pages pinned; then the device missed them.
    h.expect(left["why"] == "exit" and left["pid"] == told["pid"], lost)
    h.expect(told["comm"].startswith("python") and told["count"] == 3, lost)
    h.expect(f"{told['pid']} {told['address']}" == done.out.strip(), lost, done)


# ---- what is counted ---------------------------------------------------------

def errors_are_counted_by_name():
    _, said, _ = python("""
fd = opened()
for i in range(5):
    call(fd, 0x3b80, "II", 8, 1234)
    call(fd, 0x3bff, "II", 8, 1234)
for i in range(3):
    try:
        fcntl.ioctl(fd, 0x3b81, 0)
    except OSError:
        pass
""")
    by_name = {c["command"]: c for c in said["commands"]["list"]}
    h.expect(by_name["IOMMU_DESTROY"]["errors"] == {"ENOENT": 5}, by_name)
    h.expect(by_name["unknown"]["errors"] == {"ENOTTY": 5}, by_name)
    h.expect(by_name["IOMMU_IOAS_ALLOC"]["errors"] == {"EFAULT": 3}, by_name)


def a_program_that_needs_none_of_it():
    _, said, events = reported("true")
    h.expect(not events and said["commands"]["count"] == 0
             and said["contexts"]["opened"] == 0, said)


# ---- where it goes -----------------------------------------------------------

def a_full_disk_is_said():
    done = h.run(h.client("client"), *MAPPED,
                 options=("--test-abi", "--report=/dev/full"))
    h.expect(done.err.count("report:") == 1 and "No space left" in done.err,
             done)


def every_way_is_reported():
    for way in h.ways():
        _, said, events = reported(h.client("client"), *MAPPED, **way)
        h.expect(said["left_mapped"]["areas"] == 2, way, said)
        for area in said["left_mapped"]["list"]:
            by_trace(events, area)


sys.exit(h.main([
    a_clean_program_left_nothing,
    a_leak_has_its_command,
    a_program_that_never_closes,
    a_child_that_leaks_is_named,
    a_container_that_is_unmapped_in_part,
    many_leaks_are_summed_up,
    contexts_are_apart,
    a_program_that_fails,
    a_program_that_is_killed,
    a_program_that_executes_another,
    memory_that_an_exec_takes_is_told,
    memory_that_went_is_told,
    errors_are_counted_by_name,
    a_program_that_needs_none_of_it,
    a_full_disk_is_said,
    every_way_is_reported,
]))
