"""Keeps the provisioned throughput of DynamoDB tables and indexes in step with their load."""

__version__ = "3.0.0"
