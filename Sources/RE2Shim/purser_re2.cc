// RE2 behind six C functions. Nothing that C++ throws may cross them: the callers are Swift and C.

#include "purser_re2.h"

#include <re2/re2.h>

#include <cstring>
#include <new>

namespace {

// What one pattern may use. RE2 gives two thirds of it to the compiled program, so it also bounds patterns such as
// (((a{100}){100}){100}).
constexpr int64_t pattern_bytes_max = 1 << 20;

// RE2 takes `int` sizes in places; a text past this is not one that a request carries.
constexpr size_t text_bytes_max = 1 << 30;

// What one match may be asked to say: the whole and groups 1 to 15.
constexpr size_t groups_max = 16;

RE2::Options options(bool keeps_groups) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingUTF8);
  options.set_max_mem(pattern_bytes_max);
  options.set_log_errors(false);  // or it prints to stderr
  options.set_never_capture(!keeps_groups);
  return options;
}

void tell(char *error, size_t error_size, const char *message, size_t size) {
  if (error == nullptr || error_size == 0) return;
  if (size > error_size - 1) size = error_size - 1;
  std::memcpy(error, message, size);
  error[size] = 0;
}

re2::StringPiece piece(const uint8_t *bytes, size_t size) {
  return re2::StringPiece(size == 0 ? "" : reinterpret_cast<const char *>(bytes), size);
}

}  // namespace

struct purser_re2 {
  RE2 pattern;
  purser_re2(re2::StringPiece text, bool keeps_groups) : pattern(text, options(keeps_groups)) {}
};

static purser_re2 *compile(
    const uint8_t *pattern, size_t size, bool keeps_groups, char *error, size_t error_size) {
  static constexpr char no_pattern[] = "no pattern", too_large[] = "pattern too large", no_memory[] = "out of memory";
  if (pattern == nullptr && size != 0) {
    tell(error, error_size, no_pattern, sizeof no_pattern - 1);
    return nullptr;
  }
  if (size > static_cast<size_t>(pattern_bytes_max)) {
    tell(error, error_size, too_large, sizeof too_large - 1);
    return nullptr;
  }
  try {
    auto *regex = new purser_re2(piece(pattern, size), keeps_groups);
    if (regex->pattern.ok()) return regex;
    tell(error, error_size, regex->pattern.error().data(), regex->pattern.error().size());
    delete regex;
  } catch (...) {
    tell(error, error_size, no_memory, sizeof no_memory - 1);
  }
  return nullptr;
}

extern "C" purser_re2 *purser_re2_compile(const uint8_t *pattern, size_t size, char *error, size_t error_size) {
  return compile(pattern, size, false, error, error_size);
}

extern "C" purser_re2 *purser_re2_compile_groups(
    const uint8_t *pattern, size_t size, char *error, size_t error_size) {
  return compile(pattern, size, true, error, error_size);
}

extern "C" int32_t purser_re2_group_count(const purser_re2 *regex) {
  return regex == nullptr ? 0 : regex->pattern.NumberOfCapturingGroups();
}

extern "C" int32_t purser_re2_find(
    const purser_re2 *regex, const uint8_t *text, size_t size, size_t start, int64_t *offsets, size_t count) {
  if (regex == nullptr || (text == nullptr && size != 0) || size > text_bytes_max || start > size) return -1;
  if (offsets == nullptr) count = 0;
  if (count > groups_max) count = groups_max;
  for (size_t number = 0; number < 2 * count; number++) offsets[number] = -1;
  try {
    re2::StringPiece groups[groups_max], whole = piece(text, size);
    if (!regex->pattern.Match(whole, start, size, RE2::UNANCHORED, groups, static_cast<int>(count))) return 0;
    for (size_t number = 0; number < count; number++) {
      if (groups[number].data() == nullptr) continue;
      offsets[2 * number] = groups[number].data() - whole.data();
      offsets[2 * number + 1] = offsets[2 * number] + static_cast<int64_t>(groups[number].size());
    }
    return 1;
  } catch (...) {
    return -1;
  }
}

extern "C" int32_t purser_re2_match(const purser_re2 *regex, const uint8_t *text, size_t size) {
  if (regex == nullptr || (text == nullptr && size != 0) || size > text_bytes_max) return -1;
  try {
    return regex->pattern.Match(piece(text, size), 0, size, RE2::UNANCHORED, nullptr, 0) ? 1 : 0;
  } catch (...) {
    return -1;
  }
}

extern "C" void purser_re2_free(purser_re2 *regex) {
  try {
    delete regex;
  } catch (...) {
  }
}
