#!/bin/sh
# Prove packaging/demo.sh and packaging/test.sh in an empty system that has python3 and nothing else.
#
#   sudo sh packaging/linux/empty_root.sh SUITE [demo|test|install ...]      bookworm, trixie, noble
#
# Needs root and debootstrap. What HEAD holds is cloned into the new root; pictures and logs are
# left in build/empty_root/SUITE. Taken from the environment, because every network is different:
#   EMPTY_ROOT_MIRROR    archive to fetch the system from (default: debootstrap's own)
#   EMPTY_ROOT_OPTIONS   more options for debootstrap
#   EMPTY_ROOT_SCRIPT    debootstrap's script, where it does not know the suite
#   EMPTY_ROOT_BASE      a root made before, to copy instead of fetching one
#   EMPTY_ROOT_COPY      files to copy to the same place (pip's configuration, certificates)
#   EMPTY_ROOT_BIND      folders to show at the same place, read-only (a package cache)
#   EMPTY_ROOT_DATA      folder that the tests find as ../shared
#   EMPTY_ROOT_KEEP      set: leave the root where it is and say where
# Variables named PIP_*, SSL_*, *_proxy and CI go along.
set -eu
cd "$(dirname "$0")/../.."

suite=${1:?usage: sh packaging/linux/empty_root.sh SUITE [demo|test|install ...]}
shift
[ "$#" -gt 0 ] || set -- demo test

# A mount namespace of its own: every mount below is gone when this script ends, however it ends.
if [ -z "${EMPTY_ROOT_INSIDE:-}" ]; then
    EMPTY_ROOT_INSIDE=1 exec unshare --mount --propagation private sh "$0" "$suite" "$@"
fi

root=$(mktemp -d "${TMPDIR:-/var/tmp}/empty_root.XXXXXX")
results=$PWD/build/empty_root/$suite
mkdir -p "$results"
cleanup() {
    [ -z "${EMPTY_ROOT_KEEP:-}" ] || { echo "The root is left in $root"; return 0; }
    umount -R "$root/proc" "$root/dev" 2>/dev/null || true
    for folder in ${EMPTY_ROOT_BIND:-} ${EMPTY_ROOT_DATA:+/shared}; do
        umount "$root$folder" 2>/dev/null || true
    done
    # Never reach through a mount that would not go.
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT

if [ -n "${EMPTY_ROOT_BASE:-}" ]; then
    cp -a "$EMPTY_ROOT_BASE/." "$root/"
else
    # shellcheck disable=SC2086
    debootstrap --variant=minbase --include=python3 ${EMPTY_ROOT_OPTIONS:-} "$suite" "$root" \
        ${EMPTY_ROOT_MIRROR:-} ${EMPTY_ROOT_SCRIPT:-} >"$results/debootstrap.log"
fi

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
for file in ${EMPTY_ROOT_COPY:-}; do
    mkdir -p "$root$(dirname "$file")"
    cp -aL "$file" "$root$(dirname "$file")/"
done
show() { # folder here, folder there
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    mount -o remount,ro,bind "$root$2"
}
for folder in ${EMPTY_ROOT_BIND:-}; do show "$folder" "$folder"; done
[ -z "${EMPTY_ROOT_DATA:-}" ] || show "$EMPTY_ROOT_DATA" /shared
git clone --quiet --no-hardlinks . "$root/voxtide"
chmod -R a+rX "$root/voxtide"

inside() {
    # shellcheck disable=SC2046  # one word per variable
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        $(env | grep -E '^(PIP_[A-Z_]*|SSL_[A-Z_]*|[A-Za-z]*_proxy|CI)=[^ ]*$') \
        chroot "$root" sh -c "cd /voxtide && $1"
}

failed=
run() { # name, command
    began=$(date +%s)
    status=0
    { inside "$2" 2>&1 </dev/null || echo "status $?" >"$results/failed"; } | tee "$results/$1.log"
    if [ -e "$results/failed" ]; then
        status=1
        rm "$results/failed"
        failed="$failed $1"
    fi
    echo "--- $suite, $1: $([ "$status" -eq 0 ] && echo passed || echo FAILED), $(($(date +%s) - began)) s" \
        | tee -a "$results/summary"
}

: >"$results/summary"
inside 'python3 -V; for name in make pip pip3 gcc Xvfb; do ! command -v $name || exit 1; done'
# Without root's rights: one line that says what to run, status 1, nothing written.
run unprivileged 'su -s /bin/sh nobody -c "sh packaging/demo.sh" >/tmp/said 2>&1 && exit 1
    cat /tmp/said; grep -q "^sudo apt-get update && sudo apt-get install" /tmp/said && [ ! -e .venv ]'
for what in "$@"; do
    case $what in
        demo)
            run demo 'sh packaging/demo.sh && [ -s demo.png ]'
            cp "$root/voxtide/demo.png" "$results/" 2>/dev/null || true
            run demo_again 'sh packaging/demo.sh && [ -s demo.png ]'
            ;;
        test) run "test" 'sh packaging/test.sh' ;;
        install)
            # The README's way without the checkout: only what the wheel carries is there.
            run install 'sh packaging/setup.sh run && python3 -m venv /tmp/voxtide-env &&
                /tmp/voxtide-env/bin/pip install -q . && cd / && rm -rf /voxtide &&
                /tmp/voxtide-env/bin/voxtide info \
                    /tmp/voxtide-env/lib/python3*/site-packages/resources/demo/colin27'
            ;;
        *) run other "$what" ;;
    esac
done
echo "=== $suite"
cat "$results/summary"
[ -z "$failed" ]
