"""The compose function: makes the composition that an event names.

Event: {"compositionId": ID, "account": ACCOUNT, "caller": ARN}
"""

from collections.abc import Mapping
from typing import Any

from handlers.failure import reason_of
from service.bootstrap import Services, services_of_process
from service.library import Composed
from service.music.score import Score
from service.resources import Composition


def handler(event: Mapping[str, Any], context: object) -> None:
    services_of_process().library.make_composition(event["account"], event["compositionId"], _compose)


def on_failure(record: Mapping[str, Any], services: Services | None = None) -> None:
    """Takes the record of an invocation that died or ran over its time, as Lambda's OnFailure destination gets it."""
    event = record["requestPayload"]
    library = (services or services_of_process()).library
    library.composition_failed(event["account"], event["compositionId"], reason_of(record, "composition"))


def _compose(composition: Composition, melody: Score) -> Composed:
    # Only here, so that on_failure can run in a process that never loads torch.
    from service.compose import ComposeRequest, compose
    from service.samples import model_directory, sample_model

    request = ComposeRequest(
        melody=melody,
        model_directory=model_directory(composition.model_id),
        algorithm=sample_model(composition.model_id).algorithm,
        parameters=composition.parameters,
        locked=composition.locked,
    )
    result = compose(request)
    return Composed(result.score, result.report)
