# Makefile - the front door: each target does all its own set-up.
#
#   make          build into build/ (build/rota, build/librota.a, build/examples/)
#   make demo     a farm does real work, loses a worker on the way, and finishes
#   make check    every test, on Open MPI and on MPICH
#   make cluster  tests on two hosts made here, with a Slurm of their own (root)
#   make bench    the figures that the documentation quotes
#   make lint     clang-format and clang-tidy over the sources
#   make clean    remove what was built

.PHONY: all setup demo check cluster bench lint clean

all:
	@tools/build dev

setup:
	@tools/setup

demo: setup
	@tools/build dev
	@tools/demo

check: setup
	@tools/check

cluster: setup
	@tools/build dev mpich
	@tests/cluster/run build build-mpich

bench: setup
	@tools/build dev mpich
	@tools/bench

lint:
	@tools/lint

clean:
	rm -rf build build-*
