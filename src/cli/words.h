/* words.h - a command line, with more options in it */
#ifndef ROTA_CLI_WORDS_H
#define ROTA_CLI_WORDS_H

/* A copy of `words`, with `more` in it behind the first `at`: one block, NULL at its
 * end, to be freed. NULL without memory. */
char **words_insert(char *const *words, int count, int at, char *const *more,
                    int more_count);

/* How many there are up to NULL. */
int words_count(char *const *words);

#endif
