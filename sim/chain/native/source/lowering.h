/* From the code of a contract to what the interpreter runs.

   A block is a run of operations that is entered at its first one only. Its gas, the items it needs and those it adds
   are known beforehand and checked when it is entered. An operation that must see the exact gas (GAS, SSTORE, calls,
   creations) ends its block, so that what is charged when it runs is what is due.

   Within a block the stack is followed here and not by the interpreter: where an item stands is known, so PUSH, POP,
   DUP and SWAP do nothing when code runs; an operation names the places of its operands and of its result. An item may
   stand elsewhere than its position says (a copy stands where the original does); whoever relies on positions (the
   end of the block, operations that take their operands from the top) first has the stack settled. The way is that of
   register allocation for stack machines (Ertl 1995, "Stack caching for interpreters", section 3). */
#ifndef SEAWALL_LOWERING_H
#define SEAWALL_LOWERING_H

#include "program.h"

enum {
    TEMPORARIES = 32, /* places over the highest item of a block, for results whose position is still taken */
    FEWEST_FREE = 8,  /* with fewer the stack is settled: an operation and a settling need at most 6 */
    CONSTANT = 1 << 21, /* beyond every place: CONSTANT + i is constant i */
    NOWHERE = 1 << 30,
};

typedef struct {
    Program *program;
    uint32_t room, constant_room, constant_count;
    bool has_failed;      /* there was no memory */
    uint32_t recent[256]; /* constants by a hash: 1 + number */
    /* Of the block at hand. Positions and places count from its base, which is 0; what lies deeper is negative. */
    uint32_t first;   /* its first instruction */
    int height, highest;
    int lowest_moved; /* no item below this position stands elsewhere than it should */
    int free;         /* temporaries that hold nothing */
    int32_t stands[2 * STACK_LIMIT + 1];              /* of each position, the place or the constant */
    uint16_t users[2 * STACK_LIMIT + TEMPORARIES + 1]; /* of each place, how many items and operands stand there */
} Lowering;

#define STANDS(position) (lowering->stands[(position) + STACK_LIMIT])
#define USERS(place) (lowering->users[(place) + STACK_LIMIT])

static void emit(Lowering *lowering, int operation, int rise, int32_t to, int32_t a, int32_t b) {
    Program *program = lowering->program;
    if (program->count == lowering->room) {
        uint32_t larger = lowering->room ? 2 * lowering->room : 64;
        Instruction *moved = realloc(program->instructions, larger * sizeof *moved);
        if (moved == NULL) {
            lowering->has_failed = true;
            return;
        }
        program->instructions = moved;
        lowering->room = larger;
    }
    program->instructions[program->count++] =
        (Instruction){.operation = (uint16_t)operation, .rise = (int16_t)rise, .to = to, .a = a, .b = b};
}

static int32_t constant_of(Lowering *lowering, Word value) {
    Program *program = lowering->program;
    uint32_t *recent = &lowering->recent[(value.limb[0] * 0x9e3779b97f4a7c15u ^ value.limb[3]) >> 56];
    if (*recent && word_equal(&program->constants[*recent - 1], &value))
        return CONSTANT + (int32_t)*recent - 1;
    if (lowering->constant_count == lowering->constant_room) {
        uint32_t larger = lowering->constant_room ? 2 * lowering->constant_room : 16;
        Word *moved = realloc(program->constants, larger * sizeof *moved);
        if (moved == NULL) {
            lowering->has_failed = true;
            return CONSTANT;
        }
        program->constants = moved;
        lowering->constant_room = larger;
    }
    program->constants[lowering->constant_count++] = value;
    *recent = lowering->constant_count;
    return CONSTANT + (int32_t)lowering->constant_count - 1;
}

static bool is_constant(int32_t where) {
    return where >= CONSTANT;
}

static int32_t bytes_to(int32_t where) { /* as instructions name it */
    return (int32_t)sizeof(Word) * (is_constant(where) ? where - CONSTANT : where);
}

static void hold(Lowering *lowering, int32_t where) {
    if (!is_constant(where) && USERS(where)++ == 0 && where > lowering->highest)
        lowering->free--;
}

