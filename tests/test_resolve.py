"""Which rule governs which name."""

from __future__ import annotations

import re

import pytest

from dynamic_dynamodb.options import ResourceOptions
from dynamic_dynamodb.resolve import by_plain_name, further_matches, govern
from dynamic_dynamodb.rules import TableRule


def rules(*patterns: str) -> list[TableRule]:
    return [TableRule(re.compile(pattern), ResourceOptions()) for pattern in patterns]


@pytest.mark.parametrize(
    ("names", "patterns", "governed", "unused"),
    [
        pytest.param(["users"], ["^users$"], {"users": "^users$"}, [], id="the whole name"),
        pytest.param(["users2"], ["users"], {"users2": "users"}, [], id="the start of the name is enough"),
        pytest.param(["my-users"], ["users"], {}, ["users"], id="not in the middle"),
        pytest.param(["a", "b"], ["^a$", ".*"], {"a": "^a$", "b": ".*"}, [], id="the first in the file"),
        pytest.param(["a"], [".*", "^a$"], {"a": ".*"}, ["^a$"], id="even if a later one is more exact"),
        pytest.param([], [".*"], {}, [".*"], id="no tables"),
        pytest.param(["log_2026]"], [r"log_[0-9]+\]"], {"log_2026]": r"log_[0-9]+\]"}, [], id="a bracket"),
    ],
)
def test_first_matching_rule(
    names: list[str], patterns: list[str], governed: dict[str, str], unused: list[str]
) -> None:
    result = govern(names, rules(*patterns))
    assert {name: rule.pattern.pattern for name, rule in result.rules.items()} == governed
    assert [rule.pattern.pattern for rule in result.unused] == unused


def test_the_order_is_that_of_the_names() -> None:
    assert list(govern(["c", "a", "b"], rules(".*")).rules) == ["a", "b", "c"]


def test_rules_that_come_too_late() -> None:
    assert [rule.pattern.pattern for rule in further_matches("ab", rules("x", "a", "ab", "b", ".*"))] == ["ab", ".*"]


def test_plain_names_stand_for_themselves_when_tables_cannot_be_listed() -> None:
    named, others = by_plain_name(rules("^users$", "my.table-1_x", "^logs", "orders$", "^a.*$", "[bc]", "users"))
    assert {name: rule.pattern.pattern for name, rule in named.items()} == {
        "logs": "^logs",
        "my.table-1_x": "my.table-1_x",
        "orders": "orders$",
        "users": "^users$",
    }
    assert [rule.pattern.pattern for rule in others] == ["^a.*$", "[bc]"]
