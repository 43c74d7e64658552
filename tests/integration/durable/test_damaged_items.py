"""A damaged item costs itself and nothing else: the request for it fails, is logged, and others go on."""

import logging
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from infra.local.dispatch import Dispatch
from infra.local.durable.folder import DataFolder
from infra.local.moto_host import MotoHost
from tests.integration.durable.things import create, fill, key


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])  # the home region takes a shorter way
def test_a_damaged_item_is_an_internal_error_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, region: str
) -> None:
    folder = DataFolder.open(tmp_path, region="us-east-1")
    host = MotoHost(folder)
    try:
        once = Config(retries={"total_max_attempts": 1})
        session = Dispatch(host).session(Credentials("ASIAEXAMPLE", "secret", "token"))
        client: Any = session.client("dynamodb", region_name=region, config=once)
        create(client)
        fill(client, 3)
        with folder.store.writing() as connection:
            connection.execute("UPDATE item SET content = zeroblob(40) WHERE r = ?", (b"00001",))
        with caplog.at_level(logging.ERROR), pytest.raises(ClientError) as failed:
            client.get_item(TableName="things", Key=key(1))
        assert failed.value.response["Error"]["Code"] == "InternalServerError"
        assert "the item 'p 00001' of the table things is damaged" in caplog.text
        assert "damaged" not in failed.value.response["Error"]["Message"]
        assert client.get_item(TableName="things", Key=key(2))["Item"]["n"] == {"N": "2"}
        with pytest.raises(ClientError, match="InternalServerError"):
            client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": "things", "Item": key(9)}},
                    {"Delete": {"TableName": "things", "Key": key(1)}},
                ]
            )
        assert "Item" not in client.get_item(TableName="things", Key=key(9))
    finally:
        host.close()
        folder.close()
