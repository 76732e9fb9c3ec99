#!/usr/bin/env bash
# A package that depends on a version of this one by URL builds and runs: no unsafe flags in the way, and no library at
# run time that its policies do not need. The version is a tag in a temporary repository made of the files here.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What is tracked, and what is new and not ignored, as it is now.
mkdir "$folder/purser"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done |
  tar --null -T - -cf - | tar -xf - -C "$folder/purser"
git -C "$folder/purser" init --quiet
git -C "$folder/purser" add --all
git -C "$folder/purser" -c user.name=test -c user.email=test@example.org -c commit.gpgsign=false \
  commit --quiet --message "for a test"
git -C "$folder/purser" tag 0.0.1

cp -r Tests/Dependant "$folder/dependant"
cd "$folder/dependant"
export PURSER_REPOSITORY="file://$folder/purser"
# A tag of this name has another content each time, so nothing is to remember it.
swift build --quiet --security-path "$folder/security" --scratch-path "$folder/build" --product dependant
program=$folder/build/debug/dependant

output=$("$program")
expected='GET allow 200
PUT deny 403
purser_checks_total{verdict="allow"} 1
purser_checks_total{verdict="deny"} 1'
if [ "$output" != "$expected" ]; then
  printf 'the dependant said\n%s\ninstead of\n%s\n' "$output" "$expected" >&2
  exit 1
fi

# RE2 and libmicrohttpd are for plans that need them: neither linked nor opened.
if ldd "$program" | grep -E 'microhttpd|re2|Foundation'; then
  echo "the dependant is linked to what it does not use" >&2
  exit 1
fi
if LD_DEBUG=files "$program" 2>&1 | grep -E 'file=[^ ]*(microhttpd|re2)'; then
  echo "the dependant opened what it does not use" >&2
  exit 1
fi

# CEL by itself, with nothing imported that links what it may need.
swift build --quiet --security-path "$folder/security" --scratch-path "$folder/build" --product expressions
output=$("$folder/build/debug/expressions")
if [ "$output" != "true
is absent" ]; then
  printf 'the dependant on CEL said\n%s\n' "$output" >&2
  exit 1
fi
echo "a dependant by version builds, runs and decides"
