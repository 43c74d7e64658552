"""CloudFormation's stacks by moto, with what it gets wrong when a stack is told of rather than carried out.

moto makes a resource whenever it is named and not there. So to describe a deleted stack would make its resources
again, and a resource whose condition is false would be told of without a name.
"""

from collections.abc import Iterable
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.core.common_models import CloudFormationModel

from infra.local.moto_services import BACKENDS


class StoredStacks:
    """Puts these stacks into the hosted account."""

    def __init__(self, account: str) -> None:
        self._account = account

    def install(self) -> None:
        """From now on; for an account that has no stacks yet."""
        BACKENDS["cloudformation"][self._account].backend = StoredCloudFormation

    def attach(self) -> None:
        """Makes stacks that were restored what they were."""
        for backend in BACKENDS["cloudformation"][self._account].values():
            self.adopt(backend)

    def adopt(self, backend: Any) -> None:
        """The same for one backend, which need not be among the account's."""
        backend.adopt_stacks()


class StoredCloudFormation(CloudFormationBackend):
    def create_stack(self, *arguments: Any, **options: Any) -> Stack:
        stack = super().create_stack(*arguments, **options)
        self.adopt_stacks()
        return stack

    def create_change_set(self, *arguments: Any, **options: Any) -> tuple[str, str]:
        identities = super().create_change_set(*arguments, **options)
        self.adopt_stacks()
        return identities

    def adopt_stacks(self) -> None:
        stacks: tuple[Any, ...] = (*self.stacks.values(), *self.deleted_stacks.values())
        for stack in stacks:
            stack.__class__ = StoredStack


class StoredStack(Stack):
    @property
    def stack_resources(self) -> Iterable[type[CloudFormationModel]]:
        return [resource for resource in super().stack_resources if resource is not None]

    def delete(self) -> None:
        resources = dict(self.resource_map._parsed_resources)
        super().delete()
        # They are told of as long as the deleted stack is.
        self.resource_map._parsed_resources.update(resources)


# moto's serializer finds StackStatus as `status` because the class is called Stack.
StoredStack.__name__ = Stack.__name__
