"""Whole checks in this process, against whatever AWS_ENDPOINT_URL points to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.check import Check
from dynamic_dynamodb.circuit_breaker import why_open
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.memory import Memory
from dynamic_dynamodb.tally import Tally

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=timezone.utc)


class Program:
    """The program without its command: a configuration, clients and a memory, for as many checks as one likes."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.configuration = load(argv)
        self.memory = Memory()
        self.account = Account(make_clients(self.configuration.general, ["us-east-1"]))

    def check(self, now: datetime = NOON) -> Tally:
        return Check(self.account, why_open, self.configuration, self.memory, now).run()
