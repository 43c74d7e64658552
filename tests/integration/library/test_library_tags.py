from concurrent.futures import ThreadPoolExecutor

import pytest
from library_world import ACCOUNT, CALLER, REGION, World, new_composition

from service.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from service.resources import Arn, new_id


@pytest.fixture
def arn(world: World) -> Arn:
    created = world.library.create_composition(CALLER, new_composition(tags={"Team": "A"}))
    return Arn.parse(created.composition.arn)


def test_tags_are_added_and_replaced_by_key_and_keys_are_case_sensitive(world: World, arn: Arn) -> None:
    world.library.tag_resource(CALLER, arn, {"team": "B", "Team": "C", "größe 1": "ein_Wert . : / = + -"})
    assert world.library.list_tags(CALLER, arn) == {"Team": "C", "team": "B", "größe 1": "ein_Wert . : / = + -"}


def test_untagging_removes_keys_and_minds_no_unknown_ones(world: World, arn: Arn) -> None:
    world.library.untag_resource(CALLER, arn, ("Team", "unknown"))
    assert world.library.list_tags(CALLER, arn) == {}


def test_fifty_tags_are_the_most_in_all(world: World, arn: Arn) -> None:
    world.library.tag_resource(CALLER, arn, {f"key-{number}": "" for number in range(49)})
    with pytest.raises(ValidationException):
        world.library.tag_resource(CALLER, arn, {"one more": ""})
    world.library.tag_resource(CALLER, arn, {"key-0": "changed"})
    assert len(world.library.list_tags(CALLER, arn)) == 50


@pytest.mark.parametrize(
    "tags", [{"AWS:x": ""}, {"": ""}, {"k" * 129: ""}, {"key": "v" * 257}, {"key!": ""}, {"key": "a*b"}]
)
def test_forbidden_tags_are_refused(world: World, arn: Arn, tags: dict[str, str]) -> None:
    with pytest.raises(ValidationException):
        world.library.tag_resource(CALLER, arn, tags)
    assert world.library.list_tags(CALLER, arn) == {"Team": "A"}


def test_a_reserved_key_cannot_be_removed(world: World, arn: Arn) -> None:
    with pytest.raises(ValidationException) as error:
        world.library.untag_resource(CALLER, arn, ("Team", "aws:owner"))
    assert [field.name for field in error.value.fields] == ["tagKeys.1"]


def test_arns_of_others_and_of_nothing_are_refused(world: World, arn: Arn) -> None:
    with pytest.raises(ResourceNotFoundException):
        world.library.list_tags(CALLER, Arn(REGION, ACCOUNT, "composition", new_id()))
    with pytest.raises(ResourceNotFoundException):
        world.library.list_tags(CALLER, Arn("eu-west-1", ACCOUNT, "composition", arn.id))
    with pytest.raises(ResourceNotFoundException):
        world.library.list_tags(CALLER, Arn(REGION, ACCOUNT, "model", "m"))
    with pytest.raises(AccessDeniedException):
        world.library.list_tags(CALLER, Arn(REGION, "999999999999", "composition", arn.id))
    with pytest.raises(ValidationException):
        world.library.tag_resource(CALLER, Arn(REGION, ACCOUNT, "audio", new_id()), {"a": "b"})


def test_tags_added_at_once_are_all_kept(world: World, arn: Arn) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: world.library.tag_resource(CALLER, arn, {f"key-{n}": str(n)}), range(6)))
    assert len(world.library.list_tags(CALLER, arn)) == 7


def test_authorization_sees_the_tags_of_what_exists(world: World, arn: Arn) -> None:
    assert world.library.resource_tags(ACCOUNT, arn) == {"Team": "A"}
    world.library.delete_composition(CALLER, arn.id)
    assert world.library.resource_tags(ACCOUNT, arn) is None
    assert world.library.resource_tags(ACCOUNT, Arn(REGION, ACCOUNT, "model", "m")) is None
