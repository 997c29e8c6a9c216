/* letter.c - what the manager and its workers say to each other */
#include "farm/letter.h"

#include <limits.h>
#include <msgpack.h>
#include <stdbool.h>
#include <string.h>

#include "rota.h"

enum {
    VERSION = 1,
};

/* --- writing -------------------------------------------------------------- */

static int pack_head(msgpack_packer *p, enum letter_kind kind, size_t fields)
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

static int pack_start(msgpack_packer *p, const struct letter *f)
{
    size_t count = 0;
    while (f->argv[count] != NULL)
        count++;
    int rc = pack_head(p, LETTER_START, 3);
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
    int rc = pack_head(p, LETTER_ENDED, 7);
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

int letter_write(const struct letter *f, struct letter_bytes *out)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    int rc;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    switch (f->kind) {
    case LETTER_HELLO:
        rc = pack_head(&packer, LETTER_HELLO, 1);
        if (rc == 0)
            rc = msgpack_pack_int(&packer, f->slots);
        break;
    case LETTER_START:
        rc = pack_start(&packer, f);
        break;
    case LETTER_ENDED:
        rc = pack_ended(&packer, &f->result);
        break;
    case LETTER_FINISH:
    default:
        rc = pack_head(&packer, LETTER_FINISH, 0);
        break;
    }
    if (rc != 0) {
        msgpack_sbuffer_destroy(&buffer);
        return ROTA_E_NOMEM;
    }
    *out = (struct letter_bytes){.data = buffer.data, .size = buffer.size};
    return 0;
}

/* --- reading: a cursor, which remembers that something was wrong ---------- */

struct reader {
    const msgpack_object *next;
    uint32_t left;
    int rc;
};

static const msgpack_object *read_any(struct reader *r, msgpack_object_type type)
{
    if (r->rc == 0 && (r->left == 0 || r->next->type != type))
        r->rc = ROTA_E_FORMAT;
    if (r->rc != 0)
        return NULL;
    r->left--;
    return r->next++;
}

static uint64_t read_number(struct reader *r, uint64_t max)
{
    const msgpack_object *o = read_any(r, MSGPACK_OBJECT_POSITIVE_INTEGER);
    if (o == NULL)
        return 0;
    if (o->via.u64 > max) {
        r->rc = ROTA_E_FORMAT;
        return 0;
    }
    return o->via.u64;
}

static void read_bytes(struct reader *r, struct execute_bytes *out)
{
    const msgpack_object *o = read_any(r, MSGPACK_OBJECT_BIN);
    if (o == NULL || o->via.bin.size == 0)
        return;
    out->data = malloc(o->via.bin.size);
    if (out->data == NULL) {
        r->rc = ROTA_E_NOMEM;
        return;
    }
    memcpy(out->data, o->via.bin.ptr, o->via.bin.size);
    out->size = out->cap = o->via.bin.size;
}

static bool is_word(const msgpack_object *o)
{
    return o->type == MSGPACK_OBJECT_BIN &&
           (o->via.bin.size == 0 ||
            memchr(o->via.bin.ptr, '\0', o->via.bin.size) == NULL);
}

/* All words in one block: the array, then the bytes. */
static char **read_words(struct reader *r)
{
    const msgpack_object *o = read_any(r, MSGPACK_OBJECT_ARRAY);
    if (o == NULL)
        return NULL;
    size_t count = o->via.array.size;
    size_t bytes = 0;
    if (count == 0)
        r->rc = ROTA_E_FORMAT;
    for (size_t i = 0; i < count; i++) {
        if (!is_word(&o->via.array.ptr[i])) {
            r->rc = ROTA_E_FORMAT;
            break;
        }
        bytes += o->via.array.ptr[i].via.bin.size + 1;
    }
    if (r->rc != 0)
        return NULL;
    char **argv = calloc(1, (count + 1) * sizeof(char *) + bytes);
    if (argv == NULL) {
        r->rc = ROTA_E_NOMEM;
        return NULL;
    }
    char *end = (char *)(argv + count + 1);
    for (size_t i = 0; i < count; i++) {
        const msgpack_object_bin *word = &o->via.array.ptr[i].via.bin;
        argv[i] = end;
        if (word->size > 0)
            memcpy(end, word->ptr, word->size);
        end += word->size + 1;
    }
    return argv;
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

static void read_body(struct reader *r, struct letter *f)
{
    if (read_number(r, VERSION) != VERSION && r->rc == 0)
        r->rc = ROTA_E_FORMAT;
    f->kind = (enum letter_kind)read_number(r, LETTER_FINISH);
    switch (f->kind) {
    case LETTER_HELLO:
        f->slots = (int)read_number(r, LETTER_SLOTS_MAX);
        if (f->slots == 0 && r->rc == 0)
            r->rc = ROTA_E_FORMAT;
        break;
    case LETTER_START:
        f->task = read_number(r, UINT64_MAX);
        f->attempt = (uint32_t)read_number(r, UINT32_MAX);
        f->argv = read_words(r);
        break;
    case LETTER_ENDED:
        read_ended(r, &f->result);
        break;
    case LETTER_FINISH:
        break;
    default:
        r->rc = ROTA_E_FORMAT;
        break;
    }
    if (r->rc == 0 && r->left > 0)
        r->rc = ROTA_E_FORMAT;
}

int letter_read(const void *data, size_t size, struct letter *out)
{
    msgpack_unpacked unpacked;
    size_t used = 0;
    struct letter f = {0};
    struct reader r = {.rc = ROTA_E_FORMAT};
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return got = msgpack_unpack_next(&unpacked, data, size, &used);
    if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        r.rc = ROTA_E_NOMEM;
    else if (got == MSGPACK_UNPACK_SUCCESS && used == size &&
             unpacked.data.type == MSGPACK_OBJECT_ARRAY)
        r = (struct reader){.next = unpacked.data.via.array.ptr,
                            .left = unpacked.data.via.array.size};
    if (r.rc == 0)
        read_body(&r, &f);
    msgpack_unpacked_destroy(&unpacked);
    if (r.rc != 0) {
        letter_done(&f);
        return r.rc;
    }
    *out = f;
    return 0;
}

void letter_done(struct letter *f)
{
    if (f == NULL)
        return;
    free((void *)(uintptr_t)f->argv);
    execute_result_done(&f->result);
    f->argv = NULL;
}
