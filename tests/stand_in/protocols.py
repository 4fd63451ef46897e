"""Requests and answers on the wire: JSON 1.0 for DynamoDB and CloudWatch, query and XML for SNS and CloudWatch."""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from .clock import UTC
from .errors import ApiError
from .faults import SERVICE_OF
from .metrics import Timestamp
from .world import Call

_JSON_TARGETS = {"DynamoDB_20120810": "dynamodb", "GraniteServiceVersion20100801": "cloudwatch"}
_QUERY_VERSIONS = {"2010-03-31": "sns", "2010-08-01": "cloudwatch"}
_XML_NAMESPACES = {
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
    "cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",
}
_DYNAMODB_ERRORS = frozenset(
    {"InternalServerError", "LimitExceededException", "ResourceInUseException", "ResourceNotFoundException"}
)
# CloudWatch's own errors have longer names in JSON; a header carries the code that the query protocol always had.
_CLOUDWATCH_ERRORS = {
    "InvalidNextToken": "InvalidNextToken",
    "InvalidParameterCombination": "InvalidParameterCombinationException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
    "ValidationError": "ValidationException",
}
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/[^/]+/aws4_request")
_INTEGERS = frozenset({"Period", "MaxDatapoints"})
_TIMES = frozenset({"StartTime", "EndTime"})
_LISTS = frozenset({"Dimensions", "Statistics", "MetricDataQueries"})
_request_numbers = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """One call and how it was put."""

    call: Call
    service: str
    is_query: bool


class Reply(NamedTuple):
    """An HTTP answer; with more missing_bytes announced than are sent, if it is to break off."""

    status: int
    headers: dict[str, str]
    body: bytes
    missing_bytes: int = 0


GARBAGE = Reply(200, {"Content-Type": "text/html"}, b"<html><p>this is neither JSON & nor XML")


def decode(headers: Mapping[str, str], body: bytes) -> Request:
    """The call in a request (header names in lower case); ApiError if it is none."""
    target = headers.get("x-amz-target")
    if target is not None:
        prefix, _, operation = target.partition(".")
        service = _JSON_TARGETS.get(prefix, "")
        parameters = _json_parameters(body)
        unknown = "UnknownOperationException"
    else:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        operation = fields.pop("Action", "")
        service = _QUERY_VERSIONS.get(fields.pop("Version", ""), "")
        parameters = _query_parameters(fields)
        unknown = "InvalidAction"
    if SERVICE_OF.get(operation) != service:
        raise ApiError(unknown, f"Could not find operation {operation or target}")
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    if signed is None:
        code = "MissingAuthenticationToken" if target is None else "MissingAuthenticationTokenException"
        raise ApiError(code, "Request is missing Authentication Token", 403 if target is None else 400)
    return Request(Call(operation, parameters, signed["region"], signed["key"]), service, target is None)


def _json_parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise ApiError("SerializationException", "The body is no JSON object")
    return parameters


def _query_parameters(fields: Mapping[str, str]) -> dict[str, Any]:
    """A.member.1.B=x and so on, as the dicts and lists that JSON would give."""
    root: dict[str, Any] = {}
    for name, text in fields.items():
        *path, last = name.split(".")
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node[last] = _query_value(last, text)
    parameters = _with_lists(root)
    assert isinstance(parameters, dict)
    return parameters


def _query_value(name: str, text: str) -> Any:
    if name in _INTEGERS:
        return int(text)
    if name in _TIMES:
        moment = datetime.fromisoformat(text.rstrip("Z"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return [] if name in _LISTS and not text else text


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node.keys() == {"member"}:
        return [_with_lists(item) for _, item in sorted(node["member"].items(), key=lambda pair: int(pair[0]))]
    return {name: _with_lists(value) for name, value in node.items()}


def encode(request: Request, result: dict[str, Any]) -> Reply:
    """The answer to a call that was done."""
    number = _request_id()
    if request.is_query:
        operation = request.call.operation
        body = (
            f'<{operation}Response xmlns="{_XML_NAMESPACES[request.service]}"><{operation}Result>{_xml(result)}'
            f"</{operation}Result><ResponseMetadata><RequestId>{number}</RequestId></ResponseMetadata>"
            f"</{operation}Response>"
        ).encode()
        return Reply(200, {"Content-Type": "text/xml", "x-amzn-RequestId": number}, body)
    return _json_reply(200, number, request.service, json.dumps(result).encode())


def encode_truncated(request: Request) -> Reply:
    """An answer that breaks off; DynamoDB's checksum, sent before it, is that of the whole."""
    whole = encode(request, {"Unfinished": "." * 1000})
    return whole._replace(body=whole.body[:20], missing_bytes=len(whole.body) - 20)


def encode_error(headers: Mapping[str, str], error: ApiError) -> Reply:
    """The refusal of a request, also of one that could not be decoded."""
    number = _request_id()
    target = headers.get("x-amz-target")
    fault = "Receiver" if error.http_status >= 500 else "Sender"
    if target is None:
        body = (
            f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code><Message>"
            f"{escape(error.message)}</Message></Error><RequestId>{number}</RequestId></ErrorResponse>"
        ).encode()
        return Reply(error.http_status, {"Content-Type": "text/xml", "x-amzn-RequestId": number}, body)
    service = _JSON_TARGETS.get(target.partition(".")[0], "")
    name = f"com.amazon.coral.service#{error.code}"
    is_cloudwatch_error = service == "cloudwatch" and error.code in _CLOUDWATCH_ERRORS
    if is_cloudwatch_error:
        name = f"com.amazonaws.cloudwatch.v2010_08_01#{_CLOUDWATCH_ERRORS[error.code]}"
    elif service == "dynamodb" and error.code in _DYNAMODB_ERRORS:
        name = f"com.amazonaws.dynamodb.v20120810#{error.code}"
    # AWS's gatekeeper writes this one name with a capital.
    message = "Message" if error.code == "AccessDeniedException" else "message"
    reply = _json_reply(
        error.http_status, number, service, json.dumps({"__type": name, message: error.message}).encode()
    )
    if is_cloudwatch_error:
        reply.headers["x-amzn-query-error"] = f"{error.code};{fault}"
    return reply


def _json_reply(status: int, number: str, service: str, body: bytes) -> Reply:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": number}
    if service == "dynamodb":
        headers["x-amz-crc32"] = str(zlib.crc32(body))
    return Reply(status, headers, body)


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(item)}</{name}>" for name, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return value.text() if isinstance(value, Timestamp) else escape(str(value))


def _request_id() -> str:
    return f"00000000-0000-4000-8000-{next(_request_numbers):012x}"
