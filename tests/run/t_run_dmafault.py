# SPDX-License-Identifier: MIT
"""DMA that fails: what people are told, while it runs, in the report, in the
trace; by which command, of which process."""
import json
import os
import re
import sys

import harness as h
import schema

SCHEMA, TRACE = schema.Schema("report"), schema.Schema("trace")
PAGE = os.sysconf("SC_PAGE_SIZE")
DEVICE = ("--device", "dma,vfio=0,group=10")
LINE = re.compile(r"^ioas: run: dma 0000:01:00\.0: DMA fault: (.*)$", re.M)
# clients/badma.c
DATA, BAD = 0x2100000, 0x2200000
# Each function has so many places.
PLACES = 32
# Requests of random bytes, at addresses that are good, at the end of a page, bad.
GARBAGE = """
import ctypes, mmap, os, random, sys
libc = ctypes.CDLL(None)
random.seed(int(sys.argv[1]))
page = mmap.mmap(-1, 2 * mmap.PAGESIZE)
at = ctypes.addressof(ctypes.c_char.from_buffer(page)) + mmap.PAGESIZE
libc.munmap(ctypes.c_void_p(at), mmap.PAGESIZE)
iommu = os.open("/dev/iommu", os.O_RDWR)
files = [os.open(name, os.O_RDWR) for name in (
    "/dev/vfio/devices/vfio0", "/dev/vfio/10")]
for i in range(400):
    size = random.choice((4, 8, 12, 16, 24, 32, 40))
    request = bytearray(random.choice((random.randbytes(size), bytes(size))))
    request[:4] = random.choice((size, 4, 12, 64, 2**32 - 1)).to_bytes(
        4, "little")
    page[mmap.PAGESIZE - size:mmap.PAGESIZE] = bytes(request)
    libc.ioctl(random.choice(files), random.choice((
        0x3b67 + random.randrange(20), 0x3b00 + random.randrange(256))),
        ctypes.c_void_p(random.choice((at - size, at - size, at - 2, 8, 0))))
"""


def bad(case, *options, device=DEVICE, **more):
    """What was said, the report, and the whole."""
    path = h.FILES.name()
    done = h.run_client("badma", case, options=(
        *device, f"--report={path}", *options), **more)
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    SCHEMA.check(report)
    return LINE.findall(done.err), report, done


def pid_of(done):
    return int(re.search(r"^pid (\d+)$", done.out, re.M).group(1))


def span(first, pages=1):
    return f"[{first:#x}, {first + pages * PAGE - 1:#x}]"


def listed(report, nr=1):
    faults = report["dma_faults"]["list"]
    h.expect(len(faults) == nr, faults)
    return faults


# ---- whose mistake -----------------------------------------------------------

def what_was_never_mapped():
    lines, report, done = bad("never")
    h.expect(lines == [f"write of {BAD + 0x10:#x}: never mapped"], done)
    fault, = listed(report)
    h.expect(fault == {
        "device": "0000:01:00.0", "model": "dma", "pasid": 0,
        "iova": f"{BAD + 0x10:#x}", "access": "write", "why": "not mapped",
        "count": 1, "last": {"did": "never"}}, fault)


def what_was_unmapped_too_early():
    for mode in h.modes():
        lines, report, done = bad("unmapped", mode=mode)
        pid, at = pid_of(done), BAD + PAGE
        h.expect(lines == [
            f"read of {at:#x}: not mapped; unmapped last by "
            f"IOMMU_IOAS_UNMAP {span(BAD, 2)} of badma (pid {pid})"], done)
        fault, = listed(report)
        h.expect(fault["last"] == {
            "did": "unmapped", "command": "IOMMU_IOAS_UNMAP",
            "first": f"{BAD:#x}", "last": f"{at + PAGE - 1:#x}", "pid": pid,
            "comm": "badma"}, fault)


def what_was_mapped_to_be_read():
    lines, report, done = bad("not_writable")
    h.expect(lines == [
        f"write of {BAD:#x}: not writable; mapped last by IOMMU_IOAS_MAP "
        f"{span(BAD)} of badma (pid {pid_of(done)})"], done)
    # Said once, and counted.
    fault, = listed(report)
    h.expect(fault["count"] == 5 and fault["why"] == "denied", fault)
    h.expect(report["dma_faults"]["count"] == 5, report["dma_faults"])
    h.expect(report["devices"][0]["faults"] == 5, report["devices"])


def what_another_space_has():
    lines, report, done = bad("pasid")
    h.expect(lines == [f"write of {DATA:#x} (PASID 3): never mapped"], done)
    h.expect(listed(report)[0]["pasid"] == 3, report)


def what_is_mapped_by_a_container():
    lines, report, done = bad("container")
    pid = f"{span(BAD)} of badma (pid "
    h.expect(len(lines) == 2, done)
    h.expect("not writable; mapped last by VFIO_IOMMU_MAP_DMA " + pid
             in lines[0], done)
    h.expect("not mapped; unmapped last by VFIO_IOMMU_UNMAP_DMA " + pid
             in lines[1], done)
    listed(report, 2)


# ---- how much is said --------------------------------------------------------

def many_are_counted():
    lines, report, done = bad("many")
    h.expect(len(lines) == PLACES + 1, done)
    h.expect(lines[:PLACES] == [
        f"write of {BAD + i * PAGE:#x}: never mapped" for i in range(PLACES)],
        done)
    h.expect(lines[-1].startswith("more at other places"), done)
    listed(report, PLACES)
    h.expect(report["dma_faults"]["count"] == 100, report["dma_faults"])


