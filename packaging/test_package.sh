#!/bin/sh
# Try what packaging/package.sh made, as a new user would:  sudo sh packaging/test_package.sh
#
# Checks the desktop files, runs lintian, installs the .deb in empty minimal roots of Debian 12 and
# 13, passes the self-test there, opens the demo under Xvfb and leaves its picture; unpacks the
# .tar.zst at another place; installs the wheel with pipx in a fresh environment. Results are in
# build/package/test. Needs root and debootstrap; takes from the environment, as
# packaging/linux/empty_root.sh does:
#   EMPTY_ROOT_MIRROR   archive to fetch systems from
#   EMPTY_ROOT_BASES    folder with roots made before, by suite, to copy instead of fetching
set -eu
cd "$(dirname "$0")/.."

if [ -z "${PACKAGE_TEST_INSIDE:-}" ]; then
    PACKAGE_TEST_INSIDE=1 exec unshare --mount --propagation private sh "$0" "$@"
fi
[ "$#" -gt 0 ] || set -- files lintian tar pipx bookworm trixie

deb=$(ls "$PWD"/dist/voxtide_*.deb)
archive=$(ls "$PWD"/dist/voxtide-*.tar.zst)
wheel=$(ls "$PWD"/dist/voxtide-*.whl)
results=$PWD/build/package/test
mkdir -p "$results"
: >"$results/summary"
failed=

step() { # name, function, arguments...
    name=$1
    shift
    printf '\n=== %s\n' "$name"
    if (set -e; "$@") >"$results/$name.log" 2>&1; then verdict=passed; else verdict=FAILED; fi
    [ $verdict = passed ] || failed="$failed $name"
    tail -n 45 "$results/$name.log"
    echo "$name $verdict" | tee -a "$results/summary"
}

# `sh -e` does not hold inside a condition: each of these chains its commands.
files() {
    desktop-file-validate packaging/linux/org.voxtide.Voxtide.desktop &&
        echo "desktop-file-validate: nothing to say" &&
        appstreamcli validate --no-net packaging/linux/org.voxtide.Voxtide.metainfo.xml &&
        xmllint --noout packaging/linux/org.voxtide.Voxtide.xml &&
        ls -l dist
}

run_lintian() {
    lintian --version
    # Debian's archive takes no zstd; a quick build is packed with it on purpose.
    case $(ar t "$deb") in *.zst*) quick=yes ;; *) quick= ;; esac
    lintian --allow-root --show-overrides \
        ${quick:+--suppress-tags malformed-deb-archive} "$deb" >"$results/lintian.txt" || true
    ! grep -v '^[NO]:' "$results/lintian.txt" | grep '^E:'
    echo "errors: none but those of packaging/linux/lintian-overrides:"
    grep '^O:' "$results/lintian.txt" | cut -d ' ' -f 3 | sort | uniq -c
    grep '^W:' "$results/lintian.txt" | cut -d ' ' -f 3 | sort | uniq -c
    ! grep -q '^E:' "$results/lintian.txt"
}

tar_elsewhere() {
    place=$(mktemp -d) &&
        tar -C "$place" --zstd -xf "$archive" &&
        mv "$place/voxtide" "$place/another name" &&
        sh packaging/linux/virtual_display.sh "$place/another name/voxtide" --self-test &&
        sh packaging/linux/virtual_display.sh "$place/another name/voxtide" demo \
            --screenshot "$results/tar.png" &&
        [ -s "$results/tar.png" ] && rm -rf "$place"
}

by_pipx() {
    place=$(mktemp -d) &&
        PIPX_HOME=$place/home PIPX_BIN_DIR=$place/bin pipx install "$wheel" &&
        "$place/bin/voxtide" --version &&
        sh packaging/linux/virtual_display.sh "$place/bin/voxtide" demo \
            --screenshot "$results/pipx.png" &&
        [ -s "$results/pipx.png" ] && rm -rf "$place"
}

in_root() { # suite
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/voxtide-root.XXXXXX")
    if [ -n "${EMPTY_ROOT_BASES:-}" ]; then
        cp -a "$EMPTY_ROOT_BASES/$1/." "$root/"
    else
        # shellcheck disable=SC2086
        debootstrap --variant=minbase "$1" "$root" ${EMPTY_ROOT_MIRROR:-}
    fi
    mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp "$deb" "$root/tmp/voxtide.deb"
    mkdir -p "$root/results"
    cp packaging/linux/virtual_display.sh "$root/tmp/"
    status=0
    # shellcheck disable=SC2046
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        DEBIAN_FRONTEND=noninteractive $(env | grep -E '^[A-Za-z]*_proxy=[^ ]*$') \
        chroot "$root" sh -c '
        set -e
        . /etc/os-release; echo "$PRETTY_NAME"
        ! command -v Xvfb
        before=$(dpkg-query -W | wc -l)
        apt-get -q update >/dev/null
        apt-get -q install -y --no-install-recommends /tmp/voxtide.deb >/tmp/apt.log 2>&1 || { tail /tmp/apt.log; exit 1; }
        echo "$(($(dpkg-query -W | wc -l) - before)) packages installed with it"
        # Only now the screen, which no part of the program may lean on: the self-test needs none.
        useradd -m somebody
        su somebody -c "voxtide --self-test"
        apt-get -q install -y --no-install-recommends xvfb desktop-file-utils shared-mime-info >/tmp/apt2.log 2>&1
        su somebody -c "sh /tmp/virtual_display.sh voxtide --self-test" | tail -n 4
        cd ~somebody
        su somebody -c "sh /tmp/virtual_display.sh voxtide demo --screenshot demo.png"
        cp demo.png /results/
        su somebody -c "voxtide info /usr/lib/voxtide/_internal/resources/demo/colin27" >/tmp/info.txt
        grep "181 slices of 181 x 217" /tmp/info.txt
        grep -q "application/dicom=.*org.voxtide.Voxtide.desktop" /usr/share/applications/mimeinfo.cache
        grep -q "x-scheme-handler/voxtide=org.voxtide.Voxtide.desktop" /usr/share/applications/mimeinfo.cache
        grep -q "application/x-nrrd:\*.nrrd" /usr/share/mime/globs
        echo "desktop, MIME types and the voxtide: scheme are registered"
        apt-get -q remove -y voxtide >/dev/null
        [ ! -e /usr/lib/voxtide ] && [ ! -e /usr/bin/voxtide ]
        echo "removed without a trace"
    ' || status=1
    cp "$root/results/demo.png" "$results/$1.png" || status=1
    umount -R "$root/proc" "$root/dev"
    rm -rf --one-file-system "$root"
    return $status
}

for what in "$@"; do
    case $what in
        files) step files files ;;
        lintian) step lintian run_lintian ;;
        tar) step tar tar_elsewhere ;;
        pipx) step pipx by_pipx ;;
        *) step "$what" in_root "$what" ;;
    esac
done
printf '\n=== summary\n'
cat "$results/summary"
[ -z "$failed" ]
