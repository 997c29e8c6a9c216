/* told.h - what there is to tell of a guarded program, once, at its end
 *
 * Plain data, borrowed from whoever has it: the monitor, or a file that keeps it
 * (retold.h). All forms of the report (report.h) are made of this and nothing else.
 */
#ifndef ROTA_GUARD_TOLD_H
#define ROTA_GUARD_TOLD_H

#include <stdint.h>

#include "guard/look.h"
#include "guard/verdict.h"

enum told_why {
    TOLD_NOTHING, /* all ranks have ended, and the program hung nowhere */
    TOLD_HANG,    /* the verdict */
    TOLD_TIMEOUT, /* its time is over */
    TOLD_DEATH,   /* a rank has died, and the time that the others had is over */
};

struct told {
    enum told_why why;
    const struct look *look;       /* with its sites */
    const struct verdict *verdict; /* what it was at TOLD_TIMEOUT and _DEATH, too */
    int dead;                      /* TOLD_DEATH: the rank */
    int64_t ran_ns;                /* since the start */
    const char *const *stacks; /* by rank, each in lines, or NULL; or NULL for all */
};

#endif
