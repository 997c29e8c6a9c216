/* line.c - what is said on the liveness line, byte by byte */
#include "liveness/line.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

static const unsigned char magic[4] = {'R', 'L', 'N', '1'};

static unsigned char *put32(unsigned char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static unsigned char *put64(unsigned char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static const unsigned char *get32(const unsigned char *p, uint32_t *v)
{
    memcpy(v, p, sizeof(*v));
    *v = be32toh(*v);
    return p + sizeof(*v);
}

static const unsigned char *get64(const unsigned char *p, uint64_t *v)
{
    memcpy(v, p, sizeof(*v));
    *v = be64toh(*v);
    return p + sizeof(*v);
}

void line_put_header(unsigned char out[LINE_HEADER_BYTES], enum line_kind kind,
                     size_t payload_size)
{
    memcpy(out, magic, sizeof(magic));
    unsigned char *p = put32(out + sizeof(magic), (uint32_t)kind << 16);
    put32(p, (uint32_t)payload_size);
}

long line_parse(const unsigned char *in, size_t size, size_t max_payload,
                struct line_frame *out)
{
    /* Refuse at the first wrong byte, not after a header's worth of them. */
    size_t seen = size < sizeof(magic) ? size : sizeof(magic);
    if (memcmp(in, magic, seen) != 0)
        return ROTA_E_FORMAT;
    if (size < LINE_HEADER_BYTES)
        return 0;

    uint32_t kind;
    uint32_t payload;
    get32(get32(in + sizeof(magic), &kind), &payload);
    if ((kind & 0xffff) != 0 || kind >> 16 < LINE_CHALLENGE || kind >> 16 > LINE_LAST ||
        payload > max_payload)
        return ROTA_E_FORMAT;
    if (size - LINE_HEADER_BYTES < payload)
        return 0;
    *out = (struct line_frame){.kind = (enum line_kind)(kind >> 16),
                               .size = payload,
                               .payload = in + LINE_HEADER_BYTES};
    return LINE_HEADER_BYTES + (long)payload;
}

void line_put_hello(unsigned char out[LINE_HELLO_BYTES], const struct line_hello *h)
{
    unsigned char *p = put32(put32(out, h->rank), h->size);
    memcpy(p, h->nonce, sizeof(h->nonce));
    memcpy(p + sizeof(h->nonce), h->proof, sizeof(h->proof));
}

int line_get_hello(const struct line_frame *f, struct line_hello *out)
{
    if (f->size != LINE_HELLO_BYTES)
        return ROTA_E_FORMAT;
    const unsigned char *p = get32(get32(f->payload, &out->rank), &out->size);
    memcpy(out->nonce, p, sizeof(out->nonce));
    memcpy(out->proof, p + sizeof(out->nonce), sizeof(out->proof));
    return 0;
}

static unsigned char *put_fate(unsigned char *p, struct rota_fate fate)
{
    return put32(put32(p, (uint32_t)fate.how), (uint32_t)fate.code);
}

static const unsigned char *get_fate(const unsigned char *p, struct rota_fate *out)
{
    uint32_t how;
    uint32_t code;
    p = get32(get32(p, &how), &code);
    if (how > ROTA_VANISHED)
        return NULL;
    *out = (struct rota_fate){.how = (enum rota_how)how, .code = (int)code};
    return p;
}

void line_put_fate(unsigned char out[LINE_FATE_BYTES], const struct line_fate *fate)
{
    put64(put_fate(put32(out, fate->rank), fate->fate), fate->due);
}

int line_get_fate(const struct line_frame *f, struct line_fate *out)
{
    struct line_fate got;
    if (f->size != LINE_FATE_BYTES)
        return ROTA_E_FORMAT;
    const unsigned char *p = get_fate(get32(f->payload, &got.rank), &got.fate);
    if (p == NULL)
        return ROTA_E_FORMAT;
    get64(p, &got.due);
    *out = got;
    return 0;
}

void line_put_count(unsigned char out[LINE_COUNT_BYTES], uint32_t rank)
{
    put32(out, rank);
}

int line_get_count(const struct line_frame *f, uint32_t *rank)
{
    if (f->size != LINE_COUNT_BYTES)
        return ROTA_E_FORMAT;
    get32(f->payload, rank);
    return 0;
}

void line_put_left(unsigned char out[LINE_LEFT_BYTES], uint32_t rank, uint64_t left)
{
    put64(put32(out, rank), left);
}

int line_get_left(const struct line_frame *f, uint32_t *rank, uint64_t *left)
{
    if (f->size != LINE_LEFT_BYTES)
        return ROTA_E_FORMAT;
    get64(get32(f->payload, rank), left);
    return 0;
}

size_t line_report_bytes(size_t counts)
{
    return 8 + 8 * counts;
}

void line_put_report(unsigned char *out, struct rota_fate fate, const uint64_t *counts,
                     size_t n)
{
    unsigned char *p = put_fate(out, fate);
    for (size_t i = 0; i < n; i++)
        p = put64(p, counts[i]);
}

int line_get_report(const struct line_frame *f, size_t ranks, struct rota_fate *fate,
                    uint64_t *counts, size_t *n)
{
    if (f->size != line_report_bytes(0) && f->size != line_report_bytes(ranks))
        return ROTA_E_FORMAT;
    const unsigned char *p = get_fate(f->payload, fate);
    if (p == NULL)
        return ROTA_E_FORMAT;
    *n = (f->size - line_report_bytes(0)) / 8;
    for (size_t i = 0; i < *n; i++)
        p = get64(p, &counts[i]);
    return 0;
}

void line_prove(enum line_role role, const unsigned char secret[LINE_SECRET_BYTES],
                const unsigned char hub_nonce[LINE_NONCE_BYTES],
                const struct line_hello *hello, unsigned char out[LINE_PROOF_BYTES])
{
    unsigned char said[1 + 2 * LINE_NONCE_BYTES + 8];
    unsigned char *p = said;
    *p++ = (unsigned char)role;
    memcpy(p, hub_nonce, LINE_NONCE_BYTES);
    memcpy(p + LINE_NONCE_BYTES, hello->nonce, LINE_NONCE_BYTES);
    put32(put32(p + 2 * (size_t)LINE_NONCE_BYTES, hello->rank), hello->size);
    crypto_generichash(out, LINE_PROOF_BYTES, said, sizeof(said), secret,
                       LINE_SECRET_BYTES);
}

void line_random(unsigned char *out, size_t size)
{
    randombytes_buf(out, size);
}

int line_same(const unsigned char *a, const unsigned char *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}
