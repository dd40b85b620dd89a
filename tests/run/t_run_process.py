# SPDX-License-Identifier: MIT
"""`ioas run` as a process: status, signals, terminal, what is passed through,
what is left when one of the three processes goes."""
import contextlib
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import time

import harness
from harness import Failed, expect, run, settled, start, ways

PYTHON = next((p for p in (sys.executable, "/usr/bin/python3")
               if not harness.ROOT or harness.reachable(os.path.realpath(p))),
              sys.executable)
RUN = [harness.FILES.public(harness.IOAS), "run"]


def shell(script, **more):
    return run("sh", "-c", script, **more)


def state(pid):
    """As /proc says it: R, S, T...; empty: gone."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    return ""


def children(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children",
                  encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    return []


def until(what, why):
    """Wait for it to be true."""
    expect(not settled(lambda: not what(), 20.0), "did not happen:", why)


def line(process):
    """What a program says: it has got so far."""
    ready, _, _ = select.select([process.stdout], [], [], 20)
    expect(ready, "the program says nothing")
    return process.stdout.readline().decode().strip()


@contextlib.contextmanager
def running(*program, options=(), mode=None, **more):
    """A run whose program has said "ready PID"."""
    mode = ("--mode", mode) if mode else ()
    process = start([*RUN, *options, *mode, "--", *program], **more)
    try:
        word = line(process).split()
        expect(word[:1] == ["ready"], word, "is not ready")
        process.program = int(word[1])
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process):
    """Its exit status, as subprocess says it, and stderr."""
    done = harness.finish(process, "run")
    return done.rc, done.err


# ---- status ------------------------------------------------------------------

def exit_statuses():
    values = {0, 1, 2, 125, 126, 127, 128, 254, 255}
    values |= set(random.Random(harness.SEED).sample(range(256), 8))
    # The harness takes it for "cannot be tested here".
    values.discard(harness.SKIPPED)
    for value in sorted(values):
        done = shell(f"exit {value}", mode="trap", want=None)
        expect(done.rc == value, value, done)
        expect(not done.err, done)
    for way in ways():
        shell("exit 41", want=41, **way)


def deaths_by_signal():
    for name in ("TERM", "KILL", "SEGV", "ABRT", "INT", "HUP", "USR1",
                 "PIPE", "QUIT", "ALRM"):
        done = shell(f"ulimit -c 0; kill -{name} $$", want=None)
        expect(done.rc == -getattr(signal, "SIG" + name), name, done)


def errors_of_the_program():
    text = harness.FILES.write(b"data", 0o644)
    missing = harness.FILES.write(b"#!/nowhere/at/all\n", 0o755)
    for way in ways():
        done = run("no-such-program", want=127, **way)
        expect(done.err == "ioas: run: no-such-program: not found\n", done)
        run("/nowhere/no-such", want=127, **way)
        run("", want=127, **way)
        done = run(text, want=126, **way)
        expect("cannot be executed: Permission denied" in done.err, done)
        run("/", want=126, **way)
        done = run(missing, want=126, **way)
        expect("interpreter" in done.err, done)


def errors_of_the_command():
    for options, word in (
            (("--no-such",), "--no-such"), (("-x",), "-x"),
            (("--trace",), "--trace"), (("--trace", ""), "--trace"),
            (("--mode", "other"), "other"), (("--memlock", "some"), "some"),
            (("--quiet=yes",), "--quiet"), ((), "no program"),
            (("--preload", "--report", "true"), "--report")):
        done = harness.execute([*RUN, *options])
        expect(done.rc == 2 and word in done.err, options, done)
        expect(done.err.count("\n") == 1 and "--help" in done.err, done)
    for option in ("--trace", "--report"):
        done = run("true", options=(option + "=/nowhere/file",), want=125)
        expect(option in done.err and "/nowhere/file" in done.err, done)
    done = harness.execute([*RUN, "--help"])
    expect(done.rc == 0 and not done.err and "--memlock" in done.out, done)


def options_end_at_the_program():
    done = run("sh", "-c", "echo $*", "x", "-q", "--trace", "--")
    expect(done.out == "-q --trace --\n", done)
    done = harness.execute([*RUN, "-q", "sh", "-c", "echo $1", "x", "--help"])
    expect(done.rc == 0 and done.out == "--help\n", done)


def nested_runs_are_refused():
    done = run(*RUN, "true", want=125)
    expect('already under "ioas run"' in done.err, done)


def program_is_found_as_by_a_shell():
    first, second = (harness.FILES.subdirectory() for _ in range(2))
    for directory, mode, text in (
            (first, 0o644, b"#!/bin/sh\necho wrong\n"),
            (second, 0o755, b"#!/bin/sh\necho right $1\n")):
        with open(directory + "/prog", "wb") as f:
            f.write(text)
        os.chmod(directory + "/prog", mode)
    path = os.environ["PATH"]
    done = run("prog", "x", env={"PATH": f"{first}:{second}:{path}"})
    expect(done.out == "right x\n", done)
    run("prog", env={"PATH": f"{first}:{path}"}, want=126)
    done = run("prog", "y", env={"PATH": f":{path}"}, cwd=second)
    expect(done.out == "right y\n", done)
    plain = harness.FILES.write(b"echo plain $1 $#\n", 0o755)
    for way in ways():
        done = run(plain, "a", "b", **way)
        expect(done.out == "plain a 2\n", done)


def preloads_a_library():
    """Instead of a supervisor; what the options say is in its environment."""
    script = ("import os; print(os.open('/dev/iommu', os.O_RDWR) >= 0, "
              "*(f'{k}={v}' for k, v in sorted(os.environ.items()) "
              "if k.startswith('IOAS_PRELOAD')))")
    done = run(PYTHON, "-I", "-c", script, want=None,
               options=("--preload", "--test-abi", "--memlock", "64K", "-q"))
    if done.rc == 125:
        expect("libioas-preload.so: not found" in done.err, done)
        raise harness.Skip("this build has no library to be preloaded")
    expect(done.rc == 0 and not done.err and done.out ==
           "True IOAS_PRELOAD_MEMLOCK=65536 IOAS_PRELOAD_QUIET=1 "
           "IOAS_PRELOAD_TEST_ABI=1\n", done)
    run("no-such-program", options=("--preload",), want=127)
    run("/", options=("--preload",), want=126)


# ---- passed through ----------------------------------------------------------

SELF = r"""
import json, os, re, resource, sys
status = open("/proc/self/status").read()
def of(*names):
    return {n: re.search(rf"^{n}:\s*(.*)$", status, re.M)[1] for n in names}
