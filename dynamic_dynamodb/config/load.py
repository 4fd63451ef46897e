"""The steps from an argument list to a checked Configuration."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from dynamic_dynamodb.config import arguments
from dynamic_dynamodb.config.checks import check_credentials, check_replay, check_resource_options
from dynamic_dynamodb.config.file import INDEX_HEADER, TABLE_HEADER, Section, read
from dynamic_dynamodb.config.settings import Findings, Place, Value, Values, build, build_resource_options, read_value
from dynamic_dynamodb.exceptions import ConfigurationError
from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option import declared, placed
from dynamic_dynamodb.option_kinds import PATTERN
from dynamic_dynamodb.options import CommandOptions, GlobalOptions, LoggingOptions, ResourceOptions
from dynamic_dynamodb.replay.options import ReplayOptions
from dynamic_dynamodb.rules import Configuration, IndexRule, TableRule

_GENERAL, _LOGGING, _DEFAULTS = "global", "logging", "default_options"


def load(argv: Sequence[str] | None = None) -> Configuration:
    """Read and check the command line (None: that of the process) and the file that it names.

    Raises ConfigurationError with all that is wrong; wrong usage of the command line ends the process with exit code 2.
    """
    findings = Findings()
    given = arguments.parse(argv, findings)
    command = build(CommandOptions, given.command)
    # A daemon must be stoppable whatever has become of its file.
    needs_tables = command.daemon not in ("stop", "status")
    sections = read(command.config, findings) if command.config and needs_tables else []
    general = {**_read_named(_GENERAL, GlobalOptions, sections, findings), **given.general}
    logging = {**_read_named(_LOGGING, LoggingOptions, sections, findings), **given.logging}
    rules = _read_rules(sections, general, findings)
    check_credentials(general, findings)
    check_replay(given.replay, given.command, findings)
    if command.table_name is not None:
        check_resource_options(given.scaling, given.scaling, findings)
        options = build_resource_options({**_of_all_resources(general), **given.scaling})
        rules = [TableRule(command.table_name, options)]
    for value in given.scaling.values():
        if ("table_name", None) not in given.command:
            findings.problem(value.place, "is for the table that -t/--table-name gives; it must come with that option")
    if needs_tables and not rules and not findings.problems:
        findings.problem(
            Place(command.config or "-t/--table-name"),
            "there is no table to scale; it takes a [table: REGEX] section in the file, or -t/--table-name",
        )
    if findings.problems:
        raise ConfigurationError(findings.problems, findings.warnings)
    return Configuration(
        command,
        build(GlobalOptions, general),
        build(LoggingOptions, logging),
        tuple(rules),
        findings.warnings,
        build(ReplayOptions, given.replay),
    )


def _read_named(name: str, options: type, sections: Sequence[Section], findings: Findings) -> Values:
    values: Values = {}
    for section in sections:
        if section.name == name:
            values = {**values, **_read_entries(section, options, findings)}
    return values


def _of_all_resources(general: Values) -> Values:
    """The values of [global] that hold for every table and index unless it has its own: options of the same name."""
    shared = declared(GlobalOptions).keys() & declared(ResourceOptions).keys()
    return {key: value for key, value in general.items() if key[0] in shared}


def _read_rules(sections: Sequence[Section], general: Values, findings: Findings) -> list[TableRule]:
    defaults = {**_of_all_resources(general), **_read_named(_DEFAULTS, ResourceOptions, sections, findings)}
    regexes = [match[1] for section in sections if (match := TABLE_HEADER.fullmatch(section.name))]
    table_rules: dict[str, TableRule] = {}
    index_rules: dict[str, list[IndexRule]] = {regex: [] for regex in regexes}
    for section in sections:
        if match := INDEX_HEADER.fullmatch(section.name):
            options = _read_resource_options(section, defaults, findings)
            rule = IndexRule(_read_pattern(match[1], section, findings), options)
            if match[2] in index_rules:
                index_rules[match[2]].append(rule)
            else:
                meant = _did_you_mean(match[2], regexes)
                findings.problem(section.place, f"there must be a [table: {match[2]}] section, to the letter{meant}")
        elif match := TABLE_HEADER.fullmatch(section.name):
            options = _read_resource_options(section, defaults, findings)
            table_rules[match[1]] = TableRule(_read_pattern(match[1], section, findings), options)
        elif section.name not in (_GENERAL, _LOGGING, _DEFAULTS):
            known = "[global], [logging], [default_options], [table: REGEX] or [gsi: REGEX table: REGEX]"
            findings.problem(section.place, f"is an unknown section; it must be {known}")
    return [TableRule(rule.pattern, rule.options, tuple(index_rules[regex])) for regex, rule in table_rules.items()]


def _read_pattern(regex: str, section: Section, findings: Findings) -> re.Pattern[str]:
    try:
        return PATTERN.parse(regex)
    except ValueError as error:
        findings.problem(section.place, str(error))
        return re.compile("")


def _read_resource_options(section: Section, defaults: Values, findings: Findings) -> ResourceOptions:
    given = _read_entries(section, ResourceOptions, findings)
    values = {**defaults, **given}
    check_resource_options(values, given, findings)
    return build_resource_options(values)


def _read_entries(section: Section, options: type, findings: Findings) -> Values:
    known = {name: option for option in placed(options) for name in (option.name, *option.option.aliases)}
    values: dict[tuple[str, Dimension | None], Value] = {}
    for entry in section.entries:
        if option := known.get(entry.name):
            value = read_value(option, entry.text, entry.place, findings)
            for key in value.keys() & values.keys():
                earlier = values[key].place
                if earlier.inside != entry.place.inside:
                    other = earlier.inside.rpartition(" ")[2]
                    text = f"is another name of {other}, given in line {earlier.line}; one of the two must go"
                    findings.problem(entry.place, text)
            values.update(value)
        else:
            findings.warning(entry.place, f"is unknown and has no effect{_did_you_mean(entry.name, known)}")
    return values


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    by_folded = {each.lower(): each for each in known}
    closest = difflib.get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean {by_folded[closest[0]]}?" if closest else ""
