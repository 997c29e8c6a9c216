/* test_template.c - cli/template: a command and its arguments */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/template.h"

/* The words of `command` (one word) for `argument`, each in brackets. */
static void expect(const char *command, const char *argument, const char *wanted)
{
    rota_auto(template) struct template *t;
    rota_auto(heap) char **argv = NULL;
    rota_auto(heap) char *word = command ? strdup(command) : NULL;
    char got[512] = "";
    assert_int_equal(template_new(&word, command ? 1 : 0, &t), 0);
    assert_int_equal(template_apply(t, argument, &argv), 0);
    for (char **w = argv; *w != NULL; w++) {
        strcat(got, "[");
        strcat(got, *w);
        strcat(got, "]");
    }
    assert_string_equal(got, wanted);
}

static void the_argument_is_appended_where_no_place_is_given(void **state)
{
    (void)state;
    expect("wc -l", "a file", "[wc][-l][a file]");
    expect("  wc   -l ", "x", "[wc][-l][x]");
}

static void every_place_is_filled(void **state)
{
    (void)state;
    expect("cp {} --to={}.bak", "a b", "[cp][a b][--to=a b.bak]");
}

static void words_are_joined_by_spaces(void **state)
{
    (void)state;
    rota_auto(template) struct template *t;
    rota_auto(heap) char **argv = NULL;
    char echo[] = "echo", two[] = "a b";
    char *words[] = {echo, two};
    assert_int_equal(template_new(words, 2, &t), 0);
    assert_int_equal(template_apply(t, "c", &argv), 0);
    assert_string_equal(argv[1], "a");
    assert_string_equal(argv[2], "b");
    assert_string_equal(argv[3], "c");
    assert_null(argv[4]);
}

static void an_argument_is_never_read_by_a_shell(void **state)
{
    (void)state;
    expect("cat", "; rm -rf ~", "[cat][; rm -rf ~]");
    expect("cat", "", "[cat][]");
    expect("cat", "{}", "[cat][{}]");
    expect("cat {} | wc", "; rm -rf ~", "[sh][-c][cat '; rm -rf ~' | wc]");
    expect("cat {} | wc", "it's", "[sh][-c][cat 'it'\\''s' | wc]");
    expect("cat {} | wc", "{}", "[sh][-c][cat '{}' | wc]");
    expect("echo $HOME", "$(id)", "[sh][-c][echo $HOME '$(id)']");
    expect("cat {}>x", "", "[sh][-c][cat ''>x]");
}

static void a_shell_runs_what_only_a_shell_can(void **state)
{
    (void)state;
    expect("exit", "3", "[sh][-c][exit '3']");
    expect("exits", "3", "[exits][3]");
    expect("A=1 env", "x", "[sh][-c][A=1 env 'x']");
    expect("tool --level=3", "x", "[tool][--level=3][x]");
    expect("ls *.c", "x", "[sh][-c][ls *.c 'x']");
    expect("a\nb", "x", "[sh][-c][a\nb 'x']");
}

static void without_a_command_each_argument_is_one(void **state)
{
    (void)state;
    expect(NULL, "echo a  b", "[echo][a][b]");
    expect(NULL, "echo {}", "[echo][{}]");
    expect(NULL, "a | b", "[sh][-c][a | b]");
    expect(NULL, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_argument_is_appended_where_no_place_is_given),
        cmocka_unit_test(every_place_is_filled),
        cmocka_unit_test(words_are_joined_by_spaces),
        cmocka_unit_test(an_argument_is_never_read_by_a_shell),
        cmocka_unit_test(a_shell_runs_what_only_a_shell_can),
        cmocka_unit_test(without_a_command_each_argument_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
