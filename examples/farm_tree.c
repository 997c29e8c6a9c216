/* farm_tree.c - tasks that submit tasks: n queens that don't attack each other
 *
 *     rota exec -n 4 ./farm_tree [QUEENS]      counts the ways
 *
 * A task is a board whose first rows are filled. While few are, it submits a task for
 * each way to fill the next row, and has no value of its own; from there on it counts
 * by itself. Nobody knows beforehand how many tasks there will be, and rota_next ends
 * with the last of them. A task that is tried twice submits its children once.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    QUEENS_MAX = 20,
    ROWS_APART = 3, /* rows whose ways are tasks of their own */
};

struct board {
    int queens;
    int rows; /* filled */
    int column[QUEENS_MAX];
};

/* Whether a queen can stand in `column` of the next row. */
static bool is_free(const struct board *b, int column)
{
    for (int row = 0; row < b->rows; row++)
        if (b->column[row] == column || abs(b->column[row] - column) == b->rows - row)
            return false;
    return true;
}

static uint64_t count(struct board *b)
{
    uint64_t ways = b->rows == b->queens;
    for (int column = 0; b->rows < b->queens && column < b->queens; column++)
        if (is_free(b, column)) {
            b->column[b->rows++] = column;
            ways += count(b);
            b->rows--;
        }
    return ways;
}

static int place(struct rota_task *task, void *context)
{
    (void)context;
    struct board b = *(const struct board *)rota_task_data(task, NULL);
    uint64_t ways = b.rows < ROWS_APART ? 0 : count(&b);
    for (int column = 0; b.rows < ROWS_APART && column < b.queens; column++)
        if (is_free(&b, column)) {
            b.column[b.rows++] = column;
            struct rota_spec child = {.data = &b, .size_bytes = sizeof(b)};
            int rc = rota_task_submit(task, &child);
            if (rc != 0)
                return rc; /* the attempt has failed, and submitted nothing */
            b.rows--;
        }
    return rota_task_return(task, &ways, sizeof(ways));
}

static int manage(struct rota_farm *farm, int queens)
{
    struct board b = {.queens = queens};
    struct rota_result result;
    uint64_t ways = 0;
    int rc = rota_submit(farm, &(struct rota_spec){.data = &b, .size_bytes = sizeof(b)},
                         NULL);
    while (rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE)
            ways += *(const uint64_t *)result.data;
    if (rc != ROTA_E_END)
        return rc;
    printf("%d queens can stand in %" PRIu64 " ways\n", queens, ways);
    return 0;
}

int main(int argc, char **argv)
{
    const struct rota_function functions[] = {{.name = "place", .run = place}};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct rota_farm *farm;
    struct rota_error err;
    int queens = argc > 1 ? atoi(argv[1]) : 10;
    if (queens < ROWS_APART || queens > QUEENS_MAX)
        return 2;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_tree: %s\n", err.text);
        return 1;
    }
    int rc =
        rota_farm_rank(farm) == 0 ? manage(farm, queens) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_tree: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
