/* foreign.c - what GNU parallel's command line has, and rota run's has not */
#include "cli/foreign.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- what to use instead ----------------------------------------------------- */

static const char hosts[] =
    "--hosts a,b and -n N run commands on other machines too, by MPI and not by ssh";
static const char files[] =
    "files are not carried about: use a file system that all hosts have; what commands "
    "print comes back by itself";
static const char semaphore[] =
    "give one 'rota run -j N' all the commands, or let flock(1) hold one back";
static const char places[] =
    "beyond {}, {.}, {/}, {//}, {/.}, {#} and {%} let a shell do it: 'x={}; echo "
    "\"${x%%.*}\"'";
static const char names[] = "there are {}, {.}, {/}, {//}, {/.}, {#} and {%}, and -I "
                            "names {} otherwise";
static const char script[] = "call 'rota run' from the script";
static const char database[] = "--run FILE keeps all of a run in an SQLite file";
static const char output[] = "outputs that need room wait in a file below TMPDIR";
static const char tags[] = "--tag and --tagstring are without colours";
static const char stdin_file[] =
    "a command's block is its standard input, which is a file: /dev/stdin names it";
static const char blocks[] = "--pipe gives each block to a command of its own; "
                             "--worker has programs that live on";
static const char list[] = "change the list before it comes here";
static const char terminal[] =
    "commands have no terminal; a shell's loop, one command after the other, has";
static const char numbers[] =
    "nproc(1) says how many CPUs there are, and -j 100% uses them";
static const char profiles[] =
    "keep the options in an alias or a function of the shell";

