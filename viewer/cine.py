"""Play frames one after the other: slices of a loop or a stack, or the points of a fourth axis.

The clock decides which frame is shown, not a count of ticks: where drawing takes longer than a
frame lasts, frames are left out and the loop keeps its speed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

if TYPE_CHECKING:
    from viewer.model import ViewModel
    from viewer.scene import Scene

DEFAULT_RATE: Final = 15.0
RATE_RANGE: Final = (0.1, 120.0)
_FASTER: Final = 1.5
_SHORTEST_TICK_MS: Final = 5


class Schedule:
    """When each frame of a loop is shown.

    Parameters
    ----------
    frame_ms : sequence of float
        How long each frame lasts, or one number for all.
    count : int
        Frames of the loop, at least one.
    """

    def __init__(self, frame_ms: Sequence[float], count: int) -> None:
        each = list(frame_ms) if len(frame_ms) == count else [frame_ms[0]] * count
        self._ends = list(accumulate(each))
        self.total_ms = self._ends[-1]

    @property
    def rate(self) -> float:
        """Give the frames of a second, on average."""
        return 1000.0 * len(self._ends) / self.total_ms

    def frame_at(self, elapsed_ms: float, first: int, direction: int) -> int:
        """Give the frame on the screen so long after `first` appeared, around and around."""
        last = len(self._ends) - 1
        if direction < 0:
            # backwards a frame begins where forwards it ends
            at = (self._ends[first] - elapsed_ms) % self.total_ms or self.total_ms
            return min(last, bisect_left(self._ends, at))
        begins = self._ends[first - 1] if first else 0.0
        return min(last, bisect_right(self._ends, (begins + elapsed_ms) % self.total_ms))


class Cine(QObject):
    """Play what a model shows; one for each group of views.

    Signals
    -------
    changed
        It plays or stopped, or its rate is another one.
    """

    changed = Signal()

    def __init__(self, model: ViewModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._direction = 0
        self._speed = 1.0
        self._first = self._shown = 0
        self._plan = Schedule((1000.0 / DEFAULT_RATE,), 1)
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        model.scene_changed.connect(self._start_anew)

    # -- what people ask ----------------------------------------------------------------------

    @property
    def is_playing(self) -> bool:
        """Tell whether frames follow each other."""
        return self._direction != 0

    @property
    def direction(self) -> int:
        """Give 1 forwards, -1 backwards, 0 at rest."""
        return self._direction

    @property
    def count(self) -> int:
        """Count the frames there are to play; points of a fourth axis come before slices."""
        scene = self._model.scene
        if scene is None:
            return 0
        if scene.spec.time_points > 1:
            return scene.spec.time_points
        return scene.frames[self._view(scene)].count

    @property
    def rate(self) -> float:
        """Give the frames of a second."""
        return self._file_rate() * self._speed

    @property
    def is_rate_of_file(self) -> bool:
        """Tell whether the rate is the one that the file gives."""
        scene = self._model.scene
        return scene is not None and bool(_frame_ms(scene, self.count)) and self._speed == 1.0

    # -- what people do -----------------------------------------------------------------------

    def play(self, direction: int = 1) -> None:
        """Play forwards (1) or backwards (-1); when it does already, faster."""
        if self.count < 2:
            return
        if self._direction == direction:
            self.set_rate(self.rate * _FASTER)
            return
        self._direction = direction
        self._anchor()
        self._timer.start(self._tick_ms())
        self.changed.emit()

    def stop(self) -> None:
        """Stay on the frame that is shown."""
        if self._direction:
            self._direction = 0
            self._timer.stop()
            self.changed.emit()

    def toggle(self) -> None:
        """Play forwards, or stop."""
        if self.is_playing:
            self.stop()
        else:
            self.play()

    def set_rate(self, rate: float) -> None:
        """Set the frames of a second; frames of different length stay so among each other."""
        low, high = RATE_RANGE
        self._speed = min(high, max(low, rate)) / self._file_rate()
        if self.is_playing:
            self._anchor()
            self._timer.start(self._tick_ms())
        self.changed.emit()

    def reset_rate(self) -> None:
        """Go back to the file's rate, or to that which is usual."""
        self.set_rate(self._file_rate())

    # -- inside -------------------------------------------------------------------------------

    def _view(self, scene: Scene) -> str:
        active = self._model.state.active_view
        return active if active in scene.frames and not scene.is_flat else scene.acquired

    def _now(self) -> int:
        scene = self._model.scene
        if scene is None:
            return 0
        if scene.spec.time_points > 1:
            return self._model.state.time_point
        return self._model.slice_position(self._view(scene))[0]

    def _schedule(self) -> Schedule:
        scene, count = self._model.scene, max(1, self.count)
        frame_ms = _frame_ms(scene, count) if scene is not None else ()
        return Schedule(frame_ms or (1000.0 / DEFAULT_RATE,), count)

    def _file_rate(self) -> float:
        return self._schedule().rate

    def _tick_ms(self) -> int:
        """Look twice a frame, so that no frame is late by more than half of its time."""
        return max(_SHORTEST_TICK_MS, int(500.0 / self.rate))

    def _anchor(self) -> None:
        """Count time from the frame that is shown now."""
        self._plan = self._schedule()
        self._first = self._shown = self._now()
        self._clock.start()

    def _tick(self) -> None:
        scene = self._model.scene
        if scene is None or self.count < 2:
            self.stop()
            return
        if self._now() != self._shown:
            self._anchor()  # somebody went elsewhere: on from there
            return
        passed = self._clock.elapsed() * self._speed
        wanted = self._plan.frame_at(passed, self._first, self._direction)
        if wanted == self._shown:
            return
        self._shown = wanted
        if scene.spec.time_points > 1:
            self._model.adjust(time_point=wanted)
        else:
            self._model.show_slice(self._view(scene), wanted)
            # counted in what is there, in case it could not be reached
            self._shown = self._now()

    def _start_anew(self) -> None:
        """Stop with the old volume, and take the rate of the new one."""
        self._speed = 1.0
        self.stop()
        self.changed.emit()


def _frame_ms(scene: Scene, count: int) -> tuple[float, ...]:
    """Give the file's times where they are those of the frames to be played."""
    times = scene.spec.frame_ms
    return times if times and len(times) in (1, count) else ()
