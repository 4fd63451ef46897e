"""From what boto3 raises to the program's own errors, with texts that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from dynamic_dynamodb.exceptions import (
    AccessDenied,
    AwsError,
    ChangeInvalid,
    CredentialsRefused,
    LimitReached,
    NotFound,
    TableBusy,
)

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "SlowDown",
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_REFUSALS: dict[str, type[AwsError]] = {
    "ResourceNotFoundException": NotFound,
    "LimitExceededException": LimitReached,
    "ValidationException": ChangeInvalid,
    "ResourceInUseException": TableBusy,
}


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise the program's own errors for what goes wrong inside, reading the answer included.

    `action` is the IAM name of the call, such as `dynamodb:ListTables`.
    """
    try:
        yield
    except ClientError as error:
        raise _from_answer(action, error) from error
    except _NO_CREDENTIALS as error:
        raise CredentialsRefused(f"no usable AWS credentials: {error}", "credentials") from error
    except (BotoConnectionError, HTTPClientError, ResponseParserError) as error:
        raise AwsError(f"{action} failed: {error}", f"{action} {type(error).__name__}", is_transient=True) from error
    except BotoCoreError as error:
        raise AwsError(f"{action} failed: {error}", f"{action} {type(error).__name__}") from error
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        text = f"{action} failed: the answer cannot be understood ({type(error).__name__})"
        raise AwsError(text, f"{action} garbled", is_transient=True) from error


def _from_answer(action: str, error: ClientError) -> AwsError:
    code = error.response.get("Error", {}).get("Code", "unknown")
    message = error.response.get("Error", {}).get("Message", "no message")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    cause = f"{action} {code}"
    if code in _DENIED:
        return AccessDenied(f"{action} is not allowed ({code}): the IAM permission {action} is missing", cause)
    if code in _CREDENTIALS:
        return CredentialsRefused(f"AWS does not accept the credentials ({code}): {message}", "credentials")
    if code in _REFUSALS:
        return _REFUSALS[code](f"{action} was refused ({code}): {message}", cause)
    return AwsError(f"{action} failed ({code}): {message}", cause, is_transient=code in _THROTTLED or status >= 500)
