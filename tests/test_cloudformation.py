"""The CloudFormation template: what it makes, in moto, and what it may do."""

from __future__ import annotations

import ast
import base64
import importlib.util
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import boto3
import moto
import pytest

PROJECT = Path(__file__).resolve().parents[1]
TEMPLATES = PROJECT / "cloudformation-templates"
TEXT = (TEMPLATES / "dynamic-dynamodb.json").read_text("utf-8")
TEMPLATE = json.loads(TEXT)
BUCKET = {"S3Bucket": "s3://some-bucket/some/path/"}
WHEEL = "s3://other-bucket/dynamic_dynamodb-3.0.0-py3-none-any.whl"
OPTIONS = {
    "S3BucketRegion": "us-west-2",
    "WheelS3Uri": WHEEL,
    "SSHLocation": "203.0.113.0/24",
    "KeyPair": "my.key pair",
    "VpcId": "(made by the test)",
    "SubnetIds": "(made by the test)",
}
REGION = "us-east-1"
ACCOUNT = "123456789012"
LONGEST_BODY, LONGEST_USER_DATA = 51_200, 16_384
"""Bytes that CloudFormation takes without S3, and that EC2 takes."""


class Stack(NamedTuple):
    """What moto has made of the template."""

    status: str
    outputs: dict[str, str]
    launched: dict[str, Any]
    user_data: str
    statements: list[dict[str, Any]]
    vpc: str
    ingress: list[dict[str, Any]]
    group: dict[str, Any]

    def allowed(self) -> dict[str, Any]:
        """Actions, and what they may be done to."""
        return {action: each["Resource"] for each in self.statements for action in each["Action"]}


@cache
def create(**parameters: str) -> Stack:
    """A stack with these parameters. Those of a VPC and its subnet are filled in."""
    with moto.mock_aws():
        if "VpcId" in parameters:
            ec2 = boto3.client("ec2", REGION)
            vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
            parameters = {**parameters, "VpcId": vpc, "SubnetIds": subnet}
        return _create(parameters)


