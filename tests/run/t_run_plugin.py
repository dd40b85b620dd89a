# SPDX-License-Identifier: MIT
"""A model in one file that is no part of ioas: compiled as docs/device-models.md
says, given to `ioas run --device` and to `ioas devices` by its path, and used by a
driver (clients/vfio_timer.c). What is not such a file is refused with a line."""
import json
import os
import re
import shlex
import shutil
import sys

import harness as h
import schema

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
HEADER = os.path.join(TOP, "include/ioas/dev/model.h")
GUIDE = os.path.join(TOP, "docs/device-models.md")
PLACE = ",vfio=0,addr=0000:01:00.0,group=10"
HOUR = "3600000000000"
# A model of which parts can be left out or be wrong.
MODEL = r"""
#include <fcntl.h>
#include <ioas/dev/model.h>
#ifndef ABI
#define ABI IOAS_MODEL_ABI
#endif
#ifndef MODEL_NAME
#define MODEL_NAME "odd"
#endif
#ifndef IDENTITY
#define IDENTITY .class_code = 0x088000
#endif
#ifndef OPTIONS
#define OPTIONS NULL
#endif
#ifndef CREATED
#define CREATED 0
#endif
static int create(struct ioas_function *f, const struct ioas_model_setting *s,
                  size_t nr, struct ioas_identity *id, void **state, char *why,
                  size_t room)
{
    *id = (struct ioas_identity){ .vendor = 0x1234, IDENTITY };
    *state = f;
#ifdef OPENED
    open(OPENED, O_RDONLY);
#endif
    return CREATED;
}
#ifdef OPENED
__attribute__((constructor)) static void loaded(void)
{
    open(OPENED, O_RDONLY);
}
#endif
static void nothing(void *state)
{
}
#ifdef USED
extern int USED(void);
static int (*volatile used)(void) = USED;
#endif
#ifndef NO_MODEL
const struct ioas_model ioas_model = {
    .abi = ABI, .name = MODEL_NAME, .summary = "of a test", .options = OPTIONS,
    .create = create, .destroy = nothing,
#ifndef NO_RESET
    .reset = nothing,
#endif
};
#endif
"""


def compiler():
    cc = shutil.which("cc")
    if not cc:
        raise h.Skip("there is no cc")
    return cc


def headers():
    """Where nothing is but the installed header that a model includes."""
    place = h.FILES.subdirectory()
    os.makedirs(place + "/ioas/dev")
    shutil.copy(HEADER, place + "/ioas/dev")
    return place


def compiled(*args):
    """Our odd model; -D says what is odd."""
    out = h.FILES.name(".so")
    source = h.FILES.write(MODEL.encode())
    done = h.execute([compiler(), "-shared", "-fPIC", "-I" + headers(), *args,
                      "-o", out, "-x", "c", source])
    h.expect(not done.rc, done)
    return out


def command_of_guide():
    """The first line of the guide that compiles."""
    with open(GUIDE, encoding="utf-8") as f:
        return re.search(r"^ *(cc .*-shared .*)$", f.read(), re.M).group(1)


def timer():
    """The example, by that line: its path."""
    compiler()
    place = h.FILES.subdirectory()
    shutil.copy(os.path.join(TOP, "examples/model_timer.c"), place)
    done = h.execute(shlex.split(command_of_guide()), cwd=place,
                     env={"CPATH": headers()})
    h.expect(not done.rc and not done.err, done)
    return place + "/timer.so"


def drive(*case, options, **more):
    return h.run_client("vfio_timer", *case, options=("--device", options),
                        **more)


def devices(*args, want=0, **more):
    done = h.execute([h.FILES.public(h.IOAS), "devices", *args], **more)
    h.expect(done.rc == want, done)
    return done


def refused(path, *lines, devices_too=True):
    """By `ioas run`, which says all of @lines in one, and by `ioas devices`."""
    done = h.run("/bin/echo", "ran", options=("--device", path), want=2)
    said = [done]
    if devices_too:
        said.append(devices(path, want=2))
    for one in said:
        h.expect(not one.out and one.err.count("\n") == 1, one)
        for line in lines:
            h.expect(line in one.err, line, "not in", one)


def it_is_a_device_like_any_other():
    so = timer()
    for way in h.ways():
        done = drive(options=f"{so}{PLACE},count=2", **way)
        h.expect(re.findall(r"^ok (\w+)$", done.out, re.M) ==
                 ["memory", "group", "messages", "line", "fault", "close",
                  "two"], done)
        h.expect("ioas: run: timer 0000:01:00.0: DMA fault: write of 0x2000800"
                 in done.err, done)


def its_options_are_its_own():
    so = timer()
    drive("slow", options=f"{so}{PLACE},shortest={HOUR}")
    drive("memory", options=f"{so}{PLACE},shortest=1000")
    for option, line in (("shortest=0", "shortest=0: not a period"),
                         ("shortest", "wants a value: shortest=NS"),
                         ("serial=1", f'see "ioas devices {so}"')):
        done = h.run("/bin/true", options=("--device", f"{so},{option}"),
                     want=2)
        h.expect(line in done.err and done.err.count("\n") == 1, done)


def two_files_are_two_models():
    so, odd = timer(), compiled()
    done = h.run("/bin/ls", "/sys/bus/pci/devices", options=(
        "-v", "--device", so, "--device", odd, "--device", "dma"))
    for line in ("0000:01:00.0: timer,", "0000:02:00.0: odd,",
                 "0000:03:00.0: dma,"):
        h.expect(line in done.err, done)
    h.expect(len(done.out.split()) == 3, done)


