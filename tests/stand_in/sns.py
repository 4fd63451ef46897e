"""Publish."""

from __future__ import annotations

import re
import uuid
from typing import Any

from .errors import ApiError, not_done_here
from .world import Call, World

LONGEST_SUBJECT = 100
LONGEST_MESSAGE_BYTES = 256 * 1024
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}")
# Begins with a letter, digit or punctuation mark, and holds no line break or other control character.
_SUBJECT = re.compile(r"[!-~][ -~]*")


def publish(world: World, call: Call) -> dict[str, Any]:
    parameters = call.parameters
    unknown = sorted(set(parameters) - {"TopicArn", "Subject", "Message"})
    if unknown:
        raise not_done_here(f"the parameter {', '.join(unknown)}")
    topic_arn, message = parameters.get("TopicArn", ""), parameters.get("Message", "")
    topic = _TOPIC_ARN.fullmatch(topic_arn)
    if topic is None or topic["region"] != call.region:
        raise _invalid("TopicArn")
    subject = parameters.get("Subject")
    if subject is not None and (len(subject) > LONGEST_SUBJECT or not _SUBJECT.fullmatch(subject)):
        raise _invalid("Subject")
    if not message:
        raise _invalid("Empty message")
    if len(message.encode()) > LONGEST_MESSAGE_BYTES:
        raise _invalid("Message too long")
    world.publish(topic_arn, subject, message)
    return {"MessageId": str(uuid.uuid4())}


def _invalid(what: str) -> ApiError:
    return ApiError("InvalidParameter", f"Invalid parameter: {what}")
