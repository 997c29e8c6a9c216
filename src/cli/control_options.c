/* control_options.c - the words that steer a run, for argp */
#include "cli/control_options.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli/units.h"

enum {
    KEY_HALT = 0x3000,
    KEY_TIMEOUT,
    KEY_DELAY,
    KEY_MEMFREE,
    KEY_LOAD,
    KEY_NOSWAP,
    KEY_PROGRESS,
    KEY_ETA,
    KEY_BAR,
    KEY_NO_PROGRESS,
    NS_PER_MILLI = 1000000,
    PERCENT_MOST = 1000000,
    LOAD_MOST = 1000000,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "When to begin, to wait, and to give up:", 5},
    {"halt", KEY_HALT, "WHEN,WHAT=N", 0,
     "give up as soon as N commands, or N% of all, have ended as WHAT says: fail, "
     "success or done. WHEN is soon (begin no more, let those that run end) or now "
     "(end "
     "them too)",
     0},
    {"halt-on-error", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0,
     "end a command that runs longer: SIGTERM, a second later SIGKILL. TIME is in "
     "seconds, or as in 1h30m; P% is that of the median run time so far",
     0},
    {"delay", KEY_DELAY, "TIME", 0,
     "let TIME pass between two commands that are begun. With auto behind it, it grows "
     "with failures and shrinks with successes",
     0},
    {"memfree", KEY_MEMFREE, "SIZE", 0,
     "begin no more while less memory is free, and with less than half of it end the "
     "youngest command (which --retries tries again). SIZE may end with K, M, G or T",
     0},
    {"load", KEY_LOAD, "N", 0,
     "begin no more while N processes, or N% of the CPUs, are busy already", 0},
    {"noswap", KEY_NOSWAP, NULL, 0,
     "begin no more while memory is swapped both in and out", 0},
    {NULL, 0, NULL, 0, "How far all is:", 6},
    {"progress", KEY_PROGRESS, NULL, 0,
     "say it in a line that changes, as is done on a terminal anyway", 0},
    {"eta", KEY_ETA, NULL, 0,
     "say it with the time that is left: the list is read to its end first", 0},
    {"bar", KEY_BAR, NULL, 0, "show it as a bar: the list is read to its end first", 0},
    {"no-progress", KEY_NO_PROGRESS, NULL, 0, "don't say it, even on a terminal", 0},
    {0},
};

/* P% as a factor; or 0. */
static double percent(const char *text)
{
    char *end;
    double n = strtod(text, &end);
    bool sound = end > text && strcmp(end, "%") == 0 && n > 0 && n <= PERCENT_MOST;
    return sound ? n / 100 : 0;
}

static void parse_timeout(struct argp_state *state, const char *arg,
                          struct control_options *o)
{
    int64_t ns = 0;
    o->time_limit_ms = 0;
    o->limit_times = percent(arg);
    if (o->limit_times > 0)
        return;
    if (!units_duration(arg, &ns) || ns == 0)
        argp_error(
            state,
            "--timeout '%s': neither a time (90, 1.5, 1h30m) nor a percentage of "
            "the median (200%%)",
            arg);
    o->time_limit_ms = ns < NS_PER_MILLI ? 1 : ns / NS_PER_MILLI;
}

static void parse_delay(struct argp_state *state, const char *arg,
                        struct control_options *o)
{
    static const char word[] = "auto";
    size_t size = strlen(arg);
    size_t tail = sizeof(word) - 1;
    o->gap_adapts = size > tail && strcmp(arg + size - tail, word) == 0;
    char *time = strndup(arg, size - (o->gap_adapts ? tail : 0));
    if (time == NULL)
        argp_failure(state, 2, ENOMEM, "cannot take the options");
    if (!units_duration(time, &o->gap_ns))
        argp_error(state,
                   "--delay '%s': not a time (0.5, 2m), nor one with auto (1auto)",
                   arg);
    free(time);
}

static void parse_memory(struct argp_state *state, const char *arg,
                         struct control_options *o)
{
    if (!units_size(arg, &o->memory_bytes))
        argp_error(state, "--memfree '%s': not a size (800M, 1.5G)", arg);
}

static double cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* As -j: N, P%, +N, -N; and 0 is next to nothing. */
static void parse_load(struct argp_state *state, const char *arg,
                       struct control_options *o)
{
    char *end;
    double n = strtod(arg, &end);
    bool sign = arg[0] == '+' || arg[0] == '-';
    if (strcmp(end, "%") == 0)
        n = cpus() * n / 100;
    else if (sign)
        n += cpus();
    if (end == arg || (*end != '\0' && strcmp(end, "%") != 0) || !isfinite(n) ||
        n > LOAD_MOST)
        argp_error(state,
                   "--load '%s': not a number of processes, nor a percentage of "
                   "the CPUs",
                   arg);
    o->load = n > 0.01 ? n : 0.01;
}

static void parse_halt(struct argp_state *state, const char *arg,
                       struct control_options *o)
{
    if (!halt_parse(arg, &o->halt))
        argp_error(state,
                   "--halt '%s': there is never, and now or soon with fail, success or "
                   "done and a number or a percentage: now,fail=1 soon,done=10%%",
                   arg);
}

static error_t parse_progress(int key, struct control_options *o)
{
    switch (key) {
    case KEY_PROGRESS:
        o->progress = PROGRESS_LINE;
        return 0;
    case KEY_ETA:
        o->progress = PROGRESS_ETA;
        return 0;
    case KEY_BAR:
        o->progress = PROGRESS_BAR;
        return 0;
    case KEY_NO_PROGRESS:
        o->progress = PROGRESS_NONE;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct control_options *o = state->input;
    switch (key) {
    case KEY_HALT:
        parse_halt(state, arg, o);
        return 0;
    case KEY_TIMEOUT:
        parse_timeout(state, arg, o);
        return 0;
    case KEY_DELAY:
        parse_delay(state, arg, o);
        return 0;
    case KEY_MEMFREE:
        parse_memory(state, arg, o);
        return 0;
    case KEY_LOAD:
        parse_load(state, arg, o);
        return 0;
    case KEY_NOSWAP:
        o->noswap = true;
        return 0;
    default:
        return parse_progress(key, o);
    }
}

const struct argp control_options_argp = {.options = options, .parser = parse};
