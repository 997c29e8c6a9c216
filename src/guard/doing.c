/* doing.c - what ranks are doing, those that do the same in one line */
#include "guard/doing.h"

#include "guard/sayings.h"
#include "guard/words.h"

static const char *const verbs[][2] = {
    [LOOK_UNSEEN] = {"has ", "have "},
    [LOOK_RUNNING] = {"runs ", "run "},
    [LOOK_BLOCKED] = {"is ", "are "},
    [LOOK_POLLING] = {"polls ", "poll "},
};

static const char *verb(const struct look_rank *r, bool many)
{
    return r->state < LOOK_FINALIZING ? verbs[r->state][many] : words_end_verb(r, many);
}

static void say_site(FILE *to, const struct look_rank *r)
{
    if (!words_has_site(&r->site))
        return;
    fputs(" at ", to);
    words_site(to, &r->site);
}

/* " (for a message from rank 1 with tag 0)": of several the first. */
static void say_awaited(FILE *to, const struct look *l, const struct look_rank *r)
{
    for (size_t i = 0; i < r->op_count; i++) {
        bool says_nothing =
            r->ops[i].kind == LOOK_FREE && words_is_the_call(r, &r->ops[i]);
        if (!r->ops[i].awaited || r->ops[i].kind == LOOK_COLLECTIVE || says_nothing)
            continue;
        fputs(", for ", to);
        words_operation(to, l, &r->ops[i]);
        return;
    }
}

static void say_rank(FILE *to, const struct look *l, const struct look_rank *r)
{
    switch (r->state) {
    case LOOK_UNSEEN:
        fputs("not answered", to);
        break;
    case LOOK_RUNNING:
        fputs("outside of MPI", to);
        if (r->call != NULL)
            fprintf(to, ", after %s,", r->call);
        say_site(to, r);
        break;
    case LOOK_BLOCKED:
    case LOOK_POLLING:
        fprintf(to, "%s %s", r->state == LOOK_BLOCKED ? "in" : "by",
                r->call != NULL ? r->call : "MPI");
        say_site(to, r);
        say_awaited(to, l, r);
        break;
    default:
        words_end(to, r);
    }
}

int doing_text(FILE *to, const struct look *l, const bool *wanted, size_t most)
{
    struct sayings s;
    sayings_init(&s);
    for (int i = 0; i < l->size; i++) {
        const struct look_rank *r = &l->ranks[i];
        if (wanted != NULL && !wanted[i])
            continue;
        FILE *one = sayings_begin(&s, verb(r, false), verb(r, true));
        if (one == NULL)
            break;
        say_rank(one, l, r);
        bool since = r->state > LOOK_UNSEEN && r->state < LOOK_FINALIZING;
        sayings_end(&s, i, since ? l->now_ns - r->since_ns : -1);
    }
    int rc = sayings_write(&s, to, most);
    sayings_done(&s);
    return rc;
}
