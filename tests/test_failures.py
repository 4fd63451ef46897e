"""Every failure of SPEC.md's section 9, injected: what is served all the same, what is said, and how the check ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.retry import Patience
from tests.fleet import BACKOFF, TOPIC, Aws, Breaker, Checked, Fleet, Hasty, shared_aws
from tests.processes import DONE, Home, finish
from tests.runs import NOON, Program
from tests.stand_in import World

LOST = ["reset", "garbage", "truncated", "lost_answer"]
FAILED = ["throttle", "internal", "unavailable"]

EAGER = "allow-scaling-down-reads-on-0-percent: true\nallow-scaling-down-writes-on-0-percent: true\n"
"""With this, a failure that is taken for a consumption of 0 makes a decrease."""
ALL = f"[table: .*]\n{EAGER}"


@pytest.fixture
def two(fleet: Fleet) -> Fleet:
    """Two tables that both want more reads."""
    for name in ("bad", "good"):
        fleet.add(name, reads=95, writes=50)
    fleet.configure(ALL)
    return fleet


def assert_done(checked: Checked, resources: int, changed: int, failed: int, skipped: int = 0) -> None:
    """The check ended as a check does, and nothing but its failures is told as an error."""
    assert DONE.findall(f"{checked.lines[-1]}\n") == [tuple(map(str, (resources, changed, failed, skipped)))]
    assert not any("mistake" in line or "Traceback" in line for line in checked.lines)


def after_describing(fleet: Fleet, action: Callable[[], None]) -> None:
    """Do something once, between the description of the tables and their update."""
    loads, actions = fleet.world.metric, [action]

    def measure(table: str, index: str | None, metric: str, minute: datetime) -> float | None:
        while actions:
            actions.pop()()
        return loads(table, index, metric, minute)

    fleet.world.metric = measure


class TestCloudWatchFails:
    @pytest.mark.parametrize("kind", [*FAILED, *LOST, "partial"])
    def test_for_a_while(self, two: Fleet, kind: str) -> None:
        two.fail(kind, "GetMetricData", times=9)
        checked = two.check()
        assert (checked.count("GetMetricData"), two.waits) == (10, BACKOFF)
        assert checked.at("ERROR") == []
        assert_done(checked, 2, 2, 0)

    @pytest.mark.parametrize("kind", [*FAILED, *LOST, "partial"])
    def test_for_good(self, two: Fleet, kind: str) -> None:
        two.fail(kind, "GetMetricData")
        checked = two.check()
        assert (checked.count("GetMetricData"), two.waits) == (10, BACKOFF)
        assert checked.updates == []
        (error,) = checked.at("ERROR")
        assert error.startswith("bad, good: cloudwatch:GetMetricData failed")
        assert_done(checked, 2, 0, 2)

    @pytest.mark.parametrize("kind", [*FAILED, *LOST])
    def test_for_one_table_asked_alone(self, two: Fleet, kind: str) -> None:
        two.fail("denied", "GetMetricData")
        two.fail(kind, "GetMetricStatistics", "bad")
        checked = two.check()
        # Reads and writes.
        assert sorted(two.waits) == sorted(BACKOFF * 2)
        assert checked.updates == [("good", None, 150, 100)]
        (error,) = checked.at("ERROR")
        assert error.startswith("bad: cloudwatch:GetMetricStatistics failed")
        assert_done(checked, 2, 1, 1)

    def test_for_one_table_of_a_call(self, two: Fleet) -> None:
        two.fail("partial", "GetMetricData", "bad")
        checked = two.check()
        assert checked.updates == [("good", None, 150, 100)]
        assert checked.at("ERROR") == ["bad: cloudwatch:GetMetricData failed: it returned incomplete data"]
        assert_done(checked, 2, 1, 1)


class TestDynamoDBFails:
    @pytest.fixture
    def aws(self) -> Iterator[Aws]:
        """Clients of its own for each test: botocore's quota of retries belongs to a client."""
        with shared_aws() as aws:
            yield aws

    @pytest.mark.parametrize("operation", ["DescribeTable", "UpdateTable"])
    @pytest.mark.parametrize("kind", [*FAILED, *LOST])
    def test_for_one_table(self, two: Fleet, kind: str, operation: str) -> None:
        two.fail(kind, operation, "bad")
        checked = two.check()
        assert ("good", None, 150, 100) in checked.updates
        assert two.world.throughput("good") == (150, 100)
        if (kind, operation) == ("lost_answer", "UpdateTable"):
            # The change was made, which the next attempt finds out.
            assert two.world.throughput("bad") == (150, 100)
            assert checked.updates.count(("bad", None, 150, 100)) == 1
            assert len(checked.about("WARNING", "bad: no change: ", "will not change")) == 1
            assert_done(checked, 2, 1, 0)
            return
        (error,) = checked.at("ERROR")
        assert error.startswith(f"bad: dynamodb:{operation} failed")
        assert two.world.throughput("bad") == (100, 100)
        assert_done(checked, 2, 1, 1)

    @pytest.mark.parametrize("operation", ["ListTables", "DescribeTable", "UpdateTable"])
    @pytest.mark.parametrize("kind", [*FAILED, "reset", "truncated"])
    def test_for_a_while(self, two: Fleet, kind: str, operation: str) -> None:
        two.fail(kind, operation, times=3)
        checked = two.check()
        assert checked.updates == [("bad", None, 150, 100), ("good", None, 150, 100)]
        assert checked.at("ERROR") == []
        assert_done(checked, 2, 2, 0)

    @pytest.mark.parametrize("kind", [*FAILED, *LOST])
    def test_a_failed_listing_is_not_taken_for_no_tables(self, two: Fleet, kind: str) -> None:
        two.fail(kind, "ListTables")
        checked = two.check()
        (error,) = checked.at("ERROR")
        assert error.startswith("no table could be checked: dynamodb:ListTables failed")
        assert "governs no table" not in "".join(checked.lines)
        assert checked.calls == [call for call in checked.calls if call.operation == "ListTables"]
        assert_done(checked, 0, 0, 1)
        two.world.faults.clear()
        assert_done(two.check(), 2, 2, 0)


