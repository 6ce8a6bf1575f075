"""A PostgreSQL server of a test's own: on a socket in a temporary folder, never the system's."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from harness import Failure, wait_until

SETTINGS = {"listen_addresses": "''", "timezone": "UTC", "wal_level": "logical", "max_prepared_transactions": 20,
            "max_wal_senders": 10, "max_replication_slots": 10, "wal_sender_timeout": "10s", "shared_buffers": "16MB"}


def newest_programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    """with Postgres() as server: …; None of its rows outlive the test, so that nothing is synced but on request."""

    def __init__(self, **settings):
        self.programs = newest_programs()
        self.settings = SETTINGS | settings
        self.port = 5432  # names the socket, too
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stream-pg-"))
        self.as_user = []
        if os.getuid() == 0:  # a server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.folder.chmod(0o755)

    def __enter__(self):
        self.control("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8",
                     "--locale=C")
        self.start()
        return self

    def __exit__(self, *_):
        subprocess.run(self.command("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop"), cwd="/",
                       capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, program, *args):
        return [*self.as_user, str(self.programs / program), *[str(arg) for arg in args]]

    def control(self, program, *args):
        done = subprocess.run(self.command(program, *args), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"{program}: {done.stderr}")

    def start(self):
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self.control("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o",
                     f"{options} -c unix_socket_directories={self.folder}", "start")

    def kill(self):
        """The server dies as if its machine had."""
        self.control("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")

    def crash(self):
        """It dies, and comes back."""
        self.kill()
        self.start()

    @property
    def dsn(self):
        return f"host={self.folder} port={self.port} user=postgres dbname=postgres"

    def psql(self, sql, check=True):
        """What the statements print: values separated by |, a row a line."""
        done = subprocess.run([str(self.programs / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.dsn],
                              input=sql, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise Failure(f"psql: {done.stderr}\n{sql}")
        return done.stdout

    def rows(self, sql):
        return self.psql(sql).splitlines()

    def until(self, what, sql, wanted, timeout=60.0):
        wait_until(what, lambda: self.psql(sql, check=False).strip() == wanted, timeout, 0.02)
