#!/bin/sh
# examples.sh DIR [LAUNCHER...] - the farm's examples print what they are to print
#
# LAUNCHER is what `-n N PROGRAM` follows; without one each program is started by its
# name alone.
set -u
. "$(dirname "$0")/check.sh"
dir=$1
shift

example() { # NAME: run it, with 4 ranks where there is a launcher
    begin "$1"
    name=$1
    shift
    if [ $# -eq 0 ]; then
        run 0 "$dir/$name"
    else
        run 0 "$@" -n 4 "$dir/$name"
    fi
}

has() { # COUNT PATTERN: so many lines of standard output are like this (grep -E)
    [ "$(grep -cE "$2" "$out")" -eq "$1" ] || failed "not $1 lines like '$2'"
}

example farm_hello "$@"
has 10 '^[0-9] squared is [0-9]+$'
has 1 '^9 squared is 81$'

example farm_generate "$@"
same "$out" '78498 primes below 1000000\n'

example farm_alike "$@"
same "$out" 'from 837799 it takes 524 steps to 1, from all others below 1000000 no more\n'

example farm_order "$@"
same "$out" '%s\n' 'every -> EVERY' 'wait -> WAIT' 'ends, -> ENDS,' 'with -> WITH' \
    'a -> A' 'result -> RESULT' 'or -> OR' 'with -> WITH' 'a -> A' 'reason -> REASON'

example farm_retry "$@"
has 1 '^with 0 retries: given up, busy at attempt 1 \(attempts: 1\)$'
has 1 '^with 1 retries: given up, busy at attempt 2 \(attempts: 2\)$'
has 2 '^with [23] retries: an answer \(attempts: 3\)$'

example farm_priority "$@"
has 6 '^ *-?[0-9]+  '
[ $# -gt 0 ] || [ "$(sed -n '1s/^ *//p' "$out")" = '10  put out the fire' ] ||
    failed "the fire is not put out first"

example farm_near "$@"
has 0 'meant for rank 0: rank [1-9]|meant for rank 1: rank [02-9]|not|failed'
has 3 "^meant for rank 0: rank 0's task no. [1-3]$"

example farm_cancel "$@"
same "$out" '10000019070000133 is divisible by 10000019; results for all tasks\n'

example farm_tree "$@"
same "$out" '10 queens can stand in 724 ways\n'

example farm_crash "$@"
has 1 '^task 0 was done: behave$'
has 1 "^task 1 failed with code -1: cannot find 'what I was to look for'$"
has 1 '^task 2 failed with code 7$'
has 1 '^task 3 was ended by signal 11 \(SIGSEGV\)$'
has 1 '^task 4 was ended by signal 6 \(SIGABRT\)$'
has 1 '^task 5 ended its process with status 3$'
has 1 '^task 6 ran out of time$'
[ $# -eq 0 ] || has 1 '^task 7 was given up, as it took 1 worker along$'

example farm_stats "$@"
has 1 '^200 submitted: 200 done, 0 failed, 0 crashed$'