static void drop(Lowering *lowering, int32_t where) {
    if (!is_constant(where) && --USERS(where) == 0 && where > lowering->highest)
        lowering->free++;
}

static int32_t temporary(const Lowering *lowering) {
    int32_t place = lowering->highest + 1;
    while (USERS(place))
        place++;
    return place;
}

static void mark_moved(Lowering *lowering, int position) {
    if (STANDS(position) != position && position < lowering->lowest_moved)
        lowering->lowest_moved = position;
}

static void push(Lowering *lowering, int32_t where) {
    STANDS(++lowering->height) = where;
    hold(lowering, where);
    mark_moved(lowering, lowering->height);
}

static int32_t pop(Lowering *lowering) { /* the caller drops what it got once nothing may overwrite it any more */
    return STANDS(lowering->height--);
}

static int32_t result_of(Lowering *lowering) { /* where a result goes: its position if nothing else stands there */
    int position = lowering->height + 1;
    int32_t place = USERS(position) ? temporary(lowering) : position;
    push(lowering, place);
    return bytes_to(place);
}

static void move(Lowering *lowering, int32_t to, int32_t from) {
    emit(lowering, is_constant(from) ? OP_MOVE | FIRST_FIXED : OP_MOVE, 0, bytes_to(to), bytes_to(from), 0);
}

/* Makes an operand an item of the stack if it is a constant. */
static void unfix(Lowering *lowering, int32_t *operand) {
    if (!is_constant(*operand))
        return;
    int32_t place = temporary(lowering);
    move(lowering, place, *operand);
    hold(lowering, place);
    *operand = place;
}

/* Has the items from position `from` on stand where their positions say; what lies deeper is no longer needed or
   stands there already. `kept` are operands, held, that still must be read afterwards: they may have to move away. */
static void settle(Lowering *lowering, int from, int32_t *kept, int count) {
    for (int q = lowering->lowest_moved; q < from; q++) {
        drop(lowering, STANDS(q));
        STANDS(q) = CONSTANT; /* nobody will ask */
    }
    int start = from > lowering->lowest_moved ? from : lowering->lowest_moved;
    for (;;) {
        int waits = NOWHERE;
        bool has_moved = false;
        for (int p = start; p <= lowering->height; p++) {
            if (STANDS(p) == p)
                continue;
            if (USERS(p)) {
                waits = waits == NOWHERE ? p : waits;
                continue;
            }
            move(lowering, p, STANDS(p));
            drop(lowering, STANDS(p));
            STANDS(p) = p;
            hold(lowering, p);
            has_moved = true;
        }
        if (waits == NOWHERE)
            break;
        if (has_moved)
            continue;
        /* Each waits for another, in a circle, or for an operand: one of them steps aside. */
        int32_t aside = temporary(lowering);
        move(lowering, aside, waits);
        for (int p = start; p <= lowering->height; p++)
            if (STANDS(p) == waits)
                drop(lowering, waits), STANDS(p) = aside, hold(lowering, aside);
        for (int i = 0; i < count; i++)
            if (kept[i] == waits)
                drop(lowering, waits), kept[i] = aside, hold(lowering, aside);
    }
    lowering->lowest_moved = NOWHERE;
}

/* Gas, items needed and items added at most of the block that begins at `pc`, and where the next one begins. */
typedef struct {
    int64_t gas;
    int needed, highest;
    uint64_t end;
} Extent;

static uint8_t operation_at(const Program *program, uint64_t pc) { /* behind the end there is a STOP */
    uint8_t op = pc < program->length ? program->bytes[pc] : OP_STOP;
    return RULES[op].gas < 0 ? OP_INVALID : op;
}

static uint64_t bytes_pushed(uint8_t op) {
    return op >= OP_PUSH1 && op <= OP_PUSH32 ? (uint64_t)(op - OP_PUSH1 + 1) : 0;
}

