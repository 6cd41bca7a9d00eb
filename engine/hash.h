/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that nobody without the key can steer.
 * Pure.
 */
#ifndef ENGINE_HASH_H
#define ENGINE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const uint64_t key[2], const void *bytes, size_t size);

/* The next of a sequence of well mixed numbers (splitmix64); *state may start with anything. */
uint64_t hash_sequence(uint64_t *state);

#endif
