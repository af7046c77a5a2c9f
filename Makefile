# Builds ticketchat: `make' into build/, `make check', `make install'.
# CC, CFLAGS, PREFIX, DESTDIR and SYSCONFDIR have their usual meanings.

VERSION	= 0.2.0
PREFIX	= /usr/local
SYSCONFDIR = /etc
CC	= cc
CFLAGS	= -O2 -g
AWK	= awk
LIBS	= -lsqlite3 -lm
# SQLite and libcurl refer to dlopen(3) and getaddrinfo(3), so ld warns; none of
# the statically linked programs calls them.
LIBS_STATIC = -lsqlite3 -lm -Wl,--no-warnings $(RELR)
# A hundredth of the size for what is relocated at each start, which glibc can read
# since version 2.36.
RELR	= $(shell printf '\043include <features.h>\n\043if __GLIBC_PREREQ(2, 36)\n\
	-Wl,-z,pack-relative-relocs\n\043endif\n' | $(CC) -E -P - 2>/dev/null)
MODULES	= ollama/http auth/signature
LIBS_http = -lcurl
LIBS_signature = -lcrypto
B	= build

# The paths of the programs and their settings; `make install' builds again with
# its own paths.
LIBEXEC	= $(abspath $(B))/libexec
WEBDIR	= $(abspath $(B))/web
CONF	= $(CURDIR)/websocketd.conf

WARN	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla \
	-Wnull-dereference -Wdouble-promotion -Wswitch-enum \
	-Werror=implicit-function-declaration
WARN_GCC = -Wcast-align=strict -Wformat-signedness -Wduplicated-cond \
	-Wduplicated-branches -Wlogical-op -Wimplicit-fallthrough=3
HARDEN	= -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fPIE
HARDEN_LINK = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
# Options that only gcc knows, if the compiler is gcc.
IS_GCC	:= $(shell $(CC) --version 2>/dev/null | grep -q 'Free Software' && \
	echo yes)
FLAGS	= -std=c11 -D_GNU_SOURCE -MMD -MP -iquote lib -iquote handlers \
	-iquote $(B) $(WARN) $(if $(IS_GCC),$(WARN_GCC)) $(HARDEN) $(CFLAGS)
DEFINES	= -DVERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXEC)"' \
	-DWEBDIR='"$(WEBDIR)"' \
	-DCONF_FILE='"$(CONF)"'

# chat starts once per connection.  Linked statically, it starts in two thirds of
# the time, with half of the memory, and contains SQLite and the C library: rebuild
# it when these are updated.  STATIC= links it dynamically; that is also done if
# there is no libsqlite3.a, and under a sanitizer.
STATIC	:= $(if $(findstring -fsanitize,$(CFLAGS)),,$(findstring /,$(shell \
	$(CC) -print-file-name=libsqlite3.a)))
# For this, answer needs a libcurl without TLS, which no distribution has;
# deploy/libcurl.sh builds one into build/libcurl, where make finds it.  Starting
# answer then takes a tenth of the time.  Another one is used until the next
# `make CURL=DIRECTORY'; with CURL=no, as in the tests, none is.
CURL	?= $(or $(patsubst %/lib/libcurl.a,%,$(wildcard $(addsuffix \
	/lib/libcurl.a,$(shell cat $(B)/curl 2>/dev/null)))),build/libcurl)
SMALL_CURL := $(if $(wildcard $(CURL)/lib/libcurl.a),$(CURL))
STATIC_PROGRAMS = $(if $(STATIC),chat $(if $(SMALL_CURL),answer-http))

