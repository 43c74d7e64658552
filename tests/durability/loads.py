"""The clients of the services: each writes what the service is there for, at random."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

from botocore.exceptions import ClientError
from cloud_servers import ServedCloud
from load import Load
from object_loads import KIB, Objects, Versions

KEYS = 40  # of each load; few, so that the same ones are written again and again


class Items(Load):
    """DynamoDB: puts, counting updates and deletes, and an index that must tell the same as the table."""

    def prepare(self, cloud: ServedCloud) -> None:
        cloud.client("dynamodb").create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "letter")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-letter",
                    "KeySchema": [
                        {"AttributeName": "letter", "KeyType": "HASH"},
                        {"AttributeName": "pk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("dynamodb")

    def step(self) -> None:
        key = self._key()
        self.random.choice([self._put, self._put, self._update, self._delete])(key)

    def found(self) -> dict[str, tuple[str, int]]:
        table = self._scan()
        index = self._scan(IndexName="by-letter")
        assert index == table, f"{self.name}: the index differs in {sorted(set(index.items()) ^ set(table.items()))}"
        return table

    def clear(self) -> None:
        for key in list(self.ledger.settled):
            self._delete(key)

    def _put(self, key: str) -> None:
        item, value = self._new_item(key)
        self.write({key: value}, self.client.put_item, TableName=self.name, Item=item)

    def _update(self, key: str) -> None:
        _, count = self.ledger.settled.get(key, ("", 0))
        text = self._text()
        self.write(
            {key: (text, count + 1)},
            self.client.update_item,
            TableName=self.name,
            Key={"pk": {"S": key}},
            UpdateExpression="SET #text = :text, letter = :letter ADD #count :one",
            ExpressionAttributeNames={"#text": "text", "#count": "count"},
            ExpressionAttributeValues={":text": {"S": text}, ":letter": {"S": text[0]}, ":one": {"N": "1"}},
        )

    def _delete(self, key: str) -> None:
        self.write({key: None}, self.client.delete_item, TableName=self.name, Key={"pk": {"S": key}})

    def _new_item(self, key: str) -> tuple[dict[str, Any], tuple[str, int]]:
        text = self._text()
        return {"pk": {"S": key}, "text": {"S": text}, "letter": {"S": text[0]}, "count": {"N": "0"}}, (text, 0)

    def _key(self) -> str:
        return f"item-{self.random.randrange(KEYS)}"

    def _text(self) -> str:
        return self.random.choice("abc") + self.random.randbytes(self.random.choice([10, 100, 10 * KIB])).hex()

    def _scan(self, **of: str) -> dict[str, tuple[str, int]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.name, **of)
        items = [item for page in pages for item in page["Items"]]
        return {item["pk"]["S"]: (item["text"]["S"], int(item["count"]["N"])) for item in items}


class Pairs(Items):
    """DynamoDB: transactions of two items, which land together or not at all."""

    def step(self) -> None:
        first, second = self.random.sample(range(KEYS), 2)
        changes: dict[str, tuple[str, int] | None] = {}
        writes = []
        for key in (f"item-{first}", f"item-{second}"):
            if key in self.ledger.settled and self.random.random() < 0.4:
                changes[key] = None
                writes.append({"Delete": {"TableName": self.name, "Key": {"pk": {"S": key}}}})
            else:
                item, changes[key] = self._new_item(key)
                writes.append({"Put": {"TableName": self.name, "Item": item}})
        self.write(changes, self.client.transact_write_items, TransactItems=writes)


class Users(Load):
    """IAM: users come and go, with tags, an inline policy and access keys."""

    def prepare(self, cloud: ServedCloud) -> None:
        cloud.client("iam").create_group(GroupName=self.name)

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("iam")

    def step(self) -> None:
        name = f"{self.name}-{self.random.randrange(KEYS)}"
        if name not in self.ledger.settled:
            tags = {"tag": self.random.randbytes(4).hex()}
            create = {"UserName": name, "Path": f"/{self.name}/", "Tags": _pairs(tags)}
            self.write({name: tags}, self.client.create_user, **create)
        elif self.random.random() < 0.3:
            self.write({name: None}, self.client.delete_user, UserName=name)
        else:
            tags = {f"tag-{self.random.randrange(4)}": self.random.randbytes(4).hex()}
            changed = self.ledger.settled[name] | tags
            self.write({name: changed}, self.client.tag_user, UserName=name, Tags=_pairs(tags))

    def found(self) -> dict[str, dict[str, str]]:
        assert self.client.get_group(GroupName=self.name)["Group"]["GroupName"] == self.name
        pages = self.client.get_paginator("list_users").paginate(PathPrefix=f"/{self.name}/")
        names = [user["UserName"] for page in pages for user in page["Users"]]
        return {name: _from_pairs(self.client.list_user_tags(UserName=name)["Tags"]) for name in names}

    def clear(self) -> None:
        for name in list(self.ledger.settled):
            self.write({name: None}, self.client.delete_user, UserName=name)


class Keys(Load):
    """KMS: keys under aliases that are moved, and ciphertexts that must open for ever."""

    MOST = 8

    def __init__(self, name: str, random: Random) -> None:
        super().__init__(name, random)
        self._keys: list[str] = []
        self._ciphertexts: list[tuple[bytes, bytes]] = []

    def prepare(self, cloud: ServedCloud) -> None:
        self.connect(cloud)
        self._create_key()

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("kms")

    def step(self) -> None:
        if len(self._keys) < self.MOST and self.random.random() < 0.1:
            self._create_key()
            return
        alias = f"alias/{self.name}-{self.random.randrange(KEYS)}"
        key = self.random.choice(self._keys)
        if alias not in self.ledger.settled:
            self.write({alias: key}, self.client.create_alias, AliasName=alias, TargetKeyId=key)
            return
        plaintext = self.random.randbytes(20)
        answer = self.send(self.client.encrypt, KeyId=alias, Plaintext=plaintext)
        if answer is not None:
            self._ciphertexts = [*self._ciphertexts[-100:], (plaintext, answer["CiphertextBlob"])]
        if self.random.random() < 0.5:
            self.write({alias: key}, self.client.update_alias, AliasName=alias, TargetKeyId=key)
        else:
            self.write({alias: None}, self.client.delete_alias, AliasName=alias)

    def found(self) -> dict[str, str]:
        for key in self._keys:
            assert self.client.describe_key(KeyId=key)["KeyMetadata"]["Description"] == self.name
        for plaintext, ciphertext in self._ciphertexts:
            assert self.client.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == plaintext
        pages = self.client.get_paginator("list_aliases").paginate()
        aliases = [alias for page in pages for alias in page["Aliases"]]
        mine = f"alias/{self.name}-"
        return {alias["AliasName"]: alias["TargetKeyId"] for alias in aliases if alias["AliasName"].startswith(mine)}

    def clear(self) -> None:
        for alias in list(self.ledger.settled):
            self.write({alias: None}, self.client.delete_alias, AliasName=alias)

    def _create_key(self) -> None:
        answer = self.send(self.client.create_key, Description=self.name)
        if answer is not None:
            self._keys.append(answer["KeyMetadata"]["KeyId"])


class Events(Load):
    """CloudWatch Logs: streams that grow and are deleted; the value of a stream is its messages in order."""

    LONGEST = 40

    def __init__(self, name: str, random: Random) -> None:
        super().__init__(name, random)
        self._last = 0

    def prepare(self, cloud: ServedCloud) -> None:
        cloud.client("logs").create_log_group(logGroupName=self.name)

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("logs")

    def step(self) -> None:
        stream = f"stream-{self.random.randrange(4)}"
        where = {"logGroupName": self.name, "logStreamName": stream}
        before = self.ledger.settled.get(stream)
        if before is None:
            self.write({stream: ()}, self.client.create_log_stream, **where)
        elif len(before) >= self.LONGEST:
            self.write({stream: None}, self.client.delete_log_stream, **where)
        else:
            messages = tuple(self.random.randbytes(20).hex() for _ in range(self.random.randint(1, 5)))
            events = [{"timestamp": self._next_moment(), "message": message} for message in messages]
            self.write({stream: before + messages}, self.client.put_log_events, **where, logEvents=events)

    def found(self) -> dict[str, tuple[str, ...]]:
        streams = self.client.describe_log_streams(logGroupName=self.name)["logStreams"]
        return {stream["logStreamName"]: self._messages(stream["logStreamName"]) for stream in streams}

    def clear(self) -> None:
        for stream in list(self.ledger.settled):
            where = {"logGroupName": self.name, "logStreamName": stream}
            self.write({stream: None}, self.client.delete_log_stream, **where)

    def _messages(self, stream: str) -> tuple[str, ...]:
        answer = self.client.get_log_events(logGroupName=self.name, logStreamName=stream, startFromHead=True)
        return tuple(event["message"] for event in answer["events"])

    def _next_moment(self) -> int:
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        return self._last


class Tags(Load):
    """DeepComposer: the tags of one composition."""

    def prepare(self, cloud: ServedCloud) -> None:
        client = cloud.client("deepcomposer")
        created = client.create_composition(
            name=self.name,
            modelId="ar-cnn-bach",
            modelType="SAMPLE",
            sampleMelodyId="ode-to-joy",
            inferenceHyperParameters={"samplingIterations": 1},
        )["composition"]
        client.get_waiter("composition_completed").wait(compositionId=created["compositionId"])
        self._arn = created["compositionArn"]

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("deepcomposer")

    def step(self) -> None:
        key = f"key-{self.random.randrange(KEYS)}"
        if key in self.ledger.settled and self.random.random() < 0.4:
            self.write({key: None}, self.client.untag_resource, resourceArn=self._arn, tagKeys=[key])
        else:
            value = self.random.randbytes(4).hex()
            tags = [{"key": key, "value": value}]
            self.write({key: value}, self.client.tag_resource, resourceArn=self._arn, tags=tags)

    def found(self) -> dict[str, str]:
        tags = self.client.list_tags_for_resource(resourceArn=self._arn)["tags"]
        return {tag["key"]: tag["value"] for tag in tags}

    def clear(self) -> None:
        for key in list(self.ledger.settled):
            self.write({key: None}, self.client.untag_resource, resourceArn=self._arn, tagKeys=[key])


class Stacks(Load):
    """CloudFormation: stacks of a user and a log group, whole or not there."""

    rest = 0.3

    def prepare(self, cloud: ServedCloud) -> None:
        """Nothing is needed."""

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("cloudformation")
        self._iam = cloud.client("iam")
        self._logs = cloud.client("logs")

    def step(self) -> None:
        name = f"{self.name}-{self.random.randrange(4)}"
        if name in self.ledger.settled:
            self.write({name: None}, self.client.delete_stack, StackName=name)
            return
        template = _STACK.replace("NAME", name)
        self.write(
            {name: ("CREATE_COMPLETE", True, True)}, self.client.create_stack, StackName=name, TemplateBody=template
        )

    def found(self) -> dict[str, tuple[str, bool, bool]]:
        states = {}
        for number in range(4):
            name = f"{self.name}-{number}"
            parts = (self._stack_status(name), self._has_user(name), self._has_group(name))
            if any(parts):
                states[name] = parts
        return states

    def clear(self) -> None:
        for name in list(self.ledger.settled):
            self.write({name: None}, self.client.delete_stack, StackName=name)

    def _stack_status(self, name: str) -> str:
        return _or_none(lambda: self.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) or ""

    def _has_user(self, name: str) -> bool:
        return _or_none(lambda: self._iam.get_user(UserName=name)) is not None

    def _has_group(self, name: str) -> bool:
        return bool(self._logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"])


_STACK = """
Resources:
  User:
    Type: AWS::IAM::User
    Properties: {UserName: NAME}
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: NAME}
"""


def all_loads(random: Random) -> list[Load]:
    """One of each, with seeds of their own."""

    def seeded() -> Random:
        return Random(random.random())

    return [
        Items("load-items", seeded()),
        Pairs("load-pairs", seeded()),
        Objects("load-small", seeded(), (0, 100, 10 * KIB)),
        Objects("load-large", seeded(), (60 * KIB, 70 * KIB, 200 * KIB), parts=0.1),
        Versions("load-versions", seeded()),
        Users("load-users", seeded()),
        Keys("load-keys", seeded()),
        Events("load-events", seeded()),
        Tags("load-tags", seeded()),
        Stacks("load-stacks", seeded()),
    ]


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _from_pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _or_none(call: Callable[[], Any]) -> Any:
    """What the call answers, or None for what does not exist."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchEntity", "ValidationError"):
            return None
        raise
