# Makefile - the front door: each target does all its own set-up.
#
#   make          build into build/ (build/rota, build/librota.a, build/examples/)
#   make demo     a farm does real work, loses a worker on the way, and finishes
#   make check    every test, on Open MPI and on MPICH
#   make chaos    kill, freeze, fill disks... at random, RUNS=100 times, AT_ONCE=8
#   make cluster  tests on two hosts made here, with a Slurm of their own (root)
#   make bench    the figures that the documentation quotes
#   make lint     clang-format and clang-tidy over the sources
#   make release  build what is to be installed, into build-release/
#   make install  install it: PREFIX=/usr/local, DESTDIR, MPI=openmpi|mpich
#   make uninstall
#   make deb      Debian packages, into build-deb/
#   make clean    remove what was built

.PHONY: all setup demo check chaos cluster bench lint release install uninstall deb clean
export PREFIX DESTDIR MPI

all:
	@tools/build dev

setup:
	@tools/setup

demo: setup
	@tools/build dev
	@tools/demo

check: setup
	@tools/check

chaos: setup
	@tools/build dev mpich
	@tests/chaos/chaos build build-mpich --runs $(or $(RUNS),100) \
	    --at-once $(or $(AT_ONCE),8)

cluster: setup
	@tools/build dev mpich
	@tests/cluster/run build build-mpich

bench: setup
	@tools/build dev mpich
	@tools/bench

lint:
	@tools/lint

release:
	@tools/install release

install:
	@tools/install

uninstall:
	@tools/install uninstall

deb:
	@tools/deb

clean:
	rm -rf build build-*
