! fortran.f90 - hangs and ends in Fortran, by the mpi module
program fortran
    use mpi
    implicit none
    character(len=32) :: name
    integer :: rank, size, ierr

    call get_command_argument(1, name)
    call MPI_Init(ierr)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, size, ierr)
    select case (name)
    case ('ring')
        call ring(.false.)
    case ('ring-begun')
        call ring(.true.)
    case ('barrier-skipped')
        if (rank < size - 1) call MPI_Barrier(MPI_COMM_WORLD, ierr)
    case ('waitall-one-missing')
        call waitall_one_missing
    case ('roots-differ')
        call roots_differ
    case ('collectives')
        call collectives
    case default
        stop 2
    end select
    call MPI_Finalize(ierr)

contains

    subroutine ring(begun)
        logical, intent(in) :: begun
        integer :: value, round
        value = 0
        do round = 1, 100
            if (begun .and. rank == 0) &
                call MPI_Send(round, 1, MPI_INTEGER, mod(1, size), 0, MPI_COMM_WORLD, ierr)
            call MPI_Recv(value, 1, MPI_INTEGER, mod(rank + size - 1, size), 0, &
                          MPI_COMM_WORLD, MPI_STATUS_IGNORE, ierr)
            if (value /= round) stop 1
            if (rank /= 0) &
                call MPI_Send(value, 1, MPI_INTEGER, mod(rank + 1, size), 0, &
                              MPI_COMM_WORLD, ierr)
        end do
    end subroutine

    subroutine waitall_one_missing
        integer :: requests(2), values(2), i
        if (rank == 1) call MPI_Send(rank, 1, MPI_INTEGER, 0, 1, MPI_COMM_WORLD, ierr)
        if (rank /= 0) return
        do i = 1, 2
            call MPI_Irecv(values(i), 1, MPI_INTEGER, i, i, MPI_COMM_WORLD, requests(i), &
                           ierr)
        end do
        call MPI_Waitall(2, requests, MPI_STATUSES_IGNORE, ierr)
    end subroutine

    subroutine roots_differ
        integer :: value
        value = rank
        call MPI_Bcast(value, 1, MPI_INTEGER, 1 - rank, MPI_COMM_WORLD, ierr)
    end subroutine

    subroutine collectives
        integer :: round, total, half
        do round = 1, 50
            call MPI_Allreduce(1, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, ierr)
            if (total /= size) stop 1
            call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), 0, half, ierr)
            call MPI_Barrier(half, ierr)
            call MPI_Comm_free(half, ierr)
        end do
    end subroutine
end program
