#!/bin/sh
# Sees that the packages are there which the native side is built from (`packages.sh`), or the host
# and the display that tests play it in (`packages.sh hosts`), on Debian and its kin. Installs what is
# missing where it may; else names it in one line and fails. Elsewhere it does nothing: there CMake
# says what it does not find, and fetches what it can.
set -eu

if [ "${1:-build}" = hosts ]; then
    packages="ardour lua5.4 xvfb openbox xdotool imagemagick lilv-utils binutils"
else
    packages="cmake ninja-build g++ pkg-config doctest-dev nlohmann-json3-dev libzmq3-dev \
cppzmq-dev libmsgpack-cxx-dev juce-modules-source"
fi

command -v dpkg-query >/dev/null || exit 0

missing=""
for package in $packages; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    echo "missing packages:$missing; run: sudo apt-get install$missing" >&2
    exit 1
fi

echo "installing packages:$missing"
install="$as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
# The lists of a fresh machine are empty, and old ones name files that are gone.
# shellcheck disable=SC2086
$install $missing || { $as_root apt-get update -q && $install $missing; } || {
    echo "these packages could not be installed:$missing; install them" >&2
    exit 1
}
