"""Tags as the wire has them, a list of pairs, and as the library has them, a mapping."""

from collections.abc import Mapping, Sequence

from service.api.fields import Tag
from service.errors import FieldError, ValidationException
from service.resources import tag_problems


def tags_from_list(tags: Sequence[Tag]) -> dict[str, str]:
    """Raises ValidationException when a key comes twice, or a tag breaks one of the guide's rules."""
    found: dict[str, str] = {}
    for index, tag in enumerate(tags):
        if tag.key in found:
            raise ValidationException.of(FieldError(f"tags.{index}.key", "is given twice"))
        found[tag.key] = tag.value
    if problems := tag_problems(found):
        raise ValidationException.of(*problems)
    return found


def tags_to_list(tags: Mapping[str, str]) -> list[Tag]:
    return [Tag(key=key, value=value) for key, value in sorted(tags.items())]
