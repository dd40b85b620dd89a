# SPDX-License-Identifier: MIT
"""`ioas run --trace`: every call is a line that the schema allows, whatever
programs do; and a trace that cannot be written hurts no program."""
import contextlib
import os
import signal
import subprocess
import sys

import harness as h
import schema

SCHEMA = schema.Schema("trace")
PYTHON = os.path.realpath(sys.executable)
# A program that says what it wants to in requests of its own making.
PRELUDE = """
import fcntl, os, struct, sys
fd = os.open("/dev/iommu", os.O_RDWR | os.O_CLOEXEC)
def call(cmd, fmt=None, *values):
    block = bytearray(struct.pack("=" + fmt, *values)) if fmt else 0
    try:
        ret = fcntl.ioctl(fd, cmd, block)
    except OSError as error:
        ret = -error.errno
    return ret, struct.unpack("=" + fmt, block) if fmt else ()
"""


def traced(*program, want=0, check=True, options=("--test-abi",), **more):
    """What came of it, and its events in the order in which they began."""
    path = h.FILES.name()
    done = h.run(*program, options=(*options, "--trace", path), want=want,
                 **more)
    events = h.trace_of(path)
    if check:
        check_all(events)
    return done, events


def check_all(events):
    for event in events:
        SCHEMA.check(event)
    serials = [event["serial"] for event in events]
    h.expect(sorted(serials) == list(range(1, len(serials) + 1)), serials)
    events.sort(key=lambda event: event["serial"])


def commands(events):
    return [event.get("command", event["event"]) for event in events]


def script(text, **more):
    return traced(PYTHON, "-c", PRELUDE + text, **more)


# ---- lines -------------------------------------------------------------------

def the_schema_allows_nothing_else():
    good = {"serial": 1, "time": "2026-01-31T12:00:00.000000001Z", "pid": 1,
            "tid": 1, "comm": "a", "event": "ioctl", "fd": 3,
            "command": "IOMMU_DESTROY", "args": {"id": 1}, "result": 0,
            "duration_us": 1.5}
    SCHEMA.check(good)
    for change in ({"serial": 0}, {"time": "12:00"}, {"event": "stat"},
                   {"command": "DESTROY"}, {"args": 1}, {"more": 1},
                   {"args": {"id": {}}}, {"result": "0"}, {"serial": None}):
        bad = {k: v for k, v in {**good, **change}.items() if v is not None}
        try:
            SCHEMA.check(bad)
        except ValueError:
            continue
        raise h.Failed("allowed:", bad)


def calls_are_there_with_their_arguments():
    done, events = traced(
        h.client("client"), *"open C alloc C a device C a map C a 2 p "
        "unmap C a p destroy C a close C pid".split())
    pid = int(done.out.split()[-1])
    h.expect(commands(events) == [
        "open", "IOMMU_IOAS_ALLOC", "IOMMU_TEST_CMD", "IOMMU_IOAS_MAP",
        "IOMMU_IOAS_UNMAP", "IOMMU_DESTROY", "close"], commands(events))
    for event in events[:-1]:
        h.expect(event["pid"] == event["tid"] == pid, event)
        h.expect(event["comm"] == "client", event)
        h.expect(event["file"] == "/dev/iommu", event)
    told, unmapped, destroyed = events[3:6]
    h.expect(told["args"]["length"] == 2 * os.sysconf("SC_PAGE_SIZE"), told)
    h.expect(told["args"]["flags"] == [
        "IOMMU_IOAS_MAP_WRITEABLE", "IOMMU_IOAS_MAP_READABLE"], told)
    iova = int(told["out"]["iova"], 16)
    h.expect(f"p={iova}\n" in done.out, told, done)
    h.expect(unmapped["args"]["iova"] == told["out"]["iova"], unmapped)
    h.expect(unmapped["out"]["length"] == told["args"]["length"], unmapped)
    # A device is attached to it.
    h.expect(destroyed["error"] == "EBUSY" and destroyed["result"] == -16,
             destroyed)
    h.expect(events[2]["args"]["op"] == "IOMMU_TEST_OP_MOCK_DOMAIN", events[2])


def wrong_calls_are_there_too():
    done, events = script("""
print(call(0x3bff)[0], call(0x3b85)[0])
print(call(0x3b85, "IIIIQQQ", 40, 4, 77, 0, 0, 4096, 0)[0])
print(call(0x3b85, "IIIIQQQ", 20, 4, 77, 0, 0, 4096, 0)[0])
print(call(0x3b85, "IIIIQQQ", 40, 1 << 31, 1, 9, 0, 4096, 0)[0])
""")
    unknown, fault, missing, short, flags = (
        event for event in events if event["event"] == "ioctl")
    h.expect(unknown["command"] == "0x3bff" and unknown["args"] == {}
             and unknown["error"] == "ENOTTY", unknown)
    # A null pointer: nothing is known but the name.
    h.expect(fault["command"] == "IOMMU_IOAS_MAP" and fault["args"] == {}
             and fault["error"] == "EFAULT", fault)
    h.expect(missing["args"]["ioas_id"] == 77
             and missing["error"] == "ENOENT", missing)
    h.expect(short["error"] == "EINVAL", short)
    h.expect(flags["args"]["flags"] == ["0x80000000"]
             and flags["args"]["__reserved"] == 9
             and flags["error"] == "EOPNOTSUPP", flags)
    h.expect(done.out.split() == ["-25", "-14", "-2", "-22", "-95"], done)


