/* cases.h - one program, several cases: the first argument names the one to play
 *
 * Plain MPI programs, which know nothing of Rota. labels.txt says how each must end.
 */
#ifndef ROTA_TESTS_GUARD_CASES_H
#define ROTA_TESTS_GUARD_CASES_H

#include <mpi.h>
#include <stdio.h>
#include <string.h>

struct guard_case {
    const char *name;
    void (*play)(int rank, int size);
};

/* Finds the case among `cases`, the last of which has no name, and plays it between
 * MPI_Init_thread (as `threads` says) and MPI_Finalize. Returns main's status. */
static inline int cases_main(int argc, char **argv, const struct guard_case *cases,
                             int threads)
{
    while (cases->name != NULL && (argc < 2 || strcmp(argv[1], cases->name) != 0))
        cases++;
    if (cases->name == NULL) {
        fprintf(stderr, "no such case\n");
        return 2;
    }
    int rank;
    int size;
    int provided;
    MPI_Init_thread(&argc, &argv, threads, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (provided < threads) {
        fprintf(stderr, "MPI has no such support for threads\n");
        return 2;
    }
    cases->play(rank, size);
    MPI_Finalize();
    return 0;
}

#endif