# Everything in lib/ except the modules; each program links what it needs.  Each of
# the two implementations of lib/store/ has its own archive.
LIB	= $(patsubst lib/%.c,$(B)/obj/%.o,$(filter-out lib/base/module_static.c \
	$(MODULES:%=lib/%.c),$(sort $(wildcard lib/*/*.c))))
SQLITE	= $(patsubst lib/%.c,$(B)/obj/%.o,$(sort \
	$(wildcard lib/store/sqlite/*.c)))
PG	= $(patsubst lib/%.c,$(B)/obj/%.o,$(sort \
	$(wildcard lib/store/postgres/*.c)))
PROGRAMS = chat answer sessions door

# The other parts of the programs.
chat	= $(patsubst %,$(B)/obj/handlers/%.o,chat outdated program)
answer	= $(patsubst %,$(B)/obj/handlers/%.o,answer program servers)
lookup	= $(patsubst %,$(B)/obj/handlers/%.o,lookup program)
door	= $(patsubst %,$(B)/obj/handlers/%.o,door metrics program sessions/aging)
sessions = $(patsubst %.c,$(B)/obj/%.o,handlers/metrics.c handlers/program.c \
	$(sort $(wildcard handlers/sessions/*.c)))
$(B)/bin/chat $(B)/libexec/chat-jwt: $(chat)
$(B)/bin/answer $(B)/libexec/answer-http $(B)/libexec/answer-postgres: \
	$(answer)
$(B)/bin/sessions $(B)/libexec/sessions-postgres: $(sessions)
$(B)/libexec/lookup: $(lookup)
$(B)/bin/door: $(door)
$(B)/libexec/mail-text: $(B)/obj/handlers/mail_text.o $(B)/lib.a
	$(link)
$(B)/libexec/mail-text: private LIBS :=

# The files of web/ that the service delivers.
PAGE	= $(sort web/index.html $(filter-out %.test.js,$(wildcard \
	web/*.html web/*.css web/*.js web/*.ts web/*.tsx)))

# The programs that run.sh and chat start, in their variants; see docs/design.md.
VARIANTS = $(patsubst %,$(B)/libexec/%,chat chat-jwt answer answer-http mail-text door)
all: $(PROGRAMS:%=$(B)/bin/%) $(VARIANTS) $(B)/libexec/libcurl \
	$(patsubst %,$(B)/libexec/%.so,$(notdir $(MODULES))) $(B)/handlers/api/websocket/chat $(B)/web

$(B)/lib.a: $(LIB)
$(B)/sqlite.a: $(SQLITE)
$(B)/postgres.a: $(PG)
$(B)/lib.a $(B)/sqlite.a $(B)/postgres.a:
	rm -f $@
	$(AR) rc $@ $^

# A copy that is written in large pieces is in large pieces of memory, too, and
# starts in seven eighths of the time of what ld has written.
define link
@mkdir -p $(@D)
$(CC) $(CFLAGS) $(HARDEN_LINK) $(LDFLAGS) -o $@.linked \
	$(filter %.o,$^) $(call archives,$^) $(LIBS)
@cp $@.linked $@.new && rm $@.linked
@mv $@.new $@
endef
archives = -Wl,--start-group $(filter %.a,$(1)) -Wl,--end-group

$(PROGRAMS:%=$(B)/bin/%): $(B)/lib.a $(B)/sqlite.a
	$(link)

# For a DATABASE on a PostgreSQL server: answer, sessions, and lookup, through which
# chat asks it.  `make everything' and `make postgres' build them if libpq is there.
PG_CFLAGS = $(shell pkg-config --cflags libpq 2>/dev/null)
PG_PROGRAMS = $(patsubst %,$(B)/libexec/%,answer-postgres lookup \
	sessions-postgres)
postgres: all $(PG_PROGRAMS)
$(PG_PROGRAMS): $(B)/lib.a $(B)/postgres.a
	$(link)
$(PG_PROGRAMS): private LIBS := -lpq -lm
$(PG): FLAGS += $(PG_CFLAGS)
$(PG): $(B)/sql_postgres.h

# If a program cannot be linked statically, it can do everything, and is the only
# variant, under both names.
ifneq ($(filter chat,$(STATIC_PROGRAMS)),)
STATIC_TARGETS += $(B)/bin/chat
$(B)/libexec/chat-jwt: $(B)/lib.a $(B)/sqlite.a
	$(link)
else
$(B)/libexec/chat-jwt: $(B)/bin/chat
	$(place)
endif
# The tests of what programs cost want it with CURL=no, too, under another name.
STATIC_ANSWERS = $(B)/tests/answer-http
TEST_CURL = $(or $(SMALL_CURL),build/libcurl)
STATIC_TARGETS += $(STATIC_ANSWERS)
ifneq ($(filter answer-http,$(STATIC_PROGRAMS)),)
STATIC_ANSWERS += $(B)/libexec/answer-http
else
$(B)/libexec/answer-http: $(B)/bin/answer $(B)/libexec/libcurl
	$(place)
	@touch $@
endif
$(STATIC_ANSWERS): $(answer) $(B)/obj/ollama/http_static.o \
	$(TEST_CURL)/lib/libcurl.a $(B)/lib.a $(B)/sqlite.a
	$(link)
$(B)/obj/ollama/http_static.o: lib/ollama/http.c $(B)/flags $(B)/libexec/libcurl
	$(CC) $(FLAGS) -I$(TEST_CURL)/include $(DEFINES) -c -o $@ $<
$(STATIC_TARGETS): $(B)/obj/base/module_static.o
$(STATIC_TARGETS): private HARDEN_LINK := -static$(HARDEN_LINK)
$(STATIC_TARGETS): private LIBS = $(LIBS_STATIC)

# Only a module uses a heavy library; see lib/base/module.h.
$(B)/libexec/http.so: $(B)/obj/ollama/http.pic.o
$(B)/libexec/signature.so: $(B)/obj/auth/signature.pic.o
$(B)/libexec/%.so:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS) \
		-o $@.new $^ $(LIBS_$*)
	@mv $@.new $@

# Hard links, replaced as a whole while processes run the old programs.  A
# websocketd that version 0.1 started looks for chat below handlers/.
$(B)/libexec/answer $(B)/libexec/chat $(B)/libexec/door: $(B)/libexec/%: $(B)/bin/%
	$(place)
$(B)/handlers/api/websocket/chat: $(B)/bin/chat
	$(place)

define place
@mkdir -p $(@D)
ln -f $< $@.new
@mv $@.new $@
endef

# The service delivers all files in this directory, so it is built and replaced as a
# whole, and rebuilt if it contains anything else.  Its files are new each time.
$(B)/web: $(PAGE)
	@rm -rf $@.new $@.old
	@install -d $@.new
	install -m 644 $(PAGE) $@.new
	@[ ! -e $@ ] || mv $@ $@.old && mv $@.new $@
	@rm -rf $@.old
ifneq ($(notdir $(PAGE)),$(notdir $(sort $(wildcard $(B)/web/*))))
$(B)/web: FORCE
endif

$(B)/obj/%.o: lib/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(DEFINES) -c -o $@ $<
$(B)/obj/handlers/%.o: handlers/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(DEFINES) -c -o $@ $<
$(B)/obj/%.pic.o: lib/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -fPIC $(DEFINES) -c -o $@ $<

$(SQLITE): $(B)/sql.h
$(SQLITE) $(PG) $(filter $(B)/obj/store/%,$(LIB)): $(B)/statements.h
$(B)/obj/ollama/prompt.o: $(B)/system_prompt.h
$(B)/sql.h: sql/embed.awk $(sort $(wildcard sql/*.sql)) $(B)/flags
$(B)/sql_postgres.h: sql/embed.awk $(sort $(wildcard sql/postgres/*.sql)) \
	$(B)/flags
$(B)/statements.h: $(B)/sql.h $(B)/sql_postgres.h
	$(AWK) -v names=yes -f sql/embed.awk $(sort $(wildcard sql/*.sql \
		sql/postgres/*.sql)) >$@.new
	@mv $@.new $@
$(B)/sql.h $(B)/sql_postgres.h:
	$(AWK) -f sql/embed.awk $(filter %.sql,$^) >$@.new
	@mv $@.new $@
$(B)/system_prompt.h: lib/ollama/embed.awk lib/ollama/system_prompt.txt \
	$(B)/flags
	$(AWK) -f lib/ollama/embed.awk lib/ollama/system_prompt.txt >$@.new
	@mv $@.new $@

# Rebuild everything after a change of compiler, flags or paths, or if a migration
# was removed.
BUILT_WITH = $(CC) $(FLAGS) $(LDFLAGS) $(DEFINES) $(STATIC) \
	$(sort $(wildcard sql/*.sql sql/postgres/*.sql))
$(B)/flags: FORCE
	@mkdir -p $(B)/obj
	@echo '$(BUILT_WITH)' | cmp -s - $@ || echo '$(BUILT_WITH)' >$@
FORCE:

# The version of the libcurl in answer-http, for `sessions doctor' and run.sh; empty
# if none is.  The file's own time is that of the last change.
CURL_VERSION = $(if $(filter answer-http,$(STATIC_PROGRAMS)),$(shell sed -n \
	's/^.define LIBCURL_VERSION "\(.*\)"/\1/p' $(SMALL_CURL)/include/curl/curlver.h))
$(B)/libexec/libcurl: FORCE
	@mkdir -p $(@D)
	@[ -z '$(SMALL_CURL)' ] || echo '$(SMALL_CURL)' >$(B)/curl
	@echo '$(CURL_VERSION)' | cmp -s - $@ || echo '$(CURL_VERSION)' >$@

# The model server of the tests and of `run.sh --demo', which plays recordings.
$(B)/tests/replay: $(sort $(wildcard tests/replay/*.[ch])) $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(FLAGS)) -o $@ $(filter %.c,$^)

# For faults that strace cannot cause.
$(B)/tests/preload.so: tests/preload.c $(B)/flags
	@mkdir -p $(@D) $(B)/tests/obj
	$(CC) $(FLAGS) -fPIC -shared -MF $(B)/tests/obj/preload.d -o $@ $<

# Tests; CASES=tests/cases/x.bats runs a part of them.
CASES	= tests/cases
UNITS	= $(patsubst %.c,$(B)/tests/%,$(notdir $(sort \
	$(wildcard tests/unit/*/t_*.c))))

