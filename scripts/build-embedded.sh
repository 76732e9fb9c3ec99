#!/usr/bin/env bash
# The small flavour: the modules that docs/ARCHITECTURE.md marks "embedded" as Embedded Swift (no runtime metadata, no
# existentials, no Foundation), linked into one library with the same header and the same behaviour as the shipped one.
# docs/decisions/0012-embedded-flavour.md says what it costs.
#
#   build/embedded/*.swiftmodule   the modules: a module that leaves the subset fails here
#   build/embedded/lib/            libpurser.so, stripped, of at most 1 MB, and libpurser_re2.so beside it
#   build/embedded/symbols/        the same, not stripped
#   build/embedded/sizes.txt       bytes of code by module
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/linking.sh

size_max=1048576
build=build/embedded
mkdir -p $build/lib $build/symbols

# The table's rows, in its order, which is the order of imports: | `Module` | `Folder` | imports | yes | purpose |
mapfile -t rows < <(awk -F'|' '/^\| `/ { gsub(/[` ]/, "", $2); gsub(/[` ]/, "", $3); gsub(/ /, "", $5)
  if ($5 == "yes") print $2, $3 }' docs/ARCHITECTURE.md)
[ ${#rows[@]} -gt 0 ] || { echo "FAIL docs/ARCHITECTURE.md marks no module as embedded" >&2; exit 1; }

# Folders with a module.modulemap, of which the C modules come.
maps=(-I include)
while read -r folder; do maps+=(-I "$folder"); done < <(
  find Sources -name module.modulemap -exec dirname {} \; | sort
)

flags=(-enable-experimental-feature Embedded -wmo -parse-as-library -swift-version 6 -package-name purser
  -Werror EmbeddedRestrictions -enforce-exclusivity=unchecked "${maps[@]}" -I $build)

# The linker finds equal sequences of instructions and keeps one (the machine outliner), where no red zone forbids it.
small+=(-Xcc -mno-red-zone -lto=llvm-full)
outlining=(-flto -Oz -Wl,--lto-O2 -Wl,-mllvm,-enable-machine-outliner=always)

# Each module is checked as it is emitted. Code is made of the last one alone, which takes in whatever it uses.
last=$((${#rows[@]} - 1))
for number in "${!rows[@]}"; do
  read -r module folder <<<"${rows[$number]}"
  mapfile -t files < <(find "$folder" -name '*.swift' | sort)
  if [ "$number" -lt $last ]; then
    product=(-emit-module -emit-module-path "$build/$module.swiftmodule")
  else
    product=("${small[@]}" -c -o $build/purser.o)
  fi
  if ! swiftc "${flags[@]}" -module-name "$module" "${product[@]}" "${files[@]}"; then
    echo "FAIL $module does not compile as Embedded Swift" >&2
    exit 1
  fi
  echo "ok $module compiles as Embedded Swift"
done

clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
objects=($build/purser.o)
for source in Sources/{Platform,YAML,Microhttpd,Sodium}/*.c; do
  object=$build/$(basename "$source" .c).c.o
  "$clang" -std=c11 -Oz -fPIC -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
    -Wall -Wextra -Werror "${maps[@]}" -c "$source" -o "$object"
  objects+=("$object")
done

# Nothing here is unwound, so the archives' tables for that stay out.
mkdir -p $build/static
for archive in libyaml.a libsodium.a; do
  objcopy --remove-section .eh_frame --remove-section .comment build/static/$archive $build/static/$archive
done

# Embedded Swift keeps the tables that compare and hash Unicode text in an archive of its own.
unicode=$(dirname "$clang")/../lib/swift/embedded/$(uname -m)-unknown-linux-gnu/libswiftUnicodeDataTables.a
"$clang" -shared -fuse-ld=lld "${outlining[@]}" -o "$build/symbols/$file" "${objects[@]}" "$unicode" \
  -L $build/static $(printf -- '-Xlinker %s ' "${linker[@]}") -lyaml -lsodium -lm
build_re2_shim $build/symbols/libpurser_re2.so

strip --strip-unneeded --remove-section .comment -o "$build/lib/$file" "$build/symbols/$file"
strip --strip-unneeded -o $build/lib/libpurser_re2.so $build/symbols/libpurser_re2.so
ln -sf "$file" "$build/lib/$soname"
ln -sf "$soname" $build/lib/libpurser.so

# By the module that a symbol's name begins with ($e12PurserEngine…). Specialised code of the standard library counts as
# the standard library's; what the linker inlined, as its caller's.
nm -S --radix=d "$build/symbols/$file" | awk 'NF == 4 && tolower($3) == "t" && !seen[$1]++ {
  module = "C"
  if ($4 ~ /^OUTLINED_FUNCTION/) module = "sequences"
  else if ($4 ~ /^\$[es][0-9]/) {
    match($4, /[0-9]+/); module = substr($4, RSTART + RLENGTH, substr($4, RSTART, RLENGTH))
  } else if ($4 ~ /^\$[es]/) module = "Swift"
  bytes[module] += $2
} END { for (module in bytes) printf "%8d  %s\n", bytes[module], module }' | sort -rn | tee $build/sizes.txt

size=$(stat -Lc %s $build/lib/libpurser.so)
echo "$size bytes of at most $size_max"
[ "$size" -le $size_max ] || { echo "FAIL the embedded flavour is larger than 1 MB" >&2; exit 1; }
needed=$(readelf -d $build/lib/libpurser.so | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | paste -sd ' ')
[ "$needed" = "libc.so.6 libm.so.6" ] || { echo "FAIL the embedded flavour needs $needed" >&2; exit 1; }
