/* signals.h - being asked to stop, as a question instead of an interruption */
#ifndef ROTA_CLI_SIGNALS_H
#define ROTA_CLI_SIGNALS_H

#include <stdbool.h>

struct signals {
    int fd;
    int got; /* the first signal that asked to stop, or 0 */
};

/* From here on SIGINT, SIGTERM and SIGHUP (unless it is ignored: nohup) only ask;
 * SIGPIPE is an error of write(). Call it before threads begin, and signals_open
 * when the process is the one that stays. */
void signals_block(void);

/* Returns 0 or ROTA_E_IO. */
int signals_open(struct signals *s);

/* Whether one has come. */
bool signals_asked(struct signals *s);

#endif
