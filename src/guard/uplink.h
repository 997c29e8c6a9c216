/* uplink.h - a parent's end of its line to the monitor
 *
 * Nothing here waits: uplink_fd() and uplink_events() say what poll() should watch.
 */
#ifndef ROTA_GUARD_UPLINK_H
#define ROTA_GUARD_UPLINK_H

#include <stddef.h>
#include <stdint.h>

#include "liveness/line.h"
#include "liveness/liveness.h"

enum uplink_state {
    UPLINK_JOINING,
    UPLINK_JOINED,
    UPLINK_CUT, /* not reached in time, refused, or lost: for good */
};

struct uplink;

/* Takes what a frame says. `payload` is aligned for any number, and void afterwards. */
typedef void uplink_handler(void *context, enum line_kind kind, const void *payload,
                            size_t size);

/* Join as `rank` of `size`. NULL: no memory. */
struct uplink *uplink_new(int rank, int size, const struct liveness_invitation *to,
                          uplink_handler *handler, void *context, int64_t now_ns);
void uplink_free(struct uplink *u);

enum uplink_state uplink_state(const struct uplink *u);
int uplink_fd(const struct uplink *u); /* or -1 */
short uplink_events(const struct uplink *u);

/* Do what can be done now. */
void uplink_run(struct uplink *u, int64_t now_ns);

/* This process has slept for so long itself. */
void uplink_forgive(struct uplink *u, int64_t gap_ns);

/* Say something; nothing happens unless it has joined. */
void uplink_send(struct uplink *u, enum line_kind kind, const void *payload,
                 size_t size);

#endif
