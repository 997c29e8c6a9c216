#!/bin/sh
# run_parallel.sh ROTA - rota run next to GNU parallel, on the examples of its tutorial
#
# Each line of the table is what both get, on a shell's terms; they write the same, in
# any order unless -k is among the words. What differs by decision is not here, but in
# rota-run(1). `wc` is asked for numbers alone, since it writes them in columns
# for a pipe (GNU parallel's) and not for a file (Rota's).
set -eu
rota=$1
. "$(dirname "$0")/check.sh"

command -v parallel >/dev/null || {
    echo "run_parallel.sh: GNU parallel is not installed: nothing to compare with" >&2
    exit 0
}
export PARALLEL_HOME="$TMPDIR/check.home"
mkdir "$PARALLEL_HOME" "$TMPDIR/check.p" "$TMPDIR/check.r" "$TMPDIR/check.files"
cd "$TMPDIR/check.files"
printf 'A\nB\nC\n' >abc-file
printf 'D\nE\nF\n' >def-file
printf 'A\0B\0C\0' >abc0-file
printf 'A_B_C_' >abc_-file
printf 'f1\tf2\nA\tB\nC\tD\n' >tsv-file.tsv
seq 1000000 >num1000000
seq 9999 >num9999
{ echo %head1; echo %head2; seq 10; } >num_%header
printf HHHHAAABBBCCC >fixedlen
printf '/foo, bar/, /baz, qux/, ' >records
printf 'foo,bar,_baz,__qux,' >regexps

# One program, the n-th example: what it wrote, and its status.
one() { # p|r NUMBER STDIN WORDS
    case $1 in
    p) program=parallel ;;
    r) program="'$rota' run" ;;
    esac
    file=$TMPDIR/check.$1/$2
    eval "$program $4" <"$3" >"$file" 2>"$file.err" || echo "status $?" >>"$file"
}

compare() { # NUMBER WORDS
    for who in p r; do
        file=$TMPDIR/check.$who/$1
        case $2 in
        *-k*) cp "$file" "$file.seen" ;;
        *) sort "$file" >"$file.seen" ;;
        esac
    done
    cmp -s "$TMPDIR/check.p/$1.seen" "$TMPDIR/check.r/$1.seen" && return
    about=$2
    cp "$TMPDIR/check.r/$1" "$out"
    cp "$TMPDIR/check.r/$1.err" "$err"
    echo "--- GNU parallel" >&2
    head -c 2000 "$TMPDIR/check.p/$1" >&2
    failed "not what GNU parallel writes"
}

# Some at a time: GNU parallel takes long to start.
number=0
while IFS='|' read -r stdin words; do
    [ -n "$words" ] || continue
    number=$((number + 1))
    one p "$number" "$stdin" "$words" &
    one r "$number" "$stdin" "$words" &
    echo "$words" >"$TMPDIR/check.words.$number"
    [ $((number % 4)) -ne 0 ] || wait
