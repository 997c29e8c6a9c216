/* steer.h - where a run is to go: on, out, or to its end at once; and why
 *
 * Pure: who asks brings the signals that came, and how many have ended.
 *
 *                 halt soon, SIGINT, SIGHUP             any signal, halt now
 *     CREW_GO_ON ---------------------------> CREW_RUN_OUT ---------------> CREW_STOP
 *          |                                                                    ^
 *          +---------------------- halt now, SIGTERM ---------------------------+
 *
 * There is no way back.
 */
#ifndef ROTA_CLI_STEER_H
#define ROTA_CLI_STEER_H

#include <stdint.h>

#include "cli/halt.h"
#include "farm/crew.h"

struct steer {
    struct halt halt;
    enum crew_course course;
    bool halted;       /* the halt has had a say in it */
    int signal;        /* the first that came, or 0 */
    int last;          /* the last one, */
    int64_t signal_ns; /* and when it came */
};

void steer_init(struct steer *s, const struct halt *halt);

/* A signal came. One that follows another at once is the same, unless it is `single`:
 * some send it to a process and then to its group. Whether it counts. */
bool steer_signal(struct steer *s, int64_t now_ns, int signal, bool single);

struct steer_count {
    uint64_t succeeded;
    uint64_t failed;
};

/* Whether so many ends, of `total` tasks (-1: not known), are enough for nothing more
 * to be begun. */
bool steer_is_enough(const struct steer *s, struct steer_count ended, int64_t total);

/* Whether what runs is waited for, as long as it takes. */
static inline bool steer_runs_out(const struct steer *s)
{
    bool now = s->halted && s->halt.when == HALT_NOW;
    return s->course == CREW_RUN_OUT && !now;
}

/* So many have ended, and so many of these were told: when everything ends at once is
 * decided by what was told, so that it is the last. */
void steer_ended(struct steer *s, struct steer_count ended, struct steer_count told,
                 int64_t total);

#endif