def _create(parameters: dict[str, str]) -> Stack:
    cloudformation = boto3.client("cloudformation", REGION)
    cloudformation.create_stack(
        StackName="tables",
        TemplateBody=TEXT,
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in {**BUCKET, **parameters}.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName="tables")["Stacks"]
    resources = cloudformation.list_stack_resources(StackName="tables")["StackResourceSummaries"]
    ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    assert ids.keys() == TEMPLATE["Resources"].keys()
    ec2 = boto3.client("ec2", REGION)
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=ids["LaunchTemplate"])["LaunchTemplateVersions"]
    launched = version["LaunchTemplateData"]
    (security_group,) = ec2.describe_security_groups(GroupIds=[ids["SecurityGroup"]])["SecurityGroups"]
    policy = boto3.client("iam").get_role_policy(RoleName=ids["Role"], PolicyName="dynamic-dynamodb")["PolicyDocument"]
    # moto returns Python for JSON here, with None for a statement that is left out.
    statements = (ast.literal_eval(policy) if isinstance(policy, str) else policy)["Statement"]
    scaling = boto3.client("autoscaling", REGION)
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[ids["Group"]])["AutoScalingGroups"]
    return Stack(
        stack["StackStatus"],
        {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        launched,
        base64.b64decode(launched.pop("UserData")).decode(),
        [statement for statement in statements if statement],
        security_group["VpcId"],
        security_group["IpPermissions"],
        group,
    )


@pytest.fixture(scope="module")
def embedding() -> ModuleType:
    spec = importlib.util.spec_from_file_location("embed", TEMPLATES / "embed.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lint_has_nothing_to_say() -> None:
    # A region must be named, or its AWS_DEFAULT_REGION has the say.
    command = [Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--regions", "us-east-1", "eu-west-1"]
    lint = subprocess.run(
        [*command, "--", TEMPLATES / "dynamic-dynamodb.json"], capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout) == (0, ""), lint.stderr


def test_embedded_files_are_the_files(embedding: ModuleType) -> None:
    assert embedding.embed(json.loads(TEXT)) == TEXT, "the template is stale: run cloudformation-templates/embed.py"


def test_sizes_are_what_aws_takes() -> None:
    assert len(TEXT.encode()) < LONGEST_BODY
    assert len(create().user_data.encode()) < LONGEST_USER_DATA


def test_one_instance_of_the_newest_image() -> None:
    stack = create()
    assert stack.status == "CREATE_COMPLETE"
    assert (stack.group["MinSize"], stack.group["MaxSize"], len(stack.group["Instances"])) == (1, 1, 1)
    assert stack.launched["ImageId"].startswith("ami-")
    assert "al2023" in TEMPLATE["Parameters"]["ImageId"]["Default"]
    assert stack.launched["InstanceType"] == "t3.micro"
    assert "KeyName" not in stack.launched
    assert "dynamic-dynamodb" in [tag["Value"] for tag in stack.group["Tags"] if tag["Key"] == "Name"]
    assert stack.outputs["Configuration"] == "s3://some-bucket/some/path/dynamic-dynamodb.conf"


def test_two_never_scale_at_the_same_time() -> None:
    update = TEMPLATE["Resources"]["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert (update["MinInstancesInService"], update["WaitOnResourceSignals"]) == (0, True)


def test_creation_waits_for_the_signal_that_the_user_data_sends() -> None:
    signal = TEMPLATE["Resources"]["Group"]["CreationPolicy"]["ResourceSignal"]
    assert signal == {"Count": 1, "Timeout": "PT15M"}
    assert "RESOURCE=Group\n" in create().user_data


def test_metadata_service_and_disk_are_hardened() -> None:
    launched = create().launched
    assert launched["MetadataOptions"] == {
        "HttpTokens": "required",
        "HttpEndpoint": "enabled",
        "HttpPutResponseHopLimit": 1,
    }
    (device,) = launched["BlockDeviceMappings"]
    assert device["Ebs"]["Encrypted"] is True


def test_nothing_comes_in_by_default() -> None:
    assert create().ingress == []


def test_ssh_from_one_range_with_a_key_pair() -> None:
    stack = create(**OPTIONS)
    (rule,) = stack.ingress
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"][0]["CidrIp"]) == (22, 22, "203.0.113.0/24")
    assert stack.launched["KeyName"] == "my.key pair"


def test_subnets_of_an_own_vpc() -> None:
    assert "VPCZoneIdentifier" not in create().group
    own = create(**OPTIONS)
    assert own.group["VPCZoneIdentifier"].startswith("subnet-")
    assert own.vpc != create().vpc


def test_user_data_gets_the_parameters() -> None:
    stack = create(**OPTIONS)
    head, _, rest = stack.user_data.partition("# Makes a new instance")
    assert head.splitlines() == [
        "#!/bin/sh",
        "STACK='tables'",
        "RESOURCE=Group",
        "REGION='us-east-1'",
        "S3_FOLDER='s3://some-bucket/some/path/'",
        "S3_REGION='us-west-2'",
        f"WHEEL='{WHEEL}'",
    ]
    assert rest
    assert "S3_REGION='us-east-1'\nWHEEL=''\n" in create().user_data


def test_policy_allows_what_the_code_calls_and_no_more() -> None:
    code = "".join(file.read_text("utf-8") for file in (PROJECT / "dynamic_dynamodb" / "aws").glob("*.py"))
    called = set(re.findall(r'translated\("([^"]+)"\)', code))
    assert called
    services = {action.partition(":")[0] for action in called}
    allowed = create().allowed()
    assert {action for action in allowed if action.partition(":")[0] in services} == called
    assert {action.partition(":")[0] for action in allowed} - services == {"s3", "ssm", "ssmmessages"}
    assert not [action for action in allowed if "*" in action]


def test_policy_is_limited_to_this_account_and_these_names() -> None:
    allowed = create().allowed()
    for action in ("dynamodb:DescribeTable", "dynamodb:UpdateTable"):
        assert allowed[action] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/*"
    assert allowed["sns:Publish"] == f"arn:aws:sns:*:{ACCOUNT}:dynamic-dynamodb*"
    assert (
        allowed["s3:GetObject"] == allowed["s3:PutObject"] == "arn:aws:s3:::some-bucket/some/path/dynamic-dynamodb.conf"
    )
    assert allowed["s3:ListBucket"] == "arn:aws:s3:::some-bucket"
    everything = {action for action, resource in allowed.items() if resource == "*"}
    # AWS cannot limit these to single resources, or, for Session Manager, knows the instance by its role.
    assert everything == {
        "dynamodb:ListTables",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "ssm:UpdateInstanceInformation",
        *(f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")),
    }


def test_listing_of_the_bucket_is_limited_to_the_configuration() -> None:
    (listing,) = [each for each in create().statements if "s3:ListBucket" in each["Action"]]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "*dynamic-dynamodb.conf"}}


def test_wheel_can_be_read_when_there_is_one() -> None:
    (statement,) = [each for each in create(**OPTIONS).statements if each["Sid"] == "GetWheel"]
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == WHEEL.replace("s3://", "arn:aws:s3:::")
    assert not [each for each in create().statements if each["Sid"] == "GetWheel"]


def test_there_are_no_credentials() -> None:
    # Commented lines of the example show AWS's own example key.
    own = TEXT.replace("#aws-access-key-id: AKIAIOSFODNN7EXAMPLE", "").replace("#aws-secret-access-key-id: ", "")
    assert not re.search(r"AKIA|ASIA|aws-secret-access-key-id: |AWS::IAM::(AccessKey|User)", own)
    assert not [name for name in TEMPLATE["Parameters"] if re.search("secret|password|token", name, re.I)]


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (
            "S3Bucket",
            ["s3://bucket/", "s3://my.bucket-1/a/b_c/"],
            ["s3://bucket", "s3://bucket/path", "bucket/path/", "s3://bucket//", "s3://bucket/it's/", "s3://b u/", ""],
        ),
        ("S3BucketRegion", ["", "eu-west-1", "us-gov-east-1", "cn-north-1"], ["Ireland", "eu-west-1'"]),
        ("WheelS3Uri", ["", WHEEL, "s3://bucket/a/b/x-1.whl"], ["x.whl", "s3://bucket/x.zip", "s3://bucket/'.whl"]),
        (
            "SSHLocation",
            ["", "203.0.113.0/24", "198.51.100.7/32", "10.0.0.0/8"],
            ["0.0.0.0/0", "0.0.0.0/1", "203.0.113.0"],
        ),
        ("KeyPair", ["", "my.key pair"], ["key\n"]),
        ("InstanceType", ["t3.micro", "t4g.nano"], ["", "micro"]),
        ("VpcId", ["", "vpc-0a1b2c"], ["subnet-0a1b"]),
    ],
)
def test_parameters_are_checked(parameter: str, good: list[str], bad: list[str]) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    # CloudFormation matches the whole value.
    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


def test_only_the_place_of_the_configuration_must_be_given() -> None:
    assert [name for name, value in TEMPLATE["Parameters"].items() if "Default" not in value] == ["S3Bucket"]


def test_every_parameter_is_documented() -> None:
    page = (PROJECT / "docs" / "cloudformation.rst").read_text("utf-8")
    table = page.partition("Parameters\n---")[2].partition("\n---")[0]
    assert re.findall(r"``([A-Z]\w+)``", table.partition("What the stack makes")[0]) == list(TEMPLATE["Parameters"])
    overrides = re.findall(r"--parameter-overrides (\w+)=(\S+)", page)
    assert [
        (name, bool(re.fullmatch(TEMPLATE["Parameters"][name]["AllowedPattern"], value))) for name, value in overrides
    ] == [("S3Bucket", True)]


def test_every_failed_step_is_documented() -> None:
    page = (PROJECT / "docs" / "cloudformation.rst").read_text("utf-8")
    steps = re.findall(r'^begin "([^"$]+)', (TEMPLATES / "user-data.sh").read_text("utf-8"), re.M)
    assert steps
    for step in steps:
        assert f"``Failed to {step.strip().removesuffix(' from')}``" in page
