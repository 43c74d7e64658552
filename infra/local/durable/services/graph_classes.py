"""Which of moto's classes each small service keeps, and what of them is left out, and why.

What is left out is either a row of the store (items, objects, events), made by moto itself at every start (AWS's own
policies), or an answer remembered (parsed outputs). Everything else is stored; a class that is not here is an error.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from moto.s3.models import MultipartDict
from moto.s3.utils import _VersionedKeyStore

from infra.local.durable.services.graphs import Codec, Kept
from infra.local.moto_services import BACKENDS  # before anything of moto.cloudformation, which it imports lightly

# In the order in which they are restored: CloudFormation's stacks refer to the resources of all others.
SERVICES = (*sorted(BACKENDS.keys() - {"cloudformation"}), "cloudformation")

# By service: modules, of moto or ours, with the classes in them whose instances are kept.
_CLASSES: Mapping[str, Mapping[str, str]] = {
    "iam": {
        "moto.iam.models": """
            AccessKey AccessKeyLastUsed AWSManagedPolicy Group InlinePolicy InstanceProfile ManagedPolicy PolicyVersion
            Role User
        """,
        "moto.utilities.tagging_service": "TaggingService",
    },
    "sts": {"moto.sts.models": "AssumedRole Token", "moto.iam.models": "AccessKey AccessKeyLastUsed"},
    "kms": {
        "moto.kms.models": "Alias Grant Key",
        "moto.kms.utils": "ECDSAPrivateKey RSAPrivateKey",
        "moto.utilities.tagging_service": "TaggingService",
    },
    "logs": {
        "moto.logs.metric_filters": "MetricFilters",
        "moto.logs.models": "LogGroup LogStream",
        "moto.utilities.tagging_service": "TaggingService",
    },
    "s3": {
        "moto.s3.models": """
            CorsRule FakeAcl FakeBucket FakeBucketInventoryConfiguration FakeGrant FakeGrantee LifecycleAndFilter
            LifecycleFilter LifecycleRule LifecycleTransition LifeCycleNoncurrentVersionTransition Notification
            NotificationConfiguration PublicAccessBlock
        """,
        "moto.utilities.tagging_service": "TaggingService",
    },
    "dynamodb": {
        "moto.dynamodb.models.table": """
            GlobalSecondaryIndex LocalSecondaryIndex ResourcePolicy StreamShard Table
        """,
    },
    "cloudformation": {
        "moto.cloudformation.models": "Change ChangeSet Event Stack",
        "moto.cloudformation.parsing": "Export LazyDict Output OutputMap ResourceMap",
        "infra.local.durable.services.stack_state": "GoneResource",
    },
}

# Attributes that are made anew rather than stored, by class.
_ANEW: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    # Items and objects are rows; nothing reads a table's stream.
    "moto.dynamodb.models.table.Table": {"items": lambda: defaultdict(dict)},
    "moto.dynamodb.models.table.StreamShard": {"items": list},
    "moto.s3.models.FakeBucket": {"keys": _VersionedKeyStore, "multiparts": MultipartDict},
    # Outputs are worked out when they are asked for, and remembered.
    "moto.cloudformation.parsing.OutputMap": {"_parsed_outputs": dict},
}

# Attributes of a backend that are not stored.
LEFT_OUT: Mapping[str, frozenset[str]] = {
    # Made by moto at every start: its own policies, a summary that only counts what is in the backend, a constant.
    "iam": frozenset({"aws_managed_policies", "account_summary", "policy_arn_regex"}),
    # Where a listing goes on: rows do without.
    "s3": frozenset({"_pagination_tokens"}),
}
# What every backend is made with.
OF_EVERY_BACKEND = frozenset({"account_id", "partition", "region_name"})


def codec_of(service: str, left_out: Mapping[type, frozenset[str]]) -> Codec:
    """The codec of a service's state. `left_out` has further attributes that are not stored, by class.

    CloudFormation's stacks hold on to resources that were deleted behind their back: its codec keeps the classes of
    all services.
    """
    services = _CLASSES if service == "cloudformation" else (service,)
    kept: dict[type, Kept] = {}
    for one in services:
        for module_name, names in _CLASSES[one].items():
            for name in names.split():
                kept_type = getattr(import_module(module_name), name)
                anew = _ANEW.get(f"{module_name}.{name}", {})
                kept[kept_type] = Kept(kept_type, left_out.get(kept_type, frozenset()), anew)
    return Codec(kept.values())
