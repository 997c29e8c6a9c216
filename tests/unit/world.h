/* world.h - several exchanges in one process, over the transport's scripted twin
 *
 * Each has a board on which the test plays the parent. The clock is the machine's,
 * with what the test has added: half a second of grace passes without a sleep. Memory
 * is refused when the test says so. Both want the linker's --wrap (CMakeLists.txt).
 */
#ifndef ROTA_TESTS_WORLD_H
#define ROTA_TESTS_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "liveness/board.h"
#include "message/exchange.h"
#include "scripted_transport.h"

enum {
    RANKS = 3,
    NO_TAG = 1 << 30, /* a tag that nobody sends */
};

extern int64_t added_ns; /* to the time */
extern int64_t tick_ns;  /* to that, at each look at the clock */
extern long fail_at;     /* the how many-th allocation from here fails; 0: none */

struct world {
    struct wire wire;
    struct board *boards[RANKS];
    struct exchange *x[RANKS];
};

void world_open(struct world *w);
void world_close(struct world *w);

/* The same as a test's setup and teardown: *state is the world. */
int open_world(void **state);
int close_world(void **state);
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

/* Have `rank` take what has come, and keep it. */
int take_in(struct world *w, int rank);

/* What the others do while one waits: they take in what has come. For wire.idle; and
 * have them do so. */
void others_take_in(void *arg, int rank);
void let_others_run(struct world *w);

/* `rank` looks for messages all the while that `ns` pass. */
void look_for(struct world *w, int rank, int64_t ns);

/* The parent of `rank` says that `peer` ended, having sent `due` frames. */
void tell(struct world *w, int rank, int peer, uint64_t due);

/* How many frames the board of `from` counts to `to`. */
uint64_t sent(const struct world *w, int from, int to);

/* Send a message of `size` bytes that are known by `seed`; check that one is such, and
 * free it. */
int send_pattern(struct world *w, int from, int to, int tag, size_t size,
                 unsigned seed);
void check_pattern(struct rota_message *m, size_t size, unsigned seed);

int receive_now(struct world *w, int rank, int source, int tag, struct rota_message *m);
/* As receive_now, where the message is of no interest. */
int outcome(struct world *w, int rank, int source);

#endif
