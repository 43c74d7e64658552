"""The render function: renders a composition to the sound file that an event names.

Event: {"compositionId": ID, "audioId": ID, "account": ACCOUNT, "caller": ARN}
"""

from collections.abc import Mapping
from typing import Any

from handlers.failure import reason_of
from service.bootstrap import Services, services_of_process
from service.library import Rendered
from service.music.score import Score


def handler(event: Mapping[str, Any], context: object) -> None:
    services = services_of_process()

    def render(score: Score, format: str) -> Rendered:
        # Only here, so that on_failure can run in a process that never loads the synthesizer.
        from service.music.synth import load_sound_font, render

        rendering = render(score, format, load_sound_font(services.settings.sound_font))
        return Rendered(rendering.data, rendering.seconds, rendering.sound_font)

    services.library.make_audio(event["account"], event["compositionId"], event["audioId"], render)


def on_failure(record: Mapping[str, Any], services: Services | None = None) -> None:
    """Takes the record of an invocation that died or ran over its time, as Lambda's OnFailure destination gets it."""
    event = record["requestPayload"]
    library = (services or services_of_process()).library
    reason = reason_of(record, "rendering")
    library.audio_failed(event["account"], event["compositionId"], event["audioId"], reason)
