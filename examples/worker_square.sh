#!/bin/sh
# worker_square.sh - a persistent program for rota run --worker, in the shell
#
#     rota run -k --worker examples/worker_square.sh ::: 3 4 x
#
# A task's line always has its members in the same order and no spaces between them, so
# that a shell can take it apart, as long as no argument has a quote or a backslash.
while IFS= read -r line; do
    task=${line#'{"task":'} task=${task%%,*}
    argument=${line#*'"args":["'} argument=${argument%'"]}'}
    case $argument in
    '' | *[!0-9]*) echo "{\"task\":$task,\"error\":\"not a number\"}" ;;
    *) echo "{\"task\":$task,\"result\":$((argument * argument))}" ;;
    esac
done
