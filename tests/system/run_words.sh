#!/bin/sh
# run_words.sh ROTA - rota run: which words become which commands, and what it says
set -eu
rota=$1
. "$(dirname "$0")/check.sh"

begin "an argument is passed on as it is"
mkdir "$TMPDIR/check.dir"
cd "$TMPDIR/check.dir"
for name in '; rm -rf ~' "it's" '$(id)' 'two  spaces' '-n' '{}' '*'; do
    printf x >"./$name"
    run 0 "$rota" run 'cat ./{}' ::: "$name"
    same "$out" 'x'
    run 0 "$rota" run 'cat ./{} | tr x y' ::: "$name"
    same "$out" 'y'
    run 0 "$rota" run -- printf '[%s]' ::: "$name"
    [ "$(cat "$out")" = "[$name]" ] || failed "printf got something else"
done

begin "arguments come from standard input"
run 0 sh -c "printf 'a\nb c\n\nlast' | '$rota' run -j1 echo ="
same "$out" '= a\n= b c\n= \n= last\n'
run 0 sh -c "printf 'a\nb\0c' | '$rota' run -j1 -0 echo"
same "$out" 'a\nb\nc\n'
run 3 sh -c "printf 'a\0b\n' | '$rota' run echo"
says 'NUL byte; use -0'
run 0 sh -c "'$rota' run echo </dev/null"
silent

begin "whole commands"
run 1 sh -c "printf 'echo one\n\nexit 4\necho two | cat\n' | '$rota' run -j1"
same "$out" 'one\ntwo\n'
says 'task 2 exited with status 4: exit 4'

begin "what GNU parallel has, and is not here"
for words in '--tmux' '-S host' '-E stop' '--rpl x'; do
    run 2 "$rota" run $words echo ::: a
    says "GNU parallel's -"
done
for words in '--results x.csv' '--results d/{}.txt'; do
    run 2 "$rota" run $words echo ::: a
    says "outputs go to files of a folder|the folder is one for all"
done
run 2 "$rota" run echo '{=' 's/a/b/' '=}' ::: a
says 'is Perl'
run 0 "$rota" run --will-cite -P1 -C ' ' --keeporder echo '{2}' ::: 'a b'
same "$out" 'b\n'

begin "another shell"
if command -v bash >/dev/null; then
    cat >"$TMPDIR/check.bash" <<'END'
f() { echo "in f: $1"; }
export -f f
"$1" run f ::: a
PARALLEL_SHELL=bash "$1" run -k f ::: 'a  b' "it's"
PARALLEL_SHELL=bash "$1" run -k 'x=(1 {}); cat <<< ${x[1]}' ::: '$(id)'
PARALLEL_SHELL=/bin/bash "$1" run -q echo ::: '$x'
PARALLEL_SHELL=/bin/fish "$1" run echo ::: a
END
    run 2 bash "$TMPDIR/check.bash" "$rota"
    same "$out" "in f: a  b\nin f: it's\n\$(id)\n\$x\n"
    says "it is a function of bash: 'export PARALLEL_SHELL=bash'"
    says "PARALLEL_SHELL '/bin/fish'"
fi

begin "an argument that no quotes would hold"
run 0 "$rota" run 'echo $((1+{}))' ::: 2
same "$out" '3\n'
run 3 "$rota" run 'echo $((1+{}))' ::: '$(echo 2)'
says 'argument .* stands in'

begin "commands read nothing"
run 0 sh -c "seq 3 | '$rota' run -j1 'cat; echo'"
same "$out" '1\n2\n3\n'

begin "each end is told apart"
run 1 "$rota" run -j1 'exit {}' ::: 0 7
says 'task 2 exited with status 7: exit 7'
says '2 tasks: 1 succeeded, 1 failed; 0 workers lost'
run 1 "$rota" run 'kill -{} $$' ::: 9
says 'task 1 was killed by signal 9 \(SIGKILL\)'
run 1 "$rota" run no-such-command-here ::: a
says 'could not be started: No such file or directory'
run 1 "$rota" run / ::: a
says 'could not be started: Permission denied'

begin "a success is silent, a summary where it is wanted"
run 0 "$rota" run true ::: 1 2
silent
run 0 "$rota" run --summary true ::: 1 2
says '2 tasks: 2 succeeded, 0 failed; 0 workers lost, 0 tasks run again; [0-9.]+ s$'

begin "wrong words"
run 2 "$rota"
run 2 "$rota" rnu
says "no command 'rnu'; there is 'run' 'resume' 'status' 'report' 'exec'"
run 2 "$rota" run -j 2x true ::: 1
says "'2x' is not a number of commands"
run 2 "$rota" run --no-such-option true ::: 1
run 2 "$rota" run --hosts a:2 true ::: 1
says 'a count needs -n'
run 2 "$rota" run --hostfile a true ::: 1
says 'need -n'
run 0 env SLURM_JOB_ID=1 SLURM_NNODES=2 "$rota" run --hosts : echo ::: 1
same "$out" '1\n'
run 2 env SLURM_JOB_ID=1 SLURM_NNODES=2 SLURMD_NODENAME=a SLURM_STEP_ID=0 \
    SLURM_STEP_NUM_TASKS=2 "$rota" run echo ::: 1
says 'srun has started this as 2 processes'
run 2 "$rota" run -j 10000000 true ::: 1
run 2 "$rota" run -j 1000000 true ::: 1
says 'ulimit -n'
run 0 "$rota" --help
run 0 "$rota" help run
run 0 "$rota" --version
