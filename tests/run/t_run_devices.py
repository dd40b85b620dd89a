# SPDX-License-Identifier: MIT
"""--device and --iommu: what is refused before the program runs, what it finds."""
import glob
import os
import subprocess
import sys

import harness as h

SYSFS = "/sys/bus/pci/devices"
KINDS = ("vtdss", "x86_64", "amdv1", "riscv64")


def image(size=1 << 20):
    name = h.FILES.write(b"", mode=0o666)
    os.truncate(name, size)
    return name


def devices(*texts):
    return [word for text in texts for word in ("--device", text)]


def refused(options, rc, *words, user=False):
    """One line, and the program was not run."""
    proof = h.FILES.name()
    done = h.run("touch", proof, options=options, want=rc, user=user)
    lines = done.err.splitlines()
    h.expect(len(lines) == 1 and lines[0].startswith("ioas: run: --"), done)
    for word in words:
        h.expect(word in lines[0], word, done)
    h.expect(not os.path.exists(proof), done)


# ---- misuse ------------------------------------------------------------------

def what_is_no_device():
    for texts, words in (
            (["floppy"], ["floppy: no such model", "nvme, dma"]),
            (["dma", "dma,color=red"],
             ["--device dma: color: no such option", '"ioas devices dma"']),
            (["nvme"], ["--device nvme: file: is missing"]),
            (["nvme,size=1M,lba=17"], ["--device nvme: lba=17: "]),
            (["dma,addr=1"], ["addr=1: not an address"]),
            (["dma,addr=02:00.0", "nvme,size=1M,addr=0000:02:00.0"],
             ["--device nvme: addr=0000:02:00.0: another function has it"]),
            (["dma,vfio=3,count=2", "dma,vfio=4"],
             ["vfio=4: another function has it"]),
            (["dma,count=200", "dma,count=57"], ["257 functions", "256"])):
        refused(devices(*texts), 2, *words)


def kinds_of_iommu():
    refused(["--iommu", "vtd", *devices("dma")], 2, "--iommu vtd: not one of",
            ", ".join(KINDS))
    refused(["--iommu", "mock", *devices("dma")], 125, "--iommu mock: ",
            "--test-abi")
    refused(["--iommu", "armv8", *devices("dma")], 125, "48 bits")


def not_without_a_supervisor():
    for option in (["--device", "dma"], ["--iommu", "vtdss"]):
        refused(["--preload", *option], 2, f"{option[0]}: not with --preload")


# ---- images ------------------------------------------------------------------

def images_that_cannot_be_had():
    missing, short = h.FILES.name(), h.FILES.write(b"x" * 511)
    for option, words in (
            (f"file={missing}", [f"file={missing}: No such file"]),
            (f"file={h.FILES.directory}", ["Is a directory"]),
            (f"ro,file={h.FILES.directory}", ["neither a file nor a block"]),
            (f"file={short}", [f"file={short}: is shorter than a block"]),
            (f"file={short},ro,size=1M", ["is shorter than size="])):
        refused(devices(f"nvme,{option}"), 125, "--device nvme: ", *words)
    h.expect(not os.path.exists(missing), missing, "was made")


def an_image_that_cannot_be_written():
    name = h.FILES.write(bytes(4096), mode=0o444)
    for user in (True,) if h.ROOT else (False,):
        refused(devices(f"nvme,file={name}"), 125,
                f"file={name}: cannot be written to; with ro", user=user)
        h.run("true", options=devices(f"nvme,file={name},ro"), user=user)


def one_image_is_for_one_writer():
    name, link, hard = image(), h.FILES.name(), h.FILES.name()
    os.symlink(name, link)
    os.link(name, hard)
    for texts in ([f"nvme,file={name},count=2"],
                  [f"nvme,file={name},file={link}"],
                  [f"nvme,file={name},ro", f"nvme,file={hard}"]):
        refused(devices(*texts), 2, "used twice and written to")
    for texts in ([f"nvme,ro,file={name},count=2"], ["nvme,size=1M,count=2"],
                  [f"nvme,file={name},ro", f"nvme,file={hard},ro"],
                  [f"nvme,file={name}", f"nvme,file={image()}"]):
        h.run("true", options=devices(*texts))


def a_comma_in_a_name():
    name = image()
    os.rename(name, name + ",x")
    h.run("true", options=devices(f"nvme,file={name},,x"))
    refused(devices(f"nvme,file={name},x"), 2, "x: no such option")


def open_in(pid, path):
    links = glob.glob(f"/proc/{pid}/fd/*")
    return [link for link in links if os.path.realpath(link) == path]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return f.read().split()


def an_image_is_open_in_the_supervisor_alone():
    path = os.path.realpath(image())
    process = h.start([h.IOAS, "run", "--device", f"nvme,file={path}", "--",
                       "sh", "-c", "echo; cat; :"], stdin=subprocess.PIPE)
    process.stdout.read(1)
    supervisor, = children(process.pid)
    program, = children(supervisor)
    where = [len(open_in(pid, path))
             for pid in (process.pid, supervisor, program)]
    h.finish(process, "ioas run")
    h.expect(where == [0, 1, 0], where)


# ---- what the program finds --------------------------------------------------

def every_mode():
    return [way for way in h.ways() if not way["user"]]


def what_was_asked_for_is_said():
    done = h.run("true", options=["-v", *devices(
        "dma,group=4", "nvme,size=1M,addr=02:03.1,vfio=7,group=4", "dma")])
    for line in ("0000:01:00.0: dma, /dev/vfio/devices/vfio0, /dev/vfio/4",
                 "0000:02:03.1: nvme, /dev/vfio/devices/vfio7, /dev/vfio/4",
                 "0000:02:00.0: dma, /dev/vfio/devices/vfio1, /dev/vfio/0"):
        h.expect(f"ioas: run: {line}\n" in done.err, done)


def ids_are_those_that_were_given():
    text = "dma,vendor=8086,device=0x10d3,subvendor=1af4,subdevice=1100"
    names = ("vendor", "device", "subsystem_vendor", "subsystem_device")
    for way in every_mode():
        done = h.run("cat", *(f"{SYSFS}/0000:01:00.0/{n}" for n in names),
                     options=devices(text), mode=way["mode"])
        h.expect(done.out.split() == ["0x8086", "0x10d3", "0x1af4", "0x1100"],
                 done)


def count_shows_as_many():
    for way in every_mode():
        done = h.run("ls", SYSFS, "/dev/vfio/devices",
                     options=devices("dma,count=3,vfio=2"), mode=way["mode"])
        h.expect(done.out.split() == [
            "/dev/vfio/devices:", "vfio2", "vfio3", "vfio4",
            f"{SYSFS}:", "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"], done)


def every_kind_of_iommu_translates():
    for kind in KINDS:
        for case in ("unaligned_copies", "dirty_tracking"):
            h.run_client("vfio_dma", case, h.SEED, 5, options=[
                "--iommu", kind, *devices("dma,count=2")])


sys.exit(h.main([
    what_is_no_device,
    kinds_of_iommu,
    not_without_a_supervisor,
    images_that_cannot_be_had,
    an_image_that_cannot_be_written,
    one_image_is_for_one_writer,
    a_comma_in_a_name,
    an_image_is_open_in_the_supervisor_alone,
    what_was_asked_for_is_said,
    ids_are_those_that_were_given,
    count_shows_as_many,
    every_kind_of_iommu_translates,
]))
