/* mpi_transport.h - frames over MPI point-to-point */
#ifndef ROTA_MESSAGE_MPI_TRANSPORT_H
#define ROTA_MESSAGE_MPI_TRANSPORT_H

#include <mpi.h>

#include "message/transport.h"

/* A transport over `comm`, whose errors must return and which nobody else uses;
 * the caller keeps it and frees it after the transport. Returns 0 and *out,
 * ROTA_E_NOMEM or ROTA_E_MPI. */
int mpi_transport_open(MPI_Comm comm, struct transport **out);

#endif
