"""Whole checks: which rule governs what, what is skipped, and what the log says."""

from __future__ import annotations

import re

import pytest

from tests.fleet import Fleet

NO_CHANGE_LINE = re.compile(r"INFO orders: no change \(reads: 50% consumed \(50 of 100\); writes: .*\)")
LAST_LINE = re.compile(r"INFO Check done: 1 resources, 0 changed, 0 failed, 0 skipped in \d+\.\d s")


class TestRules:
    def test_the_first_matching_rule_governs_a_table(self, fleet: Fleet) -> None:
        for name in ("orders-eu", "orders-us", "users"):
            fleet.add(name, reads=95)
        fleet.configure("""
            [table: orders-eu]
            increase-reads-with: 10
            [table: orders]
            increase-reads-with: 20
            [table: orders-us]
            increase-reads-with: 30
            """)
        checked = fleet.check()
        assert checked.updates == [("orders-eu", None, 110, 100), ("orders-us", None, 120, 100)]
        assert checked.about("DEBUG", "orders-us", "[table: orders-us] matches too")
        assert checked.about("WARNING", "[table: orders-us] governs no table")
        assert not checked.about("users")

    @pytest.mark.parametrize(
        ("pattern", "governed"),
        [
            ("orders", ["orders", "orders-old"]),
            ("^orders$", ["orders"]),
            ("ord", ["orders", "orders-old"]),
            (".*orders", ["my-orders", "orders", "orders-old"]),
            ("ORDERS", []),
            ("[mo].*s$", ["my-orders", "orders"]),
        ],
    )
    def test_a_pattern_matches_at_the_start_of_a_name(self, fleet: Fleet, pattern: str, governed: list[str]) -> None:
        for name in ("my-orders", "orders", "orders-old"):
            fleet.add(name, reads=95)
        fleet.configure(f"[table: {pattern}]")
        assert [update.table for update in fleet.check().updates] == governed

    def test_the_first_matching_rule_governs_an_index(self, fleet: Fleet) -> None:
        for table in ("orders", "users"):
            fleet.add(table, reads=50)
            for index in ("by_day", "by_user", "other"):
                fleet.add(table, index, reads=95)
        fleet.configure("""
            [gsi: by_d table: ^orders$]
            increase-reads-with: 10
            [table: ^orders$]
            [table: ^users$]
            [gsi: by_ table: ^orders$]
            increase-reads-with: 20
            """)
        assert fleet.check().updates == [("orders", "by_day", 110, 100), ("orders", "by_user", 120, 100)]

    def test_tables_on_later_pages_are_served(self, fleet: Fleet) -> None:
        fleet.world.page_size = 2
        for number in range(5):
            fleet.add(f"t{number}", reads=95)
        fleet.configure("[table: t]")
        checked = fleet.check()
        assert [update.table for update in checked.updates] == ["t0", "t1", "t2", "t3", "t4"]
        assert checked.count("ListTables") == 3

    def test_a_rule_that_governs_no_table_is_told_once_until_that_changes(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.configure("[table: orders]\n[table: users]")
        told = [bool(fleet.check().about("WARNING", "[table: users] governs no table")) for check in range(3)]
        fleet.add("users", reads=50)
        told.append(bool(fleet.check().about("governs no table")))
        fleet.world.delete_table("users")
        told += [bool(fleet.check().about("WARNING", "[table: users] governs no table")) for check in range(2)]
        assert told == [True, False, False, False, True, False]

    def test_a_failed_listing_in_between_does_not_tell_it_again(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.configure("[table: orders]\n[table: users]")
        assert fleet.check().about("governs no table")
        fleet.fail("expired", "ListTables", times=1)
        assert fleet.check().tally.failed == 1
        assert not fleet.check().about("governs no table")

    def test_a_rule_that_governs_no_index_is_told_once_until_that_changes(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.configure("[table: orders]\n[gsi: by_day table: orders]")
        words = "WARNING", "[gsi: by_day table: orders] governs no index"
        told = [bool(fleet.check().about(*words)) for check in range(2)]
        fleet.add("orders", "by_day", reads=50)
        told.append(bool(fleet.check().about("governs no index")))
        fleet.world.delete_index("orders", "by_day")
        told += [bool(fleet.check().about(*words)) for check in range(2)]
        assert told == [True, False, False, True, False]


class TestRefusedListing:
    def test_plain_names_are_served_all_the_same(self, fleet: Fleet) -> None:
        fleet.fail("denied", "ListTables")
        for name in ("orders", "users", "carts", "a.b_c-1"):
            fleet.add(name, reads=95)
        fleet.configure("[table: orders]\n[table: ^users]\n[table: ^carts$]\n[table: a.b_c-1$]")
        checked = fleet.check()
        assert {update.table for update in checked.updates} == {"orders", "users", "carts", "a.b_c-1"}
        assert checked.tally.failed == 0
        assert checked.about("WARNING", "IAM permission dynamodb:ListTables is missing")

    def test_other_rules_are_errors(self, fleet: Fleet) -> None:
        fleet.fail("denied", "ListTables")
        fleet.add("orders", reads=95)
        fleet.configure("[table: orders]\n[table: ^us.*]\n[table: carts|baskets]")
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100)]
        assert checked.tally.failed == 2
        (error,) = checked.at("ERROR")
        assert "[table: ^us.*], [table: carts|baskets]: " in error
        assert "dynamodb:ListTables" in error

    def test_a_plain_name_without_a_table_is_an_error(self, fleet: Fleet) -> None:
        fleet.fail("denied", "ListTables")
        fleet.add("orders", reads=95)
        fleet.configure("[table: orders]\n[table: carts]")
        checked = fleet.check()
        assert checked.updates == [("orders", None, 150, 100)]
        assert [error for error in checked.at("ERROR") if not error.startswith("carts: the table carts does not")] == []
        assert checked.tally.failed == 1

    def test_it_is_told_once(self, fleet: Fleet) -> None:
        fleet.fail("denied", "ListTables")
        fleet.add("orders", reads=50)
        fleet.configure("[table: orders]")
        assert [len(fleet.check().about("WARNING", "dynamodb:ListTables")) for check in range(3)] == [1, 0, 0]


class TestSkipped:
    def test_a_table_gone_since_it_was_listed_is_one_error(self, fleet: Fleet) -> None:
        for name in ("orders", "users"):
            fleet.add(name, reads=95)
        fleet.fail("not_found", "DescribeTable", "orders")
        fleet.configure("[table: .*]")
        checked = fleet.check()
        assert checked.updates == [("users", None, 150, 100)]
        assert checked.at("ERROR") == ["orders: the table orders does not exist, or not any more"]
        assert checked.at("WARNING") == []

    def test_an_on_demand_table_is_skipped_and_told_once_until_that_changes(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95)
        fleet.add("orders", "by_day", reads=95)
        fleet.world.table("orders").on_demand = True
        fleet.configure("[table: orders]\n[gsi: by_day table: orders]")
        checked = fleet.check()
        assert (checked.updates, checked.count("GetMetricData"), checked.tally.failed) == ([], 0, 0)
        told = [len(checked.about("INFO", "orders: skipped", "on-demand"))]
        told += [len(fleet.check().about("on-demand")) for check in range(2)]
        fleet.world.table("orders").on_demand = False
        told.append(len(fleet.check().about("on-demand")))
        fleet.world.table("orders").on_demand = True
        told.append(len(fleet.check().about("INFO", "orders: skipped", "on-demand")))
        assert told == [1, 0, 0, 0, 1]
        assert not checked.about("governs no index")

    def test_an_on_demand_table_keeps_no_other_from_being_served(self, fleet: Fleet) -> None:
        for name in ("carts", "orders", "users"):
            fleet.add(name, reads=95)
        fleet.world.table("orders").on_demand = True
        fleet.configure("[table: .*]")
        checked = fleet.check()
        assert [update.table for update in checked.updates] == ["carts", "users"]
        assert (checked.tally.resources, checked.tally.skipped) == (3, 1)


class TestLines:
    def test_an_idle_check_of_a_table_is_one_line(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=50)
        fleet.configure("[table: orders]")
        for _ in range(2):
            no_change, last = fleet.check().lines
            assert NO_CHANGE_LINE.fullmatch(no_change)
            assert LAST_LINE.fullmatch(last)

    def test_a_change_has_its_figures_and_its_reason(self, fleet: Fleet) -> None:
        fleet.add("orders", reads=95, writes=2.5)
        fleet.add("orders", "by_day", (10, 10), reads=4, writes=6)
        fleet.configure("[table: orders]\n[gsi: by_day table: orders]\nreads-upper-threshold: 35.5")
        checked = fleet.check()
        (table,) = checked.about("INFO changed orders: ")
        for words in ("reads 100 -> 150", "95% consumed", "95 of 100", "above 90%", "by 50 percent"):
            assert words in table
        for words in ("writes 100 -> 50", "2.5% consumed", "2.5 of 100", "below 30%"):
            assert words in table
        (index,) = checked.about("INFO changed orders - GSI: by_day: ")
        for words in ("reads 10 -> 15", "40% consumed", "above 35.5%"):
            assert words in index
        assert "writes" not in index

    def test_the_last_line_counts(self, fleet: Fleet) -> None:
        for name in ("busy", "denied", "idle", "on-demand"):
            fleet.add(name, reads=95 if name == "busy" else 50)
        fleet.add("busy", "by_day", reads=95)
        fleet.add("busy", "calm", reads=50)
        fleet.world.table("on-demand").on_demand = True
        fleet.fail("denied", "DescribeTable", "denied")
        fleet.configure("[table: .*]\n[gsi: .* table: .*]")
        last = fleet.check().lines[-1]
        assert last.startswith("INFO Check done: 6 resources, 2 changed, 1 failed, 1 skipped in ")

    def test_the_lines_are_in_the_order_of_the_tables(self, fleet: Fleet) -> None:
        names = [f"t{number:02}" for number in range(40)]
        for name in names:
            fleet.add(name, reads=50)
        fleet.configure("[table: t]")
        told = [line.split()[1].rstrip(":") for line in fleet.check().lines if "no change" in line]
        assert told == names
