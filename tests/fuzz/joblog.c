/* joblog.c - what --resume reads: cli/past.h
 *
 * What can be read can be read again, with the same outcome, after what was half
 * written has been cut off; commands come by their numbers, each once.
 */
#include "fuzz.h"

#include <unistd.h>

#include "cli/past.h"

/* Read it; returns a sum of all that it says. */
static uint64_t read_log(int fd, enum past_mode mode, int *rc)
{
    char path[64];
    struct past *p;
    struct rota_error err = {0};
    uint64_t sum = 0;
    uint64_t number;
    uint64_t before = 0;
    const char *command;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *rc = past_read(path, mode, &p, &err);
    must(*rc == 0 || *rc == ROTA_E_FORMAT);
    must(*rc == 0 || strstr(err.text, "line ") == err.text);
    if (*rc != 0)
        return 0;
    for (uint64_t i = 0; i < 3000; i++)
        sum += past_has(p, i) ? i + 1 : 0;
    must(past_left(p) == 0 || mode == PAST_RETRY_FAILED);
    while (past_next(p, &number, &command)) {
        must(number > before && !past_has(p, number));
        before = number;
        sum = sum * 31 + number + strlen(command);
    }
    must(past_left(p) == 0);
    past_free(p);
    return sum;
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    enum past_mode mode = (enum past_mode)(PAST_RESUME + fuzz_take8(&b) % 3);
    int fd = fuzz_file(b.at, b.left);
    int rc;
    int rc_again;
    uint64_t sum = read_log(fd, mode, &rc);
    off_t left = lseek(fd, 0, SEEK_END);
    char last = '\n';
    must(left <= (off_t)b.left);
    if (left > 0)
        must(pread(fd, &last, 1, left - 1) == 1);
    must(rc != 0 || last == '\n');
    must(read_log(fd, mode, &rc_again) == sum && rc_again == rc);
    close(fd);
}

static void seed(const char *name, char mode, const char *lines)
{
    char out[1024];
    int n =
        snprintf(out, sizeof(out),
                 "%cSeq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\t"
                 "Command\n%s",
                 mode, lines);
    fuzz_seed(name, out, (size_t)n);
}

void fuzz_seeds(void)
{
    static const char lines[] = "1\t:\t1700000000.123\t     0.010\t0\t5\t0\t0\techo a\n"
                                "3\tnode7\t1700000001.5\t1.5\t0\t0\t1\t0\tfalse 'x y'\n"
                                "2\t:\t1700000002.0\t0.1\t0\t0\t0\t9\tsleep 1\n"
                                "3\t:\t1700000003.0\t0.1\t0\t0\t0\t0\tfalse 'x y'\n";
    seed("resume", 0, lines);
    seed("resume-failed", 1, lines);
    seed("retry-failed", 2, lines);
    seed("half", 0, "1\t:\t1.0\t1.0\t0\t0\t0\t0\techo a\n2\t:\t1.0\t");
    seed("far", 0, "1099511627775\t:\t1.0\t1.0\t0\t0\t0\t0\tfar\n");
    seed("none", 2, "x\ty\n");
}
