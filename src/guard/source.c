/* source.c - where in its source a rank is */
#include "guard/source.h"

#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    Dwfl *dwfl;
};

/* Separate debug files are not looked for: that may go over the network, and take
 * longer than anyone waits for a verdict. */
static int no_debug_file(Dwfl_Module *module, void **data, const char *name,
                         Dwarf_Addr base, const char *file, const char *link,
                         GElf_Word crc, char **path)
{
    (void)module;
    (void)data;
    (void)name;
    (void)base;
    (void)file;
    (void)link;
    (void)crc;
    (void)path;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = no_debug_file,
};

struct source *source_open(pid_t pid)
{
    rota_auto(source) struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->dwfl = dwfl_begin(&callbacks);
    if (s->dwfl == NULL || dwfl_linux_proc_report(s->dwfl, pid) != 0 ||
        dwfl_report_end(s->dwfl, NULL, NULL) != 0)
        return NULL;
    return rota_steal(s);
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    if (s->dwfl != NULL)
        dwfl_end(s->dwfl);
    free(s);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int source_find(struct source *s, uint64_t address, char *buf, size_t size)
{
    Dwfl_Module *module = dwfl_addrmodule(s->dwfl, address - 1);
    if (module == NULL)
        return 0;
    int line;
    Dwfl_Line *found = dwfl_module_getsrc(module, address - 1);
    const char *file =
        found ? dwfl_lineinfo(found, NULL, &line, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        snprintf(buf, size, "%s:%d", base_name(file), line);
        return 1;
    }
    const char *name =
        dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    GElf_Off offset;
    GElf_Sym symbol;
    const char *function =
        dwfl_module_addrinfo(module, address - 1, &offset, &symbol, NULL, NULL, NULL);
    if (function != NULL)
        snprintf(buf, size, "%s+0x%" PRIx64 " in %s", function, offset + 1,
                 base_name(name));
    else
        snprintf(buf, size, "%s", base_name(name));
    return 1;
}

static const char *module_of(struct source *s, uint64_t address)
{
    Dwfl_Module *module = dwfl_addrmodule(s->dwfl, address - 1);
    const char *name = module != NULL ? dwfl_module_info(module, NULL, NULL, NULL, NULL,
                                                         NULL, NULL, NULL)
                                      : NULL;
    return name != NULL ? base_name(name) : "";
}

static bool is_mpis(const char *module)
{
    return strncmp(module, "libmpi", 6) == 0 || strncmp(module, "libopen-", 8) == 0 ||
           strncmp(module, "rota-guard-", 11) == 0;
}

size_t source_caller(struct source *s, const uint64_t *stack, size_t count)
{
    size_t i = 0;
    /* The handler's frame is the preload library's, too: the wrapper's is the last. */
    for (size_t j = 0; j < count; j++)
        if (strncmp(module_of(s, stack[j]), "rota-guard-", 11) == 0)
            i = j + 1;
    if (i == 0)
        return count;
    while (i < count && is_mpis(module_of(s, stack[i])))
        i++;
    return i;
}

/* Lines such as:   File "/a/ring.py", line 17 in main */
int source_python(const char *trace, char *buf, size_t size)
{
    static const char start[] = "File \"";
    for (const char *p = strstr(trace, start); p != NULL; p = strstr(p, start)) {
        p += sizeof(start) - 1;
        size_t length = strcspn(p, "\"\n");
        int line;
        char path[512];
        if (p[length] != '"' || sscanf(p + length, "\", line %d", &line) != 1)
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)length, p);
        if (strstr(path, "/mpi4py/") != NULL)
            continue;
        snprintf(buf, size, "%s:%d", base_name(path), line);
        return 1;
    }
    return 0;
}
