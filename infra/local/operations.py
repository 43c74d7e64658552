"""Which operation of which service is a request? Decided once, before anyone is allowed anything.

- AWS JSON (DynamoDB, KMS, CloudWatch Logs): the X-Amz-Target header, with the service's own prefix.
- Query (IAM, STS, CloudFormation): the Action parameter, in the form body or in the query, once.
- S3: method, path and query, held against the shapes of botocore's own model, the most specific first.

A request that could be read as two operations is none: what was authorized must be what is carried out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from botocore.loaders import create_loader

from infra.local.http import LocalRequest

TARGET_PREFIXES = {"dynamodb": "DynamoDB_20120810.", "kms": "TrentService.", "logs": "Logs_20140328."}
QUERY_SERVICES = frozenset({"cloudformation", "iam", "sts"})

# Older names of an operation that has the same shape, and operations of another endpoint with the same path.
_SHADOWED = frozenset(
    {
        "GetBucketLifecycle",
        "GetBucketNotification",
        "ListDirectoryBuckets",
        "PutBucketLifecycle",
        "PutBucketNotification",
        "WriteGetObjectResponse",
    }
)
# Query parameters that choose between operations only where a rule says so, and are plain values elsewhere.
_PLAIN_PARAMETERS = frozenset({"id", "partNumber", "annotationName", "list-type", "select-type"})


class UnknownOperationError(Exception):
    """The request is no operation of its service; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class S3Rule:
    """How a request of one S3 operation looks. `level` counts the parts of the path: 0 service, 1 bucket, 2 object."""

    operation: str
    method: str
    level: int
    literals: Mapping[str, str]  # query parameters with the value they must have ("" for a bare name)
    parameters: frozenset[str]  # further query parameters that must be there
    headers: frozenset[str]  # headers that must be there

    @property
    def specificity(self) -> int:
        return 10 * len(self.literals) + len(self.parameters) + len(self.headers)

    def matches(self, method: str, level: int, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            method == self.method
            and level == self.level
            and all(name in query and value in ("", query[name]) for name, value in self.literals.items())
            and self.parameters <= query.keys()
            and self.headers <= headers.keys()
        )


def operation_of(service: str, request: LocalRequest) -> str:
    """The operation's name in botocore's model. Raises UnknownOperationError."""
    if service in TARGET_PREFIXES:
        return _json_operation(service, request)
    if service in QUERY_SERVICES:
        return _query_operation(request)
    if service == "s3":
        return _s3_operation(request)
    raise UnknownOperationError(f"The local AWS has no service named {service}.")


def s3_address(path: str) -> tuple[str, str]:
    """Bucket and key, decoded, of a path-style path; both empty where the path has none."""
    bucket, _, key = path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(key)


def query_parameters(request: LocalRequest) -> dict[str, str]:
    """The parameters of a query-protocol request, from its form body or its query string.

    Raises UnknownOperationError when both hold parameters: implementations differ in which they believe.
    """
    if request.body and request.query:
        raise UnknownOperationError("Parameters may stand in the body or in the query, not in both.")
    text = request.query or request.body.decode("utf-8", "replace")
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=10_000)
    if sum(name == "Action" for name, _ in pairs) > 1:
        raise UnknownOperationError("Action is given more than once.")
    return dict(pairs)


def _json_operation(service: str, request: LocalRequest) -> str:
    if request.method != "POST" or request.query or request.path not in ("", "/"):
        raise UnknownOperationError("A request of this service is a POST to / without a query.")
    target = request.headers.get("x-amz-target", "")
    prefix = TARGET_PREFIXES[service]
    operation = target.removeprefix(prefix)
    if not target.startswith(prefix) or not operation.isalnum():
        raise UnknownOperationError(f"X-Amz-Target must be {prefix}OPERATION.")
    return operation


def _query_operation(request: LocalRequest) -> str:
    if request.method not in ("GET", "POST") or request.path not in ("", "/"):
        raise UnknownOperationError("A request of this service is a GET or POST to /.")
    try:
        operation = query_parameters(request).get("Action", "")
    except ValueError:
        raise UnknownOperationError("The parameters cannot be read.") from None
    if not operation.isalnum():
        raise UnknownOperationError("The parameter Action must name an operation.")
    return operation


def _s3_operation(request: LocalRequest) -> str:
    bucket, key = s3_address(request.path)
    if not request.path.startswith("/") or (not bucket and request.path != "/"):
        raise UnknownOperationError("The path must be /, /BUCKET or /BUCKET/KEY.")
    level = 2 if key else 1 if bucket else 0
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = {name: value for name, value in pairs if not name.startswith("X-Amz-")}
    best = next((r for r in s3_rules() if r.matches(request.method, level, query, request.headers)), None)
    if best is None:
        raise UnknownOperationError("No operation of Amazon S3 has this method, path and query.")
    conflicting = (query.keys() & _s3_selectors()) - best.literals.keys() - best.parameters
    if conflicting:
        listed = ", ".join(sorted({*conflicting, *best.literals}))
        raise UnknownOperationError(f"Conflicting or unknown query string parameters: {listed}")
    return best.operation


@lru_cache(maxsize=1)
def s3_rules() -> tuple[S3Rule, ...]:
    """One rule for each operation of S3, out of botocore's model, the most specific first."""
    model = create_loader().load_service_model("s3", "service-2")
    rules = []
    for name, operation in model["operations"].items():
        if name in _SHADOWED:
            continue
        path, _, literals = operation["http"]["requestUri"].partition("?")
        shape = model["shapes"].get(operation.get("input", {}).get("shape", ""), {})
        required = [shape["members"][member] for member in shape.get("required", ())]
        rules.append(
            S3Rule(
                name,
                operation["http"]["method"],
                0 if path == "/" else 1 if path == "/{Bucket}" else 2,
                dict(parse_qsl(literals, keep_blank_values=True)),
                frozenset(m["locationName"] for m in required if m.get("location") == "querystring"),
                frozenset(m["locationName"].lower() for m in required if m.get("location") == "header"),
            )
        )
    return tuple(sorted(rules, key=lambda rule: (-rule.specificity, rule.operation)))


@lru_cache(maxsize=1)
def _s3_selectors() -> frozenset[str]:
    """Every query parameter that turns a request into another operation."""
    names = {name for rule in s3_rules() for name in (*rule.literals, *rule.parameters)}
    return frozenset(names - _PLAIN_PARAMETERS)
