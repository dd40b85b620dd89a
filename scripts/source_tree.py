# SPDX-License-Identifier: MIT
"""The files of the project, for the scripts that check them."""
import os
import subprocess

SKIP_DIRS = {".git", "__pycache__"}


def root():
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _from_git(top):
    out = subprocess.run(
        ["git", "-C", top, "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], check=True, capture_output=True)
    return os.fsdecode(out.stdout).split("\0")


def _from_disk(top):
    for base, dirs, names in os.walk(top):
        dirs[:] = [d for d in dirs if d not in SKIP_DIRS
                   and not os.path.exists(
                       os.path.join(base, d, "build.ninja"))]
        for name in names:
            yield os.path.relpath(os.path.join(base, name), top)


def files():
    """Paths relative to the root, sorted: what git knows or would add; in an
    unpacked archive, what is there less the build directories."""
    top = root()
    try:
        paths = _from_git(top)
    except (OSError, subprocess.CalledProcessError):
        paths = _from_disk(top)
    return sorted(p for p in set(paths)
                  if p and os.path.isfile(os.path.join(top, p)))


def read(path):
    with open(os.path.join(root(), path), encoding="utf-8") as f:
        return f.read()
