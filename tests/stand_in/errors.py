"""The refusal of a call, whatever the protocol that carries it."""

from __future__ import annotations


class ApiError(Exception):
    """A call is refused with this code, message and HTTP status."""

    def __init__(self, code: str, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status


def validation(message: str) -> ApiError:
    """DynamoDB finds fault with the parameters."""
    return ApiError("ValidationException", message)


def not_done_here(what: str) -> ApiError:
    """AWS may know this, the stand-in does not: to answer anything else would hide it."""
    return ApiError("NotImplemented", f"The stand-in does not know {what}", 501)
