/* asides.c - functions of the program's own that MPI calls, and what they do
 *
 * They sleep, send and receive, or never come back, while other ranks wait. All are
 * correct, but the last case, in which one rank waits for another that is at its end.
 */
#include <setjmp.h>
#include <unistd.h>

#include "cases.h"

enum {
    A_WHILE = 250000, /* microseconds: the guard has looked several times */
};

/* Rank 1 waits for what rank 0's function sends late. */
static void tell_rank_1(int word)
{
    usleep(A_WHILE);
    MPI_Ssend(&word, 1, MPI_INT, 1, 5, MPI_COMM_WORLD);
}

static void hear_rank_0(int should)
{
    int word = -1;
    MPI_Recv(&word, 1, MPI_INT, 0, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (word == should)
        return;
    printf("%d instead of %d\n", word, should);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- attributes ------------------------------------------------------------------ */

static int tell_at_deletion(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm;
    (void)keyval;
    (void)extra;
    tell_rank_1(*(int *)value);
    return MPI_SUCCESS;
}

static int tell_and_copy(MPI_Comm comm, int keyval, void *extra, void *in, void *out,
                         int *flag)
{
    (void)comm;
    (void)keyval;
    tell_rank_1(*(int *)extra);
    memcpy(out, &in, sizeof(in));
    *flag = 1;
    return MPI_SUCCESS;
}

static int tell_at_the_windows_end(MPI_Win win, int keyval, void *value, void *extra)
{
    (void)win;
    (void)keyval;
    (void)extra;
    tell_rank_1(*(int *)value);
    return MPI_SUCCESS;
}

/* MPI_Finalize deletes them: the last one first. */
static void attributes_at_the_end(int rank, int size)
{
    static int words[] = {1, 2};
    (void)size;
    for (int i = 0; rank == 0 && i < 2; i++) {
        int keyval;
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, tell_at_deletion, &keyval, NULL);
        MPI_Comm_set_attr(MPI_COMM_SELF, keyval, &words[i]);
        MPI_Comm_free_keyval(&keyval);
    }
    for (int i = 1; rank == 1 && i >= 0; i--)
        hear_rank_0(words[i]);
}

static void attribute_copied(int rank, int size)
{
    static int word = 3;
    static int value = 4;
    int keyval;
    int there = 0;
    void *copy = NULL;
    MPI_Comm twin;
    (void)size;
    if (rank == 0) {
        MPI_Comm_create_keyval(tell_and_copy, tell_at_deletion, &keyval, &word);
        MPI_Comm_set_attr(MPI_COMM_WORLD, keyval, &value);
    }
    if (rank == 1)
        hear_rank_0(word);
    MPI_Comm_dup(MPI_COMM_WORLD, &twin);
    if (rank == 0) {
        MPI_Comm_get_attr(twin, keyval, &copy, &there);
        if (!there || copy != &value)
            MPI_Abort(MPI_COMM_WORLD, 1);
        MPI_Comm_delete_attr(MPI_COMM_WORLD, keyval);
    }
    if (rank == 1)
        hear_rank_0(value);
    if (rank == 1)
        hear_rank_0(value);
    MPI_Comm_free(&twin);
}

static void attribute_of_a_window(int rank, int size)
{
    static int word = 5;
    int keyval;
    int memory = 0;
    MPI_Win win;
    (void)size;
    MPI_Win_create(&memory, sizeof(memory), sizeof(memory), MPI_INFO_NULL,
                   MPI_COMM_WORLD, &win);
    if (rank == 0) {
        MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, tell_at_the_windows_end, &keyval,
                              NULL);
        MPI_Win_set_attr(win, keyval, &word);
    }
    if (rank == 1)
        hear_rank_0(word);
    MPI_Win_free(&win);
}

/* ---- error handlers -------------------------------------------------------------- */

static jmp_buf back;

static void jump(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    longjmp(back, *code == MPI_SUCCESS ? 1 : 2);
}

static void tell_first(MPI_Comm *comm, int *code, ...)
{
    (void)code;
    tell_rank_1(*comm == MPI_COMM_WORLD ? 6 : 0);
}

static void handle_by(MPI_Comm_errhandler_function *handle)
{
    MPI_Errhandler handler;
    MPI_Comm_create_errhandler(handle, &handler);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
    MPI_Errhandler_free(&handler);
}

/* Rank 0's call of all fails, and never returns. */
static void handler_jumps(int rank, int size)
{
    int word = 1;
    int sum;
    (void)size;
    if (rank == 0) {
        handle_by(jump);
        if (setjmp(back) == 0)
            MPI_Allreduce(&word, &sum, 1, MPI_INT, MPI_OP_NULL, MPI_COMM_WORLD);
        tell_rank_1(7);
        usleep(A_WHILE);
        tell_rank_1(8);
    }
    for (int i = 7; rank == 1 && i <= 8; i++)
        hear_rank_0(i);
}

static void handler_speaks(int rank, int size)
{
    int word = 1;
    int sum;
    (void)size;
    if (rank == 0) {
        handle_by(tell_first);
        if (MPI_Allreduce(&word, &sum, 1, MPI_INT, MPI_OP_NULL, MPI_COMM_WORLD) ==
            MPI_SUCCESS)
            MPI_Abort(MPI_COMM_WORLD, 1);
        tell_rank_1(7);
    }
    for (int i = 6; rank == 1 && i <= 7; i++)
        hear_rank_0(i);
}

/* ---- and a hang ------------------------------------------------------------------ */

static int say_nothing(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm;
    (void)keyval;
    (void)value;
    (void)extra;
    return MPI_SUCCESS;
}

static void the_end_is_the_end(int rank, int size)
{
    int keyval;
    (void)size;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, say_nothing, &keyval, NULL);
    MPI_Comm_set_attr(MPI_COMM_SELF, keyval, NULL);
    if (rank == 1)
        hear_rank_0(0);
}

static const struct guard_case cases[] = {
    {"attributes-at-the-end", attributes_at_the_end},
    {"attribute-copied", attribute_copied},
    {"attribute-of-a-window", attribute_of_a_window},
    {"handler-jumps", handler_jumps},
    {"handler-speaks", handler_speaks},
    {"the-end-is-the-end", the_end_is_the_end},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
