#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`ioas pt walk`, `show` and `explain`.

Images of memory are built here from the vectors, so that what the command reads
from a dump is compared with what a vector says.

usage: see command.py
"""
import random
import struct
import sys

from command import (BY_ID, DOC, FILES, SEED, VECTORS, entries, expect, hexa,
                     ioas, ioas_json, main)


def walks_of_vectors():
    for v in DOC["vectors"]:
        for w in v["walks"]:
            status, got, err = ioas_json(
                "pt", "walk", "--vectors", VECTORS, "--vector", v["id"],
                "--access", w["access"] or "none", w["iova"])
            expect(not err, err)
            expect(status == (0 if w["pa"] else 1), v["id"], w, got)
            expect((got["status"] == "ok") == (status == 0), got)
            expect(int(got["oa"] or "-0x1", 16) == int(w["pa"] or "-0x1", 16),
                   v["id"], w, got)
            check_path(v, got)


def check_path(v, got):
    """The steps are entries of the vector's tables."""
    tables = {int(t["pa"], 16): t for t in v["tables"]}
    for step in got["path"]:
        t = tables[int(step["table"], 16)]
        expect(t["level"] == step["level"], v["id"], step)
        word = 0
        for e in t["entries"]:
            k = step["index"] - e["index"]
            if 0 <= k < e["count"]:
                word = int(e["value"], 16) + k * int(e.get("stride", "0"), 16)
                expect(step["kind"] == e["kind"], v["id"], step)
        expect(word == int(step["entry"], 16), v["id"], step)
        check_fields(step, word)


def check_fields(entry, word):
    """The fields are the word: every bit once."""
    at = 64
    for f in entry["fields"]:
        at -= f["bits"]
        expect(f["low"] == at, entry)
        expect(int(f["value"], 16) == word >> at & (1 << f["bits"]) - 1,
               entry)
    expect(at == 0, entry)


