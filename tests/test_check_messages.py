"""Whole checks: what is sent through SNS, and what happens when it cannot be sent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fleet import TOPIC, Fleet

OTHER_TOPIC = "arn:aws:sns:eu-west-1:123456789012:scaling"
ALL_TYPES = "scale-up, scale-down, high-throughput-alarm, low-throughput-alarm"


class TestChanges:
    @pytest.mark.parametrize(
        ("reads", "writes", "types", "subject", "words"),
        [
            (95, 50, "scale-up", "Scaled up: orders", ["reads: up from 100 to 150", "writes: unchanged at 100"]),
            (50, 10, "scale-down", "Scaled down: orders", ["reads: unchanged at 100", "writes: down from 100 to 50"]),
            (95, 95, "scale-up", "Scaled up: orders", ["reads: up from 100 to 150", "writes: up from 100 to 150"]),
            (95, 10, "scale-up", "Scaled up and down: orders", ["reads: up from", "writes: down from 100 to 50"]),
            (95, 10, "scale-down", "Scaled up and down: orders", ["reads: up from", "writes: down from 100 to 50"]),
            (95, 10, ALL_TYPES, "Scaled up and down: orders", ["reads: up from", "writes: down from 100 to 50"]),
            (95, 50, "scale-down", None, []),
            (50, 10, "scale-up", None, []),
            (95, 10, "high-throughput-alarm", None, []),
            (50, 50, ALL_TYPES, None, []),
        ],
    )
    def test_a_change_is_one_message_to_those_who_want_it(
        self, fleet: Fleet, reads: int, writes: int, types: str, subject: str | None, words: Sequence[str]
    ) -> None:
        fleet.add("orders", reads=reads, writes=writes)
        fleet.configure(f"[table: orders]\nsns-topic-arn: {TOPIC}\nsns-message-types: {types}")
        published = fleet.check().published
        assert [(message.topic_arn, message.subject) for message in published] == (
            [(TOPIC, subject)] if subject else []
        )
        assert [word for word in words if word not in published[0].message] == []

    def test_each_resource_has_a_message_of_its_own(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        fleet.configure(f"""
            [default_options]
            sns-topic-arn: {TOPIC}
            sns-message-types: scale-up
            [table: orders]
            [gsi: by_day table: orders]
            """)
        checked = fleet.check()
        assert [message.subject for message in checked.published] == [
            "Scaled up: orders",
            "Scaled up: orders - GSI: by_day",
        ]
        assert checked.count("UpdateTable") == 1

    @pytest.mark.parametrize("kind", ["limit", "in_use", "denied", "validation"])
    def test_a_refused_change_is_not_announced(self, fleet: Fleet, kind: str) -> None:
        fleet.add("orders", reads=95)
        fleet.fail(kind, "UpdateTable")
        fleet.configure(f"[table: orders]\nsns-topic-arn: {TOPIC}\nsns-message-types: scale-up")
        assert fleet.check().published == []

    def test_without_a_topic_or_types_nothing_is_sent(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("users", reads=95)
        fleet.configure(f"[table: orders]\nsns-message-types: scale-up\n[table: users]\nsns-topic-arn: {TOPIC}")
        checked = fleet.check()
        assert (checked.count("UpdateTable"), checked.count("Publish")) == (2, 0)

    def test_a_long_name_makes_a_subject_that_sns_takes(self, fleet: Fleet) -> None:
        table, index = "t" * 255, "i" * 255
        fleet.add(table, reads=50)
        fleet.add(table, index, reads=95)
        fleet.configure(f"""
            [table: t]
            [gsi: i table: t]
            sns-topic-arn: {TOPIC}
            sns-message-types: scale-up
            """)
        checked = fleet.check()
        assert (len(checked.published), checked.at("ERROR")) == (1, [])
        assert f"{table} - GSI: {index}" in checked.published[0].message


ALARMS = "high-throughput-alarm, low-throughput-alarm"


class TestAlarms:
    @pytest.mark.parametrize(
        ("reads", "writes", "types", "subject", "lines"),
        [
            pytest.param(80, 50, ALARMS, "High", ["reads: 80% consumed (80 of 100"], id="at the upper threshold"),
            pytest.param(79.9, 50, ALARMS, None, [], id="just below it"),
            pytest.param(85, 90, ALARMS, "High", ["reads: 85%", "writes: 90%"], id="both dimensions"),
            pytest.param(50, 90, ALARMS, "High", ["writes: 90%"], id="writes alone"),
            pytest.param(19.9, 50, ALARMS, "Low", ["reads: 19.9% consumed (19.9 of 100"], id="below the lower one"),
            pytest.param(20, 50, ALARMS, None, [], id="at the lower threshold"),
            pytest.param(None, 50, ALARMS, "Low", ["reads: 0% consumed (0 of 100"], id="idle"),
            pytest.param(85, 5, ALARMS, "High", ["reads: 85%"], id="high goes before low"),
            pytest.param(85, 5, "low-throughput-alarm", None, [], id="also where nobody wants high"),
            pytest.param(85, 50, "low-throughput-alarm", None, [], id="high that nobody wants"),
            pytest.param(5, 50, "high-throughput-alarm", None, [], id="low that nobody wants"),
        ],
    )
    def test_an_alarm(
        self, fleet: Fleet, reads: float | None, writes: float, types: str, subject: str | None, lines: Sequence[str]
    ) -> None:
        fleet.add("orders", reads=reads, writes=writes)
        fleet.configure(f"""
            [table: orders]
            enable-reads-autoscaling: false
            enable-writes-autoscaling: false
            reads-upper-alarm-threshold: 80
            writes-upper-alarm-threshold: 80
            reads-lower-alarm-threshold: 20
            writes-lower-alarm-threshold: 20
            sns-topic-arn: {TOPIC}
            sns-message-types: {types}
            """)
        published = fleet.check().published
        assert [message.subject for message in published] == (
            [f"{subject} throughput alarm: orders"] if subject else []
        )
        if published:
            told = [line for line in published[0].message.splitlines() if line.startswith(("reads", "writes"))]
            assert len(told) == len(lines)
            assert all(line.startswith(words) for line, words in zip(told, lines, strict=True))

    def test_it_is_sent_at_every_check_while_it_holds(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=85)
        fleet.configure(f"""
            [table: orders]
            reads-upper-alarm-threshold: 80
            sns-topic-arn: {TOPIC}
            sns-message-types: high-throughput-alarm
            """)
        sent = [len(fleet.check().published) for check in range(2)]
        fleet.load("orders", reads=50)
        sent.append(len(fleet.check().published))
        assert sent == [1, 1, 0]

    def test_0_is_off(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=99)
        fleet.configure(f"[table: orders]\nsns-topic-arn: {TOPIC}\nsns-message-types: {ALARMS}")
        assert fleet.check().published == []

    def test_an_index_has_alarms_of_its_own(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.add("orders", "by_day", (10, 10), reads=9)
        fleet.configure(f"""
            [table: orders]
            [gsi: by_day table: orders]
            reads-upper-alarm-threshold: 80
            sns-topic-arn: {TOPIC}
            sns-message-types: high-throughput-alarm
            """)
        (message,) = fleet.check().published
        assert message.subject == "High throughput alarm: orders - GSI: by_day"
        assert "reads: 90% consumed (9 of 10 provisioned units), at or above 80%" in message.message

    def test_it_is_sent_of_a_table_that_cannot_be_changed_now(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.world.set_status("orders", "UPDATING")
        fleet.configure(f"""
            [table: orders]
            reads-upper-alarm-threshold: 80
            sns-topic-arn: {TOPIC}
            sns-message-types: {ALL_TYPES}
            """)
        assert [message.subject for message in fleet.check().published] == ["High throughput alarm: orders"]


TWO_TOPICS = f"""
    [default_options]
    sns-message-types: {ALL_TYPES}
    reads-upper-alarm-threshold: 80
    [table: carts]
    sns-topic-arn: {OTHER_TOPIC}
    [table: orders]
    sns-topic-arn: {TOPIC}
    """


def test_each_topic_is_served_in_its_own_region(fleet: Fleet) -> None:
    for name in ("carts", "orders"):
        fleet.add(name, reads=95)
    fleet.configure(TWO_TOPICS)
    checked = fleet.check()
    assert {(message.subject, message.topic_arn) for message in checked.published} == {
        ("High throughput alarm: carts", OTHER_TOPIC),
        ("Scaled up: carts", OTHER_TOPIC),
        ("High throughput alarm: orders", TOPIC),
        ("Scaled up: orders", TOPIC),
    }
    regions = {call.region for call in checked.calls if call.operation == "Publish"}
    assert regions == {"us-east-1", "eu-west-1"}


@pytest.mark.parametrize("kind", ["denied", "not_found", "internal", "throttle", "garbage", "reset", "expired"])
def test_a_failing_topic_is_an_error_and_stops_nothing(fleet: Fleet, kind: str) -> None:
    for name in ("carts", "orders"):
        fleet.add(name, reads=95)
    fleet.fail(kind, "Publish")
    fleet.configure(TWO_TOPICS)
    checked = fleet.check()
    assert checked.updates == [("carts", None, 150, 100), ("orders", None, 150, 100)]
    assert (checked.tally.changed, checked.tally.failed) == (2, 0)
    (error,) = checked.at("ERROR")
    assert error.startswith("carts, carts, orders, orders: ")


def test_a_denied_publish_names_the_permission(fleet: Fleet) -> None:
    fleet.add("orders", reads=95)
    fleet.fail("denied", "Publish")
    fleet.configure(TWO_TOPICS)
    (error,) = fleet.check().at("ERROR")
    assert "IAM permission sns:Publish is missing" in error
