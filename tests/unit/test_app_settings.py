import json

import pytest

from app.recent import LIMIT, RecentStore
from app.settings import Settings, SettingsStore


def test_settings_survive_the_program(tmp_path):
    SettingsStore(tmp_path).change(theme="light", keys={"view.fit": "Ctrl+F"}, memory_limit_mb=900)
    again = SettingsStore(tmp_path)
    assert again.value == Settings(theme="light", keys={"view.fit": "Ctrl+F"}, memory_limit_mb=900)
    assert again.trouble == ""


def test_a_missing_file_is_no_trouble(tmp_path):
    store = SettingsStore(tmp_path / "new")
    assert (store.value, store.trouble) == (Settings(), "")


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00", '"text"', "null"])
def test_a_broken_file_is_set_aside_with_a_sentence(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    store = SettingsStore(tmp_path)
    assert store.value == Settings()
    assert "set aside" in store.trouble
    assert (tmp_path / "settings.broken").read_text() == content
    store.change(theme="light")
    assert SettingsStore(tmp_path).value.theme == "light"


def test_wrong_values_fall_back_one_by_one(tmp_path):
    given = {"theme": "mauve", "drag_up": "darker", "memory_limit_mb": -5, "keep_recent": "yes",
             "unknown": 1, "keys": {"a": "B", "c": 4}}  # fmt: skip
    document = {"version": 1, "settings": given}
    (tmp_path / "settings.json").write_text(json.dumps(document))
    assert SettingsStore(tmp_path).value == Settings(drag_up="darker", keys={"a": "B"})


def test_a_newer_file_is_used_as_far_as_it_is_understood_and_never_overwritten(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"version": 99, "settings": {"theme": "light", "hologram": True}}))
    before = path.read_bytes()
    store = SettingsStore(tmp_path)
    assert store.value.theme == "light"
    assert "newer" in store.trouble
    assert store.change(theme="dark").theme == "dark"
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = SettingsStore(blocked)
    assert store.change(theme="light").theme == "light"
    assert "cannot be" in store.trouble


def test_writing_leaves_nothing_beside_the_file(tmp_path):
    store = SettingsStore(tmp_path)
    for theme in ("dark", "light", "system"):
        store.change(theme=theme)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_recent_items_are_newest_first_and_few(tmp_path):
    store = RecentStore(tmp_path, clock=lambda: 1000.0)
    for number in range(LIMIT + 3):
        store.add(f"/data/{number}", str(number), number, "CT")
    store.add("/data/5", "five", 5, "CT")
    again = RecentStore(tmp_path)
    assert [item.uri for item in again.items][:2] == ["/data/5", "/data/10"]
    assert len(again.items) == LIMIT
    assert len({item.uri for item in again.items}) == LIMIT


def test_recent_items_forget_their_pictures_with_them(tmp_path):
    from PySide6.QtGui import QImage

    picture = QImage(8, 8, QImage.Format.Format_Grayscale8)
    picture.fill(7)
    store = RecentStore(tmp_path)
    store.add("/data/1", "one", 1, "CT")
    store.set_picture("/data/1", picture)
    kept = store.picture_path(store.items[0])
    assert kept is not None
    assert kept.is_file()
    store.clear()
    assert not kept.exists()
    assert RecentStore(tmp_path).items == ()


def test_a_picture_outside_the_folder_is_never_looked_at(tmp_path):
    item = {"uri": "/data", "name": "x", "picture": "../../secret.png"}
    (tmp_path / "recent.json").write_text(json.dumps({"version": 1, "items": [item, 5, {}]}))
    store = RecentStore(tmp_path)
    assert [one.picture for one in store.items] == [""]


def test_servers_and_hosts_are_kept_as_lists_and_nothing_else_in_them(tmp_path):
    server = {"name": "Archive", "root": "https://pacs.example/rs"}
    store = SettingsStore(tmp_path)
    store.change(servers=[server], known_hosts=["https://pacs.example"], frame_cache_mb=0)
    again = SettingsStore(tmp_path).value
    assert (again.servers, again.known_hosts) == ([server], ["https://pacs.example"])
    assert again.frame_cache_mb == 0
    store.path.write_text(
        '{"version": 1, "settings": {"servers": [1, null], "known_hosts": {"a": 1}}}'
    )
    assert SettingsStore(tmp_path).value.servers == []
    assert SettingsStore(tmp_path).value.known_hosts == []
