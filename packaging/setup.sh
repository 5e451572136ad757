#!/bin/sh
# Make .venv in the root of the repository and install the program into it.
#
#   sh packaging/setup.sh            what the window needs
#   sh packaging/setup.sh screen     the same and a virtual display
#   sh packaging/setup.sh dev        the same and everything that checks and tests need
#   sh packaging/setup.sh system     the system packages alone, the virtual display among them
#
# Asks for nothing but python3 >= 3.11. System packages that are missing are installed when this
# runs as root; otherwise the one line that installs them is printed. Quick the second time.
set -eu
cd "$(dirname "$0")/.."

mode=${1:-run}
case $mode in
    run) groups="run"; target="." ;;
    screen) groups="run screen"; target="." ;;
    # Orthanc starts a service where it is installed: not on anybody's desk.
    dev) groups="run screen${CI:+ peers}"; target=".[dev]" ;;
    system) groups="run screen"; target="" ;;
    *) echo "usage: sh packaging/setup.sh [run|screen|dev|system]" >&2; exit 2 ;;
esac
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

check_python() {
    if ! command -v "$python" >/dev/null 2>&1; then
        say "Voxtide needs Python 3.11 or later; $python is not there. Install the package python3."
        exit 1
    fi
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        say "Voxtide needs Python 3.11 or later; $python is $("$python" -V 2>&1)."
        say "Name a newer one: PYTHON=python3.12 sh packaging/demo.sh"
        exit 1
    fi
}

venv_works() {
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Names from the list that no installed package has or provides (a package may have been renamed:
# libglib2.0-0t64 provides libglib2.0-0).
missing_packages() {
    dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | awk -v groups=" $groups " '
        FNR == NR {
            if ($1 != "installed") next
            sub(/^installed /, "")
            gsub(/\([^)]*\)/, "")
            gsub(/,/, " ")
            count = split($0, names, " ")
            for (n = 1; n <= count; n++) present[names[n]] = 1
            next
        }
        /^[ \t]*(#|$)/ { next }
        index(groups, " " $2 " ") && !($1 in present) { printf "%s ", $1 }
    ' - packaging/linux/packages.txt
}

install_system_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        [ "$(uname -s)" != Linux ] || say "No dpkg here: what packaging/linux/packages.txt names is taken to be installed."
        return 0
    fi
    if ! venv_works && ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        groups="$groups venv"
    fi
    # A Node.js from elsewhere brings its npm along and does not go together with Debian's.
    case $groups in
        *peers*) command -v npm >/dev/null 2>&1 || groups="$groups npm" ;;
    esac
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        say "System packages are missing. Run this line, then start again:"
        say "sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
        exit 1
    fi
    say "Installing system packages: $missing"
    # An unreachable third-party archive must not stop what the others can serve.
    apt-get -q update >&2 || true
    # shellcheck disable=SC2086  # one argument per name
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing </dev/null >&2
}

make_venv() {
    if venv_works; then return 0; fi
    say "Making .venv with $("$python" -V 2>&1)"
    "$python" -m venv --clear .venv
}

# What was asked for last time: the declared dependencies, the interpreter, the place.
fingerprint() {
    { cat pyproject.toml; .venv/bin/python -V; pwd; } | cksum
}

is_installed() { # for dev, run
    [ -x .venv/bin/voxtide ] && [ "$(cat ".venv/voxtide-$1.stamp" 2>/dev/null)" = "$(fingerprint)" ]
}

install_program() {
    # What the tests need holds all that the window needs.
    if is_installed dev; then return 0; fi
    if [ "$mode" != dev ] && is_installed run; then return 0; fi
    say "Installing Python packages into .venv (some 300 MB to fetch the first time)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e "$target" >&2
    fingerprint > ".venv/voxtide-$([ "$mode" = dev ] && echo dev || echo run).stamp"
}

venv_works || check_python
install_system_packages
[ "$mode" != system ] || exit 0
make_venv
install_program
