/* read.h - a run file, for who only looks: also while a run writes to it */
#ifndef ROTA_STORE_READ_H
#define ROTA_STORE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"
#include "store/rows.h"

struct reader;

/* *out is the caller's: reader_close(). Fails with ROTA_E_IO, ROTA_E_FORMAT (no run
 * file, a newer one, or damaged), ROTA_E_TIMEOUT or ROTA_E_NOMEM. */
int reader_open(const char *path, struct reader **out, struct rota_error *err);

void reader_close(struct reader *r);

/* Texts that don't fit are cut. */
struct reader_session {
    int session; /* 1, 2, ... */
    char version[32];
    char host[256];
    int64_t pid;
    int64_t started_ns;
    int64_t ended_ns; /* 0: it goes on, or has died; no status and no `how` then */
    int status;
    char how[256];
};

struct reader_summary {
    char command[1024];
    int64_t created_ns;
    bool listed;  /* `tasks` are all that the list has */
    bool written; /* a run is writing to the file */
    uint64_t tasks;
    uint64_t ended[ROTA_OUTCOMES];
    uint64_t recent; /* that the last session ended after `since_ns` */
    struct reader_session last;
};

/* How the run stands, all of one moment, `written` aside. */
int reader_summarize(struct reader *r, int64_t since_ns, struct reader_summary *out,
                     struct rota_error *err);

/* How the run was begun: in which folder, and with which words, one block each, NULL at
 * the words' end, to be freed. */
int reader_start(struct reader *r, char **folder, char ***words, int *count,
                 struct rota_error *err);

struct reader_worker {
    int rank;
    char host[256];
    int slots;
    int64_t came_ns;
    int64_t went_ns; /* 0: it is there */
    char how[256];
};

/* The workers of a session: *out is one block, to be freed. */
int reader_workers(struct reader *r, int session, struct reader_worker **out,
                   int *count, struct rota_error *err);

struct reader_event {
    int64_t at_ns;
    char what[256];
};

/* The last `most` events, in their order: *out is one block, to be freed. */
int reader_events(struct reader *r, int most, struct reader_event **out, int *count,
                  struct rota_error *err);

/* The tasks: as rows_open. */
int reader_rows(struct reader *r, enum rows_which which, size_t output_max,
                struct rows **out, struct rota_error *err);

/* An outcome's name: "done", "failed", ... Static. */
const char *reader_outcome(enum rota_outcome outcome);

ROTA_AUTO_DEFINE(reader, struct reader *, reader_close);

#endif
