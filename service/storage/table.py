"""One DynamoDB table, spoken plainly: conditional writes that answer yes or no, and transactions that say what refused.

Every write that depends on what is stored carries its condition with it; there are no locks. A condition that fails
is an answer, not an error: single writes return False, transactions raise `Refused` with the names of the writes
whose conditions failed.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from service.errors import ThrottlingException

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]  # attribute name -> {"S": …}, {"N": …} or {"BOOL": …}, as DynamoDB's API has it
Key = Mapping[str, Any]

ABSENT = "attribute_not_exists(pk)"
PRESENT = "attribute_exists(pk)"
UNCONDITIONAL = ""

TRANSACTION_ATTEMPTS = 8  # two transactions on one item at once: DynamoDB cancels one of them with TransactionConflict
BATCH = 25  # the most requests one BatchWriteItem takes


class Refused(Exception):
    """A transaction changed nothing, because the conditions of the writes in `writes` did not hold."""

    def __init__(self, writes: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(writes)))
        self.writes = writes


@dataclass(frozen=True)
class Update:
    """A change to one item: SET and REMOVE and ADD by attribute name, under the conditions (all must hold).

    Conditions refer to values as `:name` out of `values` and to attributes as `#name`.
    """

    key: Key
    set: Mapping[str, Any]
    conditions: tuple[str, ...]
    remove: tuple[str, ...] = ()
    add: Mapping[str, int] | None = None
    values: Mapping[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of UpdateItem, or of an Update in TransactWriteItems."""
        add = self.add or {}
        clauses = []
        if self.set:
            clauses.append("SET " + ", ".join(f"#{name} = :set_{name}" for name in self.set))
        if self.remove:
            clauses.append("REMOVE " + ", ".join(f"#{name}" for name in self.remove))
        if add:
            clauses.append("ADD " + ", ".join(f"#{name} :add_{name}" for name in add))
        condition = " AND ".join(f"({clause})" for clause in self.conditions)
        values = {f":set_{name}": value for name, value in self.set.items()}
        values |= {f":add_{name}": {"N": str(amount)} for name, amount in add.items()}
        values |= {f":{name}": value for name, value in (self.values or {}).items()}
        arguments: dict[str, Any] = {
            "Key": self.key,
            "UpdateExpression": " ".join(clauses),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": _names_in(" ".join([*clauses, condition])),
        }
        if values:
            arguments["ExpressionAttributeValues"] = values
        return arguments


@dataclass(frozen=True)
class Put:
    """A whole new item under a condition, which may refer to `values` as `:name` and to attributes as `#name`."""

    item: Item
    condition: str = ABSENT
    values: Mapping[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        return {"Item": self.item} | _condition_arguments(self.condition, self.values)


@dataclass(frozen=True)
class Delete:
    """The removal of an item under a condition; unless told otherwise, that it is there."""

    key: Key
    condition: str = PRESENT

    def arguments(self) -> dict[str, Any]:
        return {"Key": self.key} | _condition_arguments(self.condition, None)


@dataclass(frozen=True)
class Check:
    """No change, only a condition on an item that the rest of the transaction depends on."""

    key: Key
    condition: str
    values: Mapping[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        return {"Key": self.key} | _condition_arguments(self.condition, self.values)


Write = Update | Put | Delete | Check
_ACTION = {Update: "Update", Put: "Put", Delete: "Delete", Check: "ConditionCheck"}


class Table:
    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key) -> Item | None:
        """The item as it is now: every read of one item is strongly consistent."""
        return self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True).get("Item")

    def put(self, put: Put) -> bool:
        """False when the condition did not hold."""
        return self._conditional(self._client.put_item, put.arguments())

    def update(self, update: Update) -> bool:
        """False when the conditions did not hold."""
        return self._conditional(self._client.update_item, update.arguments())

    def delete(self, key: Key) -> None:
        """Removes the item, if it is there."""
        self._client.delete_item(TableName=self.name, Key=key)

    def delete_all(self, keys: Sequence[Key]) -> None:
        """Removes the items that are there; in batches, not all at once."""
        for start in range(0, len(keys), BATCH):
            waiting: Any = {self.name: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + BATCH]]}
            while waiting:
                waiting = self._client.batch_write_item(RequestItems=waiting).get("UnprocessedItems")

    def query(self, **arguments: Any) -> Iterator[Item]:
        """All items of a Query, page after page."""
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(TableName=self.name, **arguments, **start)
            yield from page["Items"]
            if not (last := page.get("LastEvaluatedKey")):
                return
            start = {"ExclusiveStartKey": last}

    def transact(self, **writes: Write) -> None:
        """All of the named writes, or none: raises Refused with the names of those whose conditions failed."""
        listed: Any = [
            {_ACTION[type(write)]: {"TableName": self.name} | write.arguments()} for write in writes.values()
        ]
        for attempt in range(TRANSACTION_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=listed)
                return
            except ClientError as error:
                reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in reasons:
                    failed = zip(writes, reasons, strict=True)
                    raise Refused(
                        frozenset(name for name, code in failed if code == "ConditionalCheckFailed")
                    ) from error
                if "TransactionConflict" not in reasons:
                    raise
            time.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise ThrottlingException("Too many changes to the same resource at once. Try again.")

    def _conditional(self, call: Any, arguments: dict[str, Any]) -> bool:
        try:
            call(TableName=self.name, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _condition_arguments(condition: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    if condition == UNCONDITIONAL:
        return {}
    arguments: dict[str, Any] = {"ConditionExpression": condition}
    if names := _names_in(condition):
        arguments["ExpressionAttributeNames"] = names
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return arguments


def _names_in(expression: str) -> dict[str, str]:
    """The ExpressionAttributeNames of an expression in which `#x` always stands for the attribute x."""
    words = expression.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return {word: word[1:] for word in words if word.startswith("#")}
