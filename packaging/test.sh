#!/bin/sh
# Install what is missing and run everything that the build server runs:  sh packaging/test.sh
#
# Goes through to the end whatever fails on the way; the last lines are the summaries. With CI set
# in the environment a skipped test is a failure unless tests/allowed_skips.txt names it. A test
# that fails and passes when it is run again is listed as unsteady: a defect, of the test or of the
# program, that is to be mended, but not one that was brought by the change.
set -u
cd "$(dirname "$0")/.." || exit 1
sh packaging/setup.sh dev || exit 1

python=.venv/bin/python
bin=.venv/bin
logs=build/test
mkdir -p "$logs"
rm -f "$logs"/*.log
failed=

step() { # name, command...
    name=$1
    shift
    printf '\n=== %s\n' "$name"
    began=$(date +%s)
    # A pipe would hide the status of the command behind that of tee.
    { "$@" 2>&1; echo $? >"$logs/status"; } | tee "$logs/$name.log"
    status=$(cat "$logs/status")
    seconds=$(($(date +%s) - began))
    if [ "$status" -eq 0 ]; then
        verdict=passed
    else
        verdict=FAILED
        failed="$failed $name"
    fi
    printf '%-14s %s in %s s\n' "$name" "$verdict" "$seconds" >>"$logs/summary"
}

steady() { # command...: run tests; up to three that fail run once more, and are named for it
    failures=.pytest_cache/v/cache/lastfailed
    rm -f "$failures"
    "$@" && return 0
    [ -f "$failures" ] && [ "$(grep -c ': true' "$failures")" -le 3 ] || return 1
    named=$(sed -n 's/^ *"\(.*\)": true,*$/UNSTEADY \1/p' "$failures")
    printf '\n=== once more, those that failed\n'
    "$@" --last-failed --last-failed-no-failures=none || return 1
    echo "$named"
}

# Whatever cannot be collected is an error of its own, not a reason to leave the rest untried.
tests="$python -m pytest -p tests.helpers.skips --durations=15 --continue-on-collection-errors"

: >"$logs/summary"
step ruff "$bin/ruff" check app viewer loading tests packaging
step format "$bin/ruff" format --check app viewer loading tests packaging
step mypy "$bin/mypy" app viewer loading tests packaging
# shellcheck disable=SC2086  # $tests is a command and its arguments
{
    step architecture $tests tests/architecture
    step windowless steady sh packaging/linux/virtual_display.sh $tests \
        -n "${VOXTIDE_TEST_PROCESSES:-auto}" -m "not windows" --ignore=tests/architecture tests
    step windows steady sh packaging/linux/virtual_display.sh $tests \
        -m windows --ignore=tests/architecture tests
}

printf '\n=== summary\n'
cat "$logs/summary"
[ -z "$failed" ] || echo "Failed:$failed"
for part in architecture windowless windows; do
    grep -hE '^(FAILED|ERROR|UNSTEADY) ' "$logs/$part.log"
done
for part in architecture windowless windows; do
    grep -hE '^=+ .* in [0-9.]+s' "$logs/$part.log" | tail -n 1
done
[ -z "$failed" ]
