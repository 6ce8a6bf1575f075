"""A small file system that a test can fill."""

import os
import subprocess


class SmallDisk:
    """A tmpfs with a filler that leaves so many bytes free; `mounted` is false where mounting is not allowed."""

    def __init__(self, stream, name, size):
        self.stream = stream
        self.folder = stream.folder / name
        self.folder.mkdir()
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.folder], capture_output=True,
                                      check=False).returncode == 0

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
