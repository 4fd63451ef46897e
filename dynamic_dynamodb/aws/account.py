"""The AWS account as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Sequence

from dynamic_dynamodb.aws import dynamodb, sns
from dynamic_dynamodb.aws.clients import Clients
from dynamic_dynamodb.aws.cloudwatch import CloudWatch
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.model import Change, Measured, Message, MetricQuery, TableDescription


class Account:
    """All that is asked of AWS, from any thread. The methods raise AwsError."""

    def __init__(self, clients: Clients, patience: Patience) -> None:
        self._clients = clients
        self._patience = patience
        self._cloudwatch = CloudWatch(clients.cloudwatch, patience)

    def begin_check(self) -> None:
        """Have new patience."""
        self._patience.begin_check()

    def list_tables(self) -> list[str]:
        """The names of all tables."""
        with self._patience.spending():
            return dynamodb.list_tables(self._clients.dynamodb)

    def describe_table(self, name: str) -> TableDescription:
        """A table and its indexes."""
        with self._patience.spending():
            return dynamodb.describe_table(self._clients.dynamodb, name)

    @property
    def queries_per_call(self) -> int:
        """How many queries `measure` takes."""
        return self._cloudwatch.queries_per_call

    def measure(self, queries: Sequence[MetricQuery]) -> Measured | None:
        """The sums of metrics, each of them or the error that stands for it. None: ask anew, in smaller portions."""
        return self._cloudwatch.measure(queries)

    def update_table(self, changes: Sequence[Change]) -> None:
        """Change one table and its indexes together."""
        dynamodb.update_table(self._clients.updates, changes, self._patience)

    def publish(self, topic_arn: str, message: Message) -> None:
        """Send a notification."""
        with self._patience.spending():
            sns.publish(self._clients.sns, topic_arn, message)
