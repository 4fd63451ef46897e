"""Changes and alarms in words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from dynamic_dynamodb.model import Change, Dimension, Message, MessageType, Resource, Usage
from dynamic_dynamodb.notifications import alarm_message, change_message, needs_alarms
from dynamic_dynamodb.options import ResourceOptions, ScalingOptions

READS, WRITES = Dimension.READS, Dimension.WRITES
HIGH, LOW = MessageType.HIGH_THROUGHPUT_ALARM, MessageType.LOW_THROUGHPUT_ALARM
INDEX = Resource("orders", "by-day")
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"


def change(before: tuple[int, int], after: tuple[int, int], resource: Resource = INDEX) -> Change:
    reasons = {READS: "95% consumed", WRITES: "10% consumed"}
    return Change(
        resource, dict(zip(Dimension, before, strict=True)), dict(zip(Dimension, after, strict=True)), reasons
    )


@pytest.mark.parametrize(
    ("after", "types", "subject"),
    [
        ((150, 100), {MessageType.SCALE_UP}, "Scaled up: orders - GSI: by-day"),
        ((100, 50), {MessageType.SCALE_DOWN}, "Scaled down: orders - GSI: by-day"),
        ((150, 50), {MessageType.SCALE_UP, MessageType.SCALE_DOWN}, "Scaled up and down: orders - GSI: by-day"),
    ],
)
def test_types_and_subject_of_a_change(after: tuple[int, int], types: set[MessageType], subject: str) -> None:
    message = change_message(change((100, 100), after))
    assert (message.types, message.subject) == (types, subject)


def test_a_change_tells_direction_from_and_to_of_both_dimensions() -> None:
    assert change_message(change((100, 40), (150, 20))).body.splitlines() == [
        "The provisioned throughput of orders - GSI: by-day has been changed:",
        "",
        "reads: up from 100 to 150 (95% consumed)",
        "writes: down from 40 to 20 (10% consumed)",
    ]
    assert "writes: unchanged at 40" in change_message(change((100, 40), (150, 40))).body


@pytest.mark.parametrize("length", [3, 80, 89, 90, 91, 255])
def test_a_subject_has_at_most_100_characters_of_ascii_and_both_ends_of_the_name(length: int) -> None:
    name = "é" + "x" * (length - 2) + "Z"
    subject = change_message(change((1, 1), (2, 1), Resource(name))).subject
    assert len(subject) <= 100
    assert subject.isascii()
    assert subject.startswith("Scaled up: ?")
    assert subject.endswith("Z")


def alarm(reads: int | None, writes: int | None, of_reads: dict[str, int], of_writes: dict[str, int]) -> Message | None:
    """Consumption in percent of 100 units; thresholds by option."""
    options = ResourceOptions(scaling={READS: ScalingOptions(**of_reads), WRITES: ScalingOptions(**of_writes)})  # type: ignore[arg-type]
    usage = {
        dimension: Usage(300, None if percent is None else Fraction(percent * 300))
        for dimension, percent in ((READS, reads), (WRITES, writes))
    }
    return alarm_message(Resource("orders"), {READS: 100, WRITES: 100}, usage, options)


UPPER, LOWER = "upper_alarm_threshold", "lower_alarm_threshold"


@pytest.mark.parametrize(
    ("reads", "writes", "of_reads", "of_writes", "expected"),
    [
        pytest.param(80, 0, {UPPER: 80}, {}, HIGH, id="at the upper threshold"),
        pytest.param(79, 0, {UPPER: 80}, {}, None, id="below the upper threshold"),
        pytest.param(0, 80, {}, {UPPER: 80}, HIGH, id="writes"),
        pytest.param(19, 50, {LOWER: 20}, {}, LOW, id="below the lower threshold"),
        pytest.param(20, 50, {LOWER: 20}, {}, None, id="at the lower threshold"),
        pytest.param(0, 50, {LOWER: 20}, {}, LOW, id="nothing consumed"),
        pytest.param(90, 5, {UPPER: 80}, {LOWER: 20}, HIGH, id="the high one goes first"),
        pytest.param(0, 0, {}, {}, None, id="no thresholds"),
        pytest.param(None, 50, {LOWER: 20}, {}, None, id="not measured"),
    ],
)
def test_alarm(
    reads: int | None,
    writes: int | None,
    of_reads: dict[str, int],
    of_writes: dict[str, int],
    expected: MessageType | None,
) -> None:
    message = alarm(reads, writes, of_reads, of_writes)
    assert (message.types if message else None) == ({expected} if expected else None)


def test_an_alarm_names_each_dimension_with_its_figures() -> None:
    message = alarm(95, 85, {UPPER: 80}, {UPPER: 85})
    assert message is not None
    assert message.subject == "High throughput alarm: orders"
    assert message.body.splitlines() == [
        "High throughput alarm for orders:",
        "",
        "reads: 95% consumed (95 of 100 provisioned units), at or above 80%",
        "writes: 85% consumed (85 of 100 provisioned units), at or above 85%",
    ]
    only_one = alarm(95, 84, {UPPER: 80}, {UPPER: 85})
    assert only_one is not None
    assert "writes" not in only_one.body


@pytest.mark.parametrize(
    ("thresholds", "types", "topic", "needed"),
    [
        ({UPPER: 80}, {HIGH}, TOPIC, True),
        ({LOWER: 20}, {LOW}, TOPIC, True),
        ({UPPER: 80}, {LOW}, TOPIC, False),
        ({UPPER: 80}, {HIGH}, None, False),
        ({UPPER: 80}, None, TOPIC, False),
        ({}, {HIGH, LOW}, TOPIC, False),
    ],
)
def test_an_alarm_that_nobody_gets_needs_no_figures(thresholds: Any, types: Any, topic: Any, needed: bool) -> None:
    options = ResourceOptions(
        sns_topic_arn=topic,
        sns_message_types=types and frozenset(types),
        scaling={READS: ScalingOptions(**thresholds), WRITES: ScalingOptions()},
    )
    assert needs_alarms(options, READS) == needed
    assert not needs_alarms(options, WRITES)
