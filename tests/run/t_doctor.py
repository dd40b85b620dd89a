# SPDX-License-Identifier: MIT
"""`ioas doctor`: what it says, in which form, and whether it is so."""
import json
import re
import sys

import harness
from harness import execute, expect, users

IOAS = harness.FILES.public(harness.IOAS)
LINE = re.compile(r"(ok|no|--) ([^:]+): (.+)")


def doctor(*options, prefix=(), **more):
    return execute([*prefix, IOAS, "doctor", *options], **more)


def probes(done):
    """By name; the object is checked."""
    expect(done.out.count("\n") == 1 and not done.err, done)
    answer = json.loads(done.out)
    expect(answer["schema"] == 1, done)
    works = all(p["ok"] for p in answer["probes"] if p["weight"] == "needed")
    expect(answer["works"] == works == (done.rc == 0), done)
    for p in answer["probes"]:
        expect(p["weight"] in ("needed", "useful", "fact"), p)
        expect(p["title"] and p["seen"], p)
        expect(p["ok"] or p["follows"], "and then?", p)
    by_name = {p["name"]: p for p in answer["probes"]}
    expect(len(by_name) == len(answer["probes"]) >= 15, done)
    return by_name


def says_the_same_in_both_forms():
    for user in users():
        known = probes(doctor("--json", user=user)).values()
        done = doctor(user=user)
        *lines, last = done.out.splitlines()
        expect(len(lines) == len(known), done)
        for p, text in zip(known, lines):
            mark, title, rest = LINE.fullmatch(text).groups()
            expect(title == p["title"], text, p)
            want = "ok" if p["ok"] else \
                "no" if p["weight"] == "needed" else "--"
            expect(mark == want, text, p)
            expect(p["ok"] or rest.endswith("; " + p["follows"]), text, p)
        expect(("does not" in last) == (done.rc != 0), done)
        more = doctor("-v", user=user)
        expect(len(more.out) >= len(done.out) and more.rc == done.rc, more)


def is_right():
    """A run works if, and only if, it says so; so do namespaces."""
    for user in users():
        done = doctor("--json", user=user)
        ran = execute([IOAS, "run", "true"], user=user)
        expect((ran.rc == 0) == (done.rc == 0), done, ran)
        ran = execute([IOAS, "run", "--mode", "namespace", "true"], user=user)
        expect((ran.rc == 0) == probes(done)["namespace"]["ok"], done, ran)


def says_no_below_a_run():
    for user in users():
        if doctor(user=user).rc:
            continue
        done = doctor("--json", prefix=(IOAS, "run", "--"), user=user)
        by_name = probes(done)
        expect(done.rc == 1 and not by_name["seccomp-listener"]["ok"], done)
        for name in ("seccomp-filter", "seccomp-killable", "pidfd", "memory"):
            expect(by_name[name]["ok"], name, done)


def sees_the_limits_of_its_process():
    def seen(name, limit):
        done = doctor("--json", prefix=("sh", "-c",
                                        limit + ' && exec "$@"', "x"))
        return probes(done)[name]
    few = seen("nofile", "ulimit -n 40")
    expect(not few["ok"] and few["seen"].startswith("40, "), few)
    many = seen("nofile", "ulimit -S -n 512")
    expect(many["ok"] and many["seen"].startswith("512, "), many)
    none = seen("memlock", "ulimit -S -l 64")
    expect(not none["ok"] and none["seen"].startswith("64 KiB"), none)


def misuse():
    for args in (("--no-such",), ("-x",), ("word",), ("--json", "word"),
                 ("--json=1",)):
        done = doctor(*args)
        expect(done.rc == 2 and not done.out and args[-1] in done.err and
               "--help" in done.err, done)
    done = doctor("--help")
    expect(done.rc == 0 and "--json" in done.out, done)
    with open("/dev/full", "wb") as full:
        done = doctor(stdout=full)
    expect(done.rc == 1 and "output" in done.err, done)


if __name__ == "__main__":
    # Also where it says no.
    harness.usable = lambda: True
    sys.exit(harness.main([
        says_the_same_in_both_forms, is_right, says_no_below_a_run,
        sees_the_limits_of_its_process, misuse,
    ]))
