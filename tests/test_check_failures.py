"""Whole checks in which something fails: what is served all the same, and what is said, once for each cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.fleet import BACKOFF, Fleet
from tests.stand_in import Fault

ORDERS_AND_INDEXES = "[table: orders]\n[gsi: .* table: orders]\n"


class TestOneTable:
    @pytest.mark.parametrize(
        ("kind", "operation", "failed"),
        [
            ("denied", "DescribeTable", 1),
            ("internal", "DescribeTable", 1),
            ("throttle", "DescribeTable", 1),
            ("garbage", "DescribeTable", 1),
            ("reset", "DescribeTable", 1),
            ("truncated", "DescribeTable", 1),
            ("not_found", "DescribeTable", 1),
            ("partial", "GetMetricData", 1),
            ("denied", "UpdateTable", 1),
            ("internal", "UpdateTable", 1),
            ("throttle", "UpdateTable", 1),
            ("garbage", "UpdateTable", 1),
            ("reset", "UpdateTable", 1),
            ("truncated", "UpdateTable", 1),
            ("not_found", "UpdateTable", 1),
            ("limit", "UpdateTable", 1),
            ("in_use", "UpdateTable", 0),
            ("validation", "UpdateTable", 0),
        ],
    )
    def test_its_failure_keeps_no_other_from_being_served(
        self, fleet: Fleet, kind: str, operation: str, failed: int
    ) -> None:
        for name in ("carts", "orders", "users"):
            fleet.add(name, reads=95)
        fleet.fail(kind, operation, "orders")
        fleet.configure("[table: .*]")
        checked = fleet.check()
        assert checked.updates == [("carts", None, 150, 100), ("users", None, 150, 100)]
        assert (checked.tally.changed, checked.tally.failed) == (2, failed)
        (told,) = checked.at("ERROR" if failed else "WARNING")
        assert told.startswith("orders: ")
        assert checked.at("WARNING" if failed else "ERROR") == []

    def test_what_cannot_be_measured_is_left_alone(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.fail("partial", "GetMetricData", "orders")
        fleet.configure("[table: orders]\nmin-provisioned-writes: 200\nallow-scaling-down-reads-on-0-percent: true")
        checked = fleet.check()
        assert (checked.updates, checked.tally.failed) == ([], 1)
        assert checked.at("ERROR") == ["orders: cloudwatch:GetMetricData failed: it returned incomplete data"]
        assert (checked.count("GetMetricData"), fleet.waits) == (10, BACKOFF)

    def test_it_is_served_again_in_the_next_check(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.fail("denied", "DescribeTable", times=1)
        fleet.configure("[table: orders]")
        assert [fleet.check().tally.changed for check in range(2)] == [0, 1]

    def test_an_index_that_cannot_be_measured_does_not_keep_its_table_from_changing(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        fleet.fail("denied", "GetMetricData")
        # Those of the table are asked for first.
        fleet.world.faults.add(Fault("denied", "GetMetricStatistics", after=2))
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100)]
        (error,) = checked.at("ERROR")
        assert error.startswith("orders - GSI: by_day: cloudwatch:GetMetricStatistics is not allowed")


class TestGoneMeanwhile:
    """Deleted after it was described, which is when its metrics are asked for."""

    def test_a_table(self, fleet: Fleet) -> None:
        for name in ("carts", "orders", "users"):
            fleet.add(name, reads=95)
        self._on_measuring(fleet, "orders", lambda: fleet.world.delete_table("orders"))
        fleet.configure("[table: .*]")
        checked = fleet.check()
        assert checked.updates == [("carts", None, 150, 100), ("users", None, 150, 100)]
        assert (len(checked.at("ERROR")), checked.tally.failed) == (1, 1)

    def test_a_table_with_an_index(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        self._on_measuring(fleet, "orders", lambda: fleet.world.delete_table("orders"))
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        (error,) = checked.at("ERROR")
        assert error.startswith("orders, orders - GSI: by_day: ")
        assert checked.at("WARNING") == []

    def test_an_index(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        for index in ("by_day", "by_user"):
            fleet.add("orders", index, reads=95)
        self._on_measuring(fleet, "orders", lambda: fleet.world.delete_index("orders", "by_day"))
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100), ("orders", "by_user", 150, 100)]
        assert (checked.at("ERROR"), checked.tally.changed) == ([], 2)
        (warning,) = checked.at("WARNING")
        assert "orders - GSI: by_day" in warning

    @staticmethod
    def _on_measuring(fleet: Fleet, table: str, delete: Callable[[], None]) -> None:
        loads, deletions = fleet.world.metric, [delete]

        def measure(measured: str, index: str | None, metric: str, minute: datetime) -> float | None:
            while measured == table and deletions:
                deletions.pop()()
            return loads(measured, index, metric, minute)

        fleet.world.metric = measure


class TestCauses:
    def test_the_same_failure_of_fifty_tables_is_one_line(self, fleet: Fleet) -> None:
        for number in range(50):
            fleet.add(f"t{number:02}", reads=50)
        fleet.fail("denied", "DescribeTable")
        fleet.configure("[table: t]")
        checked = fleet.check()
        (error,) = checked.at("ERROR")
        assert error.startswith("t00, t01, ")
        assert " and 40 more: " in error
        assert "IAM permission dynamodb:DescribeTable is missing" in error
        assert (checked.tally.failed, checked.tally.resources) == (50, 50)

    def test_different_failures_are_told_apart(self, fleet: Fleet) -> None:
        for name in ("carts", "orders", "users"):
            fleet.add(name, reads=95)
        fleet.fail("denied", "DescribeTable", "carts")
        fleet.fail("denied", "UpdateTable", "orders")
        fleet.configure("[table: .*]")
        checked = fleet.check()
        assert checked.updates == [("users", None, 150, 100)]
        assert [error.split(": ")[0] for error in checked.at("ERROR")] == ["carts", "orders"]
        assert "dynamodb:UpdateTable" in checked.at("ERROR")[1]

    @pytest.mark.parametrize("kind", ["expired", "unrecognized"])
    @pytest.mark.parametrize("operation", [None, "ListTables", "DescribeTable", "GetMetricData", "UpdateTable"])
    def test_refused_credentials_are_one_line(self, fleet: Fleet, kind: str, operation: str | None) -> None:
        for number in range(12):
            fleet.add(f"t{number:02}", reads=95)
        if operation:
            fleet.fail(kind, operation)
        else:
            for each in ("ListTables", "DescribeTable", "GetMetricData", "UpdateTable"):
                fleet.fail(kind, each)
        fleet.configure("[table: t]")
        checked = fleet.check()
        (error,) = checked.at("ERROR")
        assert "AWS does not accept the credentials" in error
        assert checked.tally.failed >= 1
        assert checked.updates == []

    @pytest.mark.parametrize("kind", ["throttle", "internal", "reset", "garbage", "truncated"])
    def test_a_failed_listing_is_one_error_and_the_next_check_goes_on(self, fleet: Fleet, kind: str) -> None:
        fleet.add("orders", reads=95)
        fleet.fail(kind, "ListTables")
        fleet.configure("[table: orders]")
        checked = fleet.check()
        assert (len(checked.at("ERROR")), checked.tally.failed, checked.tally.changed) == (1, 1, 0)
        assert checked.lines[-1].startswith("INFO Check done: 0 resources, 0 changed, 1 failed")
        fleet.world.faults.clear()
        assert fleet.check().updates == [("orders", None, 150, 100)]


def test_an_update_whose_answer_is_lost_is_not_made_twice(fleet: Fleet) -> None:
    fleet.add("orders", reads=95)
    fleet.fail("lost_answer", "UpdateTable", times=1)
    fleet.configure("[table: orders]")
    assert [fleet.check().updates for check in range(2)] == [[("orders", None, 150, 100)], []]
