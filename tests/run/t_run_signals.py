# SPDX-License-Identifier: MIT
"""Signals: to the program in the middle of calls, and to `ioas run` itself."""
import os
import signal
import subprocess
import sys
import time

import harness as h


def calls_have_their_effect_once():
    for way in h.ways():
        h.run_client("signals", **way)


def so_it_is_in_a_static_program():
    if not os.path.exists(os.path.join(h.CLIENTS, "signals_static")):
        raise h.Skip("there are no static programs")
    h.run_client("signals_static")


def exit_statuses_are_passed_on():
    for status in (0, 1, 77, 125, 255):
        h.run("sh", "-c", f"exit {status}", want=status)


def deaths_are_passed_on():
    for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP):
        h.run("sh", "-c", f"kill -{int(sig)} $$", want=-sig)


def what_cannot_be_started_is_said():
    done = h.run("/nonexistent/program", want=127)
    h.expect("/nonexistent/program" in done.err, done)
    done = h.run(h.FILES.write(b"#!/bin/true\n"), want=126)
    h.expect(done.err, done)


def started(*program):
    """Running, and past its first line of output."""
    process = h.start([h.FILES.public(h.IOAS), "run", "--test-abi", "--",
                       *program])
    line = process.stdout.readline()
    h.expect(line == b"here\n", line)
    return process


def ended(process):
    return h.finish(process, "program").rc


def signals_reach_the_program():
    script = "trap 'echo got; exit 7' {}; echo here; while :; do sleep 0.05; done"
    for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2"):
        process = started("sh", "-c", script.format(name))
        process.send_signal(getattr(signal, "SIG" + name))
        done = h.finish(process, name)
        h.expect(done.rc == 7 and "got" in done.out, name, done)


def stops_and_goes_on():
    script = "i=0; echo here; while [ $i -lt 40 ]; do i=$((i+1)); " \
             "sleep 0.02; done"
    process = started("sh", "-c", script)
    process.send_signal(signal.SIGTSTP)
    time.sleep(0.1)
    process.send_signal(signal.SIGCONT)
    h.expect(ended(process) == 0, "status")


def a_killed_run_takes_all_along():
    process = started("sh", "-c", "sleep 100 & echo here; sleep 100")
    process.kill()
    h.expect(ended(process) == -signal.SIGKILL, "status")
    # That nothing is left, the harness finds out.


def supervisors(process):
    """Children of the guardian that are `ioas run` themselves."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children",
              encoding="ascii") as f:
        return [int(pid) for pid in f.read().split()]


def a_killed_supervisor_takes_all_along():
    process = started("sh", "-c", "sleep 100 & echo here; sleep 100; exit 3")
    for pid in supervisors(process):
        os.kill(pid, signal.SIGKILL)
    done = h.finish(process, "run")
    h.expect(done.rc == 125 and "ioas: run:" in done.err, done)


def a_hanging_process_holds_up_nobody():
    """One is stopped in the middle of requests, others go on."""
    script = f"{h.client('kill')} work 5 & child=$!; sleep 0.1; " \
             f"kill -STOP $child; {h.client('threads')} own; status=$?; " \
             "kill -KILL $child; exit $status"
    h.run("sh", "-c", script, options=("--test-abi",))


def output_is_not_mixed_up():
    """Nothing of ours on stdout, and on stderr only with -v."""
    done = h.run("sh", "-c", "echo out; echo err >&2", options=("--quiet",))
    h.expect(done.out == "out\n" and done.err == "err\n", done)


def standard_input_is_the_programs():
    done = h.run("cat", stdin=b"some words\n")
    h.expect(done.out == "some words\n", done)
    done = h.run("sh", "-c", "echo no input", stdin=subprocess.DEVNULL)
    h.expect(done.out == "no input\n", done)


sys.exit(h.main([
    calls_have_their_effect_once,
    so_it_is_in_a_static_program,
    exit_statuses_are_passed_on,
    deaths_are_passed_on,
    what_cannot_be_started_is_said,
    signals_reach_the_program,
    stops_and_goes_on,
    a_killed_run_takes_all_along,
    a_killed_supervisor_takes_all_along,
    a_hanging_process_holds_up_nobody,
    output_is_not_mixed_up,
    standard_input_is_the_programs,
]))