class TestCredentials:
    @pytest.mark.parametrize("kind", ["expired", "unrecognized"])
    @pytest.mark.parametrize(
        ("operation", "failed"), [("ListTables", 1), ("DescribeTable", 50), ("GetMetricData", 50), ("UpdateTable", 50)]
    )
    def test_refused(self, fleet: Fleet, kind: str, operation: str, failed: int) -> None:
        for number in range(50):
            fleet.add(f"t{number:02}", reads=95)
        fleet.configure(ALL)
        fleet.fail(kind, operation)
        checked = fleet.check()
        (error,) = checked.at("ERROR")
        assert "AWS does not accept the credentials (" in error
        assert (checked.updates, fleet.waits) == ([], [])
        assert_done(checked, 0 if operation == "ListTables" else 50, 0, failed)

    def test_none_for_500_rules_is_one_line_and_exit_1(
        self, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        with Home(tmp_path) as home:
            home.configure("\n".join(f"[table: ^t{number}$]" for number in range(500)))
            assert home.run("--run-once").code == 1
            first, last = home.log().splitlines()
        assert first.endswith(" no table could be checked: no usable AWS credentials: Unable to locate credentials")
        assert " - ERROR - " in first
        assert DONE.findall(f"{last}\n") == [("0", "0", "1", "0")]
        assert world.counts() == {}


class TestAccessDenied:
    @pytest.mark.parametrize(
        ("action", "also", "level", "changed", "failed"),
        [
            ("dynamodb:ListTables", None, "WARNING", 1, 1),
            ("dynamodb:DescribeTable", None, "ERROR", 0, 50),
            ("cloudwatch:GetMetricData", None, "WARNING", 50, 0),
            ("cloudwatch:GetMetricStatistics", "GetMetricData", "ERROR", 0, 50),
            ("dynamodb:UpdateTable", None, "ERROR", 0, 50),
            ("sns:Publish", None, "ERROR", 50, 0),
        ],
    )
    def test_names_the_action_and_the_permission_once(
        self, fleet: Fleet, action: str, also: str | None, level: str, changed: int, failed: int
    ) -> None:
        for number in range(50):
            fleet.add(f"t{number:02}", reads=95)
        options = f"{EAGER}sns-topic-arn: {TOPIC}\nsns-message-types: scale-up\n"
        fleet.configure(f"[table: ^t00$]\n{options}[table: t\\d+]\n{options}")
        for operation in filter(None, (action.partition(":")[2], also)):
            fleet.fail("denied", operation)
        checked = fleet.check()
        (line,) = [line for line in checked.lines if f"{action} is not allowed (AccessDenied" in line]
        assert line.startswith(f"{level} ")
        assert f"the IAM permission {action} is missing" in line
        # Without the list there is the table that a rule names, and a rule that cannot be resolved.
        resources = 2 if "ListTables" in action else 50
        assert_done(checked, resources, changed, failed)
        assert len(checked.at("ERROR")) == (level == "ERROR" or failed == 1)


class TestDeletedBetweenTwoCalls:
    def test_a_table_before_it_is_described(self, two: Fleet) -> None:
        two.fail("not_found", "DescribeTable", "bad")
        checked = two.check()
        assert checked.at("ERROR") == ["bad: the table bad does not exist, or not any more"]
        assert checked.updates == [("good", None, 150, 100)]
        assert_done(checked, 2, 1, 1)

    def test_a_table_before_it_is_updated(self, two: Fleet) -> None:
        after_describing(two, lambda: two.world.delete_table("bad"))
        checked = two.check()
        (error,) = checked.at("ERROR")
        assert error.startswith("bad: dynamodb:UpdateTable was refused (ResourceNotFoundException)")
        assert checked.updates == [("good", None, 150, 100)]
        assert_done(checked, 2, 1, 1)

    def test_an_index_before_it_is_updated(self, two: Fleet) -> None:
        two.add("bad", "by_day", reads=95)
        two.configure(f"{ALL}[gsi: .* table: .*]")
        after_describing(two, lambda: two.world.delete_index("bad", "by_day"))
        checked = two.check()
        assert len(checked.about("WARNING", "bad - GSI: by_day: no change")) == 1
        assert checked.updates == [("bad", None, 150, 100), ("good", None, 150, 100)]
        assert checked.at("ERROR") == []
        assert_done(checked, 3, 2, 0)


class TestCircuitBreaker:
    @pytest.mark.parametrize("kind", ["slow", "dead", "500"])
    def test_it_is_open_after_its_timeout(self, two: Fleet, kind: str) -> None:
        with Breaker(None if kind == "slow" else 500) as breaker, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}" if kind == "dead" else breaker.url
            two.configure(f"[table: bad]\ncircuit-breaker-url: {url}\ncircuit-breaker-timeout: 200\n{ALL}")
            checked = two.check()
        (warning,) = checked.at("WARNING")
        reason = {"slow": "did not answer within 200 ms", "dead": "cannot be reached (", "500": "answered 500"}[kind]
        assert warning.startswith(f"bad: skipped, since the circuit breaker {url}")
        assert reason in warning
        assert checked.updates == [("good", None, 150, 100)]
        assert_done(checked, 2, 1, 0, skipped=1)


