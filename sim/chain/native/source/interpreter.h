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

/* Runs `frames[0]`, which is filled in, to its end. Its output is in `returned`. */
static Status interpret(World *world) {
    static const void *const labels[256] = {
        [0 ... 255] = &&op_invalid,
        [OP_STOP] = &&op_stop, [OP_ADD] = &&op_add, [OP_MUL] = &&op_mul, [OP_SUB] = &&op_sub, [OP_DIV] = &&op_div,
        [OP_SDIV] = &&op_sdiv, [OP_MOD] = &&op_mod, [OP_SMOD] = &&op_smod, [OP_ADDMOD] = &&op_addmod,
        [OP_MULMOD] = &&op_mulmod, [OP_EXP] = &&op_exp, [OP_SIGNEXTEND] = &&op_signextend, [OP_LT] = &&op_lt,
        [OP_GT] = &&op_gt, [OP_SLT] = &&op_slt, [OP_SGT] = &&op_sgt, [OP_EQ] = &&op_eq, [OP_ISZERO] = &&op_iszero,
        [OP_AND] = &&op_and, [OP_OR] = &&op_or, [OP_XOR] = &&op_xor, [OP_NOT] = &&op_not, [OP_BYTE] = &&op_byte,
        [OP_SHL] = &&op_shl, [OP_SHR] = &&op_shr, [OP_SAR] = &&op_sar, [OP_KECCAK256] = &&op_keccak256,
        [OP_ADDRESS] = &&op_address, [OP_BALANCE] = &&op_balance, [OP_ORIGIN] = &&op_origin,
        [OP_CALLER] = &&op_caller, [OP_CALLVALUE] = &&op_callvalue, [OP_CALLDATALOAD] = &&op_calldataload,
        [OP_CALLDATASIZE] = &&op_calldatasize, [OP_CALLDATACOPY] = &&op_calldatacopy,
        [OP_CODESIZE] = &&op_codesize, [OP_CODECOPY] = &&op_codecopy, [OP_GASPRICE] = &&op_gasprice,
        [OP_EXTCODESIZE] = &&op_extcodesize, [OP_EXTCODECOPY] = &&op_extcodecopy,
        [OP_RETURNDATASIZE] = &&op_returndatasize, [OP_RETURNDATACOPY] = &&op_returndatacopy,
        [OP_EXTCODEHASH] = &&op_extcodehash, [OP_BLOCKHASH] = &&op_refused, [OP_COINBASE] = &&op_coinbase,
        [OP_TIMESTAMP] = &&op_timestamp, [OP_NUMBER] = &&op_number, [OP_PREVRANDAO] = &&op_prevrandao,
        [OP_GASLIMIT] = &&op_gaslimit, [OP_CHAINID] = &&op_chainid, [OP_SELFBALANCE] = &&op_selfbalance,
        [OP_BASEFEE] = &&op_basefee, [OP_BLOBHASH] = &&op_refused, [OP_BLOBBASEFEE] = &&op_refused,
        [OP_POP] = &&op_pop, [OP_MLOAD] = &&op_mload, [OP_MSTORE] = &&op_mstore, [OP_MSTORE8] = &&op_mstore8,
        [OP_SLOAD] = &&op_sload, [OP_SSTORE] = &&op_sstore, [OP_JUMP] = &&op_jump, [OP_JUMPI] = &&op_jumpi,
        [OP_MSIZE] = &&op_msize, [OP_GAS] = &&op_gas, [OP_TLOAD] = &&op_tload, [OP_TSTORE] = &&op_tstore,
        [OP_MCOPY] = &&op_mcopy, [OP_PUSH1] = &&op_push, [OP_PUSH_WIDE] = &&op_push_wide,
        [OP_DUP1 ... OP_DUP16] = &&op_dup, [OP_SWAP1 ... OP_SWAP16] = &&op_swap, [OP_LOG0 ... OP_LOG4] = &&op_log,
        [OP_CREATE] = &&op_create, [OP_CREATE2] = &&op_create, [OP_CALL] = &&op_call, [OP_CALLCODE] = &&op_call,
        [OP_DELEGATECALL] = &&op_call, [OP_STATICCALL] = &&op_call, [OP_RETURN] = &&op_return,
        [OP_REVERT] = &&op_revert, [OP_SELFDESTRUCT] = &&op_refused, [OP_BLOCK] = &&op_block,
        [OP_GOTO] = &&op_goto, [OP_GOTO_IF] = &&op_goto_if, [OP_MLOAD_AT] = &&op_mload_at,
        [OP_MSTORE_AT] = &&op_mstore_at,
    };
    int depth = 0;
    Frame *frame = &world->frames[0];
    Word *bottom, *top; /* `top` is the highest item; below `bottom` + 1 there is none */
    const Instruction *at;
    uint8_t *memory;
    Status status = RUNNING;

    frame->journal_mark = world->journal_count;
    frame->log_mark = world->log_bytes;
    frame->log_count_mark = world->log_count;
    frame->refund_mark = world->refund;

enter: /* `frame` is filled in, marks included: what a failure takes back begins there */
    if (world->stacks[depth] == NULL && (world->stacks[depth] = malloc((STACK_LIMIT + 1) * sizeof(Word))) == NULL) {
        world_refuse(world, "MEMORY");
        HALT(REFUSED);
    }
    world->returned_length = 0;
    bottom = top = world->stacks[depth]; /* item 0 is never used: an empty stack's top may be named */
    at = frame->program->instructions;
    memory = world->memory + frame->memory_at;
    goto *labels[at->operation];

op_block:
    frame->gas -= (int64_t)at->immediate;
    if (frame->gas < 0 || top - bottom < (ptrdiff_t)at->needed || top - bottom + (ptrdiff_t)at->growth > STACK_LIMIT)
        HALT(why_not(frame->program, at, (int)(top - bottom), frame->gas + (int64_t)at->immediate));
    NEXT;
op_stop:
    if (!give_back(world, NULL, 0))
        HALT(REFUSED);
    HALT(SUCCESS);
#define BINARY(name, function)                                                                                     \
    name:                                                                                                          \
    top[-1] = function(&top[0], &top[-1]);                                                                         \
    top--;                                                                                                         \
    NEXT;
#define TEST(name, condition)                                                                                      \
    name:                                                                                                          \
    top[-1] = word_of(condition);                                                                                  \
    top--;                                                                                                         \
    NEXT;
#define BITWISE(name, operator)                                                                                    \
    name:                                                                                                          \
    for (int i = 0; i < 4; i++)                                                                                    \
        top[-1].limb[i] = top[0].limb[i] operator top[-1].limb[i];                                                 \
    top--;                                                                                                         \
    NEXT;
    BINARY(op_add, word_add)
    BINARY(op_mul, word_multiply)
    BINARY(op_sub, word_subtract)
    BINARY(op_div, word_divide)
    BINARY(op_sdiv, word_divide_signed)
    BINARY(op_mod, word_modulo)
    BINARY(op_smod, word_modulo_signed)
    TEST(op_lt, word_less(&top[0], &top[-1]))
    TEST(op_gt, word_less(&top[-1], &top[0]))
    TEST(op_slt, word_less_signed(&top[0], &top[-1]))
    TEST(op_sgt, word_less_signed(&top[-1], &top[0]))
    TEST(op_eq, word_equal(&top[0], &top[-1]))
    BITWISE(op_and, &)
    BITWISE(op_or, |)
    BITWISE(op_xor, ^)
op_addmod:
    top[-2] = word_add_modulo(&top[0], &top[-1], &top[-2]);
    top -= 2;
    NEXT;
op_mulmod:
    top[-2] = word_multiply_modulo(&top[0], &top[-1], &top[-2]);
    top -= 2;
    NEXT;
op_exp:
    frame->gas -= 50 * word_bytes(&top[-1]);
    if (frame->gas < 0)
        HALT(OUT_OF_GAS);
    top[-1] = word_power(top[0], &top[-1]);
    top--;
    NEXT;
op_signextend:
    if (word_fits64(&top[0]) && top[0].limb[0] < 31) {
        unsigned bits = 256 - 8 * ((unsigned)top[0].limb[0] + 1);
        Word raised = word_shift_left(&top[-1], bits);
        top[-1] = word_shift_arithmetic(&raised, bits);
    }
    top--;
    NEXT;
op_iszero:
    top[0] = word_of(word_is_zero(&top[0]));
    NEXT;
op_not:
    for (int i = 0; i < 4; i++)
        top[0].limb[i] = ~top[0].limb[i];
    NEXT;
op_byte:
    if (word_fits64(&top[0]) && top[0].limb[0] < 32) {
        unsigned place = 31 - (unsigned)top[0].limb[0];
        top[-1] = word_of(top[-1].limb[place / 8] >> (8 * (place % 8)) & 0xff);
    } else {
        top[-1] = word_of(0);
    }
    top--;
    NEXT;
op_shl:
    top[-1] = word_fits64(&top[0]) && top[0].limb[0] < 256 ? word_shift_left(&top[-1], (unsigned)top[0].limb[0])
                                                           : word_of(0);
    top--;
    NEXT;
op_shr:
    top[-1] = word_fits64(&top[0]) && top[0].limb[0] < 256 ? word_shift_right(&top[-1], (unsigned)top[0].limb[0])
                                                           : word_of(0);
    top--;
    NEXT;
op_sar: {
    unsigned by = word_fits64(&top[0]) && top[0].limb[0] < 256 ? (unsigned)top[0].limb[0] : 255;
    top[-1] = word_shift_arithmetic(&top[-1], by); /* 255 leaves nothing but the sign */
    top--;
    NEXT;
}
op_keccak256: {
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    uint64_t length = top[-1].limb[0];
    if (!pay_words(frame, length, KECCAK_WORD_GAS))
        HALT(OUT_OF_GAS);
    uint8_t digest[32];
    if (length == 64)
        keccak_of_pair(world, memory + top[0].limb[0], digest);
    else
        keccak256(length ? memory + top[0].limb[0] : digest, length, digest);
    top--;
    top[0] = word_load(digest);
    NEXT;
}
op_address:
    *++top = word_of_address(frame->address);
    NEXT;
op_balance: {
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    top[0] = world->accounts[account].balance;
    NEXT;
}
op_origin:
    *++top = word_of_address(world->origin);
    NEXT;
op_caller:
    *++top = word_of_address(frame->caller);
    NEXT;
op_callvalue:
    *++top = frame->value;
    NEXT;
op_calldataload: {
    const uint8_t *input = input_of(world, frame);
    uint64_t start = word_fits64(&top[0]) ? top[0].limb[0] : UINT64_MAX;
    if (start >= frame->input_length)
        top[0] = word_of(0);
    else if (frame->input_length - start >= 32)
        top[0] = word_load(input + start);
    else
        top[0] = word_load_padded(input + start, frame->input_length - start);
    NEXT;
}
op_calldatasize:
    *++top = word_of(frame->input_length);
    NEXT;
op_calldatacopy:
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
    *++top = word_of(frame->program->length);
    NEXT;
op_codecopy:
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
    *++top = world->gas_price;
    NEXT;
op_extcodesize: {
    uint32_t account = account_touched(world, frame, &top[0]);
    if (account == NO_ACCOUNT)
        HALT(OUT_OF_GAS_OR_REFUSED);
    const Program *code = world->accounts[account].code;
    top[0] = word_of(code == NULL ? 0 : code->length);
    NEXT;
}
op_extcodecopy: {
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
    *++top = word_of(world->returned_length);
    NEXT;
op_returndatacopy: {
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
    *++top = word_of_address(world->block.coinbase);
    NEXT;
op_timestamp:
    *++top = word_of(world->block.timestamp);
    NEXT;
op_number:
    *++top = word_of(world->block.number);
    NEXT;
op_prevrandao:
    *++top = word_load(world->block.prevrandao);
    NEXT;
op_gaslimit:
    *++top = word_of(world->block.gas_limit);
    NEXT;
op_chainid:
    *++top = word_of(world->block.chain_id);
    NEXT;
op_selfbalance:
    *++top = world->accounts[frame->self].balance;
    NEXT;
op_basefee:
    *++top = word_of(world->block.base_fee);
    NEXT;
op_pop:
    top--;
    NEXT;
op_mload_at:
    *++top = word_of(at->immediate);
    /* fall through */
op_mload: {
    uint64_t offset = top[0].limb[0];
    if (!word_fits64(&top[0]) || offset + 32 > frame->memory_length || offset + 32 < offset) {
        Word length = word_of(32);
        if (!reach(world, frame, &top[0], &length))
            HALT(OUT_OF_GAS_OR_REFUSED);
        memory = world->memory + frame->memory_at;
    }
    top[0] = word_load(memory + offset);
    NEXT;
}
op_mstore_at:
    *++top = word_of(at->immediate);
    /* fall through */
op_mstore: {
    uint64_t offset = top[0].limb[0];
    if (!word_fits64(&top[0]) || offset + 32 > frame->memory_length || offset + 32 < offset) {
        Word length = word_of(32);
        if (!reach(world, frame, &top[0], &length))
            HALT(OUT_OF_GAS_OR_REFUSED);
        memory = world->memory + frame->memory_at;
    }
    word_store(memory + offset, &top[-1]);
    top -= 2;
    NEXT;
}
op_mstore8: {
    Word length = word_of(1);
    if (!reach(world, frame, &top[0], &length))
        HALT(OUT_OF_GAS_OR_REFUSED);
    memory = world->memory + frame->memory_at;
    memory[top[0].limb[0]] = (uint8_t)top[-1].limb[0];
    top -= 2;
    NEXT;
}
op_sload: {
    Slot *slot = slot_of(world, frame->self, &top[0]);
    if (slot == NULL)
        HALT(REFUSED);
    frame->gas -= warm_slot(world, slot) ? COLD_SLOT : WARM_ACCESS;
    if (frame->gas < 0)
        HALT(OUT_OF_GAS);
    top[0] = slot->value;
    NEXT;
}
op_sstore:
    if (frame->is_static)
        HALT(INVALID);
    if (!store_slot(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    top -= 2;
    NEXT;
op_tload: {
    const Slot *slot = slot_search(world->transients, &world->transient_index, frame->self, &top[0]);
    top[0] = slot == NULL ? word_of(0) : slot->value;
    NEXT;
}
op_tstore: {
    if (frame->is_static)
        HALT(INVALID);
    Slot *slot = transient_of(world, frame->self, &top[0]);
    if (slot == NULL || !note(world, UNDO_TRANSIENT, (uint32_t)(slot - world->transients), slot->value))
        HALT(REFUSED);
    slot->value = top[-1];
    top -= 2;
    NEXT;
}
op_jump: {
    uint64_t target = top[0].limb[0];
    if (!word_fits64(&top[0]) || target >= frame->program->length || frame->program->entries[target] == 0)
        HALT(INVALID);
    top--;
    at = frame->program->instructions + frame->program->entries[target] - 1;
    goto *labels[at->operation];
}
op_jumpi: {
    uint64_t target = top[0].limb[0];
    bool is_taken = !word_is_zero(&top[-1]);
    bool is_entry =
        word_fits64(&top[0]) && target < frame->program->length && frame->program->entries[target] != 0;
    top -= 2;
    if (!is_taken)
        NEXT;
    if (!is_entry)
        HALT(INVALID);
    at = frame->program->instructions + frame->program->entries[target] - 1;
    goto *labels[at->operation];
}
op_goto:
    if (at->growth == 0)
        HALT(INVALID);
    at = frame->program->instructions + at->growth - 1;
    goto *labels[at->operation];
op_goto_if: {
    bool is_taken = !word_is_zero(&top[0]);
    top--;
    if (!is_taken)
        NEXT;
    if (at->growth == 0)
        HALT(INVALID);
    at = frame->program->instructions + at->growth - 1;
    goto *labels[at->operation];
}
op_msize:
    *++top = word_of(frame->memory_length);
    NEXT;
op_gas:
    *++top = word_of((uint64_t)frame->gas);
    NEXT;
op_mcopy: {
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
op_push:
    *++top = word_of(at->immediate);
    NEXT;
op_push_wide:
    *++top = frame->program->wide[at->growth];
    NEXT;
op_dup:
    top[1] = top[-(int)(at->operation - OP_DUP1)];
    top++;
    NEXT;
op_swap: {
    Word *other = top - (at->operation - OP_SWAP1 + 1), kept = *other;
    *other = *top;
    *top = kept;
    NEXT;
}
op_log: {
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
    if (!reach(world, frame, &top[0], &top[-1]))
        HALT(OUT_OF_GAS_OR_REFUSED);
    if (!give_back(world, world->memory + frame->memory_at + (top[-1].limb[0] ? top[0].limb[0] : 0),
                   top[-1].limb[0]))
        HALT(REFUSED);
    HALT(SUCCESS);
op_revert:
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
        NEXT;
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
        NEXT; /* a collision takes the gas that was given */
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
        NEXT;
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
    top = frame->stack;
    top[0] = result;
    bottom = world->stacks[depth];
    at = frame->at;
    memory = world->memory + frame->memory_at;
    status = RUNNING;
    NEXT;
}

#endif
