/* guard_options.h - the words by which a program is watched, for argp */
#ifndef ROTA_CLI_GUARD_OPTIONS_H
#define ROTA_CLI_GUARD_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

enum on_hang {
    ON_HANG_KILL,
    ON_HANG_REPORT,
    ON_HANG_STACKS,
    ON_HANG_CORE,
};

struct guard_options {
    bool given; /* any of them */
    enum on_hang on_hang;
    int64_t timeout_ns; /* 0: none */
    int64_t grace_ns;   /* below 0: none */
    int64_t quiet_ns;   /* 0: never */
    bool verbose;
    bool json;          /* in the words' place */
    const char *report; /* files; or NULL */
    const char *html;
    const char *dot;
};

/* What they are where nothing is said. */
void guard_options_init(struct guard_options *o);

/* A child parser; its input is a struct guard_options. */
extern const struct argp guard_options_argp;

#endif
