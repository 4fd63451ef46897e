"""How the changes of one table are made when DynamoDB, which takes or refuses a call as a whole, does not like them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from dynamic_dynamodb.exceptions import (
    AccessDenied,
    AwsError,
    ChangeInvalid,
    CredentialsRefused,
    LimitReached,
    NotFound,
    TableBusy,
)
from dynamic_dynamodb.model import Change, Dimension, Resource
from dynamic_dynamodb.update import Updated, apply

Units = tuple[int, int]

BEFORE = (100, 100)
UP, DOWN, MIXED = (150, 150), (50, 50), (150, 50)
MIXED_WITHOUT_ITS_DECREASE = (150, 100)


def changes(**after: Units) -> list[Change]:
    """New reads and writes by index; `table` is the table itself."""
    return [
        Change(
            Resource("orders", "" if name == "table" else name),
            dict(zip(Dimension, BEFORE, strict=True)),
            dict(zip(Dimension, units, strict=True)),
            {},
        )
        for name, units in after.items()
    ]


def described(made: Sequence[Change]) -> dict[str, Units]:
    return {
        change.resource.index or "table": (change.after[Dimension.READS], change.after[Dimension.WRITES])
        for change in made
    }


@dataclass
class Table:
    """Plays DynamoDB: it refuses a call if it has one of these in it, and else makes all of its changes."""

    rationed: Collection[str] = ()
    invalid: Collection[str] = ()
    missing: Collection[str] = ()
    limited: Collection[str] = ()
    always: AwsError | None = None
    calls: list[dict[str, Units]] = field(default_factory=list)
    made: dict[str, Units] = field(default_factory=dict)

    def update(self, wanted: Sequence[Change]) -> None:
        asked = described(wanted)
        self.calls.append(asked)
        assert asked
        assert BEFORE not in asked.values(), "DynamoDB finds a change that changes nothing invalid"
        assert not self.made, "DynamoDB is still busy with the call before"
        if self.always:
            raise self.always
        if asked.keys() & set(self.missing):
            raise NotFound("no such index")
        if any(change.has_increase and (change.resource.index or "table") in self.limited for change in wanted):
            raise LimitReached("the account may not have so much")
        if asked.keys() & set(self.invalid):
            raise ChangeInvalid("this makes no sense")
        if any(change.has_decrease and (change.resource.index or "table") in self.rationed for change in wanted):
            raise LimitReached("Next decrease can be made at noon")
        self.made = asked


def run(table: Table, /, **after: Units) -> Updated:
    updated = apply(table.update, changes(**after))
    assert described(updated.changes) == table.made, "what is reported is what was made"
    return updated


@pytest.mark.parametrize(
    "after",
    [{"table": UP}, {"a": DOWN}, {"table": UP, "a": DOWN}, {"table": MIXED, "a": UP, "b": DOWN, "c": MIXED}],
    ids=", ".join,
)
def test_all_changes_go_in_one_call(after: dict[str, Units]) -> None:
    table = Table()
    assert run(table, **after).notes == ()
    assert (table.made, len(table.calls)) == (after, 1)


@pytest.mark.parametrize(
    ("rationed", "after", "made", "calls"),
    [
        pytest.param({"table"}, {"table": DOWN, "a": UP}, {"a": UP}, 2, id="a decrease beside an increase"),
        pytest.param({"a"}, {"table": UP, "a": DOWN, "b": UP}, {"table": UP, "b": UP}, 2, id="of an index"),
        pytest.param(
            {"table"},
            {"table": MIXED, "a": UP},
            {"table": MIXED_WITHOUT_ITS_DECREASE, "a": UP},
            2,
            id="in one resource",
        ),
        pytest.param({"a"}, {"a": MIXED}, {"a": MIXED_WITHOUT_ITS_DECREASE}, 2, id="in the only resource"),
        pytest.param({"a"}, {"table": UP, "a": DOWN, "b": DOWN}, {"table": UP}, 2, id="and another decrease with it"),
        pytest.param({"table"}, {"table": DOWN}, {}, 1, id="alone"),
        pytest.param({"table"}, {"table": DOWN, "a": DOWN}, {}, 1, id="no increase"),
    ],
)
def test_a_refused_decrease_leaves_the_increases_alone(
    rationed: set[str], after: dict[str, Units], made: dict[str, Units], calls: int
) -> None:
    table = Table(rationed=rationed)
    updated = run(table, **after)
    assert (table.made, len(table.calls), updated.error) == (made, calls, None)
    (note,) = updated.notes
    assert note.level == "warning"
    assert note.text.startswith("orders: ")
    assert "Next decrease can be made at noon" in note.text


@pytest.mark.parametrize(
    ("limited", "after", "made", "most_calls"),
    [
        pytest.param({"a"}, {"table": UP, "a": UP, "b": UP}, {"table": UP, "b": UP}, 4, id="one of three"),
        pytest.param({"a"}, {"table": UP, "a": UP}, {"table": UP}, 3, id="one of two"),
        pytest.param({"b"}, {"table": UP, "a": DOWN, "b": UP}, {"table": UP}, 3, id="beside a decrease, now lost"),
    ],
)
def test_an_increase_that_a_limit_forbids_does_not_cost_the_others_theirs(
    limited: set[str], after: dict[str, Units], made: dict[str, Units], most_calls: int
) -> None:
    table = Table(limited=limited)
    updated = run(table, **after)
    assert (table.made, updated.error) == (made, None)
    assert len(table.calls) <= most_calls
    assert "the account may not have so much" in updated.notes[0].text


def test_a_limit_that_holds_for_the_increases_too_is_an_error() -> None:
    error = LimitReached("Only 500 tables can be updated simultaneously")
    table = Table(always=error)
    updated = run(table, table=DOWN, a=UP, b=MIXED)
    assert table.calls[:2] == [
        {"table": DOWN, "a": UP, "b": MIXED},
        {"a": UP, "b": MIXED_WITHOUT_ITS_DECREASE},
    ]
    assert (updated.error, updated.notes) == (error, ())


@pytest.mark.parametrize(
    ("after", "most_calls"), [({"table": UP}, 1), ({"table": UP, "a": UP, "b": UP}, 7)], ids=["one", "three"]
)
def test_a_limit_without_a_decrease_is_an_error(after: dict[str, Units], most_calls: int) -> None:
    error = LimitReached("Only 500 tables can be updated simultaneously")
    table = Table(always=error)
    assert run(table, **after).error == error
    assert len(table.calls) <= most_calls


@pytest.mark.parametrize(
    ("refused", "after", "made", "most_calls"),
    [
        pytest.param({"a"}, {"table": UP, "a": UP, "b": UP}, {"table": UP, "b": UP}, 4, id="one of three"),
        pytest.param({"table"}, {"table": DOWN, "a": UP, "b": UP}, {"a": UP, "b": UP}, 4, id="the table of three"),
        pytest.param({"b"}, {"table": UP, "a": DOWN, "b": UP}, {"table": UP, "a": DOWN}, 4, id="the last of three"),
        pytest.param({"a"}, {"table": UP, "a": UP}, {"table": UP}, 3, id="one of two"),
        pytest.param({"table"}, {"table": UP, "a": UP}, {"a": UP}, 3, id="the table of two"),
        pytest.param({"table", "a"}, {"table": UP, "a": UP, "b": UP}, {"b": UP}, 7, id="two of three"),
    ],
)
@pytest.mark.parametrize("how", ["invalid", "missing"])
def test_a_refused_change_does_not_cost_the_others_theirs(
    how: str, refused: set[str], after: dict[str, Units], made: dict[str, Units], most_calls: int
) -> None:
    table = Table(**{how: refused})
    updated = run(table, **after)
    assert (table.made, updated.error) == (made, None)
    assert len(table.calls) <= most_calls
    (note,) = updated.notes
    assert note.level == "warning"
    for name in after:
        label = "orders" if name == "table" else f"orders - GSI: {name}"
        assert (label in note.text.split(": no change")[0].split(", ")) == (name in refused)


def test_an_invalid_change_and_a_decrease_too_many_at_once() -> None:
    table = Table(invalid={"a"}, rationed={"table"})
    updated = run(table, table=DOWN, a=UP, b=UP, c=MIXED)
    assert table.made == {"b": UP, "c": MIXED_WITHOUT_ITS_DECREASE}
    assert [note.level for note in updated.notes] == ["warning", "warning"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 21])
def test_where_everything_is_invalid_nothing_changes_and_the_calls_are_bounded(count: int) -> None:
    names = [f"index{number}" for number in range(count)]
    table = Table(invalid=names)
    updated = run(table, **dict.fromkeys(names, MIXED))
    assert (table.made, updated.error) == ({}, None)
    assert [(note.level, "this makes no sense" in note.text) for note in updated.notes] == [("warning", True)]
    assert len(table.calls) <= 1 + 2 * count


def test_where_everything_may_go_wrong_the_calls_are_bounded() -> None:
    names = [f"index{number}" for number in range(21)]
    table = Table(invalid=names[:2], rationed=names)
    run(table, **dict.fromkeys(names, MIXED))
    assert set(table.made.values()) == {MIXED_WITHOUT_ITS_DECREASE}
    assert len(table.calls) <= 2 * (1 + 2 * 21)


@pytest.mark.parametrize("after", [{"table": UP}, {"table": UP, "a": DOWN}, {"table": UP, "a": UP, "b": MIXED}])
def test_a_busy_table_is_left_alone(after: dict[str, Units]) -> None:
    table = Table(always=TableBusy("Table is being updated"))
    updated = run(table, **after)
    assert (len(table.calls), updated.error) == (1, None)
    assert [(note.level, note.text) for note in updated.notes] == [
        ("warning", "orders: no change: Table is being updated")
    ]


@pytest.mark.parametrize("after", [{"table": UP}, {"a": UP}, {"table": UP, "a": UP, "b": UP}])
def test_a_table_that_is_gone_is_an_error(after: Mapping[str, Units]) -> None:
    table = Table(missing=after)
    updated = run(table, **after)
    assert isinstance(updated.error, NotFound)
    assert updated.notes == ()


@pytest.mark.parametrize(
    "error",
    [AwsError("InternalServerError"), AccessDenied("not allowed"), CredentialsRefused("expired")],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_one_and_ends_it(error: AwsError) -> None:
    table = Table(always=error)
    updated = run(table, table=UP, a=DOWN, b=UP)
    assert (updated.error, updated.notes, len(table.calls)) == (error, (), 1)


def test_an_error_at_a_later_attempt_is_one_too() -> None:
    table = Table(invalid={"a"})
    error = AwsError("InternalServerError")

    def update(wanted: Sequence[Change]) -> None:
        if table.calls:
            raise error
        table.update(wanted)

    updated = apply(update, changes(table=UP, a=UP, b=UP))
    assert (updated.changes, updated.error) == ((), error)
