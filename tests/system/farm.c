/* farm.c - the farm, by real processes: one program, many scenarios
 *
 *     farm SCENARIO [OPTION...]     under a launcher, or alone
 *
 *     in-rank     functions run in the ranks themselves
 *     works       rank 0 runs tasks too
 *     slots=N     so many at once at each rank
 *
 * Rank 0 judges: it exits with 0, or says what was wrong and exits with 1.
 */
#include <fcntl.h>
#include <limits.h>
#include <rota.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what)                                                                    \
    do {                                                                               \
        if (!(what))                                                                   \
            fail(__LINE__, #what);                                                     \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rota_farm *farm;
static struct rota_farm_options options;
static pid_t rank_pid; /* known to the functions too, wherever they run */
static const char *scenario;

static _Noreturn void fail(int line, const char *what)
{
    fprintf(stderr, "farm: %s: line %d: not so: %s\n", scenario, line, what);
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void rest(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L},
              NULL);
}

/* ---- functions --------------------------------------------------------------- */

static uint64_t number_of(const struct rota_task *t)
{
    size_t size;
    uint64_t n;
    const void *data = rota_task_data(t, &size);
    if (size != sizeof(n))
        abort();
    memcpy(&n, data, sizeof(n));
    return n;
}

static int square(struct rota_task *t, void *context)
{
    (void)context;
    uint64_t n = number_of(t);
    n *= n;
    return rota_task_return(t, &n, sizeof(n));
}

/* All but every hundredth, which is left to square(). */
static size_t square_many(const struct rota_alike *tasks, void *context)
{
    (void)context;
    uint64_t *values = tasks->values;
    for (size_t i = 0; i < tasks->count; i++) {
        uint64_t n = *(const uint64_t *)rota_alike_data(tasks, i);
        if (tasks->size_bytes != sizeof(n) || n % 100 == 99)
            return i;
        values[i] = n * n;
    }
    return tasks->count;
}

static int echo(struct rota_task *t, void *context)
{
    (void)context;
    size_t size;
    const void *data = rota_task_data(t, &size);
    return rota_task_return(t, data, size);
}

/* Sleeps so many milliseconds. */
static int doze(struct rota_task *t, void *context)
{
    (void)context;
    rest((int64_t)number_of(t));
    return 0;
}

static int crash(struct rota_task *t, void *context)
{
    (void)t;
    (void)context;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int quit(struct rota_task *t, void *context)
{
    (void)context;
    exit((int)number_of(t));
}

static int refuse(struct rota_task *t, void *context)
{
    (void)context;
    return rota_task_fail(t, "%d is unlucky", (int)number_of(t));
}

static int hang(struct rota_task *t, void *context)
{
    (void)t;
    (void)context;
    while (true)
        pause();
    return 0;
}

/* Succeeds at the attempt that it is told. */
static int stubborn(struct rota_task *t, void *context)
{
    (void)context;
    if ((uint64_t)rota_task_attempt(t) < number_of(t))
        return rota_task_fail(t, "not yet");
    int attempt = rota_task_attempt(t);
    return rota_task_return(t, &attempt, sizeof(attempt));
}

static int kill_rank(struct rota_task *t, void *context)
{
    (void)t;
    (void)context;
    kill(rank_pid, SIGKILL);
    while (true)
        pause();
    return 0;
}

/* Kills its rank at the first attempt only. */
static int kill_once(struct rota_task *t, void *context)
{
    if (rota_task_attempt(t) == 1)
        return kill_rank(t, context);
    return square(t, context);
}

/* What has the isolated children is gone. */
static int kill_nursery(struct rota_task *t, void *context)
{
    (void)t;
    (void)context;
    kill(getppid(), SIGKILL);
    while (true)
        pause();
    return 0;
}

static const char *mark_of_stop(char path[PATH_MAX])
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_MAX, "%s/rota-stopped", folder != NULL ? folder : "/tmp");
    return path;
}

/* Once, not at each first attempt: that of a rank which stops before it has said that
 * it began is not one to the manager. */
