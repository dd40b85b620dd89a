# SPDX-License-Identifier: MIT
"""Programs that are killed at any moment, and what is left of them: nothing.

clients/kill.c kills its workers 1000 times below one supervisor, and looks by
requests; here its supervisor is looked at from outside, early and at the end.
"""
import glob
import os
import signal
import sys

import harness as h

TIMES = 1000
# Resident memory may settle at another size, but not grow with each of them:
# pages kept for each of the kills in between would be several times as much.
SLACK_KB = 4096


def supervisor_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children",
              encoding="ascii") as f:
        children = [int(pid) for pid in f.read().split()]
    h.expect(len(children) == 1, "children of the guardian:", children)
    return children[0]


def measure(pid):
    """Open descriptors, resident KiB, threads."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(line.split(":", 1) for line in f)
    return (len(os.listdir(f"/proc/{pid}/fd")),
            int(status["VmRSS"].split()[0]), int(status["Threads"]))


def thousand_workers_leave_nothing():
    process = h.start([h.FILES.public(h.IOAS), "run", "--test-abi", "--",
                       h.client("kill"), "killer", h.SEED, TIMES],
                      stdin=-1,
                      # What a sanitizer keeps back is not what we keep.
                      env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                           ":quarantine_size_mb=1"})
    pid, seen = None, []
    try:
        for _ in range(2):
            line = process.stdout.readline()
            h.expect(line == b"look\n", line, process.poll())
            pid = pid or supervisor_of(process)
            seen.append(measure(pid))
            process.stdin.write(b"x")
            process.stdin.flush()
    finally:
        done = h.finish(process, "killer", timeout=90)
    h.expect(done.rc == 0 and f"ok {TIMES}" in done.out, done)
    early, late = seen
    print(f"# descriptors, KiB, threads: {early}, {late}")
    # What one worker has may be on its way out at either moment.
    h.expect(abs(late[0] - early[0]) <= 8, "descriptors:", early, late)
    h.expect(late[1] - early[1] < SLACK_KB, "memory:", early, late)
    h.expect(late[2] - early[2] <= 4, "threads:", early, late)


def whole_runs_that_kill_themselves():
    for seed in range(50):
        done = h.run_client("kill", "suicide", h.SEED * 1000 + seed, want=None,
                            **h.ways()[seed % len(h.ways())])
        h.expect(done.rc == -signal.SIGKILL, done)
        h.expect(not h.settled(h.tagged), "left:", h.tagged())


def a_killed_program_among_others():
    """Its orphans are served on, and what it had is not theirs."""
    script = f"({h.client('threads')} own; echo rest >&2) & " \
             "kill -KILL $$; wait"
    done = h.run("sh", "-c", script, options=("--test-abi",), want=None)
    h.expect(done.rc == -signal.SIGKILL, done)


def temporary_directories_are_gone():
    h.run("true", mode=h.modes()[-1])
    names = glob.glob(h.FILES.directory + "/ioas-run-*")
    h.expect(not names, names)


sys.exit(h.main([
    thousand_workers_leave_nothing,
    whole_runs_that_kill_themselves,
    a_killed_program_among_others,
    temporary_directories_are_gone,
]))
