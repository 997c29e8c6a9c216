/* gap.c - the time between two tasks that are lent, where there must be some
 *
 * Who asks whether it is over while nothing waits, or nobody is there to take it, is
 * told when it will be; that costs a wake-up in vain, and then there is none again.
 */
#include "schedule/gap.h"

#define GAP_LEAST_NS INT64_C(1000)             /* or it could not grow any more */
#define GAP_MOST_NS  INT64_C(1000000000000000) /* some days */

void gap_init(struct plan *p)
{
    p->gap_ns = p->options.gap_ns;
    p->lent_ns = INT64_MIN / 2;
    p->gap_due_ns = INT64_MAX;
}

bool gap_is_over(struct plan *p, int64_t now_ns)
{
    p->gap_due_ns = INT64_MAX;
    if (p->gap_ns == 0 || now_ns - p->lent_ns >= p->gap_ns)
        return true;
    if (p->counts.ready > 0)
        p->gap_due_ns = p->lent_ns + p->gap_ns;
    return false;
}

void gap_begin(struct plan *p, int64_t now_ns)
{
    p->lent_ns = now_ns;
}

void gap_adapt(struct plan *p, bool succeeded)
{
    if (!p->options.gap_adapts || p->gap_ns == 0)
        return;
    int64_t ns = p->gap_ns / 10 * (succeeded ? 9 : 13);
    if (ns < GAP_LEAST_NS)
        ns = GAP_LEAST_NS;
    p->gap_ns = ns < GAP_MOST_NS ? ns : GAP_MOST_NS;
}
