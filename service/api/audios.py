"""The operation that renders music to sound."""

from service.api.audio_answers import audio_answer
from service.api.audio_shapes import CreateAudioRequest, CreateAudioResponse
from service.api.auth import CallerDependency
from service.api.operation import Operations
from service.api.services import LibraryDependency
from service.errors import ConflictException, ResourceNotFoundException, ServiceQuotaExceededException

operations = Operations("Audio")


@operations.post(
    "/audios",
    resource="audio/*",
    errors=(ConflictException, ResourceNotFoundException, ServiceQuotaExceededException),
    waits=True,
)
def create_audio(
    library: LibraryDependency, caller: CallerDependency, request: CreateAudioRequest
) -> CreateAudioResponse:
    """Renders a revision of a composition to MP3 or WAV with sampled instruments.

    The answer holds a presigned URL when the rendering is ready; otherwise its status is IN_PROGRESS, and the
    composition's audios tell when that changes.
    """
    view = library.create_audio(
        caller,
        request.composition_id,
        format=request.format.value,
        revision=request.revision,
        client_request_token=request.client_request_token,
        url_seconds=request.url_expires_in_seconds,
    )
    return CreateAudioResponse(audio=audio_answer(view))
