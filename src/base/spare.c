/* spare.c - a few descriptors more, for what may not fail for want of them */
#include "base/spare.h"

enum {
    MORE = 8, /* two to four are needed; other threads may take some meanwhile */
};

bool spare_take(struct rlimit *before)
{
    if (getrlimit(RLIMIT_NOFILE, before) != 0)
        return false;
    struct rlimit more = *before;
    more.rlim_cur =
        more.rlim_max - more.rlim_cur > MORE ? more.rlim_cur + MORE : more.rlim_max;
    return more.rlim_cur > before->rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0;
}

void spare_return(const struct rlimit *before)
{
    setrlimit(RLIMIT_NOFILE, before);
}
