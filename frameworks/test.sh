#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# test.sh BUILD: runs the framework tests where PyTorch and ONNX Runtime are (see run.sh), with the library built in
# BUILD in front and then with the distribution's; 77 where there is no such place.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build folder}" && pwd)
export BRDNN_BIND="$build${BRDNN_BIND:+:$BRDNN_BIND}"

tests() { # <library> <env's options>...
    library=$1
    shift
    echo "Framework tests, $library library"
    sh "$here/run.sh" env "$@" timeout --foreground --kill-after=30 1500 /usr/bin/python3 -m pytest -rs -p no:cacheprovider "$here/tests" --library="$library"
}

tests plugin LD_LIBRARY_PATH="$build/lib"
tests stock -u LD_LIBRARY_PATH
