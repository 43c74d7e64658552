"""Requests and answers about renderings to sound."""

from typing import Annotated

from pydantic import Field

from service.api.fields import (
    DEFAULT_URL_SECONDS,
    MAX_REVISION,
    MAX_URL_SECONDS,
    MIN_URL_SECONDS,
    ClientRequestToken,
    CompositionId,
)
from service.api.shape import AnswerShape, RequestShape, Timestamp
from service.music.audio import AudioFormat
from service.resources import Status


class CreateAudioRequest(RequestShape):
    """Which music to render, and to what."""

    composition_id: CompositionId
    format: Annotated[AudioFormat, Field(strict=False)] = Field(
        default=AudioFormat.MP3, description="MP3 or WAV; MP3 when not given."
    )
    revision: int | None = Field(
        default=None, ge=1, le=MAX_REVISION, description="Which revision of the music. The newest when not given."
    )
    client_request_token: ClientRequestToken | None = None
    url_expires_in_seconds: int = Field(
        default=DEFAULT_URL_SECONDS,
        ge=MIN_URL_SECONDS,
        le=MAX_URL_SECONDS,
        description="How long the download URL is to work, in seconds; 900 when not given.",
    )


class AudioDescription(AnswerShape):
    """A rendering of one revision of a composition to sound."""

    audio_id: str
    audio_arn: str
    composition_id: str
    revision: int
    format: AudioFormat
    status: Status
    status_reason: str | None = Field(default=None, description="Why the rendering failed.")
    sound_font: str | None = Field(default=None, description="The SoundFont that the instruments come from.")
    duration_seconds: float | None = None
    size_bytes: int | None = None
    created_at: Timestamp
    url: str | None = Field(default=None, description="Downloads the file, without credentials, until it expires.")
    expires_at: Timestamp | None = Field(default=None, description="When the URL stops working.")


class CreateAudioResponse(AnswerShape):
    audio: AudioDescription
