"""Patterns to compare: each with its conditions in SQL and in Python.

`flink`: why Flink is not asked, "" where it is.
"""

from dataclasses import dataclass, field


@dataclass
class Case:
    pattern: str
    define: dict = field(default_factory=dict)  # variable -> (SQL, function of a Match whose last row is the one at hand)
    within: int = None  # seconds
    skip: str = "past-last-row"
    measures: dict = field(default_factory=dict)  # name -> (SQL, function of a Match), beside those every pattern has
    flink: str = ""

    def variables(self):
        names = []
        for word in self.pattern.replace("(", " ").replace(")", " ").replace("|", " ").split():
            name = word.rstrip("*+?0123456789{},")
            if name and name not in names:
                names.append(name)
        return names


def total(rows):
    return sum(row["v"] for row in rows)


def mean(rows):
    return total(rows) / len(rows)


def compare(left, right, test):
    """As SQL: unknown is not true."""
    return left is not None and right is not None and test(left["v"], right["v"])


def is_(kind):
    return (f"c = '{kind}'", lambda m: m.last()["c"] == kind)


LOW = ("A.v < 4", lambda m: m.last()["v"] < 4)
MIDDLE = ("B.v < 8", lambda m: m.last()["v"] < 8)
HIGH = ("C.v > 6", lambda m: m.last()["v"] > 6)
FALLS = ("last(B.v, 1) is null and B.v < A.v or B.v < last(B.v, 1)",
         lambda m: m.last()["v"] < (m.last("B", 1) or m.last("A"))["v"])
RISES = ("C.v > last(B.v)", lambda m: compare(m.last(), m.last("B"), lambda a, b: a > b))

GROUPS = "no groups and alternatives"
GREEDY = "its greedy quantifiers give no row back"
GREEDY_END = "a pattern may not end in a greedy quantifier"

