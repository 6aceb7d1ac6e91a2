/* The instruction loop: one loop for all call frames, so that no contract can exhaust the machine's own stack. */
#ifndef SEAWALL_INTERPRETER_H
#define SEAWALL_INTERPRETER_H

#include "frame.h"

#define HALT(what)                                                                                                 \
    do {                                                                                                           \
        status = (what);                                                                                           \
        goto finished;                                                                                             \
    } while (0)
#define OUT_OF_GAS_OR_REFUSED (world->refusal[0] ? REFUSED : OUT_OF_GAS)
#define NEXT                                                                                                       \
    do {                                                                                                           \
        at++;                                                                                                      \
        goto *labels[at->operation];                                                                               \
    } while (0)
/* `at` is the first instruction of a block. */
#define ENTER                                                                                                      \
    do {                                                                                                           \
        ptrdiff_t height = base - bottom;                                                                          \
        frame->gas -= at->a;                                                                                       \
        if (frame->gas < 0 || height < at->rise || height + at->to > STACK_LIMIT)                                  \
            goto cannot_enter;                                                                                     \
        NEXT;                                                                                                      \
    } while (0)
#define ENTER_NEXT                                                                                                 \
    do {                                                                                                           \
        at++;                                                                                                      \
        ENTER;                                                                                                     \
    } while (0)
#define JUMP_TO(target) /* 1 + the number of an instruction, 0 if there is no place to jump to */                  \
    do {                                                                                                           \
        uint32_t number = (target);                                                                                \
        if (number == 0)                                                                                           \
            HALT(INVALID);                                                                                         \
        at = instructions + number - 1;                                                                            \
        ENTER;                                                                                                     \
    } while (0)
/* What an instruction names: an item of the stack or a constant. */
#define ITEM(place) ((Word *)((uint8_t *)base + (place)))
#define FIXED(place) ((const Word *)((const uint8_t *)constants + (place)))
/* Before an operation that takes its operands from the top of the stack, and after one that also ends its block. */
#define FROM_TOP top = base + at->rise
#define NEXT_BLOCK                                                                                                 \
    do {                                                                                                           \
        base = top;                                                                                                \
        ENTER_NEXT;                                                                                                \
    } while (0)
/* Labels of an operation for each kind of operands. */
#define ONE(op, name) [op] = &&name, [(op) | FIRST_FIXED] = &&name##_fixed
#define TWO(op, name) [op] = &&name, [(op) | FIRST_FIXED] = &&name##_first, [(op) | SECOND_FIXED] = &&name##_second

static const Word THIRTY_TWO = {{32, 0, 0, 0}};

/* Runs `frames[0]`, which is filled in, to its end. Its output is in `returned`. */
static Status interpret(World *world) {
    static const void *const labels[KINDS] = {
        [0 ... KINDS - 1] = &&op_invalid,
        [OP_STOP] = &&op_stop, TWO(OP_ADD, op_add), TWO(OP_MUL, op_mul), TWO(OP_SUB, op_sub), TWO(OP_DIV, op_div),
        TWO(OP_SDIV, op_sdiv), TWO(OP_MOD, op_mod), TWO(OP_SMOD, op_smod), [OP_ADDMOD] = &&op_addmod,
        [OP_MULMOD] = &&op_mulmod, [OP_EXP] = &&op_exp, TWO(OP_SIGNEXTEND, op_signextend), TWO(OP_LT, op_lt),
        TWO(OP_SLT, op_slt), TWO(OP_EQ, op_eq), [OP_ISZERO] = &&op_iszero,
        TWO(OP_AND, op_and), TWO(OP_OR, op_or), TWO(OP_XOR, op_xor), [OP_NOT] = &&op_not, TWO(OP_BYTE, op_byte),
        TWO(OP_SHL, op_shl), TWO(OP_SHR, op_shr), TWO(OP_SAR, op_sar), ONE(OP_KECCAK256, op_keccak256),
        [OP_ADDRESS] = &&op_address, [OP_BALANCE] = &&op_balance, [OP_ORIGIN] = &&op_origin,
        [OP_CALLER] = &&op_caller, [OP_CALLVALUE] = &&op_callvalue, ONE(OP_CALLDATALOAD, op_calldataload),
        [OP_CALLDATASIZE] = &&op_calldatasize, [OP_CALLDATACOPY] = &&op_calldatacopy,
        [OP_CODESIZE] = &&op_codesize, [OP_CODECOPY] = &&op_codecopy, [OP_GASPRICE] = &&op_gasprice,
        [OP_EXTCODESIZE] = &&op_extcodesize, [OP_EXTCODECOPY] = &&op_extcodecopy,
        [OP_RETURNDATASIZE] = &&op_returndatasize, [OP_RETURNDATACOPY] = &&op_returndatacopy,
        [OP_EXTCODEHASH] = &&op_extcodehash, [OP_BLOCKHASH] = &&op_refused, [OP_COINBASE] = &&op_coinbase,
        [OP_TIMESTAMP] = &&op_timestamp, [OP_NUMBER] = &&op_number, [OP_PREVRANDAO] = &&op_prevrandao,
        [OP_GASLIMIT] = &&op_gaslimit, [OP_CHAINID] = &&op_chainid, [OP_SELFBALANCE] = &&op_selfbalance,
        [OP_BASEFEE] = &&op_basefee, [OP_BLOBHASH] = &&op_refused, [OP_BLOBBASEFEE] = &&op_refused,
        ONE(OP_MLOAD, op_mload), TWO(OP_MSTORE, op_mstore), [OP_MSTORE | FIRST_FIXED | SECOND_FIXED] = &&op_mstore_both, [OP_MSTORE8] = &&op_mstore8,
        ONE(OP_SLOAD, op_sload), [OP_SSTORE] = &&op_sstore, [OP_JUMP] = &&op_jump, [OP_JUMPI] = &&op_jumpi,
        [OP_MSIZE] = &&op_msize, [OP_GAS] = &&op_gas, [OP_TLOAD] = &&op_tload, [OP_TSTORE] = &&op_tstore,
        ONE(OP_MCOPY, op_mcopy),
        [OP_LOG0 ... OP_LOG4] = &&op_log,
        [OP_CREATE] = &&op_create, [OP_CREATE2] = &&op_create, [OP_CALL] = &&op_call, [OP_CALLCODE] = &&op_call,
        [OP_DELEGATECALL] = &&op_call, [OP_STATICCALL] = &&op_call, [OP_RETURN] = &&op_return,
        [OP_REVERT] = &&op_revert, [OP_SELFDESTRUCT] = &&op_refused, [OP_BLOCK] = &&op_block,
        ONE(OP_MOVE, op_move), ONE(OP_GOTO, op_goto), [OP_GOTO_IF] = &&op_goto_if, [OP_GOTO_UNLESS] = &&op_goto_unless, [OP_COPY_WORD] = &&op_copy_word,
        TWO(OP_GOTO_IF_LT, op_goto_if_lt), TWO(OP_GOTO_IF_SLT, op_goto_if_slt), TWO(OP_GOTO_IF_EQ, op_goto_if_eq),
        TWO(OP_GOTO_UNLESS_LT, op_goto_unless_lt), TWO(OP_GOTO_UNLESS_SLT, op_goto_unless_slt),
        TWO(OP_GOTO_UNLESS_EQ, op_goto_unless_eq),
    };
    int depth = 0;
    Frame *frame = &world->frames[0];
    /* `bottom` is below the lowest item, `base` is the highest one when the block at hand was entered. `top` is the
       highest one before an operation that takes its operands from there. */
    Word *bottom, *base, *top;
    const Instruction *instructions, *at;
    const Word *constants;
    uint8_t *memory;
    Status status = RUNNING;

    frame->journal_mark = world->journal_count;
    frame->log_mark = world->log_bytes;
    frame->log_count_mark = world->log_count;
    frame->refund_mark = world->refund;

enter: /* `frame` is filled in, marks included: what a failure takes back begins there */
    if (world->stacks[depth] == NULL && (world->stacks[depth] = malloc((STACK_LIMIT + 1 + TEMPORARIES) * sizeof(Word))) == NULL) {
        world_refuse(world, "MEMORY");
        HALT(REFUSED);
    }
    world->returned_length = 0;
    bottom = base = world->stacks[depth]; /* item 0 is never used: an empty stack's top may be named */
    at = instructions = frame->program->instructions;
    constants = frame->program->constants;
    memory = world->memory + frame->memory_at;
    ENTER;
cannot_enter:
    HALT(why_not(frame->program, (uint32_t)at->b, (int)(base - bottom), frame->gas + at->a));
op_block:
    ENTER;
op_stop:
    if (!give_back(world, NULL, 0))
        HALT(REFUSED);
    HALT(SUCCESS);
/* Code of an operation for each kind of operands. */
#define BINARY(name, function)                                                                                     \
    name:                                                                                                          \
    *ITEM(at->to) = function(ITEM(at->a), ITEM(at->b));                                                            \
    NEXT;                                                                                                          \
    name##_first:                                                                                                  \
    *ITEM(at->to) = function(FIXED(at->a), ITEM(at->b));                                                           \
    NEXT;                                                                                                          \
    name##_second:                                                                                                 \
    *ITEM(at->to) = function(ITEM(at->a), FIXED(at->b));                                                           \
    NEXT;
#define TEST(name, function)                                                                                       \
    name:                                                                                                          \
    *ITEM(at->to) = word_of(function(ITEM(at->a), ITEM(at->b)));                                                   \
    NEXT;                                                                                                          \
    name##_first:                                                                                                  \
    *ITEM(at->to) = word_of(function(FIXED(at->a), ITEM(at->b)));                                                  \
    NEXT;                                                                                                          \
    name##_second:                                                                                                 \
    *ITEM(at->to) = word_of(function(ITEM(at->a), FIXED(at->b)));                                                  \
    NEXT;
#define JUMP_WHERE(name, condition)                                                                                \
    name: {                                                                                                        \
        bool is_taken = (condition);                                                                               \
        base += at->rise;                                                                                          \
        if (is_taken)                                                                                              \
            JUMP_TO((uint32_t)at->to);                                                                             \
        ENTER_NEXT;                                                                                                \
    }
#define JUMPS(suffix, function)                                                                                    \
    JUMP_WHERE(op_goto_if_##suffix, function(ITEM(at->a), ITEM(at->b)))                                            \
    JUMP_WHERE(op_goto_if_##suffix##_first, function(FIXED(at->a), ITEM(at->b)))                                   \
    JUMP_WHERE(op_goto_if_##suffix##_second, function(ITEM(at->a), FIXED(at->b)))                                  \
    JUMP_WHERE(op_goto_unless_##suffix, !function(ITEM(at->a), ITEM(at->b)))                                       \
    JUMP_WHERE(op_goto_unless_##suffix##_first, !function(FIXED(at->a), ITEM(at->b)))                              \
    JUMP_WHERE(op_goto_unless_##suffix##_second, !function(ITEM(at->a), FIXED(at->b)))
    BINARY(op_add, word_add)
    BINARY(op_mul, word_multiply)
    BINARY(op_sub, word_subtract)
    BINARY(op_div, word_divide)
    BINARY(op_sdiv, word_divide_signed)
    BINARY(op_mod, word_modulo)
    BINARY(op_smod, word_modulo_signed)
    BINARY(op_signextend, word_sign_extend)
    BINARY(op_and, word_and)
    BINARY(op_or, word_or)
    BINARY(op_xor, word_xor)
    BINARY(op_byte, word_byte)
    BINARY(op_shl, word_shifted_left)
    BINARY(op_shr, word_shifted_right)
    BINARY(op_sar, word_shifted_arithmetic)
    TEST(op_lt, word_less)
    TEST(op_slt, word_less_signed)
    TEST(op_eq, word_equal)
op_iszero:
    *ITEM(at->to) = word_of(word_is_zero(ITEM(at->a)));
    NEXT;
op_not:
    *ITEM(at->to) = word_not(ITEM(at->a));
    NEXT;
op_move:
    *ITEM(at->to) = *ITEM(at->a);
    NEXT;
op_move_fixed:
    *ITEM(at->to) = *FIXED(at->a);
    NEXT;
op_goto_fixed:
    *ITEM(at->a) = *FIXED(at->b);
    /* fall through */
op_goto:
    base += at->rise;
    JUMP_TO((uint32_t)at->to);
    JUMP_WHERE(op_goto_if, !word_is_zero(ITEM(at->a)))
    JUMP_WHERE(op_goto_unless, word_is_zero(ITEM(at->a)))
    JUMPS(lt, word_less)
    JUMPS(slt, word_less_signed)
    JUMPS(eq, word_equal)
op_jump:
op_jumpi: {
    const Word *target = ITEM(at->a);
    bool is_taken = at->operation == OP_JUMP || !word_is_zero(ITEM(at->b));
    uint32_t entry = word_fits64(target) && target->limb[0] < frame->program->length
                         ? frame->program->entries[target->limb[0]]
                         : 0;
    base += at->rise;
    if (is_taken)
        JUMP_TO(entry);
    ENTER_NEXT;
}
op_addmod:
    FROM_TOP;
    top[-2] = word_add_modulo(&top[0], &top[-1], &top[-2]);
    top -= 2;
    NEXT;
op_mulmod:
    FROM_TOP;
    top[-2] = word_multiply_modulo(&top[0], &top[-1], &top[-2]);
    top -= 2;
    NEXT;
op_exp:
    FROM_TOP;
    frame->gas -= 50 * word_bytes(&top[-1]);
    if (frame->gas < 0)
        HALT(OUT_OF_GAS);
    top[-1] = word_power(top[0], &top[-1]);
    top--;
    NEXT;
op_keccak256: {
    FROM_TOP;
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-1].limb[0], KECCAK_WORD_GAS))
        HALT(OUT_OF_GAS);
    top[-1] = keccak_word(world, memory + (top[-1].limb[0] ? top[0].limb[0] : 0), top[-1].limb[0]);
    NEXT;
}
op_keccak256_fixed: {
    uint64_t offset = (uint32_t)at->a, length = (uint32_t)at->b;
    if (!expand(world, frame, offset + length) || !pay_words(frame, length, KECCAK_WORD_GAS))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    *ITEM(at->to) = keccak_word(world, memory + offset, length);
    NEXT;
}
op_address:
    *ITEM(at->to) = word_of_address(frame->address);
    NEXT;
op_balance: {
    FROM_TOP;
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    top[0] = world->accounts[account].balance;
    NEXT;
}
op_origin:
    *ITEM(at->to) = word_of_address(world->origin);
    NEXT;
op_caller:
    *ITEM(at->to) = word_of_address(frame->caller);
    NEXT;
op_callvalue:
    *ITEM(at->to) = frame->value;
    NEXT;
op_calldataload:
    *ITEM(at->to) = input_word(world, frame, ITEM(at->a));
    NEXT;
op_calldataload_fixed:
    *ITEM(at->to) = input_word(world, frame, FIXED(at->a));
    NEXT;
op_calldatasize:
    *ITEM(at->to) = word_of(frame->input_length);
    NEXT;
op_calldatacopy:
    FROM_TOP;
    if (!reach(world, frame, &top[0], &top[-2]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-2].limb[0], COPY_WORD_GAS))
        HALT(OUT_OF_GAS);
    if (top[-2].limb[0])
        copy_padded(memory + top[0].limb[0], input_of(world, frame), frame->input_length, &top[-1],
                    top[-2].limb[0]);
    top -= 3;
    NEXT;
op_codesize:
    *ITEM(at->to) = word_of(frame->program->length);
    NEXT;
op_codecopy:
    FROM_TOP;
    if (!reach(world, frame, &top[0], &top[-2]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-2].limb[0], COPY_WORD_GAS))
        HALT(OUT_OF_GAS);
    if (top[-2].limb[0])
        copy_padded(memory + top[0].limb[0], frame->program->bytes, frame->program->length, &top[-1],
                    top[-2].limb[0]);
    top -= 3;
    NEXT;
op_gasprice:
    *ITEM(at->to) = world->gas_price;
    NEXT;
op_extcodesize: {
    FROM_TOP;
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    const Program *code = world->accounts[account].code;
    top[0] = word_of(code == NULL ? 0 : code->length);
    NEXT;
}
op_extcodecopy: {
    FROM_TOP;
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    if (!reach(world, frame, &top[-1], &top[-3]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-3].limb[0], COPY_WORD_GAS))
        HALT(OUT_OF_GAS);
    const Program *code = world->accounts[account].code;
    if (top[-3].limb[0])
        copy_padded(memory + top[-1].limb[0], code == NULL ? memory : code->bytes, code == NULL ? 0 : code->length,
                    &top[-2], top[-3].limb[0]);
    top -= 4;
    NEXT;
}
op_returndatasize:
    *ITEM(at->to) = word_of(world->returned_length);
    NEXT;
op_returndatacopy: {
    FROM_TOP;
    Wide end = (Wide)top[-1].limb[0] + top[-2].limb[0];
    if (!word_fits64(&top[-1]) || !word_fits64(&top[-2]) || end > world->returned_length) {
        /* What comes first by the rules: the price of memory, then the range. Both take all gas. */
        if (!reach(world, frame, &top[0], &top[-2]))
            HALT(OUT_OF_GAS_OR_REFUSED);
        HALT(INVALID);
    }
    if (!reach(world, frame, &top[0], &top[-2]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-2].limb[0], COPY_WORD_GAS))
        HALT(OUT_OF_GAS);
    if (top[-2].limb[0])
        memcpy(memory + top[0].limb[0], world->returned + top[-1].limb[0], (size_t)top[-2].limb[0]);
    top -= 3;
    NEXT;
}
op_extcodehash: {
    FROM_TOP;
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    const Account *found = &world->accounts[account];
    static const uint8_t of_nothing[32] = {0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,
                                           0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,
                                           0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70};
    if (account_is_empty(found))
        top[0] = word_of(0);
    else
        top[0] = word_load(found->code == NULL ? of_nothing : found->code->hash);
    NEXT;
}
op_coinbase:
    *ITEM(at->to) = word_of_address(world->block.coinbase);
    NEXT;