.SECONDEXPANSION:
$(UNITS): $(B)/tests/%: $$(wildcard tests/unit/*/$$*.c) $(B)/lib.a \
	$(B)/sqlite.a
	@mkdir -p $(@D) $(B)/tests/obj
	$(CC) $(FLAGS) $(DEFINES) -MF $(B)/tests/obj/$*.d -iquote tests/unit \
		$(LDFLAGS) -pie -o $@ $< $(call archives,$^) $(LIBS)

# The program that tests/compare runs.
$(B)/tests/judge: tests/compare/judge.c $(B)/lib.a $(B)/sqlite.a
	@mkdir -p $(@D) $(B)/tests/obj
	$(CC) $(FLAGS) $(DEFINES) -MF $(B)/tests/obj/judge.d $(LDFLAGS) -pie \
		-o $@ $< $(call archives,$^) $(LIBS)

# The tests of the stores again, on PostgreSQL; tests/postgres starts a server.
PG_UNITS = $(B)/tests/postgres/t_store $(B)/tests/postgres/t_query
$(PG_UNITS): $(B)/tests/postgres/%: $$(wildcard tests/unit/*/$$*.c) \
	$(B)/lib.a $(B)/postgres.a
	@mkdir -p $(@D) $(B)/tests/obj
	$(CC) $(FLAGS) $(DEFINES) -MF $(B)/tests/obj/postgres_$*.d -iquote \
		tests/unit $(LDFLAGS) -pie -o $@ $< $(call archives,$^) -lpq -lm

