/* farm_order.c - results in the order of submission, whoever is ready first
 *
 *     rota exec -n 4 ./farm_order
 *
 * The first word takes longest and the last is ready at once; with in_order the farm
 * keeps what is ready until its turn has come. A tag of the program's own (here a
 * place in its table) comes back with each result.
 */
#include <ctype.h>
#include <rota.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const words[] = {"every",  "wait", "ends,", "with", "a",
                                    "result", "or",   "with",  "a",    "reason"};

enum {
    WORDS = sizeof(words) / sizeof(words[0]),
};

static int shout(struct rota_task *task, void *context)
{
    (void)context;
    char loud[80];
    size_t size;
    const char *word = rota_task_data(task, &size);
    if (size > sizeof(loud))
        return rota_task_fail(task, "%zu bytes are too long for a word", size);
    for (size_t i = 0; i < size; i++)
        loud[i] = (char)toupper((unsigned char)word[i]);
    long ms = 10 * (WORDS - (long)rota_task_id(task));
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
    return rota_task_return(task, loud, size);
}

static int manage(struct rota_farm *farm)
{
    for (size_t i = 0; i < WORDS; i++) {
        struct rota_spec spec = {
            .data = words[i], .size_bytes = strlen(words[i]), .tag = i};
        int rc = rota_submit(farm, &spec, NULL);
        if (rc != 0)
            return rc;
    }

    struct rota_result result;
    int rc;
    while ((rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE) /* a 0 byte stands behind what came back */
            printf("%s -> %s\n", words[result.tag], (const char *)result.data);
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    const struct rota_function functions[] = {{.name = "shout", .run = shout}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_order = true};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_order: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_order: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
