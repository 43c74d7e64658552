"""moto remembers every instance of its models, for a dashboard that we do not have: a leak of every item ever read.

Each model class has a list that each of its new instances is appended to. Here the lists are ones that forget.
"""

from typing import Any

from moto.core.common_models import BaseModel


class _Forgetful(list[Any]):
    def append(self, instance: Any) -> None:
        pass


def forget_instances() -> None:
    """For every model class that is imported by now: nothing is remembered any more, and what was is forgotten."""
    classes = [BaseModel]
    while classes:
        for model in classes.pop().__subclasses__():
            model.instances_tracked = _Forgetful()  # type: ignore[attr-defined]
            classes.append(model)