CASES = {
    "sequence": Case("A B C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    "plus": Case("A B+ C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    "star": Case("A B* C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    "optional": Case("A B? C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    "exactly": Case("A{2} B", {"A": is_("a"), "B": is_("b")}),
    "at least": Case("A{2,} B", {"A": is_("a"), "B": is_("b")}),
    "between": Case("A B{1,3} C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    "at most": Case("A B{,2} C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}, flink="it refuses {,n}, though its manual has it"),
    "reluctant star": Case("A B*? C", {"A": LOW, "B": MIDDLE, "C": HIGH}),
    "reluctant plus": Case("A B+? C", {"A": LOW, "B": MIDDLE, "C": HIGH}),
    "reluctant between": Case("A B{1,4}? C", {"A": LOW, "B": MIDDLE, "C": HIGH}),
    "undefined variable": Case("A B*? C", {"A": is_("a"), "C": is_("c")}),
    "vee": Case("A B+ C", {"B": FALLS, "C": RISES}),
    "vee to last": Case("A B+ C", {"B": FALLS, "C": RISES}, skip="to-last C"),
    "within": Case("A B* C", {"A": is_("a"), "B": is_("b"), "C": is_("c")}, within=3),
    "within undefined": Case("A B*? C", {"A": is_("a"), "C": is_("c")}, within=5),
    "to next row": Case("A B+ C", {"A": is_("a"), "B": ("B.c <> 'c'", lambda m: m.last()["c"] != "c"), "C": is_("c")},
                        skip="to-next-row"),
    "to first": Case("A B+ C", {"A": LOW, "B": ("B.v < 7", lambda m: m.last()["v"] < 7), "C": HIGH}, skip="to-first B"),
    "to last": Case("A B+ C", {"A": LOW, "B": ("B.v < 7", lambda m: m.last()["v"] < 7), "C": HIGH}, skip="to-last B"),
    "average": Case("A+ B", {"A": ("avg(A.v) < 5", lambda m: mean(m.of("A")) < 5),
                             "B": ("sum(A.v) + B.v >= 5 * (count(A.v) + 1)", lambda m: mean(m.of()) >= 5)}, within=60),
    "sum": Case("A+ B", {"A": ("sum(A.v) <= 12", lambda m: total(m.of("A")) <= 12),
                         "B": ("sum(A.v) + B.v > 12", lambda m: total(m.of()) > 12)}),
    "average of another": Case("A{2,4} B", {"A": is_("a"), "B": ("B.c = 'b' and B.v > avg(A.v)", lambda m: m.last()[
        "c"] == "b" and m.last()["v"] > mean(m.of("A")))}),
    "count": Case("A B*? C", {"A": is_("a"), "C": ("C.c = 'c' and count(B.v) > 1",
                                                   lambda m: m.last()["c"] == "c" and len(m.of("B")) > 1)}),
    "extremes": Case("A B+ C", {"A": LOW, "B": ("B.v < 7 and max(B.v) - min(B.v) < 4", lambda m: m.last()["v"] < 7 and max(
        r["v"] for r in m.of("B")) - min(r["v"] for r in m.of("B")) < 4), "C": HIGH}),
    "first of another": Case("A+ B+ C", {"A": is_("a"), "B": ("B.c = 'b' and B.v >= first(A.v)", lambda m: m.last()["c"] == "b"
                                                             and m.last()["v"] >= m.first_of("A")["v"]), "C": is_("c")}),
    "second": Case("A+ B", {"A": is_("a"), "B": ("B.c = 'b' and B.v > first(A.v, 1)", lambda m: m.last()["c"] == "b" and compare(
        m.last(), m.first_of("A", 1), lambda a, b: a > b))},
        measures={"second_v": ("first(A.v, 1)", lambda m: (m.first_of("A", 1) or {}).get("v")),
                  "last_but_one": ("last(A.v, 1)", lambda m: (m.last("A", 1) or {}).get("v"))}),
    "expression": Case("A B+ C", {"A": is_("a"), "B": ("B.c = 'b'", lambda m: m.last()["c"] == "b"), "C": is_("c")},
                       measures={"weighted": ("sum(B.v * B.n) + A.v", lambda m: sum(r["v"] * r["n"] for r in m.of("B")) + m.last("A")["v"]),
                                 "high": ("max(B.v)", lambda m: max(r["v"] for r in m.of("B"))),
                                 "mean": ("avg(cast(B.v as double))", lambda m: mean(m.of("B")))}),
    "ways apart": Case("A+ B+ C+?", {"A": is_("a"), "B": is_("b"), "C": is_("c")}),
    # What Flink has not, or does otherwise.
    "greedy gives back": Case("A B* C", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink=GREEDY),
    "ways that meet": Case("A+ B+ C+?", {"A": LOW, "B": ("B.v < 7", lambda m: m.last()["v"] < 7), "C": HIGH}, flink=GREEDY),
    "average without end": Case("A+ B", {"A": ("avg(A.v) < 5", lambda m: mean(m.of("A")) < 5),
                                         "B": ("B.v >= 5 and sum(A.v) + B.v >= 5 * (count(A.v) + 1)", lambda m: m.last()["v"] >= 5 and mean(m.of()) >= 5)},
                                flink="at the end of its input it keeps waiting for rows of an earlier match that has not ended"),
    "average gives back": Case("A+ B", {"A": ("avg(A.v) < 5", lambda m: mean(m.of("A")) < 5)}, flink=GREEDY),
    "sum gives back": Case("A+ B", {"A": ("sum(A.v) <= 12", lambda m: total(m.of("A")) <= 12),
                                    "B": ("B.v > 3", lambda m: m.last()["v"] > 3)}, flink=GREEDY),
    "second gives back": Case("A+ B", {"A": is_("a"), "B": ("B.v > first(A.v, 1)", lambda m: compare(
        m.last(), m.first_of("A", 1), lambda a, b: a > b))}, flink=GREEDY),
    "greedy end": Case("A B+", {"A": is_("a"), "B": is_("b")}, flink=GREEDY_END),
    "greedy end within": Case("A B*", {"A": is_("a"), "B": ("B.c <> 'c'", lambda m: m.last()["c"] != "c")}, within=4, flink=GREEDY_END),
    "alternatives": Case("A (B | C)+ B", {"A": is_("a"), "B": MIDDLE, "C": HIGH}, flink=GROUPS),
    "alternative order": Case("(A | A B) C?", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink=GROUPS),
    "group": Case("(A B){2} C", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink=GROUPS),
    "group of nothing": Case("A (B? C?)* A", {"A": is_("a"), "B": is_("b"), "C": is_("c")}, flink=GROUPS),
    "reluctant group": Case("A (B C?)+? C", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink=GROUPS),
    "nested": Case("((A B?)+ | C){1,3}? A", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink=GROUPS),
    "reluctant optional": Case("A B?? C", {"A": LOW, "B": MIDDLE, "C": HIGH}, flink="no reluctant optional variables"),
    "history of many ways": Case("(A | B)+ C", {"A": LOW, "B": MIDDLE, "C": ("C.v > 5 and sum(A.v) > sum(B.v)", lambda m: m.last()[
        "v"] > 5 and bool(m.of("A")) and bool(m.of("B")) and total(m.of("A")) > total(m.of("B")))}, flink=GROUPS),
    "prev": Case("A B+", {"B": ("v > prev(v)", lambda m: compare(m.last(), m.prev(), lambda a, b: a > b))},
                 measures={"before": ("prev(first(v), 2)", lambda m: (
                     m.rows[m.first - 2] if m.first >= 2 else {}).get("v"))}, flink="no prev()"),
    "to variable not there": Case("A B? C", {"A": LOW, "B": ("B.v < 6", lambda m: m.last()["v"] < 6), "C": HIGH},
                                  skip="to-last B", flink="it fails where the variable is not in the match"),
}
