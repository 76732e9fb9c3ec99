/* What the stores use of libsodium: keyed hashes, and two AEADs of which the processor decides. The small flavour has none. */
#include <sodium/core.h>
#include <sodium/crypto_aead_aes256gcm.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_generichash.h>
#include <sodium/crypto_shorthash_siphash24.h>
