"""What is known of a request beside its action and resource: condition keys and their values."""

from collections.abc import Mapping, Sequence

Values = tuple[str, ...]


class Context:
    """Condition keys with their values; the case of a key's name does not matter.

    Two keys that differ in case alone (two tags `Team` and `team` on one request) are both kept. A policy that spells
    one of them exactly means that one. A policy that spells neither means both: the key then has all their values.
    """

    __slots__ = ("_exact", "_values")

    def __init__(self, keys: Mapping[str, str | Sequence[str]] | None = None):
        self._values: dict[str, Values] = {}
        self._exact: dict[str, Values] = {}  # only keys that differ from another one in case alone
        spelled: dict[str, str] = {}
        for key, given in (keys or {}).items():
            values = (given,) if isinstance(given, str) else tuple(given)
            name = key.lower()
            if name in self._values:
                self._exact.setdefault(_tag_as_spelled(spelled[name]), self._values[name])
                exact = _tag_as_spelled(key)
                self._exact[exact] = (*self._exact.get(exact, ()), *values)
                values = (*self._values[name], *values)
            self._values[name] = values
            spelled[name] = key

    def get(self, key: str) -> Values | None:
        """The values of `key`: None where the request has no such key, () where it has it without a value."""
        return self.find(key.lower(), key)

    def find(self, name: str, key: str) -> Values | None:
        """`get` for those who have the key in lower case already: `name`."""
        if self._exact and (exact := self._exact.get(_tag_as_spelled(key))) is not None:
            return exact
        return self._values.get(name)

    def keys(self) -> frozenset[str]:
        """The names of all keys, in lower case."""
        return frozenset(self._values)


def _tag_as_spelled(key: str) -> str:
    """`key` in lower case but for the tag's key behind its first slash."""
    name, slash, tag = key.partition("/")
    return name.lower() + slash + tag
