/* spare.h - a few descriptors more, for what may not fail for want of them
 *
 * To end what has been started, and to remove what that leaves, reads /proc. Where
 * descriptors are spent, the limit is raised meanwhile, as far as the hard one lets us.
 */
#ifndef ROTA_BASE_SPARE_H
#define ROTA_BASE_SPARE_H

#include <stdbool.h>
#include <sys/resource.h>

/* Raise the limit on open files by a few; *before is what to go back to. Returns
 * whether there are more now: then spare_return() is due. */
bool spare_take(struct rlimit *before);

/* Go back to it. */
void spare_return(const struct rlimit *before);

#endif
