"""Renderings as the API tells of them."""

from service.api.audio_shapes import AudioDescription
from service.library.views import AudioView
from service.music.audio import AudioFormat


def audio_answer(view: AudioView) -> AudioDescription:
    audio = view.audio
    return AudioDescription(
        audio_id=audio.id,
        audio_arn=audio.arn,
        composition_id=audio.composition_id,
        revision=audio.revision,
        format=AudioFormat(audio.format),
        status=audio.status,
        status_reason=audio.status_reason,
        sound_font=audio.sound_font,
        duration_seconds=audio.seconds,
        size_bytes=audio.size,
        created_at=audio.created,
        url=view.url,
        expires_at=view.expires_at,
    )
