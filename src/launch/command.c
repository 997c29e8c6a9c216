/* command.c - which launcher it is, and the command line that it wants
 *
 * Survivors live on because each rank has a parent (liveness), not because of the
 * launcher; its flags only must not work against that. Why these:
 *
 * Open MPI 4   Not --enable-recovery: with it mpiexec ends with 0 whatever the
 *              program's status was, and prints PMIX ERROR lines at the end (4.1.4).
 *              --bind-to none: several runs on one machine would else share their
 *              first cores, and a farm's rank has work for more than one; not where
 *              the program is to run as it does without us.
 *              --oversubscribe: any number of ranks on this machine; hosts that were
 *              named have the slots that they were named with.
 *              --quiet: no paragraphs of advice when the program's exit status is
 *              not 0, which is the program's own business. It also hides what is
 *              wrong with the hosts, so it goes where none were named.
 * PRRTE        the same in Open MPI 5's words.
 * MPICH        -disable-auto-cleanup: a rank that ends with another status than 0
 *              does not have the others killed at once. Hydra then sends SIGUSR1 to
 *              what it started, which the parents must ignore.
 * srun         as little killing as it can be asked for. --input=0: what comes on
 *              standard input is rank 0's, as with the others. --disable-status:
 *              Ctrl-C is passed on, and not answered with a report. Which PMI:
 *              what the MPI wants (slurm.h), unless SLURM_MPI_TYPE says.
 *              The step has all of the allocation's CPUs on each node, and no rank is
 *              bound to a few of them; --overcommit, as with a rank a node there is one
 *              more than some allocations have CPUs.
 *
 * A rank a node: ranks are dealt out in turn, so that rank 0 is on the first node, the
 * next ones are on the others, and the last is again where rank 0 is. Which one is the
 * first is the launcher's to say: Open MPI begins with its own.
 */
#include "launch/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    FLAGS = 4,
    ROOM = 24, /* words besides the program's */
};

struct dialect {
    const char *always[FLAGS];
    const char *unbound[FLAGS];   /* unless spec->bound */
    const char *each_host[FLAGS]; /* a rank a node, in turn, with spec->nodes */
    const char *each_count;       /* what a host must be able to take for that */
    const char *without_hosts[FLAGS];
    const char *hosts;
    const char *hostfile;
};

static const struct dialect dialects[] = {
    [COMMAND_UNKNOWN] = {.hosts = NULL},
    [COMMAND_OPENMPI] = {.unbound = {"--bind-to", "none"},
                         .without_hosts = {"--oversubscribe", "--quiet"},
                         .each_host = {"--map-by", "node"},
                         .each_count = ":2",
                         .hosts = "--host",
                         .hostfile = "--hostfile"},
    [COMMAND_PRRTE] = {.unbound = {"--bind-to", "none"},
                       .without_hosts = {"--map-by", ":OVERSUBSCRIBE"},
                       .each_host = {"--map-by", "node"},
                       .each_count = ":2",
                       .hosts = "--host",
                       .hostfile = "--hostfile"},
    [COMMAND_HYDRA] = {.always = {"-disable-auto-cleanup"},
                       .each_host = {"-ppn", "1"},
                       .hosts = "-hosts",
                       .hostfile = "-f"},
    [COMMAND_SRUN] = {.always = {"--no-kill", "--kill-on-bad-exit=0", "--input=0",
                                 "--disable-status"},
                      .each_host = {"--distribution=cyclic", "--overcommit",
                                    "--cpu-bind=none"},
                      .hosts = "--nodelist",
                      .hostfile = "--nodelist"},
};

struct words {
    char **list;
    size_t count;
    bool failed; /* out of memory, or was at some word */
};

enum command_family command_family(const char *text)
{
    if (strstr(text, "Intel(R) MPI") != NULL)
        return COMMAND_UNKNOWN; /* a hydra with other options */
    if (strstr(text, "HYDRA") != NULL)
        return COMMAND_HYDRA;
    if (strstr(text, "PRRTE") != NULL || strstr(text, "(Open MPI) 5") != NULL)
        return COMMAND_PRRTE;
    if (strstr(text, "OpenRTE") != NULL || strstr(text, "(Open MPI)") != NULL)
        return COMMAND_OPENMPI;
    if (strncmp(text, "slurm ", 6) == 0 || strncmp(text, "slurm-wlm ", 10) == 0)
        return COMMAND_SRUN;
    return COMMAND_UNKNOWN;
}

/* Takes `word`, which is NULL where there was no memory for it. */
static void add_taken(struct words *w, char *word)
{
    if (word == NULL)
        w->failed = true;
    else
        w->list[w->count++] = word;
}

static void add(struct words *w, const char *word)
{
    add_taken(w, strdup(word));
}

static void add_all(struct words *w, const char *const flags[FLAGS])
{
    for (int i = 0; i < FLAGS && flags[i] != NULL; i++)
        add(w, flags[i]);
}

static void add_number(struct words *w, const char *flag, int number)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", number);
    add(w, flag);
    add(w, text);
}

