"""What the API acts through. The composition root builds it; routes get the library as a dependency."""

from typing import Annotated, Protocol

from fastapi import Depends, Request

from service.library import Library


class SettingsOfApi(Protocol):
    @property
    def region(self) -> str: ...

    @property
    def account(self) -> str: ...


class ServicesOfApi(Protocol):
    @property
    def library(self) -> Library: ...

    @property
    def settings(self) -> SettingsOfApi: ...


async def current_library(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


LibraryDependency = Annotated[Library, Depends(current_library)]
