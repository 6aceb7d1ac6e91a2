/* The state of one chain: accounts, storage, code, and the journal that takes changes back.

   Tables only grow: an entry keeps its number for ever, so that the journal can name it. A search goes through a
   table of numbers with open addressing. Every table has a limit; beyond it the world refuses to go on. */
#ifndef SEAWALL_WORLD_H
#define SEAWALL_WORLD_H

#include "hashes.h"
#include "lowering.h"

enum {
    MAX_ACCOUNTS = 1 << 22,
    /* What gas pays for and memory does not: a call may have 2^36 gas, and a change of transient storage costs 100.
       Ten slots an account leave room for 1.6 million accounts. */
    MAX_SLOTS = 1 << 24,
    MAX_TRANSIENTS = 1 << 20,
    MAX_JOURNAL = 1 << 22,
    MAX_LOG_BYTES = 1 << 28,
    MAX_MEMORY_BYTES = 1 << 28, /* of all frames of a message together */
    CALL_DEPTH = 1024,
    KECCAK_MEMO = 1 << 15,
};

typedef struct {
    uint8_t address[20];
    uint64_t nonce;
    Word balance;
    Program *code; /* NULL: none */
    uint32_t warm;    /* number of the transaction that touched it last */
    uint32_t created; /* number of the transaction that made it */
    bool has_storage; /* whether a slot of it was ever set */
} Account;

typedef struct {
    Word key;
    Word value;
    Word original; /* at the start of the transaction `seen` */
    uint32_t account;
    uint32_t seen; /* transaction in which `original` was noted */
    uint32_t warm; /* transaction that touched it last */
} Slot;

typedef enum { UNDO_SLOT, UNDO_TRANSIENT, UNDO_BALANCE, UNDO_NONCE, UNDO_CODE, UNDO_WARM_SLOT, UNDO_WARM_ACCOUNT,
               UNDO_CREATED } Undo;

typedef struct {
    Undo kind;
    uint32_t index;
    Word before; /* the value, or in the first limb a number or a pointer */
} Change;

typedef struct {
    uint32_t *numbers; /* entry + 1, 0 where there is none */
    uint32_t mask;
} Index;

typedef struct {
    uint64_t number, timestamp, gas_limit, chain_id, base_fee;
    uint8_t prevrandao[32], coinbase[20];
} Block;

typedef struct {
    uint64_t pair[8], digest[4]; /* a digest that begins with zeros is not known */
} Hashed;

typedef struct World {
    Account *accounts;
    uint32_t account_count, account_room;
    Index account_index;
    Slot *slots;
    uint32_t slot_count, slot_room;
    Index slot_index;
    Slot *transients; /* of the present transaction */
    uint32_t transient_count, transient_room;
    Index transient_index;
    Change *journal;
    uint64_t journal_count, journal_room;
    uint32_t transaction; /* number of the present one: from 1 on */
    uint8_t precompiles;  /* contracts at addresses 1 to this one are the fork's own, and always warm */
    int64_t refund;
    Block block;
    uint8_t origin[20];
    Word gas_price;
    /* Buffers of a message. */
    uint8_t *memory;
    uint64_t memory_room;
    uint8_t *logs;
    uint64_t log_bytes, log_room;
    uint32_t log_count;
    uint8_t *returned;
    uint64_t returned_length, returned_room;
    Word *stacks[CALL_DEPTH + 1];
    struct Frame *frames;
    /* What was refused, or why the world cannot go on. */
    char refusal[64];
    Hashed *memo; /* hashes of 64 bytes, as mappings use them */
} World;

static bool world_refuse(World *world, const char *what) {
    if (world->refusal[0] == 0) {
        strncpy(world->refusal, what, sizeof world->refusal - 1);
        world->refusal[sizeof world->refusal - 1] = 0;
    }
    return false;
}

/* Makes room for `needed` entries; false, with a refusal, beyond the limit or without memory. */
static bool make_room(World *world, void **table, uint64_t *room, uint64_t needed, size_t size, uint64_t limit,
                      const char *what) {
    if (needed <= *room)
        return true;
    if (needed > limit)
        return world_refuse(world, what);
    uint64_t larger = *room ? *room : 64;
    while (larger < needed)
        larger *= 2;
    if (larger > limit)
        larger = limit;
    void *moved = realloc(*table, (size_t)larger * size);
    if (moved == NULL)
        return world_refuse(world, "MEMORY");
    *table = moved;
    *room = larger;
    return true;
}

