"""Random calls of DynamoDB's operations on items: all types of keys and values, conditions, filters, pages, indexes."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

from botocore.exceptions import ClientError

Value = dict[str, Any]
Attributes = dict[str, Value]

NUMBERS = ["0", "-1", "1", "10", "-10", "1.5", "-1.25", "-1.2", "100", "0.001", "-0.001", "1E+20", "-1E+20", "3", "3.0"]
NUMBERS += ["12345678901234567890123456789012345678", "1E-130", "-12", "-12.001"]
NUMBERS += ["-9.9999999999999999999999999999999999999E+125", "9.9999999999999999999999999999999999999E+125"]
TEXTS = ["a", "A", "ab", "abc", "b", "z", "é", "漢", "漢字", "😀", "a b", "\x00", "\U0010ffff"]
BINARIES = [b"\x00", b"\x00\x00", b"\x01", b"a", b"ab", b"\xff", b"\xff\xff", b"\xff\x00"]

# Tables by name: the types of the hash key pk and the range key sk.
KEYS = {"texts": "SS", "numbers": "SN", "binaries": "NB", "alone": "B"}
# Indexes by table: their hash and range attribute.
INDEXES: dict[str, dict[str, tuple[str, str | None]]] = {
    "texts": {"by-g-gn": ("g", "gn"), "by-g": ("g", None), "by-size": ("pk", "gn")},
    "numbers": {"by-g-gn": ("g", "gn"), "by-gb": ("gb", "g")},
    "binaries": {"by-gn": ("gn", None)},
    "alone": {"by-g": ("g", None), "by-gn-gb": ("gn", "gb")},
}
ATTRIBUTES = {"g": "S", "gn": "N", "gb": "B"}
LOCAL = {"by-size"}
PROJECTIONS = {
    "by-g": {"ProjectionType": "KEYS_ONLY"},
    "by-size": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v", "m"]},
}


class RandomCalls:
    """Calls on one client, chosen by `seed`."""

    def __init__(self, client: Any, seed: int) -> None:
        self._client = client
        self._random = Random(seed)
        kinds = {
            self._put: 24,
            self._delete: 6,
            self._update: 14,
            self._update_as_of_old: 4,
            self._get: 8,
            self._batch_get: 4,
            self._batch_write: 4,
            self._transact: 14,
            self._transact_get: 3,
            self._query: 20,
            self._scan: 8,
            self._describe: 2,
            self._index: 1,
        }
        self._kinds: list[Callable[[], None]] = list(kinds)
        self._weights = list(kinds.values())

    def create_tables(self) -> None:
        for table in KEYS:
            indexes = list(INDEXES[table])
            local = [self._index_definition(table, name) for name in indexes if name in LOCAL]
            distant = [self._index_definition(table, name) for name in indexes if name not in LOCAL]
            self._call(
                "create_table",
                TableName=table,
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))
                ][: len(KEYS[table])],
                AttributeDefinitions=self._definitions(table),
                GlobalSecondaryIndexes=distant,
                **({"LocalSecondaryIndexes": local} if local else {}),
                BillingMode="PAY_PER_REQUEST",
            )

    def make(self, count: int) -> None:
        for kind in self._random.choices(self._kinds, self._weights, k=count):
            kind()

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            return {"Error": error.response["Error"]["Code"]}

    # -- values

    def _table(self) -> str:
        return self._random.choice([*KEYS, "texts", "texts", "numbers"])

    def _value(self, kind: str) -> Value:
        if kind == "S":
            return {"S": self._random.choice(TEXTS)}
        if kind == "N":
            return {"N": self._random.choice(NUMBERS)}
        return {"B": self._random.choice(BINARIES)}

    def _key(self, table: str) -> Attributes:
        few = {"S": ["p", "q", "漢"], "N": ["1", "-2.50", "7"], "B": [b"\x00", b"p", b"\xff"]}
        hash_type, *range_type = KEYS[table]
        chosen = self._random.choice(few[hash_type]) if range_type else self._random.choice(BINARIES)
        key = {"pk": {hash_type: chosen}}
        return key | ({"sk": self._value(range_type[0])} if range_type else {})

    def _item(self, table: str) -> Attributes:
        item = self._key(table)
        for name, kind in ATTRIBUTES.items():
            if self._random.random() < 0.7:
                item[name] = {"S": self._random.choice("xyz")} if kind == "S" else self._value(kind)
        item["v"] = {"N": str(self._random.randint(0, 9))}
        for name in "mlsw":
            if self._random.random() < 0.4:
                item[name] = self._anything()
        return item

    def _anything(self) -> Value:
        return self._random.choice(
            [
                {"M": {"x": {"L": [{"S": "é"}, {"BOOL": True}, {"NULL": True}]}, "y": {"N": "1"}, "B": {"B": b"\x01"}}},
                {"L": [{"N": "1"}, {"M": {}}, {"B": b"\xfe"}]},
                {"SS": ["b", "a", "漢"]},
                {"NS": ["1", "2.5", "-3"]},
                {"BS": [b"\x00", b"\xff"]},
                {"BOOL": False},
                {"NULL": True},
                {"S": ""},
                {"B": b""},
                {"M": {"B": {"S": "a map's B"}, "BS": {"L": []}}},
                {"N": self._random.choice(NUMBERS)},
            ]
        )

    def _condition(self) -> dict[str, Any]:
        """A condition, or a filter, in parts: its text, names and values."""
        text, names, values = self._random.choice(
            [
                ("attribute_not_exists(pk)", [], {}),
                ("attribute_exists(pk)", [], {}),
                ("attribute_exists(m.x)", [], {}),
                ("v > :v", [], {":v": {"N": "4"}}),
                ("v <> :v AND NOT g = :g", [], {":v": {"N": "4"}, ":g": {"S": "x"}}),
                ("v BETWEEN :v AND :w", [], {":v": {"N": "2"}, ":w": {"N": "6"}}),
                ("#g IN (:g, :o)", ["#g"], {":g": {"S": "x"}, ":o": {"S": "z"}}),
                ("begins_with(g, :g) OR v < :v", [], {":g": {"S": "x"}, ":v": {"N": "3"}}),
                ("contains(s, :s)", [], {":s": {"S": "a"}}),
                ("attribute_type(m, :t)", [], {":t": {"S": "M"}}),
                ("size(#g) = :one", ["#g"], {":one": {"N": "1"}}),
                ("m.y = :y OR l[0] = :y", [], {":y": {"N": "1"}}),
                ("gn >= :n", [], {":n": {"N": "1.5"}}),
            ]
        )
        return {"text": text, "names": {name: name[1:] for name in names}, "values": values}

    def _with_condition(self, arguments: dict[str, Any], odds: float, under: str) -> dict[str, Any]:
        """The arguments, sometimes with a condition; names and values of both are put together."""
        if self._random.random() >= odds:
            return arguments
        condition = self._condition()
        names = arguments.get("ExpressionAttributeNames", {}) | condition["names"]
        values = arguments.get("ExpressionAttributeValues", {}) | condition["values"]
        with_it = arguments | {under: condition["text"]}
        with_it |= {"ExpressionAttributeNames": names} if names else {}
        return with_it | ({"ExpressionAttributeValues": values} if values else {})

    # -- writes

    def _put(self) -> None:
        table = self._table()
        arguments: dict[str, Any] = {"TableName": table, "Item": self._item(table)}
        arguments["ReturnValues"] = self._random.choice(["NONE", "ALL_OLD"])
        if self._random.random() < 0.1:
            arguments["Expected"] = {"v": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "5"}]}}
        else:
            arguments = self._with_condition(arguments, 0.3, "ConditionExpression")
            arguments["ReturnValuesOnConditionCheckFailure"] = self._random.choice(["NONE", "ALL_OLD"])
        self._call("put_item", **arguments)

    def _delete(self) -> None:
        table = self._table()
        arguments = {"TableName": table, "Key": self._key(table)}
        arguments["ReturnValues"] = self._random.choice(["NONE", "ALL_OLD"])
        self._call("delete_item", **self._with_condition(arguments, 0.3, "ConditionExpression"))

    def _update(self) -> None:
        table = self._table()
        arguments = {"TableName": table, "Key": self._key(table), **self._update_expression()}
        arguments["ReturnValues"] = self._random.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        self._call("update_item", **self._with_condition(arguments, 0.3, "ConditionExpression"))

    def _update_expression(self) -> dict[str, Any]:
        expression, names, values = self._random.choice(
            [
                ("SET v = v + :i", {}, {":i": {"N": "1"}}),
                ("SET v = if_not_exists(v, :i) - :i, g = :new", {}, {":i": {"N": "1"}, ":new": {"S": "y"}}),
                ("ADD v :i", {}, {":i": {"N": "2"}}),
                ("ADD s :set", {}, {":set": {"SS": ["c", "a"]}}),
                ("DELETE s :set", {}, {":set": {"SS": ["a"]}}),
                ("REMOVE g", {}, {}),
                ("REMOVE gn, m.x[0] SET w = :new", {}, {":new": {"M": {"B": {"B": b"\x02"}}}}),
                ("SET #m.#y = :i", {"#m": "m", "#y": "y"}, {":i": {"N": "1"}}),
                ("SET l = list_append(l, :l)", {}, {":l": {"L": [{"S": "z"}]}}),
                ("SET gn = :n", {}, {":n": self._value("N")}),
                ("SET gb = :b", {}, {":b": self._value("B")}),
                ("SET a.b.c = :i", {}, {":i": {"N": "1"}}),
                ("SET w = :i, v = gone + :i", {}, {":i": {"N": "1"}}),
                ("SET pk = :i", {}, {":i": {"N": "1"}}),
                ("SET broken", {}, {}),
            ]
        )
        found: dict[str, Any] = {"UpdateExpression": expression}
        found |= {"ExpressionAttributeNames": names} if names else {}
        return found | ({"ExpressionAttributeValues": values} if values else {})

    def _update_as_of_old(self) -> None:
        table = self._table()
        updates = self._random.choice(
            [
                {"v": {"Action": "ADD", "Value": {"N": "1"}}},
                {"g": {"Value": {"S": "x"}}, "w": {"Action": "DELETE"}},
                {"t": {"Action": "PUT", "Value": {"SS": ["p", "q"]}}},
                {"t": {"Action": "ADD", "Value": {"SS": ["r", "q"]}}},
                {"t": {"Action": "DELETE", "Value": {"SS": ["p", "a"]}}},
            ]
        )
        self._call("update_item", TableName=table, Key=self._key(table), AttributeUpdates=updates)

    def _batch_write(self) -> None:
        table = self._table()
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": self._item(table)}} for _ in range(3)]
        requests += [{"DeleteRequest": {"Key": self._key(table)}} for _ in range(2)]
        self._call(
            "batch_write_item", RequestItems={table: requests, "alone": [{"PutRequest": {"Item": self._item("alone")}}]}
        )

    def _transact(self) -> None:
        items = []
        for _ in range(self._random.randint(1, 4)):
            table = self._table()
            kind = self._random.choice(["Put", "Update", "Delete", "ConditionCheck"])
            arguments: dict[str, Any] = {"TableName": table}
            arguments |= {"Item": self._item(table)} if kind == "Put" else {"Key": self._key(table)}
            if items and self._random.random() < 0.05:
                arguments, kind = self._same_item(items[0]), "Delete"
            arguments |= self._update_expression() if kind == "Update" else {}
            arguments = self._with_condition(arguments, 1 if kind == "ConditionCheck" else 0.2, "ConditionExpression")
            if "ConditionExpression" in arguments:
                arguments["ReturnValuesOnConditionCheckFailure"] = self._random.choice(["NONE", "ALL_OLD"])
            items.append({kind: arguments})
        self._call("transact_write_items", TransactItems=items)

    @staticmethod
    def _same_item(item: dict[str, Any]) -> dict[str, Any]:
        """That of another operation of the transaction, which is a mistake."""
        (operation,) = item.values()
        attributes = operation.get("Key") or operation["Item"]
        key = {name: value for name, value in attributes.items() if name in ("pk", "sk")}
        return {"TableName": operation["TableName"], "Key": key}

    # -- reads

    def _projection(self) -> dict[str, Any]:
        return self._random.choice(
            [{}, {}, {}, {"ProjectionExpression": "pk, v"}, {"ProjectionExpression": "m.x, l[0], gb"}]
        )

    def _get(self) -> None:
        table = self._table()
        self._call("get_item", TableName=table, Key=self._key(table), **self._projection())

    def _batch_get(self) -> None:
        table = self._table()
        self._call("batch_get_item", RequestItems={table: {"Keys": [self._key(table) for _ in range(4)]}})

    def _transact_get(self) -> None:
        gets = [{"Get": {"TableName": table, "Key": self._key(table)}} for table in (self._table(), self._table())]
        self._call("transact_get_items", TransactItems=gets)

    def _describe(self) -> None:
        self._call("describe_table", TableName=self._table())

    def _query(self) -> None:
        table = self._table()
        index = self._random.choice([None, *INDEXES[table]])
        hash_name, range_name = INDEXES[table][index] if index else ("pk", "sk" if len(KEYS[table]) > 1 else None)
        hash_value = self._key(table)["pk"] if hash_name == "pk" else self._item_value(hash_name)
        range_type = (KEYS[table][1] if range_name == "sk" else ATTRIBUTES[range_name]) if range_name else ""
        condition, values = "#h = :h", {":h": hash_value}
        names = {"#h": hash_name}
        if range_name and self._random.random() < 0.6:
            text, given = self._range_condition(range_type)
            condition, values, names = f"#h = :h AND {text}", values | given, names | {"#r": range_name}
        arguments: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": self._random.random() < 0.5,
            **({"IndexName": index} if index else {}),
            **self._limit(),
            **self._projection(),
        }
        self._pages("query", self._with_condition(arguments, 0.3, "FilterExpression"))

    def _item_value(self, name: str) -> Value:
        return {"S": self._random.choice("xyz")} if name == "g" else self._value(ATTRIBUTES[name])

    def _range_condition(self, kind: str) -> tuple[str, Attributes]:
        operator = self._random.choice(
            ["=", "<", "<=", ">", ">=", "BETWEEN", *([] if kind == "N" else ["begins_with"])]
        )
        value = self._value(kind)
        if operator == "begins_with":
            return "begins_with(#r, :a)", {":a": value}
        if operator == "BETWEEN":
            order: Any = Decimal if kind == "N" else lambda key: key
            low, high = sorted((value, self._value(kind)), key=lambda each: order(each[kind]))
            return "#r BETWEEN :a AND :b", {":a": low, ":b": high}
        return f"#r {operator} :a", {":a": value}

    def _limit(self) -> dict[str, Any]:
        return self._random.choice([{}, *({"Limit": limit} for limit in (1, 2, 3, 5, 8, 13))])

    def _scan(self) -> None:
        table = self._table()
        # moto orders an index without range key in one way when it is queried, and in another when it is scanned.
        ordered = [name for name, (_, range_name) in INDEXES[table].items() if range_name or len(KEYS[table]) == 1]
        index = self._random.choice([None, *ordered])
        arguments = {"TableName": table, **self._limit(), **self._projection()}
        arguments |= {"IndexName": index} if index else {}
        if KEYS[table][0] == "S" and self._random.random() < 0.2:
            arguments |= {"TotalSegments": 3, "Segment": self._random.randrange(3)}
        self._pages("scan", self._with_condition(arguments, 0.3, "FilterExpression"))

    def _pages(self, operation: str, arguments: dict[str, Any]) -> None:
        for page in self._page(operation, arguments):
            if "LastEvaluatedKey" not in page:
                break

    def _page(self, operation: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            page = self._call(operation, **arguments)
            yield page
            arguments = arguments | {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # -- definitions

    def _definitions(self, table: str) -> list[dict[str, str]]:
        types = dict(zip(("pk", "sk"), KEYS[table], strict=False))
        used = {name for keys in INDEXES[table].values() for name in keys if name}
        types |= {name: kind for name, kind in ATTRIBUTES.items() if name in used}
        return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]

    def _index_definition(self, table: str, name: str) -> dict[str, Any]:
        keys = zip(INDEXES[table][name], ("HASH", "RANGE"), strict=True)
        return {
            "IndexName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys if key],
            "Projection": PROJECTIONS.get(name, {"ProjectionType": "ALL"}),
        }

    def _index(self) -> None:
        """Takes an index away and makes it again, over the items that are there."""
        table = self._table()
        name = next(name for name in INDEXES[table] if name not in LOCAL)
        for change in ({"Delete": {"IndexName": name}}, {"Create": self._index_definition(table, name)}):
            self._call(
                "update_table",
                TableName=table,
                AttributeDefinitions=self._definitions(table),
                GlobalSecondaryIndexUpdates=[change],
            )
