# SPDX-License-Identifier: MIT
"""What the tests of `ioas run` share: running it, who as, what may be left.

usage of a test: NAME.py IOAS CLIENTS [SEED] [CASE]

CLIENTS is the directory of our own clients (clients/); CASE is a part of the
names of the cases to run. Each run has a word of its own in its environment, by
which its processes are found, and a directory for what is temporary: after each
case neither processes nor files nor descriptors of it may be left.
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

IOAS = os.path.abspath(sys.argv[1])
CLIENTS = os.path.abspath(sys.argv[2])
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
NOBODY = 65534
ROOT = os.geteuid() == 0
# A sanitizer's report, or a broken promise of the library.
CRASH = re.compile(r"Sanitizer|runtime error:|check failed|Assertion")
# Of a client that has nothing to say here.
SKIPPED = 77
LIMIT = 60
# A shell's job in the background ignores them, and so would all that we start.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class Failed(Exception):
    """A case does not hold."""


class Skip(Exception):
    """A case that this machine cannot have; says why."""


def expect(cond, *what):
    if not cond:
        raise Failed(" ".join(str(w) for w in what)[:4000])


def reachable(path):
    """May another user open it?"""
    while path != "/":
        if not os.stat(path).st_mode & 1:
            return False
        path = os.path.dirname(path)
    return True


class Files:
    """A directory for the test, which every user may use."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="ioas-test-")
        self.directory, self.nr = self.temporary.name, 0
        os.chmod(self.directory, 0o777)

    def name(self, suffix=""):
        self.nr += 1
        return os.path.join(self.directory, f"{self.nr}{suffix}")

    def write(self, content, mode=0o644):
        name = self.name()
        with open(name, "wb") as f:
            f.write(content)
        os.chmod(name, mode)
        return name

    def subdirectory(self, user=False):
        """Of that user."""
        name = self.name()
        os.mkdir(name)
        os.chmod(name, 0o777)
        if user and ROOT:
            os.chown(name, NOBODY, NOBODY)
        return name

    def public(self, path):
        """The same program where every user can execute it."""
        if reachable(path):
            return path
        copy = os.path.join(self.directory, os.path.basename(path))
        if not os.path.exists(copy):
            shutil.copy(path, copy)
            os.chmod(copy, 0o755)
        return copy


FILES = Files()
# Of what was started for this case.
PIDS = set()
# Directories that were there before the case: numbers are used again.
OLD = set()
TAG = f"{os.getpid()}-{os.path.basename(FILES.directory)}"


def client(name):
    return FILES.public(os.path.join(CLIENTS, name))


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def environment(more=None):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("IOAS_", "LD_"))}
    return {**env, "IOAS_TEST_TAG": TAG, "TMPDIR": FILES.directory,
            "LC_ALL": "C", **(more or {})}


class Done:
    """What came of a program."""

    def __init__(self, call, rc, out, err):
        self.call, self.rc, self.out, self.err = call, rc, out, err

    def __str__(self):
        return f"{self.call} -> {self.rc}\n{self.out[-2000:]}\n" \
               f"{self.err[-1500:]}"


def start(args, user=False, **more):
    """A process of our own tag, in a session of its own."""
    keys = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "start_new_session": True,
            "cwd": FILES.directory, **more}
    keys["env"] = environment(more.get("env"))
    if user and ROOT:
        keys["preexec_fn"] = as_nobody
    process = subprocess.Popen([str(a) for a in args], **keys)
    PIDS.add(process.pid)
    return process


def finish(process, call, timeout=LIMIT):
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        left = "".join(describe(pid) for pid in tagged())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        slay()
        out, err = process.communicate()
        raise Failed(call, "did not end:", out[-1500:], err[-1500:],
                     left) from None
    out, err = (b if b else b"" for b in (out, err))
    done = Done(call, process.returncode, out.decode(errors="replace"),
                err.decode(errors="replace"))
    expect(not CRASH.search(done.err), done)
    return done


def execute(args, timeout=LIMIT, stdin=None, **more):
    """Without `ioas run`: to compare with."""
    call = " ".join(map(str, args))
    if isinstance(stdin, bytes):
        with open(FILES.write(stdin), "rb") as f:
            return finish(start(args, stdin=f, **more), call, timeout)
    return finish(start(args, **more), call, timeout)


def run(*program, options=(), mode=None, want=0, **more):
    """`ioas run OPTIONS -- PROGRAM`; @want: exit status, None: any."""
    args = [FILES.public(IOAS), "run", *options]
    if mode:
        args += ["--mode", mode]
    done = execute([*args, "--", *program], **more)
    if done.rc == SKIPPED and want != SKIPPED:
        raise Skip(done.out.strip().splitlines()[-1] if done.out.strip()
                   else "the client says so")
    expect(want is None or done.rc == want, "want", want, ":", done)
    return done


