#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`ioas devices`: models and options, for people and as JSON.

usage: see command.py
"""
import os
import re
import sys

from command import expect, ioas, ioas_json, main

TOP = os.path.join(os.path.dirname(__file__), "../..")
sys.path.insert(0, os.path.join(TOP, "tests/run"))
import schema  # pylint: disable=wrong-import-position

COMMON = ["addr", "count", "group", "vfio", "vendor", "device", "subvendor",
          "subdevice"]


def models_are_listed():
    out = ioas("devices", want=0)[1]
    expect(re.match(r"nvme +NVMe .+\ndma +DMA .+\n$", out), out)


def options_of_a_model():
    out = ioas("devices", "nvme", want=0)[1]
    expect(out.startswith("nvme: NVMe "), out)
    names = re.findall(r"^  ([a-z]+)(=\S+)? +\S", out, re.M)
    expect([name for name, _ in names] ==
           ["file", "size", "ro", "lba", "serial", "cmb", *COMMON], names)
    expect([name for name, value in names if not value] == ["ro"], names)
    out = ioas("devices", "dma", want=0)[1]
    expect(re.findall(r"^  ([a-z]+)", out, re.M) == COMMON, out)


def the_same_as_json():
    _, doc, _ = ioas_json("devices", want=0)
    schema.Schema("devices").check(doc)
    expect([m["name"] for m in doc["models"]] == ["nvme", "dma"], doc)
    expect([o["name"] for o in doc["common"]] == COMMON, doc)
    for model in doc["models"]:
        text = ioas("devices", model["name"], want=0)[1]
        _, one, _ = ioas_json("devices", model["name"], want=0)
        expect(one == {**doc, "models": [model]}, one)
        for o in model["options"] + doc["common"]:
            said = o["name"] + (f"={o['value']}" if "value" in o else "")
            expect(re.search(rf"^  {re.escape(said)} +{re.escape(o['what'])}$",
                             text, re.M), said, text)


def every_option_is_in_the_guide():
    with open(os.path.join(TOP, "man/ioas-devices.7.scd"),
              encoding="utf-8") as f:
        guide = f.read()
    _, doc, _ = ioas_json("devices", want=0)
    for model in doc["models"]:
        expect(f"\n## {model['name']}\n" in guide, model["name"])
    for o in doc["common"] + [o for m in doc["models"] for o in m["options"]]:
        said = f"*{o['name']}=" if "value" in o else f"*{o['name']}*"
        expect(re.search(rf"^(\*\S+=\*_ID_, )*{re.escape(said)}", guide, re.M),
               said)


def misuse():
    for args, text in ((["floppy"], "floppy: no such model; there are nvme, dma"),
                       (["nvme", "dma"], "dma: unexpected"),
                       (["--no-such"], "--no-such: no such option"),
                       (["-x"], "-x: no such option")):
        _, _, err = ioas("devices", *args, want=2)
        expect(f"ioas: devices: {text}" in err, args, err)


if __name__ == "__main__":
    sys.exit(main([
        models_are_listed,
        options_of_a_model,
        the_same_as_json,
        every_option_is_in_the_guide,
        misuse,
    ]))
