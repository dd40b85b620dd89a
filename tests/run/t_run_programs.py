# SPDX-License-Identifier: MIT
"""Programs of everybody: the same output and status with `ioas run` as without.

Each is run plainly first; a program that is not there is skipped.
"""
import os
import pty
import select
import shutil
import sys
import time

import harness as h


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise h.Skip(f"no {program}")


def same(*program, **more):
    """In every way as plainly, each in a directory of its own."""
    for way in h.ways():
        plain = h.execute(program, user=way["user"],
                          cwd=h.FILES.subdirectory(way["user"]), **more)
        done = h.run(*program, want=None, **way, **more,
                     cwd=h.FILES.subdirectory(way["user"]))
        h.expect((done.rc, done.out, done.err)
                 == (plain.rc, plain.out, plain.err),
                 way, "\n", done, "\nplainly:", plain)
    return plain


def script(text, shell="sh", flag="-c", **more):
    return same(shell, flag, text, **more)


def shell_pipelines():
    done = script("seq 1 2000 | sort -r | head -3; echo $?; "
                  "cat /etc/passwd | tr a-z A-Z | sort | md5sum; "
                  "ls / | grep -c . ; false || exit 4")
    h.expect(done.rc == 4 and done.out.startswith("999\n"), done)


def files_and_directories():
    script("mkdir -p a/b && echo one > a/b/c && ln -s b/c a/d && cat a/d && "
           "readlink a/d && mv a e && find e | sort && stat -c %s%F e/b/c && "
           "test ! -e a && cp -r e f && diff -r e f && rm -r e && ls && "
           "chmod 0 f/b/c && stat -c %a f/b/c; cat nothing; echo $?")


def python_with_children_and_threads():
    needs("python3")
    script("import subprocess, threading, os\n"
           "print(subprocess.run(['sh','-c','echo hi; exit 3'],"
           "capture_output=True))\n"
           "out=[]\n"
           "ts=[threading.Thread(target=lambda i=i: out.append("
           "os.stat('/etc/passwd').st_size*i)) for i in range(8)]\n"
           "[t.start() for t in ts]; [t.join() for t in ts]\n"
           "print(sorted(out)); raise SystemExit(5)", shell="python3")


def python_with_processes():
    needs("python3")
    name = h.FILES.write(
        b"import multiprocessing as m\n"
        b"def f(x): return x * x\n"
        b"if __name__ == '__main__':\n"
        b"    with m.Pool(3) as p: print(p.map(f, range(20)))\n"
        b"    q = m.Queue(); c = m.Process(target=q.put, args=('x',))\n"
        b"    c.start(); print(q.get()); c.join(); print(c.exitcode)\n")
    same("python3", name)


def a_compiler():
    needs("gcc")
    source = h.FILES.write(b"#include <stdio.h>\n#include <pthread.h>\n"
                           b"int main(void) { puts(\"made\"); return 6; }\n")
    done = script(f"gcc -x c -O2 -Wall -o made {source} && ./made")
    h.expect(done.rc == 6 and done.out == "made\n", done)


def a_build():
    needs("make", "gcc")
    makefile = h.FILES.write(
        b"all: a b c d\n\t@cat a b c d\n"
        b"%:\n\t@echo 'int $@(void) { return 1; }' > $@.c && "
        b"cc -c $@.c -o $@.o && wc -c < $@.c > $@\n")
    script(f"make -s -j2 -f {makefile}")


def archives():
    needs("tar", "gzip")
    script("mkdir d && seq 1 5000 > d/x && seq 1 100 > d/y && "
           "tar -cf - d | gzip -9 | gzip -dc | tar -xf - -C . --transform "
           "s/d/e/ && diff -r d e && md5sum e/*")


def perl():
    needs("perl")
    script("my $p = fork; if (!$p) { exit 3 } waitpid $p, 0; print $? >> 8; "
           "open my $f, '<', '/etc/passwd' or die; my @l = <$f>; "
           "print scalar(@l) > 0; print `echo sub`; exit 2", shell="perl",
           flag="-e")