mask = os.umask(0)
with open("/proc/self/limits") as f:
    limits = f.read()
fds = {}
for fd in range(250):
    try:
        fds[fd] = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        pass
out = {"env": dict(os.environ), "cwd": os.getcwd(), "umask": mask,
       "limits": limits, "fds": fds, "argv": sys.argv, "nice": os.nice(0),
       "ids": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()],
       "status": of("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd",
                    "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
os.write(5, json.dumps(out).encode())
"""

# Things that a program is started with, then the program.
WITH = r"""
import os, resource, signal, sys
os.umask(0o27)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGCHLD,
                                          signal.SIGRTMIN + 3})
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 300), hard))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
os.nice(3)
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 5)
os.set_inheritable(5, True)
os.dup2(os.open("/etc/passwd", os.O_RDONLY), 77)
os.set_inheritable(77, True)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def seen_by_program(prefix, user):
    directory = harness.FILES.subdirectory()
    out = directory + "/out"
    done = harness.execute(
        [PYTHON, "-I", "-c", WITH, out, *prefix, PYTHON, "-I", "-c", SELF,
         "a b", ""], user=user, cwd="/usr", env={"X": "1\n2", "EMPTY": ""})
    expect(done.rc == 0, done)
    with open(out, encoding="utf-8") as f:
        seen = json.load(f)
    seen["fds"].pop("5")
    return {key: re.sub(r"pipe:\[\d+\]", "pipe", json.dumps(value))
            for key, value in seen.items()}


def everything_is_passed_through():
    for way in ways():
        plain = seen_by_program((), way["user"])
        below = seen_by_program((*RUN, "--mode", way["mode"], "--"),
                                way["user"])
        for key, value in plain.items():
            expect(below[key] == value, way, key, ":", value, "is now",
                   below[key])


DEV = r"""
import json, os, stat
def look(name):
    st = os.lstat(name)
    link = os.readlink(name) if stat.S_ISLNK(st.st_mode) else ""
    return [st.st_mode, st.st_rdev, link] if not stat.S_ISDIR(st.st_mode) \
        else [st.st_mode & ~0o7777, sorted(os.listdir(name))
              if os.access(name, os.R_OK) and name != "/dev/fd" else []]
skip = {"iommu", "vfio", "pts", "shm"}
print(json.dumps({n: look("/dev/" + n) for n in sorted(os.listdir("/dev"))
                  if n not in skip}))
"""
TRY = ("echo x >/dev/null && head -c 4 /dev/zero | wc -c && "
       "test -e /dev/fd/0 && test -c /dev/tty -a -d /dev/pts && "
       "echo word >/dev/shm/$0 && ls | grep -x iommu && "
       "ls /dev | grep -x iommu && ls /dev/vfio && pwd")


