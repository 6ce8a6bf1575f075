"""A small file system that a test can fill."""

import os
import shutil
import subprocess
import time


def succeeds(*command):
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class SmallDisk:
    """A tmpfs with a filler that leaves so many bytes free; `mounted` is false where mounting is not allowed.

    With `freezes` it is an ext4 in a file, if the kernel has that, which can stand still."""

    def __init__(self, stream, name, size, freezes=False):
        self.stream = stream
        self.folder = stream.folder / name
        self.folder.mkdir()
        self.freezes = freezes and self.make_ext4(size)
        self.mounted = self.freezes or succeeds("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.folder)

    def make_ext4(self, size):
        image = self.folder.with_suffix(".ext4")
        return (all(map(shutil.which, ("mkfs.ext4", "fsfreeze"))) and succeeds("truncate", "-s", size, image) and
                succeeds("mkfs.ext4", "-q", "-m", "0", image) and succeeds("mount", "-o", "loop,barrier=0,noatime", image, self.folder))

    def stand_still(self, seconds):
        """As storage does whose server is away: whoever writes waits, and cannot be killed meanwhile."""
        subprocess.run(["fsfreeze", "-f", self.folder], check=True)
        try:
            time.sleep(seconds)
        finally:
            subprocess.run(["fsfreeze", "-u", self.folder], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            self.stream.kill(self.stream.processes_below(self.folder))  # of a test that failed
            subprocess.run(["umount", "-l", self.folder], check=True)

    def fill(self, leave):
        room = os.statvfs(self.folder)
        left = room.f_bavail * room.f_bsize - leave
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            try:
                while left > 0:
                    left -= filler.write(bytes(min(left, 4096)))
            except OSError:  # others have taken the rest
                pass

    def make_room(self):
        (self.folder / "filler").unlink()


def on_small_disk(size="16m"):
    """Of a test that gets one as its second argument; it is skipped, saying so, where it cannot be had."""
    def of(test):
        def run(stream):
            with SmallDisk(stream, "small", size) as disk:
                if not disk.mounted:
                    print("skipped: mounting a tmpfs is not allowed here", flush=True)
                    return
                test(stream, disk)
        run.__name__ = test.__name__
        return run
    return of
