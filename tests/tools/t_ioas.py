#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command itself: verbs, options, help, what goes wrong outside of it.

usage: see command.py
"""
import os
import re
import subprocess
import sys

from command import FILES, IOAS, VECTORS, expect, ioas, main


MISUSES = [
    ([], "no verb"),
    (["no-such"], "no-such: no such verb"),
    (["--no-such"], "--no-such: no such option"),
    (["pt"], "no verb"),
    (["pt", "no-such"], "ioas: pt: no-such"),
    (["pt", "replay"], "one FILE is wanted"),
    (["pt", "replay", "a", "b"], "one FILE is wanted"),
    (["pt", "replay", "--level", "1", "a"], "--level: no such option"),
    (["pt", "replay", "--only"], "--only: wants an argument"),
    (["pt", "replay", "--json=1", "a"], "--json=1: wants no argument"),
    (["pt", "replay", "-x"], "-x: no such option"),
    (["pt", "walk"], "one IOVA is wanted"),
    (["pt", "walk", "1"], "--root FILE and --vector NAME"),
    (["pt", "walk", "--root", "x", "--vector", "y", "1"], "one of --root"),
    (["pt", "walk", "--root", "x", "1"], "--format is missing"),
    (["pt", "walk", "--root", "x", "--format", "z", "1"], "not one of amdv1"),
    (["pt", "walk", "--vector", "x", "--levels", "3", "1"], "--vector"),
    (["pt", "walk", "--vector", "x", "--access", "q", "1"], "--access: q"),
    (["pt", "walk", "--root", "x", "--format", "amdv1", "--levels", "7", "1"],
     "geometry of amdv1"),
    (["pt", "walk", "--root", "x", "--format", "amdv1", "--levels", "0", "1"],
     "--levels: 0: not a number from 1 to 8"),
    (["pt", "walk", "--root", "x", "--format", "vtdss", "--va-bits", "64",
      "1"], "geometry of vtdss"),
    (["pt", "walk", "--root", "x", "--format", "vtdss", "--granule", "64K",
      "1"], "--granule"),
    (["pt", "walk", "--root", "x", "--format", "arm64_s1", "--granule", "3",
      "1"], "--granule: 3"),
    (["pt", "walk", "--root", "x", "--format", "arm64_s1", "--dirty=on",
      "1"], "--dirty: on: neither yes nor no"),
    (["pt", "walk", "--root", "x", "--format", "vtdss", "--c-bit", "47",
      "1"], "geometry of vtdss"),
    (["pt", "walk", "--root", "x", "--format", "vtdss", "--root-pa", "0x10",
      "1"], "--root-pa: 0x10: "),
    (["pt", "explain", "1"], "--format is missing"),
    (["pt", "explain", "--format", "amdv1"], "one ENTRY is wanted"),
    (["pt", "explain", "--format", "amdv1", "x"], "x: not a number"),
    (["pt", "explain", "--format", "amdv1", "--level", "3", "1"],
     "--level: 3: the table has levels 0 to 2"),
    (["pt", "explain", "--format", "amdv1", "--root", "x", "1"],
     "--root: no such option"),
    (["pt", "show", "--vector", "x", "1"], "1: no operand"),
    (["pt", "show"], "one of --root"),
]


def misuse_is_said():
    for args, text in MISUSES:
        _, _, err = ioas(*args, want=2)
        expect(text in err and err.startswith("ioas: "), args, err)


def files_that_are_not_there():
    for args in (["pt", "show", "--format", "amdv1", "--root"],
                 ["pt", "show", "--vector", "amdv1-01", "--vectors"]):
        name = FILES.name()
        _, out, err = ioas(*args, name, want=1)
        expect(f"{name}: No such file" in err and not out, err)
    _, _, err = ioas("pt", "show", "--format", "amdv1", "--root",
                     FILES.directory, want=1)
    expect("neither a file nor a device" in err, err)
    _, _, err = ioas("pt", "show", "--vector", "no-such", "--vectors",
                     VECTORS, want=1)
    expect("no-such: no such vector" in err, err)


def help_and_version():
    _, out, _ = ioas("--version", want=0)
    expect(re.fullmatch(r"ioas \d+\.\d+\.\d+\n", out), out)
    for args in ([], ["pt"], ["pt", "replay"], ["pt", "walk"],
                 ["pt", "explain"], ["pt", "show"]):
        _, out, err = ioas(*args, "--help", want=0)
        expect(out.startswith("usage: ioas") and not err, out, err)
        expect(all(len(line) <= 80 for line in out.splitlines()), out)


def output_that_cannot_be_written():
    if not os.path.exists("/dev/full"):
        return
    for args in (["--help"], ["pt", "replay", VECTORS],
                 ["pt", "show", "--vectors", VECTORS, "--vector",
                  "amdv1-01"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([IOAS, *args], stdout=full, check=False,
                                  stderr=subprocess.PIPE, timeout=60)
        expect(done.returncode == 1 and b"No space left" in done.stderr,
               args, done)


if __name__ == "__main__":
    sys.exit(main([
        misuse_is_said,
        files_that_are_not_there,
        help_and_version,
        output_that_cannot_be_written,
    ]))
