# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. `make` builds the module for the running kernel, and the launcher; `make help`
# lists the rest. The module's own list of sources is in Kbuild; everything else that is more
# than one command is a script in testbed/. All output goes to build/, long-lived artefacts
# (emulator, kernels) to the cache: ${LINTEL_CACHE:-${XDG_CACHE_HOME:-~/.cache}/lintel}.

KERNEL ?= running
TOP := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

.PHONY: all help setup module userspace selftests demo check check-debug bench bench-budget
.PHONY: check-kvm-selftests fuzz shell clean

all: module userspace

help:
	@echo "Targets"
	@echo "  make                  the module for the running kernel, and the launcher"
	@echo "  make demo             set-up, then a stock Debian guest in Lintel in the test machine"
	@echo "  make check            all tests; closes with 'N passed, N failed, N skipped'"
	@echo "  make check-debug      the tests again on a kernel with KASAN, UBSAN and lockdep"
	@echo "  make bench            figures of Lintel and kvm_intel, in build/bench"
	@echo "  make bench-budget     record what each row of the benchmark may cost"
	@echo "  make check-kvm-selftests"
	@echo "                        the kernel's own KVM tests, on kvm_intel and on Lintel"
	@echo "  make fuzz FUZZ=OPTIONS  a fuzzer: fuzz/run ioctl --seconds 300 --seed 7; --help"
	@echo "  make shell            a prompt in the test machine, module loaded; Ctrl-A X leaves"
	@echo "  make setup            install the Debian packages that the others need"
	@echo "  make module KERNEL=K  build/K/lintel.ko; K is running, small, debug, kcsan, 6.1, 6.12 or sid"
	@echo "  make userspace        build/userspace/lintel"
	@echo "  make selftests        build/selftests/"
	@echo "  make clean            remove build/"
	@echo "Variables"
	@echo "  MACHINE=bochs|qemu|host   the test machine; default: qemu where /dev/kvm nests, else bochs"
	@echo "  BENCH=OPTIONS             of bench/run: rows, --kernels small, --no-boot ..."
	@echo "  CHECK=PATTERN             only the rows of 'make check' whose name matches"
	@echo "  LINTEL_CACHE=DIR          where the emulator and the kernels are kept"
	@echo "The test machine has commands of its own: testbed/machine --help"

setup:
	@testbed/setup all

module:
	@testbed/module $(KERNEL)

userspace:
	@$(MAKE) --no-print-directory -C userspace O=$(TOP)/build/userspace LDFLAGS=-static

selftests:
	@$(MAKE) --no-print-directory -C selftests OUTPUT=$(TOP)/build/selftests

demo:
	@testbed/demo

check:
	@testbed/check $(CHECK)

check-debug:
	@testbed/check --debug $(CHECK)

bench:
	@testbed/setup all
	@bench/run $(BENCH)

bench-budget:
	@testbed/setup all
	@bench/budget --record

check-kvm-selftests:
	@testbed/setup all
	@testbed/checks/kvm-selftests --write

fuzz:
	@testbed/setup all
	@fuzz/run $(or $(FUZZ),--help)

shell: KERNEL = small
shell:
	@testbed/setup all
	@testbed/module $(KERNEL)
	@$(MAKE) --no-print-directory userspace
	@testbed/machine shell --kernel $(KERNEL) --put build/userspace/lintel

clean:
	rm -rf build