# Everything that the tests run.
everything: all $(if $(PG_CFLAGS),postgres $(PG_UNITS)) $(B)/tests/replay $(B)/tests/preload.so \
	$(B)/tests/judge $(UNITS)

check: everything
	@for t in $(UNITS); do $$t || exit 1; done
	B=$(B) bats $(CASES)

# Tests each fault of tests/faults.txt, and prints which passed.
fault: everything
	B=$(B) tests/faults.sh

# Builds the same under AddressSanitizer and UndefinedBehaviorSanitizer, into
# $(B)/san; `make check B=build/san' then runs it.
san:
	$(MAKE) everything B=$(B)/san HARDEN= CFLAGS="-O0 -g \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-fno-omit-frame-pointer"

# Runs each fuzzer for FUZZ_SECONDS, with its corpus (clang's libFuzzer); its output
# is in $(B)/fuzz/NAME.log.
FUZZ_SECONDS = 60
FUZZERS	= message upstream settings token text head
FUZZ_FLAGS = -O1 -g -Werror -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz:
	$(MAKE) $(B)/fuzz/lib.a $(B)/fuzz/sqlite.a B=$(B)/fuzz CC=clang HARDEN= \
		CFLAGS="$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link"
	@cd $(B)/fuzz && mkdir -p $(FUZZERS:%=corpus/%)
	@rc=0; for f in $(FUZZERS); do \
		clang -std=c11 -D_GNU_SOURCE -iquote lib -iquote $(B)/fuzz \
			$(FUZZ_FLAGS) -fsanitize=fuzzer -o $(B)/fuzz/$$f \
			tests/fuzz/$$f.c $(call archives,$(B)/fuzz/lib.a \
			$(B)/fuzz/sqlite.a) $(LIBS) && \
		$(B)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=60 \
			-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$$f \
			tests/fuzz/corpus/$$f >$(B)/fuzz/$$f.log 2>&1 && \
		echo "ok fuzz $$f: $$(tail -n 1 $(B)/fuzz/$$f.log)" || \
		{ rc=1; echo "FAILED fuzz $$f"; tail -n 30 $(B)/fuzz/$$f.log; }; \
	done; exit $$rc

