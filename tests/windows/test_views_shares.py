"""What the views tell a line about how much of the screen shows a volume."""

import pytest

import loading
from loading.web.wado import forget_habits
from tests.helpers.dicomweb_store import Store, phantom
from tests.helpers.views import open_views
from tests.helpers.web_loads import after_all_calls
from tests.helpers.web_server import WebServer


@pytest.fixture
def views(qapp):
    with open_views() as made:
        yield made


def weight_of(volume):
    after_all_calls(volume)
    return volume._source._share.weight


def test_a_volume_weighs_what_it_has_of_the_screen(views):
    """Y5, Y6: the area of the views; nothing where they are hidden, or show another one."""
    forget_habits()
    store, workspace = Store(phantom(4, 64)), views.workspace
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with loading.open_entry(entry) as volume, loading.open_entry(entry) as other:
            workspace.show_volume(volume)
            assert weight_of(volume) == workspace.width() * workspace.height() > 0
            workspace.resize(workspace.width() // 2, workspace.height())
            assert weight_of(volume) == workspace.width() * workspace.height()
            workspace.hide()
            assert weight_of(volume) == 0
            workspace.show()
            assert weight_of(volume) > 0
            workspace.show_volume(other)
            assert weight_of(volume) == 0
            assert weight_of(other) > 0
            workspace.show_volume(None)