done <<'END'
/dev/null|echo ::: A B C :::: def-file
abc-file|echo :::: - def-file
/dev/null|--link echo ::: A B C D E ::: F G
/dev/null|echo :::: abc-file :::+ G H I :::: def-file
/dev/null|echo :::: abc-file ::: G H I ::::+ def-file
/dev/null|-d _ echo :::: abc_-file
/dev/null|-0 echo :::: abc0-file
/dev/null|::: 'echo foo' 'printf "%s\n" bar'
/dev/null|echo {} {.} {/} {//} {/.} ::: A/B.C
/dev/null|-k echo {#} ::: A B C
/dev/null|-I ,, echo ,, ::: A/B.C
/dev/null|echo /={1/} //={1//} /.={1/.} .={1.} ::: A/B.C D/E.F
/dev/null|echo 1={1} 2={2} 3={3} -1={-1} -2={-2} -3={-3} ::: A B ::: C D ::: E F
/dev/null|--header : --colsep '\t' echo f1={f1} f2={f2} 1={1} :::: tsv-file.tsv
/dev/null|-N3 echo 1={1} 2={2} 3={3} {} ::: A B C D E F G H
/dev/null|-k -N2 echo pre-{}-post {/} ::: a/1 'b 2' c
/dev/null|-k -j2 -m echo pre-{}-post ::: A B C D E
/dev/null|-k -j2 -X echo pre-{}-{.}-post {#} ::: A.x 'B  B' "C'c" D E
/dev/null|-k -j2 -X echo pre-{1}-{2} {} '"#"' \; echo ::: A B C ::: D E
num_%header|-k -j1 -m -s 30 echo {}-{}
num_%header|-k -j4 -X -N3 echo {}
num9999|-k --xargs -s 10000 -j2 echo {} \| cksum
/dev/null|-q perl -e 'print "@ARGV\n"' ::: This works
/dev/null|--trim lr echo pre-{}-post ::: ' A '
/dev/null|--tagstring {}-bar echo foo-{} ::: A B C
/dev/null|-k --tag --dryrun echo {} ::: 'A  A' B
/dev/null|-k -j2 --tag 'printf "%s-start\n%s" {} {}; sleep 0.{}; printf "%s\n" -middle; echo {}-end' ::: 3 2 1
/dev/null|-j2 --linebuffer 'printf "%s-start\n%s" {} {}; sleep 0.{}; printf "%s\n" -middle; echo {}-end' ::: 3 2 1
/dev/null|-k --header : --results ../check.$1/results echo ::: f1 A B ::: f2 C D
num1000000|-k --pipe 'wc | tr -s " "'
num1000000|-k --pipe -N140000 'wc -l'
num1000000|-k --pipe -L75 'wc -l'
fixedlen|-k --pipe --header .{4} --block 3 --recend '' 'cat; echo'
records|-kN1 --recstart / --pipe echo JOB{#}\;cat\;echo END
records|-kN1 --recend ', ' --recstart / --rrs --pipe echo JOB{#}\;cat\;echo END
regexps|-kN1 --regexp --recend ,_+ --pipe echo JOB{#}\;cat\;echo END
num_%header|-k --header '(%.*\n)*' --pipe -N3 echo JOB{#}\;cat
num1000000|-k --pipe --cat 'wc -l <{}; test -f {} && echo {#}'
num1000000|-k --pipe --fifo 'cat {} | cksum; echo {#}'
num9999|-k --pipe -N2000 --fifo cat
num9999|-k --pipe --round-robin -j3 -N100 'cat; echo {#}'
num9999|-k --pipe --round-robin -j2 -N1 --fifo cksum '<{}'
num_%header|-k --header '(%.*\n)*' --pipe --round-robin -j2 -N3 cat
abc-file|-k --pipe --round-robin -j9 -N1 'cat; echo {#}'
/dev/null|-k --pipe --round-robin -j2 echo
END
wait

for n in $(seq "$number"); do
    compare "$n" "$(cat "$TMPDIR/check.words.$n")"
done

begin "results"
diff -r "$TMPDIR/check.p/results" "$TMPDIR/check.r/results" >"$err" ||
    failed "not the same files"

begin "a joblog, and going on by it"
steps() { # PROGRAM LOG
    set +e # what fails is what it is about
    columns="cut -f 1,5-9 $2"
    eval "$1 -j1 --joblog $2 exit ::: 1 2 3 0; $columns
        $1 -j1 --resume --joblog $2 exit ::: 1 2 3 0 0 0; $columns
        $1 -j1 --resume-failed --joblog $2 exit ::: 1 2 3 0 0 0; $columns
        $1 -j1 --retry-failed --joblog $2; $columns" 2>/dev/null
    set -e
}
steps parallel check.plog >check.psteps &
steps "'$rota' run" check.rlog >"$out"
wait
cmp -s check.psteps "$out" || failed "not as GNU parallel's"
