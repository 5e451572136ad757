"""See a program as a screen reader does: over AT-SPI, on a message bus of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

LAUNCHER = Path("/usr/libexec/at-spi-bus-launcher")
FOCUSABLE, SHOWING, CHECKED = 11, 25, 4
_ACCESSIBLE = "org.a11y.atspi.Accessible"
_TIMEOUT_S = 20.0


def what_lacks() -> str:
    """Say what has to be installed; empty when all is there."""
    there = LAUNCHER.exists() and shutil.which("dbus-daemon")
    return "" if there else "AT-SPI is not installed: apt-get install at-spi2-core dbus-daemon"


@dataclass(frozen=True)
class Node:
    """One thing that a screen reader can speak of."""

    reader: Reader
    bus: str
    path: str
    name: str
    role: str
    states: frozenset[int]

    def do(self) -> None:
        """Do what it is there for, as a person with a screen reader has it done."""
        self.reader.call(self.bus, self.path, "org.a11y.atspi.Action", "DoAction", "i", (0,))


class Reader:
    """Walk the tree of what is on the screen."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection

    def call(
        self,
        bus: str,
        path: str,
        interface: str,
        method: str,
        signature: str | None = None,
        body: tuple[object, ...] = (),
    ) -> tuple[Any, ...]:
        """Call a method; LookupError when what was asked is gone."""
        address = DBusAddress(path, bus_name=bus, interface=interface)
        message = new_method_call(address, method, signature, body)
        return self._answer(message)

    def _answer(self, message: object) -> tuple[Any, ...]:
        reply = self._connection.send_and_get_reply(message, timeout=_TIMEOUT_S)
        if reply.header.message_type == MessageType.error:
            raise LookupError(reply.header.fields.get(HeaderFields.error_name))
        return tuple(reply.body)

    def nodes(self) -> list[Node]:
        """Give everything there is, programs first."""
        found: list[Node] = []
        waiting = [("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")]
        while waiting:
            bus, path = waiting.pop(0)
            try:
                found.append(self._node(bus, path))
                waiting += self.call(bus, path, _ACCESSIBLE, "GetChildren")[0]
            except LookupError:
                continue  # it went while the tree was walked
        return found

    def _node(self, bus: str, path: str) -> Node:
        address = DBusAddress(path, bus_name=bus, interface=_ACCESSIBLE)
        name = self._answer(Properties(address).get("Name"))[0][1]
        role = self.call(bus, path, _ACCESSIBLE, "GetRoleName")[0]
        low, high = self.call(bus, path, _ACCESSIBLE, "GetState")[0]
        bits = int(low) | int(high) << 32
        states = frozenset(bit for bit in range(64) if bits >> bit & 1)
        return Node(self, bus, path, str(name), str(role), states)

    def wait_for(self, name: str, timeout_s: float = 60.0) -> list[Node]:
        """Walk until something of that name is on the screen; give everything then."""
        ends_s = time.monotonic() + timeout_s
        while True:
            nodes = self.nodes()
            if any(node.name == name and SHOWING in node.states for node in nodes):
                return nodes
            if time.monotonic() > ends_s:
                raise AssertionError(f"{name!r} did not come: {[n.name for n in nodes]}")
            time.sleep(0.2)


@contextmanager
def screen_reader(environment: Mapping[str, str]) -> Iterator[tuple[Reader, dict[str, str]]]:
    """Start a message bus with AT-SPI on it; give a reader, and the environment for programs."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    launcher = None
    try:
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        inside = {
            **os.environ,
            **environment,
            "DBUS_SESSION_BUS_ADDRESS": address,
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }
        launcher = subprocess.Popen(
            [str(LAUNCHER), "--launch-immediately"],
            env=inside,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with open_dbus_connection(address) as session:
            asked = Reader(session).call(
                "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress"
            )
        with open_dbus_connection(str(asked[0])) as connection:
            yield Reader(connection), inside
    finally:
        for process in (launcher, bus):
            if process is not None:
                process.terminate()
                process.wait(timeout=10)
        if bus.stdout is not None:
            bus.stdout.close()