def words_of(table):
    words = [0] * (int(table["size"], 16) // 8)
    for e in table["entries"]:
        for k in range(e["count"]):
            words[e["index"] + k] = \
                int(e["value"], 16) + k * int(e.get("stride", "0"), 16)
    return words


def image_of(v):
    """(bytes, base): memory from the lowest table to the highest."""
    base = min(int(t["pa"], 16) for t in v["tables"])
    end = max(int(t["pa"], 16) + int(t["size"], 16) for t in v["tables"])
    image = bytearray(end - base)
    for t in v["tables"]:
        words = words_of(t)
        at = int(t["pa"], 16) - base
        image[at:at + 8 * len(words)] = struct.pack(f"<{len(words)}Q", *words)
    return bytes(image), base


def root_of(v):
    return int(next(v["root"][k] for k in ("root", "host_pt_root", "ssptptr")
                    if k in v["root"]), 16)


def geometry_of(v):
    """Options that say what the configuration says."""
    c = v["config"]
    top = next(t["level"] for t in v["tables"]
               if int(t["pa"], 16) == root_of(v))
    args = ["--format", v["format"], "--levels", top + 1,
            "--va-bits", c.get("va_bits", c.get("ias")),
            "--oa-bits", c.get("oa_bits", c.get("oas"))]
    if "granule" in c:
        args += ["--granule", c["granule"]]
    if c.get("c_bit_mask"):
        args += ["--c-bit", int(c["c_bit_mask"], 16).bit_length() - 1]
    for option, *keys in (("--sign-extend", "sign_extend"),
                          ("--contiguous", "contiguous", "svnapot"),
                          ("--dirty", "hw_dirty"), ("--s2fwb", "s2fwb")):
        on = any(c.get(k) for k in keys)
        args.append(option + ("=yes" if on else "=no"))
    return args


def image_args(v, image, base):
    return ["--root", FILES.write(image), "--base", hexa(base),
            "--root-pa", hexa(root_of(v)), *geometry_of(v)]


def leaves_of(v):
    """(sizes, bytes) that a vector's tables map."""
    sizes, total = {}, 0
    for t in v["tables"]:
        groups = {}
        for e in t["entries"]:
            if e["kind"] != "leaf":
                continue
            size = int(e["leaf_size"], 16)
            for k in range(e["count"]):
                groups.setdefault(size, []).append(e["index"] + k)
        g = v["config"].get("granule", 4096)
        bits = g.bit_length() - 4
        item = g << (bits * t["level"])
        for size, items in groups.items():
            nr = len(items) * item // size
            sizes[size] = sizes.get(size, 0) + nr
            total += nr * size
    return sizes, total


def images_and_vectors_say_the_same():
    for v in DOC["vectors"]:
        image, base = image_of(v)
        args = image_args(v, image, base)
        _, a, err = ioas_json("pt", "show", *args, want=0)
        expect(not err, err)
        _, b, _ = ioas_json("pt", "show", "--vectors", VECTORS, "--vector",
                            v["id"], want=0)
        expect(a == b, v["id"], a, b)
        sizes, total = leaves_of(v)
        expect({int(s["size"], 16): s["leaves"] for s in a["sizes"]} == sizes,
               v["id"], a["sizes"], sizes)
        expect(int(a["mapped"], 16) == total, v["id"], a)
        expect(a["tables"] == len(v["tables"]), v["id"], a)
        expect(a["table_bytes"] == sum(int(t["size"], 16)
                                       for t in v["tables"]), v["id"], a)
        expect(a["sound"] and a["why"] is None, a)
        expect(sum(int(r["last"], 16) - int(r["iova"], 16) + 1
                   for r in a["ranges"]) == total, a)
        for w in v["walks"][:2]:
            status, out, _ = ioas("pt", "walk", *args, "--access",
                                  w["access"] or "none", w["iova"])
            expect(status == (0 if w["pa"] else 1), v["id"], w, out)
            last = out.splitlines()[-1]
            expect(not w["pa"] or f"-> {hexa(int(w['pa'], 16))}:" in last,
                   v["id"], w, last)


def ranges_are_merged():
    _, got, _ = ioas_json("pt", "show", "--vectors", VECTORS, "--vector",
                          "vtdss-06", want=0)
    expect(got["ranges"] == [{"iova": "0x3fe400000", "last": "0x4c05fffff",
                              "oa": "0x3fe400000", "access": "rw",
                              "leaves": 20}] or
           len(got["ranges"]) == 1, got)
    expect([(s["size"], s["leaves"]) for s in got["sizes"]] ==
           [("0x200000", 17), ("0x40000000", 3)], got)
    _, out, _ = ioas("pt", "show", "--vectors", VECTORS, "--vector",
                     "vtdss-06", want=0)
    expect("  2M   17\n  1G   3\n" in out and "20 leaves" in out, out)


def dirty_ranges_are_shown():
    _, got, _ = ioas_json("pt", "show", "--vectors", VECTORS, "--vector",
                          "amdv1-16", want=0)
    expect(got["dirty"] == [{"iova": "0x10000", "last": "0x1ffff"}], got)
    _, got, _ = ioas_json("pt", "show", "--vectors", VECTORS, "--vector",
                          "vtdss-15", want=0)
    expect(got["dirty"] == [], got)
    _, got, _ = ioas_json("pt", "show", "--vectors", VECTORS, "--vector",
                          "vtdss-14", want=0)
    expect(got["dirty"] == [{"iova": "0x200000", "last": "0x3fffff"}], got)


def base_is_where_the_file_begins():
    v = BY_ID["x86_64-01"]
    image, base = image_of(v)
    args = ["--format", "x86_64", "--root", FILES.write(image)]
    _, out, _ = ioas("pt", "walk", *args, "--base", hexa(base), "0x1fff",
                     want=0)
    expect("0x1fff -> 0x234567fff: 4K leaf" in out, out)
    _, out, _ = ioas("pt", "walk", *args, "0x1fff", want=1)
    expect("no memory for the table at 0x100001000" in out, out)
    _, out, _ = ioas("pt", "walk", *args, "--base", hexa(base),
                     "--root-pa", "0x1000", "0x1fff", want=1)
    expect("no memory for the table at 0x1000" in out, out)
    _, _, err = ioas("pt", "walk", *args, "--base", 4, "0x1fff", want=2)
    expect("--base" in err, err)


def truncated_images_are_said():
    v = BY_ID["x86_64-01"]
    image, base = image_of(v)
    for size in (0, 7, 8, 0x1000, 0x1004, 0x3000, 0x3008):
        args = image_args(v, image[:size], base)
        status, got, err = ioas_json("pt", "show", *args, want=1)
        expect(not got["sound"] and got["why"] and got["why"] in err, got,
               err)
        expect(status == 1, got)
        _, got, _ = ioas_json("pt", "walk", *args, "0x1000", want=1)
        expect(got["status"] == "no memory" and got["oa"] is None, got)
    _, got, _ = ioas_json("pt", "walk", *image_args(v, image[:0x3010], base),
                          "0x1000", want=0)


def poke(image, at, word):
    return image[:at] + struct.pack("<Q", word) + image[at + 8:]


def cyclic_images_end():
    v = BY_ID["x86_64-01"]
    image, base = image_of(v)
    # Every table leads back to the root, from all of its items.
    entry = base | 0x27
    for image in (struct.pack("<Q", entry) * 512,
                  poke(image, 0x2008, base | 0x27),
                  poke(image, 0x1008, 0x100002027)):
        args = image_args(v, image.ljust(0x4000, b"\0"), base)
        _, got, err = ioas_json("pt", "show", *args, want=1)
        expect("twice" in got["why"] and "not sound" in err, got, err)
        _, out, err = ioas("pt", "show", *args, want=1)
        expect("twice" in err and "tables:" in out, out, err)
        ioas("pt", "walk", *args, "0x1000")


def garbage_never_crashes():
    rng = random.Random(SEED)
    for i in range(60):
        v = rng.choice(DOC["vectors"])
        image, base = image_of(v)
        image = bytearray(image[:1 << 20])
        if i % 3 == 0:
            image = bytearray(rng.randbytes(0x8000))
        else:
            # Entries that are nearly right.
            for _ in range(rng.randrange(1, 40)):
                at = rng.randrange(0, len(image) - 8, 8)
                word, = struct.unpack_from("<Q", image, at)
                word ^= 1 << rng.randrange(64)
                if rng.random() < 0.3:
                    word = rng.getrandbits(64)
                struct.pack_into("<Q", image, at, word)
        args = image_args(v, bytes(image), base)
        status, got, err = ioas_json("pt", "show", *args)
        expect(got["sound"] == (status == 0) == (not err), got, err)
        for w in v["walks"][:2]:
            status, got, err = ioas_json("pt", "walk", *args, w["iova"])
            expect(not err and (got["status"] == "ok") == (status == 0), got)


def malformed_entries_are_explained():
    v = BY_ID["riscv64-01"]
    image, base = image_of(v)
    # W without R, in the last table.
    args = image_args(v, poke(image, 0x2008, 0x8d159cdf & ~2), base)
    _, out, _ = ioas("pt", "walk", *args, "0x1000", want=1)
    expect("-> malformed: " in out.splitlines()[-1], out)
    _, got, _ = ioas_json("pt", "walk", *args, "0x1000", want=1)
    expect(got["status"] == "malformed" and got["why"], got)
    expect(got["path"][-1]["kind"] == "invalid", got)
    _, out, err = ioas("pt", "show", *args, want=1)
    expect(got["why"] in err, out, err)


def denied_is_not_unmapped():
    args = ["--vectors", VECTORS, "--vector", "vtdss-02"]
    _, out, _ = ioas("pt", "walk", *args, "--access", "w", "0x40200000",
                     want=1)
    expect("denied: access w is not allowed, only r" in out, out)
    _, got, _ = ioas_json("pt", "walk", *args, "--access", "w", "0x40200000",
                          want=1)
    expect(got["status"] == "denied", got)
    _, out, _ = ioas("pt", "walk", *args, "0x40400000", want=1)
    expect(out.endswith("0x40400000 -> not mapped\n"), out)
    _, out, _ = ioas("pt", "walk", *args, "0x1000000000000", want=1)
    expect("outside the aperture of 48-bit IOVAs" in out, out)


def decimal_and_hexadecimal():
    args = ["--vectors", VECTORS, "--vector", "amdv1-01"]
    _, a, _ = ioas("pt", "walk", *args, "0x1000", want=0)
    _, b, _ = ioas("pt", "walk", *args, "4096", want=0)
    expect(a == b, a, b)
    for bad in ("", "0x", "-1", "1k", "0x1g", " 1", "18446744073709551616",
                "0x10000000000000000", "1.0"):
        _, _, err = ioas("pt", "walk", *args, "--", bad, want=2)
        expect("not a number" in err, bad, err)


FORMATS = sorted({v["format"] for v in DOC["vectors"]} | {"mock"})


def explain_decodes_every_bit():
    rng = random.Random(SEED)
    words = [0, 2**64 - 1] + [rng.getrandbits(64) for _ in range(6)]
    words += [int(e["value"], 16) for e in entries(DOC["vectors"][2])]
    for form in FORMATS:
        for level in range(3):
            for word in words:
                _, got, err = ioas_json("pt", "explain", "--format", form,
                                        "--level", level, hexa(word), want=0)
                expect(not err and int(got["entry"], 16) == word, got)
                expect(got["format"] == form and got["level"] == level, got)
                if got["kind"] != "empty" or got["fields"]:
                    check_fields(got, word)
                expect(("why" in got) == (got["kind"] == "invalid"), got)


def explain_says_what_an_entry_is():
    for v in DOC["vectors"]:
        t = v["tables"][-1]
        if not t["entries"]:
            continue
        e = t["entries"][0]
        _, got, _ = ioas_json("pt", "explain", *geometry_of(v), "--level",
                              t["level"], e["value"], want=0)
        expect(got["kind"] == e["kind"], v["id"], got)
        if e["kind"] == "leaf":
            expect(int(got["size"], 16) == int(e["leaf_size"], 16), v["id"],
                   got)
    _, out, _ = ioas("pt", "explain", "--format", "amdv1",
                     "0x7000000123457e01", want=0)
    expect("leaf of 64K, output 0x123450000" in out, out)


if __name__ == "__main__":
    sys.exit(main([
        walks_of_vectors,
        images_and_vectors_say_the_same,
        ranges_are_merged,
        dirty_ranges_are_shown,
        base_is_where_the_file_begins,
        truncated_images_are_said,
        cyclic_images_end,
        garbage_never_crashes,
        malformed_entries_are_explained,
        denied_is_not_unmapped,
        decimal_and_hexadecimal,
        explain_decodes_every_bit,
        explain_says_what_an_entry_is,
    ]))
