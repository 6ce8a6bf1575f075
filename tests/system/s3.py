"""Checkpoints in S3-compatible storage, against a real server on loopback."""

import gzip
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import s3_server  # noqa: E402
import ssh_hosts  # noqa: E402
from harness import check, main, query_so_far, wait_until  # noqa: E402
from ha import Hosts  # noqa: E402
from hosts import agents  # noqa: E402
from in_flight import SLOW, compare, dead, expected, manifest, past, results  # noqa: E402
from s3_server import S3Server  # noqa: E402

ROWS = 40_000
JOB = """
pipeline: far
checkpoint: {interval: INTERVAL, path: "URL"}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  made: {run: generate, columns: "n % 1000 as k, n as v", rows: ROWS, rate: RATE}
  totals: {run: aggregate, by: [k], compute: {n: count(*), total: sum(v)}}
  out: {run: write-sqlite, path: totals.db, table: totals}
"""


def wanted(rows=ROWS):
    return [(k, len(range(k, rows, 1000)), sum(range(k, rows, 1000))) for k in range(1000)]


def totals(stream):
    with sqlite3.connect(stream.folder / "totals.db") as db:
        return db.execute("select k, n, total from totals order by k").fetchall()


def write(stream, url, interval="1h", rows=ROWS, rate=20000):
    stream.write("far.yaml", JOB.replace("URL", url).replace("INTERVAL", interval).replace("ROWS", str(rows)).replace("RATE", str(rate)))


def begun(stream, server):
    """A job that lasts for 40 s; what is written anew then is the same job in a hurry."""
    write(stream, server.url(), rate=1000)
    stream.run("stream", "run", "-d", "far.yaml")
    write(stream, server.url())


def killed(stream, job="far"):
    stream.kill(stream.processes(job))
    dead(stream, job)


def drained(stream):
    stream.run("stream", "wait", "far", "--for", "checkpoint")
    stream.run("stream", "stop", "--drain", "--no-savepoint", "far")
    rows = sum(n for _, n, _ in totals(stream))
    check(rows >= 1000 and totals(stream) == wanted(rows), f"{totals(stream)[:3]} …")


def finished(stream, rows=ROWS):
    stream.run("stream", "wait", "--for", "finished", "--timeout", "100s", "far", timeout=120)
    check(totals(stream) == wanted(rows), f"{totals(stream)[:3]} …")


def published(server):
    text = server.get("jobs/far/published.json")
    return [one["epoch"] for one in json.loads(text)["checkpoints"]] if text else []


def objects(server):
    """Snapshot files and indexes of checkpoints that are there."""
    return [key.removeprefix("jobs/far/") for key in server.keys("jobs/far/") if key.endswith(".sqlite")]


def local_files(stream):
    folder = stream.home("far") / "checkpoints"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.sqlite"))


def with_server(test):
    def run(stream):
        with S3Server() as server:
            stream.environment.update(server.credentials())
            test(stream, server)
    run.__name__ = test.__name__
    return run


@with_server
def a_checkpoint_is_in_storage_and_the_job_goes_on_from_there(stream, server):
    begun(stream, server)
    stream.run("stream", "checkpoint", "far")
    check(published(server) == [1] and objects(server) == local_files(stream), f"{published(server)} {objects(server)} {local_files(stream)}")
    killed(stream)
    folder = stream.home("far") / "checkpoints"
    for path in folder.glob("*/*"):
        path.unlink()
    stream.run("stream", "run", "-d", "far.yaml")
    check("goes on from checkpoint 1" in stream.last_stderr or "checkpoint 1" in stream.run("stream", "events", "far"), stream.last_stderr)
    finished(stream)


@with_server
def a_damaged_copy_here_is_fetched_again(stream, server):
    begun(stream, server)
    stream.run("stream", "checkpoint", "far")
    killed(stream)
    kept = stream.home("far") / "checkpoints"
    for name in local_files(stream):
        path = kept / name
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    stream.run("stream", "run", "-d", "far.yaml")
    finished(stream)


