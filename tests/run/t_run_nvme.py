# SPDX-License-Identifier: MIT
"""The NVMe controller below `ioas run`: a driver of our own, at random.

What it wrote has to be in the files (clients/vfio_nvme.c); what it does wrong
must hurt nobody (clients/vfio_nvme_bad.c).
"""
import os
import random
import sys

import harness as h
from t_run_vfio import TIMES, devices

SIZE = 2 << 20


def image(rng):
    return h.FILES.write(rng.randbytes(SIZE), mode=0o666)


def random_commands(queues, batches, **way):
    rng = random.Random(h.SEED)
    files = [image(rng) for _ in range(3)]
    disk = f"file={files[0]},file={files[1]},lba=4096,file={files[2]},ro"
    h.run_client("vfio_nvme", h.SEED, batches * TIMES, queues, *files,
                 options=devices(disk), **way)
    for name in files:
        os.unlink(name)


def what_is_written_is_in_the_files():
    for way in h.ways():
        random_commands(8, 60, **way)


def one_queue_does_all():
    random_commands(1, 60)


def as_many_queues_as_there_are():
    random_commands(63, 60)


def what_drivers_do_wrong():
    for way in h.ways():
        h.run_client("vfio_nvme_bad", "all", h.SEED, 12 * TIMES, options=devices(),
                     **way)


if __name__ == "__main__":
    sys.exit(h.main([
        what_is_written_is_in_the_files,
        one_queue_does_all,
        as_many_queues_as_there_are,
        what_drivers_do_wrong,
    ]))
