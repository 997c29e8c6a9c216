# common.sh - for the scripts beside it: which launcher a build has, and medians

build=${1:?name a build folder, as build or build-mpich}
launcher=$(sed -n 's/^ROTA_MPIEXEC:[A-Z]*=//p' "$build/CMakeCache.txt")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1

median() { # FILE: of the numbers in it, one a line
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
