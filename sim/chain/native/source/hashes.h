/* Keccak-256 (the SHA-3 competition's padding, as Ethereum uses it) and SHA-256 (FIPS 180-4). */
#ifndef SEAWALL_HASHES_H
#define SEAWALL_HASHES_H

#include <stdint.h>
#include <string.h>

#include "word.h"

static const uint64_t KECCAK_ROUNDS[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotate_left(uint64_t value, unsigned by) {
    return value << by | value >> (64 - by);
}

static void keccak_permute(uint64_t state[25]) {
    static const unsigned rotation[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                          27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
    static const unsigned lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                      15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
    for (int round = 0; round < 24; round++) {
        uint64_t column[5];
        for (int x = 0; x < 5; x++)
            column[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
        for (int x = 0; x < 5; x++) {
            uint64_t mixed = column[(x + 4) % 5] ^ rotate_left(column[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5)
                state[x + y] ^= mixed;
        }
        uint64_t carried = state[1];
        for (int i = 0; i < 24; i++) {
            uint64_t next = state[lane[i]];
            state[lane[i]] = rotate_left(carried, rotation[i]);
            carried = next;
        }
        for (int y = 0; y < 25; y += 5) {
            uint64_t row[5];
            memcpy(row, state + y, sizeof row);
            for (int x = 0; x < 5; x++)
                state[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        state[0] ^= KECCAK_ROUNDS[round];
    }
}

enum { KECCAK_RATE = 136 };

static void keccak256(const uint8_t *data, uint64_t length, uint8_t digest[32]) {
    uint64_t state[25] = {0};
    uint8_t block[KECCAK_RATE];
    while (length >= KECCAK_RATE) {
        for (int i = 0; i < KECCAK_RATE / 8; i++) {
            uint64_t lane;
            memcpy(&lane, data + 8 * i, 8);
            state[i] ^= lane;
        }
        keccak_permute(state);
        data += KECCAK_RATE;
        length -= KECCAK_RATE;
    }
    memset(block, 0, sizeof block);
    if (length)
        memcpy(block, data, (size_t)length);
    block[length] ^= 0x01;
    block[KECCAK_RATE - 1] ^= 0x80;
    for (int i = 0; i < KECCAK_RATE / 8; i++) {
        uint64_t lane;
        memcpy(&lane, block + 8 * i, 8);
        state[i] ^= lane;
    }
    keccak_permute(state);
    memcpy(digest, state, 32);
}

static const uint32_t SHA256_ROUNDS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate_right32(uint32_t value, unsigned by) {
    return value >> by | value << (32 - by);
}

static void sha256_block(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t low = rotate_right32(w[i - 15], 7) ^ rotate_right32(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t high = rotate_right32(w[i - 2], 17) ^ rotate_right32(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right32(e, 6) ^ rotate_right32(e, 11) ^ rotate_right32(e, 25);
        uint32_t one = h + s1 + ((e & f) ^ (~e & g)) + SHA256_ROUNDS[i] + w[i];
        uint32_t s0 = rotate_right32(a, 2) ^ rotate_right32(a, 13) ^ rotate_right32(a, 22);
        uint32_t two = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256(const uint8_t *data, uint64_t length, uint8_t digest[32]) {
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint64_t left = length;
    for (; left >= 64; left -= 64, data += 64)
        sha256_block(state, data);
    uint8_t tail[128] = {0};
    if (left)
        memcpy(tail, data, (size_t)left);
    tail[left] = 0x80;
    int size = left < 56 ? 64 : 128;
    store_big64(tail + size - 8, length * 8);
    for (int i = 0; i < size; i += 64)
        sha256_block(state, tail + i);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 4; j++)
            digest[4 * i + j] = (uint8_t)(state[i] >> (24 - 8 * j));
}

#endif