def a_path_may_be_relative_and_have_commas():
    so = timer()
    place, name = os.path.split(so)
    os.rename(so, place + "/a,b.so")
    for path in ("./a,,b.so", f"{place}/a,,b.so"):
        h.run("/bin/true", options=("--device", path), cwd=place)
    devices("./a,b.so", cwd=place)
    # Without a slash it is the name of one of ours.
    done = devices(name, want=2, cwd=place)
    h.expect("no such model; a file has a slash: ./timer.so" in done.err, done)


def devices_shows_it():
    so = timer()
    text = devices(so).out
    h.expect(text.startswith("timer: ticks into memory"), text)
    h.expect(re.search(r"^  shortest=NS +the shortest period", text, re.M),
             text)
    h.expect("and, as every model:" in text, text)
    doc = json.loads(devices(so, "--json").out)
    schema.Schema("devices").check(doc)
    h.expect([m["name"] for m in doc["models"]] == ["timer"], doc)
    h.expect([o["name"] for o in doc["models"][0]["options"]] == ["shortest"],
             doc)
    # One without options.
    odd = compiled()
    h.expect(re.match(r"odd: of a test\n\n  addr=", devices(odd).out), odd)
    doc = json.loads(devices(odd, "--json").out)
    schema.Schema("devices").check(doc)
    h.expect(doc["models"][0]["options"] == [], doc)


def what_is_no_model():
    refused("/no/such.so", "/no/such.so: cannot be opened: ", "No such file")
    refused("./", "./: cannot be opened: ")
    refused("/dev/null", "/dev/null: cannot be opened: ")
    refused(h.FILES.write(b"#include <stdio.h>\n" * 500), "cannot be opened: ")
    refused(h.client("vfio_timer"), "cannot be opened: ")
    for args, line in (
            (("-DNO_MODEL",), "not a model: it exports no ioas_model"),
            (("-DUSED=ioas_no_such",),
             "cannot be opened: undefined symbol: ioas_no_such"),
            # The library is not there, and nothing else of ours.
            (("-DUSED=ioas_create",), "undefined symbol: ioas_create"),
            (("-DUSED=ioas_run",), "undefined symbol: ioas_run"),
            (("-DABI=0",), "built for version 0 of <ioas/dev/model.h>; this "
                           "is version 1"),
            (("-DABI=IOAS_MODEL_ABI+1",), "built for version 2 of"),
            (("-DMODEL_NAME=\"a b\"",), "ioas_model: name: "),
            (("-DMODEL_NAME=NULL",), "ioas_model: name: "),
            (("-DNO_RESET",), "ioas_model: create, destroy, reset"),
            (("-DOPTIONS=(const struct ioas_model_option[]){{\"A\",0,\"x\"}}",),
             "ioas_model: options: a name"),
            (("-DOPTIONS=(const struct ioas_model_option[]){{\"a\",0,0}}",),
             "ioas_model: options: one is not described")):
        so = compiled(*args)
        refused(so, f"{so}: ", line)


def a_function_that_cannot_be():
    for identity, line in ((".bar[0].size = 24", "bar: "),
                           (".bar[5] = {16, IOAS_BAR_64}", "bar: "),
                           (".msi = 3", "msi: "),
                           (".vectors = 1", "vectors: "),
                           (".class_code = 1 << 24", "class_code: "),
                           (".pasid_bits = 21", "pasid_bits: ")):
        refused(compiled(f"-DIDENTITY={identity}"),
                "--device odd: no such function can be: " + line,
                devices_too=False)
    # What create says is no misuse.
    done = h.run("/bin/echo", "ran", want=125, options=(
        "--device", compiled("-DCREATED=-5")))
    h.expect("--device odd: Input/output error" in done.err and not done.out,
             done)


def every_service_is_there():
    """Of the header; also when all else is hidden."""
    with open(HEADER, encoding="utf-8") as f:
        names = re.findall(r"^(?:IOAS_MODEL_API .*?)?\b(ioas_\w+)\(",
                           f.read(), re.M)
    h.expect(len(names) == 9, names)
    for flags in ((), ("-fvisibility=hidden",)):
        calls = ",".join(f"(void (*)(void)){name}" for name in names)
        source = h.FILES.write(
            MODEL.encode() +
            b"void (*volatile services[])(void) = { %s };" % calls.encode())
        out = h.FILES.name(".so")
        done = h.execute([compiler(), "-shared", "-fPIC", *flags,
                          "-I" + headers(), "-o", out, "-x", "c", source])
        h.expect(not done.rc, done)
        h.expect("odd: of a test" in devices(out).out, names)


def the_program_inherits_nothing():
    secret = h.FILES.write(b"secret")
    so = compiled(f'-DOPENED="{secret}"')
    done = h.run("/bin/sh", "-c", "ls -l /proc/self/fd; cat /proc/self/maps",
                 options=("--device", so))
    h.expect(secret not in done.out and so not in done.out, done)
    # What the user gives it, it gets.
    with open(secret, "rb") as f:
        fd = os.dup(f.fileno())
        os.set_inheritable(fd, True)
        done = h.run("/bin/sh", "-c", f"cat <&{fd}", pass_fds=(fd,),
                     options=("--device", so))
        os.close(fd)
    h.expect(done.out == "secret", done)


if __name__ == "__main__":
    sys.exit(h.main([
        it_is_a_device_like_any_other,
        its_options_are_its_own,
        two_files_are_two_models,
        a_path_may_be_relative_and_have_commas,
        devices_shows_it,
        what_is_no_model,
        a_function_that_cannot_be,
        every_service_is_there,
        the_program_inherits_nothing,
    ]))
