#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Prints the folder of oneDNN 3.7.2's source. Where it is missing, it is fetched first: Debian 13's source package,
# through apt with its signature check, into the user's cache folder. apt works on a state of its own, so the machine's
# apt set-up neither has to list the package nor is changed, and no root is needed.

set -eu

version=3.7.2
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/brdnn
source=$cache/onednn-$version

if [ -d "$source" ]; then
    printf '%s\n' "$source"
    exit
fi

# From here on only the answer goes to standard output.
exec 3>&1 >&2

fail() {
    echo "error: $* Or name an oneDNN checkout of your own: make ONEDNN_SOURCE=<folder>."
    exit 1
}

for tool in apt-get dpkg-source patch xz; do
    command -v $tool >/dev/null || fail "$tool is missing, it fetches oneDNN's source: run sh cmake/setup.sh on Debian."
done
[ -f $keyring ] || fail "$keyring is missing: install debian-archive-keyring."
mkdir -p "$cache" || fail "The cache folder $cache can't be made: set XDG_CACHE_HOME to a folder that can be written."
[ "$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')" -gt 400000 ] ||
    fail "The disk of $cache is full: free 400 MB, or set XDG_CACHE_HOME to a folder on another one."

# Beside its final place, so that the move at the end is one rename and nothing half done has the final name.
work=$(mktemp -d "$cache/.fetch-XXXXXX") || fail "$cache can't be written: set XDG_CACHE_HOME to a folder that can."
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Read by apt after the machine's own settings. Those are kept, as proxies and credentials are among them; the hooks
# are not, as they act on the machine's apt state.
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/download"
cat >"$work/apt.conf" <<END
Dir::State "$work/state/";
Dir::State::lists "$work/state/lists/";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$work/cache/";
Dir::Cache::archives "$work/cache/archives/";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
END

# Which of the mirrors has the package, and whether it is Debian, is proven by the signature.
mirrors=$(sh "$(dirname "$0")/debian_mirrors.sh")
[ -n "$mirrors" ] || fail "apt's configuration names no Debian mirror to fetch oneDNN's source from: add one."

updated=
for mirror in $mirrors; do
    echo "Fetching oneDNN $version's source from $mirror ($suite)"
    echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
    if apt-get -c "$work/apt.conf" -q update; then
        updated=yes
        break
    fi
done
[ -n "$updated" ] || fail "oneDNN's source can't be fetched from $mirror: check the network and the mirror's $suite."

found=$(apt-cache -c "$work/apt.conf" showsrc --only-source onednn | sed -n 's/^Version: //p' | head -n 1)
case $found in
    "$version" | "$version"[-+]*) ;;
    *) fail "brdnn builds oneDNN $version, but the $suite of $mirror has ${found:-none}." ;;
esac

cd "$work/download"
apt-get -c "$work/apt.conf" -qq --download-only source onednn ||
    fail "The download of oneDNN's source from $mirror broke off: try again."

# apt has checked what dpkg-source would check again.
dpkg-source -q --no-check -x onednn_*.dsc "$work/source" >/dev/null ||
    fail "oneDNN's source can't be unpacked: is the disk full?"
# The one change of the distribution that we don't want: it switches benchdnn off.
unwanted=$work/source/debian/patches/disable-benchdnn-tests.patch
[ ! -f "$unwanted" ] || patch -s -d "$work/source" -R -p1 <"$unwanted" ||
    fail "benchdnn can't be switched on in $found: the distribution's patch has changed."

# Another run may have been faster; then its result serves.
mv -T "$work/source" "$source" 2>/dev/null || [ -d "$source" ] || fail "$source can't be made."
printf '%s\n' "$source" >&3