def few_descriptors_are_enough():
    """The limit is the program's, not ours."""
    for way in ways():
        done = harness.execute(
            ["sh", "-c", 'ulimit -S -n 4; exec "$@"', "x", *RUN, "--mode",
             way["mode"], "--", "sh", "-c", "ulimit -n; exit 6"],
            user=way["user"])
        expect(done.rc == 6 and done.out == "4\n", done)


def devices_stay_as_they_are():
    """With mounts of its own a program sees the real /dev, and ours."""
    for way in ways():
        plain = harness.execute([PYTHON, "-I", "-c", DEV], user=way["user"])
        below = run(PYTHON, "-I", "-c", DEV, **way)
        expect(below.out == plain.out, way, below, plain)
        if way["mode"] != "namespace":
            continue
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            mounts = f.read()
        name = "ioas-test-" + harness.TAG
        done = run("sh", "-c", TRY, name, cwd="/dev", **way)
        expect(done.out == "4\niommu\niommu\nvfio\n/dev\n", done)
        with open("/dev/shm/" + name, encoding="ascii") as f:
            expect(f.read() == "word\n", "/dev/shm is another one")
        os.unlink("/dev/shm/" + name)
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            expect(f.read() == mounts, "mounts of the machine changed")


def says_what_was_set_up():
    for way in ways():
        done = run("true", options=("-v",), **way)
        expect(f"ioas: run: mode {way['mode']};" in done.err, done)
        best = "namespace" if harness.namespaces(way["user"]) else "trap"
        done = run("true", options=("-v",), user=way["user"])
        expect(f"ioas: run: mode {best};" in done.err, done)
        done = run("true", **way)
        expect(not done.err and not done.out, done)


def privileges_stay_as_they_are():
    """Of root without the one that mounts: a user namespace would change
    what the others are worth, so it is taken only if it is asked for."""
    prefix = ("unshare", "-r", "setpriv", "--bounding-set", "-sys_admin")
    caps = ("grep", "^Cap", "/proc/self/status")
    plain = harness.execute([*prefix, *caps], user=True)
    if plain.rc:
        raise harness.Skip("no user namespaces")
    done = harness.execute([*prefix, *RUN, "-v", *caps], user=True)
    expect(done.out == plain.out, done, plain)
    expect("mode trap: a user namespace" in done.err and
           "mode trap;" in done.err, done)
    done = harness.execute([*prefix, *RUN, "--mode", "namespace", *caps],
                           user=True)
    expect(done.rc or done.out == plain.out, done, plain)
    expect(not done.rc or done.rc == 125, done)


def streams_may_be_closed():
    """Nothing of ours takes their place."""
    for closed in ("<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>&-"):
        prefix = ("sh", "-c", f'exec {closed}; exec "$@"', "x", *RUN)
        for program, want in ((("sh", "-c", "ls /proc/self/fd/0; exit 7"), 7),
                              (("no-such-program",), 127)):
            for way in ways():
                done = harness.execute(
                    [*prefix, "--mode", way["mode"], "--", *program],
                    user=way["user"])
                expect(done.rc == want, closed, done)


def data_goes_through_pipes():
    data = random.Random(harness.SEED).randbytes(1 << 20)
    for way in ways():
        done = run("sh", "-c", "cksum; cksum < /dev/null >&2", stdin=data,
                   **way)
        plain = harness.execute(["cksum"], stdin=data)
        expect(done.out == plain.out, done, plain)


def nobody_holds_what_the_program_closed():
    """Ends of pipes that other programs wait for."""
    read, write = os.pipe()
    script = ("exec >&-; exec 9>&-; read x <&8")
    hold, release = os.pipe()
    process = start(["sh", "-c", f'exec 9>&{write} {write}>&- 8<&{hold}; '
                     'exec "$@"', "x", *RUN, "--", "sh", "-c", script],
                    pass_fds=(write, hold))
    os.close(write)
    os.close(hold)
    try:
        for fd in (read, process.stdout.fileno()):
            ready, _, _ = select.select([fd], [], [], 20)
            expect(ready and os.read(fd, 1) == b"", "is still open")
        expect(process.poll() is None, "the program ended")
    finally:
        os.close(release)
        os.close(read)
        process.communicate()


# ---- signals -----------------------------------------------------------------

