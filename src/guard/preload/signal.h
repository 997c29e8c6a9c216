/* signal.h - the signal by which a parent asks its rank (answer.h) */
#ifndef ROTA_GUARD_PRELOAD_SIGNAL_H
#define ROTA_GUARD_PRELOAD_SIGNAL_H

#include <signal.h>

/* One of the middle ones: libraries take theirs from either end. */
#define ANSWER_SIGNAL (SIGRTMIN + 17)

#endif
