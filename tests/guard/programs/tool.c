/* tool.c - a library that is loaded before MPI and counts what the program sends, as
 * tools for profiling do
 */
#include <mpi.h>

extern int tool_sends;
int tool_sends;

int MPI_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag,
             MPI_Comm comm)
{
    tool_sends++;
    return PMPI_Send(buf, count, type, dest, tag, comm);
}
