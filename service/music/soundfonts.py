"""Which SoundFont gives the notes their sound: the best one found on this machine, by name and licence."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

UNKNOWN_LICENSE = "unknown"


class SoundFontError(Exception):
    """No SoundFont can be found or read."""


@dataclass(frozen=True, slots=True)
class SoundFont:
    """A General MIDI instrument file, SF2 or its compressed form SF3."""

    path: Path
    name: str
    license: str


@dataclass(frozen=True, slots=True)
class _Known:
    file: str
    name: str
    license: str


# Best first, as a listener would rank them.
_KNOWN = (
    _Known("MuseScore_General.sf2", "MuseScore General", "MIT"),
    _Known("FluidR3_GM.sf2", "FluidR3 GM", "MIT"),
    _Known("GeneralUser-GS.sf2", "GeneralUser GS", "GeneralUser GS License 2.0"),
    _Known("GeneralUser.sf2", "GeneralUser GS", "GeneralUser GS License 2.0"),
    # Compressed: as good, but seconds to load.
    _Known("MuseScore_General.sf3", "MuseScore General", "MIT"),
    _Known("MuseScore_General_Lite.sf3", "MuseScore General Lite", "MIT"),
    _Known("TimGM6mb.sf2", "TimGM6mb", "GPL-2.0"),
)

_FOLDERS = (
    Path.home() / ".local/share/soundfonts",
    Path("/usr/local/share/soundfonts"),
    Path("/usr/share/sounds/sf2"),  # Debian, Ubuntu
    Path("/usr/share/sounds/sf3"),
    Path("/usr/share/soundfonts"),  # Fedora, Arch
    Path("/opt/homebrew/share/soundfonts"),  # Homebrew on Apple silicon
)


def find_sound_font(folders: Iterable[Path] = _FOLDERS) -> SoundFont:
    """The best known SoundFont in these folders (the usual ones of Debian, Fedora, Arch and Homebrew).

    Where there is none, it is TimGM6mb out of the wheel of pretty_midi. Raises SoundFontError when that is missing too.
    """
    folders = tuple(folders)
    for known in _KNOWN:
        for folder in folders:
            if (folder / known.file).is_file():
                return SoundFont(folder / known.file, known.name, known.license)
    return _bundled()


def sound_font_at(path: Path) -> SoundFont:
    """The SoundFont in a file of the user's choice. Raises SoundFontError when there is no such file."""
    if not path.is_file():
        raise SoundFontError(f"There is no SoundFont at {path}.")
    for known in _KNOWN:
        if path.name == known.file:
            return SoundFont(path, known.name, known.license)
    return SoundFont(path, path.stem, UNKNOWN_LICENSE)


def _bundled() -> SoundFont:
    package = importlib.util.find_spec("pretty_midi")  # located, not imported: the import takes a second
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder) / _KNOWN[-1].file
        if path.is_file():
            return sound_font_at(path)
    raise SoundFontError("No SoundFont is installed; install FluidR3 (Debian: fluid-soundfont-gm) or pretty_midi.")
