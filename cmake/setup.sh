#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Makes sure, in the folder to build in, that there is room, and installs with apt what building, testing and
# measuring need and this machine lacks. Does nothing where all is there.

set -eu

fail() {
    echo "error: $*" >&2
    exit 1
}

[ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -gt 600000 ] || fail "the disk of $PWD is full: free 600 MB there."

# Debian's own interpreter, as it is the one that sees Debian's modules.
python=${PYTHON:-/usr/bin/python3}

need() { # <package> <command that succeeds where it is there>
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1")" = installed ]; }
has_module() { "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

look() {
    missing=
    need gcc command -v gcc
    need g++ command -v g++
    need cmake command -v cmake
    need ninja-build command -v ninja
    need ccache command -v ccache
    need pkgconf command -v pkg-config
    need patch command -v patch
    need xz-utils command -v xz
    need python3 command -v "$python"
    for module in matplotlib numpy tabulate tqdm; do
        need python3-$module has_module $module
    done
    # What can't be seen from a command is asked of dpkg; without dpkg, CMake looks for it.
    if command -v dpkg-query >/dev/null; then
        need dpkg-dev command -v dpkg-source
        for library in libc6-dev libgtest-dev libspdlog-dev libxsmm-dev; do
            need $library installed $library
        done
    fi
}

look
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
    fail "apt installs what is needed on Debian; here, install what these packages hold yourself:$missing"

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        fail "these packages are missing, and installing them takes root. As root: apt-get update && apt-get install$missing"
    as_root=sudo
fi

echo "Installing:$missing"
# A list that can't be fetched is no reason to stop yet: the packages may come from the others.
$as_root apt-get -q update || true
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 install $missing ||
    fail "apt could not install$missing: check the network, the disk and apt's message above, then try again."
look
[ -z "$missing" ] || fail "still missing after apt installed it, is $python another Python than Debian's?$missing"