static int stop_rank(struct rota_task *t, void *context)
{
    char path[PATH_MAX];
    int mark = open(mark_of_stop(path), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (mark >= 0) {
        close(mark);
        kill(rank_pid, SIGSTOP);
    }
    rest(20);
    return square(t, context);
}

static int pid(struct rota_task *t, void *context)
{
    (void)context;
    rest(5);
    return rota_task_return(t, &rank_pid, sizeof(rank_pid));
}

/* A node of a binary tree of so many levels: submits its children. */
static int branch(struct rota_task *t, void *context)
{
    (void)context;
    uint64_t level = number_of(t);
    uint64_t below = level - 1;
    struct rota_spec child = {.function = "branch",
                              .data = &below,
                              .size_bytes = sizeof(below),
                              .tag = below};
    for (int i = 0; i < 2 && level > 0; i++) {
        if (rota_task_submit(t, &child) != 0)
            return rota_task_fail(t, "cannot submit");
    }
    return rota_task_return(t, &level, sizeof(level));
}

static const struct rota_function functions[] = {
    {.name = "square",
     .run = square,
     .run_alike = square_many,
     .value_bytes = sizeof(uint64_t)},
    {.name = "echo", .run = echo},
    {.name = "doze", .run = doze},
    {.name = "crash", .run = crash},
    {.name = "quit", .run = quit},
    {.name = "refuse", .run = refuse},
    {.name = "hang", .run = hang},
    {.name = "stubborn", .run = stubborn},
    {.name = "kill_rank", .run = kill_rank},
    {.name = "kill_once", .run = kill_once},
    {.name = "stop_rank", .run = stop_rank},
    {.name = "pid", .run = pid},
    {.name = "branch", .run = branch},
    {.name = "kill_nursery", .run = kill_nursery},
};

/* ---- small helpers ----------------------------------------------------------- */

static uint64_t submit(const char *function, uint64_t n, struct rota_spec spec)
{
    uint64_t task;
    spec.function = function;
    spec.data = &n;
    spec.size_bytes = sizeof(n);
    CHECK(rota_submit(farm, &spec, &task) == 0);
    return task;
}

static uint64_t submit_plain(const char *function, uint64_t n)
{
    return submit(function, n, (struct rota_spec){0});
}

static struct rota_result next(void)
{
    struct rota_result result;
    CHECK(rota_next(farm, 60000, &result) == 0);
    return result;
}

static void check_over(void)
{
    struct rota_result result;
    CHECK(rota_next(farm, ROTA_FOREVER, &result) == ROTA_E_END);
}

static uint64_t number_in(const struct rota_result *r)
{
    uint64_t n;
    if (r->outcome != ROTA_DONE)
        fprintf(stderr, "farm: task %llu: outcome %d, code %d\n",
                (unsigned long long)r->task, r->outcome, r->code);
    CHECK(r->outcome == ROTA_DONE && r->size_bytes == sizeof(n));
    memcpy(&n, r->data, sizeof(n));
    return n;
}

/* Take `count` results of squares of 0 to count - 1, tasks `first` on: each once. */
static void take_squares(uint64_t first, uint64_t count)
{
    bool *seen = calloc(count, sizeof(*seen));
    CHECK(seen != NULL);
    for (uint64_t i = 0; i < count; i++) {
        struct rota_result r = next();
        CHECK(r.task >= first && r.task < first + count && !seen[r.task - first]);
        CHECK(number_in(&r) == (r.task - first) * (r.task - first));
        seen[r.task - first] = true;
    }
    free(seen);
}

static struct rota_stats stats(void)
{
    struct rota_stats s;
    rota_farm_stats(farm, &s);
    return s;
}

/* So many workers were lost. An isolated task may have begun before its rank had told
 * the results of the batch before it: then the manager, for whom it has not begun, has
 * it begun once more. */
static void check_lost(int count)
{
    int most = options.in_rank ? count : 2 * count;
    CHECK(stats().lost >= count && stats().lost <= most);
}

/* ---- scenarios --------------------------------------------------------------- */

static bool generate_squares(void *context, struct rota_spec *spec)
{
    static uint64_t n;
    const uint64_t *count = context;
    static uint64_t payload;
    if (n == *count)
        return false;
    payload = n++;
    spec->data = &payload;
    spec->size_bytes = sizeof(payload);
    return true;
}

static void many(void)
{
    static uint64_t count = 300000;
    CHECK(rota_generate(farm, generate_squares, &count) == 0);
    CHECK(rota_generate(farm, generate_squares, &count) == ROTA_E_STATE);
    take_squares(0, count);
    check_over();
    struct rota_stats s = stats();
    CHECK(s.submitted == count && s.ended[ROTA_DONE] == count && s.lent == 0);
    for (uint64_t i = 0; i < 1000; i++) /* and again, by hand */
        CHECK(submit_plain("square", i) == count + i);
    take_squares(count, 1000);
    check_over();
}

static void order(void)
{
    for (uint64_t i = 0; i < 3000; i++)
        submit_plain(i % 100 == 0 ? "doze" : "square", i % 100 == 0 ? 3 : i);
    for (uint64_t i = 0; i < 3000; i++) {
        struct rota_result r = next();
        CHECK(r.task == i && r.outcome == ROTA_DONE);
        CHECK(i % 100 == 0 || number_in(&r) == i * i);
    }
    check_over();
}

static void sizes(void)
{
    const size_t bytes[] = {0, 1, 7, 8, 4095, 4096, 65536, 1000003, 20000003};
    for (size_t i = 0; i < COUNT(bytes); i++) {
        unsigned char *data = malloc(bytes[i] + 1);
        CHECK(data != NULL);
        for (size_t k = 0; k < bytes[i]; k++)
            data[k] = (unsigned char)(k * 7 + i);
        struct rota_spec s = {.function = "echo", .data = data, .size_bytes = bytes[i]};
        for (int copy = 0; copy < 3; copy++)
            CHECK(rota_submit(farm, &s, NULL) == 0);
        free(data);
    }
    for (size_t n = 0; n < 3 * COUNT(bytes); n++) {
        struct rota_result r = next();
        size_t i = r.task / 3;
        CHECK(r.outcome == ROTA_DONE && r.size_bytes == bytes[i]);
        const unsigned char *data = r.data;
        for (size_t k = 0; k < bytes[i]; k++)
            CHECK(data[k] == (unsigned char)(k * 7 + i));
        CHECK(data[bytes[i]] == 0);
    }
    check_over();
}

/* Whatever a function does, the result says it, and its neighbours are not touched. */
static void reasons(void)
{
    struct rota_spec limited = {.time_limit_ms = 200, .tag = 77};
    for (uint64_t i = 0; i < 100; i++)
        submit_plain("square", i);
    uint64_t first = submit_plain("crash", 0);
    submit_plain("quit", 3);
    submit_plain("quit", 0);
    submit_plain("refuse", 13);
    submit("hang", 0, limited);
    submit("crash", 0, (struct rota_spec){.retries = 2});
    submit("stubborn", 3, (struct rota_spec){.retries = 5});
    submit("stubborn", 9, (struct rota_spec){.retries = 1});
    const struct {
        enum rota_outcome outcome;
        int code;
        int attempts;
    } expected[] = {
        {ROTA_CRASHED, SIGSEGV, 1}, {ROTA_QUIT, 3, 1},     {ROTA_QUIT, 0, 1},
        {ROTA_FAILED, -1, 1},       {ROTA_OVERTIME, 0, 1}, {ROTA_CRASHED, SIGSEGV, 3},
        {ROTA_DONE, 0, 3},          {ROTA_FAILED, -1, 2},
    };
    for (uint64_t i = 0; i < 100 + COUNT(expected); i++) {
        struct rota_result r = next();
        if (r.task < first) {
            CHECK(number_in(&r) == r.task * r.task);
            continue;
        }
        size_t at = r.task - first;
        CHECK(r.outcome == expected[at].outcome);
        CHECK(r.code == expected[at].code);
        CHECK(r.attempts == expected[at].attempts);
        CHECK(r.tag == (at == 4 ? 77 : 0));
        CHECK(at != 3 || strcmp(r.data, "13 is unlucky") == 0);
        CHECK(at != 4 || (r.took_ns > 150000000 && r.took_ns < 20000000000));
    }
    check_over();
    CHECK(stats().lost == 0);
}

/* In the rank itself, time costs the rank, and no more than the rank. */
static void overtime(void)
{
    submit("hang", 0, (struct rota_spec){.time_limit_ms = 200});
    for (uint64_t i = 0; i < 100; i++)
        submit("doze", 1, (struct rota_spec){.time_limit_ms = 20000});
    for (uint64_t i = 0; i < 101; i++) {
        struct rota_result r = next();
        CHECK(r.outcome == (r.task == 0 ? ROTA_OVERTIME : ROTA_DONE));
    }
    check_over();
    CHECK(stats().lost == 1);
}

static void lost(void)
{
    for (uint64_t i = 0; i < 2000; i++)
        submit_plain(i == 300 || i == 900 ? "kill_once" : "square", i);
    take_squares(0, 2000);
    check_over();
    check_lost(2);
    CHECK(stats().again > 0);
}

static void poison(void)
{
    for (uint64_t i = 0; i < 3000; i++)
        submit_plain(i == 500 ? "kill_rank" : "square", i);
    for (uint64_t i = 0; i < 3000; i++) {
        struct rota_result r = next();
        if (r.task != 500) {
            CHECK(number_in(&r) == r.task * r.task);
            continue;
        }
        /* One more where a neighbour had to be excluded first. */
        CHECK(r.outcome == ROTA_POISON && r.code >= 3 && r.code <= 4);
        CHECK(r.attempts == r.code);
    }
    check_over();
    check_lost(3);
}

/* What a stopped rank has goes elsewhere before the rank is given up; and when it goes
 * on, it goes home as the others do. */
static void frozen(void)
{
    int workers = rota_farm_size(farm) - 1;
    pid_t *pids = calloc((size_t)workers, sizeof(*pids));
    CHECK(pids != NULL);
    for (int i = 0; i < workers; i++)
        submit("pid", 0, (struct rota_spec){.near = ROTA_NEAR(1 + i)});
    for (int i = 0; i < workers; i++) {
        struct rota_result r = next();
        CHECK(r.outcome == ROTA_DONE && r.size_bytes == sizeof(pid_t));
        memcpy(&pids[r.task], r.data, sizeof(pid_t));
    }
    int64_t begun = now_ms();
    for (uint64_t i = 0; i < 1000; i++)
        submit_plain(i == 100 ? "stop_rank" : "square", i);
    take_squares((uint64_t)workers, 1000);
    check_over();
    CHECK(now_ms() - begun < 20000);
    CHECK(stats().lost == 0);
    char path[PATH_MAX];
    CHECK(unlink(mark_of_stop(path)) == 0);
    for (int i = 0; i < workers; i++)
        CHECK(kill(pids[i], SIGCONT) == 0);
    free(pids);
}

static void all_lost(void)
{
    for (int i = 0; i < 50; i++)
        submit_plain(i < 12 ? "kill_rank" : "doze", 50);
    int untried = 0;
    for (int i = 0; i < 50; i++) {
        struct rota_result r = next();
        untried += r.outcome == ROTA_UNTRIED;
    }
    check_over();
    CHECK(untried > 0);
}

static void tree(void)
{
    enum {
        LEVELS = 12,
    };
    uint64_t seen[LEVELS + 1] = {0};
    submit_plain("branch", LEVELS);
    for (uint64_t i = 0; i < (1 << (LEVELS + 1)) - 1; i++) {
        struct rota_result r = next();
        uint64_t level = number_in(&r);
        CHECK(level <= LEVELS && r.tag == (level == LEVELS ? 0 : level));
        seen[level]++;
    }
    check_over();
    for (int i = 0; i <= LEVELS; i++)
        CHECK(seen[LEVELS - i] == (uint64_t)1 << i);
}

static void cancel(void)
{
    uint64_t running = submit_plain("doze", 300000);
    for (uint64_t i = 0; i < 5; i++)
        submit_plain("doze", 300000);
    struct rota_result r;
    CHECK(rota_next(farm, 300, &r) == ROTA_E_TIMEOUT);
    for (uint64_t i = 0; i < 6; i++)
        CHECK(rota_cancel(farm, running + 5 - i) == 0);
    CHECK(rota_cancel(farm, running) == ROTA_E_NOTFOUND);
    CHECK(rota_cancel(farm, 99) == ROTA_E_NOTFOUND);
    for (uint64_t i = 0; i < 6; i++)
        CHECK(next().outcome == ROTA_CANCELLED);
    check_over();
    if (options.in_rank)
        return; /* who sleeps in its rank can't be woken */
    for (uint64_t i = 0; i < 10; i++)
        submit_plain("square", i);
    take_squares(running + 6, 10);
}

static void priority(void)
{
    struct rota_result r;
    for (int i = 0; i < 20; i++)
        submit("doze", 30, (struct rota_spec){.priority = i % 3 - 1, .tag = 1});
    uint64_t urgent = submit("doze", 30, (struct rota_spec){.priority = 1000});
    for (int i = 0; i < 10; i++) {
        r = next();
        if (r.task == urgent)
            break;
    }
    CHECK(r.task == urgent);
    for (int i = 0; rota_next(farm, 60000, &r) == 0; i++)
        CHECK(i < 20);
}

static void near(void)
{
    int size = rota_farm_size(farm);
    for (int i = 0; i < 40; i++)
        submit("pid", 0, (struct rota_spec){.near = ROTA_NEAR(1 + i % (size - 1))});
    for (int i = 0; i < 40; i++) {
        struct rota_result r = next();
        CHECK(r.outcome == ROTA_DONE && r.worker == 1 + (int)r.task % (size - 1));
    }
    check_over();
}

static void early(void)
{
    for (int i = 0; i < 100; i++)
        submit_plain("doze", 2500);
    struct rota_result r;
    CHECK(rota_next(farm, 200, &r) == ROTA_E_TIMEOUT);
    /* and leaves: the workers go home */
}

/* Leaves, while a function in another rank does not return. */
static void endless(void)
{
    struct rota_result r;
    submit_plain("hang", 0);
    CHECK(rota_next(farm, 200, &r) == ROTA_E_TIMEOUT);
}

static void headless(void)
{
    for (int i = 0; i < 100; i++)
        submit_plain("doze", 50);
    next();
    raise(SIGKILL);
}

static void check_odd_values(void)
{
    struct rota_function odd = functions[0];
    struct rota_farm_options o = {.functions = &odd, .count = 1};
    struct rota_farm *none = NULL;
    struct rota_error err = {0};
    odd.value_bytes = 12;
    CHECK(rota_farm_open(&o, &none, &err) == ROTA_E_ARG);
    CHECK(none == NULL && strstr(err.text, "'square' are of 12 bytes") != NULL);
}

static void arguments(void)
{
    struct rota_spec s = {.function = "no such"};
    struct rota_result r;
    check_odd_values();
    CHECK(rota_submit(farm, &s, NULL) == ROTA_E_NOTFOUND);
    CHECK(rota_submit(farm, NULL, NULL) == ROTA_E_ARG);
    CHECK(rota_submit(NULL, &s, NULL) == ROTA_E_ARG);
    s = (struct rota_spec){.retries = -1};
    CHECK(rota_submit(farm, &s, NULL) == ROTA_E_ARG);
    s = (struct rota_spec){.near = ROTA_NEAR(1000)};
    CHECK(rota_submit(farm, &s, NULL) == ROTA_E_ARG);
    s = (struct rota_spec){.size_bytes = 5};
    CHECK(rota_submit(farm, &s, NULL) == ROTA_E_ARG);
    CHECK(rota_next(farm, ROTA_FOREVER, &r) == ROTA_E_END);
    CHECK(rota_next(farm, -2, &r) == ROTA_E_ARG);
    CHECK(rota_next(farm, 0, NULL) == ROTA_E_ARG);
    CHECK(rota_farm_work(farm, NULL) == ROTA_E_STATE);
    struct rota_spec some[] = {{0}, {.function = "refuse"}, {.function = "no such"}};
    size_t submitted = 9;
    uint64_t n = 0;
    for (int i = 0; i < 3; i++) {
        some[i].data = &n;
        some[i].size_bytes = sizeof(n);
    }
    CHECK(rota_submit_many(farm, some, 3, &submitted) == ROTA_E_NOTFOUND);
    CHECK(submitted == 2);
    next();
    next();
    check_over();
}

/* Rank 1 has registered other functions: it is sent home, and the others do it all. */
static void strangers(void)
{
    for (uint64_t i = 0; i < 100; i++)
        submit_plain("square", i);
    take_squares(0, 100);
    check_over();
}

/* Alone: the one worker cannot go on, and says so for what is left. */
static void orphaned(void)
{
    for (uint64_t i = 0; i < 100; i++)
        submit_plain("square", i);
    take_squares(0, 100);
    submit_plain("kill_nursery", 0);
    for (uint64_t i = 0; i < 50; i++)
        submit_plain("square", i);
    for (int i = 0; i < 51; i++)
        CHECK(next().outcome == ROTA_UNTRIED);
    check_over();
}

/* Rank 1 cannot begin: nobody waits for it, and the run ends with its status. */
static void unable(void)
{
    fail(__LINE__, "a run without rank 1 is none");
}

static const struct {
    const char *name;
    void (*run)(void);
    int worker_status; /* of a worker that goes home */
} scenarios[] = {
    {"many", many, 0},           {"order", order, 0},         {"sizes", sizes, 0},
    {"reasons", reasons, 0},     {"overtime", overtime, 0},   {"lost", lost, 0},
    {"poison", poison, 0},       {"frozen", frozen, 0},       {"all_lost", all_lost, 0},
    {"tree", tree, 0},           {"cancel", cancel, 0},       {"priority", priority, 0},
    {"near", near, 0},           {"early", early, 0},         {"headless", headless, 1},
    {"arguments", arguments, 0}, {"strangers", strangers, 0}, {"unable", unable, 0},
    {"orphaned", orphaned, 0},   {"endless", endless, 0},
};

static void read_option(const char *word)
{
    if (strcmp(word, "in-rank") == 0)
        options.in_rank = true;
    else if (strcmp(word, "works") == 0)
        options.manager_works = true;
    else if (strncmp(word, "slots=", 6) == 0)
        options.slots = atoi(word + 6);
    else
        fail(__LINE__, "a known option");
}

/* A worker: it ends as the scenario says it should. */
static int go_to_work(int expected)
{
    struct rota_error err = {0};
    bool stranger = strcmp(scenario, "strangers") == 0 && rota_farm_rank(farm) == 1;
    int rc = rota_farm_work(farm, &err);
    int wanted = stranger ? ROTA_E_STATE : expected ? ROTA_E_LOST : 0;
    if (rc != wanted)
        fprintf(stderr, "farm: rank %d: %d instead of %d: %s\n", rota_farm_rank(farm),
                rc, wanted, err.text);
    rota_farm_close(farm);
    return rc == wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct rota_error err;
    size_t which = 0;
    rank_pid = getpid();
    scenario = argc > 1 ? argv[1] : "";
    while (which < COUNT(scenarios) && strcmp(scenario, scenarios[which].name) != 0)
        which++;
    CHECK(which < COUNT(scenarios));
    for (int i = 2; i < argc; i++)
        read_option(argv[i]);
    options.functions = functions;
    options.count = COUNT(functions);
    options.in_order = strcmp(scenario, "order") == 0;
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (rank == NULL)
        rank = getenv("PMI_RANK");
    if (strcmp(scenario, "strangers") == 0 && rank != NULL && strcmp(rank, "1") == 0)
        options.count--;
    if (strcmp(scenario, "unable") == 0 && rank != NULL && strcmp(rank, "1") == 0)
        options.slots = 1 << 20; /* more than there can be, which is known before MPI */
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm: %s: %s\n", scenario, err.text);
        return 3;
    }
    if (rota_farm_rank(farm) != 0)
        return go_to_work(scenarios[which].worker_status);
    scenarios[which].run();
    rota_farm_close(farm);
    CHECK(rota_farm_open(&options, &farm, &err) == ROTA_E_STATE); /* once and for all */
    return 0;
}
