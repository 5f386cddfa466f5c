# Sourced by the server scripts: gets what the machine lacks, from Debian's packages.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }
die() { say "$*"; exit 1; }

# As root directly, else by sudo where that asks for no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

need() { # COMMAND PACKAGE: installs PACKAGE unless COMMAND is there
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null && return
  command -v apt-get >/dev/null || die "$1 is missing, and only Debian's packages are known here: install $2"
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
    die "$1 is missing. Run this first:  sudo apt-get install -y --no-install-recommends $2"
  say "installing $2"
  quiet_services
  if [ -z "${APT_UPDATED:-}" ]; then
    apt update
    APT_UPDATED=1
  fi
  apt install -y --no-install-recommends "$2"
  loud_services
}

apt() { # ARG...: apt-get says a line a package, of interest only where it fails
  local output
  output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
    2>&1 </dev/null) || { printf '%s\n' "$output" >&2; die "apt-get $* failed"; }
}

# Debian starts a service as soon as its package is installed; mosquitto's would take port 1883.
POLICY=/usr/sbin/policy-rc.d
quiet_services() {
  POLICY_OURS=''
  [ ! -e $POLICY ] || return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee $POLICY >/dev/null
  as_root chmod +x $POLICY
  POLICY_OURS=1
  trap loud_services EXIT
}
loud_services() {
  [ -z "${POLICY_OURS:-}" ] || as_root rm -f $POLICY
  POLICY_OURS=''
  trap - EXIT
}
