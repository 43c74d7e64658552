"""TagResource, UntagResource, ListTagsForResource, by the guide's rules."""

from collections.abc import Callable, Mapping

from service.caller import Caller
from service.errors import (
    AccessDeniedException,
    ConflictException,
    FieldError,
    ResourceNotFoundException,
    ValidationException,
)
from service.library.backend import Backend
from service.resources import MAX_TAGS, Arn, tag_key_problem, tag_problems
from service.storage.items import StoredComposition

ATTEMPTS = 10  # a change of tags is read, changed and written back; another writer may come between


def tag(backend: Backend, caller: Caller, arn: Arn, tags: Mapping[str, str]) -> None:
    """Adds tags; a key that the resource has already gets the new value."""
    check_tags(tags)
    _change(backend, caller, arn, lambda current: {**current, **tags})


def untag(backend: Backend, caller: Caller, arn: Arn, keys: tuple[str, ...]) -> None:
    """Removes tags; a key that the resource does not have is no error."""
    problems = [
        FieldError(f"tagKeys.{index}", problem) for index, key in enumerate(keys) if (problem := tag_key_problem(key))
    ]
    if problems:
        raise ValidationException.of(*problems)
    _change(backend, caller, arn, lambda current: {k: v for k, v in current.items() if k not in keys})


def list_tags(backend: Backend, caller: Caller, arn: Arn) -> dict[str, str]:
    return dict(_tagged(backend, caller, arn).composition.tags)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises ValidationException for tags that the guide's rules forbid."""
    problems = tag_problems(tags)
    if len(tags) > MAX_TAGS:
        problems.append(_too_many())
    if problems:
        raise ValidationException.of(*problems)


def _change(backend: Backend, caller: Caller, arn: Arn, change: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
    for _ in range(ATTEMPTS):
        composition = _tagged(backend, caller, arn).composition
        changed = change(composition.tags)
        if len(changed) > MAX_TAGS:
            raise ValidationException.of(_too_many())
        if changed == composition.tags or backend.metadata.replace_tags(
            arn.account, arn.id, changed, composition.version
        ):
            return
    raise ConflictException(
        "Others are changing this resource at the same time. Try again.", resource_id=str(arn), resource_type=arn.type
    )


def _tagged(backend: Backend, caller: Caller, arn: Arn) -> StoredComposition:
    """The resource that the ARN names.

    As in AWS, an ARN of another account is refused before anything is looked up, and a region knows only its own.
    """
    if arn.type == "audio":
        raise ValidationException.of(FieldError("resourceArn", "audio cannot be tagged; tag its composition"))
    if arn.account != caller.account:
        raise AccessDeniedException(
            f"User: {caller.arn} is not authorized to access the resource {arn} of another account"
        )
    if arn.type != "composition" or arn.region != backend.region:
        raise ResourceNotFoundException(f"No resource {arn}.", resource_id=arn.id, resource_type=arn.type)
    return backend.find(arn.account, arn.id)


def _too_many() -> FieldError:
    return FieldError("tags", f"a resource may have at most {MAX_TAGS} tags")
