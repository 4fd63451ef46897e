"""The circuit breaker: an URL that is asked whether to go on."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import requests

from dynamic_dynamodb.model import Resource
from dynamic_dynamodb.option_kinds import public_url


def why_open(url: str, timeout_ms: float, resource: Resource) -> str:
    """Ask the URL for one resource. Empty if the circuit is closed, so that one may go on; else why it is open.

    Any 2xx answer closes it. A redirect does not: where it leads to may well answer 200 whatever the state of things.
    """
    headers = {"x-table-name": resource.table}
    if resource.index:
        headers["x-gsi-name"] = resource.index
    parts = urlsplit(url)
    auth = (unquote(parts.username or ""), unquote(parts.password or "")) if parts.username is not None else None
    host = parts.netloc.rpartition("@")[2]
    try:
        with requests.get(
            parts._replace(netloc=host).geturl(),
            headers=headers,
            auth=auth,
            timeout=timeout_ms / 1000,
            allow_redirects=False,
            stream=True,
        ) as answer:
            problem = "" if 200 <= answer.status_code < 300 else f"answered {answer.status_code}"
    except requests.Timeout:
        problem = f"did not answer within {timeout_ms:g} ms"
    except (requests.RequestException, ValueError) as error:
        # The error's own text may hold the URL with its query.
        problem = f"cannot be reached ({type(error).__name__})"
    return f"the circuit breaker {public_url(url)} {problem}" if problem else ""
