#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`ioas pt replay`: every expectation of the vectors is made wrong once.

usage: see command.py
"""
import copy
import random
import re
import sys

from command import (BY_ID, DOC, FILES, SEED, VECTORS, entries, expect, hexa,
                     ioas, ioas_json, main)


def replay_of_all_vectors_passes():
    nr = len(DOC["vectors"])
    _, out, err = ioas("pt", "replay", VECTORS, want=0)
    expect(out.splitlines()[-1] == f"{nr} passed, 0 failed", out, err)
    expect(nr == 99, "the file has", nr)
    _, out, _ = ioas("pt", "replay", "-v", VECTORS, want=0)
    expect(out.splitlines()[:-1] == [f"{i}: ok" for i in BY_ID], out)
    _, got, _ = ioas_json("pt", "replay", VECTORS, want=0)
    expect(got["passed"] == nr and got["failed"] == 0, got)
    expect([v["id"] for v in got["vectors"]] == list(BY_ID), got)
    expect(all(v["passed"] and not v["differences"]
               for v in got["vectors"]), got)


def replay_of_one_vector():
    _, out, _ = ioas("pt", "replay", "--only", "vtdss-09", VECTORS, want=0)
    expect(out == "1 passed, 0 failed\n", out)
    _, out, err = ioas("pt", "replay", "--only", "no-such", VECTORS, want=1)
    expect("no such vector" in err and not out, out, err)


def first(v, op):
    return next((o for o in v["ops"] if o["op"] == op), None)


def add_hex(obj, key, n=1):
    obj[key] = hexa(int(obj[key], 16) + n)


def spoil_ret(v, rng):
    o = rng.choice([o for o in v["ops"] if o["op"] == "map"])
    o["ret"] = "-ENOENT" if o["ret"] == "0" else "0"
    return "ret"


def spoil_mapped(v, rng):
    add_hex(rng.choice([o for o in v["ops"] if o["op"] == "map"]), "mapped",
            0x1000)
    return "mapped"


def spoil_unmapped(v, _rng):
    o = first(v, "unmap")
    if o:
        add_hex(o, "unmapped", 0x1000)
    return o and "unmapped"


def spoil_tables_freed(v, _rng):
    o = first(v, "unmap")
    if o:
        o["tables_freed"] += 1
    return o and "tables_freed"


def spoil_dirty(v, rng):
    ops = [o for o in v["ops"] if o["op"] == "read_and_clear_dirty"]
    if not ops:
        return None
    o = rng.choice(ops)
    if o["dirty"] and rng.random() < 0.5:
        o["dirty"].pop()
    else:
        o["dirty"].append(["0x7000000", "0x1000"])
    return "dirty"


def spoil_dirty_length(v, _rng):
    o = next((o for o in v["ops"] if o.get("dirty")), None)
    if o:
        add_hex(o["dirty"][-1], 1, -1)
    return o and "dirty"


def spoil_device_write(v, _rng):
    o = first(v, "device_write")
    if o:
        o["iova"] = "0x70000000"
    return o and "device_write"


def spoil_split(v, _rng):
    o = first(v, "split")
    if o:
        o["to_size"] = "0x3000"
    return o and "split"


def spoil_bitmap(v, rng):
    v["pgsize_bitmap"] = hexa(int(v["pgsize_bitmap"], 16) ^
                              1 << rng.randrange(12, 52))
    return "pgsize_bitmap"


def spoil_root_address(v, _rng):
    add_hex(v["root"], next(k for k in v["root"]
                            if isinstance(v["root"][k], str)
                            and k != "ppn"), 0x100000)
    return "root"


def spoil_root_other_table(v, rng):
    """The address of a table, but not of the root."""
    key = next(k for k in ("root", "host_pt_root", "ssptptr")
               if k in v["root"])
    others = [t["pa"] for t in v["tables"] if t["pa"] != v["root"][key]]
    if not others:
        return None
    v["root"][key] = rng.choice(others)
    return ""


def spoil_root_ppn(v, _rng):
    if "ppn" not in v["root"]:
        return None
    add_hex(v["root"], "ppn")
    return "root: ppn"


def spoil_root_number(v, rng):
    keys = [k for k in v["root"] if isinstance(v["root"][k], int)]
    key = rng.choice(keys)
    v["root"][key] += 1
    return f"root: {key}"


def spoil_value(v, rng):
    if not entries(v):
        return None
    e = rng.choice(entries(v))
    e["value"] = hexa(int(e["value"], 16) ^ 1 << rng.randrange(64))
    return "item "


def spoil_table_value(v, rng):
    found = entries(v, "table")
    if not found:
        return None
    e = rng.choice(found)
    e["value"] = hexa(int(e["value"], 16) ^ 1 << rng.randrange(64))
    return "item "


def spoil_stride(v, _rng):
    e = next((e for e in entries(v) if e["count"] > 1), None)
    if e:
        add_hex(e, "stride", 0x1000)
    return e and "item "


def spoil_count(v, rng):
    """One entry more or less of a run."""
    e = next((e for e in entries(v, "leaf") if e["count"] > 1), None)
    if e:
        e["count"] -= 1
    return e and "item "


def spoil_index(v, rng):
    """The entry is one item further on."""
    t = next((t for t in v["tables"] if len(t["entries"]) == 1
              and t["entries"][0]["index"] + t["entries"][0]["count"]
              < int(t["size"], 16) // 8), None)
    if t:
        t["entries"][0]["index"] += 1
    return t and "item "


def spoil_missing_entry(v, rng):
    found = [t for t in v["tables"] if t["entries"]]
    if not found:
        return None
    t = rng.choice(found)
    t["entries"].pop(rng.randrange(len(t["entries"])))
    return "item "


def spoil_extra_entry(v, rng):
    for t in rng.sample(v["tables"], len(v["tables"])):
        used = {i for e in t["entries"]
                for i in range(e["index"], e["index"] + e["count"])}
        free = set(range(int(t["size"], 16) // 8)) - used
        if free:
            t["entries"].append({
                "index": rng.choice(sorted(free)), "count": 1,
                "value": "0x1", "kind": "leaf", "oa": "0x0",
                "leaf_size": "0x1000"})
            return "item "
    return None


def spoil_missing_table(v, rng):
    v["tables"].remove(rng.choice(v["tables"]))
    return "one of the tables"


def spoil_extra_table(v, _rng):
    t = copy.deepcopy(v["tables"][-1])
    t["pa"] = "0x900000000"
    v["tables"].append(t)
    return "expected once, got never"


def spoil_child(v, rng):
    found = entries(v, "table")
    if not found:
        return None
    add_hex(rng.choice(found), "child_pa", 0x1000)
    return "value of the file"


def spoil_level(v, rng):
    t = rng.choice(v["tables"])
    step = -1 if t["level"] == 3 else 1
    t["level"] += step
    if "arm_level" in t:
        t["arm_level"] -= step
    return "level"


def spoil_size(v, rng):
    t = rng.choice([t for t in v["tables"] if not t["entries"]
                    or max(e["index"] + e["count"] for e in t["entries"])
                    * 16 <= int(t["size"], 16)] or [None])
    if t:
        t["size"] = hexa(int(t["size"], 16) // 2)
    return t and "size"


def spoil_va_base(v, rng):
    add_hex(rng.choice(v["tables"]), "va_base", 0x1000)
    return "va_base"


def spoil_oa(v, rng):
    found = entries(v, "leaf")
    if not found:
        return None
    add_hex(rng.choice(found), "oa", 0x1000)
    return "output"


def spoil_leaf_size(v, rng):
    found = entries(v, "leaf")
    if not found:
        return None
    e = rng.choice(found)
    e["leaf_size"] = hexa(int(e["leaf_size"], 16) * 2)
    return "leaf size"


def spoil_walk_pa(v, rng):
    found = [w for w in v["walks"] if w["pa"]]
    if not found:
        return None
    add_hex(rng.choice(found), "pa", rng.choice([1, 0x1000, 1 << 40]))
    return "walks"


def spoil_walk_fault(v, rng):
    if not v["walks"]:
        return None
    w = rng.choice(v["walks"])
    w["pa"] = None if w["pa"] else "0x0"
    return "walks"


def spoil_walk_access(v, _rng):
    """What a denied walk asks for is no longer asked for."""
    w = next((w for w in v["walks"] if w["access"] and not w["pa"]), None)
    if w:
        w["access"] = ""
    return w and "walks"


def spoil_config(v, rng):
    """Another page table: fewer output bits, or without an option."""
    c = v["config"]
    key = rng.choice([k for k in ("force_coherence", "snoop", "s2fwb",
                                  "sign_extend", "svnapot", "contiguous",
                                  "oa_bits", "oas") if k in c])
    c[key] = (not c[key]) if isinstance(c[key], bool) else 13
    return "" if isinstance(c[key], bool) else "config"


SPOILERS = [f for n, f in sorted(globals().items()) if n.startswith("spoil_")
            and f is not spoil_config]


def check_spoiled(spoil, seed):
    """Every vector that @spoil can spoil fails, and no other."""
    rng = random.Random(seed)
    vectors, texts = [], {}
    for v in copy.deepcopy(DOC["vectors"]):
        intact = copy.deepcopy(v)
        text = spoil(v, rng)
        if text is not None and text is not False:
            # One map that is there twice has to be the same twice.
            for key in ("iova", "pa", "len", "prot"):
                v.pop(key, None)
            texts[v["id"]] = text
        else:
            v = intact
        vectors.append(v)
    expect(texts, "spoils nothing")
    status, got, err = ioas_json("pt", "replay", FILES.doc(vectors))
    expect(status == 1 and not err, "->", status, err)
    for v in got["vectors"]:
        text = texts.get(v["id"])
        expect(v["passed"] == (text is None), v)
        if text is not None:
            lines = [f"{d['what']}: expected {d['expected']}, got {d['got']}"
                     for d in v["differences"]]
            expect(any(text in line for line in lines), v["id"], text, lines)
    expect(got["failed"] == len(texts), got["failed"], len(texts))
    expect(got["passed"] == len(vectors) - len(texts), got["passed"])


def make_spoiled(spoil):
    def case():
        for seed in range(2):
            check_spoiled(spoil, SEED * 100 + seed)
    case.__name__ = "replay_notices_" + spoil.__name__[len("spoil_"):]
    return case


def replay_notices_another_configuration():
    rng = random.Random(SEED)
    for _ in range(3):
        failed = 0
        vectors = copy.deepcopy(DOC["vectors"])
        for v in vectors:
            spoil_config(v, rng)
        _, got, err = ioas_json("pt", "replay", FILES.doc(vectors), want=1)
        expect(not err, err)
        failed = got["failed"]
        # An option may make no difference to a vector; most do.
        expect(failed > len(vectors) // 2, failed)


def replay_prints_a_line_for_a_difference():
    v = copy.deepcopy(BY_ID["vtdss-12"])
    first(v, "unmap")["unmapped"] = "0x5000"
    name = FILES.doc([v, BY_ID["amdv1-01"]])
    _, out, err = ioas("pt", "replay", name, want=1)
    lines = out.splitlines()
    expect(lines[-1] == "1 passed, 1 failed" and not err, out, err)
    expect(len(lines) == 2, out)
    expect(re.fullmatch(r"vtdss-12: ops\[\d+\] unmap 0x[0-9a-f]+: unmapped: "
                        r"expected 0x5000, got 0x[0-9a-f]+", lines[0]), out)


def replay_says_how_many_lines_there_are_more():
    v = copy.deepcopy(BY_ID["amdv1-04"])
    for e in v["tables"][-1]["entries"]:
        e["value"] = "0x1"
    _, out, _ = ioas("pt", "replay", FILES.doc([v]), want=1)
    lines = out.splitlines()
    expect(len(lines) == 12 and "more differences" in lines[-2], out)
    _, out, _ = ioas("pt", "replay", "-v", FILES.doc([v]), want=1)
    expect(len(out.splitlines()) > 200, out)


if __name__ == "__main__":
    sys.exit(main([
        replay_of_all_vectors_passes,
        replay_of_one_vector,
        *map(make_spoiled, SPOILERS),
        replay_notices_another_configuration,
        replay_prints_a_line_for_a_difference,
        replay_says_how_many_lines_there_are_more,
    ]))
