"""From live names to the rules that govern them: the first that matches, in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from dynamic_dynamodb.rules import TableRule


class _Rule(Protocol):
    @property
    def pattern(self) -> re.Pattern[str]: ...


R = TypeVar("R", bound=_Rule)


@dataclass(frozen=True)
class Governed(Generic[R]):
    """Which rule governs each name, in the order of the names, and which rules govern nothing."""

    rules: Mapping[str, R] = field(default_factory=dict)
    unused: Sequence[R] = ()


def govern(names: Iterable[str], rules: Sequence[R]) -> Governed[R]:
    """Give each name the first rule whose pattern matches at its start; names without a rule are left out."""
    governed = {}
    for name in sorted(names):
        rule = next((rule for rule in rules if rule.pattern.match(name)), None)
        if rule is not None:
            governed[name] = rule
    used = {id(rule) for rule in governed.values()}
    return Governed(governed, [rule for rule in rules if id(rule) not in used])


def further_matches(name: str, rules: Sequence[R]) -> list[R]:
    """The rules that match a name but come too late to govern it."""
    return [rule for rule in rules if rule.pattern.match(name)][1:]


def by_plain_name(rules: Sequence[TableRule]) -> tuple[dict[str, TableRule], list[TableRule]]:
    """For when tables cannot be listed: the rules that spell out a name, by that name, and those that need the list."""
    named: dict[str, TableRule] = {}
    others = []
    for rule in rules:
        match = re.fullmatch(r"\^?([A-Za-z0-9_.-]+)\$?", rule.pattern.pattern)
        if match:
            named.setdefault(match[1], rule)
        else:
            others.append(rule)
    return dict(sorted(named.items())), others
