/* What the library offers to Python. Every function takes a world that `seawall_new` made. */
#include "interpreter.h"

#ifdef _WIN32
#define OFFERED __declspec(dllexport)
#else
#define OFFERED __attribute__((visibility("default")))
#endif

enum { INTERFACE_VERSION = 2, CANCUN = 0, PRAGUE = 1 };

typedef struct {
    int32_t status;
    uint32_t log_count;
    int64_t gas_used;
    int64_t gas_refunded;
    const uint8_t *output;
    uint64_t output_length;
    const uint8_t *logs;
    uint64_t log_bytes;
    const char *refusal;
    uint8_t created[20];
} Result;

static bool are_rules_made;

OFFERED uint32_t seawall_interface(void) {
    return INTERFACE_VERSION;
}

/* Gives a world its buffers: none is ever NULL, so that a range of no length may lie anywhere in it. */
static World *with_buffers(World *world) {
    if (world == NULL)
        return NULL;
    world->frames = calloc(CALL_DEPTH + 2, sizeof(Frame));
    bool is_whole = world->frames != NULL &&
                    make_room(world, (void **)&world->memory, &world->memory_room, 4096, 1, 4096, "MEMORY") &&
                    make_room(world, (void **)&world->logs, &world->log_room, 4096, 1, 4096, "MEMORY") &&
                    make_room(world, (void **)&world->returned, &world->returned_room, 4096, 1, 4096, "MEMORY");
    if (is_whole)
        return world;
    world_free(world);
    return NULL;
}

OFFERED World *seawall_new(void) {
    if (!are_rules_made) { /* once a process, before any thread runs code: library.py makes the first world */
        make_rules();
        are_rules_made = true;
    }
    return with_buffers(world_new());
}

OFFERED void seawall_free(World *world) {
    world_free(world);
}

OFFERED World *seawall_copy(const World *source) {
    return with_buffers(world_copy(source));
}

OFFERED void seawall_block(World *world, uint64_t number, uint64_t timestamp, const uint8_t *prevrandao,
                           const uint8_t *coinbase, uint64_t gas_limit, uint64_t chain_id, uint64_t base_fee) {
    world->block = (Block){.number = number, .timestamp = timestamp, .gas_limit = gas_limit, .chain_id = chain_id,
                           .base_fee = base_fee};
    memcpy(world->block.prevrandao, prevrandao, 32);
    memcpy(world->block.coinbase, coinbase, 20);
}

static void answer(World *world, Result *result, Status status, int64_t used, int64_t refunded) {
    *result = (Result){.status = (int32_t)status, .log_count = world->log_count, .gas_used = used,
                       .gas_refunded = refunded, .output = world->returned,
                       .output_length = world->returned_length, .logs = world->logs,
                       .log_bytes = world->log_bytes, .refusal = world->refusal};
}

static void begin(World *world) {
    world->transaction++;
    world->refund = 0;
    world->log_bytes = 0;
    world->log_count = 0;
    world->returned_length = 0;
    world->refusal[0] = 0;
}

/* Gas before the first instruction (Yellow Paper, EIP-2028, EIP-2930, EIP-3860), and the floor of EIP-7623. */
static int64_t intrinsic_gas(const uint8_t *data, uint64_t length, bool is_creation, int64_t *floor) {
    int64_t zeros = 0;
    for (uint64_t i = 0; i < length; i++)
        zeros += data[i] == 0;
    int64_t others = (int64_t)length - zeros, gas = 21000 + 4 * zeros + 16 * others;
    *floor = 21000 + 10 * (zeros + 4 * others);
    if (is_creation)
        gas += 32000 + INITCODE_WORD_GAS * (int64_t)((length + 31) / 32);
    return gas;
}

/* Executes a message; `to` is NULL for a creation. `access` holds `access_count` entries of a byte, 20 bytes of
   address and 32 of a slot: the byte is 1 if the slot counts, 0 if the address alone is meant (EIP-2930).
   `counts_intrinsic` charges what a transaction pays before its first instruction, `keeps` says whether effects stay.
   The sender's nonce rises; fees are the caller's business. */