@with_server
def retention_and_fresh_runs_delete_what_is_in_storage(stream, server):
    begun(stream, server)
    for _ in range(5):
        stream.run("stream", "checkpoint", "far")
    wait_until("retention", lambda: published(server) == [3, 4, 5] and objects(server) == local_files(stream))
    stream.run("stream", "cancel", "far")
    stream.run("stream", "run", "-d", "--fresh", "far.yaml", "--set", "stages.out.if-exists=replace")
    check(published(server) == [] and not objects(server), f"{objects(server)}")
    finished(stream)


def with_hosts(test):
    """Hosts have the keys in files of their own: no environment goes there."""
    @with_server
    def run(stream, server):
        why = ssh_hosts.missing()
        if why:
            print(f"skipped: {why}", flush=True)
            return
        keys = {}
        for option, name in (("access-key", "AWS_ACCESS_KEY_ID"), ("secret-key", "AWS_SECRET_ACCESS_KEY")):
            (stream.folder / option).write_text(server.credentials()[name])
            keys[option] = f"file:{stream.folder / option}"
        with ssh_hosts.LoopbackHosts(stream, ["a", "b"]) as hosts:
            test(stream, server, hosts, server.url(**keys))
    run.__name__ = test.__name__
    return run


def write_spread(stream, hosts, url, rate):
    text = JOB.replace("INTERVAL", "200ms").replace("ROWS", "400_000".replace("_", "")).replace("RATE", str(rate)).replace("URL", url)
    text = text.replace("sum(v)}}", "sum(v)}, parallelism: 3}").replace("out: {run: write-sqlite,", "out: {run: write-sqlite, parallelism: 2,")
    stream.write("far.yaml", text.replace("stages:\n", f"{hosts.manifest('127.0.0.1')}stages:\n"))


def runs_on(stream, places):
    return stream.instances("far") and {i["host"] for i in stream.stats("far")["instances"]} == places


def far_files(stream):
    """What instances on other hosts keep there of their own."""
    return [path for path in (stream.folder / "agents").glob("**/checkpoints/*/*/*.sqlite")]


@with_hosts
def hosts_keep_their_state_in_storage(stream, server, hosts, url):
    """Nobody has a folder that others reach: what one of them wrote the next that needs it gets from storage."""
    everywhere = {"here", "a", "b"}
    write_spread(stream, hosts, url, 4000)
    stream.run("stream", "run", "-d", "far.yaml")
    wait_until("all to run", lambda: runs_on(stream, everywhere), timeout=60)
    stream.run("stream", "wait", "far", "--for", "checkpoint")
    for kill in (lambda: ssh_hosts.children_of(agents(stream)["a"])[:1], lambda: [agents(stream)["b"]]):
        begun = len(stream.events("far"))
        ssh_hosts.kill_group(kill())
        wait_until("it to run again", lambda begun=begun: any(e["kind"] == "running" for e in stream.events("far")[begun:]), timeout=60)
        stream.run("stream", "checkpoint", "far")
    stream.run("stream", "rescale", "far", "totals=2")
    for _ in range(4):
        stream.run("stream", "checkpoint", "far")
    wait_until("retention", lambda: len(published(server)) == 3)
    killed(stream)
    for path in (stream.home("far") / "checkpoints").glob("*/*"):
        path.unlink()
    stream.run("stream", "run", "-d", "far.yaml")
    stream.run("stream", "wait", "far", "--for", "running", "--timeout", "60s")
    savepoint = stream.run("stream", "stop", "far").strip()
    rows = sum(n for _, n, _ in totals(stream))
    check(totals(stream) == wanted(rows), "the rows before the savepoint")
    # From a folder that only the supervisor's host has.
    write_spread(stream, hosts, url, 1_000_000)
    stream.run("stream", "run", "-d", "far.yaml", "--from", savepoint)
    finished(stream, 400_000)
    wait_until("no agent left", lambda: not agents(stream))
    check(not far_files(stream), f"{far_files(stream)}")


