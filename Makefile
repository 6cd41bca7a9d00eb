# spoolfs. `make help` tells the targets; the variants are variables:
#   make check CC=clang    make check SAN=address,undefined    make check SAN=thread    make check COV=1
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
COV     ?=
VERSION := 0.1.0

COMMA := ,
BUILD := build/$(CC)$(if $(SAN),-$(subst $(COMMA),-,$(SAN)))$(if $(COV),-cov)
WARN  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wundef -Wformat=2 -Wswitch-enum \
	 -Wcast-qual -Wwrite-strings -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Werror
HARD  := -fstack-protector-strong -fPIE $(if $(SAN)$(COV),,-D_FORTIFY_SOURCE=2)
OPT   := $(if $(COV),-O0,-O2)
PKGS  := fuse3 yaml-0.1 jansson sqlite3

CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=312 -DSPOOLFS_VERSION='"$(VERSION)"' -I. \
	    $(filter-out -Wno%,$(subst -I,-isystem ,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)))
CFLAGS   += -std=c17 -g $(OPT) $(WARN) $(HARD) -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(if $(COV),--coverage)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(COV),--coverage)
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

MODULES  := config engine fs
SOURCES  := $(wildcard $(MODULES:%=%/*.c))
LIB_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out fs/main.c,$(SOURCES)))
LIB      := $(BUILD)/libspoolfs.a
SPOOLFS  := $(BUILD)/spoolfs
CTESTS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/test_*.c))
CALLERS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/mount/*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
FUZZERS  := $(wildcard tests/fuzz/fuzz_*.c)

.PHONY: all help check demo bench fuzz install uninstall clean lint deps tests fuzzers
all: $(SPOOLFS) ## build the program (the default)

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "  variables: CC=clang  SAN=address,undefined or thread  COV=1  PREFIX=$(PREFIX)  DESTDIR="

demo: $(SPOOLFS) ## run the ledger example on a mount of its own
	@SPOOLFS=$(SPOOLFS) examples/ledger/run

# What is installed besides the program; examples and README as they lie here.
MANUALS := $(wildcard man/*.[1-9])
EXTRAS  := README.md $(shell find examples -type f | sort)
DOCDIR  := $(DESTDIR)$(PREFIX)/share/doc/spoolfs
MANDIR  := $(DESTDIR)$(PREFIX)/share/man

install: $(SPOOLFS) ## install below DESTDIR and PREFIX
	install -D $(SPOOLFS) $(DESTDIR)$(PREFIX)/bin/spoolfs
	install -d $(DESTDIR)$(PREFIX)/sbin
	ln -sf ../bin/spoolfs $(DESTDIR)$(PREFIX)/sbin/mount.spoolfs
	for page in $(MANUALS:man/%=%); do install -D -m 644 man/$$page $(MANDIR)/man$${page##*.}/$$page; done
	for file in $(EXTRAS); do install -D -m $$(test -x $$file && echo 755 || echo 644) $$file $(DOCDIR)/$$file; done

uninstall: ## remove what install has installed
	rm -f $(DESTDIR)$(PREFIX)/bin/spoolfs $(DESTDIR)$(PREFIX)/sbin/mount.spoolfs
	for page in $(MANUALS:man/%=%); do rm -f $(MANDIR)/man$${page##*.}/$$page; done
	rm -f $(EXTRAS:%=$(DOCDIR)/%)
	! test -d $(DOCDIR) || find $(DOCDIR) -depth -type d -empty -delete

clean: ## remove everything that was built
	rm -rf build

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJS)
	@rm -f $@
	@$(AR) qcs $@ $^

$(SPOOLFS): $(BUILD)/fs/main.o $(LIB)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

tests: $(SPOOLFS) $(CTESTS) $(CALLERS) ## build the tests

# Of the programs those that TESTS wants.
CHECKED = $(filter $(or $(foreach test,$(TESTS),$(BUILD)/tests/$(test)/% $(BUILD)/$(test:.c=)),%),$(CTESTS))

check: ## build and run all tests; TESTS="mount lint" or a list of files: only these
	@$(MAKE) --no-print-directory --jobs=$$(nproc) $(SPOOLFS) $(CALLERS) $(CHECKED)
	@$(if $(filter fuzz tests/fuzz/%,$(or $(TESTS),$(BUILD:build/gcc=fuzz))),$(MAKE) --no-print-directory fuzzers)
	@BUILD=$(BUILD) SAN=$(SAN) COV=$(COV) tests/run $(TESTS)

fuzz: fuzzers ## run each fuzz target for SECONDS=60
	@for target in $(FUZZERS); do tests/fuzz/run $$target $(or $(SECONDS),60) || exit; done

# A build of its own: libFuzzer is clang's.
fuzzers:
	@$(MAKE) --silent --no-print-directory --jobs=$$(nproc) BUILD=build/fuzz CC=clang COV= \
		SAN=fuzzer-no-link,address,undefined $(FUZZERS:%.c=build/fuzz/%)

bench: $(SPOOLFS) $(BENCHES) ## measure beside floors (5 minutes; QUICK=1: one)
	@tests/bench/run $(BUILD)
	@echo; echo 'the engine alone, by jobs that wait and groups that are blocked'
	@$(BUILD)/tests/bench/bench_engine

lint: $(SPOOLFS) ## run the static checks only
	@BUILD=$(BUILD) tests/run lint

deps: ## install the Debian packages that building and testing need
	@.ci/deps

# The compiler's flags, for clang-tidy.
.PHONY: flags
flags:
	@echo $(CPPFLAGS) -std=c17

# TEST=NAME in the environment runs that test of the program alone.
$(CTESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/filter.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) -lcmocka

# The disk that fails, and what is done to it.
FAULTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fault/test_*.c tests/sim/test_*.c))
$(FAULTS): $(BUILD)/tests/fault/disk.o $(BUILD)/tests/fault/scenario.o
$(BUILD)/tests/sim/test_sim: $(BUILD)/tests/sim/model.o $(BUILD)/tests/sim/same.o $(BUILD)/tests/sim/calls.o
TRIALS := $(addprefix $(BUILD)/tests/fault/,test_calls test_memory test_full)
$(TRIALS): $(BUILD)/tests/fault/trial.o $(BUILD)/tests/fault/memory.o
$(TRIALS): LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=free

$(BUILD)/tests/fuzz/fuzz_stream: LDFLAGS += -Wl,--wrap=committer_engine,--wrap=committer_now_ms,--wrap=committer_fs
$(FUZZERS:%.c=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(LIB)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# Programs that play producers and workers; they know nothing of spoolfs.
$(CALLERS): $(BUILD)/%: $(BUILD)/%.o
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(LIB)
	@echo '  LD      $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PRECIOUS: $(BUILD)/tests/%.o

-include $(patsubst %.c,$(BUILD)/%.d,$(SOURCES) $(wildcard tests/*.c tests/*/*.c))
