/* What is used of libsodium: SHA-256. */
#include <sodium/crypto_hash_sha256.h>
