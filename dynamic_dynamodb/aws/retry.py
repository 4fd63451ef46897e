"""Exponential back-off for the calls that botocore does not retry for us."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from retrying import Retrying

from dynamic_dynamodb.exceptions import AwsError

T = TypeVar("T")


def with_backoff(call: Callable[[], T], attempts: int) -> T:
    """Make a call, and make it again after 1, 2, 4, 8, 10, 10, ... seconds while it fails for a transient reason."""
    retrying = Retrying(
        stop_max_attempt_number=attempts,
        # The library waits this times 2 ** (number of the attempt), in milliseconds.
        wait_exponential_multiplier=500,
        wait_exponential_max=10_000,
        retry_on_exception=lambda error: isinstance(error, AwsError) and error.is_transient,
    )
    result: T = retrying.call(call)
    return result
