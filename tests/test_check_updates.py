"""Whole checks: what may be changed now, what is held back, and the counters of checks that want a decrease."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.fleet import TOPIC, Fleet
from tests.runs import NOON
from tests.stand_in import Update

ORDERS_AND_INDEXES = "[table: orders]\n[gsi: .* table: orders]\n"


def test_a_table_and_its_indexes_change_in_one_call(fleet: Fleet) -> None:
    fleet.add("orders", reads=95, writes=10)
    fleet.add("orders", "by_day", (10, 10), reads=1, writes=10)
    fleet.add("orders", "by_user", (10, 10), reads=5, writes=5)
    fleet.configure(ORDERS_AND_INDEXES)
    checked = fleet.check()
    assert checked.updates == [("orders", None, 150, 50), ("orders", "by_day", 5, 15)]
    assert (checked.count("UpdateTable"), checked.tally.changed, checked.tally.failed) == (1, 2, 0)


class TestStatus:
    @pytest.mark.parametrize("status", ["UPDATING", "CREATING", "DELETING", "ARCHIVED"])
    def test_a_table_that_is_not_active_is_left_alone_with_its_indexes(self, fleet: Fleet, status: str) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        fleet.world.set_status("orders", status)
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert (checked.updates, checked.count("UpdateTable"), checked.tally.failed) == ([], 0, 0)
        assert checked.about("WARNING orders: ", "100 -> 150", status)
        assert checked.about("WARNING orders - GSI: by_day: ", "100 -> 150", status)

    def test_an_index_that_is_not_active_does_not_keep_its_table_from_changing(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        fleet.world.set_status("orders", "UPDATING", "by_day")
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100)]
        assert checked.about("WARNING orders - GSI: by_day: ", "UPDATING")

    def test_nothing_is_said_of_it_where_nothing_is_to_change(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.world.set_status("orders", "UPDATING")
        fleet.configure("[table: orders]")
        assert fleet.check().at("WARNING") == []

    def test_the_change_is_made_once_the_table_is_active_again(self, fleet: Fleet) -> None:
        fleet.world.update_seconds = 90
        fleet.add("orders", reads=500)
        fleet.configure("[table: orders]\nmax-provisioned-reads: 900")
        made = []
        for _ in range(3):
            made.append(fleet.check().updates)
            fleet.load("orders", reads=800)
            fleet.clock.go(seconds=60)
        assert made == [[("orders", None, 750, 100)], [], [("orders", None, 900, 100)]]


class TestMaintenanceWindows:
    @pytest.mark.parametrize(
        ("windows", "time", "is_open"),
        [
            ("10:00-14:00", "12:00:30", True),
            ("10:00-11:00", "12:00:30", False),
            ("12:00-14:00", "11:59:59", False),
            ("12:00-14:00", "12:00:00", True),
            ("12:00-14:00", "14:00:59", True),
            ("12:00-14:00", "14:01:00", False),
            ("12:00-12:00", "12:00:59", True),
            ("22:00-02:00", "21:59:59", False),
            ("22:00-02:00", "22:00:00", True),
            ("22:00-02:00", "23:59:59", True),
            ("22:00-02:00", "00:00:00", True),
            ("22:00-02:00", "02:00:59", True),
            ("22:00-02:00", "02:01:00", False),
            ("22:00-02:00", "12:00:00", False),
            ("01:00-02:00, 11:00-13:00", "12:00:00", True),
            ("01:00-02:00, 11:00-13:00", "03:00:00", False),
            ("00:00-23:59", "23:59:59", True),
        ],
    )
    def test_decreases_wait_for_one_and_increases_do_not(
        self, fleet: Fleet, windows: str, time: str, is_open: bool
    ) -> None:
        fleet.clock.time = datetime.combine(NOON.date(), datetime.strptime(time, "%H:%M:%S").time(), NOON.tzinfo)
        fleet.add("orders", reads=95, writes=10)
        fleet.configure(f"[table: orders]\nmaintenance-windows: {windows}")
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 50 if is_open else 100)]
        assert bool(checked.about("INFO", "writes 100 -> 50", "outside the maintenance windows")) != is_open

    def test_where_no_change_is_left_there_is_no_call(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.configure("[table: orders]\nmaintenance-windows: 03:00-04:00")
        checked = fleet.check()
        assert (checked.count("UpdateTable"), checked.tally.changed) == (0, 0)
        assert "INFO orders: no change" in checked.lines


class TestDecreasedTogether:
    @pytest.mark.parametrize(
        ("units", "reads", "writes", "after"),
        [
            pytest.param((100, 100), 10, 10, (50, 50), id="both decrease"),
            pytest.param((100, 100), 10, 50, None, id="the other one stays"),
            pytest.param((100, 100), 50, 10, None, id="the other one stays, the other way round"),
            pytest.param((100, 100), 10, 95, (100, 150), id="the other one increases"),
            pytest.param((100, 20), 10, 10, (50, 20), id="the other one is at its minimum"),
            pytest.param((100, 100), 95, 50, (150, 100), id="an increase alone"),
        ],
    )
    def test_a_decrease_needs_the_other_one(
        self, fleet: Fleet, units: tuple[int, int], reads: int, writes: int, after: tuple[int, int] | None
    ) -> None:
        fleet.add("orders", None, units, reads=reads, writes=writes)
        fleet.configure("[table: orders]\nalways-decrease-rw-together: true\nmin-provisioned-writes: 20")
        checked = fleet.check()
        assert checked.updates == ([("orders", None, *after)] if after else [])
        assert bool(checked.about("held back", "always-decrease-rw-together")) == (after in (None, (100, 150)))

    def test_the_other_one_at_one_unit_is_as_low_as_it_gets(self, fleet: Fleet) -> None:
        fleet.add("orders", None, (100, 1), reads=10, writes=0.1)
        fleet.configure("[table: orders]\nalways-decrease-rw-together: true")
        assert fleet.check().updates == [("orders", None, 50, 1)]


class TestRation:
    """DynamoDB's four decreases a day, then one an hour."""

    def test_a_decrease_too_many_is_left_out_and_told_when_it_can_be_made(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.add("orders", "by_day", reads=95)
        fleet.world.set_decreases("orders", None, 4, NOON - timedelta(minutes=10))
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert checked.updates == [("orders", "by_day", 150, 100)]
        assert (checked.count("UpdateTable"), checked.tally.failed) == (1, 0)
        assert checked.about("INFO orders: ", "reads 100 -> 50", "the next decrease at 2026-03-02 12:50:30 UTC")
        fleet.clock.go(minutes=49, seconds=59)
        assert fleet.check().updates == []
        fleet.clock.go(seconds=1)
        assert fleet.check().updates == [("orders", None, 50, 100)]

    def test_an_increase_goes_without_the_decrease_of_the_same_resource(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95, writes=10)
        fleet.world.set_decreases("orders")
        fleet.configure("[table: orders]")
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100)]
        assert checked.about("writes 100 -> 50", "held back")
        assert not checked.about("changed orders", "writes")

    def test_the_decrease_of_an_index_is_counted_apart(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.add("orders", "by_day", reads=10)
        fleet.world.set_decreases("orders")
        fleet.configure(ORDERS_AND_INDEXES)
        assert fleet.check().updates == [("orders", "by_day", 50, 100)]

    def test_four_decreases_in_a_row_pass(self, fleet: Fleet) -> None:
        fleet.add("orders", None, (1000, 100), reads=1)
        fleet.configure("[table: orders]")
        made = []
        for _ in range(6):
            made += [update.reads for update in fleet.check().updates]
            fleet.clock.go(minutes=5)
        assert made == [500, 250, 125, 63]
        assert fleet.world.faults.injected == {}

    @pytest.mark.parametrize("index", [None, "by_day"])
    def test_a_limit_all_the_same_leaves_the_increases_alone(self, fleet: Fleet, index: str | None) -> None:
        fleet.add("orders", reads=95, writes=10)
        fleet.add("orders", "by_day", reads=95, writes=10)
        fleet.fail("limit", "UpdateTable", times=1)
        fleet.configure(ORDERS_AND_INDEXES)
        checked = fleet.check()
        assert Update("orders", index, 150, 100) in checked.updates
        assert (checked.count("UpdateTable"), checked.tally.failed) == (2, 0)
        assert checked.about("WARNING orders: ", "LimitExceededException")

    def test_a_refused_decrease_is_no_error_and_is_made_as_soon_as_it_may(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.fail("limit", "UpdateTable", times=1)
        fleet.configure("[table: orders]\nnum-read-checks-before-scale-down: 2")
        made = []
        for _ in range(3):
            checked = fleet.check()
            made.append((checked.updates, checked.count("UpdateTable"), checked.tally.failed))
        assert made == [([], 0, 0), ([], 1, 0), ([("orders", None, 50, 100)], 1, 0)]


class TestDryRun:
    CONFIGURATION = f"""
        [default_options]
        sns-topic-arn: {TOPIC}
        sns-message-types: scale-up, scale-down, high-throughput-alarm, low-throughput-alarm
        reads-upper-alarm-threshold: 80
        [table: orders]
        [gsi: .* table: orders]
        """

    def test_it_changes_and_sends_nothing_and_says_what_it_would_do(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95, writes=10)
        fleet.add("orders", "by_day", reads=95)
        before = fleet.world.all_throughput()
        fleet.configure(self.CONFIGURATION, "--dry-run")
        checked = fleet.check()
        assert (checked.count("UpdateTable"), checked.count("Publish"), checked.tally.changed) == (0, 0, 0)
        assert fleet.world.all_throughput() == before
        assert checked.about("would change orders: ", "reads 100 -> 150", "writes 100 -> 50")
        assert checked.about("would change orders - GSI: by_day: ", "reads 100 -> 150")

    def test_without_it_the_same_is_done_and_sent(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95, writes=10)
        fleet.add("orders", "by_day", reads=95)
        fleet.configure(self.CONFIGURATION)
        checked = fleet.check()
        assert (checked.count("UpdateTable"), checked.count("Publish"), checked.tally.changed) == (1, 4, 2)


class TestCounters:
    def test_a_decrease_waits_for_so_many_checks_that_want_it(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10, writes=10)
        fleet.configure("[table: orders]\nnum-read-checks-before-scale-down: 3\nmin-provisioned-writes: 50")
        made = [fleet.check().updates for check in range(4)]
        assert made == [[("orders", None, 100, 50)], [], [("orders", None, 50, 50)], []]

    @pytest.mark.parametrize(
        ("between", "made"),
        [
            pytest.param(50, [None, None, None, 50], id="a check that wants none leaves the count"),
            pytest.param(75, [None, None, None, None], id="the reset percentage ends it"),
            pytest.param(95, [None, None, 150, None], id="an increase ends it"),
        ],
    )
    def test_what_the_count_survives(self, fleet: Fleet, between: int, made: list[int | None]) -> None:
        fleet.add("orders")
        fleet.configure("""
            [table: orders]
            num-read-checks-before-scale-down: 3
            num-read-checks-reset-percent: 70
            """)
        units = []
        for reads in (10, 10, between, 10):
            fleet.load("orders", reads=reads)
            updates = fleet.check().updates
            units.append(updates[0].reads if updates else None)
        assert units == made

    def test_a_decrease_that_is_held_back_keeps_its_count(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.configure("""
            [table: orders]
            num-read-checks-before-scale-down: 3
            maintenance-windows: 12:30-13:00
            """)
        made = []
        for _ in range(5):
            made.append([update.reads for update in fleet.check().updates])
            fleet.clock.go(minutes=10)
        assert made == [[], [], [], [50], []]

    def test_a_busy_table_keeps_its_count(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.fail("in_use", "UpdateTable", times=2)
        fleet.configure("[table: orders]\nnum-read-checks-before-scale-down: 2")
        made = [[update.reads for update in fleet.check().updates] for check in range(5)]
        assert made == [[], [], [], [50], []]

    def test_reads_and_writes_and_indexes_count_apart(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10, writes=50)
        fleet.add("orders", "by_day", reads=50, writes=10)
        fleet.configure("""
            [default_options]
            num-read-checks-before-scale-down: 2
            num-write-checks-before-scale-down: 2
            [table: orders]
            [gsi: by_day table: orders]
            """)
        assert fleet.check().updates == []
        fleet.load("orders", reads=50, writes=10)
        assert fleet.check().updates == [("orders", "by_day", 100, 50)]
        fleet.load("orders", reads=10, writes=50)
        assert fleet.check().updates == [("orders", None, 50, 100)]

    def test_a_failed_measurement_leaves_the_count(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=10)
        fleet.configure("[table: orders]\nnum-read-checks-before-scale-down: 2")
        assert fleet.check().updates == []
        fleet.fail("validation", "GetMetricData", times=1)
        checked = fleet.check()
        assert (checked.updates, checked.tally.failed) == ([], 1)
        assert fleet.check().updates == [("orders", None, 50, 100)]