@with_server
def a_place_belongs_to_one_job(stream, server):
    begun(stream, server)
    stream.run("stream", "checkpoint", "far")
    stream.run("stream", "stop", "--no-savepoint", "far")
    here = stream.environment["STREAM_HOME"]
    stream.environment["STREAM_HOME"] = str(stream.folder / "other-home")
    stream.run("stream", "run", "-d", "far.yaml", expect=1)
    said = stream.last_stderr
    check("those of the job in" in said and f"{here}/far" in said and "jobs/far.owner' if that one is gone" in said, said)
    stream.environment["STREAM_HOME"] = here
    write(stream, server.url("elsewhere"))
    stream.run("stream", "run", "-d", "far.yaml", expect=1)
    check("are in 's3://bucket/jobs/far', not in 's3://bucket/elsewhere/far'" in stream.last_stderr, stream.last_stderr)
    write(stream, server.url())
    stream.run("stream", "run", "-d", "far.yaml")
    finished(stream)


@with_server
def of_two_supervisors_one_publishes(stream, server):
    """The second is as one on another host that was told that the first is gone."""
    write(stream, server.url(), rows=2_000_000)
    stream.run("stream", "run", "-d", "far.yaml")
    stream.run("stream", "checkpoint", "far")
    before = server.get("jobs/far/published.json")
    taken = json.loads(before)
    taken["writer"], taken["revision"] = "another", taken["revision"] + 1
    server.put("jobs/far/published.json", json.dumps(taken).encode())
    stream.run("stream", "checkpoint", "far", expect=None)
    wait_until("the first to end", lambda: "FAILED" in stream.run("stream", "ps", "--all"))
    check("another supervisor has taken over" in stream.run("stream", "show", "far"), stream.run("stream", "show", "far"))
    check(published(server) == [1], f"{published(server)}")


@with_server
def an_outage_fails_checkpoints_and_not_the_job(stream, server):
    write(stream, server.url(patience="300ms"), interval="200ms", rows=2_000_000)
    stream.run("stream", "run", "-d", "far.yaml")
    wait_until("a checkpoint", lambda: published(server))
    attempt = stream.instances("far")
    server.kill()
    wait_until("a checkpoint to fail", lambda: any(event["kind"] == "checkpoint-aborted" and "no answer" in event["text"] for event in stream.events("far")))
    check(stream.instances("far") == attempt, "it was restarted")
    server.start()
    last = max(published(server))
    wait_until("the next checkpoint", lambda: max(published(server)) > last)
    check(stream.instances("far") == attempt, "it was restarted")
    drained(stream)


@with_server
def kills_at_any_moment_change_nothing(stream, server):
    """Of instances, the supervisor and the server, while checkpoints are made all the time."""
    write(stream, server.url(patience="500ms"), interval="50ms", rows=2_000_000)
    pick = random.Random(7)
    stream.run("stream", "run", "-d", "far.yaml")
    for turn in range(6):
        seen = max(published(server), default=0)
        whom = turn % 3
        if whom == 0:
            instances = wait_until("instances", lambda: stream.instances("far"))
            stream.kill([instances[pick.choice(sorted(instances))]])
        elif whom == 1:
            killed(stream)
            if turn % 2:
                for path in (stream.home("far") / "checkpoints").glob("*/*"):
                    path.unlink()
            stream.run("stream", "run", "-d", "far.yaml")
        else:
            server.kill()
            server.start()
        wait_until("another checkpoint", lambda: max(published(server), default=0) > seen)
    drained(stream)
    left = [key for key in server.keys() if key.endswith(".partial")]
    check(not left, f"{left}")


