"""Start the window, in this order, for these reasons.

1. OpenGL's format and the choice of renderer, since Qt and Mesa read them when they are loaded.
2. Where a window is open already, it is given what was named, and this process ends.
3. The application object, the settings, the theme: what the first paint needs.
4. The window's frame, empty, painted: nothing but Qt has been imported yet.
5. The log (from here on every exception, Qt message and crash is written down), the language, the
   parts of the window. What was named on the command line is described, in a thread; the views
   are imported, in another, so that a drop is taken meanwhile; then they are made. VTK comes last:
   the first slices are cut without it. Later starts are listened to, and what a run that ended
   badly had open is offered.
6. The event loop. When it ends, settings have been written; threads get one second, and a decoder
   that hangs does not keep the process.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.graphics import set_up_graphics

if TYPE_CHECKING:
    from app.incoming import Incoming
    from app.main_window import MainWindow
    from app.runs import Run

_log = logging.getLogger(__name__)

END_TIMEOUT_S = 1.0
_STYLE = ("-style", "Fusion")
"""As words for Qt: to ask for it in Python makes a class with all the enumerations of QStyle."""
SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep the interpreter while another waits for it. Python's own 5 ms add up
when a paint that is made of many small calls meets a thread that reads headers."""


def run_window(
    uris: Sequence[str],
    *,
    software_gl: bool = False,
    screenshot: str | None = None,
    new_window: bool = False,
) -> int:
    """Open the window and run until it is closed.

    Parameters
    ----------
    uris : sequence of str
        What to open; none shows the start page.
    software_gl : bool
        Draw without the graphics driver.
    screenshot : str, optional
        Save a picture of the window to this file once everything is there, then quit.
    new_window : bool
        Open a window of its own even where one is open; later starts do not find it.

    Returns
    -------
    int
        Status for the process.
    """
    if not _may_have_screen():
        sys.stderr.write(
            "voxtide: There is no screen: DISPLAY is not set. voxtide snapshot draws without one\n"
        )
        return 1
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    is_alone = new_window or screenshot is not None
    if not is_alone and _taken_elsewhere(uris):
        return 0
    set_up_graphics(software_gl=software_gl)
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication(["voxtide", *_STYLE])
    assert isinstance(application, QApplication)
    application.setApplicationName("voxtide")
    application.setApplicationDisplayName("Voxtide")
    application.setDesktopFileName("org.voxtide.Voxtide")

    from app.main_window import MainWindow
    from app.settings import SettingsStore, config_folder
    from app.theme import colour

    settings = SettingsStore(config_folder())
    colour(application, settings.value.theme)
    window = MainWindow(settings, later=True)
    window.closed.connect(application.quit)
    opening = _Opening(window, uris, screenshot, is_alone=is_alone)
    window.painted.connect(opening.go_on)
    window.show()
    status = application.exec()
    return _end(window, status, opening.run)


def _may_have_screen() -> bool:
    """Tell whether a window can be; where it cannot, Qt would end the process with a page of text.

    As Qt chooses on Linux; elsewhere there always is one.
    """
    named = any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))
    return named or os.environ.get("XDG_SESSION_TYPE") == "wayland" or sys.platform != "linux"


def _taken_elsewhere(uris: Sequence[str]) -> bool:
    """Give what was named to the window that is open already; tell whether it took it."""
    from app.instance import hand_over

    return hand_over(uris)


class _Opening:
    """What follows the first paint: log, parts of the window, what was named, views."""

    def __init__(
        self, window: MainWindow, uris: Sequence[str], screenshot: str | None, *, is_alone: bool
    ) -> None:
        self._window, self._uris, self._screenshot = window, uris, screenshot
        self._is_alone = is_alone
        self.run: Run | None = None

    def go_on(self) -> None:
        """Do it; the window is on the screen, and empty. It is not left empty without a word."""
        try:
            self._go_on()
        except Exception as error:
            _log.exception("the window could not be made")
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        from PySide6.QtWidgets import QApplication, QMessageBox

        from app.language import tr
        from app.settings import log_folder

        words = tr("Voxtide cannot start: {reason}. Install it again; {folder} has the log.")
        said = words.format(reason=error, folder=log_folder())
        sys.stderr.write(f"voxtide: {said}\n")
        if self._screenshot is None:
            QMessageBox.critical(self._window, "Voxtide", said)
        if self.run is not None:
            faulthandler.disable()
            self.run.end()
            self.run = None
        QApplication.exit(1)

    def _go_on(self) -> None:
        from app.allocator import bound_arenas
        from app.logs import start_logging
        from app.runs import Run
        from app.settings import log_folder

        bound_arenas()
        run = self.run = Run(log_folder())
        start_logging(log_folder(), run.crash_file)

        from PySide6.QtWidgets import QApplication

        from app.incoming import Incoming
        from app.language import install_translations
        from app.roles import tell_roles
        from app.signals import SignalDoor
        from app.theme import apply_theme

        application = QApplication.instance()
        assert isinstance(application, QApplication)
        install_translations(application)
        tell_roles()
        window = self._window
        apply_theme(application, window.settings.value.theme)
        window.build()
        SignalDoor(window)
        incoming = Incoming(window, run)
        if not self._is_alone:
            _listen(window, incoming)
        if self._uris:
            incoming.take(self._uris)
        _import_views(window, is_idle=not self._uris)
        if self._screenshot is not None:
            from app.photographer import Photographer

            Photographer(window, self._screenshot)
        if not self._is_alone:
            incoming.offer(run.claim(), is_idle=not self._uris)
        _log.info("window shown")


def _listen(window: MainWindow, incoming: Incoming) -> None:
    from app.instance import InstanceServer

    server = InstanceServer(window)
    server.asked.connect(incoming.take_and_rise)
    window.closed.connect(server.close)
    server.listen()


def _import_views(window: MainWindow, *, is_idle: bool) -> None:
    """Import the views beside the event loop; the window makes them when that is done.

    VTK is imported at once only where nothing is being opened: else the first slice would wait.
    """

    def work() -> None:
        try:
            import app.columns  # for its cost: the window imports it for free then
        except ImportError:
            _log.exception("the views cannot be imported")
        window.views_imported.emit()
        if is_idle:
            from viewer.scene import import_vtk

            import_vtk()
        import app.study_browser  # noqa: F401 - so that the first address need not wait for it

    thread = threading.Thread(target=work, name="import views")
    thread.start()


def _end(window: MainWindow, status: int, run: Run | None) -> int:
    """Wait for threads, but not for ever: a decoder that hangs must not keep the process."""
    if run is None:
        # closed before there was anything in it
        return status
    ended = window.session.join(END_TIMEOUT_S)
    faulthandler.disable()
    run.end()
    if not ended:
        _log.warning("a thread did not end in %g s; leaving without it", END_TIMEOUT_S)
        logging.shutdown()
        os._exit(status)
    return status
