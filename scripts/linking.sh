#!/usr/bin/env bash
# What both flavours of the library have in common. Sourced by build-library.sh and build-embedded.sh, in the
# repository's root.
set -euo pipefail

read -r version_major version < <(sed -n \
  's/^#define PURSER_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' include/purser.h |
  paste -sd ' ' | awk '{print $1, $1 "." $2 "." $3}')
soname=libpurser.so.$version_major
# shellcheck disable=SC2034  # for whoever sources this
file=libpurser.so.$version

mkdir -p build/static
# A linker takes a shared library before an archive of the same name, unless a folder that has only archives comes
# first. So libyaml, libsodium, protobuf-c and jansson go inside.
ln -sf "$(pkg-config --variable=libdir yaml-0.1)/libyaml.a" build/static/libyaml.a
ln -sf "$(pkg-config --variable=libdir libsodium)/libsodium.a" build/static/libsodium.a
ln -sf "$(pkg-config --variable=libdir libprotobuf-c)/libprotobuf-c.a" build/static/libprotobuf-c.a
# Sources/Jansson/jansson_reader.c says why.
objcopy --redefine-sym stdin=jansson_stdin \
  "$(pkg-config --variable=libdir jansson)/libjansson.a" build/static/libjansson.a

cat >build/static/purser.map <<'END'
PURSER_1 {
  global: purser_*;
  local: *;
};
END

# -z nodelete: a host that closes the library while the engine has threads would crash.
# shellcheck disable=SC2034
linker=(
  -soname "$soname" --version-script build/static/purser.map
  --gc-sections --icf=all --build-id
  -z nodelete -z defs -z relro -z now -z noexecstack -z pack-relative-relocs
)

# For size: nothing is inlined or copied for speed but what the source marks so. The compiler weighs an inlining's
# benefits against its cost, and these are the benefits; the names are functions of the standard library that are small
# but used everywhere: appending to arrays and texts, comparing texts, decoding.
small=(-Osize)
for benefit in removed-call fast-path-builtin ref-count removed-load removed-store removed-terminator \
  devirtualized-call exclusivity o-size-class-method global-init generic-specialization; do
  small+=(-Xllvm "-sil-inline-$benefit-benefit=0")
done
for name in SS6append Sa6append SS2eeoi DefaultStringInterpolation SS8decoding; do
  small+=(-Xllvm "-sil-inline-never-functions=$name")
done
for pass in array-property-opt loop-unroll loop-rotate jumpthread-simplify-cfg closure-specialize capture-prop; do
  small+=(-Xllvm "-sil-disable-pass=$pass")
done

# build_re2_shim FILE: libpurser_re2.so, not stripped.
build_re2_shim() {
  cat >build/static/purser_re2.map <<'END'
{
  global: purser_re2_compile; purser_re2_match; purser_re2_free;
    purser_re2_compile_groups; purser_re2_group_count; purser_re2_find;
  local: *;
};
END
  g++ -std=c++17 -O2 -fPIC -shared -Wall -Wextra -Werror -I Sources/RE2Shim/include \
    Sources/RE2Shim/purser_re2.cc -o "$1" \
    -Wl,-soname,libpurser_re2.so -Wl,--version-script,build/static/purser_re2.map \
    -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete -lre2
}
