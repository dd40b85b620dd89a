#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion for bash: what it offers, word by word. And that neither it nor the
manual has fallen behind what the command says of itself.

usage: see command.py
"""
import os
import re
import subprocess
import sys

from command import FILES, VECTORS, expect, ioas, main

TOP = os.path.join(os.path.dirname(__file__), "../..")
SCRIPT = os.path.join(TOP, "completion/ioas.bash")
ASK = """
source "$1" || exit
[[ -z $2 ]] || eval "$2"
shift 2
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ioas
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(*words, before=""):
    """For `ioas WORDS`, the last of which is being typed."""
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", ASK, "bash", SCRIPT, before,
         "ioas", *words], capture_output=True, timeout=60, check=False,
        text=True, cwd=FILES.directory, stdin=subprocess.DEVNULL)
    expect(done.returncode == 0 and not done.stderr, words, done.stderr)
    return set(done.stdout.split())


def options_of_help(*verb):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*",
                          ioas(*verb, "--help", want=0)[1]))


def verbs_are_offered():
    expect(offered("") == {"run", "devices", "doctor", "pt", "--help",
                           "--version"}, offered(""))
    expect(offered("r") == {"run"}, offered("r"))
    expect("replay" in offered("pt", ""), offered("pt", ""))
    summary = ioas("--help", want=0)[1]
    expect(set(re.findall(r"^  (\w+) ", summary, re.M))
           == {w for w in offered("") if w[0] != "-"}, summary)


def every_option_is_offered():
    for verb in (["run"], ["devices"], ["doctor"], ["pt", "replay"],
                 ["pt", "walk"], ["pt", "explain"]):
        missing = options_of_help(*verb) - offered(*verb, "--")
        expect(not missing, *verb, missing)
        unknown = offered(*verb, "--") - options_of_help(*verb) - {"--", "--verbose"}
        # Every verb takes it, not every one has something to add.
        expect(not unknown, *verb, unknown)


def every_option_is_on_its_page():
    for page, verbs in (("ioas-run", [["run"]]), ("ioas-doctor", [["doctor"]]),
                        ("ioas-devices", [["devices"]]),
                        ("ioas-pt", [["pt", "replay"], ["pt", "walk"],
                                     ["pt", "explain"], ["pt", "show"]])):
        with open(os.path.join(TOP, f"man/{page}.1.scd"),
                  encoding="utf-8") as f:
            said = set(re.findall(r"^\*(?:-\w\*, \*)?(--[a-z][a-z0-9-]*)",
                                  f.read(), re.MULTILINE))
        options = set().union(*map(lambda v: options_of_help(*v), verbs))
        expect(options <= said, page, options - said)
        expect(said <= options | {"--verbose"}, page, said - options)


def arguments_of_options():
    FILES.write(b"")
    name = os.path.basename(FILES.write(b""))
    expect(offered("run", "--mode", "") == {"auto", "namespace", "trap"})
    expect(offered("run", "--mode", "=", "t") == {"trap"})
    expect(offered("run", "--memlock", "u") == {"unlimited"})
    expect(name in offered("run", "--trace", ""))
    expect(name in offered("run", "--report", "="))
    expect(offered("run", "--report", "=", name) == {name})
    expect(offered("run", "--device", "n") == {"nvme,file="})
    for words in (["nvme,file", "="], ["=", "nvme,file", "="],
                  ["nvme,ro,file", "=", "x,file", "="]):
        expect(name in offered("run", "--device", *words), words)
        expect(offered("run", "--device", *words, name) == {name}, words)
    expect(offered("run", "--iommu", "v") == {"vtdss"})
    expect("nvme" in offered("devices", ""))
    for words in (["run", "--device"], ["run", "--device", "="], ["devices"]):
        expect("./" + name in offered(*words, "./"), words)
    expect("amdv1-01" in offered("pt", "walk", "--vectors",
                                 os.path.abspath(VECTORS), "--vector",
                                 "amdv1-0"))


def program_of_run():
    for words in (["run"], ["run", "--"], ["run", "--test-abi"],
                  ["run", "--report"], ["run", "--mode", "trap"],
                  ["run", "--device", "nvme,file", "=", "x,size", "=", "1"],
                  ["run", "--device", "dma"], ["run", "--device", "=", "dma"],
                  ["run", "--trace", "=", "x"], ["run", "-q", "--report",
                                                 "=", "x", "--"]):
        expect("true" in offered(*words, "tru"), *words)
        # Its arguments are files, even if they look like an option of ours.
        expect(not offered(*words, "true", "--mod"), *words)
        expect(not offered(*words, "true", "--mode", "tr"), *words)


def programs_own_completion():
    """bash-completion says where the command begins."""
    stub = "_command_offset() { COMPREPLY=(\"at-$1\"); }"
    for words, at in ((["run", "x"], 2), (["run", "--", "x"], 3),
                      (["run", "-v", "--trace", "f", "x", "y"], 5),
                      (["run", "x", "--help", "--", "y"], 2)):
        expect(offered(*words, before=stub) == {f"at-{at}"}, *words,
               offered(*words, before=stub))


if __name__ == "__main__":
    sys.exit(main([
        verbs_are_offered,
        every_option_is_offered,
        every_option_is_on_its_page,
        arguments_of_options,
        program_of_run,
        programs_own_completion,
    ]))
