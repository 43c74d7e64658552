"""The seven services of moto that answer behind the gateway, imported without the rest of moto.

moto's CloudFormation imports the models of thirty services, so that templates may create any of them: 0.9 s and
100 MB, most of it EC2's instance types. Behind our gateway only the services below can be reached, so a template may
create only their resources (see cloudformation_templates.py). While moto's CloudFormation is imported, empty modules
stand in for the others; afterwards they are taken away again, and an `import moto.ec2` elsewhere finds the real one.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# Modules that moto.cloudformation imports and we have no use for, with the names it takes from them.
_STAND_INS: dict[str, tuple[str, ...]] = {
    "moto.apigateway": ("models",),
    "moto.autoscaling": ("models",),
    "moto.awslambda": ("models", "utils"),
    "moto.awslambda.utils": ("get_backend",),
    "moto.batch": ("models",),
    "moto.datapipeline": ("models",),
    "moto.ec2": ("models",),
    "moto.ec2.models": ("core",),
    "moto.ec2.models.core": ("TaggedEC2Resource",),
    "moto.ecr": ("models",),
    "moto.ecs": ("models",),
    "moto.efs": ("models",),
    "moto.elb": ("models",),
    "moto.elbv2": ("models",),
    "moto.emr": ("models",),
    "moto.iot": ("models",),
    "moto.kinesis": ("models",),
    "moto.organizations": ("models",),
    "moto.organizations.models": ("OrganizationsBackend", "organizations_backends"),
    "moto.rds": ("models",),
    "moto.redshift": ("models",),
    "moto.route53": ("models",),
    "moto.sagemaker": ("models",),
    "moto.sns": ("models",),
    "moto.sns.models": ("sns_backends",),
    "moto.sqs": ("models",),
    "moto.ssm": ("models", "ssm_backends"),
    "moto.stepfunctions": ("models",),
}


def _stand_in(name: str, members: tuple[str, ...]) -> ModuleType:
    module = ModuleType(name, "An empty stand-in; see infra.local.moto_services.")
    module.__path__ = []  # so that its submodules may be imported from sys.modules
    for member in members:
        # A class suits every use at import time: as a base, in isinstance, as an annotation, as a module alias.
        setattr(module, member, type(member, (), {}))
    return module


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Put the stand-ins where `import` finds them; whatever is really loaded already stays."""
    placed = {name: _stand_in(name, members) for name, members in _STAND_INS.items() if name not in sys.modules}
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name in placed:
            sys.modules.pop(name, None)


with _stand_ins():
    from moto.cloudformation.models import cloudformation_backends
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.dynamodb.models import dynamodb_backends
    from moto.iam.models import iam_backends
    from moto.iam.responses import IamResponse
    from moto.kms.models import kms_backends
    from moto.kms.responses import KmsResponse
    from moto.logs.models import logs_backends
    from moto.logs.responses import LogsResponse
    from moto.s3.models import s3_backends
    from moto.s3.responses import S3Response
    from moto.sts.models import sts_backends
    from moto.sts.responses import TokenResponse

# After moto's CloudFormation, which must not find the real services.
from infra.local.durable.dynamodb.transaction_tokens import OnceOnlyHandler as DynamoHandler  # noqa: E402

BACKENDS: dict[str, Any] = {
    "cloudformation": cloudformation_backends,
    "dynamodb": dynamodb_backends,
    "iam": iam_backends,
    "kms": kms_backends,
    "logs": logs_backends,
    "s3": s3_backends,
    "sts": sts_backends,
}

# S3 is not here: which of its entrances answers depends on the path.
DISPATCHERS = {
    "cloudformation": CloudFormationResponse.dispatch,
    "dynamodb": DynamoHandler.dispatch,
    "iam": IamResponse.dispatch,
    "kms": KmsResponse.dispatch,
    "logs": LogsResponse.dispatch,
    "sts": TokenResponse.dispatch,
}

__all__ = ["BACKENDS", "DISPATCHERS", "DynamoHandler", "S3Response", "forget_account", "iam_backends"]


def forget_account(account: str) -> None:
    """Leave nothing of an account in moto's memory."""
    for backends in BACKENDS.values():
        if account in backends:
            backends[account].reset()  # S3 closes its files, and gives back the names of buckets
            del backends[account]
