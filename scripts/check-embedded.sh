#!/usr/bin/env bash
# Compiles the modules that docs/ARCHITECTURE.md marks "embedded" as Embedded Swift: no runtime metadata, no
# existentials, no Foundation. It keeps the request path in the subset that a smaller library can be built from.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/embedded
mkdir -p $build

# The table's rows, in its order, which is the order of imports: | `Module` | `Folder` | imports | yes | purpose |
rows=$(awk -F'|' '/^\| `/ { gsub(/[` ]/, "", $2); gsub(/[` ]/, "", $3); gsub(/ /, "", $5); print $2, $3, $5 }' \
  docs/ARCHITECTURE.md)

# Folders with a module.modulemap, of which the C modules come.
maps=(-I include)
while read -r folder; do maps+=(-I "$folder"); done < <(
  find Sources -name module.modulemap -exec dirname {} \; | sort
)

compiled=0
while read -r module folder embedded; do
  [ "$embedded" = yes ] || continue
  mapfile -t files < <(find "$folder" -name '*.swift' | sort)
  if ! swiftc -enable-experimental-feature Embedded -wmo -parse-as-library -swift-version 6 -package-name purser \
    -module-name "$module" "${maps[@]}" -I $build -emit-module -emit-module-path "$build/$module.swiftmodule" \
    -c -o "$build/$module.o" "${files[@]}"; then
    echo "FAIL $module does not compile as Embedded Swift" >&2
    exit 1
  fi
  echo "ok $module compiles as Embedded Swift"
  compiled=$((compiled + 1))
done <<<"$rows"
[ $compiled -gt 0 ] || { echo "FAIL docs/ARCHITECTURE.md marks no module as embedded" >&2; exit 1; }
