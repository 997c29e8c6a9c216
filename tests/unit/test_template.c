/* test_template.c - cli/template: a command and its arguments */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/template.h"

/* The words of `command` (one word, or NULL) for `row`, each in brackets. */
static void expect_row(const char *command, const struct template_options *options,
                       struct row row, const char *wanted)
{
    rota_auto(template) struct template *t = NULL;
    rota_auto(heap) char **argv = NULL;
    rota_auto(heap) char *word = command ? strdup(command) : NULL;
    char got[512] = "";
    assert_int_equal(template_new(&word, command ? 1 : 0, options, &t, NULL), 0);
    assert_int_equal(template_apply(t, row, 7, &argv), 0);
    for (char **w = argv; *w != NULL; w++) {
        strcat(got, "[");
        strcat(got, *w);
        strcat(got, "]");
    }
    assert_string_equal(got, wanted);
}

static const struct template_options plain = {.place = NULL};

static void expect(const char *command, const char *argument, const char *wanted)
{
    expect_row(command, &plain, (struct row){.values = &argument, .count = 1}, wanted);
}

static void expect_two(const char *command, const char *a, const char *b,
                       const char *wanted)
{
    const char *values[] = {a, b};
    expect_row(command, &plain, (struct row){.values = values, .count = 2}, wanted);
}

static void the_argument_is_appended_where_no_place_is_given(void **state)
{
    (void)state;
    expect("wc -l", "a file", "[wc][-l][a file]");
    expect("  wc   -l ", "x", "[wc][-l][x]");
    expect_two("cmp", "a", "b", "[cmp][a][b]");
}

static void every_place_is_filled(void **state)
{
    (void)state;
    expect("cp {} --to={}.bak", "a b", "[cp][a b][--to=a b.bak]");
}

static void parts_of_a_path_have_places_of_their_own(void **state)
{
    (void)state;
    expect("c {.} {/} {//} {/.}", "a/b.c.d", "[c][a/b.c][b.c.d][a][b.c]");
    expect("c {.} {/} {//} {/.}", "b.c", "[c][b][b.c][.][b]");
    expect("c {.} {/} {//} {/.}", "/x", "[c][/x][x][/][x]");
    expect("c {.} {/} {//} {/.}", "d/", "[c][d/][][.][]");
    expect("c {.} {/} {//} {/.}", "a.b/c", "[c][a.b/c][c][a.b][c]");
    expect("c {.} {/.}", "a.", "[c][a][a]");
    expect("c {.} {/.}", "x/.b", "[c][x/][]");
    expect("c {//}", "a//b/", "[c][a]");
    expect("c {//}", "//", "[c][/]");
    expect("c {//}", "", "[c][.]");
}

static void each_source_has_a_number(void **state)
{
    (void)state;
    expect_two("c {2} {1}", "a", "b", "[c][b][a]");
    expect_two("c {-1} {-2}", "a", "b", "[c][b][a]");
    expect_two("c {1.}-{2/} {2//} {-1/.}", "d.e", "f/g.h", "[c][d-g.h][f][g]");
    expect_two("c x{}y", "a", "b", "[c][xa][by]");
    expect_two("c x{3}y", "a", "b", "[c][xy]");
    expect_two("c {3}", "a", "b", "[c]");
}

static void names_are_those_of_the_sources(void **state)
{
    (void)state;
    const char *names[] = {"in", "in.x"};
    const char *values[] = {"d/a.b", "c"};
    struct template_options o = {.names = {.values = names, .count = 2}};
    struct row row = {.values = values, .count = 2};
    expect_row("c {in} {in/.} {in.x} {in.}", &o, row, "[c][d/a.b][a][c][d/a]");
    expect_row("c {out}", &o, row, "[sh][-c][c {out} d/a.b c]");
}

static void a_task_has_a_number_and_a_slot(void **state)
{
    (void)state;
    expect("c {#} {}", "a", "[c][7][a]");
    expect("c {#}", "a", "[c][7]");
    expect("c {%}", "a", "[sh][-c][c ${PARALLEL_JOBSLOT}]");
    expect("c '{%}'", "a", "[sh][-c][c ''${PARALLEL_JOBSLOT}'']");
}

