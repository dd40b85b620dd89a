# SPDX-License-Identifier: MIT
"""What the tests of the command share: running it, files, answers in TAP.

usage of a test: NAME.py IOAS VECTORS [SEED] [CASE]

CASE is a part of the names of the cases to run.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

IOAS, VECTORS = sys.argv[1:3]
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
with open(VECTORS, encoding="utf-8") as vectors_file:
    DOC = json.load(vectors_file)
BY_ID = {v["id"]: v for v in DOC["vectors"]}
# A sanitizer's report, or a broken promise of the library.
CRASH = re.compile(r"Sanitizer|runtime error:|check failed|Assertion")


class Failed(Exception):
    """A case does not hold."""


def expect(cond, *what):
    if not cond:
        raise Failed(" ".join(str(w) for w in what)[:2000])


def ioas(*args, want=None):
    """Exit status, stdout, stderr."""
    done = subprocess.run([IOAS, *map(str, args)], capture_output=True,
                          timeout=60, check=False, stdin=subprocess.DEVNULL)
    out, err = done.stdout.decode(), done.stderr.decode()
    call = "ioas " + " ".join(map(str, args))
    expect(done.returncode in (0, 1, 2), call, "->", done.returncode, err)
    expect(not CRASH.search(err), call, err)
    if want is not None:
        expect(done.returncode == want, call, "->", done.returncode, "not",
               want, "\n", out, err)
    if done.returncode == 2:
        expect("--help" in err and not out, call, "\n", out, err)
    return done.returncode, out, err


def ioas_json(*args, want=None):
    status, out, err = ioas(*args, "--json", want=want)
    expect(out.count("\n") == 1, "not one line:", out)
    return status, json.loads(out), err


class Files:
    """Files that go with the test."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="ioas-tools-")
        self.directory, self.nr = self.temporary.name, 0

    def name(self):
        self.nr += 1
        return os.path.join(self.directory, str(self.nr))

    def write(self, content):
        name = self.name()
        with open(name, "wb") as f:
            f.write(content)
        return name

    def doc(self, vectors, **more):
        doc = {"schema": 1, "vectors": vectors, **more}
        return self.write(json.dumps(doc).encode())


FILES = Files()


def hexa(n):
    return hex(n & (2**64 - 1))


def entries(v, kind=None):
    return [e for t in v["tables"] for e in t["entries"]
            if kind in (None, e["kind"])]


def main(cases):
    part = sys.argv[4] if len(sys.argv) > 4 else ""
    cases = [case for case in cases if part in case.__name__]
    failed = 0
    print(f"1..{len(cases)}")
    with FILES.temporary:
        for nr, case in enumerate(cases, 1):
            try:
                case()
                print(f"ok {nr} - {case.__name__}", flush=True)
            except (Failed, LookupError, ValueError, TypeError, OSError,
                    StopIteration, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"not ok {nr} - {case.__name__}", flush=True)
                for line in f"{type(error).__name__}: {error}".splitlines():
                    print(f"# {line}")
    return 1 if failed or not cases else 0