/* "a:2,b:2" without the counts, which srun does not take. */
static char *names_only(const char *hosts)
{
    char *names = strdup(hosts);
    char *to = names;
    bool counting = false;
    for (const char *from = hosts; names != NULL && *from != '\0'; from++) {
        counting = *from == ':' || (counting && *from != ',');
        if (!counting)
            *to++ = *from;
    }
    if (to != NULL)
        *to = '\0';
    return names;
}

/* srun takes a word with a slash in it for a file of names. */
static char *with_slash(const char *path)
{
    char *text = NULL;
    if (strchr(path, '/') != NULL)
        return strdup(path);
    return asprintf(&text, "./%s", path) < 0 ? NULL : text;
}

/* "a,b" with `count` behind each. */
static char *with_counts(const char *hosts, const char *count)
{
    size_t names = 1;
    for (const char *at = hosts; *at != '\0'; at++)
        names += *at == ',';
    char *text = malloc(strlen(hosts) + names * strlen(count) + 1);
    char *to = text;
    for (const char *from = hosts; text != NULL; from++) {
        if (*from == ',' || *from == '\0')
            to = stpcpy(to, count);
        *to++ = *from;
        if (*from == '\0')
            break;
    }
    return text;
}

static char *hosts_text(const struct launch_spec *spec, enum command_family family)
{
    const char *count = dialects[family].each_count;
    if (family == COMMAND_SRUN)
        return names_only(spec->hosts);
    if (spec->nodes > 0 && count != NULL)
        return with_counts(spec->hosts, count);
    return strdup(spec->hosts);
}

static void add_hosts(struct words *w, const struct launch_spec *spec,
                      enum command_family family)
{
    const struct dialect *d = &dialects[family];
    bool srun = family == COMMAND_SRUN;
    if (spec->nodes > 0)
        add_all(w, d->each_host);
    if (spec->hosts == NULL && spec->hostfile == NULL)
        add_all(w, d->without_hosts);
    if (spec->hosts != NULL) {
        add(w, d->hosts);
        add_taken(w, hosts_text(spec, family));
    }
    if (spec->hostfile != NULL) {
        add(w, d->hostfile);
        add_taken(w, srun ? with_slash(spec->hostfile) : strdup(spec->hostfile));
    }
}

static void add_srun(struct words *w, const struct launch_spec *spec, const char *mpi)
{
    char text[32];
    if (mpi != NULL) {
        snprintf(text, sizeof(text), "--mpi=%.16s", mpi);
        add(w, text);
    }
    if (spec->nodes > 0) {
        snprintf(text, sizeof(text), "--nodes=%d", spec->nodes);
        add(w, text);
    }
    if (spec->overlap)
        add(w, "--overlap");
}

static int check(const struct launch_spec *spec, enum command_family family,
                 const char *path, struct rota_error *err)
{
    if (spec->ranks < 1)
        return error_set(err, ROTA_E_ARG, "cannot start %d ranks: start 1 or more",
                         spec->ranks);
    if (spec->argv == NULL || spec->argv[0] == NULL || spec->argv[0][0] == '\0')
        return error_set(err, ROTA_E_ARG, "no program to start: name one");
    if (spec->argv[0][0] == '-')
        return error_set(err, ROTA_E_ARG,
                         "cannot start '%s': the launcher would take it for an option; "
                         "name it with its folder, as './%s'",
                         spec->argv[0], spec->argv[0]);
    for (char *const *word = spec->argv; *word != NULL; word++)
        if (strcmp(*word, ":") == 0)
            return error_set(err, ROTA_E_ARG,
                             "cannot pass the argument ':' to '%s': the launcher would "
                             "take it for the start of another program; use a script",
                             spec->argv[0]);
    bool hosts = spec->hosts != NULL || spec->hostfile != NULL;
    if (hosts && dialects[family].hosts == NULL)
        return error_set(err, ROTA_E_ARG,
                         "cannot pass hosts to the launcher '%s': it is none that Rota "
                         "knows (Open MPI, MPICH, srun); choose one with --mpiexec",
                         path);
    if (spec->hosts != NULL && spec->hostfile != NULL)
        return error_set(err, ROTA_E_ARG, "hosts and a host file: give one of them");
    return 0;
}

int command_build(const struct launch_spec *spec, enum command_family family,
                  const char *path, const char *mpi, char ***out,
                  struct rota_error *err)
{
    int rc = check(spec, family, path, err);
    if (rc != 0)
        return rc;

    size_t count = 0;
    while (spec->argv[count] != NULL)
        count++;
    struct words w = {.list = calloc(count + ROOM, sizeof(*w.list))};
    if (w.list == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");

    add(&w, path);
    add_all(&w, dialects[family].always);
    if (!spec->bound)
        add_all(&w, dialects[family].unbound);
    if (family == COMMAND_SRUN)
        add_srun(&w, spec, mpi);
    add_hosts(&w, spec, family);
    add_number(&w, "-n", spec->ranks);
    for (size_t i = 0; i < count; i++)
        add(&w, spec->argv[i]);
    if (w.failed) {
        command_free(w.list);
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
    *out = w.list;
    return 0;
}

void command_free(char **words)
{
    for (char **word = words; word != NULL && *word != NULL; word++)
        free(*word);
    free(words);
}