static void a_name_is_what_the_shell_will_know(void **state)
{
    (void)state;
    static const struct template_options named = {.named = true};
    struct row none = {.count = 0};
    expect_row("wc -l", &named, none, "[sh][-c][wc -l \"${PARALLEL_TMP}\"]");
    expect_row("a {.} {1} {2}", &named, none,
               "[sh][-c][a \"${PARALLEL_TMP}\" \"${PARALLEL_TMP}\" ]");
    expect_row("a {//} {/} {/.}", &named, none,
               "[sh][-c][a \"${PARALLEL_TMP%/*}\" \"${PARALLEL_TMP##*/}\" "
               "\"${PARALLEL_TMP##*/}\"]");
    expect_row("a \"x {}\" 'y {}' $(cat {})", &named, none,
               "[sh][-c][a \"x ${PARALLEL_TMP}\" 'y '\"${PARALLEL_TMP}\"'' "
               "$(cat \"${PARALLEL_TMP}\")]");
    expect_row("a {#}", &named, none, "[a][7]");
}

static void another_place_is_named(void **state)
{
    (void)state;
    struct template_options o = {.place = ",,"};
    const char *value = "a";
    expect_row("c ,,x {.} ,", &o, (struct row){.values = &value, .count = 1},
               "[c][ax][a][,]");
    expect_row("c ,, {1}", &o, (struct row){.values = &value, .count = 1},
               "[sh][-c][c a {1}]");
    expect_row("c {}", &o, (struct row){.values = &value, .count = 1},
               "[sh][-c][c {} a]");
}

static void words_are_joined_by_spaces(void **state)
{
    (void)state;
    rota_auto(template) struct template *t = NULL;
    rota_auto(heap) char **argv = NULL;
    char echo[] = "echo", two[] = "a b";
    char *words[] = {echo, two};
    const char *value = "c";
    struct row row = {.values = &value, .count = 1};
    assert_int_equal(template_new(words, 2, &plain, &t, NULL), 0);
    assert_int_equal(template_apply(t, row, 1, &argv), 0);
    assert_string_equal(argv[1], "a");
    assert_string_equal(argv[2], "b");
    assert_string_equal(argv[3], "c");
    assert_null(argv[4]);
}

static void quoted_words_stand_as_they_are(void **state)
{
    (void)state;
    rota_auto(template) struct template *t = NULL;
    rota_auto(heap) char **argv = NULL;
    char echo[] = "echo", two[] = "$a  {};", none[] = "";
    char *words[] = {echo, two, none};
    const char *value = "c d";
    struct row row = {.values = &value, .count = 1};
    struct template_options o = {.quote = true};
    struct blob line = {0};
    assert_int_equal(template_new(words, 3, &o, &t, NULL), 0);
    assert_int_equal(template_apply(t, row, 1, &argv), 0);
    assert_string_equal(argv[1], "$a  c d;");
    assert_string_equal(argv[2], "");
    assert_null(argv[3]);
    assert_int_equal(template_line(t, row, 1, &line), 0);
    assert_int_equal(blob_put(&line, "", 1), 0);
    assert_string_equal(line.data, "echo '$a  ''c d'';' ''");
    blob_done(&line);
}

static void an_argument_is_never_read_by_a_shell(void **state)
{
    (void)state;
    expect("cat", "; rm -rf ~", "[cat][; rm -rf ~]");
    expect("cat", "", "[cat][]");
    expect("cat", "{}", "[cat][{}]");
    expect("cat {} | wc", "; rm -rf ~", "[sh][-c][cat '; rm -rf ~' | wc]");
    expect("cat {} | wc", "it's", "[sh][-c][cat 'it'\"'\"'s' | wc]");
    expect("cat {} | wc", "{}", "[sh][-c][cat '{}' | wc]");
    expect("echo $HOME", "$(id)", "[sh][-c][echo $HOME '$(id)']");
    expect("cat {}>x", "", "[sh][-c][cat ''>x]");
}

