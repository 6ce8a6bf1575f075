#!/usr/bin/env python3
"""What `stream deploy --on flink` makes of manifests gives on a real Flink the rows that it gives here.

Both get the same files. Rows are compared as multisets; of tables that change, what is left in the end. Without Flink the
test says so and passes. With STREAM_LONG=1 all of Nexmark is compared.
"""

import collections
import json
import os
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
from flink_server import Flink, missing  # noqa: E402
from harness import check, main  # noqa: E402
from kafka_server import start_kafka  # noqa: E402

LONG = os.environ.get("STREAM_LONG") == "1"
NEXMARK = TOP / "manifests" / "nexmark"
EVENTS = 20_000 if LONG else 5_000
KINDS = {
    "person": "id bigint, name varchar, email_address varchar, credit_card varchar, city varchar, state varchar, "
              "date_time timestamp, extra varchar",
    "auction": "id bigint, item_name varchar, description varchar, initial_bid bigint, reserve bigint, "
               "date_time timestamp, expires timestamp, seller bigint, category bigint, extra varchar",
    "bid": "auction bigint, bidder bigint, price bigint, channel varchar, url varchar, date_time timestamp, extra varchar",
}
# Why these are refused is tested in tests/system/deploy.py.
REFUSED = {"q10", "q12"}
QUERIES = [f"q{number}" for number in range(24) if f"q{number}" not in REFUSED]
USUAL = ["q5", "q9", "q13"]

FUNCTIONS = """pipeline: functions
stages:
  rows:
    run: read-file
    path: rows.ndjson
    schema: ts timestamp, k varchar, n bigint, f double, d decimal(10,2), b boolean, t varchar, day date
    time: ts
    out-of-order: 5s
  all:
    run: select
    columns:
      ts: ts
      sum: n + 2147483647 - 3 * n
      quotient: n / 7
      rest: n % 7
      minus: -n
      one: 1
      scaled: 0.908 * n
      money: d * 2 - 0.005
      cut: (d * 1.5)::decimal(8,1)
      whole: d::bigint
      share: n / 4.0::double
      root: sqrt(abs(f)) + power(2, 3) + floor(f) + ceil(n)
      upper: upper(t) || lower(k)
      length: length(t)
      lengths: length(t) * length(t)
      part: split_part(t, '/', 2)
      none: split_part(t, '/', 9)
      joined: concat(t, '-', k)
      found: strpos(t, 'b')
      sliced: substr(t, 2, 3) || left(t, 2) || right(t, 1)
      replaced: replace(t, 'b', 'ä''x')
      matched: t ~ '^[a-c]+/.*$'
      group: regexp_substr(t, '([a-z])/', 1, 1, '', 1)
      like: t like 'a%'
      test: b is not true
      distinct: n is distinct from 3
      among: k in ('a', 'c') or n between 3 and 5
      chosen: case k when 'a' then 'first' when 'b' then 'b' end
      small: case when n > 3 then 1 else 0 end
      filled: coalesce(n, -1)
      nothing: nullif(k, 'a')
      text: n::varchar || d::varchar || day::varchar
      hour: extract(hour from ts)
      shown: to_char(ts, 'YYYY-MM-DD HH24:MI:SS.MS')
      minute: date_trunc('minute', ts)
      later: ts + interval '90 minutes'
      fixed: timestamp '2026-01-31 12:00:00.000001'
      newer: ts > '2026-01-31 12:00:30'
      epoch: to_timestamp(n)
      md5: md5(t)
  out: {run: print}
"""
AGGREGATES = """pipeline: aggregates
stages:
  rows:
    run: read-file
    path: rows.ndjson
    schema: ts timestamp, k varchar, n bigint, f double, d decimal(10,2), b boolean, t varchar, day date
    time: ts
    out-of-order: 5s
  totals:
    run: aggregate
    by: k
    compute:
      rows: count(*)
      ns: count(n)
      different: count(distinct n) filter (where n > 1)
      total: sum(n)
      money: sum(d)
      least: min(t)
      most: max(ts)
      mean: avg(n)
      both: sum(n) / count(*) + 1
      every: bool_and(b)
      some: bool_or(b)
  totals-out: {run: print}
  hops: {run: aggregate, from: rows, by: k, window: hop 1m every 20s, compute: "count(*) as n, max(n) as m"}
  hops-out: {run: print}
  cumulated: {run: aggregate, from: rows, window: cumulate 1m every 20s, compute: count(*) as n}
  cumulated-out: {run: print}
  # Flink knows milliseconds of event time, so a session may end otherwise by less than one.
  whole: {run: filter, from: rows, where: k = 's'}
  sessions: {run: aggregate, by: k, window: session 10s, compute: "count(*) as n, sum(n) as total"}
  sessions-out: {run: print}
  first: {run: dedup, from: rows, by: k}
  first-out: {run: print}
  top: {run: top-n, from: rows, by: k, order: "n desc, ts", limit: 2, rank: place}
  top-out: {run: print}
  twice: {run: filter, from: [rows, rows], where: n > 2}
  twice-out: {run: print}
  pairs:
    run: join
    from: {a: rows, b: rows}
    kind: left
    on: a.n = b.n and b.ts between a.ts - interval '5 seconds' and a.ts + interval '20.5 seconds' and a.k <> b.k
    columns: a.ts, a.k, a.n, b.k as other, b.ts as at
  pairs-out: {run: print}
  full: {run: join, from: {a: whole, b: rows}, kind: full, on: a.n = b.n and a.k <> b.k, columns: "a.k, a.n, b.k as other, b.n as m"}
  full-out: {run: print}
  per-minute: {run: aggregate, from: pairs, window: tumble 1m, compute: "count(*) as n, count(other) as matched"}
  per-minute-out: {run: print}
"""
ROWS = [
    ("12:00:00.000001", "a", 1, 1.5, "1.10", True, "ab/cb"), ("12:00:05", "b", None, -2.25, "2.25", False, "b"),
    ("12:00:10", "a", 3, 9.0, "-0.05", None, "a/b/c"), ("12:00:20", "a", 3, None, None, True, None),
    ("12:00:19.9995", "b", 3, 0.0, "100.00", True, "xyz/"), ("12:00:29.9", "c", 7, 4.0, "7.45", None, "ab"),
    ("12:01:00", None, -8, 2.0, "12345.67", True, "ü/é"), ("12:01:10", "b", 1, 3.0, "0.00", True, "abc/abc"),
    ("12:02:09.999", "c", 7, 2.5, "3.33", False, "cab/x"), ("12:02:10", "a", 12, 7.0, "9.99", True, "a"),
    ("12:03:00", "s", 1, 0.5, "1.00", True, "s"), ("12:03:09.999", "s", 2, 0.5, "1.00", None, "s"),
    ("12:03:19.999", "s", 4, 0.5, "1.00", None, "s"), ("12:03:29.998", "s", 8, 0.5, "1.00", False, "s"),
]


