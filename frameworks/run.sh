#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# run.sh COMMAND...: runs COMMAND where PyTorch and ONNX Runtime are (see setup.sh), in this working directory and with
# this environment, and ends with its exit status; with 77 where there is no such place.
#
# Where that is a root of its own, COMMAND sees this project, the working directory, brdnn's cache and the folders
# named in BRDNN_BIND, separated by colons, at their places. The system is the root's and can't be written; all else,
# as /tmp and the home folder, is empty at first and gone afterwards.

set -eu

[ $# -gt 0 ] || {
    echo "usage: run.sh COMMAND..." >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
root=$(sh "$here/setup.sh")
# Packages of the user's own must not hide the distribution's.
export PYTHONNOUSERSITE=1
[ "$root" != / ] || exec "$@"

namespace='--mount --propagation private'
[ "$(id -u)" -eq 0 ] || namespace="--map-root-user $namespace"
shown=${here%/*}:$PWD:${root%/*}${BRDNN_BIND:+:$BRDNN_BIND}

# A new top in memory, so that there is a place for each mount and the root stays as it is. The mounts end with the
# process, as their namespace does. The shells hand over by exec: COMMAND has this process's id, and gets its signals.
# shellcheck disable=SC2016 # the inner shell's
inside='
root=$1 shown=$2
shift 2
top=$root/mnt
mount -t tmpfs -o mode=755 tmpfs "$top"
for link in bin sbin lib lib64; do cp -P "$root/$link" "$top/"; done
mkdir -m 1777 "$top/tmp"
mkdir -p "$top/run" "$top/var/tmp"
for folder in usr etc; do
    mkdir "$top/$folder"
    mount --bind "$root/$folder" "$top/$folder"
done
for folder in proc sys dev; do
    mkdir "$top/$folder"
    mount --rbind "/$folder" "$top/$folder"
done
for file in hosts hostname resolv.conf; do
    [ ! -f "/etc/$file" ] || mount --bind "/etc/$file" "$top/etc/$file"
done
for folder in usr etc; do mount -o remount,bind,ro "$top/$folder"; done
set -f
IFS="
"
# A folder before those in it.
for folder in $(echo "$shown" | tr : "\\n" | sort -u); do
    [ -d "$top$folder" ] || {
        mkdir -p "$top$folder" 2>/dev/null || {
            echo "error: $folder is among the folders of the system: keep the project elsewhere." >&2
            exit 77
        }
        mount --rbind "$folder" "$top$folder"
    }
done
unset IFS
set +f
mkdir -p "$top${HOME:-/root}" 2>/dev/null || true
exec chroot "$top" sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$PWD" "$@"'
# shellcheck disable=SC2086 # a list of words
exec unshare $namespace sh -euc "$inside" sh "$root" "$shown" "$@"
