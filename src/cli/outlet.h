/* outlet.h - has a launcher written all that its ranks have printed?
 *
 * What ranks print goes through their launcher, which reads it whether or not anybody
 * takes it on the other side: when a program is ended at one go, its launcher may still
 * hold some.
 */
#ifndef ROTA_CLI_OUTLET_H
#define ROTA_CLI_OUTLET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Wait until process `launcher` does nothing, and standard output and error would take
 * more: then it has nothing left for them. For `patience_ns` at most; and from then on
 * with `slowly` as long as there is a reader that takes no more now. Not once *asked is
 * other than 0, which another thread may set. */
void outlet_await(pid_t launcher, int64_t patience_ns, bool slowly, const int *asked);

#endif
