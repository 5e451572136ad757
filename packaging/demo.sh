#!/bin/sh
# Install what is missing and open Voxtide on the built-in head:  sh packaging/demo.sh
#
# Without a display the same window opens on a virtual one, and its picture is left in demo.png.
set -eu
cd "$(dirname "$0")/.."

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname -s)" != Linux ]; then
    sh packaging/setup.sh run
    exec .venv/bin/voxtide demo "$@"
fi

sh packaging/setup.sh screen
rm -f demo.png
sh packaging/linux/virtual_display.sh .venv/bin/voxtide demo --screenshot demo.png "$@"
if [ ! -s demo.png ]; then
    echo "The window opened on the virtual display, but no picture of it was written." >&2
    exit 1
fi
echo "There is no display here, so the window opened on a virtual one. Its picture: $(pwd)/demo.png"
