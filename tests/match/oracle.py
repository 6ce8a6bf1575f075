"""What a row pattern matches, by definition: every way to match is tried, in the order SQL prefers them.

Written apart from the program: it parses patterns itself, and conditions are Python functions.
"""

import re


class Parser:
    """A pattern's text as nested tuples: ("var", name), ("seq", [...]), ("alt", [...]), ("rep", part, least, most, greedy)."""

    def __init__(self, text):
        self.words = re.findall(r"[A-Za-z_]\w*|\{[\d,]*\}|[()|*+?]", text)
        self.at = 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self):
        self.at += 1
        return self.words[self.at - 1]

    def alternatives(self):
        parts = [self.sequence()]
        while self.peek() == "|":
            self.take()
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else ("alt", parts)

    def sequence(self):
        parts = []
        while self.peek() not in (None, "|", ")"):
            parts.append(self.quantified())
        return ("seq", parts)

    def quantified(self):
        word = self.take()
        if word == "(":
            part = self.alternatives()
            self.take()
        else:
            part = ("var", word)
        word = self.peek() or ""
        if word in ("*", "+", "?"):
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[word]
        elif word.startswith("{"):
            low, _, high = word[1:-1].partition(",")
            least = int(low or 0)
            most = least if "," not in word else int(high) if high else None
        else:
            return part
        self.take()
        greedy = self.peek() != "?"
        if not greedy:
            self.take()
        return ("rep", part, least, most, greedy)


def parse(text):
    return Parser(text).alternatives()


class Match:
    """Rows that match so far, and the variable of each. What conditions and measures look at."""

    def __init__(self, rows, first, names):
        self.rows, self.first, self.names = rows, first, names

    def of(self, name=None):
        return [self.rows[self.first + i] for i, n in enumerate(self.names) if name in (None, n)]

    def last(self, name=None, offset=0):
        rows = self.of(name)
        return rows[-1 - offset] if len(rows) > offset else None

    def first_of(self, name=None, offset=0):
        rows = self.of(name)
        return rows[offset] if len(rows) > offset else None

    def prev(self, back=1):
        at = self.first + len(self.names) - 1 - back
        return self.rows[at] if at >= 0 else None


def ways(tree, rows, first, names, holds, then):
    """Calls then(names) for every way the rows behind `names` can match the tree, the preferred first, until one is taken."""
    kind = tree[0]
    if kind == "var":
        if first + len(names) == len(rows):
            return None
        longer = names + [tree[1]]
        return then(longer) if holds(tree[1], Match(rows, first, longer)) else None
    if kind == "seq":
        if not tree[1]:
            return then(names)
        return ways(tree[1][0], rows, first, names, holds, lambda n: ways(("seq", tree[1][1:]), rows, first, n, holds, then))
    if kind == "alt":
        for part in tree[1]:
            found = ways(part, rows, first, names, holds, then)
            if found is not None:
                return found
        return None
    _, part, least, most, greedy = tree
    if most == 0:
        return then(names)
    rest = ("rep", part, max(least - 1, 0), None if most is None else most - 1, greedy)

    def more():
        # A round that takes no row leads nowhere new.
        return ways(part, rows, first, names, holds,
                    lambda n: None if n == names and least == 0 else ways(rest, rows, first, n, holds, then))

    if least > 0:
        return more()
    for way in (more, lambda: then(names)) if greedy else (lambda: then(names), more):
        found = way()
        if found is not None:
            return found
    return None


def matches(rows, pattern, conditions, within=None, skip="past-last-row"):
    """All matches among the rows of one key, in order: (rows, first row, variables)."""
    tree = parse(pattern)
    first, out = 0, []
    while first < len(rows):
        def holds(name, match):
            if within is not None and match.last()["ts"] - rows[first]["ts"] >= within:
                return False
            return conditions[name](match) if name in conditions else True

        names = ways(tree, rows, first, [], holds, lambda n: n)
        if names is None:
            first += 1
            continue
        out.append(Match(rows, first, names))
        mode, _, variable = skip.partition(" ")
        if mode == "past-last-row":
            first += len(names)
        elif mode == "to-next-row" or variable not in names:
            first += 1
        else:
            at = names.index(variable) if mode == "to-first" else len(names) - 1 - names[::-1].index(variable)
            first += max(at, 1)
    return out
