"""Snapshot files and savepoints of stream-snapshot(5), of one keyed table with BIGINT and VARCHAR columns."""

import hashlib
import json
import os
import sqlite3
import struct

import frames
import xxhash

TYPES = {"BIGINT": 1, "VARCHAR": 4}
NAMES = {number: name for name, number in TYPES.items()}

DDL = """
PRAGMA user_version = 1;
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), kind TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL,
  attempt INTEGER NOT NULL, stage TEXT NOT NULL, instance INTEGER NOT NULL, parallelism INTEGER NOT NULL,
  key_groups INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL) STRICT;
CREATE TABLE segments (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables (id), kind TEXT NOT NULL,
  first_group INTEGER NOT NULL, last_group INTEGER NOT NULL, rows INTEGER NOT NULL, before INTEGER, codec TEXT NOT NULL,
  raw_size INTEGER NOT NULL, xxh3 BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
"""


def padded(part):
    return part + bytes(-len(part) % 16)


def segment(rows, types):
    """Rows in columns."""
    entries, body = b"", b""
    for i, kind in enumerate(types):
        validity, values, offsets = frames.parts_of([row[i] for row in rows], kind)
        entries += struct.pack("<BBBBIQ", TYPES[kind], 0, 0, bool(validity), 0, len(values))
        body += padded(validity) + padded(offsets) + padded(values)
    return struct.pack("<4sIII", b"SEG1", len(rows), len(types), 0) + entries + body


def rows_of(data):
    magic, rows, columns, _ = struct.unpack_from("<4sIII", data)
    if magic != b"SEG1":
        raise ValueError("not a segment")
    at = 16 + 16 * columns

    def take(size):
        nonlocal at
        part = data[at:at + size]
        at += size + -size % 16
        return part

    out = []
    for i in range(columns):
        kind, _, _, has_validity, _, size = struct.unpack_from("<BBBBIQ", data, 16 + 16 * i)
        validity = take((rows + 7) // 8) if has_validity else b""
        offsets = take(4 * (rows + 1)) if NAMES[kind] == "VARCHAR" else b""
        values = take(size)
        if offsets:
            ends = struct.unpack(f"<{rows + 1}i", offsets)
            column = [values[begin:end].decode() for begin, end in zip(ends, ends[1:])]
        else:
            column = struct.unpack(f"<{rows}q", values)
        out.append([value if not validity or validity[n // 8] >> n % 8 & 1 else None for n, value in enumerate(column)])
    return list(zip(*out))


class Table:
    """A state table of an instance and where its snapshots go."""

    def __init__(self, assignment, spec):
        self.assignment, self.spec = assignment, spec
        self.keys = [field["type"] for field in spec["key"]]
        self.types = self.keys + [field["type"] for field in spec["value"]]

    def group(self, key):
        return frames.key_group(key, self.keys, self.assignment["key_groups"])

    # --- writing
    def write(self, state, epoch):
        """A published file with the whole state, as `files` of the message `snapshot`."""
        a = self.assignment
        name = f"{a['stage'].replace('/', '+')}.{a['instance']}.a{a['attempt']}.sqlite"
        os.makedirs(a["scratch"], exist_ok=True)
        scratch = os.path.join(a["scratch"], f"{epoch}.partial")
        self.build(scratch, state, epoch)
        with open(scratch, "rb") as file:
            data = file.read()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o444)
        folder = os.path.join(a["checkpoints"], str(epoch))
        os.makedirs(folder, exist_ok=True)
        os.rename(scratch, os.path.join(folder, name))
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        files = [{"path": f"{epoch}/{name}", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "base": True}]
        return {"instance": a["instance"], "files": files}

    def build(self, path, state, epoch):
        a = self.assignment
        if os.path.exists(path):
            os.remove(path)
        db = sqlite3.connect(path)
        db.executescript(DDL)
        db.execute("INSERT INTO meta VALUES (1, 'base', ?, ?, ?, ?, ?, ?, ?, ?)",
                   [a["job"], a["run"], a["attempt"], a["stage"], a["instance"], a["parallelism"], a["key_groups"], epoch])
        db.execute("INSERT INTO tables VALUES (1, ?, ?)", [self.spec["name"], json.dumps(self.spec)])
        rows = sorted((self.group(key), key + value) for key, value in state.items())
        for begin in range(0, len(rows), 65536):
            piece = rows[begin:begin + 65536]
            data = segment([row for _, row in piece], self.types)
            db.execute("INSERT INTO segments VALUES (NULL, 1, 'rows', ?, ?, ?, NULL, 'raw', ?, ?, ?)",
                       [piece[0][0], piece[-1][0], len(piece), len(data), xxhash.xxh3_128_digest(data), data])
        db.commit()
        db.close()

    # --- reading
    def read(self, source):
        """Of all old instances the rows that are this one's now."""
        a = self.assignment
        mine = frames.owned(a["instance"], a["parallelism"], a["key_groups"])
        state = {}
        for old in source["instances"]:
            for file in old["files"]:
                path, _, part = os.path.join(source["folder"], file["path"]).partition("#")
                for row in self.rows_in(path, part):
                    key = row[:len(self.keys)]
                    if self.group(key) in mine:
                        state[key] = row[len(self.keys):]
        return state

    def rows_in(self, path, part):
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        names = {name for name, in db.execute("SELECT name FROM sqlite_schema")}
        if "_stream_tables" in names:
            yield from self.rows_of_savepoint(db, part)
            return
        kinds = "SELECT bytes, xxh3, kind, codec FROM segments JOIN tables ON table_id = tables.id WHERE name = ? ORDER BY segments.id"
        for data, digest, kind, codec in db.execute(kinds, [self.spec["name"]]):
            if (kind, codec) != ("rows", "raw") or xxhash.xxh3_128_digest(data) != digest:
                raise ValueError(f"{path}: a segment that this stage has not written")
            yield from rows_of(data)

    def rows_of_savepoint(self, db, part):
        columns = ", ".join(f'"{field["name"]}"' for field in self.spec["key"] + self.spec["value"])
        where = "name = ? AND (? = '' OR stage || '.' || instance = ?)"
        for table, in db.execute(f"SELECT sql_table FROM _stream_tables WHERE {where}", [self.spec["name"], part, part]).fetchall():
            yield from db.execute(f'SELECT {columns} FROM "{table}"')
