# SPDX-License-Identifier: GPL-2.0-only
#
# The libFuzzer targets, with ASan and UBSan: `make -f libfuzzer.mk` builds them into OUTPUT
# (default ../build/fuzz/libfuzzer). They need Debian's clang-14 and libclang-rt-14-dev.

SRC := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
OUTPUT ?= $(SRC)../build/fuzz/libfuzzer
CLANG ?= clang-14
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_ALL := -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -I$(SRC)../uapi $(SANITIZE) \
	-Wno-gnu-variable-sized-type-not-at-end -Wno-string-concatenation
LAUNCHER := image options devices acpi

LAUNCHER_SRC := $(filter-out %/main.c,$(wildcard $(SRC)../userspace/launcher/*.c)) \
	$(wildcard $(SRC)../userspace/lib/*.c)
EMULATE_SRC := $(wildcard $(SRC)../module/emulate/*.c) $(SRC)../module/emulate/test/machine.c
LAUNCHER_OBJ := $(patsubst $(SRC)../%.c,$(OUTPUT)/obj/%.o,$(LAUNCHER_SRC))
EMULATE_OBJ := $(patsubst $(SRC)../%.c,$(OUTPUT)/obj/%.o,$(EMULATE_SRC))

all: $(LAUNCHER:%=$(OUTPUT)/launcher-%) $(OUTPUT)/interpreter-execute

# an archive, so that a target has what it uses, and its count of edges means something
$(OUTPUT)/launcher.a: $(LAUNCHER_OBJ)
	rm -f $@
	ar rcs $@ $^

$(OUTPUT)/launcher-%: $(OUTPUT)/obj/fuzz/launcher/%.o $(OUTPUT)/launcher.a
	$(CLANG) $(SANITIZE) -fsanitize=fuzzer -pthread -o $@ $^

$(OUTPUT)/interpreter-%: $(OUTPUT)/obj/fuzz/interpreter/%.o $(EMULATE_OBJ)
	$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $@ $^

# what is under test tells libFuzzer which edges it took
$(OUTPUT)/obj/%.o: $(SRC)../%.c $(SRC)libfuzzer.mk
	@mkdir -p $(@D)
	$(CLANG) $(CFLAGS_ALL) -fsanitize=fuzzer-no-link -DLINTEL_VERSION='"fuzz"' -MMD -MP \
		-c -o $@ $<

-include $(LAUNCHER_OBJ:.o=.d) $(EMULATE_OBJ:.o=.d)
.PHONY: all
.SECONDARY:
