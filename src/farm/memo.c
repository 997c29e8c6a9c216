/* memo.c - what the manager and its workers say to each other */
#include "farm/memo.h"

#include <limits.h>
#include <msgpack.h>
#include <string.h>

#include "rota.h"

enum {
    VERSION = 1,
};

/* --- writing -------------------------------------------------------------- */

static int pack_head(msgpack_packer *p, enum memo_kind kind, size_t fields)
{
    int rc = msgpack_pack_array(p, fields + 2);
    if (rc == 0)
        rc = msgpack_pack_int(p, VERSION);
    if (rc == 0)
        rc = msgpack_pack_int(p, (int)kind);
    return rc;
}

static int pack_bytes(msgpack_packer *p, const void *data, size_t size)
{
    int rc = msgpack_pack_bin(p, size);
    return rc == 0 && size > 0 ? msgpack_pack_bin_body(p, data, size) : rc;
}

static int pack_start(msgpack_packer *p, const struct memo *f)
{
    size_t count = 0;
    while (f->argv[count] != NULL)
        count++;
    int rc = pack_head(p, MEMO_START, 3);
    if (rc == 0)
        rc = msgpack_pack_uint64(p, f->task);
    if (rc == 0)
        rc = msgpack_pack_uint32(p, f->attempt);
    if (rc == 0)
        rc = msgpack_pack_array(p, count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = pack_bytes(p, f->argv[i], strlen(f->argv[i]));
    return rc;
}

static int pack_ended(msgpack_packer *p, const struct execute_result *r)
{
    int rc = pack_head(p, MEMO_ENDED, 7);
    if (rc == 0)
        rc = msgpack_pack_uint64(p, r->task);
    if (rc == 0)
        rc = msgpack_pack_uint32(p, r->attempt);
    if (rc == 0)
        rc = msgpack_pack_int(p, (int)r->how);
    if (rc == 0)
        rc = msgpack_pack_int(p, r->code);
    if (rc == 0)
        rc = msgpack_pack_uint64(p, (uint64_t)r->took_ns);
    if (rc == 0)
        rc = pack_bytes(p, r->out.data, r->out.size);
    if (rc == 0)
        rc = pack_bytes(p, r->err.data, r->err.size);
    return rc;
}

int memo_write(const struct memo *f, struct memo_bytes *out)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    int rc;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    switch (f->kind) {
    case MEMO_HELLO:
        rc = pack_head(&packer, MEMO_HELLO, 1);
        if (rc == 0)
            rc = msgpack_pack_int(&packer, f->slots);
        break;
    case MEMO_START:
        rc = pack_start(&packer, f);
        break;
    case MEMO_ENDED:
        rc = pack_ended(&packer, &f->result);
        break;
    case MEMO_FINISH:
    default:
        rc = pack_head(&packer, MEMO_FINISH, 0);
        break;
    }
    if (rc != 0) {
        msgpack_sbuffer_destroy(&buffer);
        return ROTA_E_NOMEM;
    }
    *out = (struct memo_bytes){.data = buffer.data, .size = buffer.size};
    return 0;
}

/* --- reading ------------------------------------------------------------------
 *
 * By hand, and not by msgpack's unpacker, which allocates what six bytes from a
 * stranger claim to hold (64 GiB and more). A cursor remembers that something was
 * wrong, and then gives zeros. */

struct reader {
    const unsigned char *at;
    size_t left;
    int rc;
};

static const unsigned char *read_raw(struct reader *r, size_t size)
{
    const unsigned char *at = r->at;
    if (r->rc == 0 && r->left < size)
        r->rc = ROTA_E_FORMAT;
    if (r->rc != 0)
        return NULL;
    r->at += size;
    r->left -= size;
    return at;
}