class TestSnsFails:
    @pytest.mark.parametrize("kind", [*FAILED, *LOST, "denied", "expired", "not_found", "validation"])
    def test_it_is_logged_and_stops_nothing(self, two: Fleet, kind: str) -> None:
        two.configure(f"{ALL}sns-topic-arn: {TOPIC}\nsns-message-types: scale-up")
        two.fail(kind, "Publish")
        checked = two.check()
        assert [update.table for update in checked.updates] == ["bad", "good"]
        assert len(checked.at("ERROR")) == 1
        assert checked.at("ERROR")[0].startswith("bad, good: ")
        assert_done(checked, 2, 2, 0)


class TestNothingCanBeWritten:
    @pytest.mark.parametrize("log", ["/dev/full", None], ids=["log neither", "state"])
    def test_scaling_goes_on(self, tmp_path: Path, world: World, log: str | None) -> None:
        world.add_table("orders", 10, 10)
        world.metric = lambda table, index, metric, minute: 60.0 if metric.startswith("Consumed") else None
        with Home(tmp_path) as home:
            rule = "[table: ^orders$]\nmin-provisioned-reads: 20\nnum-write-checks-before-scale-down: 2"
            home.configure(rule, logging=f"log-file: {log or home.log_file}")
            home.pids.chmod(0o555)
            finished = finish(home.spawn_without_root_powers("--run-once"))
        assert (finished.code, world.throughput("orders")) == (0, (20, 10))
        said = finished.stderr if log else "".join(line for line in home.log().splitlines(True) if "ERROR" in line)
        assert said.count("\n") == 1
        assert ("The log cannot be written" if log else "the counters cannot be stored") in said


class TestPatience:
    @pytest.mark.parametrize("tables", [40, 400])
    def test_failing_calls_exhaust_it_and_the_rest_is_given_up_with_one_line(
        self, aws: Aws, fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture, tables: int
    ) -> None:
        for number in range(tables):
            fleet.add(f"t{number:03}", reads=95)
        fleet.fail("denied", "GetMetricData")
        fleet.fail("throttle", "GetMetricStatistics")
        configuration = tmp_path / "a.conf"
        configuration.write_text(ALL)
        program = Program(
            ["-c", str(configuration)], account=Account(aws.clients, Patience(hasty := Hasty(), seconds=100))
        )
        tally = program.check(NOON)
        assert (tally.resources, tally.changed, tally.failed) == (tables, 0, tables)
        # 16 at a time may be under way when it ends.
        assert 100 <= sum(hasty.waits) < 100 + 16 * 10
        assert fleet.world.count("GetMetricStatistics") < 100
        errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        (given_up,) = [error for error in errors if "too many calls to AWS have failed" in error]
        assert len(errors) <= 2
        assert "not tried any more in this check" in given_up
        fleet.world.faults.clear()
        assert program.check(NOON).changed == tables