static const struct foreign {
    const char *name;    /* or NULL */
    char letter;         /* or 0 */
    bool value;          /* it takes one */
    const char *instead; /* NULL: it changes nothing, and is taken */
} foreign[] = {
    {"arg-file-sep", 0, true, "'::::' is always that"},
    {"arg-sep", 0, true, "':::' is always that"},
    {"basefile", 0, true, files},
    {"basenameextensionreplace", 0, true, names},
    {"basenamereplace", 0, true, names},
    {"bf", 0, true, files},
    {"bg", 0, false, semaphore},
    {"bibtex", 0, false, "there is no citation notice"},
    {"bner", 0, true, names},
    {"bnr", 0, true, names},
    {"cat", 0, false, stdin_file},
    {"citation", 0, false, "there is no citation notice"},
    {"cleanup", 0, false, files},
    {"color", 0, false, tags},
    {"colour", 0, false, tags},
    {"compress", 0, false, output},
    {"compress-program", 0, true, output},
    {"controlmaster", 'M', false, hosts},
    {"csv", 0, false,
     "--colsep , cuts lines at commas; where fields have quotes, convert the list"},
    {"ctag", 0, false, tags},
    {"ctagstring", 0, true, tags},
    {"decompress-program", 0, true, output},
    {"dirnamereplace", 0, true, names},
    {"dnr", 0, true, names},
    {"embed", 0, false, script},
    {"eof", 'E', true, "cut the list there: sed '/^STR$/,$d'"},
    {"er", 0, true, names},
    {"extensionreplace", 0, true, names},
    {"exit", 'x', false, "a run ends at an argument that is too long for -s"},
    {"fail", 0, false, "--halt now,fail=1 ends the run at the first failure"},
    {"fg", 0, false, semaphore},
    {"fifo", 0, false, stdin_file},
    {"files", 0, false, "--results DIR keeps outputs in files"},
    {"files0", 0, false, "--results DIR keeps outputs in files"},
    {"filter", 0, true, list},
    {"filter-hosts", 0, false, hosts},
    {"group-by", 0, true, list},
    {"groupby", 0, true, list},
    {"hashbang", 0, false, script},
    {"hgrp", 0, false, hosts},
    {"hostgroups", 0, false, hosts},
    {"id", 0, true, semaphore},
    {"interactive", 'p', false, "--dry-run shows the commands, and runs none"},
    {"latest-line", 0, false, "--line-buffer shows each line, the bar how far it is"},
    {"limit", 0, true, "--load, --memfree and --noswap hold commands back"},
    {"ll", 0, false, "--line-buffer shows each line, the bar how far it is"},
    {"max-line-length-allowed", 0, false, "it is 131071 bytes"},
    {"memsuspend", 0, true, "--memfree SIZE begins no more while memory is short"},
    {"minversion", 0, true, "'rota --version' says which this is"},
    {"min-version", 0, true, "'rota --version' says which this is"},
    {"nonall", 0, false, hosts},
    {"number-of-cores", 0, false, numbers},
    {"number-of-cpus", 0, false, numbers},
    {"number-of-sockets", 0, false, numbers},
    {"number-of-threads", 0, false, numbers},
    {"onall", 0, false, hosts},
    {"open-tty", 'o', false, terminal},
    {"parens", 0, true, places},
    {"plus", 0, false, places},
    {"process-slot-var", 0, true, "PARALLEL_JOBSLOT has the slot's number"},
    {"profile", 'J', true, profiles},
    {"record-env", 0, false, "--env A,B names the variables that are passed on"},
    {"return", 0, true, files},
    {"round", 0, false, blocks},
    {"round-robin", 0, false, blocks},
    {"roundrobin", 0, false, blocks},
    {"rpl", 0, true, places},
    {"rsync-opts", 0, true, files},
    {"sem", 0, false, semaphore},
    {"semaphore", 0, false, semaphore},
    {"semaphore-name", 0, true, semaphore},
    {"semaphore-timeout", 0, true, semaphore},
    {"seqreplace", 0, true, names},
    {"session", 0, false, script},
    {"shebang", 0, false, script},
    {"shebang-wrap", 0, false, script},
    {"shellquote", 0, false, "arguments are quoted by themselves, once"},
    {"shell-quote", 0, false, "arguments are quoted by themselves, once"},
    {"show-limits", 0, false, "a command line has at most 131071 bytes"},
    {"shuf", 0, false, "shuf(1) shuffles a list: shuf LIST | rota run COMMAND"},
    {"skip-first-line", 0, false,
     "tail -n +2 LIST | rota run COMMAND; or --header : makes names of it"},
    {"slf", 0, true, hosts},
    {"slotreplace", 0, true, names},
    {"sql", 0, true, database},
    {"sqlandworker", 0, true, database},
    {"sqlmaster", 0, true, database},
    {"sqlworker", 0, true, database},
    {"ssh", 0, true, hosts},
    {"sshdelay", 0, true, hosts},
    {"sshlogin", 'S', true, hosts},
    {"sshloginfile", 0, true, hosts},
    {"tee", 0, false, "--pipe gives each block to one command, which may call tee(1)"},
    {"tempdir", 0, true, "the variable TMPDIR names the folder"},
    {"template", 0, true, places},
    {"termseq", 0, true, "it is SIGTERM, and a second later SIGKILL"},
    {"tf", 0, true, files},
    {"tmpdir", 0, true, "the variable TMPDIR names the folder"},
    {"tmpl", 0, true, places},
    {"tmux", 0, false, "--line-buffer --tag shows all outputs as they come"},
    {"tmuxpane", 0, false, "--line-buffer --tag shows all outputs as they come"},
    {"transfer", 0, false, files},
    {"transferfile", 0, true, files},
    {"trc", 0, true, files},
    {"tty", 0, false, terminal},
    {"unquote", 0, false, "leave COMMAND out: each argument is then a shell's line"},
    {"uq", 0, false, "leave COMMAND out: each argument is then a shell's line"},
    {"use-cores-instead-of-threads", 0, false, numbers},
    {"use-cpus-instead-of-cores", 0, false, numbers},
    {"use-sockets-instead-of-threads", 0, false, numbers},
    {"wait", 0, false, semaphore},
    {NULL, 'U', true, names},
    {NULL, 'e', false, "cut the list there: sed '/^STR$/,$d'"},
    {NULL, 'i', false, "{} stands for the argument, and -I names it otherwise"},
    {NULL, 'l', true, "-N N takes N arguments for each command"},
    {NULL, 't', false, "-v shows each command before its output"},
    {"bin", 0, true, blocks},
    {"block-timeout", 0, true, blocks},
    {"bt", 0, true, blocks},
    {"cf", 0, false, tags},
    {"color-failed", 0, false, tags},
    {"no-keep-order", 0, false, "outputs come as commands end, without -k"},
    {"output-as-files", 0, false, "--results DIR keeps outputs in files"},
    {"outputasfiles", 0, false, "--results DIR keeps outputs in files"},
    {"shard", 0, true, blocks},
    {"shell-completion", 0, true, "'make install' puts completions where shells look"},
    {"sql-and-worker", 0, true, database},
    {"sql-master", 0, true, database},
    {"sql-worker", 0, true, database},
    {"ssh-delay", 0, true, hosts},
    {"st", 0, true, semaphore},
    {"term-seq", 0, true, "it is SIGTERM, and a second later SIGKILL"},
    {"total", 0, true, "--bar and --eta read the list to its end first"},
    {"total-jobs", 0, true, "--bar and --eta read the list to its end first"},
    {"gnu", 0, false, NULL},
    {"no-notice", 0, false, NULL},
    {"plain", 0, false, NULL},
    {"silent", 0, false, NULL},
    {"will-cite", 0, false, NULL},
};

enum {
    COUNT = sizeof(foreign) / sizeof(foreign[0]),
    KEY_FIRST = 0x6000,
};

_Static_assert((int)COUNT < (int)FOREIGN_MOST, "the table has room for all");

/* ---- for argp ---------------------------------------------------------------- */

void foreign_options(struct argp_option table[FOREIGN_MOST])
{
    for (int i = 0; i < COUNT; i++)
        table[i] = (struct argp_option){
            .name = foreign[i].name,
            .key = foreign[i].letter ? foreign[i].letter : KEY_FIRST + i,
            .arg = foreign[i].value ? "X" : NULL,
            .flags = OPTION_HIDDEN,
        };
    table[COUNT] = (struct argp_option){0};
}

static const struct foreign *find(int key)
{
    for (int i = 0; i < COUNT; i++)
        if (foreign[i].letter ? key == foreign[i].letter : key == KEY_FIRST + i)
            return &foreign[i];
    return NULL;
}

error_t foreign_parse(int key, char *arg, struct argp_state *state)
{
    const struct foreign *f = find(key);
    (void)arg;
    if (f == NULL)
        return ARGP_ERR_UNKNOWN;
    if (f->instead != NULL && f->name != NULL)
        argp_error(state, "GNU parallel's --%s is not here: %s", f->name, f->instead);
    else if (f->instead != NULL)
        argp_error(state, "GNU parallel's -%c is not here: %s", f->letter, f->instead);
    return 0;
}
