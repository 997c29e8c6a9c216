/* line.h - what is said on the liveness line, byte by byte (version 1)
 *
 * The line is a TCP connection from the parent of each rank (the member) to the
 * hub. All integers are big-endian. A frame:
 *
 *     0   4  magic "RLN1" (the digit is the version)
 *     4   2  kind
 *     6   2  zero
 *     8   4  size of the payload in bytes
 *    12   -  payload
 *
 *     kind          from    payload
 *     1 CHALLENGE   hub     nonce[32]
 *     2 HELLO       member  rank u32, size u32, nonce[32], proof[32]
 *     3 WELCOME     hub     proof[32]
 *     4 REPORT      member  how u32, code i32, and, where the rank has gone,
 *                           `size` times u64: frames it had sent to each rank
 *     5 FATE        hub     rank u32, how u32, code i32, due u64: frames that it
 *                           had sent to you, all ones where that is not known; of a
 *                           rank that is there, those that had left it when asked
 *     6 PING        both    nothing: "I am here"
 *     7 OVER        hub     nothing: every rank has ended
 *     8-12                  the guard's: guard/shim.h
 *    13 COUNT       member  nothing: what has left the others for me?
 *                   hub     rank u32: what has left you for it?
 *    14 LEFT        member  rank u32, left u64: frames that had left it for that rank,
 *                           which hears of it by FATE
 *
 * A proof is the keyed BLAKE2b hash of (role, nonce of the hub, nonce of the
 * member, rank, size) under the run's secret, so neither side shows the secret,
 * and neither takes the other's word for it: a member that connects to a stranger
 * by mistake has given nothing away.
 *
 * Pure: bytes in, frames out.
 */
#ifndef ROTA_LIVENESS_LINE_H
#define ROTA_LIVENESS_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "rota.h"

enum {
    LINE_HEADER_BYTES = 12,
    LINE_NONCE_BYTES = 32,
    LINE_PROOF_BYTES = 32,
    LINE_SECRET_BYTES = 32,
    LINE_HELLO_BYTES = 8 + LINE_NONCE_BYTES + LINE_PROOF_BYTES,
    LINE_FATE_BYTES = 20,
    LINE_COUNT_BYTES = 4,
    LINE_LEFT_BYTES = 12,
};

enum line_kind {
    LINE_CHALLENGE = 1,
    LINE_HELLO,
    LINE_WELCOME,
    LINE_REPORT,
    LINE_FATE,
    LINE_PING,
    LINE_OVER,
    LINE_LOOK, /* the guard's */
    LINE_SHOT,
    LINE_QUIET,
    LINE_ASK,
    LINE_SITES, /* the last of those */
    LINE_COUNT,
    LINE_LEFT,
    LINE_LAST = LINE_LEFT,
};

struct line_frame {
    enum line_kind kind;
    size_t size;
    const unsigned char *payload; /* in the caller's buffer */
};

struct line_hello {
    uint32_t rank;
    uint32_t size;
    unsigned char nonce[LINE_NONCE_BYTES];
    unsigned char proof[LINE_PROOF_BYTES];
};

struct line_fate {
    uint32_t rank;
    struct rota_fate fate;
    uint64_t due;
};

/* Write a frame's header. */
void line_put_header(unsigned char out[LINE_HEADER_BYTES], enum line_kind kind,
                     size_t payload_size);

/* Take the frame at the start of `size` bytes at `in`. Returns its whole length in
 * bytes and *out, or 0 while it is not all there, or ROTA_E_FORMAT where it is no
 * frame, or its payload is larger than `max_payload`. */
long line_parse(const unsigned char *in, size_t size, size_t max_payload,
                struct line_frame *out);

/* Payloads. Those that read return 0 or ROTA_E_FORMAT (wrong size, no such fate);
 * a report's counts must be none or `ranks` many, and are copied to `counts`. */
void line_put_hello(unsigned char out[LINE_HELLO_BYTES], const struct line_hello *h);
int line_get_hello(const struct line_frame *f, struct line_hello *out);
void line_put_fate(unsigned char out[LINE_FATE_BYTES], const struct line_fate *fate);
int line_get_fate(const struct line_frame *f, struct line_fate *out);
void line_put_count(unsigned char out[LINE_COUNT_BYTES], uint32_t rank);
int line_get_count(const struct line_frame *f, uint32_t *rank);
void line_put_left(unsigned char out[LINE_LEFT_BYTES], uint32_t rank, uint64_t left);
int line_get_left(const struct line_frame *f, uint32_t *rank, uint64_t *left);
size_t line_report_bytes(size_t counts);
void line_put_report(unsigned char *out, struct rota_fate fate, const uint64_t *counts,
                     size_t n);
int line_get_report(const struct line_frame *f, size_t ranks, struct rota_fate *fate,
                    uint64_t *counts, size_t *n);

/* What each side shows to prove that it knows the secret. */
enum line_role {
    LINE_ROLE_MEMBER = 'm',
    LINE_ROLE_HUB = 'h',
};
void line_prove(enum line_role role, const unsigned char secret[LINE_SECRET_BYTES],
                const unsigned char hub_nonce[LINE_NONCE_BYTES],
                const struct line_hello *hello, unsigned char out[LINE_PROOF_BYTES]);

/* Fill `out` with `size` unpredictable bytes; compare in constant time. */
void line_random(unsigned char *out, size_t size);
int line_same(const unsigned char *a, const unsigned char *b, size_t size);

#endif
