#!/usr/bin/env bash
# Installs the Debian packages that the given lists name and that are not there yet. Needs root only
# where something is missing.
#
#   samples/install-packages.sh LIST...
#
# A line "PACKAGE(COMMAND)" is for a command that may well be there from elsewhere: then it serves.
set -euo pipefail

mapfile -t wanted < <(sed 's/#.*//' "$@" | tr -s ' \t' '\n' | sed '/^$/d' | sort -u)
missing=()
for package in "${wanted[@]}"; do
    if [[ $package =~ ^(.+)\((.+)\)$ ]]; then
        package=${BASH_REMATCH[1]}
        ! command -v "${BASH_REMATCH[2]}" >/dev/null || continue
    fi
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "klio: these packages are missing, and installing them needs root:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]}"
# A list of packages may be old or absent; it is fetched only where something must be installed.
# A service that a package would start has no business running because klio was built.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get -qq update
apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
