"""The errors that a user can cause or meet. Their texts are made to be read by an operator."""

from __future__ import annotations

from collections.abc import Sequence


class DynamicDynamoDBError(Exception):
    """Base of all errors of this program."""


class ConfigurationError(DynamicDynamoDBError):
    """The command line or the configuration file cannot be used; `problems` has one line for each reason."""

    def __init__(self, problems: Sequence[str], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)


class HistoryError(DynamicDynamoDBError):
    """A history cannot be read, or there is nothing in it to replay."""


class AwsError(DynamicDynamoDBError):
    """A call to AWS failed, in words for an operator.

    `cause` is the same for all failures that have the same reason, whichever table they met; `is_transient` tells
    whether the same call may well succeed a little later.
    """

    def __init__(self, text: str, cause: str = "", is_transient: bool = False) -> None:
        super().__init__(text)
        self.cause = cause or text
        self.is_transient = is_transient


class AccessDenied(AwsError):
    """The identity lacks the IAM permission that the text names."""


class CredentialsRefused(AwsError):
    """There are no credentials, or AWS does not accept them: no call of any kind can succeed."""


class NotFound(AwsError):
    """The table or the index does not exist (any more)."""


class LimitReached(AwsError):
    """DynamoDB refused an update as a whole (LimitExceededException), normally because of one decrease too many."""


class UpdateRefused(AwsError):
    """DynamoDB refused an update, and would refuse it again at once; see the two below."""


class ChangeInvalid(UpdateRefused):
    """Something in the update is not valid (ValidationException), which need not hold for the rest of it."""


class TableBusy(UpdateRefused):
    """The table or an index is being changed (ResourceInUseException)."""
