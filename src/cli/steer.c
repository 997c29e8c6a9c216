/* steer.c - where a run is to go: on, out, or to its end at once; and why */
#include "cli/steer.h"

#include <signal.h>

#include "base/clock.h"

#define SAME_NS (200 * NS_PER_MS)

void steer_init(struct steer *s, const struct halt *halt)
{
    *s = (struct steer){.halt = *halt, .signal_ns = INT64_MIN / 2};
}

bool steer_signal(struct steer *s, int64_t now_ns, int signal, bool single)
{
    bool same = !single && signal == s->last && now_ns - s->signal_ns < SAME_NS;
    bool gently = signal == SIGINT || signal == SIGHUP;
    s->signal_ns = now_ns;
    s->last = signal;
    if (same)
        return false;
    if (s->signal == 0)
        s->signal = signal;
    s->course = gently && s->course == CREW_GO_ON ? CREW_RUN_OUT : CREW_STOP;
    return true;
}

bool steer_is_enough(const struct steer *s, struct steer_count ended, int64_t total)
{
    return halt_is_due(&s->halt, ended.succeeded, ended.failed, total);
}

void steer_ended(struct steer *s, struct steer_count ended, struct steer_count told,
                 int64_t total)
{
    if (s->course == CREW_STOP || !steer_is_enough(s, ended, total))
        return;
    s->halted = true;
    s->course = CREW_RUN_OUT;
    if (s->halt.when == HALT_NOW && steer_is_enough(s, told, total))
        s->course = CREW_STOP;
}
