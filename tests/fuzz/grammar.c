/* grammar.c - what people and launchers write: durations, sizes, --halt, replacement
 * strings, Slurm's lists, and what launchers say of themselves
 */
#include "fuzz.h"

#include <math.h>

#include "cli/fields.h"
#include "cli/halt.h"
#include "cli/units.h"
#include "launch/command.h"
#include "launch/place.h"
#include "launch/slurm.h"

static void read_units(const char *text)
{
    char shown[UNITS_TEXT];
    int64_t value = -7;
    if (units_duration(text, &value)) {
        must(value >= 0);
        must(strlen(units_duration_text((double)value / 1e9, shown)) < sizeof(shown));
    } else {
        must(value == -7);
    }
    value = -7;
    if (units_size(text, &value)) {
        must(value >= 0);
        must(strlen(units_size_text(value, shown)) < sizeof(shown));
    } else {
        must(value == -7);
    }
}

static void read_halt(const char *text)
{
    struct halt h = {.limit = -7};
    if (!halt_parse(text, &h)) {
        must(h.limit == -7);
        return;
    }
    must(h.when <= HALT_NOW && h.what <= HALT_DONE);
    must(isfinite(h.limit) && h.limit >= 0);
    if (h.when == HALT_NEVER)
        must(!halt_is_due(&h, UINT32_MAX, UINT32_MAX, 10));
    must(!h.percent || !halt_is_due(&h, 5, 5, -1));
}

static void read_fields(const char *text)
{
    const char *const names[] = {"name", "a.b", "", "1"};
    const char *const values[] = {"x/y.z", text};
    const struct row row = {.values = names, .count = 4};
    struct field f;
    for (int i = 0; i < 2; i++) {
        size_t size = field_parse(text, i == 0 ? NULL : "@", row, &f);
        must(size <= strlen(text));
        if (size == 0)
            continue;
        must(f.kind <= FIELD_SLOT && f.part <= PART_BASE_STEM);
        int at = f.position != 0 ? field_index(&f, 2) : 0;
        must(at >= -1 && at < 2);
    }
    for (enum field_part part = PART_WHOLE; part <= PART_BASE_STEM; part++) {
        struct slice s = field_part(part, values[1]);
        must(s.size <= strlen(text) + 1);
        must(s.size == 0 || memchr(s.data, '\0', s.size) == NULL);
    }
}

/* Text as an environment: a variable a line. */
static void read_slurm(char *text)
{
    char *env[64] = {0};
    size_t count = 0;
    struct rota_error err = {0};
    struct place place;
    must(slurm_count_nodes(text) >= 0);
    slurm_mpi(text, true);
    slurm_mpi(text, false);
    must(command_family(text) <= COMMAND_SRUN);
    for (char *line = strtok(text, "\n"); line != NULL && count + 1 < 64;
         line = strtok(NULL, "\n"))
        env[count++] = line;
    struct slurm s = slurm_read(env);
    must(s.place <= SLURM_PTY && s.nodes >= 0 && s.tasks >= 0);
    must(slurm_cpus(env) >= 0);
    const struct place_wish wish = {.ranks = 0};
    int rc = place_choose(&s, &wish, &place, &err);
    must(rc == 0 || (rc == ROTA_E_ARG && err.text[0] != '\0'));
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size < 4096 ? size : 4096};
    char *text = fuzz_text(&b);
    read_units(text);
    read_halt(text);
    read_fields(text);
    read_slurm(text);
    free(text);
}

static void seed(const char *name, const char *text)
{
    fuzz_seed(name, text, strlen(text));
}

void fuzz_seeds(void)
{
    seed("duration", "1d2h30m0.5s");
    seed("seconds", "90.25");
    seed("size", "1.5GiB");
    seed("bytes", "9223372036854775807");
    seed("halt", "soon,fail=30%");
    seed("halt-now", "now,success=1");
    seed("field", "{-1/.}");
    seed("named", "{name//}");
    seed("nodes", "2(x3),1,4(x12)");
    seed("mpi",
         "MPI plugin types are...\n\tpmix\n\tpmi2\nspecific pmix plugin versions "
         "available: pmix_v4\n");
    seed("env",
         "SLURM_JOB_ID=7\nSLURM_JOB_NUM_NODES=3\nSLURM_NTASKS=6\n"
         "SLURM_STEP_NUM_TASKS=2\nSLURM_PROCID=0\nSLURM_CPUS_ON_NODE=8\n"
         "SLURM_JOB_CPUS_PER_NODE=8(x2),4\nSLURM_STEP_ID=0\nSLURMD_NODENAME=n1\n");
    seed("launcher", "mpiexec (OpenRTE) 4.1.4\n");
    seed("hydra", "HYDRA build details:\n    Version: 4.0.2\n");
}
