"""A strict, in-memory stand-in for DynamoDB, CloudWatch and SNS, spoken to by boto3 through AWS_ENDPOINT_URL.

with StandIn(World()) as stand_in:
    stand_in.world.add_table("orders", reads=10, writes=5)
    boto3.client("dynamodb", endpoint_url=stand_in.url, ...).describe_table(TableName="orders")
"""

from .errors import ApiError
from .faults import KINDS, Fault, FaultPlan
from .server import StandIn
from .world import Call, Published, Update, World

__all__ = ["KINDS", "ApiError", "Call", "Fault", "FaultPlan", "Published", "StandIn", "Update", "World"]
