"""Decisions a second of the policy engine: 20 statements and 5 conditions in five policies, 100,000 requests.

Requests are made beforehand, contexts included: what is measured is `decide`. Policies are parsed once, as they are in
the server.
"""

import json
import time
from itertools import product
from statistics import median

from service.iam import Context, Kind, Policies, Policy, Principal, Request, decide, parse
from tests.benchmarks.result import Result

DECISIONS = 100_000
ROUNDS = 3
ACCOUNT = "111122223333"
COMPOSITIONS = f"arn:aws:deepcomposer:us-east-1:{ACCOUNT}:composition/*"
BUCKET = "arn:aws:s3:::music"


def _allow(action: str | list[str], resource: str | list[str], **condition: dict[str, str | list[str]]) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def _deny(action: str | list[str], resource: str | list[str], **condition: dict[str, str | list[str]]) -> dict:
    return {**_allow(action, resource, **condition), "Effect": "Deny"}


STUDENT = [
    _allow(["deepcomposer:Get*", "deepcomposer:List*"], "*"),
    _allow(
        "deepcomposer:CreateComposition",
        COMPOSITIONS,
        StringEquals={"aws:RequestTag/team": "${aws:PrincipalTag/team}"},
    ),
    _allow(
        ["deepcomposer:UpdateComposition", "deepcomposer:DeleteComposition"],
        COMPOSITIONS,
        StringEquals={"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
    ),
    _allow("deepcomposer:TagResource", COMPOSITIONS, StringLike={"aws:ResourceTag/team": ["choir-*", "band-?"]}),
    _allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"),
    _allow("sts:GetCallerIdentity", "*"),
]
STORAGE = [
    _allow("s3:ListBucket", BUCKET),
    _allow(["s3:GetObject", "s3:PutObject"], f"{BUCKET}/home/${{aws:username}}/*"),
    _allow("s3:GetObject", f"{BUCKET}/shared/*"),
    _allow("s3:GetObject", f"{BUCKET}/scores/*/public/*.mid"),
    _deny("s3:*", [BUCKET, f"{BUCKET}/*"], Bool={"aws:SecureTransport": "false"}),
    _deny("s3:DeleteObject", f"{BUCKET}/*"),
]
TABLES = [
    _allow(["dynamodb:GetItem", "dynamodb:Query"], f"arn:aws:dynamodb:*:{ACCOUNT}:table/scores"),
    _allow("dynamodb:PutItem", f"arn:aws:dynamodb:*:{ACCOUNT}:table/scores"),
    _allow("logs:GetLogEvents", f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/sagemaker/*"),
    _allow("kms:Decrypt", f"arn:aws:kms:*:{ACCOUNT}:key/*"),
]
GUARD = [
    _allow("*", "*"),
    _deny(["iam:Create*", "iam:Delete*", "iam:Put*", "iam:Attach*"], "*"),
    _deny("*", "*", NotIpAddress={"aws:SourceIp": ["127.0.0.0/8", "192.168.0.0/16"]}),
]
SERVICES = [_allow("*", "*")]

CALLS = [
    ("deepcomposer:GetComposition", COMPOSITIONS[:-1] + "a1b2", True),
    ("deepcomposer:CreateComposition", COMPOSITIONS, True),
    ("deepcomposer:UpdateComposition", COMPOSITIONS[:-1] + "c3d4", True),
    ("s3:GetObject", f"{BUCKET}/home/ada/ode.mid", True),
    ("s3:GetObject", f"{BUCKET}/home/bob/ode.mid", False),
    ("s3:PutObject", f"{BUCKET}/shared/ode.mid", False),
    ("dynamodb:Query", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/scores", True),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/eve", False),
]


def _policy(kind: Kind, statements: list[dict]) -> Policy:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": statements}), kind)


def _requests() -> list[tuple[Request, bool]]:
    ada = Principal(f"arn:aws:iam::{ACCOUNT}:user/ada", ACCOUNT, "user", "AIDAEXAMPLEADA")
    requests = []
    for (action, resource, allowed), address in product(CALLS, ("127.0.0.1", "192.168.7.9", "192.168.7.10")):
        context = Context(
            {
                "aws:username": "ada",
                "aws:PrincipalArn": ada.arn,
                "aws:PrincipalTag/team": "choir-1",
                "aws:RequestTag/team": "choir-1",
                "aws:ResourceTag/team": "choir-1",
                "aws:TagKeys": ["team"],
                "aws:SourceIp": address,
                "aws:SecureTransport": "true",
                "aws:CurrentTime": "2026-11-20T12:00:00Z",
            }
        )
        requests.append((Request(ada, action, resource, context, ACCOUNT), allowed))
    return requests


def run() -> list[Result]:
    parts = (STUDENT, STORAGE, TABLES, GUARD, SERVICES)
    assert sum(map(len, parts)) == 20
    assert sum(len(statement["Condition"]) for part in parts for statement in part) == 5
    policies = Policies(
        identity=tuple(_policy(Kind.IDENTITY, part) for part in (STUDENT, STORAGE, TABLES)),
        boundary=_policy(Kind.BOUNDARY, GUARD),
        service_control=((_policy(Kind.SERVICE_CONTROL, SERVICES),),),
    )
    requests = _requests()
    for request, allowed in requests:
        assert decide(request, policies).allowed is allowed, request.action
    return [_decisions([request for request, _ in requests], policies), _parsing()]


def _decisions(requests: list[Request], policies: Policies) -> Result:
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for number in range(DECISIONS):
            decide(requests[number % len(requests)], policies)
        rates.append(DECISIONS / (time.perf_counter() - start))
    told = f"the middle of {ROUNDS} rounds of {DECISIONS:,}; best {max(rates):,.0f}"
    return Result("policy decisions, 20 statements", median(rates), "/s", "at least 20,000; reach 50,000", told)


def _parsing() -> Result:
    count = 300
    text = json.dumps({"Version": "2012-10-17", "Statement": STUDENT + STORAGE})
    start = time.perf_counter()
    for number in range(count):
        parse(text, Kind.IDENTITY, f"policy {number}")  # by another name: nothing is remembered
    return Result("policies parsed, 12 statements", count / (time.perf_counter() - start), "/s", "-")