/* What sh prints for `argv`. */
static void shell_prints(char **argv, char *out, size_t size)
{
    int fds[2];
    assert_return_code(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(fds[1]);
    ssize_t n, got = 0;
    while ((n = read(fds[0], out + got, size - 1 - (size_t)got)) > 0)
        got += n;
    out[got] = '\0';
    close(fds[0]);
    waitpid(pid, NULL, 0);
}

static void an_argument_is_the_same_within_all_quotes(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "printf %s {};",
        "printf %s \"{}\"",
        "printf %s '{}'",
        "printf %s \"$(printf %s {})\"",
        "printf %s \"$(printf %s \"{}\")\"",
        "printf %s \"$(printf %s '{}')\"",
        "printf %s \"`printf %s {}`\"",
        "printf %s \"it's \\\" \" >&2; printf %s {} # it's {}\n: {}",
        "(printf %s \"$( (printf %s {}) )\")",
        "x='it'\\''s'; printf %s {}",
        "x=${y#z}; printf %s \"{}\"",
        "printf %s \"${y:-$(printf %s \"{}\")}\"",
        ": \\\n# '\nprintf %s {}",
        "printf %s \"${y:-\"}\"}\" >&2; printf %s '{}'",
        "printf %s ${y:-'a b'} $((1 << (2 + 1))) \"$((1))\" >&2; printf %s {}",
        "printf %s \"$(: $(:)#'a'; printf %s \"$$(\" >&2; printf %s {})\"",
    };
    static const char *const arguments[] = {
        "a",    "",      "two  words", "it's", "$(echo x)", "`echo x`",
        "\"",   "\\",    "\\'",        "\\\\", "*",         "; echo x #",
        "a\nb", "$HOME", "~",          "!",    "\\`\\$",
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        for (size_t j = 0; j < sizeof(arguments) / sizeof(arguments[0]); j++) {
            rota_auto(template) struct template *t = NULL;
            rota_auto(heap) char **argv = NULL;
            rota_auto(heap) char *word = strdup(commands[i]);
            char got[256];
            struct row row = {.values = &arguments[j], .count = 1};
            assert_int_equal(template_new(&word, 1, &plain, &t, NULL), 0);
            assert_int_equal(template_check(t, row, NULL), 0);
            assert_int_equal(template_apply(t, row, 1, &argv), 0);
            shell_prints(argv, got, sizeof(got));
            assert_string_equal(got, arguments[j]);
        }
}

static void a_word_is_there_for_each_argument(void **state)
{
    (void)state;
    static const struct template_options context = {.context = true};
    static const struct template_options words = {.context = true, .quote = true};
    const char *values[] = {"a.x", "b"};
    struct row two = {.values = values, .count = 2};
    struct row none = {.count = 0};
    expect_row("c x{}.{.}y p{#}", &context, two, "[c][xa.x.ay][xb.by][p7]");
    expect_row("c {}", &context, two, "[c][a.x][b]");
    expect_row("c", &context, two, "[c][a.x][b]");
    expect_row("{}/{1}{2.}", &context, two, "[a.x/a.xb][b/a.xb]");
    expect_row("c x{}y", &context, none, "[c][xy]");
    expect_row("x{}", &words, two, "[xa.x][xb]");
    expect_row("c; x{}y", &context, two, "[sh][-c][c; xa.xy xby]");
    expect_row("c x{}; d", &context, two, "[sh][-c][c xa.x b; d]");
    expect_row("c x{}|d>{}", &context, two, "[sh][-c][c xa.x b|d>a.x b]");
    expect_row("c 'x;{}' \\;{}", &context, two,
               "[sh][-c][c 'x;'a.x'' 'x;'b'' \\;a.x \\;b]");
}

/* Where a quotation begins or ends in the word, it can't be repeated. */
static void a_repeated_word_is_safe_in_all_quotes(void **state)
{
    (void)state;
    static const struct template_options context = {.context = true};
    static const struct {
        const char *command;
        const char *wanted;
    } cases[] = {
        {"printf '[%s]' x{}y ;", "[xit'sy][x$(id) `y]"},
        {"printf '[%s]' \"x{}y\" ;", "[xit'sy][x$(id) `y]"},
        {"printf '[%s]' 'x{}y' ;", "[xit'sy][x$(id) `y]"},
        {"printf '[%s]' \"x {} y\";", "[x it's $(id) ` y]"},
        {"printf '[%s]' 'x {} y';", "[x it's $(id) ` y]"},
        {"printf '[%s]' \"x{} y\";", "[xit's $(id) ` y]"},
        {"printf '[%s]' 'x y{}'{} ;", "[x yit's $(id) `it's][$(id) `]"},
        {"printf '[%s]' \"$(printf %s x{} )\" ;", "[xit'sx$(id) `]"},
    };
    const char *values[] = {"it's", "$(id) `"};
    struct row row = {.values = values, .count = 2};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rota_auto(template) struct template *t = NULL;
        rota_auto(heap) char **argv = NULL;
        rota_auto(heap) char *word = strdup(cases[i].command);
        char got[256];
        assert_int_equal(template_new(&word, 1, &context, &t, NULL), 0);
        assert_int_equal(template_apply(t, row, 1, &argv), 0);
        shell_prints(argv, got, sizeof(got));
        assert_string_equal(got, cases[i].wanted);
    }
}

