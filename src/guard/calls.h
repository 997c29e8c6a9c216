/* calls.h - the MPI calls that the guard knows, each with a number
 *
 * The number stands in the memory that a rank shares with its parent (state.h), and
 * in what the parent tells: so the list is part of both formats. New ones go to the
 * end, and STATE_VERSION changes with the list.
 */
#ifndef ROTA_GUARD_CALLS_H
#define ROTA_GUARD_CALLS_H

/* A collective call in its three forms. */
#define CALLS_OF(X, Name, name) X(Name) X(I##name) X(Name##_init)

/* clang-format off */
#define CALLS(X)                                                                       \
    X(Init) X(Init_thread) X(Finalize) X(Abort)                                        \
    X(Send) X(Bsend) X(Ssend) X(Rsend) X(Isend) X(Ibsend) X(Issend) X(Irsend)          \
    X(Send_init) X(Bsend_init) X(Ssend_init) X(Rsend_init) X(Recv_init)                \
    X(Recv) X(Irecv) X(Mrecv) X(Imrecv)                                                \
    X(Sendrecv) X(Sendrecv_replace) X(Isendrecv) X(Isendrecv_replace)                  \
    X(Psend_init) X(Precv_init) X(Start) X(Startall) X(Parrived)                       \
    X(Probe) X(Iprobe) X(Mprobe) X(Improbe)                                            \
    X(Wait) X(Waitall) X(Waitany) X(Waitsome)                                          \
    X(Test) X(Testall) X(Testany) X(Testsome) X(Request_get_status)                    \
    CALLS_OF(X, Barrier, barrier) CALLS_OF(X, Bcast, bcast)                            \
    CALLS_OF(X, Gather, gather) CALLS_OF(X, Gatherv, gatherv)                          \
    CALLS_OF(X, Scatter, scatter) CALLS_OF(X, Scatterv, scatterv)                      \
    CALLS_OF(X, Allgather, allgather) CALLS_OF(X, Allgatherv, allgatherv)              \
    CALLS_OF(X, Alltoall, alltoall) CALLS_OF(X, Alltoallv, alltoallv)                  \
    CALLS_OF(X, Alltoallw, alltoallw) CALLS_OF(X, Reduce, reduce)                      \
    CALLS_OF(X, Allreduce, allreduce) CALLS_OF(X, Scan, scan)                          \
    CALLS_OF(X, Exscan, exscan) CALLS_OF(X, Reduce_scatter, reduce_scatter)            \
    CALLS_OF(X, Reduce_scatter_block, reduce_scatter_block)                            \
    CALLS_OF(X, Neighbor_allgather, neighbor_allgather)                                \
    CALLS_OF(X, Neighbor_allgatherv, neighbor_allgatherv)                              \
    CALLS_OF(X, Neighbor_alltoall, neighbor_alltoall)                                  \
    CALLS_OF(X, Neighbor_alltoallv, neighbor_alltoallv)                                \
    CALLS_OF(X, Neighbor_alltoallw, neighbor_alltoallw)                                \
    X(Comm_dup) X(Comm_dup_with_info) X(Comm_idup) X(Comm_idup_with_info)              \
    X(Comm_create) X(Comm_create_group) X(Comm_split) X(Comm_split_type)               \
    X(Comm_free) X(Comm_disconnect) X(Intercomm_create) X(Intercomm_merge)             \
    X(Cart_create) X(Cart_sub) X(Graph_create)                                         \
    X(Dist_graph_create) X(Dist_graph_create_adjacent)                                 \
    X(Comm_spawn) X(Comm_spawn_multiple) X(Comm_accept) X(Comm_connect) X(Comm_join)   \
    X(Win_create) X(Win_allocate) X(Win_allocate_shared) X(Win_create_dynamic)         \
    X(Win_free) X(Win_fence) X(Win_post) X(Win_start) X(Win_complete) X(Win_wait)      \
    X(Win_test) X(Win_lock) X(Win_lock_all) X(Win_unlock) X(Win_unlock_all)            \
    X(Win_flush) X(Win_flush_all) X(Win_flush_local) X(Win_flush_local_all)            \
    X(File_open) X(File_close) X(File_set_size) X(File_set_view) X(File_preallocate)   \
    X(File_sync) X(File_set_atomicity) X(File_read_all) X(File_write_all)              \
    X(File_read_at_all) X(File_write_at_all) X(File_read_ordered)                      \
    X(File_write_ordered) X(File_seek_shared) X(File_read_all_begin)                   \
    X(File_read_all_end) X(File_write_all_begin) X(File_write_all_end)                 \
    X(File_read_at_all_begin) X(File_read_at_all_end) X(File_write_at_all_begin)       \
    X(File_write_at_all_end) X(File_read_ordered_begin) X(File_read_ordered_end)       \
    X(File_write_ordered_begin) X(File_write_ordered_end)
/* clang-format on */

#define CALL_NUMBER(name) CALL_##name,
enum call {
    CALL_NONE,
    CALLS(CALL_NUMBER) CALL_COUNT
};
#undef CALL_NUMBER

/* "MPI_Recv"; NULL for CALL_NONE and for a number that is no call's. */
const char *call_name(unsigned call);

#endif