# SOAK="-m 1 -n 200" is a short run; the default is an hour.
soak: all $(B)/tests/replay
	/usr/bin/python3 tests/soak/soak.py $(SOAK)

# BENCH=-q is a short run; BENCH=-w writes the figures into docs/ and README.
bench: all
	sh tests/bench/run.sh $(BENCH)

# COMPARE="-t 60" runs each for a minute; JUDGED=build/san tests the build of `make
# san'.
JUDGED	= $(B)
compare: everything
	/usr/bin/python3 tests/compare/compare.py -b $(JUDGED) $(COMPARE)

# Counts what chat and answer cost, and compares with tests/cost.txt; answer with a
# small libcurl as well, if one can be built here.
cost: all
	@[ -e $(TEST_CURL)/lib/libcurl.a ] || \
		sh deploy/libcurl.sh >$(B)/libcurl.log 2>&1 || :
	@[ ! -e $(TEST_CURL)/lib/libcurl.a ] || \
		$(MAKE) -s $(B)/tests/answer-http
	B=$(B) tests/cost.sh

lint:
	sh tests/lint.sh

# What is installed or packed has the small libcurl, unless CURL=no.  Where it cannot
# be built, without apt sources for example, answer does without it.
libcurl:
ifeq ($(SMALL_CURL)$(filter no,$(CURL))$(if $(STATIC),,no),)
	@mkdir -p $(B)
	@echo "building a small libcurl, for a minute (CURL=no: none)"
	@sh deploy/libcurl.sh $(CURL) >$(B)/libcurl.log 2>&1 || \
		echo "no small libcurl, and answers cost more" \
		"(docs/sizing.md): $$(tail -n 1 $(B)/libcurl.log)"
endif

# Builds again, with the paths of the installation.
DIR	= $(DESTDIR)$(PREFIX)
UNITDIR	= $(PREFIX)/lib/systemd/system
SYSTEMD	= ticketchat.service ticketchat-upkeep.service ticketchat-upkeep.timer \
	ticketchat-door.socket ticketchat-door@.service