static Extent extent_of(const Program *program, uint64_t pc) {
    Extent extent = {0};
    int height = 0;
    for (bool is_first = true;; is_first = false) {
        uint8_t op = operation_at(program, pc);
        const Rule *rule = &RULES[op];
        if (op == OP_JUMPDEST && !is_first)
            break;
        extent.gas += rule->gas;
        if (rule->needed - height > extent.needed)
            extent.needed = rule->needed - height;
        height += rule->change;
        if (height > extent.highest)
            extent.highest = height;
        pc += 1 + bytes_pushed(op);
        if (ends_block(op))
            break;
    }
    extent.end = pc;
    return extent;
}

static Word pushed_at(const Program *program, uint64_t pc, uint64_t size) {
    uint8_t bytes[32] = {0};
    uint64_t there = pc + 1 >= program->length ? 0 : program->length - pc - 1;
    memcpy(bytes + 32 - size, program->bytes + pc + 1, (size_t)(there < size ? there : size));
    return word_load(bytes);
}

static bool takes_either_order(uint8_t op) {
    return op == OP_ADD || op == OP_MUL || op == OP_EQ || op == OP_AND || op == OP_OR || op == OP_XOR;
}

/* An operation on two operands. There is no form for two constants, none that commutes has a constant first, and
   "greater" is "less" with its operands exchanged. */
static void lower_binary(Lowering *lowering, uint8_t op) {
    int32_t a = pop(lowering), b = pop(lowering);
    bool is_exchanged = op == OP_GT || op == OP_SGT || (takes_either_order(op) && is_constant(a));
    if (is_exchanged) {
        int32_t kept = a;
        a = b, b = kept;
        op = op == OP_GT ? OP_LT : op == OP_SGT ? OP_SLT : op;
    }
    if (is_constant(b))
        unfix(lowering, &a);
    int kind = is_constant(a) ? FIRST_FIXED : is_constant(b) ? SECOND_FIXED : 0;
    drop(lowering, a), drop(lowering, b);
    int32_t to = result_of(lowering);
    emit(lowering, op | kind, 0, to, bytes_to(a), bytes_to(b));
}

static void lower_unary(Lowering *lowering, uint8_t op, bool has_fixed_form) {
    int32_t a = pop(lowering);
    if (!has_fixed_form)
        unfix(lowering, &a);
    drop(lowering, a);
    int32_t to = result_of(lowering);
    emit(lowering, is_constant(a) ? op | FIRST_FIXED : op, 0, to, bytes_to(a), 0);
}

/* A place in memory that is known: small enough to be part of the instruction. */
static bool known_place(const Lowering *lowering, int32_t where, int32_t *offset) {
    if (!is_constant(where))
        return false;
    const Word *value = &lowering->program->constants[where - CONSTANT];
    *offset = (int32_t)value->limb[0];
    return word_fits64(value) && value->limb[0] < 1 << 24;
}

static void lower_load(Lowering *lowering) {
    int32_t offset, a = pop(lowering);
    bool is_known = known_place(lowering, a, &offset);
    if (!is_known) {
        unfix(lowering, &a);
        offset = bytes_to(a);
    }
    drop(lowering, a);
    int32_t to = result_of(lowering);
    emit(lowering, is_known ? OP_MLOAD | FIRST_FIXED : OP_MLOAD, 0, to, offset, 0);
}

/* The last instruction, if it does nothing but make the operand `where`, which nobody else uses; else NULL. */
static const Instruction *maker_of(const Lowering *lowering, int32_t where) {
    const Program *program = lowering->program;
    if (program->count <= lowering->first || is_constant(where) || USERS(where) > 1)
        return NULL;
    const Instruction *last = &program->instructions[program->count - 1];
    switch (last->operation & 0xff) {
    case OP_ISZERO: case OP_LT: case OP_SLT: case OP_EQ: case OP_XOR: case OP_SUB: case OP_MLOAD:
        return last->to == bytes_to(where) ? last : NULL;
    default:
        return NULL;
    }
}

