#!/usr/bin/env bash
# Builds what `make install` ships: libpurser.so with everything inside but libc, libpurser_re2.so beside it, and the
# command line tool.
#
#   build/release/                the objects: one scratch path for one set of flags
#   build/lib/libpurser.so.0.1.0  stripped; .so.0 and .so point to it
#   build/lib/libpurser_re2.so
#   build/bin/purser
#   build/symbols/                the same files, not stripped, for debuggers and profilers
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/linking.sh

# Flags that a versioned dependency may not carry, so they are here and not in Package.swift. Exclusivity checks cost
# 7 ns for each access to shared state and end the host when they fail. A section for each function lets the linker
# drop what nobody calls. Frame pointers cost 3 % of a decision's instructions; unwind tables are there all the same.
flags=(-c release --scratch-path build/release --static-swift-stdlib --omit-frame-pointers -Xswiftc -use-ld=lld
  -Xswiftc -enforce-exclusivity=unchecked
  -Xswiftc -Xfrontend -Xswiftc -function-sections
  -Xcc -fno-asynchronous-unwind-tables)
# Nothing in the library prints a value by its type's description, so there are none; the tool's argument parser reads its own. In
# what no request waits for, equal sequences of instructions are kept once in a module.
export PURSER_LIBRARY_FLAGS="-Xfrontend -disable-reflection-metadata"
export PURSER_COLD_FLAGS="${small[*]} -Xcc -mno-red-zone -Xllvm -enable-machine-outliner=always"
swift build "${flags[@]}" --product purser_objects
objects=$(swift build "${flags[@]}" --show-bin-path)

mkdir -p build/lib build/bin build/symbols

# The C++ runtime goes inside too.
ln -sf "$(realpath "$(g++ -print-file-name=libstdc++.a)")" build/static/libstdc++.a
ln -sf "$(realpath "$(gcc -print-file-name=libgcc_eh.a)")" build/static/libgcc_s.a

# The tool finds libpurser_re2.so where `make install` puts it.
swift build "${flags[@]}" --product purser -Xlinker --gc-sections \
  -Xlinker "-L$PWD/build/static" -Xlinker --exclude-libs -Xlinker ALL -Xlinker -rpath -Xlinker '$ORIGIN/../lib'

# The runtime's pages for backtraces are 64 KB of zeros, which need not be in the file.
swift_static=$(dirname "$(readlink -f "$(command -v swiftc)")")/../lib/swift_static/linux
(cd build/static && ar x "$swift_static/libswiftCore.a" Backtrace.cpp.o)
"$(dirname "$(readlink -f "$(command -v swiftc)")")/llvm-objcopy" --set-section-flags swift5_backtrace=alloc \
  --set-section-type swift5_backtrace=8 build/static/Backtrace.cpp.o build/static/backtrace.o

# One object of the archive's: swiftc's own flags hide whatever comes out of an archive.
ld.lld -r --whole-archive "$objects/libpurser_objects.a" -o build/static/purser.o
swiftc build/static/purser.o build/static/backtrace.o -emit-library -static-stdlib -use-ld=lld -L build/static -o "build/symbols/$file" \
  $(printf -- '-Xlinker %s ' "${linker[@]}") -lyaml -lsodium -lprotobuf-c -ljansson -lm

build_re2_shim build/symbols/libpurser_re2.so

cp "$objects/purser" build/symbols/purser
strip --strip-unneeded -o "build/lib/$file" "build/symbols/$file"
strip --strip-unneeded -o build/lib/libpurser_re2.so build/symbols/libpurser_re2.so
strip -o build/bin/purser build/symbols/purser
ln -sf "$file" "build/lib/$soname"
ln -sf "$soname" build/lib/libpurser.so

bindings/envoy/build.sh
