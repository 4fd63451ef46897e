"""The boto3 clients: which regions they work in, and which keys they sign with."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.aws.sns import region_of
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.exceptions import AccessDenied, DynamicDynamoDBError
from dynamic_dynamodb.model import Message, MessageType
from dynamic_dynamodb.options import GlobalOptions
from tests.fleet import Hasty, endless_account
from tests.stand_in import Fault, StandIn

KEY, SECRET = "AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"


class TestRegions:
    @pytest.mark.parametrize(
        ("environment", "given", "used"),
        [
            pytest.param({}, None, "us-east-1", id="none"),
            pytest.param({"AWS_DEFAULT_REGION": "eu-west-1"}, None, "eu-west-1", id="AWS_DEFAULT_REGION"),
            pytest.param({"AWS_REGION": "eu-west-2"}, None, "eu-west-2", id="AWS_REGION"),
            pytest.param(
                {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, None, "eu-west-2", id="AWS_REGION first"
            ),
            pytest.param({"AWS_PROFILE": "stockholm"}, None, "eu-north-1", id="profile"),
            pytest.param(
                {"AWS_PROFILE": "stockholm", "AWS_DEFAULT_REGION": "eu-west-1"}, "sa-east-1", "sa-east-1", id="option"
            ),
        ],
    )
    def test_the_region(
        self,
        stand_in: StandIn,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        environment: dict[str, str],
        given: str | None,
        used: str,
    ) -> None:
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        (tmp_path / "config").write_text("[profile stockholm]\nregion = eu-north-1\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        endless_account(make_clients(GlobalOptions(region=given), ()), Hasty()).list_tables()
        assert stand_in.world.calls[0].region == used

    @pytest.mark.parametrize(
        "arn",
        [
            "arn:aws:sns:eu-west-1:123456789012:scaling",
            "arn:aws:sns:us-east-1:123456789012:scaling",
            "arn:aws-cn:sns:cn-north-1:123456789012:scaling",
            "arn:aws-us-gov:sns:us-gov-west-1:123456789012:scaling",
        ],
    )
    def test_a_topic_is_served_in_its_own_region(self, stand_in: StandIn, arn: str) -> None:
        account = endless_account(make_clients(GlobalOptions(region="us-east-1"), map(region_of, [arn])), Hasty())
        account.publish(arn, Message(frozenset({MessageType.SCALE_UP}), "Scaled up: orders", "From 1 to 2"))
        assert stand_in.world.published == [(arn, "Scaled up: orders", "From 1 to 2")]
        assert stand_in.world.calls[0].region == arn.split(":")[3]

    def test_an_unknown_profile_is_told_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        with pytest.raises(DynamicDynamoDBError, match=r"AWS cannot be set up: .*nobody"):
            make_clients(GlobalOptions(), ())


class TestKeys:
    @pytest.fixture
    def general(self, tmp_path: Path) -> GlobalOptions:
        """A [global] section with both keys."""
        file = tmp_path / "keys.conf"
        keys = f"aws-access-key-id: {KEY}\naws-secret-access-key-id: {SECRET}\n"
        file.write_text(f"[global]\n{keys}region: us-east-1\n[table: orders]\n")
        return load(["-c", str(file)]).general

    def test_explicit_keys_win_and_are_never_logged(
        self, general: GlobalOptions, stand_in: StandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        world = stand_in.world
        world.faults.add(Fault("denied", "DescribeTable"))
        world.faults.add(Fault("denied", "GetMetricData"))
        account = endless_account(make_clients(general, ()), Hasty())
        account.list_tables()
        with pytest.raises(AccessDenied) as caught:
            account.describe_table("orders")
        assert {call.access_key for call in world.calls} == {KEY}
        assert caplog.records, "this tests nothing"
        assert SECRET not in caplog.text
        ours = "".join(record.getMessage() for record in caplog.records if record.name == "dynamic-dynamodb")
        assert KEY not in ours + str(caught.value)

    def test_a_session_token_goes_with_the_keys_of_the_environment_alone(
        self, general: GlobalOptions, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
        tokens = []

        def note(request: Any, **_: object) -> None:
            tokens.append(request.headers.get("X-Amz-Security-Token"))

        for options in (general, GlobalOptions()):
            clients = make_clients(options, ())
            clients.dynamodb.meta.events.register("before-send.dynamodb", note)
            endless_account(clients, Hasty()).list_tables()
        assert tokens == [None, b"a-token"]
