"""The state of one of moto's services as bytes, and back into moto's live backends.

    {"moto": "5.2.5"}
    us-east-1 GRAPH
    eu-west-1 GRAPH

A line for each region whose backend is no longer as moto makes it; the graph is that of the backend's attributes.
Restoring changes the attributes of the backends that are there, so that whoever holds a backend still holds it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from infra.local.durable.services.class_attributes import check_attributes
from infra.local.durable.services.graph_classes import LEFT_OUT, OF_EVERY_BACKEND, codec_of
from infra.local.durable.services.graphs import GraphError
from infra.local.moto_services import BACKENDS

MOTO_VERSION = version("moto")


class ServiceState:
    """The state of one service of the hosted account. `left_out` has attributes that are not stored, by class."""

    def __init__(self, service: str, account: str, left_out: Mapping[type, frozenset[str]]) -> None:
        self._service = service
        self._account = account
        self._codec = codec_of(service, left_out)
        self._left_out = left_out
        self._blank: bytes | None = None

    @property
    def blank(self) -> bytes:
        """The state of a service to which nothing has happened."""
        return json.dumps({"moto": MOTO_VERSION}).encode()

    @property
    def _backends(self) -> Any:
        return BACKENDS[self._service][self._account]

    def capture(self) -> bytes:
        """The state as it is. Raises GraphError when it holds what is not kept."""
        lines = [self.blank]
        blank = self._blank_graph()
        for region, backend in sorted(self._backends.items()):
            graph = self._graph(backend)
            if graph != blank:
                lines.append(region.encode() + b" " + graph)
        return b"\n".join(lines)

    def restore(self, content: bytes, adopt: Callable[[Any], None] = lambda backend: None) -> None:
        """Makes the live backends what they were when `content` was captured, each at once.

        `adopt` is given a copy of each before, to make what is in it fit for requests that read it without a turn.
        Raises StoreError, with the backends as they were, for what another version of moto wrote and this one would
        misunderstand.
        """
        head, *lines = content.split(b"\n")
        graphs = {region.decode(): graph for region, _, graph in (line.partition(b" ") for line in lines)}
        writer = json.loads(head)["moto"]
        blank = self._blank_graph()
        if writer != MOTO_VERSION:
            for graph in graphs.values():
                check_attributes(self._service, json.loads(graph), json.loads(blank), writer, MOTO_VERSION, self._codec)
        regions = sorted({*self._backends.keys(), *graphs})
        states = {region: self._load(graphs.get(region, blank), region) for region in regions}
        for region, state in states.items():
            self._put(self._backends[region], *state, adopt)
        if self._service == "s3":
            self._register_buckets()

    def _graph(self, backend: Any) -> bytes:
        omitted = self._omitted(backend)
        state = {name: value for name, value in vars(backend).items() if name not in omitted}
        if aws := dict(_aws_policies(backend)):
            own = {arn: policy for arn, policy in state["managed_policies"].items() if arn not in aws}
            state["managed_policies"] = own
        return self._codec.dump([state, _attachments(backend)], self._known_by_id(backend))

    def _load(self, graph: bytes, region: str) -> tuple[dict[str, Any], dict[str, int]]:
        return self._codec.load(graph, self._known_by_name(self._backends[region]))

    def _put(
        self, backend: Any, state: dict[str, Any], attachments: Mapping[str, int], adopt: Callable[[Any], None]
    ) -> None:
        if aws := dict(_aws_policies(backend)):
            state["managed_policies"] = aws | state["managed_policies"]
        omitted = self._omitted(backend)
        restored = object.__new__(type(backend))
        vars(restored).update({name: value for name, value in vars(backend).items() if name in omitted} | state)
        adopt(restored)
        backend.__class__ = type(restored)
        vars(backend).update(vars(restored))
        for name in vars(backend).keys() - vars(restored).keys():
            delattr(backend, name)
        for arn, policy in aws.items():
            policy.attachment_count = attachments.get(arn, 0)

    def _omitted(self, backend: Any) -> frozenset[str]:
        given = (self._left_out.get(base, frozenset()) for base in type(backend).__mro__)
        return OF_EVERY_BACKEND.union(LEFT_OUT.get(self._service, frozenset()), *given)

    def _blank_graph(self) -> bytes:
        """The graph of a backend to which nothing has happened."""
        if self._blank is None:
            backends = self._backends
            self._blank = self._graph(backends.backend(backends.regions[0], self._account))
        return self._blank

    def _known_by_id(self, backend: Any) -> dict[int, str]:
        named = _referenced(self._account) if self._service == "cloudformation" else _aws_policies(backend)
        return {id(thing): name for name, thing in named}

    def _known_by_name(self, backend: Any) -> Callable[[str], Any]:
        named = dict(_referenced(self._account) if self._service == "cloudformation" else _aws_policies(backend))

        def known(name: str) -> Any:
            if name not in named:
                raise GraphError(f"the state of {self._service} refers to {name!r}, which is not there")
            return named[name]

        return known

    def _register_buckets(self) -> None:
        """Bucket names are one space for all accounts, with a register of its own."""
        register = BACKENDS["s3"].bucket_accounts
        for name in [name for name, (_, account) in register.items() if account == self._account]:
            del register[name]
        for partition, backend in self._backends.items():
            register.update(dict.fromkeys(backend.buckets, (partition, self._account)))


def _aws_policies(backend: Any) -> Iterator[tuple[str, Any]]:
    """AWS's own policies by their ARNs, which moto makes anew at every start."""
    for policy in getattr(backend, "aws_managed_policies", ()):
        yield policy.arn, policy


def _attachments(backend: Any) -> dict[str, int]:
    """How often each of AWS's own policies is attached: all that can change about them."""
    return {arn: policy.attachment_count for arn, policy in _aws_policies(backend) if policy.attachment_count}


# Where the resources that a stack may own are found in the backends.
_RESOURCES: Mapping[str, Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
    "dynamodb": {"table": lambda backend: backend.tables},
    "iam": {
        "access key": lambda backend: backend.access_keys,
        "group": lambda backend: backend.groups,
        "inline policy": lambda backend: backend.inline_policies,
        "instance profile": lambda backend: backend.instance_profiles,
        "policy": lambda backend: backend.managed_policies,
        "role": lambda backend: backend.roles,
        "user": lambda backend: backend.users,
    },
    "kms": {
        "key": lambda backend: backend.keys,
        "alias": lambda backend: {name: alias for key in backend.keys.values() for name, alias in key.aliases.items()},
    },
    "logs": {"group": lambda backend: backend.groups},
    "s3": {"bucket": lambda backend: backend.buckets},
}


def _referenced(account: str) -> Iterator[tuple[str, Any]]:
    """Every live resource that a stack may own, with a name by which it is found again."""
    for service, kinds in _RESOURCES.items():
        for region, backend in BACKENDS[service][account].items():
            for kind, resources_of in kinds.items():
                for key, resource in resources_of(backend).items():
                    yield f"{service} {region} {kind} {key}", resource
