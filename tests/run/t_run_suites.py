# SPDX-License-Identifier: MIT
"""What was written for other transports, over system calls.

  sys_*     the cases of tests/unit that say what each request answers
  failnth   each request with each point failing, by the kernel's files
  random    requests at random against a model of what they should do
"""
import glob
import os
import sys

import harness as h


def suite(name, **way):
    """Cases that hold, of those that this machine can have."""
    done = h.run_client(name, env={"CMOCKA_MESSAGE_OUTPUT": "TAP"}, want=None,
                        **way)
    lines = done.out.splitlines()
    bad = [line for line in lines
           if line.startswith("not ok") and "# SKIP" not in line]
    h.expect(done.rc == 0 and not bad, name, way, done.rc, bad[:5],
             done.err[-1000:])
    plan = [line for line in lines if line.startswith("1..")]
    good = [line for line in lines if line.startswith("ok ")]
    h.expect(plan, done)
    # Some need a second process, or a right that is not to be had.
    h.expect(len(good) * 10 >= int(plan[0][3:]) * 7, len(good), plan, done)


def suites():
    names = sorted(os.path.basename(name)
                   for name in glob.glob(os.path.join(h.CLIENTS, "sys_*"))
                   if os.access(name, os.X_OK) and os.path.isfile(name))
    h.expect(names, "no suites in", h.CLIENTS)
    return names


def every_request_answers_as_the_reference_says():
    for name in suites():
        suite(name, mode="trap")


def so_it_does_without_rights():
    if not h.ROOT:
        raise h.Skip("the same as before")
    for name in suites():
        suite(name, user=True, mode="trap")


def so_it_does_in_namespaces():
    if "namespace" not in h.modes():
        raise h.Skip("there are no namespaces")
    for user in h.users():
        suite("sys_ioas", user=user, mode="namespace")
        suite("sys_map", user=user, mode="namespace")


def a_failure_anywhere_changes_nothing():
    for way in h.ways()[::max(len(h.ways()) - 1, 1)]:
        done = h.run_client("failnth", **way,
                            options=("--test-abi", "--fault-injection"))
        points = {line.split()[1]: int(line.split()[2])
                  for line in done.out.splitlines()}
        h.expect(len(points) > 30 and sum(points.values()) > 150, points)


def without_fault_injection_there_are_no_points():
    done = h.run_client("failnth", want=1)
    h.expect("errno 2" in done.err, done)


def a_random_client_gets_what_its_model_says():
    for i, way in enumerate(h.ways()):
        h.run_client("random", h.SEED * 100 + i, 4000, **way)


sys.exit(h.main([
    every_request_answers_as_the_reference_says,
    so_it_does_without_rights,
    so_it_does_in_namespaces,
    a_failure_anywhere_changes_nothing,
    without_fault_injection_there_are_no_points,
    a_random_client_gets_what_its_model_says,
]))