def write_rows(stream):
    names = ("ts", "k", "n", "f", "d", "b", "t")
    lines = [dict(zip(names, row), day="2026-01-31") | {"ts": f"2026-01-31T{row[0]}Z"} for row in ROWS]
    stream.write("rows.ndjson", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def short(text):
    """Times have as few digits as they need here, and groups of three there; a DOUBLE that is whole has .0 there."""
    text = re.sub(r"(\d)\.0(?=, |$)", r"\1", text)
    return re.sub(r"(:\d\d)(?:\.(\d*?)0*)?Z", lambda found: found[1] + ("." + found[2] if found[2] else "") + "Z", text)


def as_flink_prints(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def ours(stream, manifest, *arguments):
    """Rows of each sink, which writes a file in place of printing."""
    text = re.sub(r"^  ([a-z-]*out): \{run: .*\}$", r"  \1: {run: write-file, path: ours-\1.ndjson, if-exists: replace}",
                  manifest.read_text(), flags=re.MULTILINE)
    stream.run("stream", "run", stream.write("ours.yaml", text), "--fresh", *arguments)
    rows = {}
    for sink in sinks(manifest):
        counted = collections.Counter()
        for line in (stream.folder / f"ours-{sink}.ndjson").read_text().splitlines():
            row = json.loads(line)
            sign = -1 if row.pop("_op", "+I")[0] == "-" else 1
            counted[short(", ".join(map(as_flink_prints, row.values())))] += sign
        rows[sink] = +counted
    return rows


def sinks(manifest):
    return re.findall(r"^  ([a-z-]*out):", manifest.read_text(), re.MULTILINE)


def theirs(flink, sink):
    counted = collections.Counter()
    for row, count in flink.rows(sink).items():
        counted[short(row)] += count
    return +counted


def compare(stream, flink, manifest, *arguments):
    """Of each sink, which prints."""
    flink.forget()
    job = stream.run("stream", "deploy", manifest, *arguments, "--on", "flink", "--gateway", flink.gateway, timeout=120).strip()
    check(re.fullmatch(r"[0-9a-f]{32}", job), f"{manifest.name}: no job id: {job}")
    flink.wait_for(job)
    for sink, here in ours(stream, manifest, *arguments).items():
        there = theirs(flink, sink)
        check(here, f"{manifest.name}: {sink} has no rows")
        check(here == there, f"{manifest.name}: {sink} differs: only here {list((here - there).items())[:3]}, "
                             f"only there {list((there - here).items())[:3]}")


def write_events(stream):
    stages = "".join(f"  {kind}-out: {{run: write-file, from: events.{kind}, path: {kind}.ndjson}}\n" for kind in KINDS)
    stream.write("events.yaml", "pipeline: events\nstages:\n  events: {run: generate, nexmark: true, matching-bidders: true, "
                                f"rows: {EVENTS}, event-rate: {EVENTS // 50}}}\n{stages}")
    stream.run("stream", "run", "events.yaml")


def of_files(stream, query):
    """The query's manifest over files in place of the generator."""
    text = (NEXMARK / f"{query}.yaml").read_text()
    used = [kind for kind in KINDS if f"events.{kind}" in text]
    sources = "".join(f"  {kind}: {{run: read-file, path: {kind}.ndjson, schema: \"{KINDS[kind]}\", time: date_time}}\n" for kind in used)
    text = re.sub(r"  events: \{.*\}\n", sources, text)
    for kind in used:
        text = text.replace(f"events.{kind}", kind)
    stream.write("side-input.csv", "".join(f"{key},{key}\n" for key in range(10_000)))
    return stream.write(f"{query}.yaml", text)


def same_rows_on_flink(stream):
    if reason := missing():
        print(f"skipped: there is no Flink here: {reason}", flush=True)
        return
    write_rows(stream)
    write_events(stream)
    with Flink(kafka=LONG) as flink:
        compare(stream, flink, stream.write("functions.yaml", FUNCTIONS))
        compare(stream, flink, stream.write("aggregates.yaml", AGGREGATES))
        for query in QUERIES if LONG else USUAL:
            compare(stream, flink, of_files(stream, query), "-p", "sink=print")
        files_are_written(stream, flink)
        if LONG:
            the_client_takes_a_script(stream, flink)
        if flink.kafka:
            kafka_is_read_and_written(stream, flink)
        else:
            what_flink_refuses_is_told(stream, flink)


def files_are_written(stream, flink):
    manifest = stream.write("files.yaml", """pipeline: files
stages:
  rows: {run: read-file, path: rows.ndjson, schema: "ts timestamp, k varchar, n bigint, d decimal(10,2)"}
  some: {run: filter, where: n > 2}
  copy: {run: write-file, path: copy/}
""")
    job = stream.run("stream", "deploy", manifest, "--on", "flink", "--gateway", flink.gateway, "--json", timeout=120)
    told = json.loads(job)
    check(told["pipeline"] == "files" and told["watch"].startswith(flink.cluster), f"told: {told}")
    flink.wait_for(told["job"])
    there = sorted(short(line) for part in (stream.folder / "copy").glob("part-*") for line in part.read_text().splitlines())
    stream.run("stream", "run", manifest, "--set", "stages.copy.path=copied/")
    here = sorted(line for part in (stream.folder / "copied").glob("part-*") for line in part.read_text().splitlines())
    check(here and [json.loads(line) for line in here] == [json.loads(line) for line in there], f"{here} is not {there}")


def the_client_takes_a_script(stream, flink):
    client = flink.client(stream.folder / "sql-client.sh")
    if client is None:
        return
    flink.forget()
    told = stream.run("stream", "deploy", "functions.yaml", "--on", "flink", "--sql-client", client, timeout=120)
    flink.wait_for(re.search(r"Job ID: ([0-9a-f]{32})", told).group(1))
    check(sum(theirs(flink, "out").values()) == len(ROWS), told)
    wrong = stream.write("wrong.yaml", FUNCTIONS.replace("run: print", "run: write-kafka, topic: x, servers: x"))
    stream.run("stream", "deploy", wrong, "--on", "flink", "--sql-client", client, timeout=120, expect=1)


def kafka_is_read_and_written(stream, flink):
    """The same messages with the same keys, in transactions."""
    with start_kafka(stream.programs, stream.folder) as kafka:
        if not kafka.transactional:
            return
        for topic in ("rows", "here", "there"):
            kafka.create(topic, 1)
        kafka.produce("rows", [(0, "", line) for line in (stream.folder / "rows.ndjson").read_text().splitlines()])
        manifest = stream.write("kafka.yaml", f"""pipeline: kafka
parameters: {{to: {{type: varchar, default: there}}}}
stages:
  rows: {{run: read-kafka, topic: rows, servers: "{kafka.servers}", stop-at-end: true, schema: "ts timestamp, k varchar, n bigint, d decimal(10,2)"}}
  some: {{run: filter, where: n > 2}}
  out: {{run: write-kafka, topic: "${{to}}", servers: "{kafka.servers}", key: k}}
""")
        job = stream.run("stream", "deploy", manifest, "--on", "flink", "--gateway", flink.gateway, timeout=120).strip()
        flink.wait_for(job)
        stream.run("stream", "run", manifest, "-p", "to=here")
        here, there = (sorted((key, short(value)) for *_, key, value in kafka.dump(topic)) for topic in ("here", "there"))
        alike = [[(key, json.loads(value)) for key, value in side] for side in (here, there)]
        check(here and alike[0] == alike[1], f"{here} is not {there}")


def what_flink_refuses_is_told(stream, flink):
    """Without the connector."""
    stream.run("stream", "deploy", "generate 'n' --rows 3 | write-kafka made", "--on", "flink", "--gateway", flink.gateway, expect=1)
    check("Flink refuses 'EXECUTE STATEMENT SET'" in stream.last_stderr and "kafka" in stream.last_stderr,
          f"told: {stream.last_stderr}")


if __name__ == "__main__":
    main([same_rows_on_flink])
