"""What manual pages show as examples: commands, the files they read, the lines they print."""

import dataclasses
import re

LITERAL = r"\.Bd -literal -offset indent\n(.*?)^\.Ed\n"


@dataclasses.dataclass
class Example:
    command: str
    output: str  # empty: none is shown

    def printed_by(self, text):
        """Whether a run has printed what is shown; a line "..." at the end stands for more."""
        if not self.output.endswith("\n...\n"):
            return text == self.output
        return text.startswith(self.output[:-4]) and len(text) > len(self.output) - 4


def plain(text):
    """The text that mdoc(7) shows."""
    text = re.sub(r'^"(.*)"$', r"\1", text)
    for mark, shown in ((r"\&", ""), (r"\(dq", '"'), (r"\(aq", "'"), (r"\-", "-"), (r"\e", "\\")):
        text = text.replace(mark, shown)
    return text


def blocks(page):
    """The literal blocks of a page."""
    return [plain(block) for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)]


def examples(page):
    """The section EXAMPLES of a page of section 1: (files by name, examples)."""
    found = re.search(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )", page, re.MULTILINE | re.DOTALL)
    section = found.group(1) if found else ""
    files = re.findall(r"^\.Pa ([^\n]*)\nholds here\n" + LITERAL, section, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^\.Dl ([^\n]*)\n(?:" + LITERAL + ")?", section, re.MULTILINE | re.DOTALL)
    return ({plain(name): plain(text) for name, text in files},
            [Example(plain(command), plain(output)) for command, output in commands])