static void lower_store(Lowering *lowering) {
    int32_t offset, a = pop(lowering), b = pop(lowering);
    int kind = is_constant(b) ? SECOND_FIXED : 0;
    if (known_place(lowering, a, &offset)) {
        kind |= FIRST_FIXED;
        const Instruction *maker = maker_of(lowering, b);
        if (maker != NULL && maker->operation == (OP_MLOAD | FIRST_FIXED)) {
            int32_t from = maker->a;
            lowering->program->count--;
            drop(lowering, b);
            emit(lowering, OP_COPY_WORD, 0, offset, from, 0);
            return;
        }
    } else {
        unfix(lowering, &a);
        offset = bytes_to(a);
    }
    emit(lowering, OP_MSTORE | kind, 0, 0, offset, bytes_to(b));
    drop(lowering, a), drop(lowering, b);
}

/* A copy within memory whose range is known; false: it is not. */
static bool lower_known_copy(Lowering *lowering) {
    int32_t to, from, length;
    if (!known_place(lowering, STANDS(lowering->height), &to) ||
        !known_place(lowering, STANDS(lowering->height - 1), &from) ||
        !known_place(lowering, STANDS(lowering->height - 2), &length) || length == 0)
        return false;
    emit(lowering, OP_MCOPY | FIRST_FIXED, 0, to, from, length);
    lowering->height -= 3;
    return true;
}

/* A hash of memory whose range is known; false: it is not. */
static bool lower_known_hash(Lowering *lowering) {
    int32_t offset, length;
    if (!known_place(lowering, STANDS(lowering->height), &offset) ||
        !known_place(lowering, STANDS(lowering->height - 1), &length) || length == 0)
        return false;
    lowering->height -= 2;
    int32_t to = result_of(lowering);
    emit(lowering, OP_KECCAK256 | FIRST_FIXED, 0, to, offset, length);
    return true;
}

static int32_t jump_target(const Lowering *lowering, int32_t where) { /* -1: to no place in this code */
    const Word *value = &lowering->program->constants[where - CONSTANT];
    return word_fits64(value) && value->limb[0] < lowering->program->length ? (int32_t)value->limb[0] : -1;
}

/* A jump takes the constant with it that was put in its place just before: where to return to, as a rule. */
static void emit_goto(Lowering *lowering, int32_t target) {
    Program *program = lowering->program;
    const Instruction *last = program->count > lowering->first ? &program->instructions[program->count - 1] : NULL;
    if (last != NULL && last->operation == (OP_MOVE | FIRST_FIXED)) {
        program->count--;
        emit(lowering, OP_GOTO | FIRST_FIXED, lowering->height, target, last->to, last->a);
    } else {
        emit(lowering, OP_GOTO, lowering->height, target, 0, 0);
    }
}

static void lower_jump(Lowering *lowering) {
    int32_t target = pop(lowering);
    settle(lowering, -STACK_LIMIT, &target, 1);
    if (is_constant(target))
        emit_goto(lowering, jump_target(lowering, target));
    else
        emit(lowering, OP_JUMP, lowering->height, 0, bytes_to(target), 0);
}

/* A jump on a condition. Tests that were made for it alone become part of it. */
static void lower_jump_if(Lowering *lowering) {
    int32_t target = pop(lowering), kept[2] = {pop(lowering), CONSTANT};
    if (!is_constant(target)) {
        kept[1] = target;
        unfix(lowering, &kept[0]);
        settle(lowering, -STACK_LIMIT, kept, 2);
        emit(lowering, OP_JUMPI, lowering->height, 0, bytes_to(kept[1]), bytes_to(kept[0]));
        return;
    }
    bool is_inverted = false;
    const Instruction *maker;
    while ((maker = maker_of(lowering, kept[0])) != NULL && maker->operation == OP_ISZERO) {
        drop(lowering, kept[0]);
        kept[0] = maker->a / (int32_t)sizeof(Word);
        hold(lowering, kept[0]);
        lowering->program->count--;
        is_inverted = !is_inverted;
    }
    int operation = is_inverted ? OP_GOTO_UNLESS : OP_GOTO_IF;
    if (maker != NULL && (maker->operation & 0xff) != OP_MLOAD) {
        int test = maker->operation & 0xff, kind = maker->operation & ~0xff;
        int32_t a = maker->a / (int32_t)sizeof(Word), b = maker->b / (int32_t)sizeof(Word);
        drop(lowering, kept[0]);
        kept[0] = kind == FIRST_FIXED ? CONSTANT + a : a;
        kept[1] = kind == SECOND_FIXED ? CONSTANT + b : b;
        hold(lowering, kept[0]), hold(lowering, kept[1]);
        lowering->program->count--;
        is_inverted ^= test == OP_XOR || test == OP_SUB; /* not zero if the two differ */
        operation = kind | (test == OP_LT    ? is_inverted ? OP_GOTO_UNLESS_LT : OP_GOTO_IF_LT
                            : test == OP_SLT ? is_inverted ? OP_GOTO_UNLESS_SLT : OP_GOTO_IF_SLT
                                             : is_inverted ? OP_GOTO_UNLESS_EQ : OP_GOTO_IF_EQ);
    } else {
        unfix(lowering, &kept[0]);
    }
    settle(lowering, -STACK_LIMIT, kept, 2);
    emit(lowering, operation, lowering->height, jump_target(lowering, target), bytes_to(kept[0]), bytes_to(kept[1]));
}

