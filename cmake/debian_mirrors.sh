#!/bin/sh
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0

# Prints the mirrors of Debian's main archive that this machine's apt uses, one a line. Which of them has what is
# wanted, and whether it is Debian, is for the user of the list to prove by the signature.

# shellcheck disable=SC1091 # of the machine
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# shellcheck disable=SC2016 # apt's own variables
apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v codename="$codename" '
        $3 == "main" && ($2 == codename || $2 ~ /^(old)?stable$|^testing$|^trixie$/) && !seen[$1]++ { print $1 }'