@with_server
def no_key_is_in_a_manifest_an_event_or_a_log(stream, server):
    stream.environment.pop("AWS_ACCESS_KEY_ID")
    stream.environment.pop("AWS_SECRET_ACCESS_KEY")
    stream.environment["HOME"] = str(stream.folder)
    write(stream, server.url())
    stream.run("stream", "run", "-d", "far.yaml", expect=None)
    check("no credentials for 's3://bucket/jobs/far'" in stream.last_stderr, stream.last_stderr)
    write(stream, server.url(**{"access-key": "test-access", "secret-key": "oops"}))
    stream.run("stream", "run", "-d", "far.yaml", expect=100)
    check("says where the key is" in stream.last_stderr and "oops" not in stream.last_stderr, stream.last_stderr)
    (stream.folder / ".aws").mkdir()
    (stream.folder / ".aws" / "credentials").write_text(f"[default]\naws_access_key_id={s3_server.ACCESS}\naws_secret_access_key=wrong-one\n")
    write(stream, server.url())
    stream.run("stream", "run", "-d", "far.yaml", expect=1)
    check("see that the credentials are those of this server" in stream.last_stderr, stream.last_stderr)
    (stream.folder / "secret").write_text(s3_server.SECRET)
    stream.environment["THE_KEY"] = s3_server.ACCESS
    write(stream, server.url(**{"access-key": "env:THE_KEY", "secret-key": f"file:{stream.folder}/secret"}))
    stream.run("stream", "run", "-d", "far.yaml")
    finished(stream)
    for path in stream.home("far").rglob("*"):
        check(not path.is_file() or s3_server.SECRET.encode() not in path.read_bytes(), f"the key is in {path}")


class FarHosts(Hosts):
    """Supervisors of one job that share no folder but that of the lease: checkpoints are in storage."""

    def __init__(self, stream, server, number):
        super().__init__(stream, number, rate=SLOW)
        place = server.url("jobs", patience="2s")
        stream.write("job.yaml", manifest(("interval: 50ms", f'interval: 50ms, path: "{place}"'), rate=SLOW, out=str(stream.folder)))
        for host in self.all:
            host.own.environment.update(server.credentials())


@with_server
def another_supervisor_takes_over_from_what_is_in_storage(stream, server):
    """Killed, and standing still while the other leads: it wakes, and publishes nothing more."""
    result = expected(stream)
    with FarHosts(stream, server, 2) as hosts:
        past(stream, 1500)
        first = hosts.wait_leader()
        first.send(signal.SIGSTOP)
        second = hosts.wait_leader(but=first)
        check("continues from checkpoint" in second.talk(), second.talk())
        first.send(signal.SIGCONT)
        past(stream, 3000)
        wait_until("the first to make way", lambda: first.state() != "RUNNING")
        second.send(signal.SIGKILL)
        second.process.wait()
        if first.process.poll() is not None:
            first.start()
        hosts.wait_leader(but=second)
        second.start()
        hosts.over()
        compare(results(stream.folder), result)


