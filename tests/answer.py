"""An answer of the API as it came over the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str | None:
        return self.headers.get("x-amzn-errortype")

    @property
    def fields(self) -> list[str]:
        """The names of the fields that a ValidationException complains about."""
        return [entry["name"] for entry in self.json["fieldList"]]
