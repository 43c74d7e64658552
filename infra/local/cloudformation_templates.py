"""What moto's CloudFormation makes of a template: read safely, and checked for whatever would be lost.

moto applies some properties of some resource types and passes over all others without a word. RESOURCE_TYPES says
which it keeps, and which `Setting`s can be applied afterwards by the service's own API; anything else in a template
is a TemplateError.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml


class TemplateError(Exception):
    """The template cannot be carried out in full. The text is what CloudFormation would tell the caller."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A property that one call of the service's API sets: `operation` of boto3's `service` client.

    `resource` is the parameter that takes the resource's name and `value` the one that takes the property; `renamed`
    lists members that CloudFormation and the API name differently.
    """

    service: Literal["dynamodb", "s3"]
    operation: str
    resource: str
    value: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, physical_id: str, value: Any) -> dict[str, Any]:
        return {self.resource: physical_id, self.value: self._in_the_apis_names(value)}

    def _in_the_apis_names(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.renamed.get(key, key): self._in_the_apis_names(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._in_the_apis_names(element) for element in value]
        return value


@dataclass(frozen=True, slots=True)
class ResourceType:
    """`kept`: the properties that moto applies; `settings`: those that are set afterwards.

    `inert` are those that have nothing to act on here, so that passing over them loses nothing.
    """

    kept: frozenset[str]
    settings: Mapping[str, Setting]
    inert: frozenset[str]


def _of(*kept: str, inert: tuple[str, ...] = (), **settings: Setting) -> ResourceType:
    return ResourceType(frozenset(kept), settings, frozenset(inert))


RESOURCE_TYPES: Mapping[str, ResourceType] = {
    "AWS::DynamoDB::Table": _of(
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "TableName",
        "Tags",
        inert=("SSESpecification",),  # every item is sealed on the disk, whatever a template says
        PointInTimeRecoverySpecification=Setting(
            "dynamodb", "update_continuous_backups", "TableName", "PointInTimeRecoverySpecification"
        ),
        TimeToLiveSpecification=Setting("dynamodb", "update_time_to_live", "TableName", "TimeToLiveSpecification"),
    ),
    "AWS::IAM::AccessKey": _of("Status", "UserName"),
    "AWS::IAM::ManagedPolicy": _of(
        "Description", "Groups", "ManagedPolicyName", "Path", "PolicyDocument", "Roles", "Tags", "Users"
    ),
    "AWS::IAM::Policy": _of("Groups", "PolicyDocument", "PolicyName", "Roles", "Users"),
    "AWS::IAM::Role": _of(
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Policies",
        "RoleName",
        "Tags",
    ),
    "AWS::IAM::User": _of("Path", "UserName"),
    "AWS::KMS::Alias": _of("AliasName", "TargetKeyId"),
    "AWS::KMS::Key": _of("Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "Tags"),
    "AWS::Logs::LogGroup": _of("LogGroupName", "RetentionInDays", "Tags"),
    "AWS::S3::Bucket": _of(
        "BucketEncryption",
        "BucketName",
        "Tags",
        LifecycleConfiguration=Setting(
            "s3", "put_bucket_lifecycle_configuration", "Bucket", "LifecycleConfiguration", {"Id": "ID"}
        ),
        OwnershipControls=Setting("s3", "put_bucket_ownership_controls", "Bucket", "OwnershipControls"),
        PublicAccessBlockConfiguration=Setting(
            "s3", "put_public_access_block", "Bucket", "PublicAccessBlockConfiguration"
        ),
        VersioningConfiguration=Setting("s3", "put_bucket_versioning", "Bucket", "VersioningConfiguration"),
    ),
}


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short intrinsic functions, and with no other tag."""


_SHORT_FUNCTIONS = (
    *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "GetAtt", "If", "ImportValue", "Join"),
    *("Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
)


def _intrinsic(name: str) -> Any:
    def construct(loader: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            return {name: loader.construct_scalar(node)}
        if isinstance(node, yaml.SequenceNode):
            return {name: loader.construct_sequence(node, deep=True)}
        assert isinstance(node, yaml.MappingNode)
        return {name: loader.construct_mapping(node, deep=True)}

    return construct


for _name in _SHORT_FUNCTIONS:
    _TemplateLoader.add_constructor(f"!{_name}", _intrinsic(f"Fn::{_name}"))
for _name in ("Condition", "Ref"):
    _TemplateLoader.add_constructor(f"!{_name}", _intrinsic(_name))


def read_template(text: str) -> dict[str, Any]:
    """The template, written in YAML or JSON. Raises TemplateError when it is neither, or not a template."""
    try:
        template = yaml.load(text, _TemplateLoader)  # a SafeLoader: only the tags above
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "it is nested too deeply"
        raise TemplateError(f"Template format error: {problem}") from error
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict) or not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise TemplateError(f"Template format error: Resource {name} must have a Type.")
        if not isinstance(resource.get("Properties", {}), dict):
            raise TemplateError(f"Template format error: The Properties of {name} must be an object.")
    assert isinstance(template, dict)
    return template


def check_template(template: Mapping[str, Any]) -> None:
    """Raises TemplateError when something in the template would be lost."""
    if "Transform" in template:
        raise TemplateError("Template error: the local AWS has no transforms; deploy AWS SAM templates to AWS.")
    types = {resource["Type"] for resource in template["Resources"].values()}
    if unknown := sorted(types - RESOURCE_TYPES.keys()):
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    for name, resource in template["Resources"].items():
        known = RESOURCE_TYPES[resource["Type"]]
        properties = resource.get("Properties", {})
        if lost := sorted(properties.keys() - known.kept - known.settings.keys() - known.inert):
            raise TemplateError(
                f"Template error: the local AWS does not apply {', '.join(lost)} of {resource['Type']} ({name})."
            )
        for setting in properties.keys() & known.settings.keys():
            if _has_intrinsic(properties[setting]):
                raise TemplateError(f"Template error: in the local AWS {setting} of {name} must be written literally.")


def settings_of(template: Mapping[str, Any]) -> Iterator[tuple[str, Setting, Any]]:
    """Each setting to apply once the stack stands: the resource's logical id, the setting and its value."""
    for name, resource in template["Resources"].items():
        for property_name, setting in RESOURCE_TYPES[resource["Type"]].settings.items():
            if property_name in resource.get("Properties", {}):
                yield name, setting, resource["Properties"][property_name]


def _has_intrinsic(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key == "Ref" or str(key).startswith("Fn::") or _has_intrinsic(value[key]) for key in value)
    return isinstance(value, list) and any(_has_intrinsic(element) for element in value)
