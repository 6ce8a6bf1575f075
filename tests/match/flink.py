"""Runs queries in Apache Flink: flink.py JOBS FOUND. Each reads one file of NDJSON as the table `made`."""

import json
import pathlib
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

TABLE = """CREATE TABLE made (k BIGINT, n BIGINT, ts TIMESTAMP(3), v BIGINT, c STRING, WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = 'file://PATH', 'format' = 'json')"""


def plain(value):
    return float(value) if value is not None and not isinstance(value, (int, float)) else value


def main():
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    environment.get_config().set("parallelism.default", "1")
    found = {}
    for job in json.loads(pathlib.Path(sys.argv[1]).read_text()):
        environment.execute_sql(TABLE.replace("PATH", job["path"]))
        try:
            with environment.execute_sql(job["sql"]).collect() as rows:
                found[job["name"]] = [[plain(value) for value in row] for row in rows]
        except Exception as error:  # whatever Flink says of the query is the answer  pylint: disable=broad-except
            found[job["name"]] = str(error).split("\tat ")[0] + job["sql"]
        environment.execute_sql("DROP TABLE made")
    pathlib.Path(sys.argv[2]).write_text(json.dumps(found))


main()
