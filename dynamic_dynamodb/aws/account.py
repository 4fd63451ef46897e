"""The AWS account as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Sequence

from dynamic_dynamodb.aws import dynamodb, sns
from dynamic_dynamodb.aws.clients import Clients
from dynamic_dynamodb.aws.cloudwatch import QUERIES_PER_CALL, CloudWatch, in_batches
from dynamic_dynamodb.model import Change, Measured, Message, MetricQuery, TableDescription


class Account:
    """All that is asked of AWS. Its methods raise AwsError, and may be called from several threads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._cloudwatch = CloudWatch(clients.cloudwatch)

    def list_tables(self) -> list[str]:
        """The names of all tables."""
        return dynamodb.list_tables(self._clients.dynamodb)

    def describe_table(self, name: str) -> TableDescription:
        """A table and its indexes."""
        return dynamodb.describe_table(self._clients.dynamodb, name)

    def measure(self, queries: Sequence[MetricQuery]) -> Measured:
        """The sums of metrics, each of them or the error that stands for it, in as few calls as possible."""
        batches = in_batches(queries, QUERIES_PER_CALL)
        return {query: answer for batch in batches for query, answer in self._cloudwatch.measure(batch).items()}

    def update_table(self, changes: Sequence[Change]) -> None:
        """Change one table and its indexes together."""
        dynamodb.update_table(self._clients.updates, changes)

    def publish(self, topic_arn: str, message: Message) -> None:
        """Send a notification."""
        sns.publish(self._clients.sns, topic_arn, message)
