"""The boto3 clients: made once, with their time-outs and retries."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.utils import parse_timestamp

from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.options import GlobalOptions

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient

DEFAULT_REGION = "us-east-1"
_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_ATTEMPTS = 6


@dataclass(frozen=True)
class Clients:
    """All clients. `updates` is a DynamoDB client for UpdateTable: botocore would retry a LimitExceededException."""

    dynamodb: DynamoDBClient
    updates: DynamoDBClient
    cloudwatch: CloudWatchClient
    sns: Mapping[str, SNSClient]


def make_clients(options: GlobalOptions, sns_regions: Iterable[str]) -> Clients:
    """Make the clients; those for SNS by region. No call is made yet. Raises DynamicDynamoDBError."""
    try:
        session = _session(options)
        parsers = session._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_quick_timestamp)

        def client(service: str, attempts: int, region: str | None = None) -> Any:
            config = Config(
                # AWS checks the requests itself, and botocore's check takes as long as building them.
                parameter_validation=False,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                max_pool_connections=options.max_concurrency,
                retries={"mode": "standard", "total_max_attempts": attempts},
            )
            return session.client(service, config=config, region_name=region)  # type: ignore[call-overload]

        return Clients(
            dynamodb=client("dynamodb", _ATTEMPTS),
            updates=client("dynamodb", 1),
            cloudwatch=client("cloudwatch", 1),
            sns={region: client("sns", _ATTEMPTS, region) for region in sorted(set(sns_regions))},
        )
    except (BotoCoreError, ValueError) as error:
        raise DynamicDynamoDBError(f"AWS cannot be set up: {error}") from error


def effective_region(options: GlobalOptions) -> str:
    """The region that the clients work in."""
    try:
        return _session(options).region_name
    except BotoCoreError as error:
        raise DynamicDynamoDBError(f"AWS cannot be set up: {error}") from error


def _session(options: GlobalOptions) -> boto3.Session:
    # boto3 alone heeds AWS_DEFAULT_REGION and the profile, but not AWS_REGION.
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    key, secret = options.aws_access_key_id, options.aws_secret_access_key
    session = boto3.Session(key, secret, region_name=region or None)
    return session if session.region_name else boto3.Session(key, secret, region_name=DEFAULT_REGION)


def _quick_timestamp(value: Any) -> datetime:
    """A time as JSON protocols have it: with botocore's own parser it would take most of the time of an answer."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, timezone.utc)
    return parse_timestamp(value)
