"""Faults to inject into the answers: which, for which calls, how often."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError

SERVICE_OF = {
    "ListTables": "dynamodb",
    "DescribeTable": "dynamodb",
    "UpdateTable": "dynamodb",
    "GetMetricData": "cloudwatch",
    "GetMetricStatistics": "cloudwatch",
    "Publish": "sns",
}

# Code and HTTP status in the JSON protocol, the same in the query protocol, and the message.
_ERRORS: dict[str, tuple[tuple[str, int], tuple[str, int], str]] = {
    "throttle": (("ThrottlingException", 400), ("Throttling", 400), "Rate exceeded"),
    "internal": (("InternalServerError", 500), ("InternalServerError", 500), "Internal server error"),
    "unavailable": (("ServiceUnavailable", 503), ("ServiceUnavailable", 503), "Service is unavailable, try again"),
    "denied": (("AccessDeniedException", 400), ("AccessDenied", 403), ""),
    "expired": (
        ("ExpiredTokenException", 400),
        ("ExpiredToken", 403),
        "The security token included in the request is expired",
    ),
    "unrecognized": (
        ("UnrecognizedClientException", 400),
        ("InvalidClientTokenId", 403),
        "The security token included in the request is invalid.",
    ),
    "not_found": (("ResourceNotFoundException", 400), ("NotFound", 404), "Requested resource not found"),
    "in_use": (
        ("ResourceInUseException", 400),
        ("ResourceInUse", 400),
        "Attempt to change a resource which is still in use",
    ),
    "limit": (
        ("LimitExceededException", 400),
        ("LimitExceeded", 400),
        "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously",
    ),
    "validation": (("ValidationException", 400), ("ValidationError", 400), "One or more parameter values were invalid"),
}
# These let the call go on; the others decide how it ends.
_MILD = frozenset({"slow", "partial"})
KINDS = frozenset(_ERRORS) | _MILD | {"reset", "garbage", "truncated", "lost_answer"}


@dataclass(frozen=True)
class Fault:
    """One kind of failure.

    kind: one of KINDS.
    operation, table: strike only calls of this operation, or that name this table (None: any).
    times: strike at most so often (None: without end).
    probability: of striking, for each call that matches.
    after: spare so many matching calls first.
    seconds: how long "slow" waits.
    """

    kind: str
    operation: str | None = None
    table: str | None = None
    times: int | None = None
    probability: float = 1.0
    after: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(sorted(KINDS))}")
        if self.operation is not None and self.operation not in SERVICE_OF:
            raise ValueError(f"no operation is called {self.operation!r}; there are {', '.join(sorted(SERVICE_OF))}")
        if self.kind == "partial" and self.operation not in (None, "GetMetricData"):
            raise ValueError("only GetMetricData can be partial")

    def matches(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        if self.operation not in (None, operation) or (self.kind == "partial" and operation != "GetMetricData"):
            return False
        return self.table is None or self.table in tables_named(parameters)


def _dimensions(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from parameters.get("Dimensions") or ()
    for query in parameters.get("MetricDataQueries") or ():
        yield from query.get("MetricStat", {}).get("Metric", {}).get("Dimensions") or ()


def tables_named(parameters: Mapping[str, Any]) -> set[str]:
    """The tables that a call is about, as its TableName or in its dimensions."""
    named = {dimension["Value"] for dimension in _dimensions(parameters) if dimension.get("Name") == "TableName"}
    if "TableName" in parameters:
        named.add(parameters["TableName"])
    return named


def error_of(fault: Fault, operation: str, parameters: Mapping[str, Any], is_query: bool) -> ApiError | None:
    """The refusal that this fault is, in the words of the protocol; None if it is no refusal."""
    if fault.kind not in _ERRORS:
        return None
    in_json, in_query, message = _ERRORS[fault.kind]
    code, status = in_query if is_query else in_json
    return ApiError(code, message or _denial(operation, parameters), status)


def _denial(operation: str, parameters: Mapping[str, Any]) -> str:
    action = f"{SERVICE_OF[operation]}:{operation}"
    resource = ""
    if "TableName" in parameters:
        resource = f" on resource: arn:aws:dynamodb:us-east-1:123456789012:table/{parameters['TableName']}"
    elif "TopicArn" in parameters:
        resource = f" on resource: {parameters['TopicArn']}"
    return (
        f"User: arn:aws:iam::123456789012:user/x is not authorized to perform: {action}{resource} "
        f"because no identity-based policy allows the {action} action"
    )


@dataclass
class _Planned:
    fault: Fault
    matched: int = 0
    struck: int = 0


class FaultPlan:
    """The faults that are armed, in order. The first that strikes and ends the call wins; mild ones come on top."""

    def __init__(self, seed: int = 0) -> None:
        self.injected: Counter[tuple[str, str]] = Counter()
        self._random = random.Random(seed)
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(_Planned(fault))

    def clear(self) -> None:
        """Disarm all faults; the record of what was injected stays."""
        with self._lock:
            self._planned.clear()

    def strike(self, operation: str, parameters: Mapping[str, Any]) -> list[Fault]:
        """The faults that strike this call: mild ones, and at most one that ends it, which is then the last."""
        if not self._planned:
            return []
        with self._lock:
            striking: list[Fault] = []
            for planned in self._planned:
                if not self._strikes(planned, operation, parameters):
                    continue
                planned.struck += 1
                self.injected[operation, planned.fault.kind] += 1
                striking.append(planned.fault)
                if planned.fault.kind not in _MILD:
                    break
            return striking

    def _strikes(self, planned: _Planned, operation: str, parameters: Mapping[str, Any]) -> bool:
        fault = planned.fault
        if not fault.matches(operation, parameters):
            return False
        planned.matched += 1
        if planned.matched <= fault.after or (fault.times is not None and planned.struck >= fault.times):
            return False
        return fault.probability >= 1 or self._random.random() < fault.probability
