"""Write the two pages of the documentation that come from the declared options.

Run it after a change of the options: `.venv/bin/python docs/generate.py`.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dynamic_dynamodb.config.arguments import make_parser
from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option import PlacedOption, placed
from dynamic_dynamodb.option_kinds import BOOLEAN, MESSAGE_TYPES, POSITIVE_NUMBER, UNIT, Kind
from dynamic_dynamodb.options import GlobalOptions, LoggingOptions, ResourceOptions, ScalingOptions

HERE = Path(__file__).parent
SOURCE = ".. Made by docs/generate.py from the declarations of the options: change those, and run it again.\n"

OPTIONS_INTRODUCTION = """
.. program:: dynamic-dynamodb

Configuration options
=====================

These are all options of the configuration file, section by section. :doc:`configuration-file` tells how such a file
is written, and :doc:`decision` how the options work together.

The types are:

bool
   ``true``, ``yes``, ``on`` or ``1``; or ``false``, ``no``, ``off`` or ``0``; in any case.
int
   A whole number.
float
   A number, with or without decimals.
str
   Text, without quotes.
dict
   A scale: thresholds in percent to amounts, such as ``{0: 0, 0.25: 5, 1: 20}``. See :doc:`granular-scaling`.

An option that is not given, or has an empty value, takes its default. What has no default is not used.
"""

RESOURCE_TITLE = "[default_options], [table: REGEX] and [gsi: REGEX table: REGEX]"

RESOURCE_INTRODUCTION = """
A ``[table:]`` section holds the options of tables, and a ``[gsi:]`` section those of global secondary indexes. Both
take all options below. ``[default_options]`` holds defaults for all of these sections.

Most options come in pairs: one for reads, one for writes. A pair stands together below, and its text speaks of reads.
Put "writes" in the place of "reads", in the names of other options too, and the text holds for writes.
"""

COMMAND_LINE_INTRODUCTION = """
.. program:: dynamic-dynamodb

Command line
============

``dynamic-dynamodb [options]`` and ``python -m dynamic_dynamodb [options]`` are the same command. Its option
:option:`--help` prints this list. :doc:`running` tells how to use it.

A value of the command line wins over the one in ``[global]`` or ``[logging]`` of the configuration file. The scaling
options, from :option:`--reads-upper-threshold` on, are for the table that :option:`--table-name` gives, and need it.
"""


def configuration_options() -> str:
    """The page of all options of the configuration file."""
    general = list(placed(GlobalOptions))
    in_global = {option.name for option in general}
    return "\n".join(
        [
            SOURCE + OPTIONS_INTRODUCTION,
            *_section("[global]", general),
            *_section("[logging]", placed(LoggingOptions)),
            *_title(RESOURCE_TITLE, "-"),
            RESOURCE_INTRODUCTION,
            *_title("Reads and writes", "~"),
            *(
                line
                for both in zip(*(placed(ScalingOptions, each) for each in Dimension), strict=True)
                for line in _option(both)
            ),
            *_title("Both together", "~"),
            *(
                line
                for option in placed(ResourceOptions)
                if option.dimension is None
                # A name can be documented once; the same name in [global] is it.
                for line in _option([option], is_documented=option.name in in_global)
            ),
        ]
    )


def command_line() -> str:
    """The page of all options of the command line."""
    lines = [SOURCE + COMMAND_LINE_INTRODUCTION]
    for group in make_parser()._action_groups:
        if group._group_actions:
            lines.extend(_title("General options" if group.title == "options" else str(group.title), "-"))
        for action in group._group_actions:
            spellings = ", ".join(_spelling(action, flag) for flag in action.option_strings)
            lines.extend([f".. option:: {spellings}", "", *_paragraph(_sentence(action.help or "")), ""])
    return "\n".join(lines)


def _spelling(action: argparse.Action, flag: str) -> str:
    return f"{flag} {action.metavar}" if action.metavar else flag


def _title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _section(title: str, options: Iterator[PlacedOption] | Sequence[PlacedOption]) -> list[str]:
    return [*_title(title, "-"), *(line for option in options for line in _option([option]))]


def _option(names: Sequence[PlacedOption], is_documented: bool = False) -> list[str]:
    """One option, under its name or under both of them."""
    option = names[0]
    flags = [f":option:`{each.flags[-1]}`" for each in names if each.flags]
    aliases = [f"``{alias}``" for alias in option.option.aliases]
    sentences = [
        _sentence(option.help),
        f"Another name of it is {', '.join(aliases)}." if aliases else "",
        f"On the command line: {', '.join(flags)}." if flags else "",
    ]
    return [
        f".. confval:: {option.name}",
        *(f"             {each.name}" for each in names[1:]),
        *(["   :no-index:"] if is_documented else []),
        f"   :type: {_type(option.option.kind)}",
        f"   :default: {option.default or 'none'}",
        "",
        *_paragraph(" ".join(filter(None, sentences))),
        "",
    ]


def _sentence(help_text: str) -> str:
    text = re.sub(r"([*`|\\])", r"\\\1", help_text.replace("%%", "%"))
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _paragraph(text: str) -> list[str]:
    indent = " " * 3
    return textwrap.wrap(
        text, 120, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _type(kind: Kind[Any]) -> str:
    """The name of a type, and which values are good."""
    if kind.choices:
        return f"{kind.name}: {', '.join(kind.choices)}"
    if kind == UNIT:
        return f"{kind.name}: percent or units"
    if kind == MESSAGE_TYPES:
        return f"{kind.name}, separated by commas"
    if kind.name == "int":
        return f"{kind.name}, at least {0 if _accepts(kind, '0') else 1}"
    if kind == POSITIVE_NUMBER:
        return f"{kind.name}, above 0"
    return "bool" if kind == BOOLEAN else kind.name


def _accepts(kind: Kind[Any], text: str) -> bool:
    try:
        kind.parse(text)
    except ValueError:
        return False
    return True


PAGES = {"configuration-options.rst": configuration_options, "command-line.rst": command_line}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
