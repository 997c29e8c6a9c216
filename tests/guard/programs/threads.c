/* threads.c - several threads of a rank in MPI at once */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"

static int receive(int from, int tag)
{
    int value = -1;
    MPI_Recv(&value, 1, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return value;
}

static void *send_later(void *to)
{
    int value = 5;
    sleep(1);
    MPI_Send(&value, 1, MPI_INT, *(int *)to, 1, MPI_COMM_WORLD);
    return NULL;
}

static void *receive_there(void *from)
{
    receive(*(int *)from, 1);
    return NULL;
}

/* All ranks' first threads are blocked, and what frees them comes from the second ones.
 */
static void second_threads_help(int rank, int size)
{
    pthread_t thread;
    int to = (rank + 1) % size;
    pthread_create(&thread, NULL, send_later, &to);
    receive((rank + size - 1) % size, 1);
    pthread_join(thread, NULL);
}

/* The guard has told this process by its environment what it is. */
static void in_an_empty_environment(int rank, int size)
{
    clearenv();
    second_threads_help(rank, size);
}

/* Messages from a thread to the other of its rank. */
static void within_a_rank(int rank, int size)
{
    (void)size;
    pthread_t thread;
    int to = rank;
    pthread_create(&thread, NULL, send_later, &to);
    receive(rank, 1);
    pthread_join(thread, NULL);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Both threads of rank 0 wait for what does not come: never certain, but so. */
static void both_wait(int rank, int size)
{
    (void)size;
    pthread_t thread;
    int from = 1;
    if (rank != 0)
        return;
    pthread_create(&thread, NULL, receive_there, &from);
    receive(from, 2);
    pthread_join(thread, NULL);
}

static const struct guard_case cases[] = {
    {"second-threads-help", second_threads_help},
    {"in-an-empty-environment", in_an_empty_environment},
    {"within-a-rank", within_a_rank},
    {"both-wait", both_wait},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_MULTIPLE);
}
