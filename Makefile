# Builds ticketchat: `make' into build/, `make check', `make install'.
# CC, CFLAGS, PREFIX, DESTDIR and SYSCONFDIR as everywhere.

VERSION	= 0.1.0
PREFIX	= /usr/local
SYSCONFDIR = /etc
CC	= cc
CFLAGS	= -O2 -g
AWK	= awk
LIBS	= -lsqlite3
B	= build

# Where the programs find one another and their settings; `make install'
# builds once more with its own.
LIBEXEC	= $(CURDIR)/$(B)/libexec
CONF	= $(CURDIR)/websocketd.conf

WARN	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla \
	-Wnull-dereference -Wdouble-promotion -Wswitch-enum
WARN_GCC = -Wcast-align=strict -Wformat-signedness -Wduplicated-cond \
	-Wduplicated-branches -Wlogical-op -Wimplicit-fallthrough=3
HARDEN	= -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fPIE
HARDEN_LINK = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
# Options that only gcc knows, where the compiler is gcc.
IS_GCC	:= $(shell $(CC) --version 2>/dev/null | grep -q 'Free Software' && \
	echo yes)
FLAGS	= -std=c11 -D_GNU_SOURCE -MMD -MP -iquote lib -iquote handlers \
	-iquote $(B) $(WARN) $(if $(IS_GCC),$(WARN_GCC)) $(HARDEN) $(CFLAGS)
DEFINES	= -DVERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXEC)"' \
	-DCONF_FILE='"$(CONF)"'

COMMON	= buf clock connection failure file frame generation json jsonw \
	language lock log origin output program settings url utf8
STORE	= db store
CHAT	= chat message question request
ANSWER	= answer http_load hub ollama probe slot upstream
SESSIONS = sessions migrate report

obj	= $(patsubst %,$(B)/obj/%.o,$(1))

all: $(B)/bin/chat $(B)/bin/answer $(B)/bin/sessions $(B)/libexec/answer \
	$(B)/libexec/http.so $(B)/handlers/api/websocket/chat

$(B)/bin/chat: $(call obj,$(CHAT) $(COMMON) $(STORE))
	$(link)

$(B)/bin/answer: $(call obj,$(ANSWER) $(COMMON) $(STORE))
	$(link)

$(B)/bin/sessions: $(call obj,$(SESSIONS) $(COMMON) $(STORE))
	$(link)

# libcurl is behind this module and nowhere else; see lib/http.h.
$(B)/libexec/http.so: $(B)/obj/http.pic.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS) \
		-o $@.new $^ -lcurl
	@mv $@.new $@

# websocketd runs whatever is executable below its directory: nothing else
# lies there.  A hard link, put in place whole while others run the old one.
$(B)/handlers/api/websocket/chat: $(B)/bin/chat
	$(place)
$(B)/libexec/answer: $(B)/bin/answer
	$(place)

define link
@mkdir -p $(@D)
$(CC) $(CFLAGS) $(HARDEN_LINK) $(LDFLAGS) -o $@.new $^ $(LIBS)
@mv $@.new $@
endef
define place
@mkdir -p $(@D)
ln -f $< $@.new
@mv $@.new $@
endef

$(B)/obj/%.o: lib/%.c $(B)/flags
	$(CC) $(FLAGS) $(DEFINES) -c -o $@ $<
$(B)/obj/%.o: handlers/%.c $(B)/flags
	$(CC) $(FLAGS) $(DEFINES) -c -o $@ $<
$(B)/obj/%.pic.o: lib/%.c $(B)/flags
	$(CC) $(FLAGS) -fPIC $(DEFINES) -c -o $@ $<

$(call obj,db store migrate report): $(B)/sql.h
$(call obj,upstream): $(B)/system_prompt.h
$(B)/sql.h: sql/embed.awk $(sort $(wildcard sql/*.sql)) $(B)/flags
	$(AWK) -f sql/embed.awk $(filter %.sql,$^) >$@.new
	@mv $@.new $@
$(B)/system_prompt.h: lib/embed.awk lib/system_prompt.txt $(B)/flags
	$(AWK) -f lib/embed.awk lib/system_prompt.txt >$@.new
	@mv $@.new $@

# Another compiler, other flags or another place: everything anew.
$(B)/flags: FORCE
	@mkdir -p $(B)/obj
	@echo '$(CC) $(FLAGS) $(LDFLAGS) $(DEFINES)' | cmp -s - $@ || \
		echo '$(CC) $(FLAGS) $(LDFLAGS) $(DEFINES)' >$@
FORCE:

# The replayed Ollama of the tests and of `run.sh --demo'.
$(B)/tests/replay: tests/replay.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MF $(B)/obj/replay.d -o $@ $<

clean:
	rm -rf $(B)

.PHONY: all clean FORCE
-include $(wildcard $(B)/obj/*.d)
