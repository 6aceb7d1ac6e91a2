/* 256-bit words: four limbs of 64 bits, the least significant first. Arithmetic is that of the Yellow Paper. */
#ifndef SEAWALL_WORD_H
#define SEAWALL_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t limb[4];
} Word;

typedef unsigned __int128 Wide;

static inline Word word_of(uint64_t value) {
    return (Word){{value, 0, 0, 0}};
}

static inline bool word_is_zero(const Word *a) {
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool word_equal(const Word *a, const Word *b) {
    return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
            (a->limb[3] ^ b->limb[3])) == 0;
}

static inline bool word_fits64(const Word *a) {
    return (a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool word_less(const Word *a, const Word *b) {
    unsigned char borrow = 0;
    for (int i = 0; i < 4; i++) {
        Wide difference = (Wide)a->limb[i] - b->limb[i] - borrow;
        borrow = (unsigned char)((difference >> 64) & 1);
    }
    return borrow;
}

static inline bool word_is_negative(const Word *a) {
    return a->limb[3] >> 63;
}

static inline bool word_less_signed(const Word *a, const Word *b) {
    bool left = word_is_negative(a), right = word_is_negative(b);
    return left == right ? word_less(a, b) : left;
}

static inline Word word_add(const Word *a, const Word *b) {
    Word sum;
    Wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (Wide)a->limb[i] + b->limb[i];
        sum.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return sum;
}

static inline Word word_subtract(const Word *a, const Word *b) {
    Word difference;
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        Wide step = (Wide)a->limb[i] - b->limb[i] - borrow;
        difference.limb[i] = (uint64_t)step;
        borrow = (uint64_t)(step >> 64) & 1;
    }
    return difference;
}

static inline Word word_negate(const Word *a) {
    Word zero = word_of(0);
    return word_subtract(&zero, a);
}

static inline Word word_multiply(const Word *a, const Word *b) {
    if (word_fits64(a) && word_fits64(b)) {
        Wide product = (Wide)a->limb[0] * b->limb[0];
        return (Word){{(uint64_t)product, (uint64_t)(product >> 64), 0, 0}};
    }
    uint64_t product[4] = {0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        if (a->limb[i] == 0)
            continue;
        uint64_t carry = 0;
        for (int j = 0; i + j < 4; j++) {
            Wide step = (Wide)a->limb[i] * b->limb[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)step;
            carry = (uint64_t)(step >> 64);
        }
    }
    return (Word){{product[0], product[1], product[2], product[3]}};
}

static inline int limbs_used(const uint64_t *limbs, int count) {
    while (count > 0 && limbs[count - 1] == 0)
        count--;
    return count;
}

/* Divides (high, low); needs high < divisor, so that the quotient fits. */
static inline uint64_t divide_wide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *remainder) {
#ifdef __x86_64__ /* the compiler would call a function for it */
    uint64_t quotient;
    __asm__("divq %4" : "=a"(quotient), "=d"(*remainder) : "a"(low), "d"(high), "r"(divisor) : "cc");
    return quotient;
#else
    Wide dividend = ((Wide)high << 64) | low;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    *remainder = low - quotient * divisor;
    return quotient;
#endif
}

/* Divides (high, low) by a normalised divisor with its reciprocal: Moeller and Granlund, "Improved division by
   invariant integers" (2011), algorithm 4. Needs high < divisor. */
static inline uint64_t divide_2by1(uint64_t high, uint64_t low, uint64_t divisor, uint64_t reciprocal,
                                   uint64_t *remainder) {
    Wide quotient = (Wide)reciprocal * high + (((Wide)high << 64) | low);
    uint64_t q1 = (uint64_t)(quotient >> 64) + 1, q0 = (uint64_t)quotient;
    uint64_t r = low - q1 * divisor;
    if (r > q0) {
        q1--;
        r += divisor;
    }
    if (r >= divisor) {
        q1++;
        r -= divisor;
    }
    *remainder = r;
    return q1;
}

static inline uint64_t reciprocal_of(uint64_t divisor) { /* normalised: its top bit is set */
    uint64_t remainder;
    return divide_wide(~divisor, UINT64_MAX, divisor, &remainder);
}

