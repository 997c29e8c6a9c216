/* doctor.h - rota doctor: what protects a run here, found out by trying it */
#ifndef ROTA_CLI_DOCTOR_H
#define ROTA_CLI_DOCTOR_H

/* `argv[0]` is the word "doctor". Returns 0 where all holds that was tried, 1 where
 * something does not, 2 for wrong words. */
int cli_doctor(int argc, char **argv);

/* What it starts as each of four ranks: argv[1] is the file for rank 0's findings. */
int cli_doctor_rank(int argc, char **argv);

#endif
