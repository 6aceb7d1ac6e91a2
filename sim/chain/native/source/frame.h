/* A call frame, and what instructions do to it that takes more than a line: memory, storage, logs, precompiles. */
#ifndef SEAWALL_FRAME_H
#define SEAWALL_FRAME_H

#include <stddef.h>

#include "world.h"

typedef enum {
    RUNNING = 0,
    SUCCESS,
    REVERTED,
    OUT_OF_GAS,
    INVALID,   /* every other exceptional halt */
    REFUSED,   /* something this engine does not do: `World.refusal` names it */
} Status;

enum { WARM_ACCESS = 100, COLD_SLOT = 2100, COLD_ACCOUNT = 2600, CALL_VALUE_GAS = 9000, CALL_STIPEND = 2300,
       NEW_ACCOUNT_GAS = 25000, COPY_WORD_GAS = 3, KECCAK_WORD_GAS = 6, LOG_BYTE_GAS = 8, CODE_BYTE_GAS = 200,
       INITCODE_WORD_GAS = 2, MAX_CODE_BYTES = 24576, MAX_INITCODE_BYTES = 49152, SSTORE_SENTRY = 2300 };

typedef struct Frame {
    Program *program;
    uint32_t self;         /* account whose storage and balance it uses */
    uint8_t address[20];   /* of that account */
    uint8_t caller[20];
    Word value;
    const uint8_t *outside; /* input that lies outside the memory of frames; else NULL */
    uint64_t input_at;      /* place of the input in the memory of frames */
    uint64_t input_length;
    uint64_t memory_at;     /* where its memory begins, and how long it is */
    uint64_t memory_length;
    int64_t gas;
    uint64_t journal_mark, log_mark;
    uint32_t log_count_mark;
    int64_t refund_mark;
    bool is_static, is_creation;
    /* What the caller goes on with. */
    Word *stack;
    const Instruction *at;
    uint64_t output_at, output_length;
} Frame;

static int64_t memory_cost(uint64_t words) { /* Yellow Paper, appendix G; at most 2^28 bytes, so no overflow */
    return (int64_t)(3 * words + words * words / 512);
}

/* Charges for memory up to `end` (offset and length fit 64 bits) and makes it; false: out of gas or refused. */
__attribute__((noinline)) static bool expand(World *world, Frame *frame, uint64_t end) {
    if (end <= frame->memory_length)
        return true;
    uint64_t words = (end + 31) / 32, before = frame->memory_length / 32;
    if (end > ((uint64_t)1 << 40)) { /* its price is beyond any gas there can be */
        frame->gas = -1;
        return false;
    }
    frame->gas -= memory_cost(words) - memory_cost(before);
    if (frame->gas < 0)
        return false;
    if (!make_room(world, (void **)&world->memory, &world->memory_room, frame->memory_at + words * 32, 1,
                   MAX_MEMORY_BYTES, "MEMORY"))
        return false;
    memset(world->memory + frame->memory_at + frame->memory_length, 0, (size_t)(words * 32 - frame->memory_length));
    frame->memory_length = words * 32;
    return true;
}

/* As `expand`, for a range on the stack; a range of no length costs nothing wherever it lies. */
static bool reach(World *world, Frame *frame, const Word *offset, const Word *length) {
    if (word_is_zero(length))
        return true;
    if (!word_fits64(offset) || !word_fits64(length) || offset->limb[0] > ((uint64_t)1 << 40) ||
        length->limb[0] > ((uint64_t)1 << 40)) {
        frame->gas = -1;
        return false;
    }
    return expand(world, frame, offset->limb[0] + length->limb[0]);
}

static bool pay_words(Frame *frame, uint64_t length, int64_t price) {
    frame->gas -= (int64_t)((length + 31) / 32) * price;
    return frame->gas >= 0;
}