static uint64_t mix(uint64_t value) { /* the finaliser of SplitMix64 (Steele, Lea and Flood 2014) */
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static bool same_address(const uint8_t a[20], const uint8_t b[20]) { /* a library's memcmp is a call */
    uint64_t x[2], y[2];
    uint32_t u, v;
    memcpy(x, a, 16), memcpy(&u, a + 16, 4), memcpy(y, b, 16), memcpy(&v, b + 16, 4);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (u ^ v)) == 0;
}

static uint64_t hash_of_address(const uint8_t address[20]) {
    uint64_t a, b;
    uint32_t c;
    memcpy(&a, address, 8), memcpy(&b, address + 8, 8), memcpy(&c, address + 16, 4);
    return mix(a ^ mix(b ^ mix(c)));
}

static uint64_t hash_of_slot(uint32_t account, const Word *key) {
    return mix(key->limb[0] * 0x9e3779b97f4a7c15u + key->limb[1] * 0xc2b2ae3d27d4eb4fu +
               key->limb[2] * 0x165667b19e3779f9u + (key->limb[3] ^ account) * 0xd6e8feb86659fd93u);
}

static bool index_grow(World *world, Index *index, uint32_t count) {
    if (index->numbers != NULL && (uint64_t)(count + 1) * 2 <= (uint64_t)index->mask + 1)
        return false; /* roomy enough: nothing to do */
    uint64_t size = index->numbers == NULL ? 256 : ((uint64_t)index->mask + 1) * 2;
    uint32_t *numbers = calloc((size_t)size, sizeof *numbers);
    if (numbers == NULL)
        return world_refuse(world, "MEMORY");
    free(index->numbers);
    index->numbers = numbers;
    index->mask = (uint32_t)(size - 1);
    return true;
}

static void index_put(Index *index, uint64_t hash, uint32_t entry) {
    uint32_t place = (uint32_t)hash & index->mask;
    while (index->numbers[place])
        place = (place + 1) & index->mask;
    index->numbers[place] = entry + 1;
}

enum { NO_ACCOUNT = UINT32_MAX };

static uint32_t account_find(const World *world, const uint8_t address[20]) {
    const Index *index = &world->account_index;
    if (index->numbers == NULL)
        return NO_ACCOUNT;
    uint32_t place = (uint32_t)hash_of_address(address) & index->mask;
    while (index->numbers[place]) {
        uint32_t entry = index->numbers[place] - 1;
        if (same_address(world->accounts[entry].address, address))
            return entry;
        place = (place + 1) & index->mask;
    }
    return NO_ACCOUNT;
}

/* Returns the number of an account, which is made empty if there was none; NO_ACCOUNT, refused, if it cannot. */
static uint32_t account_of(World *world, const uint8_t address[20]) {
    uint32_t found = account_find(world, address);
    if (found != NO_ACCOUNT)
        return found;
    uint64_t room = world->account_room;
    if (!make_room(world, (void **)&world->accounts, &room, (uint64_t)world->account_count + 1,
                   sizeof *world->accounts, MAX_ACCOUNTS, "ACCOUNTS"))
        return NO_ACCOUNT;
    world->account_room = (uint32_t)room;
    if (index_grow(world, &world->account_index, world->account_count))
        for (uint32_t i = 0; i < world->account_count; i++)
            index_put(&world->account_index, hash_of_address(world->accounts[i].address), i);
    if (world->refusal[0])
        return NO_ACCOUNT;
    found = world->account_count++;
    Account *account = &world->accounts[found];
    memset(account, 0, sizeof *account);
    memcpy(account->address, address, 20);
    index_put(&world->account_index, hash_of_address(address), found);
    return found;
}

static bool account_is_empty(const Account *account) { /* EIP-161 */
    return account->nonce == 0 && account->code == NULL && word_is_zero(&account->balance);
}

static Slot *slot_search(Slot *slots, const Index *index, uint32_t account, const Word *key) {
    if (index->numbers == NULL)
        return NULL;
    uint32_t place = (uint32_t)hash_of_slot(account, key) & index->mask;
    while (index->numbers[place]) {
        Slot *slot = &slots[index->numbers[place] - 1];
        if (slot->account == account && word_equal(&slot->key, key))
            return slot;
        place = (place + 1) & index->mask;
    }
    return NULL;
}

