/* manage.h - manage a run: its tasks, where they end, and how it is told */
#ifndef ROTA_CLI_MANAGE_H
#define ROTA_CLI_MANAGE_H

#include "cli/options.h"
#include "cli/screen.h"
#include "cli/signals.h"
#include "rota.h"

/* Have the farm, whose manager this process is, do all that `o` asks for; show and
 * record it, and say how it went. Meanwhile *screen is what others must ask for room;
 * afterwards it is NULL. Returns the exit status. */
int manage_run(struct rota_farm *farm, const struct run_options *o,
               struct signals *signals, struct screen **screen);

#endif
