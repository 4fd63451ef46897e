"""Make the changes of one table: in one call, or, where DynamoDB refuses that, what it takes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dynamic_dynamodb.exceptions import AwsError, ChangeInvalid, LimitReached, NotFound, UpdateRefused
from dynamic_dynamodb.model import Change, Note

Update = Callable[[Sequence[Change]], None]


@dataclass(frozen=True)
class Updated:
    """The changes that were made, the error that kept the rest from being made, and what there is to say."""

    changes: Sequence[Change]
    error: AwsError | None = None
    notes: tuple[Note, ...] = ()


def apply(update: Update, changes: Sequence[Change]) -> Updated:
    """Call `update` with the changes of one table.

    One refused change makes DynamoDB refuse the whole call. So a decrease too many is left out at the second try, and
    where another change is refused the rest is tried without it: it must not cost the others their increase.
    """
    refusal = _attempt(update, changes)
    if isinstance(refusal, _OF_ONE_CHANGE):
        rest = _increases(changes) if isinstance(refusal, LimitReached) else changes
        for fewer in _smaller_sets(rest):
            result = _attempt(update, fewer)
            if isinstance(result, Updated):
                return _with_note_on_the_rest(result, changes, fewer, refusal)
            if not isinstance(result, _OF_ONE_CHANGE):
                refusal = result
                break
    if isinstance(refusal, UpdateRefused):
        return Updated((), notes=(Note("warning", f"{changes[0].resource.table}: no change: {refusal}"),))
    return Updated((), refusal) if isinstance(refusal, AwsError) else refusal


_OF_ONE_CHANGE = (ChangeInvalid, LimitReached, NotFound)
"""The refusals that another set of changes may well not meet."""


def _with_note_on_the_rest(
    updated: Updated, changes: Sequence[Change], tried: Sequence[Change], refusal: AwsError
) -> Updated:
    resources = {change.resource for change in tried}
    left_out = ", ".join(change.resource.label for change in changes if change.resource not in resources)
    note = Note("warning", f"{left_out}: no change, so that the rest of the table can be changed: {refusal}")
    return Updated(updated.changes, updated.error, (note, *updated.notes))


def _attempt(update: Update, changes: Sequence[Change]) -> Updated | AwsError:
    try:
        return _without_refused_decreases(update, changes)
    except AwsError as error:
        return error


def _without_refused_decreases(update: Update, changes: Sequence[Change]) -> Updated:
    """Raises LimitReached where the increases are refused as well."""
    try:
        update(changes)
        return Updated(changes)
    except LimitReached as error:
        if not any(change.has_decrease for change in changes):
            raise
        note = Note("warning", f"{changes[0].resource.table}: {error}")
    increases = _increases(changes)
    if increases:
        update(increases)
    return Updated(increases, notes=(note,))


def _increases(changes: Sequence[Change]) -> list[Change]:
    return [change.increases_alone() for change in changes if change.has_increase]


def _smaller_sets(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """The changes without one of them, for each of them; then each alone."""
    if len(changes) > 2:
        for left_out in changes:
            yield [change for change in changes if change is not left_out]
    if len(changes) > 1:
        for change in changes:
            yield [change]
