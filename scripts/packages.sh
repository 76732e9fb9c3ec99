#!/usr/bin/env bash
# Installs what packages.txt lists and this machine lacks, and sees that there is a Swift toolchain.
# Asks the package manager only when something is missing, so it costs nothing the second time.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "purser: $*" >&2
  exit 1
}

mapfile -t packages < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' packages.txt)

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
  done
else
  echo "purser: this is no Debian; see to it yourself that these are here: ${packages[*]}" >&2
fi

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "no apt-get to install: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "run as root or install sudo; missing: ${missing[*]}"
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  # Another installation may hold the lock for a while.
  apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq)
  "${as_root[@]}" "${apt[@]}" update || fail "apt-get update failed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends \
    "${missing[@]}" >/dev/null || fail "could not install: ${missing[*]}"
fi

# The toolchain is not a Debian package; https://www.swift.org/install/linux tells how to get it.
command -v swift >/dev/null ||
  fail "no swift in PATH; Purser needs the Swift 6.3 toolchain: https://www.swift.org/install/linux"
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
read -r major minor <<<"${version:-0 0}"
if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 3 ]; }; then
  fail "Swift $major.$minor is too old; Purser needs 6.3: https://www.swift.org/install/linux"
fi
