# SPDX-License-Identifier: MIT
"""tests/data/page-table-vectors.json as a text for tests/cross/vectors.c, and
what its answer is worth.

    vector -> text() -> vectors.c on the machine -> judge() -> TAP

Tables may lie elsewhere than the file's. Both trees are walked side by side: a
leaf is the same word; a table entry is the same word with the address of our
table in the place of the file's.
"""
import errno
import json

PROT = {"read": 1, "write": 2, "cache": 4, "noexec": 8, "mmio": 16,
        "priv": 32}
# enum ioas_pt_flags
FLAGS = {"sign_extend": 1, "dynamic_top": 2, "force_coherence": 4, "snoop": 4,
         "require_write": 8, "hw_dirty": 16, "contiguous": 32, "svnapot": 32,
         "s2fwb": 64}
# The numbers of a root after its address and level, by the names they have.
ROOT = [("mode", "aw", "levels"), ("tsz",), ("tg0",), ("ps",),
        ("start_level",), ("sl0",)]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)["vectors"]


def number(text):
    return int(text, 16)


def error(name):
    return 0 if name == "0" else -getattr(errno, name.lstrip("-"))


def config_line(vector):
    c = vector["config"]
    arm = vector["format"].startswith("arm64")
    flags = sum(FLAGS[key] for key in FLAGS if c.get(key))
    granule = c["granule"] if arm else 4096
    args = [granule.bit_length() - 1, c["ias" if arm else "va_bits"],
            c["oas" if arm else "oa_bits"], 0 if arm else c["levels"], flags,
            number(c.get("c_bit_mask") or "0")]
    return " ".join(["new", vector["format"], *(f"{a:x}" for a in args)])


def op_line(op):
    kind = op["op"]
    if kind == "map":
        prot = sum(PROT[p] for p in op["prot"])
        args = [number(op["iova"]), number(op["pa"]), number(op["len"]), prot]
    elif kind == "unmap":
        args = [number(op["iova"]), number(op["len"])]
    elif kind == "device_write":
        kind, args = "write", [number(op["iova"])]
    elif kind == "read_and_clear_dirty":
        iova = number(op["iova"])
        kind, args = "dirty", [iova, iova + number(op["len"]) - 1, op["clear"]]
    elif kind == "set_pgsize_bitmap":
        kind, args = "sizes", [number(op["value"])]
    elif kind == "split":
        args = [number(op["iova"]), number(op["to_size"]).bit_length() - 1]
    else:
        raise ValueError(f"no such operation: {kind}")
    return " ".join([kind, *(f"{int(a):x}" for a in args)])


def text(vectors):
    lines = []
    for v in vectors:
        lines += [config_line(v), *map(op_line, v["ops"]), "end"]
    return "\n".join(lines) + "\n"


def ranges(pairs):
    """(first, last) of each stretch of bytes, in order."""
    merged = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(last, merged[-1][1])
        else:
            merged.append([first, last])
    return merged


def wanted_op(op):
    """The line that answers @op; what marks go before it."""
    kind, marks = op["op"], []
    ret = error(op.get("ret", "0"))
    if kind == "unmap":
        return f"unmap {number(op['unmapped']):x} {op['tables_freed']:x}", []
    if kind == "read_and_clear_dirty":
        marks = ranges((number(a), number(a) + number(n) - 1)
                       for a, n in op["dirty"])
    name = {"device_write": "write", "read_and_clear_dirty": "dirty",
            "set_pgsize_bitmap": "sizes"}.get(kind, kind)
    return f"{name} {ret}", marks


def address_field(vector, pa):
    """What of a table entry says that the table is at @pa."""
    return pa >> 2 if vector["format"].startswith("riscv") else pa


def wanted_items(table):
    items = {}
    for e in table["entries"]:
        stride = number(e.get("stride", "0"))
        for k in range(e["count"]):
            items[e["index"] + k] = (number(e["value"]) + k * stride,
                                     number(e.get("child_pa", "0")))
    return items


def judge_tables(vector, root, items):
    """The first difference, or None."""
    tables = {number(t["pa"]): t for t in vector["tables"]}
    todo = [(number(vector["tables"][0]["pa"]), root)]
    seen = set()
    while todo:
        want_pa, got_pa = todo.pop()
        seen.add(want_pa)
        want = wanted_items(tables[want_pa])
        for i in range(number(tables[want_pa]["size"]) // 8):
            value, child = want.get(i, (0, 0))
            got = items.get(got_pa + 8 * i, 0)
            if child:
                field = value ^ got ^ address_field(vector, child)
                at = field << 2 if address_field(vector, 4) == 1 else field
                if at & 4095 == 0 and at >> 32 == 1:
                    todo.append((child, at))
                    continue
            elif got == value:
                continue
            return (f"table {want_pa:#x} item {i}: "
                    f"{got:#018x}, not {value:#018x}")
    if len(seen) != len(tables):
        return f"{len(tables) - len(seen)} tables are missing"
    return None


def judge_root(vector, fields):
    root = vector["root"]
    level = max(t["level"] for t in vector["tables"])
    if fields[0] != level:
        return f"root of level {fields[0]}, not {level}"
    for names, got in zip(ROOT, fields[1:]):
        for name in names:
            if name in root and root[name] != got:
                return f"root: {name} is {got}, not {root[name]}"
    return None


def judge_vector(vector, lines):
    """The first difference, or None."""
    def take():
        return next(lines, "nothing").rstrip()

    want = f"new 0 {number(vector['pgsize_bitmap']):x}"
    got = take()
    if got != want:
        return f"{got}, not {want}"
    for i, op in enumerate(vector["ops"]):
        marks, got = [], take()
        while got.startswith("mark "):
            marks.append(tuple(map(number, got.split()[1:])))
            got = take()
        want, want_marks = wanted_op(op)
        if got != want or ranges(marks) != want_marks:
            return f"ops[{i}]: {got} {ranges(marks)}, not {want} {want_marks}"
    got = take().split()
    if got[0] != "root":
        return f"{got[0]} instead of a root"
    root, fields = number(got[1]), [int(f) for f in got[2:]]
    items, got = {}, take().split()
    while got[0] == "item":
        items[number(got[1])] = int.from_bytes(bytes.fromhex(got[2]), "little")
        got = take().split()
    if got != ["end", "1"]:
        return f"{' '.join(got)}: the invariants do not hold"
    return (judge_root(vector, fields)
            or judge_tables(vector, root, items))


def answers(answer):
    """The lines of each vector."""
    lines = []
    for line in answer.splitlines():
        lines.append(line)
        if line.startswith("end"):
            yield lines
            lines = []
    yield lines


def judge(vectors, answer):
    """TAP, and the number of vectors that differ."""
    tap, failed = [f"1..{len(vectors)}"], 0
    parts = answers(answer)
    for i, v in enumerate(vectors, 1):
        why = judge_vector(v, iter(next(parts, [])))
        if why:
            failed += 1
            tap.append(f"# {why}")
        tap.append(f"{'not ok' if why else 'ok'} {i} - {v['id']}")
    return "\n".join(tap) + "\n", failed
