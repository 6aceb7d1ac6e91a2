/* Code as the interpreter runs it, and the price and stack items of every operation. `lowering.h` makes it. */
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
    /* Of the lowered form alone, at values that no operation has. */
    OP_BLOCK = 0x0c,  /* the checks of a block: `rise` items needed, `to` added at its highest, `a` gas; `b` its place */
    OP_MOVE,          /* copies an item, as DUP and SWAP do when it must stand somewhere */
    OP_GOTO,          /* a jump to a known place, which is `b`; the same if or unless `a` is zero, or as two compare */
    OP_GOTO_IF = 0x21, OP_GOTO_UNLESS, OP_GOTO_IF_LT, OP_GOTO_IF_SLT, OP_GOTO_IF_EQ, OP_GOTO_UNLESS_LT,
    OP_GOTO_UNLESS_SLT, OP_GOTO_UNLESS_EQ,
    OP_COPY_WORD, /* from memory at `a` to memory at `to`, as MLOAD and MSTORE at known places do */
};

typedef struct {
    int16_t gas;    /* -1: no such instruction */
    uint8_t needed; /* stack items it takes */
    int8_t change;  /* items afterwards less items before */
} Rule;

/* Kinds of operands, added to an operation: both are items of the stack unless it says otherwise. */
enum { FIRST_FIXED = 0x100, SECOND_FIXED = 0x200, KINDS = 0x400 };

/* An operation on places: items of the stack, in bytes from the base of its block (the highest item when the block
   was entered; what is pushed lies above it), or in bytes from the first constant of the program. */
typedef struct {
    uint16_t operation; /* and the kinds of its operands */
    int16_t rise;       /* items over the base: before an operation that takes its operands from the top, or after
                           one that ends the block */
    int32_t to, a, b;   /* result and operands; of memory at a known place, the place; of a jump, the target */
} Instruction;

typedef struct {
    int users; /* worlds and frames that hold it; changed atomically: copies of a world may live in threads */
    uint32_t length;
    uint8_t *bytes;
    uint8_t hash[32];
    Instruction *instructions;
    uint32_t count;
    uint32_t *entries; /* place in the code -> 1 + the instruction of a JUMPDEST, 0 elsewhere */
    Word *constants;   /* pushed values that are operands */
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
    free(program->constants);
    free(program);
}

static Program *program_hold(Program *program) {
    __atomic_add_fetch(&program->users, 1, __ATOMIC_RELAXED);
    return program;
}

#endif
