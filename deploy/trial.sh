#!/usr/bin/env bash
# The new owner's trial, for real: a bare Debian with nginx and php-fpm, from install to an enforced refusal on record,
# and back. It boots a Debian of its own in a directory, so nothing of this machine is touched but that directory.
#
#   sudo deploy/trial.sh /var/tmp/optout-trial
#
# SUITE and MIRROR name another Debian; BIND a file of this machine to be seen inside, such as its certificates.
#
# Needs root, debootstrap, systemd-container, a free port 80, and the network for Debian's packages and Python's. What an
# owner types is in `step` lines, as `optout init` prints it; what checks it is in `must` lines. It ends with 1 if
# anything went wrong, or if it took longer than ten minutes to a refusal, or one minute back.
set -euo pipefail

place=${1:?name a directory for the Debian, such as /var/tmp/optout-trial}
suite=${SUITE:-bookworm} mirror=${MIRROR:-http://deb.debian.org/debian}
here=$(cd "$(dirname "$0")/.." && pwd)
root=$place/root
mkdir -p "$place"

say() { printf '%5s s  %s\n' "$((SECONDS - since))" "$*"; }
inside() { nsenter -t "$init" -m -u -i -p -- env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -euc "$1"; }
step() { inside "$1" >>"$place/typed.log" 2>&1 || { echo "failed: $1 (see $place/typed.log)"; exit 1; }; say "$1"; }
must() { inside "$1" >>"$place/typed.log" 2>&1 || { echo "not so: $1 (see $place/typed.log)"; exit 1; }; }
status_of() { echo "curl -s -o /dev/null -w '%{http_code}' -A '$1' http://photos.example/a/page"; }
agent='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36'

since=$SECONDS
if [ ! -e "$root/etc/debian_version" ]; then
    debootstrap --variant=minbase --include=nginx,php-fpm,systemd,systemd-sysv,sudo,curl,ca-certificates,procps \
        "$suite" "$root" "$mirror" >"$place/debootstrap.log" 2>&1
fi
rm -rf "$root/usr/src/optout" && mkdir "$root/usr/src/optout"
git -C "$here" archive HEAD | tar -x -C "$root/usr/src/optout"
systemd-nspawn --register=no --keep-unit --quiet -D "$root" --console=pipe ${BIND:+--bind-ro="$BIND"} --boot >"$place/boot.log" 2>&1 &
nspawn=$!
# Ending systemd-nspawn's first child is what turns the machine off.
trap 'kill -s RTMIN+4 "${init:-$nspawn}" 2>/dev/null || true; wait "$nspawn" || true' EXIT
for _ in $(seq 100); do
    init=$(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null | tr -d ' ') || true
    [ -n "$init" ] && inside 'systemctl is-active --quiet nginx' 2>/dev/null && break
    sleep 0.3
done
inside 'mkdir -p /var/www/photos
echo "<?php echo \"A page for \", htmlspecialchars(\$_SERVER[\"REQUEST_URI\"]);" >/var/www/photos/index.php
printf "User-agent: *\nDisallow: /wp-admin/\n" >/var/www/photos/robots.txt
cat >/etc/nginx/sites-enabled/photos <<N
server {
    listen 80;
    server_name photos.example www.photos.example;
    root /var/www/photos;
    index index.php;
    location / { try_files \$uri \$uri/ /index.php?\$args; }
    location ~ \.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:$(ls /run/php/php8*-fpm.sock); }
}
N
echo "127.0.0.1 $(hostname) photos.example www.photos.example" >/etc/hosts
nginx -t -q && systemctl reload nginx && sleep 1'
must "[ \$($(status_of GPTBot/1.2)) = 200 ]"
say "a bare Debian serves the site; from here the owner types"

since=$SECONDS
step 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y pipx'
step "cd /usr/src/optout && sudo PIPX_HOME=/opt/pipx PIPX_BIN_DIR=/usr/local/bin pipx install '.[serve]'"
step 'sudo optout init /etc/optout --yes'
step 'id optout || sudo useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin optout'
step 'sudo systemctl enable --now /etc/optout/optout-route.service'
step 'sudo ln -s /etc/optout/route-http.conf /etc/nginx/conf.d/route-http.conf'
step "sed -i '0,/server {/s//server {\n    include \/etc\/optout\/route-server.conf;/' /etc/nginx/sites-enabled/photos"
step 'sudo nginx -t && sudo systemctl reload nginx && sleep 1'
step 'sudo optout doctor http://photos.example/ --state /var/lib/optout || [ $? = 1 ]'
must "[ \$($(status_of GPTBot/1.2)) = 200 ]"
must 'optout evidence list /var/lib/optout/evidence --type crawl.request | grep "GPTBot would deny"'
step "sed -i 's/^mode: observe/mode: enforce/' /etc/optout/policy.yaml && sleep 1.5"
must "[ \$($(status_of GPTBot/1.2)) = 403 ]"
must "[ \$($(status_of "$agent")) = 200 ]"
must 'optout evidence list /var/lib/optout/evidence --type crawl.request | grep "GPTBot deny photos.example/a/page"'
must 'optout evidence verify /var/lib/optout/evidence'
say "a refusal is enforced and on record"
there=$((SECONDS - since))

since=$SECONDS
step "sed -i '/route-server.conf/d' /etc/nginx/sites-enabled/photos"
step 'sudo rm /etc/nginx/conf.d/route-http.conf'
step 'sudo nginx -t && sudo systemctl reload nginx && sleep 1'
step 'sudo systemctl disable --now optout-route.service'
step 'sudo optout init --undo /etc/optout'
must "[ \$($(status_of GPTBot/1.2)) = 200 ]"
must '[ "$(ls /etc/optout)" = policy.yaml ]'
say "the site is as it was"
back=$((SECONDS - since))

echo "to an enforced refusal on record: $there s of 600; back: $back s of 60"
[ "$there" -le 600 ] && [ "$back" -le 60 ]
