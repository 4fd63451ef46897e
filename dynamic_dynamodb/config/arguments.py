"""The command line: an argparse parser made of the declared options, and what it finds in an argument list."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from dynamic_dynamodb import __version__
from dynamic_dynamodb.config.settings import Findings, Place, Value, Values, read_value
from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option import GENERAL, PlacedOption, placed
from dynamic_dynamodb.option_kinds import BOOLEAN, LOG_LEVEL
from dynamic_dynamodb.options import (
    CommandOptions,
    GlobalOptions,
    LoggingOptions,
    ResourceOptions,
)
from dynamic_dynamodb.replay.options import ReplayOptions

_SCALING_GROUPS = {
    Dimension.READS: "Read units scaling properties",
    Dimension.WRITES: "Write units scaling properties",
}


@dataclass(frozen=True)
class Arguments:
    """What the command line gives, sorted by what it is for."""

    command: Values
    general: Values
    logging: Values
    scaling: Values
    replay: Values


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # An abbreviation that fits several options is told with its value, which may be a secret.
        message = re.sub(r"^(ambiguous option: [^=]*?)=.*( could match .*)", r"\1\2", message, flags=re.DOTALL)
        self.exit(2, f"{self.prog}: error: {message}\nTry '{self.prog} --help'.\n")


def command_line_options(options: type) -> Iterator[PlacedOption]:
    """The options of a class that the command line has."""
    return (option for option in placed(options) if option.flags)


def make_parser() -> argparse.ArgumentParser:
    """The parser of `dynamic-dynamodb`. It leaves values as text: they are checked together with those of the file."""
    parser = _Parser(
        prog="dynamic-dynamodb",
        description="Keeps the provisioned throughput of DynamoDB tables and indexes in step with their load.",
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="Print the version and exit"
    )
    groups: dict[str, argparse._ActionsContainer] = {GENERAL: parser}
    for options in (CommandOptions, GlobalOptions, LoggingOptions, ResourceOptions, ReplayOptions):
        for option in command_line_options(options):
            title = _SCALING_GROUPS[option.dimension] if option.dimension else option.option.group
            if title not in groups:
                groups[title] = parser.add_argument_group(title)
            _add(groups[title], option)
    return parser


def _add(group: argparse._ActionsContainer, option: PlacedOption) -> None:
    kind = option.option.kind
    if kind is BOOLEAN:
        group.add_argument(*option.flags, dest=option.name, action="store_const", const="true", help=option.help)
        return
    default = f", default: {option.default}" if option.default else ""
    metavar = option.flags[-1].lstrip("-").replace("-", "_").upper()
    group.add_argument(
        *option.flags,
        dest=option.name,
        metavar=f"{{{','.join(kind.choices)}}}" if kind is LOG_LEVEL else metavar,
        type=str.lower if kind.choices else str,
        choices=kind.choices or None,
        help=f"{option.help} ({kind.name}{default})",
    )


def parse(argv: Sequence[str] | None, findings: Findings) -> Arguments:
    """Read an argument list (None: that of the process). Wrong usage ends the process with argparse's exit code 2."""
    parser = make_parser()
    found, unknown = parser.parse_known_args(argv)
    if unknown:
        # What follows an unknown option may be the secret of a misspelt --aws-secret-access-key.
        names = [match[0] for each in unknown if (match := re.match(r"--[^=]*|-.", each))]
        parser.error(f"unrecognized arguments: {' '.join(names or unknown)}")

    def values(options: type) -> Values:
        given: dict[tuple[str, Dimension | None], Value] = {}
        for option in command_line_options(options):
            given.update(read_value(option, getattr(found, option.name) or "", Place(option.flags[-1]), findings))
        return given

    return Arguments(
        values(CommandOptions),
        values(GlobalOptions),
        values(LoggingOptions),
        values(ResourceOptions),
        values(ReplayOptions),
    )
