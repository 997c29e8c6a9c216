/* exchange.h - messages between ranks, over frames, past the death of any of them
 *
 * Design:
 *   1. A message is cut into frames, which a transport carries in order. Between
 *      two ranks at most EXCHANGE_WINDOW data frames are under way; the receiver
 *      returns credit as it takes them, by a CREDIT frame for half of them or more.
 *      So the dead, the frozen and the slow cost a bounded amount of memory.
 *   2. Frames are taken whenever this rank waits in any call, whatever it waits
 *      for: two ranks that send to each other at once don't block each other.
 *   3. A peer has gone, to this rank, once the board says that it has (fate) and
 *      as many frames have been taken as the board says it had sent (due), or this
 *      rank has looked for the missing ones for EXCHANGE_GRACE_NS, a time in which it
 *      did not look left out, and none has come: they died with it.
 *      Until then it is leaving. Then nothing of it is taken any more, be it back.
 *   4. A frame that is malformed, or that cannot come where it does, ends the
 *      dealings between two ranks, on both sides: who gets one answers with one.
 *   5. Waiting is polling, at first without a pause, then yielding the processor,
 *      then sleeping for ever longer, up to 1 ms; news on the board end the sleep.
 * Where ranks share processors it sleeps sooner.
 *   6. What was posted is kept here, and sent frame by frame as there is room for it,
 *      whatever this rank waits for. Between two ranks it keeps its order with what
 *      is sent.
 *   7. A rank that dies while it writes to the memory in which others leave their
 *      frames for this one may block it for good. So who has lost somebody, and then
 *      hears nothing, asks what has left the others (board_ask); if that is more than
 *      has come, and stays so, this rank is deaf: every wait ends with ROTA_E_DEAF.
 *   8. A message becomes a letter of the inbox only where the call that it came in
 *      did not want it. A frame for which there is no memory stays with the transport.
 */
#ifndef ROTA_MESSAGE_EXCHANGE_H
#define ROTA_MESSAGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "liveness/board.h"
#include "message/transport.h"
#include "rota.h"

enum {
    EXCHANGE_WINDOW = 64,
};

#define EXCHANGE_GRACE_NS INT64_C(500000000)

/* Silence for so long, looked for all the while, is a reason to ask, the first time; it
 * asks again after as much, and then after twice as much each time, up to the second.
 */
#define EXCHANGE_DOUBT_NS      INT64_C(2000000000)
#define EXCHANGE_DOUBT_MOST_NS INT64_C(64000000000)

struct exchange;

/* An exchange for `rank` of board->size ranks. It borrows `board`, and takes
 * `transport` if it succeeds. NULL without memory. */
struct exchange *exchange_new(int rank, struct board *board,
                              struct transport *transport);
void exchange_free(struct exchange *x);

/* Sleep soon when waiting: there are more ranks than processors here, so that what one
 * polls away another would need. */
void exchange_be_brief(struct exchange *x);

/* What this rank's frames come through may be blocked by one that dies (7.), and what
 * has left a rank is there to be found. */
void exchange_may_go_deaf(struct exchange *x);

/* As rota_send. */
int exchange_send(struct exchange *x, int dest, int tag, const void *data, size_t size);

/* As rota_post: `data`, of malloc, is taken where this returns 0 or ROTA_E_LOST. */
int exchange_post(struct exchange *x, int dest, int tag, void *data, size_t size);

/* As rota_settle. */
int exchange_settle(struct exchange *x, int dest);

/* As rota_recv and rota_probe. `deadline_ns`: clock.h; INT64_MAX: none; 0: what is
 * there now. */
int exchange_receive(struct exchange *x, int source, int tag, int64_t deadline_ns,
                     struct rota_message *out);
int exchange_probe(struct exchange *x, int source, int tag, int64_t deadline_ns,
                   struct rota_message *out);

/* A number that changes when the board's epoch does, and when a peer is refused: for a
 * malformed frame, after which nothing of it is taken any more; whether it has been. */
uint32_t exchange_news(const struct exchange *x);
bool exchange_has_refused(const struct exchange *x, int peer);

/* As exchange_receive, and with ROTA_E_TIMEOUT too once exchange_news() is not `news`.
 */
int exchange_receive_until(struct exchange *x, int source, int tag, int64_t deadline_ns,
                           uint32_t news, struct rota_message *out);

/* Wait until whatever goes to a rank that is still there has left this process; what
 * was posted, for a moment. */
void exchange_flush(struct exchange *x);

#endif
