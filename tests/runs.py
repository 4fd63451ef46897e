"""Whole checks in this process, against whatever AWS_ENDPOINT_URL points to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from threading import Event

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.check import Check, Surroundings
from dynamic_dynamodb.circuit_breaker import why_open
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.memory import Memory
from dynamic_dynamodb.tally import Tally

NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=timezone.utc)


class Program:
    """The program without its command: a configuration, clients and a memory, for as many checks as one likes."""

    def __init__(
        self, argv: Sequence[str], sns_regions: Iterable[str] = ("us-east-1",), account: Account | None = None
    ) -> None:
        self.configuration = load(argv)
        self.memory = Memory()
        self.stopping = Event()
        self.account = account or Account(
            make_clients(self.configuration.general, sns_regions), Patience(self.stopping, 300)
        )

    def check(self, now: datetime = NOON) -> Tally:
        with ThreadPoolExecutor(self.configuration.general.max_concurrency) as executor:
            surroundings = Surroundings(self.account, why_open, executor, self.stopping.is_set)
            return Check(surroundings, self.configuration, self.memory, now).run()
