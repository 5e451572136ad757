#!/bin/sh
# Run a command on a virtual X display of its own:  sh packaging/linux/virtual_display.sh COMMAND...
set -eu

folder=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# -displayfd lets the server pick a free number; without -noreset it would go away for a moment
# each time its last window closes, and refuse whoever comes then.
Xvfb -displayfd 3 -noreset -screen 0 1680x1050x24 +extension GLX 3>"$folder/number" \
    >"$folder/log" 2>&1 </dev/null &
server=$!

tries=0
while [ ! -s "$folder/number" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "The virtual display (Xvfb) did not start:" >&2
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.1
done

DISPLAY=:$(cat "$folder/number")
export DISPLAY
unset WAYLAND_DISPLAY
# Anything but X11 would not be on this display.
QT_QPA_PLATFORM=xcb
export QT_QPA_PLATFORM
# A virtual display has no graphics card. Mesa would find that out by trying, and complain.
LIBGL_ALWAYS_SOFTWARE=${LIBGL_ALWAYS_SOFTWARE:-1}
export LIBGL_ALWAYS_SOFTWARE
status=0
"$@" || status=$?
exit "$status"
