# SPDX-License-Identifier: MIT
"""Clients whose calls wait for memory hold up nobody but themselves.

clients/blocker.c gives the memory only when the others' commands are done.
"""
import sys

import harness as h


def anywhere(case):
    """Where userfaultfd is allowed at all: that takes root, without namespaces."""
    why = None
    for way in h.ways():
        try:
            h.run_client("blocker", case, **way)
            why = ""
        except h.Skip as skip:
            why = why if why is not None else str(skip)
    if why:
        raise h.Skip(why)


def an_argument_that_does_not_come():
    anywhere("argument")


def many_of_them():
    anywhere("many")


def a_result_that_nobody_takes():
    anywhere("result")


def a_device_and_a_close_behind_it():
    anywhere("device")


def a_reader_of_a_queue():
    anywhere("reader")


def one_that_is_killed():
    anywhere("killed")


sys.exit(h.main([
    an_argument_that_does_not_come,
    many_of_them,
    a_result_that_nobody_takes,
    a_device_and_a_close_behind_it,
    a_reader_of_a_queue,
    one_that_is_killed,
]))
