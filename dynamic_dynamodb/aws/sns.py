"""SNS: publish a notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dynamic_dynamodb.aws.errors import translated
from dynamic_dynamodb.model import Message

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


def region_of(topic_arn: str) -> str:
    """The region in the ARN of a topic."""
    return topic_arn.split(":")[3]


def publish(clients: Mapping[str, SNSClient], topic_arn: str, message: Message) -> None:
    """Send a message to a topic, with the client of its region."""
    with translated("sns:Publish"):
        clients[region_of(topic_arn)].publish(TopicArn=topic_arn, Subject=message.subject, Message=message.body)