@with_server
def savepoints_are_copied_there_and_read_there(stream, server):
    begun(stream, server)
    for form, name in (("", "saves/one"), ("--archive", "saves/one.tar.zst"), ("--single-file", "saves/one.sqlite")):
        url = server.url(name)
        said = stream.run("stream", "savepoint", "far", "--to", url, *([form] if form else [])).strip()
        check(said == url and server.keys(name), f"{said} {server.keys()}")
        stream.run("stream", "savepoint", "far", "--to", url, *([form] if form else []), expect=100)
        check("exists; give another place" in stream.last_stderr, stream.last_stderr)
    counts = stream.run("stream", "state", "query", server.url("saves/one"), "select count(*) as n from totals")
    check(int(counts.split()[-1]) > 0, counts)
    newest = stream.run("stream", "state", "query", server.url("jobs/far"), "select count(*) as n from totals")
    check(int(newest.split()[-1]) >= int(counts.split()[-1]), newest)
    check(len(stream.run("stream", "savepoint", "--list", "--json", "far").splitlines()) == 3, "one was made in vain")
    stream.run("stream", "run", "--from", server.url("jobs/far"), "--name", "other", "far.yaml", expect=100)
    check("and no savepoint" in stream.last_stderr, stream.last_stderr)
    for form in ("", "--archive"):
        stream.run("stream", "savepoint", "far", "--to", server.url("saves/two"), *([form] if form else []))
        stream.run("stream", "savepoint", "--delete", server.url("saves/two"))
        check(not server.keys("saves/two"), server.keys())
    fetched = stream.home("far").parent / ".fetched"
    check(len(list(fetched.iterdir())) >= 2 and ".fetched" not in stream.run("stream", "gc", "--dry-run"), "what was fetched a moment ago")
    stream.run("stream", "cancel", "far")
    stream.run("stream", "run", "far.yaml", "--name", "used", "--from", server.url("saves/one"), "--set", f"checkpoint.path={server.url('used')}", "--set", "stages.out.path=used.db")
    for folder in fetched.iterdir():
        os.utime(folder, (0, 0))
    said = stream.run("stream", "gc").split()
    check(len(said) >= 1 and all(".fetched" in path for path in said), f"{said}")
    check(len(list(fetched.iterdir())) == 1, "what a job has begun with is gone, or more is left")
    for number, name in enumerate(("saves/one", "saves/one.tar.zst", "saves/one.sqlite")):
        stream.environment["STREAM_HOME"] = str(stream.folder / f"host-{number}")
        write(stream, server.url(f"jobs-{number}"))
        stream.run("stream", "run", "far.yaml", "--from", server.url(name), "--set", f"stages.out.path=totals-{number}.db")
        with sqlite3.connect(stream.folder / f"totals-{number}.db") as db:
            check(db.execute("select k, n, total from totals order by k").fetchall() == wanted(), f"{name}: {stream.last_stderr}")


@with_server
def savepoints_that_are_made_by_themselves_go_there(stream, server):
    def listed():
        return [json.loads(line) for line in stream.run("stream", "savepoint", "--list", "--json", "far").splitlines()]

    write(stream, "")
    text = (stream.folder / "far.yaml").read_text().replace(', path: ""', "")
    stream.write("far.yaml", text + f'savepoints: {{every: 1s, keep: 2, to: "{server.url("kept", patience="500ms")}"}}\n')
    begin = ["stream", "run", "-d", "far.yaml", "--set", "stages.made.rows=100000000"]
    stream.run(*begin)
    first = wait_until("a savepoint", listed, timeout=60)[0]["path"]
    check(first.startswith("s3://bucket/kept/far/") and "?" in first, first)
    wait_until("the first to go again", lambda: first not in [one["path"] for one in listed()] and not server.keys(first.split("?")[0].removeprefix("s3://bucket/") + "/"), timeout=60)
    there = {key.split("/")[2] for key in server.keys("kept/far/")}
    check(len(there) in (2, 3), f"two are kept, and one may be on its way: {there}")
    # One that has a name stays, whoever asks by that; one that is deleted is gone.
    stream.run("stream", "savepoint", "--mark", "far@latest", "--label", "good")
    # The server is away: it says so, goes on, and makes them again.
    server.kill()
    wait_until("it to say so", lambda: any(event["kind"] == "savepoint-failed" for event in stream.events("far")), timeout=120)
    server.start()
    newest = max(one["epoch"] for one in listed())
    wait_until("the next", lambda: max(one["epoch"] for one in listed()) > newest, timeout=120)
    # Its supervisor is killed while it makes them: what was begun is gone, here and there.
    killed(stream)
    stream.run(*begin)
    newest = max(one["epoch"] for one in listed())
    wait_until("the next", lambda: max(one["epoch"] for one in listed()) > newest, timeout=120)
    stream.run("stream", "savepoint", "far", "--every", "off")
    stream.run("stream", "stop", "--no-savepoint", "far")
    check(not list(stream.home("far").glob("savepoints*/*")), "one is left here")
    known = {one["path"].split("?")[0].split("/")[-1] for one in listed()}
    check({key.split("/")[2] for key in server.keys("kept/far/")} == known, f"{server.keys('kept/far/')}, known are {known}")
    counts = stream.run("stream", "state", "query", "far@good", "select count(*) as n from totals")
    check(int(counts.split()[-1]) > 0, counts)
    stream.run("stream", "run", "far.yaml", "--name", "other", "--from", "far@good", "--set", "stages.out.path=other.db", "--set", "stages.made.rate=1000000",
               "--set", "stages.made.rows=1000000")
    with sqlite3.connect(stream.folder / "other.db") as db:
        rows = db.execute("select sum(n) from totals").fetchone()[0]
        check(rows == 1_000_000, f"{rows} rows: it did not go on")
    stream.run("stream", "savepoint", "--delete", "far@good")
    check("good" not in [one["label"] for one in listed()], listed())