OFFERED void seawall_message(World *world, const uint8_t *from, const uint8_t *to, const uint8_t *value,
                             const uint8_t *data, uint64_t length, int64_t gas, const uint8_t *gas_price,
                             const uint8_t *access, uint32_t access_count, int32_t fork, int32_t counts_intrinsic,
                             int32_t keeps, Result *result) {
    begin(world);
    memcpy(world->origin, from, 20);
    world->precompiles = fork == CANCUN ? 10 : 17;
    world->gas_price = word_load(gas_price);
    Word amount = word_load(value);
    int64_t floor = 0, before = 0;
    uint32_t sender = account_of(world, from);
    if (sender == NO_ACCOUNT) {
        answer(world, result, REFUSED, 0, 0);
        return;
    }
    if (counts_intrinsic) {
        before = intrinsic_gas(data, length, to == NULL, &floor);
        if (fork == CANCUN)
            floor = 0;
    }
    warm_account(world, sender);
    for (uint32_t i = 0; i < access_count; i++) {
        const uint8_t *entry = access + 53 * (uint64_t)i;
        uint32_t account = account_of(world, entry + 1);
        if (account == NO_ACCOUNT)
            break;
        if (entry[0] == 0) {
            before += 2400;
            warm_account(world, account);
        } else {
            Word key = word_load(entry + 21);
            Slot *slot = slot_of(world, account, &key);
            before += 1900;
            if (slot != NULL)
                warm_slot(world, slot);
        }
    }
    uint64_t nonce = world->accounts[sender].nonce;
    Status status;
    Frame *frame = &world->frames[0];
    uint8_t address[20];
    int64_t left = gas - before;
    if (left < 0 || floor > gas || (to == NULL && length > MAX_INITCODE_BYTES)) {
        undo_to(world, 0);
        journal_forget(world);
        answer(world, result, OUT_OF_GAS, gas, 0);
        return;
    }
    uint64_t start = 0;
    if (keeps || to == NULL)
        set_nonce(world, sender, nonce + 1);
    start = world->journal_count; /* the nonce stays whatever happens */
    *frame = (Frame){.gas = left, .value = amount, .journal_mark = start};
    memcpy(frame->caller, from, 20);
    if (to == NULL) {
        address_of_creation(from, nonce, address);
    } else {
        memcpy(address, to, 20);
    }
    uint32_t target = account_of(world, address);
    if (target == NO_ACCOUNT)
        status = REFUSED;
    else {
        warm_account(world, target);
        frame->self = target;
        memcpy(frame->address, address, 20);
        frame->is_creation = to == NULL;
        Account *account = &world->accounts[target];
        if (word_less(&world->accounts[sender].balance, &amount)) {
            status = INVALID; /* no such transaction is valid: a program that asks made a mistake */
            frame->gas = 0;
        } else if (to == NULL && (account->nonce || account->code != NULL || account->has_storage)) {
            status = INVALID;
            frame->gas = 0;
        } else {
            if (to == NULL) {
                note(world, UNDO_CREATED, target, word_of(account->created));
                account->created = world->transaction;
                set_nonce(world, target, 1);
                frame->program = program_new(data, length);
                frame->outside = data; /* a creation has no input */
            } else {
                frame->outside = data;
                frame->input_length = length;
                frame->program = account->code == NULL ? NULL : program_hold(account->code);
            }
            transfer(world, sender, target, &amount);
            int which = to == NULL ? 0 : precompile_of(world, address);
            if (world->refusal[0] || (to == NULL && frame->program == NULL)) {
                world_refuse(world, "MEMORY");
                program_release(frame->program);
                status = REFUSED;
            } else if (which) {
                status = run_precompile(world, frame, which);
                program_release(frame->program);
                if (status != SUCCESS) {
                    frame->gas = 0;
                    undo_to(world, start);
                }
            } else if (frame->program == NULL) {
                status = SUCCESS;
            } else {
                uint64_t marked = start;
                status = interpret(world);
                if (status != SUCCESS)
                    undo_to(world, marked);
            }
        }
    }
    left = world->frames[0].gas;
    int64_t used = gas - left, refunded = 0;
    if (status == SUCCESS) {
        refunded = world->refund < used / 5 ? world->refund : used / 5; /* EIP-3529 */
        if (refunded < 0)
            refunded = 0;
        used -= refunded;
    }
    if (used < floor)
        used = floor;
    if (status == REFUSED || !keeps)
        undo_to(world, 0);
    if (status != SUCCESS) {
        world->log_bytes = 0;
        world->log_count = 0;
    }
    journal_forget(world);
    answer(world, result, status, used, refunded);
    memcpy(result->created, address, 20);
}

