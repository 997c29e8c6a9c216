/* run_dir.c - a folder for all run files: ROTA_RUN_DIR */
#include "cli/run_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

enum {
    COMMAND_SHOWN = 40, /* bytes of a command in a name */
    STAMP = 31,         /* bytes of a time, at most */
};

static const char ending[] = ".db";

static const char *folder(void)
{
    const char *dir = getenv("ROTA_RUN_DIR");
    return dir != NULL && dir[0] != '\0' ? dir : NULL;
}

bool run_dir_is_set(void)
{
    return folder() != NULL;
}

/* What of a command's name can stand in any file's name. */
static void put_command(const char *command, char out[COMMAND_SHOWN + 1])
{
    static const char whole[] = "commands";
    size_t n = 0;
    const char *slash = strchr(command ? command : whole, ' ') == NULL
                            ? strrchr(command ? command : whole, '/')
                            : NULL;
    const char *from = slash ? slash + 1 : command ? command : whole;
    for (; *from != '\0' && !isspace((unsigned char)*from) && n < COMMAND_SHOWN; from++)
        out[n++] =
            (char)(isalnum((unsigned char)*from) || strchr("._-", *from) ? *from : '-');
    out[n] = '\0';
}

static void put_stamp(int64_t at_ns, char out[STAMP + 1])
{
    time_t seconds = (time_t)(at_ns / NS_PER_SEC);
    char text[32];
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(text, sizeof(text), "%Y-%m-%d_%H.%M.%S", &local);
    snprintf(out, STAMP + 1, "%.19s.%03d", text, (int)(at_ns % NS_PER_SEC / NS_PER_MS));
}

/* Whether there is a file of that time already, whatever its command. */
static bool is_taken(const char *dir, const char *stamp)
{
    bool taken = false;
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && !taken && (e = readdir(d)) != NULL;)
        taken = strncmp(e->d_name, stamp, strlen(stamp)) == 0;
    if (d != NULL)
        closedir(d);
    return taken;
}

/* Two runs may begin at the same moment: the later one a little later. */
int run_dir_new(const char *command, char **out, struct rota_error *err)
{
    const char *dir = folder();
    char name[COMMAND_SHOWN + 1];
    char stamp[STAMP + 1];
    *out = NULL;
    if (dir == NULL)
        return 0;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_set(
            err, ROTA_E_IO,
            "cannot make ROTA_RUN_DIR '%s': %s; name a folder that you may "
            "write to",
            dir, strerror(errno));
    put_command(command, name);
    for (int64_t at_ns = clock_wall_ns();; at_ns += NS_PER_MS) {
        put_stamp(at_ns, stamp);
        if (is_taken(dir, stamp))
            continue;
        if (asprintf(out, "%s/%s_%s%s", dir, stamp, name, ending) >= 0)
            return 0;
        *out = NULL;
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
}

/* Whether it is one of run_dir_new's, as far as a name can say: digits where they are
 * in a time. */
static bool is_run_file(const char *name)
{
    static const char form[] = "0000-00-00_00.00.00.000_";
    size_t size = strlen(name);
    if (size < sizeof(form) || strcmp(name + size - (sizeof(ending) - 1), ending) != 0)
        return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
            return false;
    return true;
}

static int find_newest(DIR *d, char **newest)
{
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (!is_run_file(e->d_name) ||
            (*newest != NULL && strcmp(e->d_name, *newest) < 0))
            continue;
        free(*newest);
        *newest = strdup(e->d_name);
        if (*newest == NULL)
            return ROTA_E_NOMEM;
    }
    return 0;
}

int run_dir_newest(char **out, struct rota_error *err)
{
    const char *dir = folder();
    rota_auto(heap) char *newest = NULL;
    if (dir == NULL)
        return error_set(err, ROTA_E_ARG,
                         "no run file: name one, or set ROTA_RUN_DIR to the folder "
                         "where they are");
    DIR *d = opendir(dir);
    if (d == NULL)
        return error_set(err, ROTA_E_IO, "cannot read ROTA_RUN_DIR '%s': %s", dir,
                         strerror(errno));
    int rc = find_newest(d, &newest);
    closedir(d);
    if (rc == 0 && newest == NULL)
        return error_set(err, ROTA_E_NOTFOUND,
                         "no run file in ROTA_RUN_DIR '%s': name one", dir);
    if (rc == 0 && asprintf(out, "%s/%s", dir, newest) < 0)
        rc = ROTA_E_NOMEM;
    return rc ? error_set(err, rc, "out of memory") : 0;
}
