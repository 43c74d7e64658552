import pytest

from service.music.soundfonts import SoundFont, SoundFontError, find_sound_font, sound_font_at


def test_the_best_known_soundfont_of_all_folders_is_found(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, file in ((one, "TimGM6mb.sf2"), (one, "GeneralUser-GS.sf2"), (other, "FluidR3_GM.sf2")):
        folder.mkdir(exist_ok=True)
        (folder / file).touch()
    assert find_sound_font([one, other]) == SoundFont(other / "FluidR3_GM.sf2", "FluidR3 GM", "MIT")
    assert find_sound_font([one]).name == "GeneralUser GS"


def test_unknown_soundfonts_are_left_where_they_are(tmp_path):
    (tmp_path / "Mystery.sf2").touch()
    assert find_sound_font([tmp_path]).name == "TimGM6mb"


def test_without_any_the_one_in_the_wheel_of_pretty_midi_is_found():
    found = find_sound_font([])
    assert (found.name, found.license) == ("TimGM6mb", "GPL-2.0")
    assert found.path.read_bytes()[:4] == b"RIFF"


def test_without_that_wheel_the_reader_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SoundFontError, match="fluid-soundfont-gm"):
        find_sound_font([])


def test_a_chosen_file_is_named_after_itself_with_an_unknown_licence(tmp_path):
    path = tmp_path / "Mystery.sf2"
    path.touch()
    assert sound_font_at(path) == SoundFont(path, "Mystery", "unknown")


def test_a_chosen_file_that_is_known_has_its_name_and_licence(tmp_path):
    path = tmp_path / "FluidR3_GM.sf2"
    path.touch()
    assert sound_font_at(path) == SoundFont(path, "FluidR3 GM", "MIT")


def test_a_chosen_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(SoundFontError, match=r"nowhere\.sf2"):
        sound_font_at(tmp_path / "nowhere.sf2")
