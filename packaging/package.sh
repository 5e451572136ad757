#!/bin/sh
# Build the frozen program, the .deb and the .tar.zst from a clean checkout:  sh packaging/package.sh
#
# On Debian 12 or later. Takes nothing from .venv: an environment of its own is made in
# build/package, with the wheel that is built first. Outputs go to dist/. A program whose self-test
# fails is refused.
#   VOXTIDE_DEB_COMPRESSION   xz (default) or zstd, ten times quicker and a third larger
set -eu
cd "$(dirname "$0")/.."
work=$PWD/build/package
python=${PYTHON:-python3}
say() { printf '=== %s\n' "$*"; }

missing=
for tool in dpkg-deb dpkg-query readelf strip zstd git Xvfb; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "Missing:$missing. apt-get install dpkg binutils zstd git xvfb" >&2
    exit 1
fi
if [ "$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("Py_ENABLE_SHARED"))')" != 1 ]; then
    echo "$python has no shared library, which the frozen program needs." >&2
    exit 1
fi
# The bundle takes what Qt needs from here: all of it must be here.
sh packaging/setup.sh system

version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
rm -rf "$work/bundle" "$work/freeze"
mkdir -p "$work" dist

say "environment"
[ -x "$work/venv/bin/python" ] || "$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --quiet --disable-pip-version-check"
$pip install "pyinstaller==6.22.*" build packaging

say "wheel and source archive"
# From a copy: setuptools would take along what an earlier build left in build/.
rm -rf "$work/source"
mkdir "$work/source"
git archive HEAD | tar -x -C "$work/source"
rm -f dist/voxtide-*.whl dist/voxtide-*.tar.gz
"$work/venv/bin/python" -m build --outdir dist "$work/source" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
ls -l dist
$pip uninstall --yes voxtide
$pip install "$(ls "$PWD"/dist/voxtide-*.whl)[zarr]"

# From here on everything is taken from what HEAD holds.
here=$work/source/packaging

say "freeze"
"$work/venv/bin/pyinstaller" --noconfirm --log-level WARN --distpath "$work/bundle" \
    --workpath "$work/freeze" "$here/voxtide.spec"
"$work/venv/bin/python" "$here/finish_bundle.py" "$work/bundle/voxtide" "$work/bundle/contents.json"
"$work/venv/bin/python" "$here/make_icons.py" "$work/bundle/icons"

say "self-test of the frozen program"
if ! sh packaging/linux/virtual_display.sh "$work/bundle/voxtide/voxtide" --self-test; then
    echo "The self-test failed: no package is made." >&2
    exit 1
fi

say "packages"
rm -f dist/*.deb dist/*.tar.zst
deb=dist/voxtide_${version}_$(dpkg --print-architecture).deb
sh "$here/linux/build_deb.sh" "$work/bundle/voxtide" "$version" "$deb" "${VOXTIDE_DEB_COMPRESSION:-xz}"
tar -C "$work/bundle" --owner=0 --group=0 --numeric-owner -c voxtide | zstd -q -T0 -12 -f \
    -o "dist/voxtide-$version-linux-$(uname -m).tar.zst"
ls -l dist
