"""From a configuration file to its sections, as text, with the line of everything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from configparser import ParsingError, RawConfigParser
from dataclasses import dataclass
from pathlib import Path

from dynamic_dynamodb.config.settings import Findings, Place

_HEADER = re.compile(r"\s*\[(.+?)\]\s*(?:[#;].*)?$")
TABLE_HEADER = re.compile(r"table:\s*(\S.*)")
INDEX_HEADER = re.compile(r"gsi:\s*(\S.*?)\s+table:\s*(\S.*)")
_BEFORE_THE_FIRST_SECTION = "0"


@dataclass(frozen=True)
class Entry:
    """An option with its text."""

    name: str
    place: Place
    text: str


@dataclass(frozen=True)
class Section:
    """A section with the options that it gives, in their order; `name` is what stands in the brackets."""

    name: str
    place: Place
    entries: list[Entry]


class _Parser(RawConfigParser):
    """ConfigParser that keeps line numbers: a section's name is its line, and an option's name begins with its own.

    That makes all names different, so that ConfigParser, which would stop at the first duplicate, reads on.
    """

    def __init__(self) -> None:
        super().__init__(
            comment_prefixes=(), inline_comment_prefixes=(";",), empty_lines_in_values=False, default_section=""
        )
        self.line = 0
        self.numbers = [0]
        self.headers: dict[int, str] = {}
        self.malformed_headers: list[int] = []

    def optionxform(self, optionstr: str) -> str:
        return f"{self.line} {optionstr}"

    def lines(self, text: str) -> Iterator[str]:
        """The lines of a file, with the line's number in place of each section's name (which may hold a `]`).

        Comment lines are left out: ConfigParser would take them for blank ones, which end the value above them.
        `numbers` are those of the lines that are left.
        """
        yield f"[{_BEFORE_THE_FIRST_SECTION}]"
        for self.line, line in enumerate(text.split("\n"), start=1):
            first = line.lstrip()[:1]
            if first in ("#", ";"):
                continue
            self.numbers.append(self.line)
            if first == "[":
                self._note_header(line)
                yield f"[{self.line}]"
            else:
                yield line

    def _note_header(self, line: str) -> None:
        header = _HEADER.match(line)
        if header:
            self.headers[self.line] = _canonical(header[1].strip())
        else:
            self.malformed_headers.append(self.line)


def _canonical(header: str) -> str:
    """The header with the blanks that one may leave out or double, outside the regular expressions, as usual."""
    for form, usual in ((INDEX_HEADER, r"gsi: \1 table: \2"), (TABLE_HEADER, r"table: \1")):
        if form.fullmatch(header):
            return form.sub(usual, header)
    return header


def read(path: str, findings: Findings) -> list[Section]:
    """Read a configuration file. What cannot be read is noted in the findings; the rest is returned all the same."""
    try:
        text = Path(os.path.expanduser(path)).read_text(encoding="utf-8-sig")
    except OSError as error:
        findings.problem(Place(path), f"cannot be read ({error.strerror}); it must be a readable file")
        return []
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        findings.problem(Place(path, line), "is not UTF-8; the file must be saved in that encoding")
        return []
    parser = _Parser()
    try:
        parser.read_file(parser.lines(text))
    except ParsingError as error:
        # The line itself is not shown: it may hold a key that lacks no more than its colon.
        for number, _ in error.errors:
            place = Place(path, parser.numbers[number - 1])
            findings.problem(place, "is no `option: value`, no `[section]` and no comment")
    for line in parser.malformed_headers:
        findings.problem(
            Place(path, line), "the header of a section must be `[NAME]`, with no more than a comment behind it"
        )
    for entry in _entries(path, parser, _BEFORE_THE_FIRST_SECTION, ""):
        findings.problem(entry.place, "stands before the first [section]; it must stand in one")
    sections = []
    for line, name in parser.headers.items():
        sections.append(Section(name, Place(path, line, f"[{name}]"), _entries(path, parser, str(line), f"[{name}] ")))
    _find_duplicates(sections, findings)
    for section in sections:
        _find_duplicates(section.entries, findings)
    return sections


def _entries(path: str, parser: _Parser, section: str, inside: str) -> list[Entry]:
    entries = []
    for numbered_name, text in parser.items(section):
        line, _, name = numbered_name.partition(" ")
        # An option without a name is a syntax error and reported as such.
        if name:
            entries.append(Entry(name, Place(path, int(line), inside + name), text))
    return entries


def _find_duplicates(named: Sequence[Section | Entry], findings: Findings) -> None:
    first_lines: dict[str, int] = {}
    for each in named:
        first_line = first_lines.setdefault(each.name, each.place.line)
        if first_line != each.place.line:
            findings.problem(each.place, f"is given in line {first_line} already; it must be given once")
