/* Code as the interpreter runs it: decoded once, with one check of gas and stack for each straight run.

   A block is a run of instructions that is entered at its first one only. Its gas, the stack items it needs and
   those it adds are known beforehand and checked when it is entered. An instruction that must see the exact gas
   (GAS, SSTORE, calls, creations) ends its block, so that what is charged when it runs is what is due. */
#ifndef SEAWALL_PROGRAM_H
#define SEAWALL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

enum {
    OP_STOP = 0x00, OP_ADD, OP_MUL, OP_SUB, OP_DIV, OP_SDIV, OP_MOD, OP_SMOD, OP_ADDMOD, OP_MULMOD, OP_EXP,
    OP_SIGNEXTEND,
    OP_LT = 0x10, OP_GT, OP_SLT, OP_SGT, OP_EQ, OP_ISZERO, OP_AND, OP_OR, OP_XOR, OP_NOT, OP_BYTE, OP_SHL,
    OP_SHR, OP_SAR,
    OP_KECCAK256 = 0x20,
    OP_ADDRESS = 0x30, OP_BALANCE, OP_ORIGIN, OP_CALLER, OP_CALLVALUE, OP_CALLDATALOAD, OP_CALLDATASIZE,
    OP_CALLDATACOPY, OP_CODESIZE, OP_CODECOPY, OP_GASPRICE, OP_EXTCODESIZE, OP_EXTCODECOPY,
    OP_RETURNDATASIZE, OP_RETURNDATACOPY, OP_EXTCODEHASH,
    OP_BLOCKHASH = 0x40, OP_COINBASE, OP_TIMESTAMP, OP_NUMBER, OP_PREVRANDAO, OP_GASLIMIT, OP_CHAINID,
    OP_SELFBALANCE, OP_BASEFEE, OP_BLOBHASH, OP_BLOBBASEFEE,
    OP_POP = 0x50, OP_MLOAD, OP_MSTORE, OP_MSTORE8, OP_SLOAD, OP_SSTORE, OP_JUMP, OP_JUMPI, OP_PC, OP_MSIZE,
    OP_GAS, OP_JUMPDEST, OP_TLOAD, OP_TSTORE, OP_MCOPY, OP_PUSH0,
    OP_PUSH1 = 0x60, OP_PUSH32 = 0x7f, OP_DUP1 = 0x80, OP_DUP16 = 0x8f, OP_SWAP1 = 0x90, OP_SWAP16 = 0x9f,
    OP_LOG0 = 0xa0, OP_LOG4 = 0xa4,
    OP_CREATE = 0xf0, OP_CALL, OP_CALLCODE, OP_RETURN, OP_DELEGATECALL, OP_CREATE2,
    OP_STATICCALL = 0xfa, OP_REVERT = 0xfd, OP_INVALID, OP_SELFDESTRUCT,
    /* Of the decoded form alone, at values that no instruction has. */
    OP_BLOCK = 0x0c,   /* checks of a block */
    OP_GOTO,           /* PUSH and JUMP to a known place */
    OP_GOTO_IF,        /* PUSH and JUMPI to a known place */
    OP_PUSH_WIDE,      /* PUSH of more than eight bytes */
    OP_MLOAD_AT = 0x1e, /* PUSH and MLOAD */
    OP_MSTORE_AT,       /* PUSH and MSTORE */
};

typedef struct {
    int16_t gas;    /* -1: no such instruction */
    uint8_t needed; /* stack items it takes */
    int8_t change;  /* items afterwards less items before */
} Rule;

typedef struct {
    uint8_t operation;
    bool is_block_entry;
    uint16_t needed;    /* OP_BLOCK: stack items that must be there */
    uint32_t growth;    /* OP_BLOCK: items it may add at its highest; else an index or a place in the code */
    uint64_t immediate; /* a pushed value, or of OP_BLOCK the gas */
} Instruction;

typedef struct {
    int users; /* worlds and frames that hold it; changed atomically: copies of a world may live in threads */
    uint32_t length;
    uint8_t *bytes;
    uint8_t hash[32];
    Instruction *instructions;
    uint32_t count;
    uint32_t *entries; /* place in the code -> instruction of a JUMPDEST, 0 elsewhere */
    Word *wide;        /* pushed values of more than eight bytes */
} Program;

enum { STACK_LIMIT = 1024, MAX_PROGRAM_BYTES = 1 << 20 };

static Rule RULES[256];

#define RULE(op, g, n, c) RULES[op] = (Rule){(g), (n), (c)}