/* Copies from `source` to memory, zeros behind its end; the range in memory exists. */
static void copy_padded(uint8_t *target, const uint8_t *source, uint64_t source_length, const Word *from,
                        uint64_t length) {
    uint64_t start = word_fits64(from) && from->limb[0] < source_length ? from->limb[0] : source_length;
    uint64_t there = source_length - start < length ? source_length - start : length;
    if (there)
        memcpy(target, source + start, (size_t)there);
    if (length > there)
        memset(target + there, 0, (size_t)(length - there));
}

/* Returns the account of an address on the stack and charges for the access; NO_ACCOUNT: out of gas or refused. */
static uint32_t account_touched(World *world, Frame *frame, const Word *where) {
    uint8_t address[20];
    word_to_address(address, where);
    uint32_t account = account_of(world, address);
    if (account == NO_ACCOUNT)
        return NO_ACCOUNT;
    frame->gas -= warm_account(world, account) ? COLD_ACCOUNT : WARM_ACCESS;
    return frame->gas < 0 ? (uint32_t)NO_ACCOUNT : account;
}

static const uint8_t *input_of(const World *world, const Frame *frame) {
    return frame->outside != NULL ? frame->outside : world->memory + frame->input_at;
}

static Word input_word(const World *world, const Frame *frame, const Word *where) { /* zeros behind the end */
    const uint8_t *input = input_of(world, frame);
    uint64_t start = word_fits64(where) ? where->limb[0] : UINT64_MAX;
    if (start >= frame->input_length)
        return word_of(0);
    if (frame->input_length - start >= 32)
        return word_load(input + start);
    return word_load_padded(input + start, frame->input_length - start);
}

static bool give_back(World *world, const uint8_t *bytes, uint64_t length) { /* return data of a finished frame */
    world->returned_length = 0;
    if (!make_room(world, (void **)&world->returned, &world->returned_room, length, 1, MAX_MEMORY_BYTES, "MEMORY"))
        return false;
    if (length)
        memcpy(world->returned, bytes, (size_t)length);
    world->returned_length = length;
    return true;
}

static bool append_log(World *world, const Frame *frame, const Word *topics, int count, const uint8_t *data,
                       uint64_t length) {
    uint64_t size = 20 + 4 + 32 * (uint64_t)count + 8 + length;
    if (!make_room(world, (void **)&world->logs, &world->log_room, world->log_bytes + size, 1, MAX_LOG_BYTES,
                   "LOGS"))
        return false;
    uint8_t *out = world->logs + world->log_bytes;
    uint32_t number = (uint32_t)count;
    memcpy(out, frame->address, 20), out += 20;
    memcpy(out, &number, 4), out += 4;
    memcpy(out, &length, 8), out += 8;
    for (int i = 0; i < count; i++, out += 32)
        word_store(out, topics - i);
    if (length)
        memcpy(out, data, (size_t)length);
    world->log_bytes += size;
    world->log_count++;
    return true;
}

/* EIP-2200 with EIP-2929 and EIP-3529; false if the gas does not suffice or the world refuses. */
static bool store_slot(World *world, Frame *frame, const Word *key, const Word *value) {
    if (frame->gas <= SSTORE_SENTRY) {
        frame->gas = -1;
        return false;
    }
    Slot *slot = slot_of(world, frame->self, key);
    if (slot == NULL)
        return false;
    int64_t cost = warm_slot(world, slot) ? COLD_SLOT : 0;
    if (word_equal(&slot->value, value)) {
        cost += WARM_ACCESS;
    } else if (word_equal(&slot->value, &slot->original)) {
        cost += word_is_zero(&slot->original) ? 20000 : 2900;
        if (!word_is_zero(&slot->original) && word_is_zero(value))
            world->refund += 4800;
    } else {
        cost += WARM_ACCESS;
        if (!word_is_zero(&slot->original)) {
            if (word_is_zero(&slot->value))
                world->refund -= 4800;
            else if (word_is_zero(value))
                world->refund += 4800;
        }
        if (word_equal(&slot->original, value))
            world->refund += word_is_zero(&slot->original) ? 19900 : 2800;
    }
    frame->gas -= cost;
    if (frame->gas < 0)
        return false;
    if (!word_equal(&slot->value, value)) {
        if (!note(world, UNDO_SLOT, (uint32_t)(slot - world->slots), slot->value))
            return false;
        slot->value = *value;
        world->accounts[frame->self].has_storage = true;
    }
    return true;
}