static Slot *slot_add(World *world, Slot **slots, uint32_t *count, uint32_t *room, Index *index,
                      uint32_t account, const Word *key, uint64_t limit, const char *what) {
    uint64_t wide = *room;
    if (!make_room(world, (void **)slots, &wide, (uint64_t)*count + 1, sizeof **slots, limit, what))
        return NULL;
    *room = (uint32_t)wide;
    if (index_grow(world, index, *count))
        for (uint32_t i = 0; i < *count; i++)
            index_put(index, hash_of_slot((*slots)[i].account, &(*slots)[i].key), i);
    if (world->refusal[0])
        return NULL;
    Slot *slot = &(*slots)[*count];
    memset(slot, 0, sizeof *slot);
    slot->account = account;
    slot->key = *key;
    index_put(index, hash_of_slot(account, key), (*count)++);
    return slot;
}

static Slot *slot_of(World *world, uint32_t account, const Word *key) {
    Slot *slot = slot_search(world->slots, &world->slot_index, account, key);
    if (slot == NULL)
        slot = slot_add(world, &world->slots, &world->slot_count, &world->slot_room, &world->slot_index, account,
                        key, MAX_SLOTS, "SLOTS");
    return slot;
}

static Slot *transient_of(World *world, uint32_t account, const Word *key) {
    Slot *slot = slot_search(world->transients, &world->transient_index, account, key);
    if (slot == NULL)
        slot = slot_add(world, &world->transients, &world->transient_count, &world->transient_room,
                        &world->transient_index, account, key, MAX_TRANSIENTS, "TRANSIENTS");
    return slot;
}

static bool note(World *world, Undo kind, uint32_t index, Word before) {
    if (world->journal_count == world->journal_room &&
        !make_room(world, (void **)&world->journal, &world->journal_room, world->journal_count + 1,
                   sizeof *world->journal, MAX_JOURNAL, "JOURNAL"))
        return false;
    world->journal[world->journal_count++] = (Change){kind, index, before};
    return true;
}

static void undo_to(World *world, uint64_t mark) {
    while (world->journal_count > mark) {
        const Change *change = &world->journal[--world->journal_count];
        Account *account = &world->accounts[change->index]; /* of no meaning where a slot is named */
        switch (change->kind) {
        case UNDO_SLOT: world->slots[change->index].value = change->before; break;
        case UNDO_TRANSIENT: world->transients[change->index].value = change->before; break;
        case UNDO_WARM_SLOT: world->slots[change->index].warm = 0; break;
        case UNDO_BALANCE: account->balance = change->before; break;
        case UNDO_NONCE: account->nonce = change->before.limb[0]; break;
        case UNDO_WARM_ACCOUNT: account->warm = 0; break;
        case UNDO_CREATED: account->created = (uint32_t)change->before.limb[0]; break;
        case UNDO_CODE:
            program_release(account->code);
            account->code = (Program *)(uintptr_t)change->before.limb[0];
            break;
        }
    }
}

/* Keeps what the journal could take back. */
static void journal_forget(World *world) {
    for (uint64_t i = 0; i < world->journal_count; i++)
        if (world->journal[i].kind == UNDO_CODE)
            program_release((Program *)(uintptr_t)world->journal[i].before.limb[0]);
    world->journal_count = 0;
    if (world->transient_count == 0)
        return;
    world->transient_count = 0;
    if (world->transient_index.mask < 1 << 12) {
        memset(world->transient_index.numbers, 0,
               ((size_t)world->transient_index.mask + 1) * sizeof *world->transient_index.numbers);
    } else { /* one message's excess is no burden for the next */
        free(world->transient_index.numbers);
        world->transient_index.numbers = NULL;
    }
}

static bool set_balance(World *world, uint32_t index, const Word *value) {
    if (!note(world, UNDO_BALANCE, index, world->accounts[index].balance))
        return false;
    world->accounts[index].balance = *value;
    return true;
}

static bool set_nonce(World *world, uint32_t index, uint64_t nonce) {
    if (!note(world, UNDO_NONCE, index, word_of(world->accounts[index].nonce)))
        return false;
    world->accounts[index].nonce = nonce;
    return true;
}

static bool transfer(World *world, uint32_t from, uint32_t to, const Word *value) {
    if (word_is_zero(value))
        return true;
    Word less = word_subtract(&world->accounts[from].balance, value);
    if (!set_balance(world, from, &less))
        return false;
    Word more = word_add(&world->accounts[to].balance, value);
    return set_balance(world, to, &more);
}

/* Number of a precompiled contract of the fork, 0 if the address is none. */
static int precompile_of(const World *world, const uint8_t address[20]) {
    const uint8_t candidate[20] = {[19] = address[19]};
    return same_address(address, candidate) && address[19] <= world->precompiles ? address[19] : 0;
}

/* Touches an account; true if it was cold: this transaction had not touched it before (EIP-2929). Precompiled
   contracts and the fee recipient (EIP-3651) never are, whether they have an account or not. */
