"""python -m tests.demo: exit 0 if all went as expected, 1 if not, 130 if it was interrupted."""

from __future__ import annotations

import os
import sys

from tests.demo.interrupts import Interrupts


def main() -> int:
    """Run the demonstration."""
    interrupts = Interrupts()
    try:
        _clean_environment()
        # moto and boto3 take settings from the environment as soon as they are imported.
        from tests.demo.show import run

        return run(interrupts)
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started has been ended.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Nobody reads on. Else Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _clean_environment() -> None:
    """Leave no setting of the user's that could lead to a real account, and no proxy; for this process and its own."""
    for name in list(os.environ):
        if name.upper().startswith(("AWS_", "BOTO_", "MOTO_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="demo",
        AWS_SECRET_ACCESS_KEY="demo",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        NO_PROXY="*",
    )


if __name__ == "__main__":
    sys.exit(main())