def garbage_makes_good_lines():
    """Small numbers and enormous ones: none is an address of the program."""
    _, events = script(f"""
import random
rng, sizes = random.Random({h.SEED}), (8, 12, 16, 24, 32, 40, 48)
def word():
    return rng.choice((0, rng.randrange(9), rng.randrange(4096),
                       rng.getrandbits(64) | 1 << 63))
for i in range(2000):
    nr = rng.choice((rng.randrange(256), rng.randrange(0x64, 0xa2)))
    values = [word() for _ in range(9)]
    if rng.randrange(4):
        values[0] = 72 if nr == 0xa0 else rng.choice(sizes)
        values[0] |= rng.randrange(26) << 32
    call(0x3b00 | nr, "9Q", *values)
""", want=None)
    ioctls = [e for e in events if e["event"] == "ioctl"]
    h.expect(len(ioctls) >= 2000, len(ioctls))
    # Many of them get as far as to be copied.
    known = sum(bool(e["args"]) for e in ioctls)
    h.expect(known > 100, known)
    h.expect(len(set(commands(ioctls))) > 25, set(commands(ioctls)))


def children_have_their_own_numbers():
    done, events = traced(
        h.client("client"), *"open C pid alloc C a fork pid alloc C b".split())
    pids = [int(word) for before, word in
            zip(done.out.split(), done.out.split()[1:]) if before == "pid"]
    allocs = [event["pid"] for event in events
              if event.get("command") == "IOMMU_IOAS_ALLOC"]
    h.expect(len(set(pids)) == 2 and allocs == pids, pids, allocs)


def a_killed_program_ends_with_its_close():
    _, events = traced(
        h.client("client"),
        *"open C alloc C a device C a map C a 2 p kill 9".split(),
        want=-signal.SIGKILL)
    h.expect(commands(events)[-2:] == ["IOMMU_IOAS_MAP", "close"],
             commands(events))


def standard_error_is_a_file_as_well():
    done = h.run(h.client("client"), *"open C alloc C a".split(),
                 options=("--test-abi", "--trace", "-"))
    lines = [schema.json.loads(line) for line in done.err.splitlines()
             if line.startswith("{")]
    check_all(lines)
    h.expect(len(lines) == 3, done)


def two_runs_share_a_file():
    path = h.FILES.name()
    words = "open C alloc C a device C a".split() + \
        ["map", "C", "a", "1", "p", "unmap", "C", "a", "p"] * 25
    args = [h.FILES.public(h.IOAS), "run", "--test-abi", "--trace", path,
            "--", h.client("client"), *words[:250]]
    both = [h.start(args), h.start(args)]
    for process in both:
        h.expect(h.finish(process, "shared").rc == 0)
    by_pid = {}
    for event in h.trace_of(path):
        SCHEMA.check(event)
        if "pid" in event:
            by_pid.setdefault(event["pid"], []).append(event)
    h.expect(len(by_pid) == 2, list(by_pid))
    h.expect(len({len(events) for events in by_pid.values()}) == 1, by_pid)


def every_way_is_traced():
    for way in h.ways():
        path = h.FILES.name()
        h.run(h.client("client"), *"open C alloc C a close C".split(),
              options=("--test-abi", "--trace", path), **way)
        h.expect(commands(h.trace_of(path)) == [
            "open", "IOMMU_IOAS_ALLOC", "close"], way)


# ---- files that take no more -------------------------------------------------

WORDS = "open C alloc C a device C a map C a 2 p unmap C a p close C".split()


def unhurt(done):
    """The program saw nothing of it; people get one message."""
    h.expect("unmap" in done.out and done.out.rstrip().endswith("close 0"),
             done)
    h.expect(done.err.count("trace:") == 1, done)


def a_full_disk_hurts_no_program():
    done = h.run(h.client("client"), *WORDS,
                 options=("--test-abi", "--trace", "/dev/full"))
    unhurt(done)
    h.expect("No space left" in done.err, done)


def a_reader_that_leaves_hurts_no_program():
    path = h.FILES.name()
    os.mkfifo(path)
    reader = subprocess.Popen(["head", "-n", "1", path],
                              stdout=subprocess.PIPE)
    try:
        done = h.run(h.client("client"), "open", "C", "sleep", "200",
                     *WORDS[2:], options=("--test-abi", "--trace", path))
        line, _ = reader.communicate(timeout=h.LIMIT)
    finally:
        with contextlib.suppress(ProcessLookupError):
            reader.kill()
    SCHEMA.check(schema.json.loads(line))
    unhurt(done)


def a_file_that_cannot_be_opened_is_said_before():
    done = h.run(h.client("client"), *WORDS, want=125,
                 options=("--test-abi", "--trace", "/nowhere/at/all"))
    h.expect("/nowhere/at/all" in done.err and not done.out, done)


sys.exit(h.main([
    the_schema_allows_nothing_else,
    calls_are_there_with_their_arguments,
    wrong_calls_are_there_too,
    garbage_makes_good_lines,
    children_have_their_own_numbers,
    a_killed_program_ends_with_its_close,
    standard_error_is_a_file_as_well,
    two_runs_share_a_file,
    every_way_is_traced,
    a_full_disk_hurts_no_program,
    a_reader_that_leaves_hurts_no_program,
    a_file_that_cannot_be_opened_is_said_before,
]))