@with_server
def what_nothing_names_goes_with_gc(stream, server):
    begun(stream, server)
    stream.run("stream", "checkpoint", "far")
    stream.run("stream", "stop", "--no-savepoint", "far")
    server.put("jobs/far/1/left.0.a1.sqlite", b"of a process that was killed")
    said = stream.run("stream", "gc", "--dry-run", "far")
    check("s3://bucket/jobs/far/1/left.0.a1.sqlite" in said, said)
    stream.run("stream", "gc", "far")
    check(server.get("jobs/far/1/left.0.a1.sqlite") is None, "it is there")
    stream.run("stream", "run", "-d", "far.yaml")
    finished(stream)


ORDERS = [{"id": n, "country": ["DE", "FR", "IT"][n % 3], "amount": n * 7 % 1000} for n in range(3000)]


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@with_server
def objects_are_read_as_files(stream, server):
    server.put("in/a.ndjson", ndjson(ORDERS[:1000]))
    server.put("in/b 2.ndjson", ndjson(ORDERS[1000:2000]))
    server.put("in/c.ndjson.gz", gzip.compress(ndjson(ORDERS[2000:])))
    server.put("in/below/d.ndjson", b"no record\n")
    server.put("in/.hidden", b"no record\n")
    everything = [json.dumps(row, separators=(",", ":")) for row in ORDERS]
    check(stream.run("stream-read-file", server.url("in")).splitlines() == everything, "a prefix")
    check(stream.run("stream-read-file", server.url("in/")).splitlines() == everything, "a prefix that ends in /")
    check(stream.run("stream-read-file", server.url("in/*.ndjson")).splitlines() == everything[:2000], "a glob")
    check(stream.run("stream-read-file", server.url("in/b%202.ndjson").replace("%20", " ")).splitlines() == everything[1000:2000], "an object")
    stream.run("stream-read-file", server.url("in/nothing.ndjson"), expect=100)
    check("there is no such object" in stream.last_stderr or "holds no file" in stream.last_stderr or "no file" in stream.last_stderr, stream.last_stderr)


FOLLOW = """
pipeline: follow
checkpoint: {interval: 50ms, path: "CHECKPOINTS"}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  orders: {run: read-file, path: "FROM", follow: true, schema: "id bigint", split-size: 5KB, parallelism: 2}
  out: {run: write-sqlite, path: out.db, table: t}
"""


