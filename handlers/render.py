"""The render function: renders a composition to the sound file that an event names.

Event: {"compositionId": ID, "audioId": ID, "account": ACCOUNT, "caller": ARN}
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from handlers.failure import reason_of
from service.bootstrap import Services, services_of_process
from service.library import Rendered
from service.music.score import Score


def handler(event: Mapping[str, Any], context: object) -> None:
    services = services_of_process()
    render = partial(_render, services.settings.sound_font)
    services.library.make_audio(event["account"], event["compositionId"], event["audioId"], render)


def on_failure(record: Mapping[str, Any], services: Services | None = None) -> None:
    """Takes the record of an invocation that died or ran over its time, as Lambda's OnFailure destination gets it."""
    event = record["requestPayload"]
    library = (services or services_of_process()).library
    reason = reason_of(record, "rendering")
    library.audio_failed(event["account"], event["compositionId"], event["audioId"], reason)


def _render(sound_font: str | None, score: Score, format: str) -> Rendered:
    # Only here, so that on_failure can run in a process that never loads the synthesizer.
    from service.music.soundfonts import SoundFontError, sound_font_at
    from service.music.synth import render

    try:
        rendering = render(score, format, sound_font_at(Path(sound_font)) if sound_font else None)
    except SoundFontError as error:
        raise ValueError(str(error)) from error
    return Rendered(rendering.data, rendering.seconds, rendering.sound_font)
