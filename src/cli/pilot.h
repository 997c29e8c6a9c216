/* pilot.h - at the wheel of a run: asks where to go from here, and says how far it is
 *
 * What decides is pure (steer.h), and so is what is said (progress.h); here they meet
 * the clock, the signals and the screen.
 */
#ifndef ROTA_CLI_PILOT_H
#define ROTA_CLI_PILOT_H

#include "cli/options.h"
#include "cli/report.h"
#include "cli/screen.h"
#include "cli/signals.h"
#include "cli/steer.h"
#include "cli/tasks.h"
#include "farm/crew.h"

struct pilot {
    const struct rota_farm *farm;
    const struct tasks *tasks;
    struct signals *signals;
    struct report *report;
    bool in_order;
    struct steer steer;
    struct screen screen;
    struct progress_pace pace;
};

/* All is borrowed. report->start_ns is set; the report makes way for the screen. */
void pilot_begin(struct pilot *p, const struct run_options *o, struct signals *signals,
                 struct report *report);

/* It is this farm's, and these are its tasks: call it before the two below. */
void pilot_board(struct pilot *p, const struct rota_farm *farm,
                 const struct tasks *tasks);

/* crew_hooks' steer and enough. */
enum crew_course pilot_steer(struct pilot *p);
bool pilot_enough(struct pilot *p);

/* In the midst of writing: whether everything is to end at once, by a signal. */
bool pilot_hear(struct pilot *p);

/* Nothing more is said of how far it is. */
void pilot_end(struct pilot *p);

/* What the crew is to be for all this. */
struct crew_manner pilot_manner(const struct run_options *o);

#endif