op_timestamp:
    *ITEM(at->to) = word_of(world->block.timestamp);
    NEXT;
op_number:
    *ITEM(at->to) = word_of(world->block.number);
    NEXT;
op_prevrandao:
    *ITEM(at->to) = word_load(world->block.prevrandao);
    NEXT;
op_gaslimit:
    *ITEM(at->to) = word_of(world->block.gas_limit);
    NEXT;
op_chainid:
    *ITEM(at->to) = word_of(world->block.chain_id);
    NEXT;
op_selfbalance:
    *ITEM(at->to) = world->accounts[frame->self].balance;
    NEXT;
op_basefee:
    *ITEM(at->to) = word_of(world->block.base_fee);
    NEXT;
/* Makes the 32 bytes at a place be there. */
#define REACH_ITEM(where)                                                                                          \
    uint64_t offset = (where)->limb[0];                                                                            \
    if (!word_fits64(where) || offset + 32 > frame->memory_length || offset + 32 < offset) {                       \
        if (!reach(world, frame, where, &THIRTY_TWO))                                                              \
            HALT(OUT_OF_GAS_OR_REFUSED);                                                                           \
        memory = world->memory + frame->memory_at;                                                                 \
    }
#define REACH_KNOWN(place)                                                                                         \
    uint64_t offset = (uint32_t)(place);                                                                           \
    if (offset + 32 > frame->memory_length) {                                                                      \
        if (!expand(world, frame, offset + 32))                                                                    \
            HALT(OUT_OF_GAS_OR_REFUSED);                                                                           \
        memory = world->memory + frame->memory_at;                                                                 \
    }
