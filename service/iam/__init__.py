"""The policy engine: documents in, decisions with their reasons out. No clock, no network, no storage."""

from service.iam.context import Context
from service.iam.decision import Decision, Matched, NearMiss, Outcome
from service.iam.documents import parse
from service.iam.evaluate import decide
from service.iam.policy import Kind, MalformedPolicy, Policy
from service.iam.principals import Principal
from service.iam.request import Policies, Request

__all__ = [
    "Context",
    "Decision",
    "Kind",
    "MalformedPolicy",
    "Matched",
    "NearMiss",
    "Outcome",
    "Policies",
    "Policy",
    "Principal",
    "Request",
    "decide",
    "parse",
]