def version_control():
    needs("git")
    script("git init -q . && git config user.email a@b && "
           "git config user.name n && echo x > f && git add f && "
           "git commit -q -m one && echo y >> f && git status --short && "
           "git log --format=%s && git diff --stat",
           env={"HOME": h.FILES.directory, "GIT_CONFIG_NOSYSTEM": "1"})


def environment_and_limits():
    script("echo $HOME $0 $#; ulimit -n; umask; pwd | wc -l; id -u; "
           "ls -l /proc/self/fd | wc -l; nproc", shell="sh")


def big_output():
    done = script("head -c 3000000 /dev/zero | tr '\\0' x")
    h.expect(len(done.out) == 3000000, len(done.out))


def a_device_among_ordinary_files():
    """A shell opens it, and its child uses the descriptor."""
    for way in h.ways():
        done = h.run("sh", "-c", "exec 5<>/dev/iommu && "
                     f"{h.client('client')} ioctl 5 0x3b64; test -c "
                     "/dev/iommu; echo $?; test -w /dev/iommu; echo $?",
                     **way)
        h.expect(done.out == "ioctl 0\n0\n0\n", way, done)


# ---- a terminal --------------------------------------------------------------

class Terminal:
    """A shell with job control at a terminal of its own."""

    def __init__(self, *program):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(h.FILES.directory)
            os.execvpe(program[0], program, h.environment(
                {"PS1": "$ ", "TERM": "dumb"}))
        self.text = ""

    def comes(self, word, seconds):
        """Does it, in what follows?"""
        end = time.monotonic() + seconds
        start = len(self.text)
        while word not in self.text[start:]:
            left = end - time.monotonic()
            if not select.select([self.fd], [], [], max(left, 0))[0]:
                return False
            try:
                self.text += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                h.expect(False, "ended before", word, self.text[-1000:])
        return True

    def until(self, word, seconds=20):
        h.expect(self.comes(word, seconds), "waited for", word, "in",
                 self.text[-1000:])

    def press(self, key, word):
        """Until it is heard: whoever is to hear it may not be there yet."""
        for _ in range(20):
            self.type(key)
            if self.comes(word, 1):
                return
        h.expect(False, "pressed", repr(key), "for", word, self.text[-1000:])

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        finally:
            os.close(self.fd)


def job_control():
    """Below us: a job is stopped and resumed."""
    needs("bash")
    t = Terminal(h.IOAS, "run", "--quiet", "--", "bash", "--norc", "-i")
    t.until("$ ")
    # A child that is stopped between vfork and execve keeps its parent from
    # stopping, without us as well; so there is none.
    t.type("sh -c 'echo up$((1+1)); read x'\n")
    t.until("up2")
    t.press("\x1a", "Stopped")
    t.type("jobs | grep -c Stop; echo a$((20+3))\n")
    t.until("a23")
    t.type("kill %1; fg; echo b$((20+4))\n")
    t.until("b24")
    t.type("exit 9\n")
    h.expect(t.end() == 9, t.text)


def a_job_itself():
    """`ioas run` is the job: Ctrl-Z, fg, Ctrl-C."""
    needs("bash")
    t = Terminal("bash", "--norc", "-i")
    t.until("$ ")
    # No child, as above.
    t.type(f"{h.IOAS} run --quiet -- sh -c 'echo up$((1+1)); read x'\n")
    t.until("up2")
    t.press("\x1a", "Stopped")
    t.type("fg\n")
    t.until("ioas run")
    t.press("\x03", "$ ")
    t.type("echo status$?\n")
    t.until("status130")
    t.type("exit 0\n")
    h.expect(t.end() == 0, t.text)


sys.exit(h.main([
    shell_pipelines,
    files_and_directories,
    python_with_children_and_threads,
    python_with_processes,
    a_compiler,
    a_build,
    archives,
    perl,
    version_control,
    environment_and_limits,
    big_output,
    a_device_among_ordinary_files,
    job_control,
    a_job_itself,
]))
