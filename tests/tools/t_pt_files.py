#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of vectors that are wrong: said with their place, never a crash.

usage: see command.py
"""
import copy
import json
import random
import sys

from command import BY_ID, DOC, FILES, SEED, VECTORS, expect, hexa, ioas, \
    ioas_json, main


def set_path(doc, path, value):
    """Replaces (or, with `del`, removes) what @path names."""
    for key in path[:-1]:
        doc = doc[key]
    if value is del_it:
        del doc[path[-1]]
    else:
        doc[path[-1]] = value


def del_it():
    """For set_path()."""


# Path, new value, what the message has to contain.
WRONG_FIELDS = [
    (["schema"], 2, "schema: not 1"),
    (["schema"], del_it, "schema: missing"),
    (["vectors"], {}, "vectors: not an array"),
    (["vectors"], [], "vectors: empty"),
    (["vectors", 0], 3, "vectors[0]: not an object"),
    (["other"], 3, "other: no such field"),
    (["vectors", 0, "id"], del_it, "vectors[0].id: missing"),
    (["vectors", 0, "id"], "a b", "vectors[0].id"),
    (["vectors", 0, "id"], "\x1b[31m", "vectors[0].id"),
    (["vectors", 0, "id"], "", "vectors[0].id"),
    (["vectors", 1, "id"], "amdv1-15", "vectors[1].id: amdv1-15 is there"),
    (["vectors", 0, "format"], "amdv2", "format: no such format"),
    (["vectors", 0, "format"], "mock", "format: no such format"),
    (["vectors", 0, "format"], 1, "format: not a string"),
    (["vectors", 0, "config"], 7, "config: not an object"),
    (["vectors", 0, "config", "levels"], "3", "config.levels"),
    (["vectors", 0, "config", "levels"], 1 << 70, "config.levels"),
    (["vectors", 0, "config", "levels"], -1, "config.levels"),
    (["vectors", 0, "config", "levels"], 3.5, "config.levels"),
    (["vectors", 0, "config", "levels"], 0, "config.levels: zero"),
    (["vectors", 0, "config", "va_bits"], 0, "config.va_bits: zero"),
    (["vectors", 0, "config", "va_bits"], 65, "config.va_bits"),
    (["vectors", 0, "config", "dynamic_top"], "yes", "config.dynamic_top"),
    (["vectors", 0, "config", "c_bit_mask"], "0x3", "config.c_bit_mask"),
    (["vectors", 0, "config", "snoop"], True, "config.snoop: no such"),
    (["vectors", 0, "pgsize_bitmap"], "4096", "pgsize_bitmap"),
    (["vectors", 0, "pgsize_bitmap"], "0x1\u0000", "pgsize_bitmap"),
    (["vectors", 0, "pgsize_bitmap"], "0x10000000000000000",
     "pgsize_bitmap"),
    (["vectors", 0, "ops"], None, "ops: not an array"),
    (["vectors", 0, "ops", 1], [], "ops[1]: not an object"),
    (["vectors", 0, "ops", 0, "op"], "mapp", "ops[0].op: no such word"),
    (["vectors", 0, "ops", 0, "iova"], 4096, "ops[0].iova"),
    (["vectors", 0, "ops", 0, "pa"], "0xg", "ops[0].pa"),
    (["vectors", 0, "ops", 0, "len"], del_it, "ops[0].len: missing"),
    (["vectors", 0, "ops", 0, "prot"], ["reed"], "ops[0].prot"),
    (["vectors", 0, "ops", 0, "prot"], [1], "ops[0].prot"),
    (["vectors", 0, "ops", 0, "prot"], "read", "ops[0].prot"),
    (["vectors", 0, "ops", 0, "ret"], "EINVAL", "ops[0].ret"),
    (["vectors", 0, "ops", 0, "ret"], del_it, "ops[0].ret: missing"),
    (["vectors", 0, "ops", 0, "mapped"], 1, "ops[0].mapped"),
    (["vectors", 0, "ops", 0, "clear"], True, "ops[0].clear: no such"),
    (["vectors", 0, "ops", 2, "clear"], 1, "ops[2].clear"),
    (["vectors", 0, "ops", 2, "dirty", 0], ["0x1"], "ops[2].dirty[0]"),
    (["vectors", 0, "ops", 2, "dirty", 0], ["0x1", 2], "ops[2].dirty[0]"),
    (["vectors", 0, "ops", 2, "dirty", 0], ["0x1", "0x0"],
     "ops[2].dirty[0]"),
    (["vectors", 0, "root"], [], "root: not an object"),
    (["vectors", 0, "root", "mode"], "0x3", "root.mode"),
    (["vectors", 0, "root", "aw"], 2, "root.aw: no such field"),
    (["vectors", 0, "root", "host_pt_root"], del_it,
     "root.host_pt_root: missing"),
    (["vectors", 0, "tables"], "", "tables: not an array"),
    (["vectors", 0, "tables", 0, "pa"], 0, "tables[0].pa"),
    (["vectors", 0, "tables", 0, "pa"], "0x1", "tables[0].pa"),
    (["vectors", 0, "tables", 0, "pa"], "0xfffffffffffff000",
     "tables[0].pa"),
    (["vectors", 0, "tables", 1, "pa"], "0x100000000", "tables: the tables"),
    (["vectors", 0, "tables", 0, "level"], 8, "tables[0].level"),
    (["vectors", 0, "tables", 0, "size"], "0x0", "tables[0].size"),
    (["vectors", 0, "tables", 0, "size"], "0x1001", "tables[0].size"),
    (["vectors", 0, "tables", 0, "size"], "0x10000000", "tables[0].size"),
    (["vectors", 0, "tables", 0, "entries"], 0, "tables[0].entries"),
    (["vectors", 0, "tables", 0, "entries", 0], 0,
     "tables[0].entries[0]: not an object"),
    (["vectors", 0, "tables", 0, "entries", 0, "index"], 512,
     "tables[0].entries[0].index"),
    (["vectors", 0, "tables", 0, "entries", 0, "count"], 513,
     "tables[0].entries[0].count"),
    (["vectors", 0, "tables", 0, "entries", 0, "count"], 0,
     "tables[0].entries[0].count"),
    (["vectors", 0, "tables", 0, "entries", 0, "kind"], "leef",
     "tables[0].entries[0].kind"),
    (["vectors", 0, "tables", 0, "entries", 0, "child_pa"], del_it,
     "tables[0].entries[0].child_pa: missing"),
    (["vectors", 0, "tables", 0, "entries", 0, "kind"], "leaf",
     "tables[0].entries[0].oa: missing"),
    (["vectors", 0, "tables", 2, "entries", 0, "leaf_size"], "0x3000",
     "tables[2].entries[0].leaf_size"),
    (["vectors", 0, "tables", 2, "entries", 0, "stride"], del_it,
     "tables[2].entries[0].stride: missing"),
    (["vectors", 0, "walks", 0, "iova"], None, "walks[0].iova"),
    (["vectors", 0, "walks", 0, "access"], "rq", "walks[0].access"),
    (["vectors", 0, "walks", 0, "pa"], 1, "walks[0].pa"),
    (["vectors", 0, "walks", 0, "pa"], del_it, "walks[0].pa: missing"),
    (["vectors", 1, "iova"], "0x2000", "iova: iova, pa, len, prot are not"),
    (["vectors", 2, "config", "granule"], 8192, "config.granule"),
    (["vectors", 2, "tables", 0, "arm_level"], 1, "arm_level"),
    (["vectors", 3, "config", "mode"], "sv40", "config.mode"),
    (["vectors", 3, "config", "mode"], "sv48", "config.mode"),
    (["vectors", 3, "root", "ppn"], "0x100000000000", "root.ppn"),
]


def wrong_fields_are_named():
    ids = ["amdv1-15", "amdv1-01", "arm64_s1-01", "riscv64-01"]
    for path, value, text in WRONG_FIELDS:
        doc = {"schema": 1, "vectors": [copy.deepcopy(BY_ID[i])
                                        for i in ids]}
        set_path(doc, path, value)
        name = FILES.write(json.dumps(doc).encode())
        _, out, err = ioas("pt", "replay", name, want=1)
        expect(not out, path, value, out)
        expect(err.startswith(f"ioas: pt replay: {name}: "), err)
        expect(err.count("\n") == 1 and err.isprintable() is False
               and err[:-1].isprintable(), repr(err))
        expect(text in err, path, value, "\n", text, "\n", err)
        named = len(path) > 2 and path[:1] == ["vectors"] \
            and path[2] != "id"
        expect(not named or f"vector {ids[path[1]]}: " in err, err)


def item_is_given_twice():
    v = copy.deepcopy(BY_ID["amdv1-01"])
    v["tables"][0]["entries"] *= 2
    _, _, err = ioas("pt", "replay", FILES.doc([v]), want=1)
    expect("tables[0].entries: item 0 is given twice" in err, err)


def files_that_are_not_json():
    with open(VECTORS, "rb") as f:
        text = f.read()
    cases = [b"", b" ", b"{", b"[]", b"3", b"null", b"{}", text[:-3],
             text[:5000], text + b"x", text.replace(b":", b"=", 1),
             b"\xff\xfe", b"\0" * 100, b"[" * 100000,
             b'{"a":' * 100000]
    for case in cases:
        name = FILES.write(case)
        _, out, err = ioas("pt", "replay", name, want=1)
        expect(not out and name in err, repr(case[:40]), out, err)
    _, _, err = ioas("pt", "replay", FILES.name(), want=1)
    expect("No such file" in err, err)
    _, _, err = ioas("pt", "replay", FILES.directory, want=1)
    expect("irectory" in err, err)
    name = FILES.write(b'{\n  "schema": 1,\n  "vectors": [}')
    _, _, err = ioas("pt", "replay", name, want=1)
    expect("line 3, column " in err, err)


def damaged_files_never_crash():
    rng = random.Random(SEED)
    text = json.dumps({"schema": 1, "vectors": [
        BY_ID[i] for i in ("amdv1-15", "vtdss-14", "arm64_s1-12",
                           "riscv64-07", "arm64_s2-01")]}).encode()
    for _ in range(150):
        damaged = bytearray(text)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(damaged))
            if rng.random() < 0.7:
                damaged[at] = rng.choice(b"0123456789abcdefx\",:[]{}-e. ")
            else:
                del damaged[at:at + rng.randrange(1, 30)]
        status, out, err = ioas("pt", "replay", FILES.write(damaged))
        expect(status == 1 or out.endswith(" 0 failed\n"), status, out, err)


def random_op(rng, iovas):
    def address():
        base = rng.choice(iovas + [rng.getrandbits(64), 0, 1 << 47])
        return hexa(base + rng.choice([0, 0, 0x1000, 0x200000, -0x1000, 7]))

    def length():
        return hexa(rng.choice([0, 0x1000, 0x4000, 0x10000, 0x200000,
                                0x7ff000, 0x7ffff000, (1 << 64) - 1, 0x1000,
                                rng.getrandbits(rng.randrange(1, 65))]))

    kind = rng.choice(["map", "map", "map", "unmap", "device_write",
                       "read_and_clear_dirty", "split", "set_pgsize_bitmap"])
    if kind == "map":
        prot = [p for p in ("read", "write", "cache", "noexec", "mmio",
                            "priv") if rng.random() < 0.5]
        return {"op": kind, "iova": address(), "pa": address(),
                "len": length(), "prot": prot, "ret": "0", "mapped": "0x0"}
    if kind == "unmap":
        return {"op": kind, "iova": address(), "len": length(),
                "unmapped": "0x0", "tables_freed": 0}
    if kind == "read_and_clear_dirty":
        return {"op": kind, "iova": address(), "len": length(),
                "clear": rng.random() < 0.5, "dirty": []}
    if kind == "split":
        return {"op": kind, "iova": address(),
                "to_size": hexa(1 << rng.choice([0, 12, 14, 16, 21, 25, 63]))}
    if kind == "set_pgsize_bitmap":
        return {"op": kind, "value": hexa(rng.choice([
            0, 0x1000, 0x201000, rng.getrandbits(64)]))}
    return {"op": kind, "iova": address()}


def random_operations_never_crash():
    """And whatever they did, the tables are sound."""
    rng = random.Random(SEED)
    for _ in range(10):
        vectors = []
        for i, v in enumerate(rng.sample(DOC["vectors"], 12)):
            v = copy.deepcopy(v)
            for key in ("iova", "pa", "len", "prot"):
                v.pop(key, None)
            iovas = [int(o["iova"], 16) for o in v["ops"] if "iova" in o]
            v["id"] = str(i)
            v["ops"] += [random_op(rng, iovas) for _ in range(12)]
            if rng.random() < 0.2:
                c = v["config"]
                key = rng.choice([k for k in c if type(c[k]) is int
                                  and k != "granule"
                                  and (k, "mode" in c) != ("va_bits", True)])
                c[key] = rng.randrange(0, 4) if key == "start_level" else \
                    rng.randrange(1, 9 if key == "levels" else 65)
            vectors.append(v)
        name = FILES.doc(vectors)
        status, got, err = ioas_json("pt", "replay", name)
        expect(not err and status in (0, 1), err)
        for v in got["vectors"]:
            for d in v["differences"]:
                expect(d["expected"] not in ("sound", "T1 to T5 hold")
                       and "bytes gone" not in d["what"], name, v["id"], d)


def split_without_memory_changes_nothing():
    """The largest leaves, in roots of their own size, into pages."""
    vectors = []
    for name, iova, size in (("riscv64x4-02", 1 << 39, 1 << 39),
                             ("riscv64x4-03", 1 << 48, 1 << 48),
                             ("riscv64-05", 1 << 48, 1 << 48),
                             ("arm64_s1-09", 1 << 42, 1 << 42)):
        v = copy.deepcopy(BY_ID[name])
        for key in ("iova", "pa", "len", "prot"):
            v.pop(key, None)
        page = v["config"].get("granule", 4096)
        v["ops"] = [
            {"op": "map", "iova": hexa(iova), "pa": hexa(iova),
             "len": hexa(size), "prot": ["read", "write"], "ret": "0",
             "mapped": hexa(size)},
            {"op": "split", "iova": hexa(iova), "to_size": hexa(page),
             "ret": "-ENOMEM"}]
        vectors.append(v)
    _, got, err = ioas_json("pt", "replay", FILES.doc(vectors), want=1)
    expect(not err, err)
    for v in got["vectors"]:
        whats = [d["what"] for d in v["differences"]]
        # The tables are not those of the vector.
        expect(not [w for w in whats if w.startswith(("ops", "inv"))], v)


if __name__ == "__main__":
    sys.exit(main([
        wrong_fields_are_named,
        item_is_given_twice,
        files_that_are_not_json,
        damaged_files_never_crash,
        random_operations_never_crash,
        split_without_memory_changes_nothing,
    ]))
