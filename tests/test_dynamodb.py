"""DynamoDB's calls and their failures, as the stand-in meets them from real boto3 clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.exceptions import (
    AccessDenied,
    AwsError,
    ChangeInvalid,
    CredentialsRefused,
    LimitReached,
    NotFound,
    TableBusy,
)
from dynamic_dynamodb.model import Change, Dimension, Resource, ResourceState, Throughput
from dynamic_dynamodb.options import GlobalOptions
from tests.fleet import Aws, Hasty, endless_account, hurry_botocore
from tests.runs import NOON
from tests.stand_in import Fault, StandIn, World


def units(reads: int, writes: int) -> Throughput:
    return {Dimension.READS: reads, Dimension.WRITES: writes}


def change(before: tuple[int, int], after: tuple[int, int], index: str = "") -> Change:
    return Change(Resource("orders", index), units(*before), units(*after), {})


@pytest.fixture
def world(aws: Aws) -> World:
    return aws.new_world()


@pytest.fixture
def account(aws: Aws, world: World) -> Account:
    return aws.account()


@pytest.fixture
def waits(aws: Aws, world: World) -> list[float]:
    """The seconds waited before further attempts at an update."""
    return aws.stopping.waits


@pytest.mark.parametrize(("tables", "calls"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)])
def test_the_tables_of_all_pages_are_listed(account: Account, world: World, tables: int, calls: int) -> None:
    names = [f"t-{number:03}" for number in range(tables)]
    for name in names:
        world.add_table(name, 1, 1)
    assert account.list_tables() == names
    assert world.counts() == {"ListTables": calls}


class TestDescribe:
    def test_a_table_and_its_indexes(self, account: Account, world: World) -> None:
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40), ("by_user", 50, 60)])
        described = account.describe_table("orders")
        assert described.table == ResourceState("ACTIVE", units(10, 20))
        assert described.indexes == {
            "by_day": ResourceState("ACTIVE", units(30, 40)),
            "by_user": ResourceState("ACTIVE", units(50, 60)),
        }
        assert not described.is_on_demand
        assert world.counts() == {"DescribeTable": 1}

    def test_a_table_without_indexes(self, account: Account, world: World) -> None:
        world.add_table("orders", 10, 20)
        assert account.describe_table("orders").indexes == {}

    @pytest.mark.parametrize("status", ["ACTIVE", "UPDATING", "CREATING", "DELETING"])
    @pytest.mark.parametrize("index", [None, "by_day"], ids=["table", "index"])
    def test_each_has_a_status_of_its_own(self, account: Account, world: World, status: str, index: str | None) -> None:
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40)])
        world.set_status("orders", status, index)
        described = account.describe_table("orders")
        described_as = (described.table.status, described.indexes["by_day"].status)
        assert described_as == (("ACTIVE", status) if index else (status, "ACTIVE"))
        assert (described.table.is_active, described.indexes["by_day"].is_active) == tuple(
            each == "ACTIVE" for each in described_as
        )

    def test_each_has_a_ration_of_decreases_of_its_own(self, account: Account, world: World) -> None:
        world.now = lambda: NOON
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40), ("by_user", 5, 5)])
        world.set_decreases("orders", None, 3, NOON - timedelta(minutes=5))
        world.set_decreases("orders", "by_day", 7, NOON - timedelta(minutes=50))
        described = account.describe_table("orders")
        ration = [
            (state.decreases_today, state.last_decrease) for state in (described.table, *described.indexes.values())
        ]
        assert ration == [(3, NOON - timedelta(minutes=5)), (7, NOON - timedelta(minutes=50)), (0, None)]

    @pytest.mark.parametrize("indexes", [(), [("by_day", 5, 5)]], ids=["without index", "with index"])
    def test_an_on_demand_table(self, account: Account, world: World, indexes: list[tuple[str, int, int]]) -> None:
        world.add_table("orders", 5, 5, on_demand=True, indexes=indexes)
        assert account.describe_table("orders").is_on_demand

    def test_a_table_that_does_not_exist(self, account: Account, world: World) -> None:
        with pytest.raises(NotFound, match="orders not found"):
            account.describe_table("orders")


class TestUpdate:
    def test_table_and_indexes_change_in_one_call(self, account: Account, world: World) -> None:
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40), ("by_user", 50, 60)])
        changes = [
            change((10, 20), (11, 20)), change((30, 40), (30, 41), "by_day"), change((50, 60), (49, 61), "by_user")
        ]  # fmt: skip
        account.update_table(changes)
        assert world.all_throughput() == {"orders": (11, 20), "orders/by_day": (30, 41), "orders/by_user": (49, 61)}
        assert world.counts() == {"UpdateTable": 1}

    @pytest.mark.parametrize(
        ("one", "sent"),
        [
            (change((10, 20), (11, 20)), {"ProvisionedThroughput"}),
            (change((30, 40), (31, 40), "by_day"), {"GlobalSecondaryIndexUpdates"}),
        ],
        ids=["table", "index"],
    )
    def test_nothing_is_sent_of_what_does_not_change(
        self, account: Account, world: World, one: Change, sent: set[str]
    ) -> None:
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40)])
        account.update_table([one])
        assert world.calls[0].parameters.keys() == {"TableName"} | sent
        assert len(world.updates) == 1

    @pytest.mark.parametrize("kind", ["throttle", "internal", "unavailable", "reset", "garbage", "truncated"])
    def test_a_passing_failure_is_waited_out(
        self, account: Account, world: World, waits: list[float], kind: str
    ) -> None:
        world.add_table("orders", 10, 20)
        world.faults.add(Fault(kind, "UpdateTable", times=3))
        account.update_table([change((10, 20), (11, 20))])
        assert world.throughput("orders") == (11, 20)
        assert (world.counts(), waits) == ({"UpdateTable": 4}, [1, 2, 4])

    def test_a_refused_change_changes_nothing(self, account: Account, world: World) -> None:
        world.add_table("orders", 10, 20, indexes=[("by_day", 30, 40)])
        world.set_decreases("orders", "by_day")
        with pytest.raises(LimitReached, match="Next decrease can be made at"):
            account.update_table([change((10, 20), (11, 20)), change((30, 40), (29, 40), "by_day")])
        assert world.all_throughput() == {"orders": (10, 20), "orders/by_day": (30, 40)}
        assert world.counts() == {"UpdateTable": 1}


CALLS: Mapping[str, Callable[[Account], object]] = {
    "ListTables": lambda account: account.list_tables(),
    "DescribeTable": lambda account: account.describe_table("orders"),
    "UpdateTable": lambda account: account.update_table([change((10, 20), (11, 20))]),
}


@pytest.mark.parametrize("operation", CALLS)
class TestErrors:
    """Each failure of each call: what it becomes, what it says, and whether the call is made again."""

    @pytest.mark.parametrize(
        ("kind", "error", "words"),
        [
            ("denied", AccessDenied, "the IAM permission dynamodb:{} is missing"),
            ("expired", CredentialsRefused, "AWS does not accept the credentials (ExpiredTokenException)"),
            ("unrecognized", CredentialsRefused, "AWS does not accept the credentials (UnrecognizedClientException)"),
            ("not_found", NotFound, "dynamodb:{} was refused (ResourceNotFoundException): Requested resource not"),
            ("in_use", TableBusy, "dynamodb:{} was refused (ResourceInUseException): Attempt to change a resource"),
            ("validation", ChangeInvalid, "dynamodb:{} was refused (ValidationException): One or more parameter"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " not in value else "",
    )
    def test_a_refusal_is_final(
        self, account: Account, world: World, operation: str, kind: str, error: type[AwsError], words: str
    ) -> None:
        world.add_table("orders", 10, 20)
        world.faults.add(Fault(kind, operation))
        with pytest.raises(AwsError) as caught:
            CALLS[operation](account)
        assert type(caught.value) is error
        assert words.format(operation) in str(caught.value)
        assert world.counts() == {operation: 1}

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("throttle", "dynamodb:{} failed (ThrottlingException): Rate exceeded"),
            ("internal", "dynamodb:{} failed (InternalServerError): Internal server error"),
            ("unavailable", "dynamodb:{} failed (ServiceUnavailable): Service is unavailable"),
            ("reset", "dynamodb:{} failed: Connection was closed"),
            ("truncated", "dynamodb:{} failed: "),
        ],
        ids=lambda value: value if " " not in value else "",
    )
    def test_a_failure_is_tried_again_and_then_an_error(
        self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, operation: str, kind: str, words: str
    ) -> None:
        # With clients of its own: botocore tries the less, the more has failed before.
        hurry_botocore(monkeypatch)
        account = endless_account(make_clients(GlobalOptions(), ()), Hasty())
        world = stand_in.world
        world.add_table("orders", 10, 20)
        world.faults.add(Fault(kind, operation))
        with pytest.raises(AwsError) as caught:
            CALLS[operation](account)
        assert type(caught.value) is AwsError
        assert words.format(operation) in str(caught.value)
        assert 1 < world.count(operation) <= 10
        assert world.updates == []

    def test_an_answer_that_is_none(self, account: Account, world: World, operation: str) -> None:
        world.add_table("orders", 10, 20)
        world.faults.add(Fault("garbage", operation))
        with pytest.raises(AwsError, match=f"dynamodb:{operation} failed: the answer cannot be understood"):
            CALLS[operation](account)

    def test_failures_of_the_same_kind_have_the_same_cause(
        self, account: Account, world: World, operation: str
    ) -> None:
        causes = set()
        for kind in ("denied", "denied", "expired", "unrecognized"):
            world.faults.add(Fault(kind, operation, times=1))
            with pytest.raises(AwsError) as caught:
                CALLS[operation](account)
            causes.add(caught.value.cause)
        assert len(causes) == 2


@pytest.mark.parametrize("operation", CALLS)
class TestNoAnswer:
    def test_a_dead_end_point(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
        hurry_botocore(monkeypatch)
        stopping = Hasty()
        account = endless_account(make_clients(GlobalOptions(), ()), stopping)
        stand_in.close()
        with pytest.raises(AwsError, match=f"dynamodb:{operation} failed: Could not connect to the endpoint URL"):
            CALLS[operation](account)
        assert stopping.waits == ([1, 2, 4] if operation == "UpdateTable" else [])

    def test_no_credentials(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        account = endless_account(make_clients(GlobalOptions(), ()), Hasty())
        with pytest.raises(CredentialsRefused, match="no usable AWS credentials: Unable to locate credentials"):
            CALLS[operation](account)
        assert stand_in.world.count() == 0


def test_a_limit_is_told_without_a_further_attempt(account: Account, world: World, waits: list[float]) -> None:
    world.add_table("orders", 10, 20)
    world.faults.add(Fault("limit", "UpdateTable"))
    with pytest.raises(LimitReached, match=r"LimitExceededException.*: Subscriber limit exceeded"):
        account.update_table([change((10, 20), (11, 20))])
    assert (world.counts(), waits) == ({"UpdateTable": 1}, [])
