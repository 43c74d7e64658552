"""moto's models do not keep their instances alive."""

import gc
import weakref

from moto.dynamodb.models.dynamo_type import DynamoType, Item

from infra.local.moto_instances import forget_instances


def test_an_item_that_nobody_holds_is_gone() -> None:
    kept = Item(DynamoType({"S": "a"}), None, {"pk": {"S": "a"}})
    forget_instances()
    item = Item(DynamoType({"S": "b"}), None, {"pk": {"S": "b"}})
    references = [weakref.ref(kept), weakref.ref(item)]
    del kept, item
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_the_list_of_instances_stays_empty() -> None:
    forget_instances()
    assert Item.instances_tracked == []  # type: ignore[attr-defined]
    Item(DynamoType({"S": "b"}), None, {"pk": {"S": "b"}})
    assert Item.instances_tracked == []  # type: ignore[attr-defined]
