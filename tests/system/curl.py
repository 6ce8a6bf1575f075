"""The API with nothing but curl: the walk of curl_walk.sh, and the commands that stream-rest(7) shows."""

import os
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(TOP / "tests" / "system"))
import manual  # noqa: E402
from certificates import Certificates  # noqa: E402
from harness import check, main  # noqa: E402
from rest import Server  # noqa: E402

ERRORS = 30  # that are provoked, at least


def a_walk_with_tokens_and_tls(stream):
    made = Certificates(stream.folder)
    folder = stream.folder / "root"
    folder.mkdir()
    os.link(made.authority, folder / "authority.pem")
    for role in ("read", "operate", "admin"):
        (folder / f"{role}.token").write_text(stream.run("stream", "serve", "--new-token", f"{role}={role}", "--tokens", "tokens"))
    with Server(stream, "--tokens", "tokens", "--tls-cert", made.server, "--tls-key", made.server_key, "--root", folder) as server:
        said = stream.run(TOP / "tests/system/curl_walk.sh", server.url, folder, timeout=120).splitlines()
    check(all(line.startswith("ok: ") for line in said), f"{said}")
    walk = (TOP / "tests/system/curl_walk.sh").read_text()
    check(len(re.findall(r"^refused ", walk, re.M)) >= ERRORS, "some errors are provoked no more")


def what_the_page_shows(stream):
    """In one shell, as it stands; the address is that of the server."""
    blocks = manual.blocks((TOP / "man/stream-rest.7").read_text())
    session = next(block for block in blocks if "url=http" in block)
    fetch = next(block for block in blocks if "stream run counts.yaml --from" in block)
    stream.write("counts.yaml", "pipeline: counts\ncheckpoint: {interval: 100ms}\nstages:\n  made: {run: generate, columns: \"n, n % 7 as k\", rate: 2000}\n"
                 "  totals: {run: aggregate, by: k, compute: count(*) as c}\n  out: {run: write-null}\n")
    with Server(stream) as server:
        said = stream.run("bash", "-eu", "-c", session.replace("http://localhost:8081", server.url))
        for part in ('"valid":true', '"name":"counts"', "CANCELED", '"application-status":"SUCCEEDED"'):
            check(part in said, f"no {part}: {said}")
        check(said.count("COMPLETED") == 4 and said.count('"location":') == 2, said)
        check(stream.run("stream", "show", "--json", "counts").count('"STOPPED"') == 1, "it is not stopped")
        newest = stream.run("bash", "-euo", "pipefail", "-c", fetch.splitlines()[0].replace("http://localhost:8081", server.url) + "; ls counts-*.tar.zst")
        command = fetch.splitlines()[1].replace("counts-17.tar.zst", newest.strip().splitlines()[-1]).replace("stream run", "stream run -d")
        stream.run("bash", "-euo", "pipefail", "-c", command)
    check(stream.stats("counts")["job"]["state"] == "RUNNING", "it does not run")


def what_is_no_savepoint_of_here_is_not_sent(stream):
    """And one that is damaged is seen to be."""
    stream.write("counts.yaml", "pipeline: counts\nstages:\n  made: {run: generate, columns: \"n, n % 7 as k\", rate: 2000}\n  totals: {run: aggregate, by: k, compute: count(*) as c}\n"
                 "  out: {run: write-null}\n")
    stream.run("stream", "run", "-d", "counts.yaml")
    stream.run("stream", "savepoint", "counts", "--label", "own")
    stream.run("stream", "savepoint", "counts", "--label", "elsewhere", "--to", stream.folder / "elsewhere")
    with Server(stream) as server:
        def fetch(which, expect=0):
            return stream.run("curl", "-sS", "-w", "%{http_code}", "-o", "got", f"{server.url}/jobs/counts/savepoints/{which}/download", expect=expect)
        check(fetch("own") == "200" and stream.run("stream", "state", "ls", "got"), "it is not sent")
        check(fetch("elsewhere") == "400" and "neither a job's own nor inside" in (stream.folder / "got").read_text(), "a file of anywhere is sent")
        stream.run("curl", "-sS", "--http1.0", "-o", "plain", f"{server.url}/jobs/counts/savepoints/own/download")
        check("totals" in stream.run("stream", "state", "ls", "plain"), "who takes no chunks has got another file")
        file = next(stream.home("counts").glob("savepoints/*/totals.0.sqlite"))
        file.chmod(0o600)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        fetch("own", expect=18)
        check("outstanding read data" in stream.last_stderr or "closed" in stream.last_stderr, stream.last_stderr)
        os.remove(file)
        fetch("own", expect=18)


if __name__ == "__main__":
    main([a_walk_with_tokens_and_tls, what_the_page_shows, what_is_no_savepoint_of_here_is_not_sent])