STATE	= /var/lib/ticketchat
RUN	= /run/ticketchat
# The units of systemd, with the paths of the installation.
units:
	@mkdir -p $(B)/install
	@for u in $(SYSTEMD); do \
		sed -e '/^@SANDBOX@/{r deploy/sandbox.conf' -e 'd;}' \
			-e 's|@PREFIX@|$(PREFIX)|g' \
			-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
			deploy/$$u >$(B)/install/$$u || exit 1; \
	done
# POSTGRES=yes: the variants for PostgreSQL too; without it they are removed.
POSTGRES =
install: libcurl units
	$(MAKE) all $(if $(POSTGRES),postgres) B=$(B)/install CURL=$(CURL) LIBEXEC=$(PREFIX)/libexec/ticketchat \
		WEBDIR=$(PREFIX)/share/ticketchat/web \
		CONF=$(SYSCONFDIR)/ticketchat/websocketd.conf
	install -d $(DIR)/bin $(DIR)/libexec/ticketchat \
		$(DIR)/libexec/ticketchat/handlers/api/websocket \
		$(DIR)/share/doc/ticketchat $(DIR)/share/ticketchat/sql \
		$(DIR)/share/ticketchat/web \
		$(DIR)/share/man/man1 $(DIR)/share/man/man5 $(DIR)/share/man/man8 \
		$(DIR)/lib/sysusers.d $(DIR)/lib/tmpfiles.d $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(SYSCONFDIR)/ticketchat
	install $(B)/install/bin/sessions $(DIR)/bin/sessions
	install $(VARIANTS:$(B)/%=$(B)/install/%) $(DIR)/libexec/ticketchat
	rm -f $(PG_PROGRAMS:$(B)/libexec/%=$(DIR)/libexec/ticketchat/%)
ifneq ($(POSTGRES),)
	install $(PG_PROGRAMS:$(B)/%=$(B)/install/%) $(DIR)/libexec/ticketchat
