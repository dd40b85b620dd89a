# SPDX-License-Identifier: MIT
"""Descriptors: races with their users, and when the last of them is closed.

The trace says in which order the supervisor saw things: the close of a context
comes after every request in it, and before what its owner does next.
"""
import sys

import harness as h


def closed_and_replaced_while_in_use():
    for way in h.ways():
        h.run_client("closes", **way)


def traced(*words):
    trace = h.FILES.name(".trace")
    done = h.run_client("client", *words,
                        options=("--test-abi", "--trace", trace))
    return h.trace_of(trace), done


def kinds(events):
    return [e["event"] for e in events]


def of_kind(events, kind):
    return [i for i, e in enumerate(events) if e["event"] == kind]


def the_close_comes_before_the_next_call():
    events, _ = traced("open", "C", "alloc", "C", "a", "close", "C",
                       "open", "D", "alloc", "D", "b", "close", "D",
                       "open", "E")
    opens, closes = of_kind(events, "open"), of_kind(events, "close")
    h.expect(len(opens) == 3 and len(closes) == 3, kinds(events))
    h.expect(opens[0] < closes[0] < opens[1] < closes[1] < opens[2]
             < closes[2], kinds(events))


def a_copy_postpones_the_close():
    events, done = traced("open", "C", "dup", "C", "D", "close", "C",
                          "alloc", "D", "a", "close", "D", "open", "E")
    h.expect("a=1" in done.out, done)
    opens, closes = of_kind(events, "open"), of_kind(events, "close")
    commands = of_kind(events, "ioctl")
    h.expect(len(opens) == 2 and len(closes) == 2, kinds(events))
    h.expect(opens[0] < commands[0] < closes[0] < opens[1], kinds(events))


def a_child_postpones_the_close():
    events, done = traced("open", "C", "fork", "sleep", "30", "alloc", "C",
                          "a")
    h.expect("a=1" in done.out and "child 0" in done.out, done)
    h.expect(kinds(events).count("close") == 1, kinds(events))
    h.expect(kinds(events)[-1] == "close", kinds(events))


def an_exec_keeps_what_is_not_closed():
    events, done = traced("open", "C", "alloc", "C", "a", "exec",
                          "ioctl", "3", "0x3b64")
    h.expect("ioctl 0" in done.out, done)
    h.expect(kinds(events).count("open") == 1, kinds(events))
    h.expect(kinds(events).count("close") == 1, kinds(events))


def forgotten_files_are_closed_at_the_end():
    events, _ = traced("open", "A", "open", "B", "open", "C", "alloc", "A",
                       "a", "queue", "B", "q", "access", "A", "a", "x")
    h.expect(kinds(events).count("open") == 3, kinds(events))
    # An access and a queue are files as well.
    h.expect(kinds(events).count("close") >= 3, kinds(events))


sys.exit(h.main([
    closed_and_replaced_while_in_use,
    the_close_comes_before_the_next_call,
    a_copy_postpones_the_close,
    a_child_postpones_the_close,
    an_exec_keeps_what_is_not_closed,
    forgotten_files_are_closed_at_the_end,
]))