@with_server
def objects_that_come_are_read_when_they_are_followed(stream, server):
    def rows():
        return sorted(n for (n,) in query_so_far(stream.folder / "out.db", "select id from t"))

    stream.write("follow.yaml", FOLLOW.replace("CHECKPOINTS", server.url("jobs")).replace("FROM", server.url("in/")))
    stream.run("stream", "run", "-d", "follow.yaml")  # nothing is there yet
    server.put("in/a.ndjson", ndjson(ORDERS[:1000]))
    wait_until("the first", lambda: rows() == list(range(1000)), timeout=60)
    # Killed, it goes on behind what it has read; of what comes meanwhile nothing is lost.
    stream.kill(stream.instances("follow").values())
    server.put("in/b.ndjson.gz", gzip.compress(ndjson(ORDERS[1000:2000])))
    wait_until("the second", lambda: rows() == list(range(2000)), timeout=60)
    # What is deleted is forgotten, and what stays is not read again by another number of instances.
    server.remove("in/a.ndjson")
    stream.run("stream", "rescale", "follow", "orders=3")
    server.put("in/0.ndjson", ndjson(ORDERS[2000:]))
    wait_until("the third", lambda: rows() == list(range(3000)), timeout=60)
    stream.run("stream", "stop", "follow")
    check(rows() == list(range(3000)), f"{len(rows())} rows")
    known = stream.run("stream", "state", "query", "follow", 'select distinct path from "orders.splits" order by path')
    check(known.split()[-2:] == ["s3://bucket/in/0.ndjson", "s3://bucket/in/b.ndjson.gz"], known)


COPY = """
pipeline: copy
checkpoint: {interval: 50ms, path: "CHECKPOINTS"}
restart: {strategy: fixed-delay, delay: 10ms, attempts: 1000}
stages:
  orders: {run: read-file, path: "FROM", split-size: 20KB, parallelism: 2}
  slower: {run: throttle, rate: 20000}
  out: {run: write-file, path: "TO", by: [k], parallelism: 2, roll-size: 6MiB}
"""


def lines_below(server, prefix):
    found = []
    for key in server.keys(prefix):
        found += [(key.removeprefix(prefix).split("/")[0], line) for line in server.get(key).decode().splitlines()]
    return sorted(found)


@with_server
def what_is_copied_from_storage_to_storage_is_there_once(stream, server):
    """Objects of several parts and small ones; instances and the supervisor are killed, and the server says nothing for a while.

    It is not killed here: versitygw 1.8 that dies while it completes an upload has lost it, and says that it is complete."""
    rows = [{"k": "large" if n % 8 else "small", "n": n, "text": f"{n:06}" + "x" * 400} for n in range(40_000)]
    for piece in range(4):
        server.put(f"in/{piece}.ndjson", ndjson(rows[piece * 10_000:(piece + 1) * 10_000]))
    wanted_lines = sorted((f"k={row['k']}", json.dumps(row, separators=(",", ":"))) for row in rows)
    text = COPY.replace("CHECKPOINTS", server.url("jobs", patience="500ms")).replace("FROM", server.url("in/*.ndjson"))
    stream.write("copy.yaml", text.replace("TO", server.url("out/")))
    pick = random.Random(11)
    stream.run("stream", "run", "-d", "copy.yaml")
    for turn in range(9):
        if turn % 3 == 0:
            instances = wait_until("instances", lambda: stream.instances("copy") or not stream.processes("copy"))
            if instances is True:
                break
            stream.kill([instances[pick.choice(sorted(instances))]])
        elif turn % 3 == 1:
            killed(stream, "copy")
            stream.run("stream", "run", "-d", "copy.yaml")
        else:
            server.send(signal.SIGSTOP)
            time.sleep(1.5)  # longer than it is waited for
            server.send(signal.SIGCONT)
        before = server.get("jobs/copy/published.json")
        wait_until("another checkpoint", lambda: server.get("jobs/copy/published.json") != before or not stream.processes("copy"))
        if not stream.processes("copy"):
            break
    stream.run("stream", "wait", "--for", "finished", "--timeout", "100s", "copy", timeout=120)
    found = lines_below(server, "out/")
    lost = sorted({json.loads(line)["n"] for _, line in wanted_lines} - {json.loads(line)["n"] for _, line in found})
    check(found == wanted_lines, f"{len(found)} rows, lost {lost[:3]} to {lost[-3:]}, {len(set(found))} of them different, instead of {len(wanted_lines)}")
    status, said = server.request("GET", "", {"uploads": "", "prefix": "out/"})
    check(status == 200 and b"<Upload>" not in said, f"uploads are left: {said[:300]}")


