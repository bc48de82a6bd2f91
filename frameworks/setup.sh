#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Prints the folder of a Debian 13 system with PyTorch and ONNX Runtime: '/' where this machine is one, otherwise a root
# of its own in the user's cache folder, for run.sh to enter. It is made by debootstrap on the first call, which takes
# root and some minutes; the machine's own system is left as it is, except that debootstrap is installed if need be.
# Progress goes to standard error. Where there is no such system and none can be made, one sentence there says why, and
# the exit status is 77.

set -eu
PATH=$PATH:/usr/sbin:/sbin # debootstrap, chroot

# torch.compile compiles with g++, libtorch-dev and python3-setuptools.
packages="python3-torch python3-onnxruntime python3-onnx python3-h5py python3-matplotlib python3-numpy \
python3-pytest python3-scipy python3-sklearn python3-tabulate python3-setuptools python3-tqdm g++ libtorch-dev"
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/brdnn
# Another list of packages is another root.
root=$cache/$suite-$(echo "$packages" | cksum | cut -d ' ' -f 1)
here=$(cd "$(dirname "$0")" && pwd)

unavailable() {
    [ ! -t 2 ] || printf '\r\033[K' >&2
    echo "There is no PyTorch to run with brdnn here: $*" >&2
    exit 77
}

machine_has_all() {
    # shellcheck disable=SC1091 # of the machine
    (. /etc/os-release && [ "${VERSION_CODENAME:-}" = $suite ]) 2>/dev/null || return 1
    for package in $packages; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
    done
    # Another PyTorch, in /usr/local, could hide Debian's.
    /usr/bin/python3 -s -c 'import importlib.util, sys
sys.exit(not importlib.util.find_spec("torch").origin.startswith("/usr/lib/"))' 2>/dev/null
}

if machine_has_all; then
    echo /
    exit
fi

namespace='--mount --propagation private'
[ "$(id -u)" -eq 0 ] || namespace="--map-root-user $namespace"
# shellcheck disable=SC2086 # a list of words
unshare $namespace true 2>/dev/null ||
    unavailable "this system lets you have no mounts of your own (unshare), run it as root or where that is allowed."

if [ -d "$root" ]; then
    printf '%s\n' "$root"
    exit
fi

mkdir -p "$cache" 2>/dev/null ||
    unavailable "$cache can't be made, set XDG_CACHE_HOME to a folder that can be written."

if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || unavailable "making a Debian 13 root takes root, run 'sudo -E sh $here/setup.sh' once."
    exec sudo -n env HOME="$HOME" XDG_CACHE_HOME="${cache%/brdnn}" http_proxy="${http_proxy:-}" \
        https_proxy="${https_proxy:-}" sh "$here/setup.sh"
fi

[ "$(uname -m)" = x86_64 ] || unavailable "brdnn is for x86-64, this is $(uname -m)."
command -v apt-get >/dev/null ||
    unavailable "the Debian 13 root is fetched with apt's settings, which this system lacks, use Debian or a container."

# One at a time. Who had to wait finds the root made.
exec 9>"$cache/.$suite.lock"
flock -n 9 || {
    echo "Another run is making the Debian 13 root, waiting for it" >&2
    flock 9
}
if [ -d "$root" ]; then
    printf '%s\n' "$root"
    exit
fi

# What a killed run has left.
rm -rf --one-file-system "$cache/.$suite-"*
[ "$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')" -gt 4000000 ] ||
    unavailable "the disk of $cache is full, free 4 GB or set XDG_CACHE_HOME to a folder on another one."

if ! command -v debootstrap >/dev/null || [ ! -f $keyring ]; then
    echo "Installing: debootstrap debian-archive-keyring" >&2
    { apt-get -q update || true; } >&2
    DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 install debootstrap debian-archive-keyring >&2 ||
        unavailable "debootstrap can't be installed, see apt's message above."
fi

# Beside its final place, so that the move at the end is one rename and nothing half done has the final name. All mounts
# are made in a namespace that ends with the process, so nothing is ever mounted below where this is removed.
work=$(mktemp -d "$cache/.$suite-XXXXXX") || unavailable "$cache can't be written, set XDG_CACHE_HOME to one that can."
new=$work/root
log=$work/log
job=
leave() {
    [ -z "$job" ] || kill -TERM "-$job" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

watched() { # <command>: runs it in a process group and a mount namespace of its own, and shows how it gets on
    setsid unshare --mount --propagation private "$@" >"$log" 2>&1 &
    job=$!
    seconds=0
    while kill -0 $job 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ -t 2 ]; then
            printf '\r\033[K%.100s' "$(tail -n 1 "$log")" >&2
        elif [ $((seconds % 20)) -eq 0 ]; then
            tail -n 1 "$log" >&2
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    status=0
    wait $job || status=$?
    job=
    [ $status -eq 0 ] || tail -n 5 "$log" >&2
    return $status
}

# debootstrap fetches with wget, which has proxies from the environment and passwords from ~/.netrc.
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
[ -z "${http_proxy:-}" ] || export http_proxy
[ -z "${https_proxy:-}" ] || export https_proxy
mkdir -m 700 "$work/home"
cat /etc/apt/auth.conf /etc/apt/auth.conf.d/*.conf 2>/dev/null |
    sed -E 's|^(machine +)([a-z]+://)?([^/: ]+)[^ ]*|\1\3|' >"$work/home/.netrc"

mirrors=$(sh "$here/../cmake/debian_mirrors.sh")
[ -n "$mirrors" ] || unavailable "apt's configuration names no Debian mirror to fetch it from, add one."
made=
for mirror in $mirrors; do
    echo "Making a Debian 13 root with PyTorch and ONNX Runtime in $cache: 2 GB, a few minutes, from $mirror" >&2
    if HOME=$work/home watched debootstrap --variant=minbase --arch=amd64 --force-check-gpg --keyring=$keyring \
        $suite "$new" "$mirror"; then
        made=yes
        break
    fi
    rm -rf --one-file-system "$new"
done
[ -n "$made" ] || unavailable "debootstrap can't fetch Debian 13 from $mirror, check the network and the mirror."

# apt in the root works with the settings of the machine's: proxies and checks from its configuration, passwords and
# certificates from its /etc, which is shown at /mnt.
apt-config dump Acquire >"$new/tmp/apt.conf"
cat >>"$new/tmp/apt.conf" <<END
Acquire::https::CAInfo "/mnt/ssl/certs/ca-certificates.crt";
Dir::Etc::netrc "/mnt/apt/auth.conf";
Dir::Etc::netrcparts "/mnt/apt/auth.conf.d/";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "false";
Dpkg::Use-Pty "0";
DPkg::Options:: "--force-unsafe-io";
END
# shellcheck disable=SC2016 # the inner shell's
inside='
for folder in proc dev; do mount --rbind "/$folder" "$1/$folder"; done
mount --bind /etc "$1/mnt"
exec chroot "$1" sh -euc "$2"'
DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 watched sh -euc "$inside" sh "$new" "
    apt-get -q -c /tmp/apt.conf update
    apt-get -qy -c /tmp/apt.conf install $packages
    apt-get -q clean
    rm -rf /var/lib/apt/lists/* /tmp/apt.conf
    touch /etc/hosts /etc/hostname /etc/resolv.conf" ||
    unavailable "apt can't install PyTorch in the Debian 13 root, see its message above and try again."

mv -T "$new" "$root"
printf '%s\n' "$root"
