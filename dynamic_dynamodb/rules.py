"""What a whole configuration says, once it has been read and found good."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dynamic_dynamodb.options import CommandOptions, GlobalOptions, LoggingOptions, ResourceOptions
from dynamic_dynamodb.replay.options import ReplayOptions


@dataclass(frozen=True)
class IndexRule:
    """A [gsi:] section: options for the indexes, of the tables of one rule, whose names match at their start."""

    pattern: re.Pattern[str]
    options: ResourceOptions


@dataclass(frozen=True)
class TableRule:
    """A [table:] section, with its [gsi:] sections in the order of the file."""

    pattern: re.Pattern[str]
    options: ResourceOptions
    index_rules: tuple[IndexRule, ...] = ()

    @property
    def label(self) -> str:
        """The section's header."""
        return f"[table: {self.pattern.pattern}]"


@dataclass(frozen=True)
class Configuration:
    """Everything that the command line and the file say together; `warnings` are to be told at every start."""

    command: CommandOptions
    general: GlobalOptions
    logging: LoggingOptions
    rules: tuple[TableRule, ...]
    warnings: tuple[str, ...] = ()
    replay: ReplayOptions = field(default_factory=ReplayOptions)

    @property
    def topics(self) -> set[str]:
        """The ARNs of all SNS topics that notifications can go to."""
        options = [rule.options for rule in self.rules]
        options += [index_rule.options for rule in self.rules for index_rule in rule.index_rules]
        return {each.sns_topic_arn for each in options if each.sns_topic_arn}
