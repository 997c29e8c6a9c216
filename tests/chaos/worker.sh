#!/bin/sh
# worker.sh - a persistent program for tests/chaos to strike: squares, slowly
while IFS= read -r line; do
    task=${line#'{"task":'} task=${task%%,*}
    n=${line#*'"args":["'} n=${n%'"]}'}
    sleep 0.$((1 + n % 3))
    echo "{\"task\":$task,\"result\":$((n * n))}"
done
