# SPDX-License-Identifier: MIT
"""Drivers that do anything at all: the supervisor and the next driver live on."""
import sys

import harness as h
from t_run_vfio import TIMES, devices


def drivers_that_do_anything():
    for seed, way in enumerate(h.ways(), h.SEED):
        # At its end it looks whether all functions are as new.
        h.run_client("vfio_hostile", seed, 1500 * TIMES, options=devices(), **way)


def drivers_that_do_anything_and_points_fail():
    h.run_client("vfio_hostile", h.SEED, 1500 * TIMES,
                 options=("--fault-injection", *devices()), mode="trap")


def drivers_that_do_anything_and_are_killed():
    for seed in range(h.SEED, h.SEED + 3):
        process = h.start([h.FILES.public(h.IOAS), "run", *devices(), "--",
                           h.client("vfio_hostile"), seed, 100000])
        h.settled(lambda: len(h.tagged()) < 4)
        process.kill()
        h.finish(process, "vfio_hostile, killed")


if __name__ == "__main__":
    sys.exit(h.main([
        drivers_that_do_anything,
        drivers_that_do_anything_and_points_fail,
        drivers_that_do_anything_and_are_killed,
    ]))