COUNT = r"""
import os, signal, time
def note(number, frame):
    os.write(1, b"%d\n" % number)
for s in (signal.SIGUSR2, signal.SIGWINCH, signal.SIGHUP, signal.SIGINT):
    signal.signal(s, note)
signal.signal(signal.SIGTERM, lambda number, frame: os._exit(3))
print("ready", os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


def count_signals(send, **way):
    with running(PYTHON, "-I", "-c", COUNT, **way) as process:
        for s in (signal.SIGUSR2, signal.SIGWINCH, signal.SIGHUP,
                  signal.SIGINT, signal.SIGUSR2):
            send(process.pid, s)
            word = line(process)
            expect(word == str(int(s)), "got", word, "not", s)
        os.kill(process.pid, signal.SIGTERM)
        done = harness.finish(process, "run")
        expect(done.rc == 3 and not done.err and not done.out, done)


def signals_are_passed_on():
    for way in ways():
        count_signals(os.kill, **way)


def signals_of_a_group_come_once():
    count_signals(os.killpg)


def signals_of_others_are_told_apart():
    """One for the supervisor alone is no reason to keep back the next."""
    def send(pid, number):
        for child in children(pid):
            subprocess.run(["sh", "-c", f"kill -{int(number)} {child}"],
                           check=True)
        os.kill(pid, number)
    count_signals(send)


def a_signal_kills_both():
    for way in ways():
        with running("sh", "-c", "echo ready $$; exec sleep 60",
                     **way) as process:
            os.kill(process.pid, signal.SIGTERM)
            rc, err = ended(process)
            expect(rc == -signal.SIGTERM and not err, rc, err)
        with running("sh", "-c", "echo ready $$; exec sleep 60",
                     **way) as process:
            os.kill(process.program, signal.SIGKILL)
            rc, err = ended(process)
            expect(rc == -signal.SIGKILL and not err, rc, err)


def an_alarm_is_the_programs():
    """Set before, it goes to `ioas run` alone: it is for the program."""
    script = "import os, signal, sys; signal.alarm(1); " \
             "os.execv(sys.argv[1], sys.argv[1:])"
    done = harness.execute([PYTHON, "-c", script, *RUN, "--", "sleep", "30"])
    expect(done.rc == -signal.SIGALRM, done)


def stops_and_goes_on_with_the_program():
    with running("sh", "-c", "echo ready $$; exec sleep 60") as process:
        both = (process.pid, process.program)

        def stopped():
            return all(state(pid) == "T" for pid in both)

        def going():
            return not any(state(pid) == "T" for pid in both)

        os.kill(process.program, signal.SIGSTOP)
        until(stopped, "the guardian stops with the program")
        os.kill(process.pid, signal.SIGCONT)
        until(going, "the program goes on with the guardian")
        # Of its own: nobody could continue this group, so SIGTSTP is not taken.
        os.kill(process.program, signal.SIGSTOP)
        until(stopped, "the guardian stops again")
        os.kill(process.program, signal.SIGCONT)
        until(going, "the guardian goes on with the program")
        os.kill(process.pid, signal.SIGTERM)
        rc, err = ended(process)
        expect(rc == -signal.SIGTERM and not err, rc, err)


# ---- a terminal --------------------------------------------------------------

class Terminal:
    """A shell with job control, on a terminal of its own."""

    def __init__(self):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir("/")
            env = harness.environment({"PS1": "$ ", "TERM": "dumb"})
            os.execvpe("bash", ["bash", "--norc", "--noediting", "-i"], env)

    def write(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        end = time.monotonic() + 20
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.fd], [], [],
                                        max(0, end - time.monotonic()))
            if not ready:
                raise Failed("no", pattern, "in", repr(self.text))
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        self.text = self.text[found.end():]
        return found

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextlib.contextmanager
def terminal():
    t = Terminal()
    try:
        yield t
    finally:
        t.close()


def jobs_of_a_shell():
    """Ctrl-C, Ctrl-Z, fg, bg, kill of a job."""
    for way in ways():
        if way["user"]:
            continue
        call = " ".join([*RUN, "--mode", way["mode"], "--"])
        with terminal() as t:
            t.write(f"{call} sh -c 'echo up=$((1+1)); exec sleep 60'\n")
            t.expect("up=2")
            t.write("\x1a")
            t.expect("Stopped")
            t.write("fg\n")
            t.expect("sleep 60")
            # Not before the shell has given the terminal away.
            time.sleep(0.5)
            t.write("\x03")
            t.write("echo status=$?\n")
            t.expect("status=130")
            t.write(f"{call} sh -c 'echo up=$((1+2)); exec sleep 60' &\n")
            t.expect("up=3")
            t.write("kill %1; wait $!; echo status=$?\n")
            t.expect("status=143")


def terminal_is_the_programs():
    for way in ways():
        if way["user"]:
            continue
        call = " ".join([*RUN, "--mode", way["mode"], "--"])
        with terminal() as t:
            t.write("tty; echo end=$((1+1))\n")
            name = t.expect(r"(/dev/\S+)\s[^=]*end=2")[1]
            t.write(f"{call} tty; echo end=$((1+2))\n")
            again = t.expect(r"(/dev/\S+)\s[^=]*end=3")[1]
            expect(again == name, again, "was", name)
            t.write(f"{call} sh -c 'read x </dev/tty; echo got=$x-'\n")
            time.sleep(0.1)
            t.write("word\n")
            t.expect("got=word-")
            t.write(f"{call} sh -c 'stty -echo && stty echo && echo set=$?'\n")
            t.expect("set=0")


# ---- who goes ----------------------------------------------------------------

FAMILY = ("setsid sleep 60 & sleep 60 & (sleep 60 & sleep 60) & "
          "echo ready $$; wait")


def guardian_is_killed():
    for way in ways():
        with running("sh", "-c", FAMILY, **way) as process:
            os.kill(process.pid, signal.SIGKILL)
            until(lambda: not harness.tagged(), "all below it end")


def supervisor_is_killed():
    for way in ways():
        with running("sh", "-c", FAMILY, **way) as process:
            supervisor, = children(process.pid)
            os.kill(supervisor, signal.SIGKILL)
            rc, err = ended(process)
            expect(rc == 125, rc, err)
            # Others may have said that their calls failed.
            expect(err.endswith("ioas: run: the supervisor died (signal 9): "
                                "the program was killed\n"), err)
            expect(not settled(harness.tagged), "somebody is left")


def killed_at_any_time():
    """Whoever is killed, and whenever: nothing is left."""
    dice = random.Random(harness.SEED)
    for nr in range(24):
        way = dice.choice(ways())
        process = start([*RUN, "--mode", way["mode"], "--", "sh", "-c",
                         FAMILY], user=way["user"],
                        stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * 0.03)
        victims = [process.pid, *children(process.pid)]
        victim = victims[nr % len(victims)]
        os.kill(victim, signal.SIGKILL)
        process.communicate()
        expect(process.returncode == (-9 if victim == process.pid else 125),
               process.returncode)
        until(lambda: not harness.tagged(), "everybody ends")
    # A guardian that was killed left its directory to the next run.
    for user in {way["user"] for way in ways()}:
        shell("true", user=user)


def daemons_outlive_the_program():
    """They keep neither `ioas run` nor the pipes of its streams."""
    for way in ways():
        fifo = harness.FILES.name()
        os.mkfifo(fifo)
        os.chmod(fifo, 0o666)
        done = shell(f"(setsid cat {fifo} >{fifo}.out; cat /dev/null) "
                     "</dev/null >/dev/null 2>&1 & exit 5", want=5,
                     cwd=harness.FILES.subdirectory(), **way)
        expect(not done.err, done)
        expect(harness.tagged(), "the daemon is gone")
        with open(fifo, "w", encoding="ascii") as f:
            f.write("x")
        until(lambda: not harness.tagged(), "the daemon ends")


def orphans_are_no_zombies():
    """They are reaped, if not at once."""
    script = ("for i in 1 2 3 4 5; do (sleep 0.01 & ) ; done; sleep 0.3; "
              "for i in 1 2 3 4 5 6 7 8 9; do "
              "cat /proc/[0-9]*/stat 2>/dev/null | "
              "grep -q \"(sleep) Z $PPID \" || exit 0; sleep 0.5; done; exit 1")
    shell(script, want=0)


if __name__ == "__main__":
    sys.exit(harness.main([
        exit_statuses, deaths_by_signal, errors_of_the_program,
        errors_of_the_command, options_end_at_the_program,
        nested_runs_are_refused, program_is_found_as_by_a_shell,
        preloads_a_library,
        everything_is_passed_through, few_descriptors_are_enough,
        devices_stay_as_they_are,
        says_what_was_set_up, privileges_stay_as_they_are,
        streams_may_be_closed, data_goes_through_pipes,
        nobody_holds_what_the_program_closed,
        signals_are_passed_on, signals_of_a_group_come_once,
        signals_of_others_are_told_apart,
        a_signal_kills_both, an_alarm_is_the_programs,
        stops_and_goes_on_with_the_program,
        jobs_of_a_shell, terminal_is_the_programs, guardian_is_killed,
        supervisor_is_killed, killed_at_any_time,
        daemons_outlive_the_program, orphans_are_no_zombies,
    ]))
