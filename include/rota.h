/* rota.h - message passing whose every wait ends, with a result or with a reason
 *
 * The whole public API of Rota. A program includes this header, links -lrota and
 * its MPI, and is started with `rota exec -n N`, with mpiexec, with srun, or by
 * its name alone (it is then a run of one rank).
 *
 *     struct rota *r;
 *     struct rota_error err;
 *     if (rota_open(&r, &err) != 0) { ... err.text says why ... }
 *     if (rota_rank(r) == 0) {
 *         struct rota_message m;
 *         int rc = rota_recv(r, 1, ROTA_ANY_TAG, ROTA_FOREVER, &m);
 *         if (rc == 0)
 *             rota_message_done(&m);
 *         else if (rc == ROTA_E_LOST)
 *             ... rank 1 has gone; rota_fate() says how ...
 *     }
 *     rota_close(r);
 *
 * Threads: a handle belongs to the thread that opened it, and so does MPI; a program's
 * other threads may do whatever else they like.
 * Errors: every function that can fail returns 0 or a negative code of enum
 * rota_code, and on failure leaves its out-parameters untouched.
 */
#ifndef ROTA_H
#define ROTA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROTA_API __attribute__((visibility("default")))

/* Every error code, grouped by what is lost: X(name, value, text). */
#define ROTA_CODES(X)                                                                  \
    /* nothing: the call can be made again, or differently */                          \
    X(ROTA_E_ARG, -1, "invalid argument")                                              \
    X(ROTA_E_STATE, -2, "called at the wrong time")                                    \
    X(ROTA_E_TIMEOUT, -3, "deadline passed")                                           \
    X(ROTA_E_NOMEM, -4, "out of memory")                                               \
    X(ROTA_E_IO, -5, "input or output failed")                                         \
    X(ROTA_E_NOTFOUND, -6, "not found")                                                \
    /* a peer, and with it what it would have sent */                                  \
    X(ROTA_E_LOST, -20, "the rank has gone")                                           \
    X(ROTA_E_FORMAT, -21, "malformed bytes from a peer")                               \
    /* the run */                                                                      \
    X(ROTA_E_MPI, -30, "MPI failed")                                                   \
    X(ROTA_E_LAUNCH, -31, "the ranks could not be started")

enum rota_code {
#define ROTA_CODE_VALUE(name, value, text) name = (value),
    ROTA_CODES(ROTA_CODE_VALUE)
#undef ROTA_CODE_VALUE
};

/* What went wrong, for a person: a code and one sentence (no full stop, no line
 * break) that names what failed, the cause, and what to do. */
struct rota_error {
    int code;
    char text[508];
};

/* The text of a code alone; "success" for 0. Static, never NULL. */
ROTA_API const char *rota_strerror(int code);

/* A rank's handle on its run: opaque. */
struct rota;

/* Join the run: call it first in main, once, before MPI_Init.
 *
 * Under a launcher the calling process becomes the parent of a second process,
 * in which the same program starts anew and becomes the rank; the parent never
 * returns from this call. So whatever stands before it in main is done twice.
 * Standard input, output and error are the rank's.
 *
 * `*out` is the caller's: rota_close(). `err` may be NULL. Fails with
 * ROTA_E_STATE (MPI is initialized already, the run is open already, or another
 * rank was built with a Rota that speaks otherwise), ROTA_E_LAUNCH (the launcher
 * is another MPI's), ROTA_E_MPI, ROTA_E_IO, ROTA_E_NOMEM, or ROTA_E_LOST (rank 0
 * cannot be reached). */
ROTA_API int rota_open(struct rota **out, struct rota_error *err);

/* Leave the run: hands what was sent to the ranks that are still there, tells
 * the others that this one has left, frees `r`. NULL is accepted. Waits for no
 * collective; for a rank only while that one lives and has not yet taken what
 * was sent to it. MPI cannot be used afterwards. */
ROTA_API void rota_close(struct rota *r);

