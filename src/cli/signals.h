/* signals.h - being asked to stop, as a question instead of an interruption */
#ifndef ROTA_CLI_SIGNALS_H
#define ROTA_CLI_SIGNALS_H

#include <stdbool.h>

struct signals {
    int fd;
    int desk; /* rank 0's connection to the front, which passes its signals on; or -1 */
};

/* From here on SIGINT, SIGTERM and SIGHUP (unless it is ignored: nohup) only ask;
 * SIGPIPE is an error of write(). Call it before threads begin, and signals_open
 * when the process is the one that stays. */
void signals_block(void);

/* `desk` is borrowed. Returns 0 or ROTA_E_IO. */
int signals_open(struct signals *s, int desk);

/* The next one that has come, or 0. *single: it can't be the same one told twice, as
 * a terminal sent it, or the front, which has seen to that. */
int signals_next(struct signals *s, bool *single);

#endif