static void a_place_that_cannot_be_made_safe_is_refused(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "cat <<E\n{}\nE",
        "cat {} <<E\nE\necho {}",
        "( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( ( {}",
        "echo \"$(case a in a) echo {};; esac)\"",
        "echo \"`echo \\\"{}\\\"`\"",
        "echo `echo \\`echo {}\\``",
        "echo \"${x:-'}'}\" {}",
        "echo $'\\'' {}",
        "echo `echo '`' {}`",
        "echo \\{}",
        "echo \"\\{}\"",
        "echo ${}",
        "(:)# '\necho {}",
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct template *t = NULL;
        rota_auto(heap) char *word = strdup(commands[i]);
        assert_int_equal(template_new(&word, 1, &plain, &t, NULL), ROTA_E_ARG);
        assert_null(t);
    }
    expect("cat {} <<E\nE", "a", "[sh][-c][cat a <<E\nE]");
}

/* There a shell reads quotes as plain bytes, and $(...) in them is run. */
static void a_place_without_quotes_takes_plain_arguments_only(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "echo $((1+{}))",        "echo \"$(( ({}) ))\"", "echo \"${x#{}}\"",
        "echo \"${x:-\"{}\"}\"", "echo $((1+${x:-{}}))", "((x = {}))",
    };
    static const char *const bad[] = {"$(id)", "`id`", "'", "a b", "1))", "}"};
    static const char *const good[] = {"7", "-1.5", "a_b/c.d", ""};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        rota_auto(template) struct template *t = NULL;
        rota_auto(heap) char *word = strdup(commands[i]);
        struct rota_error err;
        assert_int_equal(template_new(&word, 1, &plain, &t, NULL), 0);
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            struct row row = {.values = &bad[j], .count = 1};
            assert_int_equal(template_check(t, row, &err), ROTA_E_ARG);
        }
        for (size_t j = 0; j < sizeof(good) / sizeof(good[0]); j++) {
            struct row row = {.values = &good[j], .count = 1};
            assert_int_equal(template_check(t, row, &err), 0);
        }
    }
    expect("echo $((1+{}))", "7", "[sh][-c][echo $((1+7))]");
    expect("echo \"${x:-\"{}\"}\"", "a", "[sh][-c][echo \"${x:-\"a\"}\"]");
}

static void a_shell_runs_what_only_a_shell_can(void **state)
{
    (void)state;
    expect("exit", "3", "[sh][-c][exit 3]");
    expect("exits", "3", "[exits][3]");
    expect("A=1 env", "x", "[sh][-c][A=1 env x]");
    expect("tool --level=3", "x", "[tool][--level=3][x]");
    expect("ls *.c", "x", "[sh][-c][ls *.c x]");
    expect("a\nb", "x", "[sh][-c][a\nb x]");
}

static void without_a_command_each_argument_is_one(void **state)
{
    (void)state;
    expect(NULL, "echo a  b", "[echo][a][b]");
    expect(NULL, "echo {}", "[sh][-c][echo {}]");
    expect(NULL, "a | b", "[sh][-c][a | b]");
    expect(NULL, "", "");
    expect_two(NULL, "echo", "a b", "[echo][a][b]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_argument_is_appended_where_no_place_is_given),
        cmocka_unit_test(every_place_is_filled),
        cmocka_unit_test(parts_of_a_path_have_places_of_their_own),
        cmocka_unit_test(each_source_has_a_number),
        cmocka_unit_test(names_are_those_of_the_sources),
        cmocka_unit_test(a_task_has_a_number_and_a_slot),
        cmocka_unit_test(a_name_is_what_the_shell_will_know),
        cmocka_unit_test(another_place_is_named),
        cmocka_unit_test(words_are_joined_by_spaces),
        cmocka_unit_test(quoted_words_stand_as_they_are),
        cmocka_unit_test(an_argument_is_never_read_by_a_shell),
        cmocka_unit_test(an_argument_is_the_same_within_all_quotes),
        cmocka_unit_test(a_word_is_there_for_each_argument),
        cmocka_unit_test(a_repeated_word_is_safe_in_all_quotes),
        cmocka_unit_test(a_place_that_cannot_be_made_safe_is_refused),
        cmocka_unit_test(a_place_without_quotes_takes_plain_arguments_only),
        cmocka_unit_test(a_shell_runs_what_only_a_shell_can),
        cmocka_unit_test(without_a_command_each_argument_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