/* This rank's number, 0 to size - 1; and how many ranks the run began with. */
ROTA_API int rota_rank(const struct rota *r);
ROTA_API int rota_size(const struct rota *r);

#define ROTA_ANY_SOURCE (-1)
#define ROTA_ANY_TAG    (-1)
#define ROTA_FOREVER    (-1) /* no deadline, as a timeout in milliseconds */

/* Send `size_bytes` bytes at `data` to rank `dest` under `tag` (0 to INT_MAX).
 *
 * Returns 0 when the bytes have left this process: `data` may be changed, and the
 * message reaches its receiver even if this rank dies the moment after. A small
 * message goes at once, a large one waits for room at the receiver, which any call
 * of the receiver's makes. Between two ranks, messages keep their order. To itself
 * a rank may send too. Fails with ROTA_E_ARG, ROTA_E_NOMEM,
 * ROTA_E_MPI, ROTA_E_FORMAT (see rota_recv), or ROTA_E_LOST: the rank has gone,
 * rota_fate() says how; the message may or may not have reached it. */
ROTA_API int rota_send(struct rota *r, int dest, int tag, const void *data,
                       size_t size_bytes);

/* A message received. `data` holds `size_bytes` bytes and one more, which is 0;
 * it belongs to the message: rota_message_done(). After rota_probe() `data` is
 * NULL. */
struct rota_message {
    int source;
    int tag;
    size_t size_bytes;
    void *data;
};

/* Receive the earliest message from `source` (or ROTA_ANY_SOURCE) with `tag` (or
 * ROTA_ANY_TAG), waiting at most `timeout_ms` milliseconds (0: what is there
 * already; ROTA_FOREVER: until there is a message, or none can come any more).
 *
 * Fails with ROTA_E_TIMEOUT; with ROTA_E_LOST when `source` has gone and every
 * message that it had sent has been handed over (for ROTA_ANY_SOURCE: when that
 * holds for all other ranks); with ROTA_E_NOMEM when a message came that there is
 * no memory for: a short one stays for the next call, one above some 4,000 bytes is
 * gone; with ROTA_E_FORMAT when bytes came from `source` that are not Rota's, after
 * which neither of the two takes anything from the other; with ROTA_E_ARG or
 * ROTA_E_MPI. */
ROTA_API int rota_recv(struct rota *r, int source, int tag, int64_t timeout_ms,
                       struct rota_message *out);

/* As rota_recv, but the message stays: `out` tells its source, tag and size. */
ROTA_API int rota_probe(struct rota *r, int source, int tag, int64_t timeout_ms,
                        struct rota_message *out);

/* Free what `m` holds. NULL, and a message that is done already, are accepted. */
ROTA_API void rota_message_done(struct rota_message *m);

/* How a rank is, or how it went. */
enum rota_how {
    ROTA_ALIVE,    /* as far as is known */
    ROTA_STOPPED,  /* alive, but stopped by signal `code`; it may go on */
    ROTA_CLOSED,   /* it called rota_close; its process may still be there */
    ROTA_EXITED,   /* its process ended with status `code` */
    ROTA_KILLED,   /* its process was ended by signal `code` */
    ROTA_FROZEN,   /* it stayed stopped (signal `code`) too long, and was ended */
    ROTA_VANISHED, /* its node, or the parent of its process, is not heard of */
};

struct rota_fate {
    enum rota_how how;
    int code; /* a status for ROTA_EXITED; a signal for _STOPPED, _KILLED, _FROZEN */
};

/* How rank `rank` is now. Fails with ROTA_E_ARG. */
ROTA_API int rota_fate(const struct rota *r, int rank, struct rota_fate *out);

/* A fate in words ("exited with status 1", "was killed by signal 9 (SIGKILL)"),
 * written to `buf` of `size` bytes, always terminated. Returns `buf`. */
ROTA_API const char *rota_fate_text(struct rota_fate fate, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