/* Any other operation: it finds its operands at the top, and leaves its results there. */
static void lower_from_top(Lowering *lowering, uint8_t op) {
    const Rule *rule = &RULES[op];
    bool is_last = op == OP_RETURN || op == OP_REVERT || op == OP_STOP || op == OP_INVALID; /* the rest is lost */
    settle(lowering, is_last ? lowering->height - rule->needed + 1 : -STACK_LIMIT, NULL, 0);
    emit(lowering, op, lowering->height, 0, 0, 0);
    for (int i = 0; i < rule->needed; i++)
        drop(lowering, pop(lowering));
    for (int i = 0; i < rule->needed + rule->change; i++)
        push(lowering, lowering->height + 1);
}

static void lower_operation(Lowering *lowering, uint8_t op, uint64_t pc) {
    if (lowering->free < FEWEST_FREE)
        settle(lowering, -STACK_LIMIT, NULL, 0);
    switch (op) {
    case OP_JUMPDEST:
        break;
    case OP_POP:
        drop(lowering, pop(lowering));
        break;
    case OP_PC:
        push(lowering, constant_of(lowering, word_of(pc)));
        break;
    case OP_ISZERO: case OP_NOT:
        lower_unary(lowering, op, false);
        break;
    case OP_SLOAD: case OP_CALLDATALOAD:
        lower_unary(lowering, op, true);
        break;
    case OP_ADD: case OP_MUL: case OP_SUB: case OP_DIV: case OP_SDIV: case OP_MOD: case OP_SMOD: case OP_SIGNEXTEND:
    case OP_LT: case OP_GT: case OP_SLT: case OP_SGT: case OP_EQ: case OP_AND: case OP_OR: case OP_XOR: case OP_BYTE:
    case OP_SHL: case OP_SHR: case OP_SAR:
        lower_binary(lowering, op);
        break;
    case OP_MLOAD:
        lower_load(lowering);
        break;
    case OP_MSTORE:
        lower_store(lowering);
        break;
    case OP_ADDRESS: case OP_ORIGIN: case OP_CALLER: case OP_CALLVALUE: case OP_CALLDATASIZE: case OP_CODESIZE:
    case OP_GASPRICE: case OP_RETURNDATASIZE: case OP_COINBASE: case OP_TIMESTAMP: case OP_NUMBER: case OP_PREVRANDAO:
    case OP_GASLIMIT: case OP_CHAINID: case OP_SELFBALANCE: case OP_BASEFEE: case OP_MSIZE: {
        int32_t to = result_of(lowering);
        emit(lowering, op, 0, to, 0, 0);
        break;
    }
    case OP_MCOPY:
        if (!lower_known_copy(lowering))
            lower_from_top(lowering, op);
        break;
    case OP_KECCAK256:
        if (!lower_known_hash(lowering))
            lower_from_top(lowering, op);
        break;
    case OP_JUMP:
        lower_jump(lowering);
        break;
    case OP_JUMPI:
        lower_jump_if(lowering);
        break;
    default:
        if (op == OP_PUSH0 || bytes_pushed(op)) {
            push(lowering, constant_of(lowering, pushed_at(lowering->program, pc, bytes_pushed(op))));
        } else if (op >= OP_DUP1 && op <= OP_DUP16) {
            push(lowering, STANDS(lowering->height - (op - OP_DUP1)));
        } else if (op >= OP_SWAP1 && op <= OP_SWAP16) {
            int upper = lowering->height, lower = upper - (op - OP_SWAP1 + 1);
            int32_t kept = STANDS(upper);
            STANDS(upper) = STANDS(lower);
            STANDS(lower) = kept;
            mark_moved(lowering, upper), mark_moved(lowering, lower);
        } else {
            lower_from_top(lowering, op);
        }
    }
}

