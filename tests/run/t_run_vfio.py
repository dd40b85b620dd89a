# SPDX-License-Identifier: MIT
"""Emulated functions below `ioas run`: every rule of the VFIO ABI, by drivers.

The drivers are clients/vfio_*.c; they know the functions by these numbers.
usage: as harness.py says; a fifth argument makes loops so many times as long.
"""
import sys

import harness as h

TIMES = int(sys.argv[5]) if len(sys.argv) > 5 else 1
# vfioN, address, group: clients/vfio_kit.h says the same.
PLACES = ((0, "0000:01:00.0", 10), (1, "0000:02:00.0", 11),
          (2, "0000:03:00.0", 12), (3, "0000:04:00.0", 13),
          (4, "0000:04:00.1", 13))
NVME = 2


def devices(disk="size=4M,cmb=256K"):
    """Options for all functions that clients know."""
    options = []
    for number, address, group in PLACES:
        model = f"nvme,{disk}" if number == NVME else "dma"
        options += ["--device", f"{model},vfio={number},addr={address},"
                                f"group={group}"]
    return tuple(options)


def everywhere(name, *args, **more):
    for way in h.ways():
        h.run_client(name, *args, options=devices(), **way, **more)


def requests_and_answers():
    everywhere("vfio_abi")


def interrupts():
    everywhere("vfio_irqs")


def regions():
    everywhere("vfio_memory")


def opens_and_closes():
    everywhere("vfio_life")


def dma():
    for seed, way in enumerate(h.ways(), h.SEED):
        h.run_client("vfio_dma", "all", seed, 20 * TIMES, options=devices(),
                     **way)


def memory_that_goes_away():
    everywhere("vfio_gone")


def every_point_fails_once():
    for way in h.ways():
        h.run_client("vfio_failnth",
                     options=("--fault-injection", *devices()), **way)


def dma_by_every_kind_of_page_table():
    # Not all have pages that can be written and not read, so not all cases.
    for kind in ("x86_64", "amdv1", "riscv64"):
        for case in ("unaligned_copies", "no_dma_after_unmap", "pasids",
                     "replace_moves_all", "dirty_tracking", "page_requests"):
            h.run_client("vfio_dma", case, h.SEED, 10 * TIMES,
                         options=("--iommu", kind, *devices()), mode="trap")


if __name__ == "__main__":
    sys.exit(h.main([
        requests_and_answers,
        interrupts,
        regions,
        opens_and_closes,
        dma,
        memory_that_goes_away,
        every_point_fails_once,
        dma_by_every_kind_of_page_table,
    ]))
