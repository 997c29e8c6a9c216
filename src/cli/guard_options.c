/* guard_options.c - the words by which a program is watched, for argp */
#include "cli/guard_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define GRACE_NS (2 * NS_PER_SEC)

enum {
    KEY_ON_HANG = 0x2000,
    KEY_TIMEOUT,
    KEY_GRACE,
    KEY_QUIET,
    KEY_REPORT,
    KEY_JSON,
    KEY_HTML,
    KEY_DOT,
};

static const struct argp_option options[] = {
    {"on-hang", KEY_ON_HANG, "WHAT", 0,
     "what to do then: kill (report, and end the program; the default), report (report "
     "alone: it is left as it is), stacks (report with all of each rank's stack, and "
     "end it), core (report, and end it so that each rank leaves a core dump)",
     0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0,
     "end the program after so long, whatever it does, and say what it did", 0},
    {"grace", KEY_GRACE, "SECONDS", 0,
     "how long the others may go on after a rank has died without MPI_Finalize (2); "
     "'none' for as long as they like",
     0},
    {"quiet", KEY_QUIET, "SECONDS", 0,
     "take it for a hang, too, if nothing has come of all calls for so long where it "
     "can't be proved: a rank polls, has several threads in MPI, or waits for a lock "
     "(never)",
     0},
    {"verbose", 'v', NULL, 0,
     "report all that is known of each rank (so it is, too, with --on-hang other than "
     "kill)",
     0},
    {"report", KEY_REPORT, "FILE", 0,
     "keep the report in FILE, too: 'rota report FILE' tells it again", 0},
    {"json", KEY_JSON, NULL, 0, "report in JSON instead of words", 0},
    {"html", KEY_HTML, "FILE", 0,
     "write the report as a page with a picture of who waits for whom, too", 0},
    {"dot", KEY_DOT, "FILE", 0, "write who waits for whom, for Graphviz, too", 0},
    {0},
};

static error_t parse_seconds(struct argp_state *state, const char *name,
                             const char *arg, int64_t *out)
{
    char *end;
    errno = 0;
    double s = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(s >= 0) || s > 1e9)
        argp_error(state, "--%s '%s': not a number of seconds", name, arg);
    *out = (int64_t)(s * (double)NS_PER_SEC);
    return 0;
}

static error_t parse_on_hang(struct argp_state *state, const char *arg,
                             enum on_hang *out)
{
    static const char *const names[] = {[ON_HANG_KILL] = "kill",
                                        [ON_HANG_REPORT] = "report",
                                        [ON_HANG_STACKS] = "stacks",
                                        [ON_HANG_CORE] = "core"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(arg, names[i]) == 0) {
            *out = (enum on_hang)i;
            return 0;
        }
    }
    argp_error(state, "--on-hang '%s': there is kill, report, stacks and core", arg);
    return EINVAL;
}

static error_t take(struct guard_options *o, int key, char *arg,
                    struct argp_state *state)
{
    switch (key) {
    case KEY_ON_HANG:
        return parse_on_hang(state, arg, &o->on_hang);
    case KEY_TIMEOUT:
        return parse_seconds(state, "timeout", arg, &o->timeout_ns);
    case KEY_GRACE:
        if (strcmp(arg, "none") != 0)
            return parse_seconds(state, "grace", arg, &o->grace_ns);
        o->grace_ns = -1;
        return 0;
    case KEY_QUIET:
        return parse_seconds(state, "quiet", arg, &o->quiet_ns);
    case 'v':
        o->verbose = true;
        return 0;
    case KEY_REPORT:
        o->report = arg;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case KEY_HTML:
        o->html = arg;
        return 0;
    case KEY_DOT:
        o->dot = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct guard_options *o = state->input;
    error_t rc = take(o, key, arg, state);
    if (rc == 0)
        o->given = true;
    return rc;
}

const struct argp guard_options_argp = {.options = options, .parser = parse};

void guard_options_init(struct guard_options *o)
{
    *o = (struct guard_options){.grace_ns = GRACE_NS};
}
