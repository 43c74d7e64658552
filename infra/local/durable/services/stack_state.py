"""CloudFormation's stacks by moto, with what it gets wrong when a stack is told of rather than carried out.

moto makes a resource whenever it is named and not there. So to describe a deleted stack would make its resources
again, and a resource whose condition is false would be told of without a name.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import yaml
from moto.cloudformation.exceptions import ExportNotFound, ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.parsing import Output
from moto.core.common_models import CloudFormationModel

from infra.local.moto_services import BACKENDS

DELETED_STACKS_KEPT = 50


class StoredStacks:
    """Puts these stacks into the hosted account."""

    def __init__(self, account: str) -> None:
        self._account = account

    def install(self) -> None:
        """From now on; for an account that has no stacks yet."""
        # The loader that moto reads templates with: `Version: 2012-10-17` is text, as on AWS, and no date.
        yaml.Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
        BACKENDS["cloudformation"][self._account].backend = StoredCloudFormation

    def attach(self) -> None:
        """Makes stacks that were restored what they were."""
        for backend in BACKENDS["cloudformation"][self._account].values():
            self.adopt(backend)

    def adopt(self, backend: Any) -> None:
        """The same for one backend, which need not be among the account's."""
        backend.adopt_stacks()


def _text(loader: yaml.Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


class StoredCloudFormation(CloudFormationBackend):
    def create_stack(self, *arguments: Any, **options: Any) -> Stack:
        stack = super().create_stack(*arguments, **options)
        self.adopt_stacks()
        return stack

    def create_change_set(self, *arguments: Any, **options: Any) -> tuple[str, str]:
        identities = super().create_change_set(*arguments, **options)
        self.adopt_stacks()
        return identities

    def delete_stack(self, name_or_stack_id: str) -> None:
        super().delete_stack(name_or_stack_id)
        # moto tells of them for ever, and AWS for ninety days; all of them are written whenever one stack changes.
        for stack_id in list(self.deleted_stacks)[:-DELETED_STACKS_KEPT]:
            del self.deleted_stacks[stack_id]
        for change_set_id, change_set in list(self.change_sets.items()):
            if change_set.stack_id in self.deleted_stacks:
                del self.change_sets[change_set_id]

    def adopt_stacks(self) -> None:
        stacks: tuple[Any, ...] = (*self.stacks.values(), *self.deleted_stacks.values())
        for stack in stacks:
            stack.__class__ = StoredStack


class StoredStack(Stack):
    @property
    def stack_resources(self) -> Iterable[type[CloudFormationModel]]:
        return [resource for resource in super().stack_resources if resource is not None]

    def delete(self) -> None:
        outputs = list(self._outputs_that_can_be_told())
        before = dict(self.resource_map._parsed_resources)
        super().delete()
        left = self.resource_map._parsed_resources
        for name, resource in before.items():
            if name not in left:
                left[name] = GoneResource(resource)
        self.output_map._output_json_map = {
            output.key: {"Value": output.value, "Description": output.description} for output in outputs
        }

    def _outputs_that_can_be_told(self) -> Iterator[Output]:
        for name in self.output_map:
            with suppress(ExportNotFound, ValidationError):
                output = self.output_map[name]
                if output:
                    yield output


class GoneResource:
    """What a deleted stack tells of a resource: no secret of it, and no key."""

    def __init__(self, resource: Any) -> None:
        self.cf_resource_type = resource.cf_resource_type
        self.logical_resource_id = resource.logical_resource_id
        self.physical_resource_id = resource.physical_resource_id


# moto's serializer finds StackStatus as `status` because the class is called Stack.
StoredStack.__name__ = Stack.__name__