static const char *const PRECOMPILE_NAMES[18] = {
    "", "ECRECOVER", "SHA256", "RIPEMD160", "IDENTITY", "MODEXP", "BN254_ADD", "BN254_MUL", "BN254_PAIRING",
    "BLAKE2F", "POINT_EVALUATION", "BLS12_G1ADD", "BLS12_G1MSM", "BLS12_G2ADD", "BLS12_G2MSM", "BLS12_PAIRING",
    "BLS12_MAP_FP_TO_G1", "BLS12_MAP_FP2_TO_G2",
};

/* Runs one of the two we have. The frame's gas is what the callee gets. */
static Status run_precompile(World *world, Frame *frame, int which) {
    uint64_t length = frame->input_length, words = (length + 31) / 32;
    int64_t price = which == 2 ? 60 + 12 * (int64_t)words : 15 + 3 * (int64_t)words;
    if (which != 2 && which != 4) {
        world_refuse(world, PRECOMPILE_NAMES[which]);
        return REFUSED;
    }
    frame->gas -= price;
    if (frame->gas < 0)
        return OUT_OF_GAS;
    if (which == 2) {
        uint8_t digest[32];
        sha256(input_of(world, frame), length, digest);
        return give_back(world, digest, 32) ? SUCCESS : REFUSED;
    }
    return give_back(world, input_of(world, frame), length) ? SUCCESS : REFUSED;
}

/* Why the block at `pc` cannot be entered: walks it as an interpreter without blocks would. */
static Status why_not(const Program *program, uint64_t pc, int height, int64_t gas) {
    for (bool is_first = true;; is_first = false) {
        uint8_t op = operation_at(program, pc);
        const Rule *rule = &RULES[op];
        if (op == OP_JUMPDEST && !is_first)
            return OUT_OF_GAS;
        if (height < rule->needed || height + rule->change > STACK_LIMIT)
            return INVALID;
        gas -= rule->gas;
        if (gas < 0 || ends_block(op))
            return OUT_OF_GAS;
        height += rule->change;
        pc += 1 + bytes_pushed(op);
    }
}

/* Address of a contract that an account creates at a nonce: the hash of both in RLP (Yellow Paper, 7). */
static void address_of_creation(const uint8_t creator[20], uint64_t nonce, uint8_t address[20]) {
    uint8_t packed[32], digest[32];
    int bytes = nonce == 0 ? 0 : 8 - __builtin_clzll(nonce) / 8, size = 23;
    packed[1] = 0x80 + 20;
    memcpy(packed + 2, creator, 20);
    packed[22] = nonce == 0 ? 0x80 : (uint8_t)nonce;
    if (nonce >= 0x80) {
        packed[22] = (uint8_t)(0x80 + bytes);
        for (int i = 0; i < bytes; i++)
            packed[23 + i] = (uint8_t)(nonce >> (8 * (bytes - 1 - i)));
        size = 23 + bytes;
    }
    packed[0] = (uint8_t)(0xc0 + size - 1);
    keccak256(packed, (uint64_t)size, digest);
    memcpy(address, digest + 12, 20);
}

/* The same with a salt and the initial code instead of the nonce (EIP-1014). */
static void address_of_salted_creation(const uint8_t creator[20], const Word *salt, const uint8_t *code,
                                       uint64_t length, uint8_t address[20]) {
    uint8_t packed[85] = {0xff}, digest[32];
    memcpy(packed + 1, creator, 20);
    word_store(packed + 21, salt);
    keccak256(code, length, packed + 53);
    keccak256(packed, sizeof packed, digest);
    memcpy(address, digest + 12, 20);
}

#endif
