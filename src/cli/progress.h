/* progress.h - the line that says how far a run is
 *
 * Pure: what is known goes in, text comes out. The forms:
 *
 *     LINE   rota: 37/100 done, 2 failed, 4 running, 5.3/s, 12 s left; 3 workers, 1
 * lost BAR    37% 37:63=12 s         as much of it inverse as is done
 */
#ifndef ROTA_CLI_PROGRESS_H
#define ROTA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum progress_form {
    PROGRESS_AUTO, /* LINE where it is seen by a person, else NONE */
    PROGRESS_NONE,
    PROGRESS_LINE,
    PROGRESS_ETA, /* LINE; the number of tasks is known */
    PROGRESS_BAR, /* so too */
};

/* How fast it goes: measured from one *mark* to the other and on to now, so that the
 * last ten seconds at least count, and the last twenty tasks at least. */
struct progress_mark {
    int64_t at_ns;
    uint64_t done;
};

struct progress_pace {
    struct progress_mark from;
    struct progress_mark next; /* the next `from` */
};

void progress_begin(struct progress_pace *p, int64_t now_ns);

/* Tasks a second, now that `done` have ended; 0: not known yet. */
double progress_rate(struct progress_pace *p, int64_t now_ns, uint64_t done);

/* What there is to say. */
struct progress {
    uint64_t done; /* all that have ended */
    uint64_t failed;
    uint64_t running;
    int64_t total; /* -1: not known */
    double rate;   /* a second; 0: not known */
    int workers;   /* -1: they are not worth a word */
    int lost;
    int shut;    /* who take no more for the time being */
    bool ending; /* no more are begun */
};

/* The seconds that are left; below 0: not known. */
double progress_left_s(const struct progress *p);

/* The line, as long as `width` columns at most, and as `size` allows; always
 * terminated. PROGRESS_BAR has escape sequences that take no column. Returns its
 * length in bytes. */
size_t progress_text(const struct progress *p, enum progress_form form, int width,
                     char *buf, size_t size);

/* What zenity --progress reads: its bar's text and a percentage. So GNU parallel's
 * --bar has it where it is not seen by a person. */
size_t progress_zenity(const struct progress *p, char *buf, size_t size);

#endif