@with_server
def rows_written_to_storage_are_taken_back(stream, server):
    """From the checkpoint before the last, which cannot be used any more."""
    stream.write("back.yaml", f"""
pipeline: back
checkpoint: {{interval: 1h, keep: 5}}
restart: {{strategy: fixed-delay, delay: 10ms, attempts: 10}}
stages:
  made: {{run: generate, columns: "n as v", rows: 4000, rate: 200}}
  out: {{run: write-file, path: "{server.url('out/')}", roll-every: 1ms}}
""")
    stream.run("stream", "run", "-d", "back.yaml")
    for _ in range(3):
        stream.run("stream", "checkpoint", "back")
    killed(stream, "back")
    kept = stream.home("back") / "checkpoints"
    for path in (kept / "3").glob("*.sqlite"):
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    stream.run("stream", "run", "-d", "back.yaml", "--set", "stages.made.rate=4000")
    stream.run("stream", "wait", "--for", "finished", "--timeout", "100s", "back", timeout=120)
    found = sorted(json.loads(line)["v"] for _, line in lines_below(server, "out/"))
    check(found == list(range(4000)), f"{len(found)} rows, {len(set(found))} different")


def what_is_refused_is_said(stream):
    """Before anything is asked of a server, which is not needed here."""
    url = "s3://bucket/jobs?endpoint=http://127.0.0.1:9"

    def refused(said, text):
        stream.write("refused.yaml", "pipeline: refused\n" + text)
        stream.run("stream", "check", "refused.yaml", expect=1)
        check(said in stream.last_stderr, stream.last_stderr)

    stages = "stages:\n  made: {run: generate, columns: n, rows: 3}\n  out: {run: write-file, path: out.ndjson}\n"
    writing = "stages:\n  made: {run: generate, columns: 'n, to_timestamp(n) as at', rows: 3, time: at}\n  out: {run: write-file, WHAT}\n"
    refused("no bucket is named", 'checkpoint: {path: "s3://"}\n' + stages)
    refused("did you mean 'endpoint'", f'checkpoint: {{path: "{url.replace("endpoint", "endpiont")}"}}\n' + stages)
    refused("did you mean 'endpoint'", f'savepoints: {{every: 1h, to: "{url.replace("endpoint", "endpiont")}"}}\n' + stages)
    refused("an object cannot grow", writing.replace("WHAT", 'path: "s3://bucket/out.ndjson"'))
    refused("no _SUCCESS is made", writing.replace("WHAT", 'path: "s3://bucket/out/", success-after: 1h'))
    stream.run("stream-read-file", "file://host/a", expect=None)
    stream.write("a b.ndjson", '{"n":1}\n')
    check(stream.run("stream-read-file", f"file://{stream.folder}/a%20b.ndjson") == '{"n":1}\n', "file:///")


if __name__ == "__main__":
    why = s3_server.absent()
    if why:
        print(f"skipped, but for what needs no server: {why}")
    main([what_is_refused_is_said] if why else [
        what_is_refused_is_said,
        a_checkpoint_is_in_storage_and_the_job_goes_on_from_there,
        a_damaged_copy_here_is_fetched_again,
        retention_and_fresh_runs_delete_what_is_in_storage,
        hosts_keep_their_state_in_storage,
        a_place_belongs_to_one_job,
        of_two_supervisors_one_publishes,
        an_outage_fails_checkpoints_and_not_the_job,
        kills_at_any_moment_change_nothing,
        savepoints_are_copied_there_and_read_there,
        savepoints_that_are_made_by_themselves_go_there,
        what_nothing_names_goes_with_gc,
        another_supervisor_takes_over_from_what_is_in_storage,
        no_key_is_in_a_manifest_an_event_or_a_log,
        objects_are_read_as_files,
        objects_that_come_are_read_when_they_are_followed,
        what_is_copied_from_storage_to_storage_is_there_once,
        rows_written_to_storage_are_taken_back,
    ])