/* Divides limbs by limbs: Knuth, "The Art of Computer Programming" 2, algorithm D. `quotient` has room for
   `count` limbs and may be NULL; `remainder` has room for four. Needs a divisor that is not zero. */
static void divide_limbs(const uint64_t *dividend, int count, const Word *divisor, uint64_t *quotient,
                         Word *remainder) {
    int size = limbs_used(divisor->limb, 4);
    int length = limbs_used(dividend, count);
    if (quotient != NULL)
        memset(quotient, 0, (size_t)count * sizeof *quotient);
    *remainder = word_of(0);
    if (length < size) {
        memcpy(remainder->limb, dividend, (size_t)length * sizeof *dividend);
        return;
    }
    int shift = __builtin_clzll(divisor->limb[size - 1]);
    uint64_t v[4], u[9];
    for (int i = size - 1; i >= 0; i--)
        v[i] = divisor->limb[i] << shift | (shift && i ? divisor->limb[i - 1] >> (64 - shift) : 0);
    u[length] = shift ? dividend[length - 1] >> (64 - shift) : 0;
    for (int i = length - 1; i >= 0; i--)
        u[i] = dividend[i] << shift | (shift && i ? dividend[i - 1] >> (64 - shift) : 0);
    uint64_t reciprocal = reciprocal_of(v[size - 1]);
    if (size == 1) {
        uint64_t rest = u[length];
        for (int i = length - 1; i >= 0; i--) {
            uint64_t digit = divide_2by1(rest, u[i], v[0], reciprocal, &rest);
            if (quotient != NULL)
                quotient[i] = digit;
        }
        remainder->limb[0] = rest >> shift;
        return;
    }
    for (int j = length - size; j >= 0; j--) {
        uint64_t digit, rest;
        bool overflow = false;
        if (u[j + size] >= v[size - 1]) { /* the estimate would not fit a limb */
            digit = UINT64_MAX;
            rest = u[j + size - 1] + v[size - 1];
            overflow = rest < v[size - 1];
        } else {
            digit = divide_2by1(u[j + size], u[j + size - 1], v[size - 1], reciprocal, &rest);
        }
        while (!overflow && (Wide)digit * v[size - 2] > (((Wide)rest << 64) | u[j + size - 2])) {
            digit--;
            rest += v[size - 1];
            overflow = rest < v[size - 1];
        }
        uint64_t carry = 0, borrow = 0;
        for (int i = 0; i < size; i++) {
            Wide step = (Wide)digit * v[i] + carry;
            carry = (uint64_t)(step >> 64);
            Wide difference = (Wide)u[i + j] - (uint64_t)step - borrow;
            u[i + j] = (uint64_t)difference;
            borrow = (uint64_t)(difference >> 64) & 1;
        }
        Wide difference = (Wide)u[j + size] - carry - borrow;
        u[j + size] = (uint64_t)difference;
        if ((uint64_t)(difference >> 64) & 1) { /* one too many: add the divisor back */
            digit--;
            uint64_t again = 0;
            for (int i = 0; i < size; i++) {
                Wide step = (Wide)u[i + j] + v[i] + again;
                u[i + j] = (uint64_t)step;
                again = (uint64_t)(step >> 64);
            }
            u[j + size] += again;
        }
        if (quotient != NULL)
            quotient[j] = digit;
    }
    for (int i = 0; i < size; i++)
        remainder->limb[i] = u[i] >> shift | (shift ? u[i + 1] << (64 - shift) : 0);
}

/* The same for a divisor of one limb, which most are. */
static inline Word divide_by_limb(const Word *a, uint64_t divisor, uint64_t *remainder) {
    Word quotient = word_of(0);
    uint64_t rest = 0;
    for (int i = 3; i >= 0; i--) {
        if (rest != 0) {
            quotient.limb[i] = divide_wide(rest, a->limb[i], divisor, &rest);
        } else if (a->limb[i] != 0) {
            quotient.limb[i] = a->limb[i] / divisor;
            rest = a->limb[i] % divisor;
        }
    }
    *remainder = rest;
    return quotient;
}

