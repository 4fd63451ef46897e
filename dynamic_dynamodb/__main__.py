"""`python -m dynamic_dynamodb` is the `dynamic-dynamodb` command."""

import sys

from dynamic_dynamodb.cli import main

if __name__ == "__main__":
    sys.exit(main())