/* A message as simulations send it: no value, no price of gas, no access list. `route` is 20 bytes of the sender and 20
   of the target. A transaction pays what comes before its first instruction and keeps its effects, a call does not. */
OFFERED void seawall_run(World *world, const uint8_t *route, const uint8_t *data, uint64_t length, int64_t gas,
                         int32_t is_transaction, Result *result) {
    static const uint8_t zero[32];
    seawall_message(world, route, route + 20, zero, data, length, gas, zero, NULL, 0, PRAGUE, is_transaction,
                    is_transaction, result);
}

OFFERED int32_t seawall_set_account(World *world, const uint8_t *address, uint64_t nonce, const uint8_t *balance,
                                    const uint8_t *code, uint64_t length) {
    world->refusal[0] = 0;
    uint32_t index = account_of(world, address);
    if (index == NO_ACCOUNT)
        return 0;
    Program *program = NULL;
    if (length && (program = program_new(code, length)) == NULL)
        return 0;
    if (program != NULL)
        keccak256(program->bytes, length, program->hash);
    Account *account = &world->accounts[index];
    account->nonce = nonce;
    account->balance = word_load(balance);
    program_release(account->code);
    account->code = program;
    return 1;
}

OFFERED int32_t seawall_set_slot(World *world, const uint8_t *address, const uint8_t *key, const uint8_t *value) {
    world->refusal[0] = 0;
    uint32_t index = account_of(world, address);
    if (index == NO_ACCOUNT)
        return 0;
    Word word = word_load(key);
    Slot *slot = slot_of(world, index, &word);
    if (slot == NULL)
        return 0;
    slot->value = word_load(value);
    world->accounts[index].has_storage = true;
    return 1;
}

OFFERED void seawall_slot(const World *world, const uint8_t *address, const uint8_t *key, uint8_t *value) {
    memset(value, 0, 32);
    uint32_t index = account_find(world, address);
    if (index == NO_ACCOUNT)
        return;
    Word word = word_load(key);
    const Slot *slot = slot_search(world->slots, &world->slot_index, index, &word);
    if (slot != NULL)
        word_store(value, &slot->value);
}

OFFERED uint64_t seawall_code(const World *world, const uint8_t *address, const uint8_t **code) {
    uint32_t index = account_find(world, address);
    if (index == NO_ACCOUNT || world->accounts[index].code == NULL)
        return 0;
    *code = world->accounts[index].code->bytes;
    return world->accounts[index].code->length;
}

/* Accounts and slots by number, for whoever compares whole states. */
OFFERED uint32_t seawall_account_count(const World *world) {
    return world->account_count;
}

OFFERED void seawall_account(const World *world, uint32_t index, uint8_t *address, uint64_t *nonce,
                             uint8_t *balance) {
    memcpy(address, world->accounts[index].address, 20);
    *nonce = world->accounts[index].nonce;
    word_store(balance, &world->accounts[index].balance);
}

OFFERED uint32_t seawall_slot_count(const World *world) {
    return world->slot_count;
}

OFFERED uint32_t seawall_slot_at(const World *world, uint32_t index, uint8_t *key, uint8_t *value) {
    word_store(key, &world->slots[index].key);
    word_store(value, &world->slots[index].value);
    return world->slots[index].account;
}
