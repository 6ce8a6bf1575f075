"""What a part of the benchmark hands back: a text for RESULTS.md, and numbers beside their goals."""

import dataclasses


@dataclasses.dataclass
class Goal:
    """One number of the table that RESULTS.md begins with."""
    what: str
    goal: str
    measured: str
    met: bool


@dataclasses.dataclass
class Part:
    lines: list = dataclasses.field(default_factory=list)
    goals: list = dataclasses.field(default_factory=list)

    def heading(self, text):
        self.lines += [f"### {text}", ""]

    def text(self, text):
        self.lines += [text, ""]

    def table(self, head, rows):
        """Cells may be texts or numbers; numbers come out with at most one fraction digit."""
        self.lines.append("| " + " | ".join(head) + " |")
        self.lines.append("|" + "---|" * len(head))
        self.lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
        self.lines.append("")

    def goal(self, what, goal, measured, met):
        self.goals.append(Goal(what, goal, measured, bool(met)))


def cell(value):
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def millions(value):
    return f"{value / 1e6:.2f} M"


def goal_table(goals):
    lines = ["## Numbers and goals", "", "| what | goal | measured | |", "|---|---|---|---|"]
    lines += [f"| {g.what} | {g.goal} | {g.measured} | {'met' if g.met else 'not met'} |" for g in goals]
    return lines + [""]
