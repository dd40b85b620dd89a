#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libioas-preload.so in programs of ours and of others.

usage: t_preload.py OBJECT MAP CLIENT RUN_CLIENTS

OBJECT is the preloaded object, MAP its list of names, CLIENT the program
client.c, RUN_CLIENTS the directory of the clients of `ioas run`.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

OBJECT, MAP, CLIENT, RUN_CLIENTS = map(os.path.abspath, sys.argv[1:5])
LIMIT = 30

# What holds in a process of its own: no descriptor crosses fork() or exec().
RUN_CASES = {
    "closes": ["exchanged", "ordered"],
    "flood": [""],
    "garbage": [""],
    "memory": ["private", "shared", "anonymous", "memfd", "file", "program",
               "by_file", "protected", "arguments"],
    "queues": ["numbers", "faults_are_read", "answers_are_written", "vectors",
               "polls_wake_up", "epolls_wake_up", "alone", "events_are_read",
               "few_numbers"],
    "signals": [""],
    "threads": [""],
}
CASES = ["memory", "ranges", "container", "region", "bad_addresses",
         "nodes", "duplicates", "ranges_closed", "flags", "closed_past_us",
         "queue_is_selected", "forked", "vforked", "executed", "handlers",
         "threads"]

C_SOURCE = "#include <stdio.h>\nint main(void) { puts(\"built\"); return 3; }\n"
PYTHON = r"""
import ctypes, errno, mmap, os, subprocess, tempfile
libc = ctypes.CDLL(None, use_errno=True)
print(libc.open(None, 0), ctypes.get_errno() == errno.EFAULT)
print(libc.open(ctypes.c_void_p(8), os.O_CREAT), ctypes.get_errno())
with tempfile.TemporaryFile() as f:
    f.write(b"x" * 8192)
    f.flush()
    print(os.pread(f.fileno(), 3, 7), os.lseek(f.fileno(), 0, 1))
    print(os.preadv(f.fileno(), [bytearray(4)], 0), os.fstat(f.fileno()).st_size)
    m = mmap.mmap(f.fileno(), 8192)
    print(m[:2])
    m.close()
    d = os.dup(f.fileno())
    print(os.dup2(d, 77), os.get_inheritable(77))
    os.close(77)
    os.closerange(d, 100)
r, w = os.pipe()
os.write(w, b"pipe")
print(os.read(r, 10), os.path.exists("/dev/iommu/x"), os.access("/", 7))
print(subprocess.run(["sh", "-c", "echo $0; exit 4"], close_fds=True).returncode)
pid = os.fork()
if not pid:
    os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def run(command, cwd=None, **env):
    """What a program does: exit status, stdout, stderr."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("IOAS_")}
    full.update(env)
    done = subprocess.run(command, env=full, cwd=cwd, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def preloaded(command, **env):
    env.setdefault("IOAS_PRELOAD_QUIET", "1")
    return run(command, LD_PRELOAD=OBJECT, **env)


def client(program, case, **env):
    def check():
        status, out, err = preloaded([program] + ([case] if case else []),
                                     **env)
        if status not in (0, 77):
            return f"status {status}\n{out.decode()}{err.decode()}"
        return None
    return check


def same(command):
    """A program that has nothing to do with us, with and without."""
    def check():
        with tempfile.TemporaryDirectory() as where:
            with open(os.path.join(where, "a.c"), "w", encoding="ascii") as f:
                f.write(C_SOURCE)
            plain = run(command, where)
            ours = run(command, where, LD_PRELOAD=OBJECT)
        return None if plain == ours else f"{plain}\nwith us {ours}"
    return check


def names():
    """The object shows what the map lists, and nothing else."""
    with open(MAP, encoding="ascii") as f:
        want = set(re.findall(r"^\t(\w+);$", f.read(), re.M))
    out = run(["nm", "-D", "--defined-only", OBJECT])[1].decode()
    have = {line.split()[-1] for line in out.splitlines()}
    return None if have == want and want else f"{sorted(have ^ want)}"


def complaint():
    """One line of ours about fork(), unless it is not wanted."""
    loud = run([CLIENT, "forked"], LD_PRELOAD=OBJECT,
               IOAS_PRELOAD_TEST_ABI="1")[2]
    quiet = preloaded([CLIENT, "forked"], IOAS_PRELOAD_TEST_ABI="1")[2]
    if loud.count(b"ioas: preload: ") == 1 and not quiet:
        return None
    return f"{loud}\n{quiet}"


def listed():
    """The nodes look like devices to a program that lists them."""
    command = ["ls", "-ln", "/dev/iommu", "/dev/vfio/vfio"]
    status, out, err = preloaded(command)
    lines = out.decode().splitlines()
    good = all(re.match(r"crw.* 10, *\d+ ", line) for line in lines)
    return None if not status and not err and len(lines) == 2 and good \
        else f"{status} {out} {err}"


def bare():
    """Without us there is no such device, or it is the system's own."""
    if os.path.exists("/dev/iommu"):
        return None
    status = run([CLIENT, "memory"])[0]
    return None if status == 1 else f"status {status}"


def checks():
    for case in CASES:
        yield case, client(CLIENT, case, IOAS_PRELOAD_TEST_ABI="1")
        if case in ("memory", "bad_addresses", "handlers"):
            yield case + " by system calls", client(
                CLIENT, case, IOAS_PRELOAD_TEST_ABI="1",
                IOAS_PRELOAD_NO_SIGNALS="1")
    yield "limited", client(
        CLIENT, "limited", IOAS_PRELOAD_TEST_ABI="1",
        IOAS_PRELOAD_MEMLOCK=str(2 * os.sysconf("SC_PAGESIZE")))
    yield "no mock", client(CLIENT, "no_mock")
    for program, cases in RUN_CASES.items():
        for case in cases:
            yield f"run: {program} {case}".strip(), client(
                os.path.join(RUN_CLIENTS, program), case,
                IOAS_PRELOAD_TEST_ABI="1")
    for what in (names, complaint, listed, bare):
        yield what.__name__, what
    commands = [
        ["ls", "-ln", "/dev/null", "/dev/nothing", "/etc"],
        ["sh", "-c", "echo a | tr a b >x; cat <x; cat x >&2; exec 7<x; "
                     "(read l; echo $l) <&7; ls y; rm x; exit 6"],
        [sys.executable, "-c", PYTHON],
        ["sh", "-c", "gcc -O2 -c a.c && cat a.o"],
        ["sh", "-c", "gcc a.c && ./a.out"],
    ]
    for command in commands:
        if shutil.which(command[0]):
            label = " ".join([os.path.basename(command[0])] + command[1:])
            yield f"as ever: {label.split(chr(10))[0][:30]}", same(command)


def main():
    bad = nr = 0
    for nr, (name, check) in enumerate(checks(), 1):
        try:
            why = check()
        except subprocess.TimeoutExpired as e:
            why = str(e)
        bad += why is not None
        print("not ok" if why else "ok", nr, "-", name, flush=True)
        if why:
            print("# " + why.replace("\n", "\n# "), flush=True)
    print(f"1..{nr}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
