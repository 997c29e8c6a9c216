/* scratch.c - a folder of temporary files for a command, removed as a whole */
#include "base/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "rota.h"

/* nftw passes its callback nothing, so what it needs stands here for its time. */
static struct {
    void (*found)(const char *path);
    int count;
} walk;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    if (ftw->level > 0) {
        walk.count++;
        if (walk.found != NULL)
            walk.found(path);
    }
    remove(path);
    return 0;
}

const char *scratch_above(void)
{
    const char *dir = getenv("TMPDIR");
    return dir != NULL && dir[0] != '\0' ? dir : "/tmp";
}

int scratch_make(char **out)
{
    rota_auto(heap) char *path = NULL;
    if (asprintf(&path, "%s/rota.XXXXXX", scratch_above()) < 0) {
        path = NULL;
        return ROTA_E_NOMEM;
    }
    if (mkdtemp(path) == NULL || setenv("TMPDIR", path, 1) != 0)
        return ROTA_E_IO;
    *out = rota_steal(path);
    return 0;
}

int scratch_remove(char *path, void (*found)(const char *path))
{
    if (path == NULL)
        return 0;
    walk.found = found;
    walk.count = 0;
    nftw(path, visit, 1, FTW_DEPTH | FTW_PHYS); /* there may be no descriptor more */
    free(path);
    return walk.count;
}
