"""DynamoDB's answers out of moto's items: what moto does for whatever an object may be, quicker for what items are.

A third of a GetItem went into it, and nearly all of a Query.
"""

from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict

_KEPT_AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL"})


def answered(value: Any) -> Any:
    """What moto's dynamo_to_dict makes of it: {"S": "text"} of a DynamoType, all the way down."""
    kind = type(value)
    if kind is DynamoType:
        if value.type in _KEPT_AS_THEY_ARE:
            return {value.type: value.value}
        if value.type in ("M", "L"):
            return {value.type: answered(value.value)}
    elif kind is dict or kind is LimitedSizeDict:
        return {name: answered(member) for name, member in value.items()}
    elif kind is list:
        return [answered(element) for element in value]
    elif kind is str or kind is int or value is None:
        return value
    return dynamo_to_dict(value)
