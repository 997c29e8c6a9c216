/* run_file.h - what the tests of the run file have in common: a folder, and records */
#ifndef ROTA_TESTS_RUN_FILE_H
#define ROTA_TESTS_RUN_FILE_H

#include <stdint.h>

#include "store/store.h"

/* A folder of its own for each test, for cmocka's setup and teardown. */
int run_file_setup(void **state);
int run_file_teardown(void **state);

/* The path of a file in that folder: static. */
const char *run_file_path(const char *name);

extern const struct store_start run_file_start;

/* These assert that they succeed. */
struct store *run_file_create(const char *path);
struct store *run_file_resume(const char *path);
void run_file_add_tasks(struct store *s, int count); /* "argument 1", ... */
void run_file_add_done(struct store *s, uint64_t task, const char *out);

/* Whether SQLite finds the file sound; how many rows has a table. */
void run_file_assert_sound(const char *path);
int64_t run_file_count(const char *path, const char *sql);

#endif
