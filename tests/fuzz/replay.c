/* replay.c - a fuzz target without libFuzzer: play files, or folders of them
 *
 *     fuzz_frames tests/fuzz/corpus/frames      play them all; at least one is wanted
 *     fuzz_frames --seeds DIR                   write what the target's seeds are
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fuzz.h"

static const char *seeds;
static int played;

void fuzz_seed(const char *name, const void *data, size_t size)
{
    rota_auto(heap) char *path = NULL;
    must(asprintf(&path, "%s/%s", seeds, name) > 0);
    FILE *f = fopen(path, "wbe");
    must(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

static void play_file(const char *path, size_t size)
{
    /* Of just that size: who reads past the end is caught. */
    rota_auto(heap) unsigned char *data = malloc(size > 0 ? size : 1);
    FILE *f = fopen(path, "rbe");
    must(data != NULL && f != NULL && fread(data, 1, size, f) == size);
    fclose(f);
    fuzz_one(data, size);
    played++;
}

static void play(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) {
        fprintf(stderr, "replay: cannot read '%s': %s\n", path, strerror(errno));
        exit(1);
    }
    if (!S_ISDIR(s.st_mode)) {
        play_file(path, (size_t)s.st_size);
        return;
    }
    DIR *folder = opendir(path);
    must(folder != NULL);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        rota_auto(heap) char *name = NULL;
        must(asprintf(&name, "%s/%s", path, e->d_name) > 0);
        if (e->d_name[0] != '.')
            play(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
        seeds = argv[2];
        fuzz_seeds();
        return 0;
    }
    for (int i = 1; i < argc; i++)
        play(argv[i]);
    printf("%d inputs\n", played);
    return played > 0 ? 0 : 1;
}
