# SPDX-License-Identifier: MIT
"""Devices in the middle of DMA, which may wait for memory as long as a program likes.

clients/vfio_stuck.c gives the memory when others are done, or never.
"""
import os
import socket
import sys

import harness as h
from t_run_vfio import devices

OPTIONS = devices()
# What ends in no time ends in this; what hangs does not. In seconds.
HANGS = 40


def anywhere(case):
    """Where userfaultfd is allowed at all: that takes root, without namespaces."""
    why = None
    for way in h.ways():
        try:
            h.run_client("vfio_stuck", case, options=OPTIONS, **way)
            why = ""
        except h.Skip as skip:
            why = why if why is not None else str(skip)
    if why:
        raise h.Skip(why)


def others_open_files_behind_its_close():
    anywhere("closed")


def others_have_eventfds():
    anywhere("events")


def no_dma_after_the_close():
    anywhere("late")


def a_number_that_is_used_while_it_is_closed():
    anywhere("shared")


def command(case, *options):
    return [h.FILES.public(h.IOAS), "run", *OPTIONS, *options, "--",
            h.client("vfio_stuck"), case]


def memory_that_the_run_cannot_give():
    report = h.FILES.name()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = h.start(command("outside", f"--report={report}"),
                              stdin=theirs)
        kept = socket.recv_fds(ours, 1, 1)[1]
        if kept:
            ours.send(b"k")
        done = h.finish(process, "vfio_stuck outside", HANGS)
        for fd in kept:
            os.close(fd)
    if done.rc == h.SKIPPED:
        raise h.Skip(done.out.strip())
    h.expect(kept and done.rc == 0, done)
    with open(report, encoding="utf-8") as f:
        h.expect('"devices"' in f.read(), "no report")


def messages_that_nobody_reads():
    unread, full = os.pipe()
    try:
        process = h.start(command("full"), stderr=full)
        os.close(full)
        done = h.finish(process, "vfio_stuck full", HANGS)
        # All of it that is ours.
        h.settled(h.tagged, HANGS)
    finally:
        os.close(unread)
    h.expect(done.rc == 0, done)


def a_supervisor_without_descriptors():
    process = h.start(["sh", "-c", 'ulimit -n 300; exec "$@"', "sh",
                       *command("unseen")])
    done = h.finish(process, "vfio_stuck unseen", HANGS)
    if done.rc == h.SKIPPED:
        raise h.Skip(done.out.strip())
    h.expect(done.rc == 0, done)


sys.exit(h.main([
    others_open_files_behind_its_close,
    others_have_eventfds,
    no_dma_after_the_close,
    a_number_that_is_used_while_it_is_closed,
    memory_that_the_run_cannot_give,
    messages_that_nobody_reads,
    a_supervisor_without_descriptors,
]))