op_mload: {
    REACH_ITEM(ITEM(at->a))
    *ITEM(at->to) = word_load(memory + offset);
    NEXT;
}
op_mload_fixed: {
    REACH_KNOWN(at->a)
    *ITEM(at->to) = word_load(memory + offset);
    NEXT;
}
op_mstore: {
    REACH_ITEM(ITEM(at->a))
    word_store(memory + offset, ITEM(at->b));
    NEXT;
}
op_mstore_first: {
    REACH_KNOWN(at->a)
    word_store(memory + offset, ITEM(at->b));
    NEXT;
}
op_mstore_second: {
    REACH_ITEM(ITEM(at->a))
    word_store(memory + offset, FIXED(at->b));
    NEXT;
}
op_mstore_both: {
    REACH_KNOWN(at->a)
    word_store(memory + offset, FIXED(at->b));
    NEXT;
}
op_copy_word: {
    uint64_t from = (uint32_t)at->a, target = (uint32_t)at->to, end = (from > target ? from : target) + 32;
    if (end > frame->memory_length) {
        if (!expand(world, frame, end))
            HALT(OUT_OF_GAS_OR_REFUSED);
        memory = world->memory + frame->memory_at;
    }
    Word kept = word_load(memory + from);
    word_store(memory + target, &kept);
    NEXT;
}
op_mstore8: {
    FROM_TOP;
    Word length = word_of(1);
    if (!reach(world, frame, &top[0], &length))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    memory[top[0].limb[0]] = (uint8_t)top[-1].limb[0];
    top -= 2;
    NEXT;
}
#define READ_SLOT(name, place)                                                                                     \
    name: {                                                                                                        \
        Slot *slot = slot_of(world, frame->self, (place));                                                         \
        if (slot == NULL)                                                                                          \
            HALT(REFUSED);                                                                                         \
        frame->gas -= warm_slot(world, slot) ? COLD_SLOT : WARM_ACCESS;                                            \
        if (frame->gas < 0)                                                                                        \
            HALT(OUT_OF_GAS);                                                                                      \
        *ITEM(at->to) = slot->value;                                                                               \
        NEXT;                                                                                                      \
    }
    READ_SLOT(op_sload, ITEM(at->a))
    READ_SLOT(op_sload_fixed, FIXED(at->a))