static inline Word word_divide(const Word *a, const Word *b) {
    Word quotient, remainder;
    uint64_t rest;
    if (word_is_zero(b))
        return word_of(0);
    if (word_fits64(b))
        return divide_by_limb(a, b->limb[0], &rest);
    divide_limbs(a->limb, 4, b, quotient.limb, &remainder);
    return quotient;
}

static inline Word word_modulo(const Word *a, const Word *b) {
    Word remainder;
    uint64_t rest;
    if (word_is_zero(b))
        return word_of(0);
    if (word_fits64(b)) {
        divide_by_limb(a, b->limb[0], &rest);
        return word_of(rest);
    }
    divide_limbs(a->limb, 4, b, NULL, &remainder);
    return remainder;
}

static inline Word word_divide_signed(const Word *a, const Word *b) {
    bool left = word_is_negative(a), right = word_is_negative(b);
    Word x = left ? word_negate(a) : *a, y = right ? word_negate(b) : *b;
    Word quotient = word_divide(&x, &y);
    return left != right ? word_negate(&quotient) : quotient;
}

static inline Word word_modulo_signed(const Word *a, const Word *b) {
    bool left = word_is_negative(a);
    Word x = left ? word_negate(a) : *a, y = word_is_negative(b) ? word_negate(b) : *b;
    Word remainder = word_modulo(&x, &y);
    return left ? word_negate(&remainder) : remainder;
}

static inline Word word_add_modulo(const Word *a, const Word *b, const Word *modulus) {
    Word remainder;
    uint64_t sum[5];
    if (word_is_zero(modulus))
        return word_of(0);
    Wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (Wide)a->limb[i] + b->limb[i];
        sum[i] = (uint64_t)carry;
        carry >>= 64;
    }
    sum[4] = (uint64_t)carry;
    divide_limbs(sum, 5, modulus, NULL, &remainder);
    return remainder;
}

static inline Word word_multiply_modulo(const Word *a, const Word *b, const Word *modulus) {
    Word remainder;
    uint64_t product[8] = {0};
    if (word_is_zero(modulus))
        return word_of(0);
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            Wide step = (Wide)a->limb[i] * b->limb[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)step;
            carry = (uint64_t)(step >> 64);
        }
        product[i + 4] = carry;
    }
    divide_limbs(product, 8, modulus, NULL, &remainder);
    return remainder;
}

static inline Word word_power(Word base, const Word *exponent) {
    Word result = word_of(1);
    for (int i = 0, used = limbs_used(exponent->limb, 4) * 64; i < used; i++) {
        if (exponent->limb[i / 64] >> (i % 64) & 1)
            result = word_multiply(&result, &base);
        base = word_multiply(&base, &base);
    }
    return result;
}

static inline int word_bytes(const Word *a) { /* bytes without leading zeros */
    int used = limbs_used(a->limb, 4);
    return used == 0 ? 0 : used * 8 - __builtin_clzll(a->limb[used - 1]) / 8;
}

/* Shifts by less than 256. No branches: how far code shifts is hard to predict. */
static inline Word word_shift_left(const Word *a, unsigned by) {
    const uint64_t wide[8] = {0, 0, 0, 0, a->limb[0], a->limb[1], a->limb[2], a->limb[3]};
    const uint64_t *from = wide + 4 - by / 64;
    unsigned bits = by % 64;
    Word result;
    for (int i = 0; i < 4; i++)
        result.limb[i] = from[i] << bits | from[i - 1] >> 1 >> (63 - bits);
    return result;
}

static inline Word word_shift_right(const Word *a, unsigned by) {
    const uint64_t wide[8] = {a->limb[0], a->limb[1], a->limb[2], a->limb[3], 0, 0, 0, 0};
    const uint64_t *from = wide + by / 64;
    unsigned bits = by % 64;
    Word result;
    for (int i = 0; i < 4; i++)
        result.limb[i] = from[i] >> bits | from[i + 1] << 1 << (63 - bits);
    return result;
}

