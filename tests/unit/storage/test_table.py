from typing import Any

import pytest
from botocore.exceptions import ClientError

from service.errors import ThrottlingException
from service.storage.table import ABSENT, PRESENT, Check, Delete, Put, Refused, Table, Update

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


class Client:
    """Answers each call with the next of the prepared outcomes, and remembers what it was asked."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            outcome = self.outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return call


def canceled(*codes: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "UpdateItem")


def table(*outcomes: Any) -> tuple[Table, Client]:
    client = Client(*outcomes)
    return Table(client, "T"), client  # type: ignore[arg-type]


def test_an_update_names_every_attribute_and_joins_its_conditions() -> None:
    update = Update(
        KEY,
        set={"name": {"S": "new"}},
        remove=("since",),
        add={"version": 1},
        conditions=(PRESENT, "#status = :status"),
        values={"status": {"S": "COMPLETED"}},
    )
    assert update.arguments() == {
        "Key": KEY,
        "UpdateExpression": "SET #name = :set_name REMOVE #since ADD #version :add_version",
        "ConditionExpression": "(attribute_exists(pk)) AND (#status = :status)",
        "ExpressionAttributeNames": {
            "#name": "name",
            "#since": "since",
            "#version": "version",
            "#status": "status",
        },
        "ExpressionAttributeValues": {
            ":set_name": {"S": "new"},
            ":add_version": {"N": "1"},
            ":status": {"S": "COMPLETED"},
        },
    }


def test_a_put_without_values_sends_none() -> None:
    assert Put(KEY).arguments() == {"Item": KEY, "ConditionExpression": ABSENT}


def test_a_delete_may_be_unconditional() -> None:
    assert Delete(KEY, "").arguments() == {"Key": KEY}


def test_a_failed_condition_is_an_answer_and_any_other_error_is_raised() -> None:
    writes, _ = table({}, failed("ConditionalCheckFailedException"), failed("InternalServerError"))
    update = Update(KEY, set={"a": {"S": "b"}}, conditions=(PRESENT,))
    assert writes.update(update) is True
    assert writes.update(update) is False
    with pytest.raises(ClientError):
        writes.update(update)


def test_a_refused_transaction_says_which_writes_refused() -> None:
    writes, client = table(canceled("None", "ConditionalCheckFailed"))
    with pytest.raises(Refused) as refused:
        writes.transact(first=Put(KEY), second=Check(KEY, PRESENT))
    assert refused.value.writes == {"second"}
    ((_, arguments),) = client.calls
    assert [list(item) for item in arguments["TransactItems"]] == [["Put"], ["ConditionCheck"]]


def test_a_transaction_that_meets_another_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    writes, client = table(canceled("TransactionConflict"), canceled("TransactionConflict"), {})
    writes.transact(only=Put(KEY))
    assert len(client.calls) == 3


def test_a_transaction_that_meets_others_for_ever_is_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    writes, _ = table(*[canceled("TransactionConflict")] * 20)
    with pytest.raises(ThrottlingException):
        writes.transact(only=Put(KEY))


def test_a_transaction_canceled_for_any_other_reason_is_raised() -> None:
    writes, _ = table(canceled("ValidationError"))
    with pytest.raises(ClientError):
        writes.transact(only=Put(KEY))


def test_a_query_goes_on_to_its_last_page() -> None:
    pages = [{"Items": [{"n": {"N": "1"}}], "LastEvaluatedKey": KEY}, {"Items": [{"n": {"N": "2"}}]}]
    reads, client = table(*pages)
    assert [item["n"]["N"] for item in reads.query(Limit=1)] == ["1", "2"]
    assert client.calls[1][1]["ExclusiveStartKey"] == KEY


def test_a_batch_sends_again_what_was_not_processed() -> None:
    left = {"T": [{"DeleteRequest": {"Key": KEY}}]}
    writes, client = table({"UnprocessedItems": left}, {}, {})
    writes.delete_all([KEY] * 26)
    sizes = [len(arguments["RequestItems"]["T"]) for _, arguments in client.calls]
    assert sizes == [25, 1, 1]
