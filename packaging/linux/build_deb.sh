#!/bin/sh
# Make the .deb of a finished bundle:  sh packaging/linux/build_deb.sh BUNDLE VERSION OUTPUT [xz|zstd]
#
# Needs dpkg-deb; no root (dpkg-deb writes root as the owner of everything).
set -eu
bundle=$1 version=$2 output=$3 compression=${4:-xz}
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
architecture=$(dpkg --print-architecture)
id=org.voxtide.Voxtide

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
umask 022

mkdir -p "$tree/usr/lib" "$tree/usr/bin"
cp -a "$bundle" "$tree/usr/lib/voxtide"
ln -s ../lib/voxtide/voxtide "$tree/usr/bin/voxtide"

put() { # source, place inside
    mkdir -p "$(dirname "$tree/$2")"
    install -m 644 "$1" "$tree/$2"
}
put "$here/$id.desktop" "usr/share/applications/$id.desktop"
put "$here/$id.metainfo.xml" "usr/share/metainfo/$id.metainfo.xml"
put "$here/$id.xml" "usr/share/mime/packages/$id.xml"
put "$here/lintian-overrides" usr/share/lintian/overrides/voxtide
put "$here/voxtide.1" usr/share/man/man1/voxtide.1
gzip -9n "$tree/usr/share/man/man1/voxtide.1"
put "$repository/resources/icons/voxtide.svg" "usr/share/icons/hicolor/scalable/apps/$id.svg"
put "$here/icons/volume.svg" "usr/share/icons/hicolor/scalable/mimetypes/$id-volume.svg"
for icon in "$(dirname "$bundle")"/icons/*/*/*.png; do
    put "$icon" "usr/share/icons/hicolor/${icon#"$(dirname "$bundle")"/icons/}"
done

# The licences are read where Debian's own are; the program finds them in its folder.
doc=$tree/usr/share/doc/voxtide
mkdir -p "$doc"
mv "$tree/usr/lib/voxtide/licenses" "$doc/licenses"
ln -s ../../share/doc/voxtide/licenses "$tree/usr/lib/voxtide/licenses"
{
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: Voxtide\n\nFiles: *\nCopyright: 2026 Voxtide authors\nLicense: Expat\n'
    sed -n '3,$s/^$/./; 3,$s/^/ /p' "$repository/LICENSE"
    printf '\nFiles: usr/lib/voxtide/_internal/resources/demo/*\n'
    printf 'Copyright: 1993-2009 Louis Collins, Montreal Neurological Institute, McGill University\n'
    printf 'License: MNI\n'
    sed 's/^$/./; s/^/ /' "$repository/resources/demo/NOTICE"
    printf '\nFiles: usr/lib/voxtide/_internal/*\nCopyright: the authors of each part\nLicense: various\n'
    printf ' Each part with its version and licence is listed in\n'
    printf ' /usr/share/doc/voxtide/licenses/index.json, its texts beside it. Nothing is under a\n'
    printf ' licence stronger than the GNU Lesser General Public License, whose texts are in\n'
    printf ' /usr/share/common-licenses/LGPL-3 and /usr/share/common-licenses/LGPL-2.1.\n'
} >"$doc/copyright"
# The project has no address of its own: .invalid is reserved (RFC 6761) for names that are to be seen
# as leading nowhere. Who gives packages away puts theirs here.
author=${VOXTIDE_MAINTAINER:-Voxtide authors <voxtide@packages.invalid>}
printf 'voxtide (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' \
    "$version" "$author" "$(date -uR -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")" | gzip -9n >"$doc/changelog.gz"
gzip -9nc "$repository/CHANGELOG.md" >"$doc/NEWS.gz"

find "$tree" -type d -exec chmod 755 {} +
find "$tree" -type f -exec chmod 644 {} +
chmod 755 "$tree/usr/lib/voxtide/voxtide"
# bytes, not the tree's own blocks
size=$(du -sk --apparent-size "$tree/usr" | cut -f1)

mkdir -p "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: voxtide
Version: $version
Architecture: $architecture
Section: science
Priority: optional
Maintainer: $author
Installed-Size: $size
Depends: libc6 (>= 2.34), libgcc-s1, libstdc++6, zlib1g, libgl1, libegl1, libglib2.0-0 | libglib2.0-0t64, libxkbcommon0, libdbus-1-3, libfontconfig1, libfreetype6, libx11-6, libx11-xcb1, libxcb1, libdrm2, libwayland-client0, libwayland-cursor0, libwayland-egl1
Recommends: libgl1-mesa-dri, libxcursor1, fonts-dejavu-core, shared-mime-info, ca-certificates
Description: viewer for scanned volumes in three planes and 3D
 Drop a folder of slices on the window and the volume is there: coarse at once,
 sharp a moment later, in three planes and 3D. Reads DICOM in all the usual
 encodings, NIfTI, Analyze, MGH, NRRD, MetaImage, TIFF, folders of pictures and
 OME-Zarr.
 .
 Not a medical device: not certified for diagnosis or treatment.
CONTROL
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
chmod 644 "$tree/DEBIAN/md5sums"
dpkg-deb --root-owner-group "-Z$compression" --build "$tree" "$output" >/dev/null
