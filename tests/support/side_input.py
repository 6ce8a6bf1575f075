"""The side input of Nexmark's q13."""


def write_side_input(folder):
    """A file of the lines 0,0 to 9999,9999; its path."""
    path = folder / "side-input.csv"
    if not path.exists():
        path.write_text("".join(f"{i},{i}\n" for i in range(10_000)))
    return path
