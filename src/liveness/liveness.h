/* liveness.h - who is alive: the parent above each rank, and the line between them
 *
 * What the message part calls. The order at start-up, in every rank:
 *
 *     liveness_begin()    before MPI_Init; what returns is the rank, below a
 *                         parent that stays behind in this call
 *     liveness_where()    gathered over all ranks: all equal means one host
 *     liveness_invite()   rank 0 alone; the invitation is then given to all
 *     liveness_join()     returns once the rank's parent is on the line
 *
 * and from then on `board` says how everyone is. Under no launcher there is no
 * parent, and nobody to tell: the same calls work, on a board of one's own.
 */
#ifndef ROTA_LIVENESS_LIVENESS_H
#define ROTA_LIVENESS_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "liveness/board.h"
#include "liveness/net.h"
#include "rota.h"

/* What a member needs to find the hub, and to be let in. Plain bytes, to be copied
 * from rank 0 to the others. `valid` is 0 where rank 0 could open no hub. */
struct liveness_invitation {
    uint8_t valid;
    uint8_t address_count;
    uint16_t port;
    unsigned char where[NET_WHERE_BYTES];
    unsigned char secret[32];
    struct net_address addresses[NET_ADDRESSES];
};

struct liveness;

/* Whether this process was started by a launcher, or is the rank below a parent
 * already: liveness_begin will see to a parent. */
bool liveness_expected(void);

/* The rank that the launcher has given this process, before MPI tells: in digits; "0"
 * where it says nothing. */
const char *liveness_number(void);

/* Returns in the rank: 0 and *out (liveness_free), or ROTA_E_IO or ROTA_E_NOMEM
 * with `err` filled. */
int liveness_begin(struct liveness **out, struct rota_error *err);

/* Tell the parent that MPI is about to begin: if that leads to no liveness_join in time
 * (parent.c), it ends this process. */
void liveness_start(struct liveness *lv);

/* Whether a parent stands above this process. */
bool liveness_has_parent(const struct liveness *lv);

void liveness_where(unsigned char out[NET_WHERE_BYTES]);

/* Open the hub of a run of `size` ranks in this rank's parent. */
int liveness_invite(struct liveness *lv, int size, bool one_host,
                    struct liveness_invitation *out, struct rota_error *err);

/* Join as `rank` of `size`. *board is valid until liveness_free. ROTA_E_LOST: the
 * hub was not reached in time, or has refused. */
int liveness_join(struct liveness *lv, int rank, int size,
                  const struct liveness_invitation *invitation, struct board **board,
                  struct rota_error *err);

/* Have the parent hold this rank's connected stream sockets open: to the launcher,
 * their end would be the rank's end. Best effort. */
void liveness_keep_sockets(struct liveness *lv);

/* What this rank does from now on is for `rank` (-1: for nobody else): if it goes on a
 * while after that one has gone (ROTA_OUTLIVE_MS), its parent ends it. */
void liveness_serve(struct liveness *lv, int rank);

/* Tell the run that this rank sends nothing more. */
void liveness_leave(struct liveness *lv);

/* Rank 0: have the hub cut `rank` off, as if its line had broken. */
void liveness_fence(struct liveness *lv, int rank);

void liveness_free(struct liveness *lv);

#endif
