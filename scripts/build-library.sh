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

read -r version_major version < <(sed -n \
  's/^#define PURSER_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' include/purser.h |
  paste -sd ' ' | awk '{print $1, $1 "." $2 "." $3}')
soname=libpurser.so.$version_major
file=libpurser.so.$version

# Flags that a versioned dependency may not carry, so they are here and not in Package.swift. Exclusivity checks cost
# 7 ns for each access to shared state and end the host when they fail. A section for each function lets the linker
# drop what nobody calls.
flags=(-c release --scratch-path build/release --static-swift-stdlib -Xswiftc -use-ld=lld
  -Xswiftc -enforce-exclusivity=unchecked
  -Xswiftc -Xfrontend -Xswiftc -function-sections)
swift build "${flags[@]}" --product purser_objects
objects=$(swift build "${flags[@]}" --show-bin-path)

mkdir -p build/lib build/bin build/symbols build/static

# A linker takes a shared library before an archive of the same name, unless a folder that has only archives comes
# first. So libyaml, libsodium and the C++ runtime go inside.
ln -sf "$(pkg-config --variable=libdir yaml-0.1)/libyaml.a" build/static/libyaml.a
ln -sf "$(pkg-config --variable=libdir libsodium)/libsodium.a" build/static/libsodium.a
ln -sf "$(realpath "$(g++ -print-file-name=libstdc++.a)")" build/static/libstdc++.a
ln -sf "$(realpath "$(gcc -print-file-name=libgcc_eh.a)")" build/static/libgcc_s.a

# The tool finds libpurser_re2.so where `make install` puts it.
swift build "${flags[@]}" --product purser -Xlinker --gc-sections \
  -Xlinker "-L$PWD/build/static" -Xlinker --exclude-libs -Xlinker ALL -Xlinker -rpath -Xlinker '$ORIGIN/../lib'

cat >build/static/purser.map <<'END'
PURSER_1 {
  global: purser_*;
  local: *;
};
END
cat >build/static/purser_re2.map <<'END'
{
  global: purser_re2_compile; purser_re2_match; purser_re2_free;
    purser_re2_compile_groups; purser_re2_group_count; purser_re2_find;
  local: *;
};
END

# -z nodelete: a host that closes the library while the engine has threads would crash.
linker=(
  -soname "$soname" --version-script build/static/purser.map
  --gc-sections --icf=all --build-id
  -z nodelete -z defs -z relro -z now -z noexecstack -z pack-relative-relocs
)
# One object of the archive's: swiftc's own flags hide whatever comes out of an archive.
ld.lld -r --whole-archive "$objects/libpurser_objects.a" -o build/static/purser.o
swiftc build/static/purser.o -emit-library -static-stdlib -use-ld=lld -L build/static -o "build/symbols/$file" \
  $(printf -- '-Xlinker %s ' "${linker[@]}") -lyaml -lsodium -lm

g++ -std=c++17 -O2 -fPIC -shared -Wall -Wextra -Werror -I Sources/RE2Shim/include \
  Sources/RE2Shim/purser_re2.cc -o build/symbols/libpurser_re2.so \
  -Wl,-soname,libpurser_re2.so -Wl,--version-script,build/static/purser_re2.map \
  -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete -lre2

cp "$objects/purser" build/symbols/purser
strip --strip-unneeded -o "build/lib/$file" "build/symbols/$file"
strip --strip-unneeded -o build/lib/libpurser_re2.so build/symbols/libpurser_re2.so
strip -o build/bin/purser build/symbols/purser
ln -sf "$file" "build/lib/$soname"
ln -sf "$soname" build/lib/libpurser.so

bindings/envoy/build.sh