endif
	install -m 644 $(B)/install/libexec/*.so $(B)/install/libexec/libcurl \
		$(DIR)/libexec/ticketchat/
	ln -sf ../../../chat \
		$(DIR)/libexec/ticketchat/handlers/api/websocket/chat
	sed -e 's|^bin=.*|bin=$(PREFIX)/bin|' \
		-e 's|^libexec=.*|libexec=$(PREFIX)/libexec/ticketchat|' \
		-e 's|^web=.*|web=$(PREFIX)/share/ticketchat/web|' \
		-e 's|^checkout=.*|checkout=|' run.sh >$(B)/install/ticketchat
	install $(B)/install/ticketchat $(DIR)/bin/ticketchat
	sed -e 's|^DATABASE=.*|DATABASE=$(STATE)/ticketchat.db|' \
		-e 's|^RUN_DIR=.*|RUN_DIR=$(RUN)|' -e 's|^LOG=.*|LOG=syslog|' \
		websocketd.conf >$(B)/install/websocketd.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/ticketchat/websocketd.conf || \
		install -m 644 $(B)/install/websocketd.conf \
		$(DESTDIR)$(SYSCONFDIR)/ticketchat/websocketd.conf
	install -m 644 sql/*.sql $(DIR)/share/ticketchat/sql
	rm -f $(DIR)/share/ticketchat/web/*
	install -m 644 $(PAGE) $(DIR)/share/ticketchat/web
	install -m 644 README.md websocket.md LICENSE $(wildcard docs/*.md) \
		deploy/nginx.conf deploy/Caddyfile deploy/nginx-nodes.conf \
		deploy/Caddyfile-nodes \
		deploy/haproxy.cfg deploy/ticketchat.logrotate \
		$(DIR)/share/doc/ticketchat
	install -d $(DIR)/share/doc/ticketchat/hooks
	install $(wildcard deploy/hooks/*) $(DIR)/share/doc/ticketchat/hooks
	install deploy/upkeep.sh $(DIR)/libexec/ticketchat/upkeep
	install -m 644 $(SYSTEMD:%=$(B)/install/%) $(DESTDIR)$(UNITDIR)
	install -m 644 deploy/ticketchat.sysusers \
		$(DIR)/lib/sysusers.d/ticketchat.conf
	install -m 644 deploy/ticketchat.tmpfiles \
		$(DIR)/lib/tmpfiles.d/ticketchat.conf
	install -m 644 man/*.1 $(DIR)/share/man/man1
	install -m 644 man/*.8 $(DIR)/share/man/man8
	$(AWK) -f man/websocketd.conf.awk websocketd.conf \
		>$(DIR)/share/man/man5/websocketd.conf.5
	@[ -n "$(DESTDIR)" ] || echo "Restart the service where one runs" \
		"(systemctl restart ticketchat): until then one of version" \
		"0.1 answers each question with an error."

uninstall:
	rm -f $(DIR)/bin/sessions $(DIR)/bin/ticketchat \
		$(DIR)/share/man/man1/chat.1 $(DIR)/share/man/man1/answer.1 \
		$(DIR)/share/man/man1/sessions.1 \
		$(DIR)/share/man/man1/door.1 \
		$(DIR)/share/man/man8/ticketchat.8 \
		$(DIR)/share/man/man5/websocketd.conf.5
	rm -f $(SYSTEMD:%=$(DESTDIR)$(UNITDIR)/%) \
		$(DIR)/lib/sysusers.d/ticketchat.conf \
		$(DIR)/lib/tmpfiles.d/ticketchat.conf
	rm -rf $(DIR)/libexec/ticketchat $(DIR)/share/ticketchat \
		$(DIR)/share/doc/ticketchat

# Builds the Debian packages of the committed files into $(B)/packages; needs
# debhelper.  The time of the build is part of the version, so that apt sees a newer
# package: after a security update of a library the same source is built again.
# Earlier packages stay; $(B)/ticketchat.deb is the newest one.
DEB_VERSION := $(VERSION)+$(shell date -u +%Y%m%d.%H%M%S)
deb: libcurl
	@git diff --quiet HEAD || { echo "make deb packs what is committed, and" \
		"these files are not as they were committed:" >&2; \
		git diff --name-only HEAD >&2; exit 1; }
	rm -rf $(B)/deb
	mkdir -p $(B)/deb/source $(B)/packages
	git archive HEAD | tar -x -C $(B)/deb/source
	mv $(B)/deb/source/deploy/debian $(B)/deb/source/debian
	sed -i '1s/([^)]*)/($(DEB_VERSION))/' $(B)/deb/source/debian/changelog
	d=no; [ ! -e $(CURL)/lib/libcurl.a ] || d=$(abspath $(CURL)); \
		cd $(B)/deb/source && CURL=$$d dpkg-buildpackage -b -us -uc -ui
	for p in ticketchat ticketchat-postgres; do \
		ln -f $(B)/deb/$${p}_$(DEB_VERSION)_*.deb $(B)/packages/ && \
		ln -f $(B)/deb/$${p}_$(DEB_VERSION)_*.deb $(B)/$$p.deb || exit 1; \
	done

# Tests deploy/README.md and the package on a bare Debian that is created and booted
# for this, and the container; needs root.
check-package:
	bats tests/package

clean:
	rm -rf $(B)

.PHONY: all postgres everything check fault san fuzz soak bench cost compare lint libcurl \
	install units uninstall deb check-package clean FORCE
# A test that has moved: what was noted about it names a file that is gone.
tests/unit/%.c: ;
# Only for files that are built now; version 0.1 noted sources that have moved.
-include $(patsubst %.o,%.d,$(LIB) $(SQLITE) $(PG) $(chat) $(answer) \
	$(lookup) $(door) $(sessions) $(B)/obj/handlers/mail_text.o) $(MODULES:%=$(B)/obj/%.pic.d) \
	$(B)/obj/base/module_static.d $(B)/obj/ollama/http_static.d \
	$(wildcard $(B)/tests/obj/*.d)