static void lower_block(Lowering *lowering, uint64_t pc, const Extent *extent) {
    Program *program = lowering->program;
    bool is_possible = extent->needed <= STACK_LIMIT && extent->highest <= STACK_LIMIT;
    if (pc < program->length && program->bytes[pc] == OP_JUMPDEST)
        program->entries[pc] = program->count + 1;
    /* At most 2^20 operations of at most 1,875 gas, and one of 32,000 at the end: it fits. */
    emit(lowering, OP_BLOCK, is_possible ? extent->needed : STACK_LIMIT + 1, is_possible ? extent->highest : 0,
         (int32_t)extent->gas, (int32_t)pc);
    if (!is_possible) /* no stack lets it be entered */
        return;
    lowering->first = program->count;
    lowering->height = 0;
    lowering->highest = extent->highest;
    lowering->lowest_moved = NOWHERE;
    lowering->free = TEMPORARIES;
    for (int position = 1 - extent->needed; position <= 0; position++)
        STANDS(position) = position, USERS(position) = 1;
    for (int place = 1; place <= extent->highest + TEMPORARIES; place++)
        USERS(place) = 0;
    uint8_t op = OP_JUMPDEST;
    for (uint64_t at = pc; at < extent->end && !lowering->has_failed; at += 1 + bytes_pushed(op)) {
        op = operation_at(program, at);
        lower_operation(lowering, op, at);
    }
    if (!ends_block(op)) { /* it runs into the next one */
        settle(lowering, -STACK_LIMIT, NULL, 0);
        emit_goto(lowering, (int32_t)extent->end);
    }
}

static bool is_known_jump(uint16_t operation) {
    int op = operation & 0xff;
    return op == OP_GOTO || (op >= OP_GOTO_IF && op <= OP_GOTO_UNLESS_EQ);
}

/* Returns the lowered form of some code, with one user; NULL if there is no memory or it is too long. */
static Program *program_new(const uint8_t *code, uint64_t length) {
    if (length > MAX_PROGRAM_BYTES)
        return NULL;
    Program *program = calloc(1, sizeof *program);
    Lowering *lowering = calloc(1, sizeof *lowering);
    if (program != NULL) {
        program->users = 1;
        program->length = (uint32_t)length;
        program->bytes = calloc(1, (size_t)length + 1);
        program->entries = calloc((size_t)length + 1, sizeof *program->entries);
    }
    if (lowering == NULL || program == NULL || program->bytes == NULL || program->entries == NULL) {
        free(lowering);
        program_release(program);
        return NULL;
    }
    if (length)
        memcpy(program->bytes, code, (size_t)length);
    lowering->program = program;
    for (uint64_t pc = 0; pc <= length && !lowering->has_failed;) {
        Extent extent = extent_of(program, pc);
        lower_block(lowering, pc, &extent);
        pc = extent.end;
    }
    bool has_failed = lowering->has_failed;
    free(lowering);
    if (has_failed) {
        program_release(program);
        return NULL;
    }
    for (uint32_t i = 0; i < program->count; i++) { /* places in the code become instructions; 0: nobody may jump there */
        Instruction *at = &program->instructions[i];
        if (is_known_jump(at->operation))
            at->to = at->to < 0 ? 0 : (int32_t)program->entries[at->to];
    }
    return program;
}

#endif