/* A big-endian integer of `size` bytes. */
static uint64_t read_integer(struct reader *r, size_t size)
{
    const unsigned char *at = read_raw(r, size);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* A number's or a length's first byte is followed by 1, 2, 4 or 8 bytes, by the
 * distance of that byte from the first of its family. */
static uint64_t read_family(struct reader *r, unsigned byte, unsigned first,
                            unsigned widths)
{
    if (byte < first || byte >= first + widths) {
        r->rc = r->rc ? r->rc : ROTA_E_FORMAT;
        return 0;
    }
    return read_integer(r, (size_t)1 << (byte - first));
}

static uint64_t read_number(struct reader *r, uint64_t max)
{
    unsigned byte = (unsigned)read_integer(r, 1);
    uint64_t value = byte < 0x80 ? byte : read_family(r, byte, 0xcc, 4);
    if (value > max)
        r->rc = ROTA_E_FORMAT;
    return r->rc ? 0 : value;
}

/* How many elements follow: each takes a byte at least. */
static size_t read_array(struct reader *r)
{
    unsigned byte = (unsigned)read_integer(r, 1);
    uint64_t count = (byte & 0xf0) == 0x90 ? byte & 0x0f
                     : byte == 0xdc        ? read_integer(r, 2)
                     : byte == 0xdd        ? read_integer(r, 4)
                                           : UINT64_MAX;
    if (r->rc == 0 && count > r->left)
        r->rc = ROTA_E_FORMAT;
    return r->rc ? 0 : (size_t)count;
}

/* The bytes of a bin; *size is 0 where there are none. */
static const unsigned char *read_bin(struct reader *r, size_t *size)
{
    uint64_t length = read_family(r, (unsigned)read_integer(r, 1), 0xc4, 3);
    const unsigned char *at = read_raw(r, (size_t)length);
    *size = at ? (size_t)length : 0;
    return at;
}

static void read_bytes(struct reader *r, struct execute_bytes *out)
{
    size_t size;
    const unsigned char *at = read_bin(r, &size);
    if (size == 0)
        return;
    out->data = malloc(size);
    if (out->data == NULL) {
        r->rc = ROTA_E_NOMEM;
        return;
    }
    memcpy(out->data, at, size);
    out->size = out->cap = size;
}

/* All words in one block: the array, then the bytes. Whatever they are, they are
 * fewer than the bytes that came, and so is their length. */
static void *read_words(struct reader *r)
{
    size_t count = read_array(r);
    if (r->rc == 0 && count == 0)
        r->rc = ROTA_E_FORMAT;
    if (r->rc != 0)
        return NULL;
    char **argv = calloc(1, (count + 1) * sizeof(char *) + r->left + count);
    if (argv == NULL) {
        r->rc = ROTA_E_NOMEM;
        return NULL;
    }
    char *end = (char *)(argv + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const unsigned char *at = read_bin(r, &size);
        if (size > 0 && memchr(at, '\0', size) != NULL)
            r->rc = ROTA_E_FORMAT;
        argv[i] = end;
        if (size > 0)
            memcpy(end, at, size);
        end += size + 1;
    }
    return argv; /* wrong or not: the memo's to free */
}

static void read_ended(struct reader *r, struct execute_result *out)
{
    out->task = read_number(r, UINT64_MAX);
    out->attempt = (uint32_t)read_number(r, UINT32_MAX);
    out->how = (enum execute_how)read_number(r, EXECUTE_HOWS - 1);
    out->code = (int)read_number(r, INT_MAX);
    out->took_ns = (int64_t)read_number(r, INT64_MAX);
    read_bytes(r, &out->out);
    read_bytes(r, &out->err);
}

/* Version, kind, and what goes with it. */
static void read_memo(struct reader *r, struct memo *l)
{
    static const size_t fields[] = {
        [MEMO_HELLO] = 3, [MEMO_START] = 5, [MEMO_ENDED] = 9, [MEMO_FINISH] = 2};
    size_t count = read_array(r);
    uint64_t version = read_number(r, VERSION);
    l->kind = (enum memo_kind)read_number(r, MEMO_FINISH);
    if (r->rc == 0 && (version != VERSION || l->kind == 0 || count != fields[l->kind]))
        r->rc = ROTA_E_FORMAT;
    if (r->rc != 0)
        return;

    if (l->kind == MEMO_HELLO) {
        l->slots = (int)read_number(r, MEMO_SLOTS_MAX);
        if (l->slots == 0)
            r->rc = ROTA_E_FORMAT;
    } else if (l->kind == MEMO_START) {
        l->task = read_number(r, UINT64_MAX);
        l->attempt = (uint32_t)read_number(r, UINT32_MAX);
        l->argv = l->block = read_words(r);
    } else if (l->kind == MEMO_ENDED) {
        read_ended(r, &l->result);
    }
    if (r->rc == 0 && r->left > 0)
        r->rc = ROTA_E_FORMAT;
}

int memo_read(const void *data, size_t size, struct memo *out)
{
    struct memo l = {0};
    struct reader r = {.at = data, .left = size};
    read_memo(&r, &l);
    if (r.rc != 0) {
        memo_done(&l);
        return r.rc;
    }
    *out = l;
    return 0;
}

void memo_done(struct memo *f)
{
    if (f == NULL)
        return;
    free(f->block);
    f->block = NULL;
    execute_result_done(&f->result);
    f->argv = NULL;
}