def quiet_says_nothing():
    lines, report, done = bad("never", "--quiet")
    h.expect(not lines and not done.err, done)
    listed(report)


def without_a_report_it_is_said_too():
    done = h.run_client("badma", "unmapped", options=DEVICE)
    h.expect("unmapped last by IOMMU_IOAS_UNMAP" in done.err, done)


# ---- the report --------------------------------------------------------------

def devices_are_counted():
    lines, report, done = bad(
        "unmapped", device=(*DEVICE, "--device", "nvme,size=1M"))
    dma, nvme = report["devices"]
    h.expect(len(lines) == 1, done)
    h.expect(dma["device"] == "0000:01:00.0" and dma["model"] == "dma", dma)
    h.expect(nvme["device"] == "0000:02:00.0" and nvme["model"] == "nvme",
             nvme)
    # A page was copied, and two descriptors read and written.
    h.expect(dma["read_bytes"] == PAGE + 2 * 64, dma)
    h.expect(dma["write_bytes"] > PAGE and dma["faults"] == 1, dma)
    h.expect(nvme["reads"] == nvme["writes"] == nvme["faults"] == 0, nvme)


def the_report_is_read_by_people():
    done = h.run_client("badma", "never", options=(*DEVICE, "--report"))
    h.expect(re.search(r"^  devices +reads +writes +faults +interrupts$",
                       done.err, re.M), done)
    h.expect(re.search(r"^    0000:01:00\.0 dma +2 +128 B .* 1 +0$",
                       done.err, re.M), done)
    h.expect(f"    0000:01:00.0 dma: 1 time: write of {BAD + 0x10:#x}: never "
             "mapped\n" in done.err, done)


def without_devices_there_is_no_such_part():
    path = h.FILES.name()
    h.run("true", options=(f"--report={path}",))
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    h.expect("devices" not in report and "dma_faults" not in report, report)


# ---- the trace ---------------------------------------------------------------

def traced(case):
    path = h.FILES.name()
    h.run_client("badma", case, options=(*DEVICE, "--trace", path))
    events = h.trace_of(path)
    for event in events:
        TRACE.check(event)
    return sorted(events, key=lambda event: event["serial"])


def first(events, **want):
    return next(e for e in events if want.items() <= e.items())


def requests_of_devices_have_names():
    events = traced("ways")
    node = {"file": "/dev/vfio/devices/vfio0"}
    iommufd = first(events, event="open", file="/dev/iommu")
    bind = first(events, command="VFIO_DEVICE_BIND_IOMMUFD", **node)
    h.expect(bind["args"]["iommufd"] == iommufd["fd"], bind)
    h.expect(bind["out"]["out_devid"] > 0, bind)
    region = first(events, command="VFIO_DEVICE_GET_REGION_INFO", **node)
    h.expect(region["args"]["index"] == "VFIO_PCI_BAR0_REGION_INDEX", region)
    h.expect(region["out"]["size"] == 4096, region)
    first(events, command="VFIO_DEVICE_ATTACH_IOMMUFD_PT", **node)
    first(events, command="VFIO_DEVICE_RESET", **node)
    # A request that cannot be read has a name still.
    first(events, command="VFIO_DEVICE_GET_INFO", args={}, error="EFAULT",
          **node)
    first(events, event="close", **node)


def positions_of_devices_have_names():
    events = traced("ways")
    first(events, event="read", args={"count": 2, "place": "config+0x4"})
    first(events, event="write", args={"count": 2, "place": "config+0x4"})
    first(events, event="write", args={"count": 4, "place": "bar0+0x110"})
    mapped = first(events, event="mmap")
    h.expect(mapped["args"]["place"] == "bar2+0x0", mapped)


def requests_of_groups_have_names():
    events = traced("container")
    group = {"file": "/dev/vfio/10"}
    first(events, event="open", **group)
    container = first(events, command="VFIO_GROUP_SET_CONTAINER", **group)
    h.expect(container["args"]["container"] == first(
        events, event="open", file="/dev/vfio/vfio")["fd"], container)
    device = first(events, command="VFIO_GROUP_GET_DEVICE_FD", **group)
    h.expect(device["args"] == {"name": "0000:01:00.0"}, device)
    first(events, command="VFIO_DEVICE_GET_REGION_INFO", fd=device["result"],
          file="anon_inode:[vfio-device]")
    # The same number as of a request of groups' devices.
    first(events, command="VFIO_IOMMU_MAP_DMA", file="/dev/vfio/vfio")


def whatever_programs_ask_devices_is_traced():
    path = h.FILES.name()
    h.run(os.path.realpath(sys.executable), "-c", GARBAGE, h.SEED,
          options=(*DEVICE, "--trace", path))
    events = h.trace_of(path)
    for event in events:
        TRACE.check(event)
    asked = [e for e in events if e["event"] == "ioctl"]
    h.expect(len(asked) == 400, len(asked))
    h.expect(any(e["args"] for e in asked), "nothing was decoded")


sys.exit(h.main([
    what_was_never_mapped,
    what_was_unmapped_too_early,
    what_was_mapped_to_be_read,
    what_another_space_has,
    what_is_mapped_by_a_container,
    many_are_counted,
    quiet_says_nothing,
    without_a_report_it_is_said_too,
    devices_are_counted,
    the_report_is_read_by_people,
    without_devices_there_is_no_such_part,
    requests_of_devices_have_names,
    positions_of_devices_have_names,
    requests_of_groups_have_names,
    whatever_programs_ask_devices_is_traced,
]))
