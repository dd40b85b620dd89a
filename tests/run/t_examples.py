# SPDX-License-Identifier: MIT
"""Drivers of examples/ under `ioas run --device`: as root and nobody, in each
mode, by cdev and iommufd as by group and container."""
import hashlib
import os
import re
import sys

import harness as h

# Not a multiple of what a command can carry (256 KiB), nor of a page.
SIZE = 1100 * 1024 + 512
# By chance, but the same each time: each block differs from the others.
CONTENT = b"".join(hashlib.sha256(b"%d" % i).digest()
                   for i in range(SIZE // 32))
LATENCY = re.compile(r"(\d+) IOPS, [\d.]+ MiB/s; latency us: p50 ([\d.]+), "
                     r"p99 ([\d.]+), p99.9 ([\d.]+)")
# Of the tour: what the group interface does not have.
TOUR, TOUR_LEGACY = 11, 9


PATHS = ((), ("--legacy",))


def everywhere():
    """Options of a driver, and keywords of h.run()."""
    return [(path, way) for way in h.ways() for path in PATHS]


def by_each_user():
    """The same in the mode that is chosen for them."""
    return [(path, {"user": user}) for user in h.users() for path in PATHS]


def image(content=CONTENT):
    return h.FILES.write(content, mode=0o666)


def nvme(disk, *args, device="", **more):
    return h.run(h.client("nvme"), *args,
                 options=("--device", f"nvme,file={disk}{device}"), **more)


def content(path):
    with open(path, "rb") as f:
        return f.read()


def same(got, want, *what):
    """By their sums: what differs is too long to be shown."""
    sums = [hashlib.sha256(b).hexdigest() for b in (got, want)]
    h.expect(sums[0] == sums[1], *what, len(got), *sums)


def nvme_reads_what_the_file_holds():
    for path, way in everywhere():
        out = os.path.join(h.FILES.subdirectory(way["user"]), "out")
        nvme(image(), *path, "read", "-o", out, device=",ro", **way)
        same(content(out), CONTENT, path, way)


def nvme_writes_to_the_file():
    # It ends within a block; the rest of that becomes zeroes.
    data = CONTENT[::-1][:700001]
    end = -len(data) % 512
    for path, way in by_each_user():
        disk = image()
        done = nvme(disk, *path, "write", h.FILES.write(data), **way)
        h.expect(f"{len(data)} bytes written" in done.out, done)
        same(content(disk),
             data + bytes(end) + CONTENT[len(data) + end:], path, way)


def nvme_by_interrupts_and_in_shared_memory():
    for options, bs, depth in ((("--irq",), "4096", "31"),
                               (("--irq",), "8192", "1"),
                               (("--shared",), "12288", "3"),
                               (("--irq", "--shared"), "512", "200")):
        out = h.FILES.name()
        nvme(image(), *options, "--bs", bs, "--depth", depth, "read", "-o",
             out)
        same(content(out), CONTENT, options, bs, depth)


def nvme_says_what_it_found():
    done = nvme(image(), "info", device=",serial=EXAMPLE7,lba=4096")
    h.expect("EXAMPLE7" in done.out, done)
    h.expect(f"{SIZE // 4096} blocks of 4096" in done.out, done)
    h.expect("cdev and iommufd" in done.out, done)
    done = nvme(image(), "--legacy", "info")
    h.expect("group and container" in done.out, done)


def nvme_benchmarks():
    for options in ((), ("--irq",), ("--shared", "--depth", "32"),
                    ("--sequential", "--bs", "65536", "--write")):
        done = nvme(image(), *options, "--count", "500", "bench")
        h.expect("500 in" in done.out, done)
        found = LATENCY.search(done.out)
        h.expect(found, done)
        iops, *latency = map(float, found.groups())
        h.expect(iops > 0 and 0 < latency[0] <= latency[1] <= latency[2], done)


def nvme_chooses_by_name():
    first, second = image(), image(CONTENT[:1 << 20])
    for bdf, blocks in (("0000:02:00.0", 2048), ("0000:01:00.0", SIZE // 512)):
        done = h.run(h.client("nvme"), "-d", bdf, "info", options=(
            "--device", f"nvme,file={first},addr=01:00.0",
            "--device", f"nvme,file={second},addr=02:00.0"))
        h.expect(f"{blocks} blocks" in done.out and bdf in done.out, done)


def two_drivers_at_once():
    disk = image()
    script = """
"$0" -d 0000:01:00.0 --depth 2 read -o "$1" & first=$!
"$0" -d 0000:02:00.0 --irq --legacy read -o "$2"
second=$?
wait $first && exit $second
"""
    for user in h.users():
        out = [os.path.join(h.FILES.subdirectory(user), "out")
               for i in range(2)]
        h.run("/bin/sh", "-c", script, h.client("nvme"), *out, user=user,
              options=("--device", f"nvme,ro,file={disk},count=2"))
        for path in out:
            same(content(path), CONTENT, user)


def behind_each_iommu():
    for iommu in ("vtdss", "x86_64", "amdv1", "riscv64"):
        disk, out = image(), h.FILES.name()
        h.run("/bin/sh", "-c", '"$0" read -o "$2" && "$1"', h.client("nvme"),
              h.client("dma"), out,
              options=("--iommu", iommu, "--device", f"nvme,ro,file={disk}",
                       "--device", "dma"))
        same(content(out), CONTENT, iommu)


def nvme_fails_with_a_line():
    for args, text in ((("-n", "9", "info"), "IDENTIFY namespace: status"),
                       (("--bs", "100", "read"), "blocks of 512"),
                       (("--depth", "2000", "read"), "depth may be 1 to 1023"),
                       (("write", "/dev/null/no"), "/dev/null/no")):
        done = nvme(image(), *args, want=1)
        h.expect(text in done.err, done)
    # What is written cannot be: the model says so, the driver ends.
    done = nvme(image(), "write", image(), device=",ro", want=1)
    h.expect("failed: type 0, code 0x20" in done.err, done)
    done = h.run(h.client("nvme"), "info", want=1)
    h.expect(CONTENT and done.err.count("\n") == 1, done)


def dma_makes_its_tour():
    for path, way in by_each_user():
        done = h.run(h.client("dma"), *path, options=("--device", "dma"),
                     **way)
        lines = re.findall(r" ok$", done.out, re.MULTILINE)
        want = TOUR_LEGACY if path else TOUR
        h.expect(len(lines) == want and "WRONG" not in done.out, done)


def nvme_tutorial_reads_and_writes_a_disk():
    # More than one command, and both phases of the queues; the end of the
    # input is within a block.
    data = CONTENT[::-1][:700001]
    want = data + bytes(-len(data) % 512)
    want += CONTENT[len(want):]
    for path, more in by_each_user():
        disk = image()
        out = os.path.join(h.FILES.subdirectory(more["user"]), "out")
        done = h.run("/bin/sh", "-c", """
out=$1 in=$2
shift 2
"$@" write < "$in" && "$@" read > "$out"
""", "sh", out, h.FILES.write(data), h.client("nvme_tutorial"), *path,
                     "0000:01:00.0",
                     options=("--device", f"nvme,file={disk}"), **more)
        h.expect(done.err.count("ioas NVMe controller") == 2, done)
        same(content(disk), want, path, more)
        same(content(out), want, path, more)


def nvme_tutorial_knows_other_blocks_and_small_disks():
    # One command of a page, of two, of three: each kind of PRP.
    for blocks in (1, 2, 3):
        data = CONTENT[:blocks * 4096]
        out = h.FILES.name()
        h.run("/bin/sh", "-c", '"$0" 0000:01:00.0 read > "$1"',
              h.client("nvme_tutorial"), out,
              options=("--device", f"nvme,ro,lba=4096,file={image(data)}"))
        same(content(out), data, blocks)


def nvme_tutorial_fails_with_a_line():
    disk = image(CONTENT[:4096])
    device = ("--device", f"nvme,file={disk}")
    for args, want, text in (
            (("0000:01:00.0",), 2, "usage: nvme_tutorial"),
            (("0000:09:00.0", "read"), 1, "0000:09:00.0/vfio-dev"),
            (("--legacy", "0000:09:00.0", "read"), 1, "No such file"),
            (("0000:01:00.0", "write"), 1, "the disk is full")):
        done = h.run(h.client("nvme_tutorial"), *args, options=device,
                     want=want, stdin=CONTENT[:4097])
        h.expect(text in done.err, done)
    done = h.run(h.client("nvme_tutorial"), "0000:01:00.0", "write",
                 options=("--device", f"nvme,ro,file={disk}"), want=1,
                 stdin=CONTENT[:512])
    h.expect("WRITE: status 0x" in done.err, done)
    same(content(disk), CONTENT[:4096])


def dma_tutorial_copies_and_goes_astray():
    copied = "a copy\n  interrupt, IRQ_STATUS 0x1\n  65536 bytes are the same\n"
    astray = re.compile(
        re.escape(copied) + "a copy from where nothing is mapped\n"
        "  interrupt, IRQ_STATUS 0x4\n"
        "  error 11 at stage 3, after 100 bytes, at IOVA (0x[0-9a-f]+)\n" +
        re.escape(copied))
    for path, way in everywhere():
        done = h.run(h.client("dma_tutorial"), *path, "0000:01:00.0",
                     options=("--device", "dma"), **way)
        found = astray.fullmatch(done.out)
        h.expect(found and f"read of {found[1]}: never mapped" in done.err,
                 done)
    done = h.run(h.client("dma_tutorial"), "0000:01:00.0", want=1,
                 options=("--device", f"nvme,ro,file={image()}"))
    h.expect("no DMA engine" in done.err, done)


def timer_is_a_model():
    done = h.run("/bin/true", options=(
        "-v", "--device", h.client("timer.so") + ",shortest=1000"))
    h.expect("0000:01:00.0: timer, /dev/vfio/devices/vfio0" in done.err, done)


sys.exit(h.main([
    nvme_reads_what_the_file_holds,
    nvme_writes_to_the_file,
    nvme_by_interrupts_and_in_shared_memory,
    nvme_says_what_it_found,
    nvme_benchmarks,
    nvme_chooses_by_name,
    two_drivers_at_once,
    behind_each_iommu,
    nvme_fails_with_a_line,
    dma_makes_its_tour,
    nvme_tutorial_reads_and_writes_a_disk,
    nvme_tutorial_knows_other_blocks_and_small_disks,
    nvme_tutorial_fails_with_a_line,
    dma_tutorial_copies_and_goes_astray,
    timer_is_a_model,
]))
