#!/bin/sh
# Makes the passwords that compose.yaml reads, once; what is there stays. Run as root, so that each file can be given to
# the one user in a container who reads it: file secrets keep the owner that they have here.
#
#   sudo infra/compose/secrets.sh [FOLDER]      default: secrets/ beside this file
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 711 "$folder"

drawn() { od -An -N 24 -t x1 /dev/urandom | tr -d ' \n'; }
keep() { # FILE OWNER TEXT
  [ -e "$folder/$1" ] && return
  printf '%s\n' "$3" >"$folder/$1.part"
  chmod 400 "$folder/$1.part"
  [ "$(id -u)" != 0 ] || chown "$2" "$folder/$1.part"
  mv "$folder/$1.part" "$folder/$1"
}

keep postgres-password 999:999 "$(drawn)"
keep server-pgpass 10001:10001 "*:*:carnet:carnet:$(cat "$folder/postgres-password")"
keep grafana-password 472:0 "$(drawn)"
[ "$(id -u)" = 0 ] || echo "not root: give each file to its reader: postgres 999, server 10001, grafana 472" >&2