static inline Word word_shift_arithmetic(const Word *a, unsigned by) {
    if (!word_is_negative(a))
        return word_shift_right(a, by);
    Word inverted = {{~a->limb[0], ~a->limb[1], ~a->limb[2], ~a->limb[3]}};
    Word shifted = word_shift_right(&inverted, by);
    return (Word){{~shifted.limb[0], ~shifted.limb[1], ~shifted.limb[2], ~shifted.limb[3]}};
}

/* The operations on two words that are none of C's. */
static inline Word word_and(const Word *a, const Word *b) {
    return (Word){{a->limb[0] & b->limb[0], a->limb[1] & b->limb[1], a->limb[2] & b->limb[2], a->limb[3] & b->limb[3]}};
}

static inline Word word_or(const Word *a, const Word *b) {
    return (Word){{a->limb[0] | b->limb[0], a->limb[1] | b->limb[1], a->limb[2] | b->limb[2], a->limb[3] | b->limb[3]}};
}

static inline Word word_xor(const Word *a, const Word *b) {
    return (Word){{a->limb[0] ^ b->limb[0], a->limb[1] ^ b->limb[1], a->limb[2] ^ b->limb[2], a->limb[3] ^ b->limb[3]}};
}

static inline Word word_not(const Word *a) {
    return (Word){{~a->limb[0], ~a->limb[1], ~a->limb[2], ~a->limb[3]}};
}

static inline Word word_shifted_left(const Word *by, const Word *a) {
    return word_fits64(by) && by->limb[0] < 256 ? word_shift_left(a, (unsigned)by->limb[0]) : word_of(0);
}

static inline Word word_shifted_right(const Word *by, const Word *a) {
    return word_fits64(by) && by->limb[0] < 256 ? word_shift_right(a, (unsigned)by->limb[0]) : word_of(0);
}

static inline Word word_shifted_arithmetic(const Word *by, const Word *a) { /* 255 leaves nothing but the sign */
    return word_shift_arithmetic(a, word_fits64(by) && by->limb[0] < 256 ? (unsigned)by->limb[0] : 255);
}

static inline Word word_byte(const Word *which, const Word *a) {
    if (!word_fits64(which) || which->limb[0] >= 32)
        return word_of(0);
    unsigned place = 31 - (unsigned)which->limb[0];
    return word_of(a->limb[place / 8] >> (8 * (place % 8)) & 0xff);
}

static inline Word word_sign_extend(const Word *last, const Word *a) {
    if (!word_fits64(last) || last->limb[0] >= 31)
        return *a;
    unsigned bits = 256 - 8 * ((unsigned)last->limb[0] + 1);
    Word raised = word_shift_left(a, bits);
    return word_shift_arithmetic(&raised, bits);
}

static inline uint64_t load_big64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, 8);
    return __builtin_bswap64(value); /* every machine we build for is little-endian */
}

static inline void store_big64(uint8_t *bytes, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(bytes, &value, 8);
}

static inline Word word_load(const uint8_t *bytes) {
    return (Word){{load_big64(bytes + 24), load_big64(bytes + 16), load_big64(bytes + 8), load_big64(bytes)}};
}

static inline void word_store(uint8_t *bytes, const Word *a) {
    store_big64(bytes, a->limb[3]);
    store_big64(bytes + 8, a->limb[2]);
    store_big64(bytes + 16, a->limb[1]);
    store_big64(bytes + 24, a->limb[0]);
}

static inline Word word_load_padded(const uint8_t *bytes, uint64_t length) { /* the first `length` < 32 of 32 */
    uint8_t whole[32] = {0};
    memcpy(whole, bytes, (size_t)length);
    return word_load(whole);
}

static inline void word_to_address(uint8_t address[20], const Word *a) {
    uint8_t bytes[32];
    word_store(bytes, a);
    memcpy(address, bytes + 12, 20);
}

static inline Word word_of_address(const uint8_t address[20]) {
    uint8_t bytes[32] = {0};
    memcpy(bytes + 12, address, 20);
    return word_load(bytes);
}

#endif