static void make_rules(void) {
    for (int i = 0; i < 256; i++)
        RULES[i] = (Rule){-1, 0, 0};
    RULE(OP_STOP, 0, 0, 0);
    RULE(OP_ADD, 3, 2, -1), RULE(OP_MUL, 5, 2, -1), RULE(OP_SUB, 3, 2, -1), RULE(OP_DIV, 5, 2, -1);
    RULE(OP_SDIV, 5, 2, -1), RULE(OP_MOD, 5, 2, -1), RULE(OP_SMOD, 5, 2, -1), RULE(OP_ADDMOD, 8, 3, -2);
    RULE(OP_MULMOD, 8, 3, -2), RULE(OP_EXP, 10, 2, -1), RULE(OP_SIGNEXTEND, 5, 2, -1);
    for (int i = OP_LT; i <= OP_SAR; i++)
        RULE(i, 3, 2, -1);
    RULE(OP_ISZERO, 3, 1, 0), RULE(OP_NOT, 3, 1, 0);
    RULE(OP_KECCAK256, 30, 2, -1);
    for (int i = OP_ADDRESS; i <= OP_GASPRICE; i++)
        RULE(i, 2, 0, 1);
    RULE(OP_BALANCE, 0, 1, 0), RULE(OP_CALLDATALOAD, 3, 1, 0), RULE(OP_CALLDATACOPY, 3, 3, -3);
    RULE(OP_CODECOPY, 3, 3, -3), RULE(OP_EXTCODESIZE, 0, 1, 0), RULE(OP_EXTCODECOPY, 0, 4, -4);
    RULE(OP_RETURNDATASIZE, 2, 0, 1), RULE(OP_RETURNDATACOPY, 3, 3, -3), RULE(OP_EXTCODEHASH, 0, 1, 0);
    RULE(OP_BLOCKHASH, 20, 1, 0);
    for (int i = OP_COINBASE; i <= OP_CHAINID; i++)
        RULE(i, 2, 0, 1);
    RULE(OP_SELFBALANCE, 5, 0, 1), RULE(OP_BASEFEE, 2, 0, 1), RULE(OP_BLOBHASH, 3, 1, 0);
    RULE(OP_BLOBBASEFEE, 2, 0, 1);
    RULE(OP_POP, 2, 1, -1), RULE(OP_MLOAD, 3, 1, 0), RULE(OP_MSTORE, 3, 2, -2), RULE(OP_MSTORE8, 3, 2, -2);
    RULE(OP_SLOAD, 0, 1, 0), RULE(OP_SSTORE, 0, 2, -2), RULE(OP_JUMP, 8, 1, -1), RULE(OP_JUMPI, 10, 2, -2);
    RULE(OP_PC, 2, 0, 1), RULE(OP_MSIZE, 2, 0, 1), RULE(OP_GAS, 2, 0, 1), RULE(OP_JUMPDEST, 1, 0, 0);
    RULE(OP_TLOAD, 100, 1, 0), RULE(OP_TSTORE, 100, 2, -2), RULE(OP_MCOPY, 3, 3, -3), RULE(OP_PUSH0, 2, 0, 1);
    for (int i = OP_PUSH1; i <= OP_PUSH32; i++)
        RULE(i, 3, 0, 1);
    for (int i = 0; i < 16; i++) {
        RULE(OP_DUP1 + i, 3, (uint8_t)(i + 1), 1);
        RULE(OP_SWAP1 + i, 3, (uint8_t)(i + 2), 0);
    }
    for (int i = 0; i < 5; i++)
        RULE(OP_LOG0 + i, (int16_t)(375 + 375 * i), (uint8_t)(i + 2), (int8_t)(-2 - i));
    RULE(OP_CREATE, 32000, 3, -2), RULE(OP_CREATE2, 32000, 4, -3), RULE(OP_CALL, 0, 7, -6);
    RULE(OP_CALLCODE, 0, 7, -6), RULE(OP_DELEGATECALL, 0, 6, -5), RULE(OP_STATICCALL, 0, 6, -5);
    RULE(OP_RETURN, 0, 2, -2), RULE(OP_REVERT, 0, 2, -2), RULE(OP_SELFDESTRUCT, 5000, 1, -1);
    RULE(OP_INVALID, 0, 0, 0);
}

static bool ends_block(uint8_t operation) {
    switch (operation) {
    case OP_STOP: case OP_JUMP: case OP_JUMPI: case OP_GAS: case OP_SSTORE: case OP_CREATE: case OP_CREATE2:
    case OP_CALL: case OP_CALLCODE: case OP_DELEGATECALL: case OP_STATICCALL: case OP_RETURN: case OP_REVERT:
    case OP_INVALID: case OP_SELFDESTRUCT:
        return true;
    default:
        return false;
    }
}

