#!/usr/bin/env bash
# The Debian packages that the tests use and a small image may lack. Where they are installed it does nothing.
set -euo pipefail

# git: the house test reads the list of files. make: the README's commands. systemd: systemd-analyze checks the unit.
# The front ends that the compiled and routed edges are tried in, php-fpm behind one of them; wrk loads the doors in
# benchmarks/doors.py. openssl reads what the log signs and plays a timestamp authority; strace, faketime and small file
# systems (e2fsprogs) make the faults; chromium opens verify.html.
packages=(git make systemd nginx caddy haproxy apache2 php8.2-fpm curl wrk openssl strace faketime e2fsprogs chromium poppler-utils)

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "not a Debian system: see that these are installed: ${missing[*]}" >&2
    exit 0
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update --quiet
# RUNLEVEL=1: their services are not started; the tests start each server by themselves, with a configuration of their own.
"${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "${missing[@]}"