op_sstore:
    FROM_TOP;
    if (frame->is_static)
        HALT(INVALID);
    if (!store_slot(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    top -= 2;
    NEXT_BLOCK;
op_tload: {
    FROM_TOP;
    const Slot *slot = slot_search(world->transients, &world->transient_index, frame->self, &top[0]);
    top[0] = slot == NULL ? word_of(0) : slot->value;
    NEXT;
}
op_tstore: {
    FROM_TOP;
    if (frame->is_static)
        HALT(INVALID);
    Slot *slot = transient_of(world, frame->self, &top[0]);
    if (slot == NULL || !note(world, UNDO_TRANSIENT, (uint32_t)(slot - world->transients), slot->value))
        HALT(REFUSED);
    slot->value = top[-1];
    top -= 2;
    NEXT;
}
op_msize:
    *ITEM(at->to) = word_of(frame->memory_length);
    NEXT;
op_gas:
    FROM_TOP;
    *++top = word_of((uint64_t)frame->gas);
    NEXT_BLOCK;
op_mcopy_fixed: {
    uint64_t target = (uint32_t)at->to, from = (uint32_t)at->a, length = (uint32_t)at->b;
    if (!expand(world, frame, (from > target ? from : target) + length) ||
        !pay_words(frame, length, COPY_WORD_GAS))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    memmove(memory + target, memory + from, (size_t)length);
    NEXT;
}
op_mcopy: {
    FROM_TOP;
    Word *farther = word_less(&top[0], &top[-1]) ? &top[-1] : &top[0];
    if (!reach(world, frame, farther, &top[-2]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    if (!pay_words(frame, top[-2].limb[0], COPY_WORD_GAS))
        HALT(OUT_OF_GAS);
    if (top[-2].limb[0])
        memmove(memory + top[0].limb[0], memory + top[-1].limb[0], (size_t)top[-2].limb[0]);
    top -= 3;
    NEXT;
}
op_log: {
    FROM_TOP;
    int count = at->operation - OP_LOG0;
    if (frame->is_static)
        HALT(INVALID);
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    frame->gas -= (int64_t)(top[-1].limb[0] * LOG_BYTE_GAS);
    if (frame->gas < 0)
        HALT(OUT_OF_GAS);
    uint64_t offset = top[-1].limb[0] ? top[0].limb[0] : 0;
    if (!append_log(world, frame, top - 2, count, memory + offset, top[-1].limb[0]))
        HALT(REFUSED);
    top -= 2 + count;
    NEXT;
}
op_return:
    FROM_TOP;
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    if (!give_back(world, world->memory + frame->memory_at + (top[-1].limb[0] ? top[0].limb[0] : 0),
                   top[-1].limb[0]))
        HALT(REFUSED);
    HALT(SUCCESS);
op_revert:
    FROM_TOP;
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    if (!give_back(world, world->memory + frame->memory_at + (top[-1].limb[0] ? top[0].limb[0] : 0),
                   top[-1].limb[0]))
        HALT(REFUSED);
    HALT(REVERTED);
op_invalid:
    HALT(INVALID);
op_refused: {
    world_refuse(world, at->operation == OP_BLOCKHASH     ? "BLOCKHASH"
                        : at->operation == OP_BLOBHASH    ? "BLOBHASH"
                        : at->operation == OP_BLOBBASEFEE ? "BLOBBASEFEE"
                                                          : "SELFDESTRUCT");
    HALT(REFUSED);
}

op_create: {
    FROM_TOP;
    bool is_second = at->operation == OP_CREATE2;
    Word value = top[0];
    if (frame->is_static)
        HALT(INVALID);
    if (!reach(world, frame, &top[-1], &top[-2]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    uint64_t length = top[-2].limb[0], offset = length ? top[-1].limb[0] : 0;
    if (length > MAX_INITCODE_BYTES) /* EIP-3860 */
        HALT(OUT_OF_GAS);
    if (!pay_words(frame, length, is_second ? INITCODE_WORD_GAS + KECCAK_WORD_GAS : INITCODE_WORD_GAS))
        HALT(OUT_OF_GAS);
    Word salt = is_second ? top[-3] : word_of(0);
    top -= is_second ? 3 : 2;
    top[0] = word_of(0);
    world->returned_length = 0;
    uint32_t self = frame->self;
    if (depth + 1 > CALL_DEPTH || word_less(&world->accounts[self].balance, &value) ||
        world->accounts[self].nonce == UINT64_MAX)
        NEXT_BLOCK;
    uint8_t address[20];
    if (is_second)
        address_of_salted_creation(frame->address, &salt, memory + offset, length, address);
    else
        address_of_creation(frame->address, world->accounts[self].nonce, address);
    uint32_t created = account_of(world, address);
    if (created == NO_ACCOUNT || !set_nonce(world, self, world->accounts[self].nonce + 1))
        HALT(REFUSED);
    warm_account(world, created); /* stays warm whatever becomes of the creation */
    int64_t given = frame->gas - frame->gas / 64;
    frame->gas -= given;
    Account *account = &world->accounts[created];
    if (account->nonce != 0 || account->code != NULL || account->has_storage)
        NEXT_BLOCK; /* a collision takes the gas that was given */
    Program *program = program_new(memory + offset, length);
    if (program == NULL) {
        world_refuse(world, "MEMORY");
        HALT(REFUSED);
    }
    frame->stack = top;
    frame->at = at;
    Frame *child = &world->frames[++depth];
    *child = (Frame){.program = program, .self = created, .value = value, .outside = program->bytes,
                     .memory_at = frame->memory_at + frame->memory_length, .gas = given, .is_creation = true,
                     .journal_mark = world->journal_count, .log_mark = world->log_bytes,
                     .log_count_mark = world->log_count, .refund_mark = world->refund};
    memcpy(child->address, address, 20);
    memcpy(child->caller, frame->address, 20);
    frame = child;
    if (!note(world, UNDO_CREATED, created, word_of(account->created)) || !set_nonce(world, created, 1) ||
        !transfer(world, self, created, &value))
        HALT(REFUSED);
    world->accounts[created].created = world->transaction;
    goto enter;
}

op_call: {
    FROM_TOP;
    uint8_t operation = at->operation;
    bool has_value = operation == OP_CALL || operation == OP_CALLCODE;
    Word wanted = top[0], value = has_value ? top[-2] : word_of(0);
    Word *ranges = has_value ? top - 3 : top - 2; /* input offset and length, output offset and length */
    bool is_transfer = !word_is_zero(&value);
    if (operation == OP_CALL && is_transfer && frame->is_static)
        HALT(INVALID);
    if (!reach(world, frame, &ranges[0], &ranges[-1]) || !reach(world, frame, &ranges[-2], &ranges[-3]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    uint8_t address[20];
    word_to_address(address, &top[-1]);
    uint32_t target = account_of(world, address);
    if (target == NO_ACCOUNT)
        HALT(REFUSED);
    int which = precompile_of(world, address);
    frame->gas -= warm_account(world, target) ? COLD_ACCOUNT : WARM_ACCESS;
    if (is_transfer)
        frame->gas -= CALL_VALUE_GAS;
    if (operation == OP_CALL && is_transfer && account_is_empty(&world->accounts[target]))
        frame->gas -= NEW_ACCOUNT_GAS;
    if (frame->gas < 0)
        HALT(OUT_OF_GAS);
    int64_t most = frame->gas - frame->gas / 64;
    int64_t given = word_fits64(&wanted) && wanted.limb[0] < (uint64_t)most ? (int64_t)wanted.limb[0] : most;
    frame->gas -= given;
    if (is_transfer)
        given += CALL_STIPEND;
    uint64_t input_length = ranges[-1].limb[0], input_at = input_length ? ranges[0].limb[0] : 0;
    frame->output_length = ranges[-3].limb[0];
    frame->output_at = frame->output_length ? ranges[-2].limb[0] : 0;
    top -= has_value ? 6 : 5;
    top[0] = word_of(0);
    world->returned_length = 0;
    if (depth + 1 > CALL_DEPTH || (is_transfer && word_less(&world->accounts[frame->self].balance, &value))) {
        frame->gas += given;
        NEXT_BLOCK;
    }
    frame->stack = top;
    frame->at = at;
    Frame *child = &world->frames[depth + 1];
    bool keeps_self = operation == OP_CALLCODE || operation == OP_DELEGATECALL;
    *child = (Frame){.self = keeps_self ? frame->self : target,
                     .value = operation == OP_DELEGATECALL ? frame->value : value,
                     .input_at = frame->memory_at + input_at, .input_length = input_length,
                     .memory_at = frame->memory_at + frame->memory_length, .gas = given,
                     .is_static = frame->is_static || operation == OP_STATICCALL,
                     .journal_mark = world->journal_count, .log_mark = world->log_bytes,
                     .log_count_mark = world->log_count, .refund_mark = world->refund};
    memcpy(child->address, keeps_self ? frame->address : address, 20);
    memcpy(child->caller, operation == OP_DELEGATECALL ? frame->caller : frame->address, 20);
    uint32_t self = frame->self;
    frame = child;
    depth++;
    if (operation == OP_CALL && !transfer(world, self, target, &value))
        HALT(REFUSED);
    if (which)
        HALT(run_precompile(world, frame, which));
    Program *program = world->accounts[target].code;
    if (program == NULL) {
        world->returned_length = 0;
        HALT(SUCCESS);
    }
    frame->program = program_hold(program);
    goto enter;
}

finished:
    if (status == SUCCESS && frame->is_creation) { /* what it returned becomes the code */
        uint64_t length = world->returned_length;
        if (length > MAX_CODE_BYTES || (length && world->returned[0] == 0xef)) /* EIP-170, EIP-3541 */
            status = length > MAX_CODE_BYTES ? OUT_OF_GAS : INVALID;
        else if ((frame->gas -= (int64_t)length * CODE_BYTE_GAS) < 0)
            status = OUT_OF_GAS;
        else if (length) {
            Program *code = program_new(world->returned, length);
            Account *account = &world->accounts[frame->self];
            if (code == NULL || !note(world, UNDO_CODE, frame->self, word_of((uint64_t)(uintptr_t)account->code))) {
                program_release(code);
                world_refuse(world, "MEMORY");
                status = REFUSED;
            } else {
                keccak256(code->bytes, length, code->hash);
                account->code = code;
            }
        }
        if (status == SUCCESS && depth > 0)
            world->returned_length = 0;
    }
    if (status != SUCCESS) {
        undo_to(world, frame->journal_mark);
        world->log_bytes = frame->log_mark;
        world->log_count = frame->log_count_mark;
        world->refund = frame->refund_mark;
        if (status != REVERTED) {
            frame->gas = 0;
            world->returned_length = 0;
        }
    }
    program_release(frame->program);
    frame->program = NULL;
    if (status == REFUSED) { /* the whole message ends: give up every frame */
        while (depth > 0) {
            frame = &world->frames[--depth];
            program_release(frame->program);
            frame->program = NULL;
        }
        undo_to(world, world->frames[0].journal_mark);
        return REFUSED;
    }
    if (depth == 0)
        return status;
    Frame *parent = &world->frames[depth - 1];
    parent->gas += frame->gas;
    bool was_creation = frame->is_creation;
    Word result = word_of(status == SUCCESS);
    if (was_creation) {
        if (status == SUCCESS)
            result = word_of_address(frame->address);
    } else {
        uint64_t copied = world->returned_length < parent->output_length ? world->returned_length
                                                                         : parent->output_length;
        if (copied)
            memcpy(world->memory + parent->memory_at + parent->output_at, world->returned, (size_t)copied);
    }
    frame = parent;
    depth--;
    base = frame->stack;
    base[0] = result;
    bottom = world->stacks[depth];
    instructions = frame->program->instructions;
    constants = frame->program->constants;
    at = frame->at;
    memory = world->memory + frame->memory_at;
    status = RUNNING;
    ENTER_NEXT;
}

#endif