static void program_release(Program *program) {
    if (program == NULL || __atomic_sub_fetch(&program->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(program->bytes);
    free(program->instructions);
    free(program->entries);
    free(program->wide);
    free(program);
}

static Program *program_hold(Program *program) {
    __atomic_add_fetch(&program->users, 1, __ATOMIC_RELAXED);
    return program;
}

/* Returns the decoded form of some code, with one user; NULL if there is no memory or it is too long. */
static Program *program_new(const uint8_t *code, uint64_t length) {
    if (length > MAX_PROGRAM_BYTES)
        return NULL;
    Program *program = calloc(1, sizeof *program);
    if (program == NULL)
        return NULL;
    program->users = 1;
    program->length = (uint32_t)length;
    program->bytes = calloc(1, (size_t)length + 1);
    program->entries = calloc((size_t)length + 1, sizeof *program->entries);
    /* Each byte makes at most itself and the block after it; one of each for running off the end. */
    program->instructions = malloc(sizeof *program->instructions * (2 * (size_t)length + 4));
    program->wide = malloc(sizeof *program->wide * ((size_t)length / 9 + 2));
    if (!program->bytes || !program->entries || !program->instructions || !program->wide) {
        program_release(program);
        return NULL;
    }
    if (length)
        memcpy(program->bytes, code, (size_t)length);

    Instruction *out = program->instructions;
    uint32_t count = 0, wide = 0, block = 0;
    int64_t gas = 0;
    int height = 0, needed = 0, highest = 0;
    bool is_open = false;
    uint64_t pc = 0;
    for (;;) {
        uint8_t op = pc < length ? program->bytes[pc] : OP_STOP;
        if (RULES[op].gas < 0)
            op = OP_INVALID;
        if (is_open && op == OP_JUMPDEST) {
            out[block].immediate = (uint64_t)gas;
            out[block].needed = (uint16_t)needed;
            out[block].growth = (uint32_t)highest;
            is_open = false;
        }
        if (!is_open) {
            block = count;
            out[count++] = (Instruction){.operation = OP_BLOCK, .is_block_entry = true};
            gas = height = needed = highest = 0;
            is_open = true;
            if (op == OP_JUMPDEST && pc < length)
                program->entries[pc] = block + 1; /* 0 means no entry */
        }
        const Rule *rule = &RULES[op];
        gas += rule->gas;
        if (rule->needed - height > needed)
            needed = rule->needed - height;
        height += rule->change;
        if (height > highest)
            highest = height;
        Instruction made = {.operation = op, .growth = (uint32_t)pc};
        uint64_t next = pc + 1;
        if (op >= OP_PUSH1 && op <= OP_PUSH32) {
            uint64_t size = (uint64_t)(op - OP_PUSH1 + 1), there = length - next < size ? length - next : size;
            uint8_t bytes[32] = {0};
            memcpy(bytes + 32 - size, program->bytes + next, (size_t)there);
            Word value = word_load(bytes);
            next += size;
            uint8_t follower = next < length ? program->bytes[next] : OP_STOP;
            made.operation = OP_PUSH1;
            made.immediate = value.limb[0];
            if (!word_fits64(&value)) {
                made.operation = OP_PUSH_WIDE;
                made.growth = wide;
                program->wide[wide++] = value;
            } else if ((follower == OP_MLOAD || follower == OP_MSTORE) && value.limb[0] < (1u << 24)) {
                /* The pair needs what both need: as if they were decoded one after the other. */
                const Rule *second = &RULES[follower];
                gas += second->gas;
                if (second->needed - height > needed)
                    needed = second->needed - height;
                height += second->change;
                made.operation = follower == OP_MLOAD ? OP_MLOAD_AT : OP_MSTORE_AT;
                next++;
            } else if (follower == OP_JUMP || follower == OP_JUMPI) {
                const Rule *second = &RULES[follower];
                gas += second->gas;
                if (second->needed - height > needed)
                    needed = second->needed - height;
                height += second->change;
                made.operation = follower == OP_JUMP ? OP_GOTO : OP_GOTO_IF;
                next++;
            }
        } else if (op == OP_PC) {
            made.operation = OP_PUSH1;
            made.immediate = pc;
        } else if (op == OP_PUSH0) {
            made.operation = OP_PUSH1;
        }
        if (op != OP_JUMPDEST)
            out[count++] = made;
        bool is_end = ends_block(op) || made.operation == OP_GOTO || made.operation == OP_GOTO_IF;
        if (is_end) {
            out[block].immediate = (uint64_t)gas;
            out[block].needed = (uint16_t)needed;
            out[block].growth = (uint32_t)highest;
            is_open = false;
        }
        if (pc >= length)
            break; /* the STOP behind the end */
        pc = next;
    }
    program->count = count;
    for (uint32_t i = 0; i < count; i++) /* jumps to known places: to the instruction, or to what fails there */
        if (out[i].operation == OP_GOTO || out[i].operation == OP_GOTO_IF) {
            uint64_t target = out[i].immediate;
            out[i].growth = target < length ? program->entries[target] : 0;
        }
    return program;
}

#endif