static bool warm_account(World *world, uint32_t index) {
    Account *account = &world->accounts[index];
    if (account->warm == world->transaction || precompile_of(world, account->address) ||
        same_address(account->address, world->block.coinbase))
        return false;
    account->warm = world->transaction;
    note(world, UNDO_WARM_ACCOUNT, index, word_of(0));
    return true;
}

static bool warm_slot(World *world, Slot *slot) {
    if (slot->seen != world->transaction) {
        slot->seen = world->transaction;
        slot->original = slot->value;
    }
    if (slot->warm == world->transaction)
        return false;
    slot->warm = world->transaction;
    note(world, UNDO_WARM_SLOT, (uint32_t)(slot - world->slots), word_of(0));
    return true;
}

static void keccak_of_pair(World *world, const uint8_t pair[64], uint8_t digest[32]) {
    uint64_t asked[8], differing = 0;
    memcpy(asked, pair, 64);
    Hashed *known = &world->memo[mix(asked[3] ^ mix(asked[7] ^ asked[0])) % KECCAK_MEMO];
    for (int i = 0; i < 8; i++)
        differing |= known->pair[i] ^ asked[i];
    if (differing || known->digest[0] == 0) {
        keccak256(pair, 64, (uint8_t *)known->digest);
        memcpy(known->pair, asked, 64);
    }
    memcpy(digest, known->digest, 32);
}

static Word keccak_word(World *world, const uint8_t *bytes, uint64_t length) {
    uint8_t digest[32];
    if (length == 64)
        keccak_of_pair(world, bytes, digest);
    else
        keccak256(bytes, length, digest);
    return word_load(digest);
}

static World *world_new(void) {
    World *world = calloc(1, sizeof *world);
    if (world == NULL)
        return NULL;
    world->memo = calloc(KECCAK_MEMO, sizeof *world->memo);
    if (world->memo == NULL) {
        free(world);
        return NULL;
    }
    return world;
}

static void world_free(World *world) {
    if (world == NULL)
        return;
    undo_to(world, world->journal_count); /* nothing: the journal is empty between messages */
    journal_forget(world);
    for (uint32_t i = 0; i < world->account_count; i++)
        program_release(world->accounts[i].code);
    for (int i = 0; i <= CALL_DEPTH; i++)
        free(world->stacks[i]);
    free(world->accounts), free(world->account_index.numbers), free(world->slots), free(world->slot_index.numbers);
    free(world->transients), free(world->transient_index.numbers), free(world->journal), free(world->memory);
    free(world->logs), free(world->returned), free(world->frames), free(world->memo), free(world);
}

static bool copy_table(void **to, const void *from, size_t bytes, size_t room) {
    if (room == 0)
        return true;
    *to = malloc(room);
    if (*to == NULL)
        return false;
    memcpy(*to, from, bytes);
    return true;
}

/* Returns a copy of the state that shares nothing but code; NULL without memory. */
static World *world_copy(const World *source) {
    World *world = world_new();
    if (world == NULL)
        return NULL;
    size_t index_bytes = sizeof(uint32_t);
    bool is_whole =
        copy_table((void **)&world->accounts, source->accounts, source->account_count * sizeof(Account),
                   source->account_room * sizeof(Account)) &&
        copy_table((void **)&world->slots, source->slots, source->slot_count * sizeof(Slot),
                   source->slot_room * sizeof(Slot)) &&
        (source->account_index.numbers == NULL ||
         copy_table((void **)&world->account_index.numbers, source->account_index.numbers,
                    ((size_t)source->account_index.mask + 1) * index_bytes,
                    ((size_t)source->account_index.mask + 1) * index_bytes)) &&
        (source->slot_index.numbers == NULL ||
         copy_table((void **)&world->slot_index.numbers, source->slot_index.numbers,
                    ((size_t)source->slot_index.mask + 1) * index_bytes,
                    ((size_t)source->slot_index.mask + 1) * index_bytes));
    if (!is_whole) {
        world_free(world);
        return NULL;
    }
    world->account_room = source->account_room, world->slot_room = source->slot_room;
    world->account_index.mask = source->account_index.mask, world->slot_index.mask = source->slot_index.mask;
    world->account_count = source->account_count, world->slot_count = source->slot_count;
    for (uint32_t i = 0; i < world->account_count; i++)
        if (world->accounts[i].code != NULL)
            program_hold(world->accounts[i].code);
    world->transaction = source->transaction;
    world->block = source->block;
    return world;
}

#endif