def run_client(name, *args, options=("--test-abi",), **more):
    """A client of ours, which checks by itself and says what does not hold."""
    return run(client(name), *args, options=options, **more)


def trace_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


# ---- modes and users ---------------------------------------------------------

def users():
    return (False, True) if ROOT else (False,)


WAYS = {}


def namespaces(user):
    """Does doctor say that this user can have namespaces?"""
    if user not in WAYS:
        call = [FILES.public(IOAS), "doctor", "--json"]
        done = execute(call, user=user)
        WAYS[user] = any(
            probe.get("ok") and "namespace" in probe.get("name", "")
            for probe in json.loads(done.out).get("probes", ()))
    return WAYS[user]


def modes(user=False):
    """Modes that can be had by that user."""
    return ("trap", "namespace") if namespaces(user) else ("trap",)


def ways():
    """Every pair of user and mode, as keywords of run()."""
    return [{"user": user, "mode": mode}
            for user in users() for mode in modes(user)]


# ---- what is left ------------------------------------------------------------

def tagged():
    """Processes that were started here, in whatever depth."""
    word, found = f"IOAS_TEST_TAG={TAG}".encode(), []
    for directory in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError):
            with open(directory + "/environ", "rb") as f:
                if word in f.read().split(b"\0"):
                    found.append(int(os.path.basename(directory)))
    return [pid for pid in found if pid != os.getpid()]


def describe(pid):
    """For people: what it does, and where it waits."""
    text = f"\n{pid}:"
    for name in ("cmdline", "wchan", "syscall"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/{name}", "rb") as f:
                text += " " + f.read(200).replace(b"\0", b" ").decode(
                    errors="replace")
    return text


def slay():
    for pid in tagged():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def settled(what, seconds=5.0):
    """The first empty answer of @what, or its last."""
    end = time.monotonic() + seconds
    while (found := what()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def directories():
    return [name for place in (FILES.directory, "/tmp", "/dev/shm", "/run")
            for name in glob.glob(place + "/ioas-run-*")]


def litter():
    """Directories of our runs: their names have the number of the process."""
    return [name for name in directories() if name not in OLD
            and PIDS & {int(n) for n in re.findall(r"\d+", name)}]


def sweep(names):
    for name in names:
        shutil.rmtree(name, ignore_errors=True)


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


def nothing_left(before):
    # In the middle of execve a process shows no environment.
    found = settled(tagged) or settled(tagged)
    left = "".join(describe(pid) for pid in found)
    slay()
    expect(not found, "processes are left:", left)
    names = settled(litter)
    sweep(names)
    PIDS.clear()
    expect(not names, "directories are left:", names)
    now = descriptors()
    expect(len(now) == len(before), "descriptors are left:", before, now)


# ---- answers -----------------------------------------------------------------

def usable():
    return execute([FILES.public(IOAS), "doctor"]).rc == 0


# What a case that does not hold raises.
KNOWN = (Failed, LookupError, ValueError, TypeError, OSError, AttributeError,
         StopIteration)


def because(error):
    return f"\n# {type(error).__name__}: " + str(error).replace("\n", "\n# ")


def one(case):
    """ok, and a remark."""
    before = descriptors()
    OLD.clear()
    OLD.update(directories())
    remark = ""
    try:
        case()
    except Skip as why:
        remark = f" # SKIP {why}"
    except KNOWN as error:
        remark = because(error)
    try:
        nothing_left(before)
    except Failed as error:
        # Where a case fails it may leave things; the first is the reason.
        if "#" not in remark or "# SKIP" in remark:
            remark = because(error)
    return not remark or "# SKIP" in remark, remark


def main(cases):
    part = sys.argv[4] if len(sys.argv) > 4 else ""
    cases = [case for case in cases if part in case.__name__]
    failed = 0
    with FILES.temporary:
        if not usable():
            print("1..0 # SKIP ioas doctor: `ioas run` does not work here")
            return 0
        print(f"1..{len(cases)}", flush=True)
        for nr, case in enumerate(cases, 1):
            begun = time.monotonic()
            ok, remark = one(case)
            failed += not ok
            print(f"{'ok' if ok else 'not ok'} {nr} - {case.__name__}{remark}",
                  flush=True)
            print(f"# {case.__name__}: {time.monotonic() - begun:.2f} s",
                  flush=True)
    return 1 if failed or not cases else 0
