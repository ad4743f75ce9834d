# interimap: one Makefile for GNU make and BSD make.
#
#	make			build the three programs
#	make check		all tests
#	make demo		two throw-away servers, a first sync, a second one
#	make install		PREFIX, DESTDIR, MANDIR, LIBEXECDIR are yours
#
# A reader sees here what is linked into which sandbox.

PREFIX ?=	/usr/local
BINDIR ?=	${PREFIX}/bin
LIBEXECDIR ?=	${PREFIX}/libexec/interimap
MANDIR ?=	${PREFIX}/share/man
DOCDIR ?=	${PREFIX}/share/doc/interimap
BASHDIR ?=	${PREFIX}/share/bash-completion/completions
ZSHDIR ?=	${PREFIX}/share/zsh/site-functions
UNITDIR ?=	${PREFIX}/lib/systemd/user
CC ?=		cc
CFLAGS ?=	-O2 -g
INSTALL ?=	install
PKG_CONFIG ?=	pkg-config

VERSION =	0.1

UNAME !=	uname -s
BSD_CFLAGS_Linux != ${PKG_CONFIG} --cflags libbsd-overlay 2>/dev/null || echo
BSD_LIBS_Linux !=  ${PKG_CONFIG} --libs libbsd-overlay 2>/dev/null || echo -lbsd
LIBTLS_VERSION != ${PKG_CONFIG} --modversion libtls 2>/dev/null || echo

SANDBOX_Linux =	lib/sandbox_linux.o lib/sandbox_filter.o \
		lib/sandbox_landlock.o
SANDBOX_OpenBSD = lib/sandbox_pledge.o
SANDBOX_LIBS_Linux = -lseccomp

WARN =		-Wall -Wextra -Wpointer-arith -Wstrict-prototypes \
		-Wmissing-prototypes -Wmissing-declarations -Wshadow \
		-Wcast-qual -Wwrite-strings -Wformat=2 -Wundef \
		-Wno-unused-parameter
WERROR =
HARDEN =	-fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
		-fno-common -fno-strict-aliasing
HARDEN_LD =	-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
ALLCFLAGS =	-std=gnu11 ${WARN} ${WERROR} ${HARDEN} ${CFLAGS}
ALLCPPFLAGS =	-D_GNU_SOURCE -Ilib ${BSD_CFLAGS_${UNAME}} \
		-DVERSION='"${VERSION}"' \
		-DLIBTLS_VERSION='"${LIBTLS_VERSION}"' ${EXTRA_CPPFLAGS} ${CPPFLAGS}
ALLLDFLAGS =	${HARDEN_LD} ${LDFLAGS}

# What two programs link.
LIB_OBJS =	lib/flags.o lib/ibuf.o lib/imsg.o lib/log.o lib/msg.o \
		lib/msg_answer.o lib/msg_db.o lib/msg_request.o lib/uidset.o \
		${SANDBOX_${UNAME}}
LIB_HDRS =	lib/flags.h lib/imsg.h lib/killpoint.h lib/log.h lib/msg.h \
		lib/msg_field.h \
		lib/sandbox.h lib/sandbox_linux.h lib/uidset.h
BASE_LIBS =	${BSD_LIBS_${UNAME}} ${SANDBOX_LIBS_${UNAME}}

# The sync engine: pure of descriptors, talks messages only.
ENGINE_OBJS =	interimap/adopt.o interimap/advance.o interimap/apply.o \
		interimap/commands.o interimap/copied.o interimap/copy.o \
		interimap/create.o interimap/credit.o interimap/engine.o interimap/flagtab.o \
		interimap/guard.o \
		interimap/lists.o interimap/merge.o interimap/migrate.o \
		interimap/names.o interimap/outcome.o \
		interimap/pair.o interimap/pull.o interimap/push.o \
		interimap/keywords.o interimap/refusals.o \
		interimap/refused.o \
		interimap/recheck.o interimap/rename.o interimap/repair.o \
		interimap/request.o interimap/reset.o interimap/rows.o \
		interimap/news.o interimap/subscribe.o interimap/unlisted.o \
		interimap/verify.o interimap/back.o
PARENT_OBJS =	interimap/conffile.o interimap/secret.o \
		interimap/main.o interimap/children.o interimap/config.o \
		interimap/conftab.o interimap/frames.o interimap/ignore.o \
		interimap/options.o interimap/output.o interimap/paths.o \
		interimap/patterns.o interimap/prefix.o \
		interimap/proxyopt.o interimap/session.o \
		interimap/locate.o interimap/memory.o \
		interimap/said.o interimap/spawn.o \
		interimap/supervisor.o interimap/watch.o \
		interimap/utf7.o interimap/version.o
PARENT_HDRS =	interimap/commands.h interimap/engine.h \
		interimap/interimap.h interimap/locate.h \
		interimap/mailbox.h interimap/merge.h interimap/refusals.h \
		interimap/repair.h interimap/request.h interimap/session.h
PARENT_LIBS =	-lpcre2-8 ${BASE_LIBS}

CHILD_CORE =	imapchild/ahead.o imapchild/answer.o imapchild/auth.o imapchild/body.o \
		imapchild/base64.o imapchild/sasl.o imapchild/scram.o \
		imapchild/command.o imapchild/compress.o imapchild/io.o \
		imapchild/loop.o \
		imapchild/op.o imapchild/ops_copyin.o imapchild/ops_copyout.o \
		imapchild/ops_fetch.o imapchild/ops_list.o \
		imapchild/ops_mailbox.o imapchild/ops_notify.o \
		imapchild/ops_pull.o \
		imapchild/ops_store.o imapchild/parent.o imapchild/select.o \
		imapchild/session.o
CHILD_OBJS =	imapchild/main.o ${CHILD_CORE} ${RESP_OBJS} ${TRANSPORT_OBJS}
CHILD_HDRS =	imapchild/body.h imapchild/command.h imapchild/imapchild.h \
		imapchild/base64.h imapchild/sasl.h imapchild/scram.h \
		${RESP_HDRS} ${TRANSPORT_HDRS}
RESP_OBJS =	imapchild/resp.o imapchild/resp_code.o imapchild/resp_date.o \
		imapchild/resp_fetch.o imapchild/resp_list.o \
		imapchild/resp_set.o imapchild/resp_status.o \
		imapchild/strbuf.o imapchild/token.o
RESP_HDRS =	imapchild/resp.h imapchild/resp_local.h imapchild/strbuf.h \
		imapchild/token.h
TRANSPORT_OBJS = imapchild/certs.o imapchild/connect.o imapchild/digest.o \
		imapchild/layer_deflate.o imapchild/layer_socks.o \
		imapchild/layer_tls.o imapchild/proxy.o \
		imapchild/pins.o imapchild/tlsopts.o imapchild/transport.o
TRANSPORT_HDRS = imapchild/certs.h imapchild/digest.h imapchild/pins.h \
		imapchild/tlsopts.h imapchild/transport.h
CHILD_LIBS =	-ltls -lcrypto -lz ${BASE_LIBS}

DB_CORE =	statedb/db.o statedb/dispatch.o statedb/held.o \
		statedb/intents.o statedb/keep.o statedb/mailboxes.o statedb/mapping.o \
		statedb/memory.o statedb/migrate.o statedb/refused.o \
		statedb/open.o statedb/remove.o statedb/schema.o statedb/sql.o
DB_OBJS =	statedb/main.o ${DB_CORE}
DB_HDRS =	statedb/statedb.h
DB_LIBS =	-lsqlite3 ${BASE_LIBS}

PROGS =		interimap/interimap imapchild/imapchild statedb/statedb

all: ${PROGS}

.SUFFIXES: .c .o
.c.o:
	${CC} ${ALLCPPFLAGS} ${ALLCFLAGS} -c -o $@ $<

interimap/interimap: ${PARENT_OBJS} ${ENGINE_OBJS} ${LIB_OBJS}
	${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ ${PARENT_OBJS} ${ENGINE_OBJS} \
	    ${LIB_OBJS} ${PARENT_LIBS}
imapchild/imapchild: ${CHILD_OBJS} ${LIB_OBJS}
	${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ ${CHILD_OBJS} ${LIB_OBJS} \
	    ${CHILD_LIBS}
statedb/statedb: ${DB_OBJS} ${LIB_OBJS}
	${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ ${DB_OBJS} ${LIB_OBJS} ${DB_LIBS}

# Where the children are, when not in a build tree.
LOCATE_DEFS =	-DLIBEXECDIR='"${LIBEXECDIR}"' -DBINDIR='"${BINDIR}"'
interimap/locate.o: interimap/locate.c
	${CC} ${ALLCPPFLAGS} ${LOCATE_DEFS} ${ALLCFLAGS} -c -o $@ \
	    interimap/locate.c

${LIB_OBJS}: ${LIB_HDRS}
${PARENT_OBJS} ${ENGINE_OBJS}: ${LIB_HDRS} ${PARENT_HDRS}
${CHILD_OBJS}: ${LIB_HDRS} ${CHILD_HDRS}
${DB_OBJS}: ${LIB_HDRS} ${DB_HDRS}

install: all
	@grep -qF '${LIBEXECDIR}' interimap/interimap || { \
	    echo 'built for another LIBEXECDIR: make clean first' >&2; \
	    exit 1; }
	${INSTALL} -d ${DESTDIR}${BINDIR} ${DESTDIR}${LIBEXECDIR} \
	    ${DESTDIR}${MANDIR}/man1 ${DESTDIR}${MANDIR}/man8 \
	    ${DESTDIR}${DOCDIR} ${DESTDIR}${BASHDIR} ${DESTDIR}${ZSHDIR}
	${INSTALL} -m 755 interimap/interimap ${DESTDIR}${BINDIR}
	${INSTALL} -m 755 imapchild/imapchild statedb/statedb \
	    ${DESTDIR}${LIBEXECDIR}
	${INSTALL} -m 644 man/interimap.1 ${DESTDIR}${MANDIR}/man1
	${INSTALL} -m 644 man/imapchild.8 man/statedb.8 \
	    ${DESTDIR}${MANDIR}/man8
	${INSTALL} -m 644 etc/interimap.conf.sample etc/interimap.cron \
	    ${DESTDIR}${DOCDIR}
	${INSTALL} -m 644 etc/interimap.bash ${DESTDIR}${BASHDIR}/interimap
	${INSTALL} -m 644 etc/_interimap ${DESTDIR}${ZSHDIR}
	@[ "$$(uname)" != Linux ] || ${MAKE} install-units

# For the user's systemd.
install-units:
	${INSTALL} -d ${DESTDIR}${UNITDIR}
	for u in interimap interimap@; do \
	    sed 's,@BINDIR@,${BINDIR},' etc/$$u.service \
	        >${DESTDIR}${UNITDIR}/$$u.service && \
	    chmod 644 ${DESTDIR}${UNITDIR}/$$u.service && \
	    ${INSTALL} -m 644 etc/$$u.timer ${DESTDIR}${UNITDIR} || exit 1; \
	done

clean:
	rm -f ${PROGS} lib/*.o interimap/*.o imapchild/*.o statedb/*.o
	rm -f regress/model/*.o
	rm -rf build

.PHONY: all clean install install-units

# All tests; etc/packages.sh installs what they need where that can be done.
# Warnings are errors here, and only here.
check:
	@sh etc/packages.sh test
	@${MAKE} -j2 WERROR=-Werror all
	@${MAKE} -j2 tests
	@sh regress/run ${MAKE}

demo:
	@sh etc/packages.sh test
	@${MAKE} all
	@python3 -B regress/demo

.PHONY: check demo

# Tests of one module each, built with the sanitizers from the sources it
# needs and no others (regress/unit, regress/fuzz).  To add one: its name to
# the list, its rule below.

SAN =		-fsanitize=address,undefined -fno-sanitize-recover=all
TEST_BUILD =	@mkdir -p build && echo "  build $@" && \
		${CC} ${ALLCPPFLAGS} -I. ${ALLCFLAGS} -Werror ${SAN} \
		${ALLLDFLAGS} -o $@
UNIT_LIBS =	-lcmocka ${BSD_LIBS_${UNAME}}
MSG_SRCS =	lib/msg.c lib/msg_answer.c lib/msg_db.c lib/msg_request.c \
		lib/flags.c lib/ibuf.c lib/uidset.c

UNIT_TESTS =	build/test_flags build/test_imsg build/test_log \
		build/test_flagtab build/test_merge build/test_pair \
		build/test_config build/test_frames build/test_ignore \
		build/test_news build/test_said build/test_watch \
		build/test_options build/test_outcome \
		build/test_output build/test_paths \
		build/test_patterns build/test_prefix \
		build/test_msg build/test_uidset \
		build/test_db build/test_db_keep build/test_db_old \
		build/test_db_open \
		build/test_db_version build/test_deflate build/test_digest build/test_socks \
		build/test_tlsopts build/test_transport \
		build/test_resp build/test_resp_date build/test_token \
		build/test_body build/test_command build/test_utf7 \
		build/test_sasl

build/test_flags: regress/unit/test_flags.c lib/flags.c ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_flags.c lib/flags.c ${UNIT_LIBS} \
	    -Wl,--wrap=malloc,--wrap=strdup,--wrap=strndup
PURE_SRCS =	regress/unit/grow.c lib/flags.c lib/log.c lib/uidset.c
build/test_flagtab: regress/unit/test_flagtab.c interimap/flagtab.c \
		${PURE_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_flagtab.c interimap/flagtab.c \
	    ${PURE_SRCS} ${UNIT_LIBS}
build/test_merge: regress/unit/test_merge.c interimap/merge.c \
		interimap/flagtab.c ${PURE_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_merge.c interimap/merge.c \
	    interimap/flagtab.c ${PURE_SRCS} ${UNIT_LIBS}
build/test_pair: regress/unit/test_pair.c interimap/pair.c ${PURE_SRCS} \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_pair.c interimap/pair.c \
	    ${PURE_SRCS} ${UNIT_LIBS}
build/test_imsg: regress/unit/test_imsg.c lib/ibuf.c lib/imsg.c ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_imsg.c lib/ibuf.c lib/imsg.c \
	    ${UNIT_LIBS}
build/test_log: regress/unit/test_log.c lib/log.c ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_log.c lib/log.c ${UNIT_LIBS}
build/test_msg: regress/unit/test_msg.c regress/unit/msg_samples.h \
		${MSG_SRCS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_msg.c ${MSG_SRCS} ${UNIT_LIBS}
build/test_uidset: regress/unit/test_uidset.c lib/uidset.c ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_uidset.c lib/uidset.c ${UNIT_LIBS} \
	    -Wl,--wrap=reallocarray
CONFIG_SRCS =	interimap/conffile.c interimap/config.c interimap/conftab.c \
		interimap/proxyopt.c lib/ibuf.c
build/test_config: regress/unit/test_config.c ${CONFIG_SRCS} \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_config.c ${CONFIG_SRCS} ${UNIT_LIBS}
FRAMES_SRCS =	interimap/frames.c lib/imsg.c ${MSG_SRCS}
build/test_frames: regress/unit/test_frames.c ${FRAMES_SRCS} \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_frames.c ${FRAMES_SRCS} ${UNIT_LIBS}
build/test_news: regress/unit/test_news.c interimap/news.c \
		interimap/names.c ${PURE_SRCS} ${MSG_SRCS} ${PARENT_HDRS} \
		${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_news.c interimap/news.c \
	    interimap/names.c lib/log.c ${MSG_SRCS} ${UNIT_LIBS}
build/test_said: regress/unit/test_said.c interimap/said.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_said.c interimap/said.c lib/log.c \
	    ${UNIT_LIBS}
build/test_watch: regress/unit/test_watch.c interimap/watch.c \
		${MSG_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_watch.c interimap/watch.c \
	    ${MSG_SRCS} ${UNIT_LIBS}
build/test_ignore: regress/unit/test_ignore.c interimap/ignore.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_ignore.c interimap/ignore.c \
	    ${UNIT_LIBS} -lpcre2-8
SASL_SRCS =	imapchild/sasl.c imapchild/scram.c imapchild/base64.c \
		imapchild/digest.c lib/ibuf.c
build/test_sasl: regress/unit/test_sasl.c ${SASL_SRCS} ${CHILD_HDRS} \
		${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_sasl.c ${SASL_SRCS} ${UNIT_LIBS} \
	    -lcrypto
build/test_options: regress/unit/test_options.c interimap/options.c \
		interimap/utf7.c lib/log.c ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_options.c interimap/options.c \
	    interimap/utf7.c lib/log.c ${UNIT_LIBS}
build/test_outcome: regress/unit/test_outcome.c interimap/outcome.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_outcome.c interimap/outcome.c \
	    ${UNIT_LIBS}
build/test_utf7: regress/unit/test_utf7.c interimap/utf7.c lib/log.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_utf7.c interimap/utf7.c lib/log.c \
	    ${UNIT_LIBS}
OUTPUT_SRCS =	interimap/output.c interimap/prefix.c lib/log.c ${MSG_SRCS}
build/test_output: regress/unit/test_output.c ${OUTPUT_SRCS} \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_output.c ${OUTPUT_SRCS} ${UNIT_LIBS}
build/test_paths: regress/unit/test_paths.c interimap/paths.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_paths.c interimap/paths.c \
	    ${UNIT_LIBS}
build/test_patterns: regress/unit/test_patterns.c interimap/patterns.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_patterns.c interimap/patterns.c \
	    ${UNIT_LIBS}
build/test_prefix: regress/unit/test_prefix.c interimap/prefix.c \
		${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_prefix.c interimap/prefix.c \
	    ${UNIT_LIBS}
DB_SRCS =	statedb/db.c statedb/dispatch.c statedb/held.c statedb/refused.c \
		statedb/intents.c statedb/keep.c \
		statedb/mailboxes.c statedb/mapping.c \
		statedb/memory.c statedb/migrate.c \
		statedb/open.c statedb/remove.c statedb/schema.c statedb/sql.c
DB_TEST_DEPS =	regress/unit/dbtest.h ${DB_SRCS} ${MSG_SRCS} ${DB_HDRS} \
		${LIB_HDRS}
build/test_db: regress/unit/test_db.c ${DB_TEST_DEPS}
	${TEST_BUILD} regress/unit/test_db.c ${DB_SRCS} ${MSG_SRCS} \
	    ${UNIT_LIBS} -lsqlite3
build/test_db_keep: regress/unit/test_db_keep.c ${DB_TEST_DEPS}
	${TEST_BUILD} regress/unit/test_db_keep.c ${DB_SRCS} ${MSG_SRCS} \
	    ${UNIT_LIBS} -lsqlite3
build/test_db_old: regress/unit/test_db_old.c ${DB_TEST_DEPS}
	${TEST_BUILD} regress/unit/test_db_old.c ${DB_SRCS} ${MSG_SRCS} \
	    ${UNIT_LIBS} -lsqlite3
build/test_db_open: regress/unit/test_db_open.c ${DB_TEST_DEPS}
	${TEST_BUILD} regress/unit/test_db_open.c ${DB_SRCS} ${MSG_SRCS} \
	    ${UNIT_LIBS} -lsqlite3
build/test_db_version: regress/unit/test_db_version.c regress/unit/dbvfs.h \
		${DB_TEST_DEPS}
	${TEST_BUILD} regress/unit/test_db_version.c ${DB_SRCS} ${MSG_SRCS} \
	    ${UNIT_LIBS} -lsqlite3
build/test_socks: regress/unit/test_socks.c imapchild/layer_socks.c \
		imapchild/transport.c imapchild/transport.h ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_socks.c imapchild/layer_socks.c \
	    imapchild/transport.c lib/log.c ${UNIT_LIBS}
build/test_deflate: regress/unit/test_deflate.c imapchild/layer_deflate.c \
		imapchild/transport.c imapchild/transport.h ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_deflate.c imapchild/layer_deflate.c \
	    imapchild/transport.c lib/log.c ${UNIT_LIBS} -lz
build/test_digest: regress/unit/test_digest.c imapchild/digest.c \
		imapchild/digest.h ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_digest.c imapchild/digest.c \
	    ${UNIT_LIBS} -lcrypto
TLSOPTS_SRCS =	imapchild/tlsopts.c imapchild/certs.c imapchild/pins.c \
		imapchild/digest.c
build/test_tlsopts: regress/unit/test_tlsopts.c ${TLSOPTS_SRCS} \
		${TRANSPORT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_tlsopts.c ${TLSOPTS_SRCS} \
	    lib/ibuf.c ${UNIT_LIBS} -lcrypto
build/test_transport: regress/unit/test_transport.c imapchild/transport.c \
		imapchild/connect.c imapchild/transport.h ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_transport.c imapchild/transport.c \
	    imapchild/connect.c lib/log.c ${UNIT_LIBS}
TOKEN_SRCS =	imapchild/token.c imapchild/strbuf.c
RESP_SRCS =	imapchild/resp.c imapchild/resp_code.c imapchild/resp_date.c \
		imapchild/resp_fetch.c imapchild/resp_list.c \
		imapchild/resp_set.c imapchild/resp_status.c ${TOKEN_SRCS} \
		lib/flags.c lib/uidset.c
RECORD_SRCS =	regress/unit/resp_record.c ${RESP_SRCS}
RECORD_HDRS =	regress/unit/resp_record.h ${RESP_HDRS} ${LIB_HDRS}
build/test_resp: regress/unit/test_resp.c regress/unit/resp_vectors.h \
		${RECORD_SRCS} ${RECORD_HDRS}
	${TEST_BUILD} regress/unit/test_resp.c ${RECORD_SRCS} ${UNIT_LIBS}
build/test_resp_date: regress/unit/test_resp_date.c imapchild/resp_date.c \
		${TOKEN_SRCS} ${RESP_HDRS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_resp_date.c imapchild/resp_date.c \
	    ${TOKEN_SRCS} ${UNIT_LIBS}
build/test_token: regress/unit/test_token.c ${TOKEN_SRCS} ${RESP_HDRS} \
		${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_token.c ${TOKEN_SRCS} ${UNIT_LIBS}
build/test_body: regress/unit/test_body.c imapchild/body.c imapchild/body.h
	${TEST_BUILD} regress/unit/test_body.c imapchild/body.c ${UNIT_LIBS}
build/test_command: regress/unit/test_command.c imapchild/command.c \
		imapchild/command.h ${MSG_SRCS} ${LIB_HDRS}
	${TEST_BUILD} regress/unit/test_command.c imapchild/command.c \
	    ${MSG_SRCS} ${UNIT_LIBS}

unit: ${UNIT_TESTS}
	@for t in ${UNIT_TESTS}; do \
		if ./$$t >$$t.log 2>&1; then echo "  ok $$t"; \
		else cat $$t.log; echo "  FAILED $$t"; exit 1; fi; \
	done

# The transport stack against real TLS servers: once inside the real sandbox,
# once with the sanitizers (and then without it).

TLS_TEST_SRCS =	regress/proc/tls_client.c ${TLSOPTS_SRCS} \
		imapchild/connect.c imapchild/layer_tls.c \
		imapchild/transport.c lib/ibuf.c lib/log.c
build/tls_client: regress/proc/tls_client.c ${TRANSPORT_OBJS} ${LIB_OBJS}
	@mkdir -p build && echo "  build $@" && ${CC} ${ALLCPPFLAGS} -I. \
	    ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ regress/proc/tls_client.c \
	    ${TRANSPORT_OBJS} ${LIB_OBJS} ${CHILD_LIBS}
build/tls_client_san: ${TLS_TEST_SRCS} ${TRANSPORT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} -DNO_SANDBOX ${TLS_TEST_SRCS} -ltls -lcrypto \
	    ${BSD_LIBS_${UNAME}}

proc-tls: build/tls_client build/tls_client_san
	@sh regress/proc/tls.sh build/tls_client
	@sh regress/proc/tls.sh build/tls_client_san

.PHONY: proc-tls

# The scripted server of the hostile tests, by itself.

hostile-selftest:
	@mkdir -p build
	@python3 -B regress/hostile/test_scripted.py 2>build/hostile.log || \
	    { cat build/hostile.log; exit 1; }
	@echo "  ok regress/hostile/test_scripted.py"

.PHONY: hostile-selftest

# The real statedb, as shipped: against a parent that misbehaves, on disks and
# files that cannot be used, under strace(1), and beside the original program.

PROC_DB_TESTS =	build/test_statedb build/test_statedb_disk \
		build/test_statedb_trace build/test_power
PROC_DB_DEPS =	regress/proc/procdb.h lib/imsg.c ${MSG_SRCS} ${LIB_HDRS}
build/test_statedb: regress/proc/test_statedb.c ${PROC_DB_DEPS}
	${TEST_BUILD} regress/proc/test_statedb.c lib/imsg.c ${MSG_SRCS} \
	    ${UNIT_LIBS}
build/test_statedb_disk: regress/proc/test_statedb_disk.c ${PROC_DB_DEPS}
	${TEST_BUILD} regress/proc/test_statedb_disk.c lib/imsg.c \
	    ${MSG_SRCS} ${UNIT_LIBS}
build/test_statedb_trace: regress/proc/test_statedb_trace.c ${PROC_DB_DEPS}
	${TEST_BUILD} regress/proc/test_statedb_trace.c lib/imsg.c \
	    ${MSG_SRCS} ${UNIT_LIBS}

# Without the sanitizers, which stand before the same calls of the C library.
build/test_power: regress/proc/test_power.c regress/proc/disk.c \
		regress/proc/disk.h ${DB_TEST_DEPS}
	@mkdir -p build && echo "  build $@" && \
	    ${CC} ${ALLCPPFLAGS} -I. ${ALLCFLAGS} -Werror ${ALLLDFLAGS} -o $@ \
	    regress/proc/test_power.c regress/proc/disk.c ${DB_SRCS} \
	    ${MSG_SRCS} ${UNIT_LIBS} -lsqlite3

proc-statedb: statedb/statedb ${PROC_DB_TESTS}
	@for t in ${PROC_DB_TESTS}; do \
		if ./$$t >$$t.log 2>&1; then echo "  ok $$t"; \
		else cat $$t.log; echo "  FAILED $$t"; exit 1; fi; \
	done
	@python3 regress/proc/statedb_original.py

.PHONY: proc-statedb

# The real imapchild against a scripted server and against Dovecot: as shipped,
# and once more with the sanitizers (and then without the sandbox).

PROC_IMAP_TESTS = build/test_imapchild build/test_imapchild_select \
		build/test_imapchild_copy build/test_imapchild_order \
		build/test_imapchild_notify \
		build/test_imapchild_slow \
		build/test_imapchild_dovecot
IMAPDRV_SRCS =	regress/proc/imapdrv.c regress/proc/imapreq.c \
		imapchild/body.c lib/imsg.c ${MSG_SRCS}
IMAPDRV_HDRS =	regress/proc/imapdrv.h imapchild/body.h ${LIB_HDRS}
CHILD_SRCS =	${CHILD_OBJS:.o=.c} regress/proc/nosandbox.c lib/log.c \
		lib/imsg.c ${MSG_SRCS}
build/imapchild_san: ${CHILD_SRCS} ${CHILD_HDRS} ${LIB_HDRS}
	${TEST_BUILD} ${CHILD_SRCS} -ltls -lcrypto -lz ${BSD_LIBS_${UNAME}}
build/test_imapchild: regress/proc/test_imapchild.c ${IMAPDRV_SRCS} \
		${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_select: regress/proc/test_imapchild_select.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_select.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_notify: regress/proc/test_imapchild_notify.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_notify.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_slow: regress/proc/test_imapchild_slow.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_slow.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_copy: regress/proc/test_imapchild_copy.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_copy.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_order: regress/proc/test_imapchild_order.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_order.c ${IMAPDRV_SRCS} \
	    ${UNIT_LIBS}
build/test_imapchild_dovecot: regress/proc/test_imapchild_dovecot.c \
		${IMAPDRV_SRCS} ${IMAPDRV_HDRS}
	${TEST_BUILD} regress/proc/test_imapchild_dovecot.c \
	    ${IMAPDRV_SRCS} ${UNIT_LIBS}

proc-imapchild: imapchild/imapchild build/imapchild_san ${PROC_IMAP_TESTS}
	@for p in imapchild/imapchild build/imapchild_san; do \
		for t in ${PROC_IMAP_TESTS}; do \
			if IMAPCHILD=$$p ./$$t >$$t.log 2>&1; \
			then echo "  ok $$t ($$p)"; \
			else cat $$t.log; echo "  FAILED $$t ($$p)"; exit 1; \
			fi; \
		done; \
	done

.PHONY: proc-imapchild

# The sandbox and the start of processes (regress/sandbox): as shipped, with no
# sanitizer, since the filter is never softened for one.  sandbox-links reads
# the link lines back from the programs themselves.

PLAIN_BUILD =	@mkdir -p build && echo "  build $@" && \
		${CC} ${ALLCPPFLAGS} -Iinterimap ${ALLCFLAGS} -Werror \
		${ALLLDFLAGS} -o $@
SANDBOX_OBJS =	${SANDBOX_${UNAME}} lib/log.o
STAGES_SRCS =	regress/sandbox/stages.c regress/sandbox/attempts.c \
		regress/sandbox/work.c regress/sandbox/work_tls.c
PROCESSES_SRCS = regress/sandbox/processes.c regress/sandbox/tunnel.c \
		regress/sandbox/watch.c interimap/spawn.c \
		interimap/locate.c interimap/supervisor.c
SANDBOX_TESTS =	build/stages build/processes build/trespass \
		build/sandbox_pledge.o

build/stages: ${STAGES_SRCS} ${SANDBOX_OBJS} regress/sandbox/sandbox_test.h
	${PLAIN_BUILD} ${STAGES_SRCS} ${SANDBOX_OBJS} -ltls -lcrypto \
	    -lsqlite3 ${BASE_LIBS}
build/processes: ${PROCESSES_SRCS} ${SANDBOX_OBJS} ${PARENT_HDRS} \
    ${LIB_HDRS} regress/sandbox/processes.h
	${PLAIN_BUILD} -DLIBEXECDIR='"/nonexistent"' \
	    -DBINDIR='"/nonexistent"' ${PROCESSES_SRCS} ${SANDBOX_OBJS} \
	    ${BASE_LIBS}
build/trespass: regress/sandbox/trespass.c
	${PLAIN_BUILD} regress/sandbox/trespass.c
# Only compiled, against prototypes of our own: nothing of it can run here.
build/sandbox_pledge.o: lib/sandbox_pledge.c lib/sandbox.h
	@mkdir -p build && echo "  build $@" && ${CC} ${ALLCPPFLAGS} \
	    -Iregress/stubs/openbsd ${ALLCFLAGS} -Werror -c -o $@ \
	    lib/sandbox_pledge.c

sandbox-test: ${SANDBOX_TESTS}
	@for t in "build/stages" "build/processes" \
	    "sh regress/sandbox/strace_test.sh build/trespass"; do \
		if $$t >build/sandbox.log 2>&1; then echo "  ok $$t"; \
		else cat build/sandbox.log; echo "  FAILED $$t"; exit 1; fi; \
	done
sandbox-links: ${PROGS}
	@sh regress/sandbox/links.sh .

.PHONY: sandbox-test sandbox-links

# Speed of the response parser, without sanitizers.
build/parse_bench: regress/bench/parse_bench.c ${RESP_SRCS} ${RESP_HDRS} \
		${LIB_HDRS}
	${PLAIN_BUILD} -I. regress/bench/parse_bench.c ${RESP_SRCS} \
	    ${BSD_LIBS_${UNAME}}

# Speed of whole runs over a slow link: real Dovecots, a delaying proxy.
# Timed, so not part of "check".  bench (3 minutes) says whether runs grow with
# the mailboxes; bench-full (up to 30) measures every row of the table beside
# the peers and writes regress/RESULTS; bench-scale (hours, may be ended and
# begun again) a million messages and 10 000 mailboxes.

BENCH_PROGS =	build/proxy build/measure build/probe build/nodelay.so
PROBE_SRCS =	regress/bench/probe.c regress/bench/probe_io.c \
		regress/bench/probe_pump.c regress/bench/probe_digest.c
BENCH_ARGS =	--check -n 2 -s up:100,down:100,first:500,firstdown:500
BENCH_FULL_ARGS =
BENCH_SCALE_ARGS =
BENCH_RESULTS =	regress/RESULTS

build/proxy: regress/bench/proxy.c
	${PLAIN_BUILD} regress/bench/proxy.c ${BSD_LIBS_${UNAME}}
build/measure: regress/bench/measure.c
	${PLAIN_BUILD} regress/bench/measure.c ${BSD_LIBS_${UNAME}}
build/probe: ${PROBE_SRCS} regress/bench/probe.h
	${PLAIN_BUILD} ${PROBE_SRCS} -lssl -lcrypto \
	    ${BSD_LIBS_${UNAME}}
build/nodelay.so: regress/bench/nodelay.c
	@mkdir -p build && echo "  build $@" && ${CC} -D_GNU_SOURCE ${WARN} \
	    -Werror -O2 -shared -fPIC -o $@ regress/bench/nodelay.c -ldl

# As shipped but without the sandbox, which valgrind cannot live in.
COUNTED =	build/counted/interimap/interimap
NO_SANDBOX =	build/nosandbox.o
COUNTED_SED =	sed 's,lib/sandbox_[a-z]*\.o,,g'
build/nosandbox.o: regress/proc/nosandbox.c lib/sandbox.h
	@mkdir -p build && echo "  build $@" && ${CC} ${ALLCPPFLAGS} \
	    ${ALLCFLAGS} -Werror -c -o $@ regress/proc/nosandbox.c
${COUNTED}: ${PROGS} ${NO_SANDBOX}
	@mkdir -p build/counted/interimap build/counted/imapchild \
	    build/counted/statedb && echo "  build $@"
	@${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o build/counted/imapchild/imapchild \
	    $$(echo ${CHILD_OBJS} ${LIB_OBJS} | ${COUNTED_SED}) \
	    ${NO_SANDBOX} ${CHILD_LIBS}
	@${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o build/counted/statedb/statedb \
	    $$(echo ${DB_OBJS} ${LIB_OBJS} | ${COUNTED_SED}) \
	    ${NO_SANDBOX} ${DB_LIBS}
	@${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ \
	    $$(echo ${PARENT_OBJS} ${ENGINE_OBJS} ${LIB_OBJS} | \
	    ${COUNTED_SED}) ${NO_SANDBOX} ${PARENT_LIBS}

bench: ${PROGS} ${BENCH_PROGS}
	@python3 regress/bench/bench.py --flights -n 1
	@python3 regress/bench/bench.py ${BENCH_ARGS}
bench-full:
	@sh etc/packages.sh bench
	@${MAKE} ${PROGS} ${BENCH_PROGS} ${COUNTED}
	@python3 -B regress/bench/counts.py
	@python3 -B regress/bench/full.py --write ${BENCH_RESULTS} \
	    ${BENCH_FULL_ARGS}
bench-scale: ${PROGS} ${BENCH_PROGS}
	@python3 -B regress/bench/scale.py ${BENCH_SCALE_ARGS}

.PHONY: bench bench-full bench-scale

# Fuzzing: the entry point is regress/fuzz/fuzz_NAME.c, its seeds are in
# regress/fuzz/seeds/NAME.  fuzz-seeds runs them without libFuzzer; fuzz
# needs clang and runs each for FUZZTIME seconds.

FUZZTIME =	10
FUZZ_CC =	clang
FUZZ_SAN =	-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all
FUZZ_BUILD =	@mkdir -p build && echo "  build $@" && \
		${FUZZ_CC} ${ALLCPPFLAGS} -I. -std=gnu11 ${WARN} -O1 -g \
		${FUZZ_SAN} -o $@
FUZZ_NAMES =	config deflate flags msg resp scram socks uidset utf7
REPLAYS =	build/replay_config build/replay_deflate build/replay_flags \
		build/replay_msg build/replay_resp \
		build/replay_scram build/replay_socks build/replay_uidset \
		build/replay_utf7
FUZZERS =	build/fuzz_config build/fuzz_deflate build/fuzz_flags \
		build/fuzz_msg build/fuzz_resp \
		build/fuzz_scram build/fuzz_socks build/fuzz_uidset \
		build/fuzz_utf7
REPLAY =	regress/fuzz/replay.c
FUZZ_CONFIG_SRCS = regress/fuzz/fuzz_config.c interimap/patterns.c \
		interimap/prefix.c ${CONFIG_SRCS}
FUZZ_DEFLATE_SRCS = regress/fuzz/fuzz_deflate.c imapchild/layer_deflate.c \
		imapchild/transport.c lib/log.c
FUZZ_SOCKS_SRCS = regress/fuzz/fuzz_socks.c imapchild/layer_socks.c \
		imapchild/transport.c lib/log.c
FUZZ_FLAGS_SRCS = regress/fuzz/fuzz_flags.c lib/flags.c
FUZZ_MSG_SRCS =	regress/fuzz/fuzz_msg.c ${MSG_SRCS}
FUZZ_RESP_SRCS = regress/fuzz/fuzz_resp.c ${RECORD_SRCS}
FUZZ_UIDSET_SRCS = regress/fuzz/fuzz_uidset.c lib/uidset.c
FUZZ_SCRAM_SRCS = regress/fuzz/fuzz_scram.c imapchild/scram.c \
		imapchild/base64.c lib/ibuf.c
FUZZ_UTF7_SRCS = regress/fuzz/fuzz_utf7.c interimap/utf7.c lib/log.c

build/replay_config: ${REPLAY} ${FUZZ_CONFIG_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_CONFIG_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_config: ${FUZZ_CONFIG_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_CONFIG_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_socks: ${REPLAY} ${FUZZ_SOCKS_SRCS} ${TRANSPORT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_SOCKS_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_socks: ${FUZZ_SOCKS_SRCS} ${TRANSPORT_HDRS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_SOCKS_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_deflate: ${REPLAY} ${FUZZ_DEFLATE_SRCS} ${TRANSPORT_HDRS} \
		${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_DEFLATE_SRCS} -lz ${BSD_LIBS_${UNAME}}
build/fuzz_deflate: ${FUZZ_DEFLATE_SRCS} ${TRANSPORT_HDRS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_DEFLATE_SRCS} -lz ${BSD_LIBS_${UNAME}}
build/replay_flags: ${REPLAY} ${FUZZ_FLAGS_SRCS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_FLAGS_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_msg: ${REPLAY} ${FUZZ_MSG_SRCS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_MSG_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_resp: ${REPLAY} ${FUZZ_RESP_SRCS} ${RECORD_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_RESP_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_resp: ${FUZZ_RESP_SRCS} ${RECORD_HDRS}
	${FUZZ_BUILD} ${FUZZ_RESP_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_uidset: ${REPLAY} ${FUZZ_UIDSET_SRCS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_UIDSET_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_scram: ${REPLAY} ${FUZZ_SCRAM_SRCS} ${CHILD_HDRS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_SCRAM_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_scram: ${FUZZ_SCRAM_SRCS} ${CHILD_HDRS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_SCRAM_SRCS} ${BSD_LIBS_${UNAME}}
build/replay_utf7: ${REPLAY} ${FUZZ_UTF7_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${TEST_BUILD} ${REPLAY} ${FUZZ_UTF7_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_utf7: ${FUZZ_UTF7_SRCS} ${PARENT_HDRS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_UTF7_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_flags: ${FUZZ_FLAGS_SRCS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_FLAGS_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_msg: ${FUZZ_MSG_SRCS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_MSG_SRCS} ${BSD_LIBS_${UNAME}}
build/fuzz_uidset: ${FUZZ_UIDSET_SRCS} ${LIB_HDRS}
	${FUZZ_BUILD} ${FUZZ_UIDSET_SRCS} ${BSD_LIBS_${UNAME}}

fuzz-seeds: ${REPLAYS}
	@for f in ${FUZZ_NAMES}; do \
		./build/replay_$$f regress/fuzz/seeds/$$f/* || exit 1; \
		echo "  ok seeds of $$f"; \
	done

fuzz:
	@sh etc/packages.sh fuzz
	@${MAKE} fuzzers
	@for f in ${FUZZ_NAMES}; do \
		mkdir -p build/corpus_$$f && echo "  fuzz $$f" && \
		d=regress/fuzz/$$f.dict && \
		./build/fuzz_$$f -max_total_time=${FUZZTIME} -verbosity=0 \
		    $$(test -f $$d && echo -dict=$$d) \
		    -artifact_prefix=build/$$f- build/corpus_$$f \
		    regress/fuzz/seeds/$$f || exit 1; \
	done

fuzzers: ${FUZZERS}

.PHONY: unit fuzz fuzz-seeds fuzzers

# The model test: random histories of two model servers through the real
# engine and the real statedb.  A failing one prints its seed, and
# "build/model -s SEED" shows it again, message by message.

MODEL_N =	10000
MODEL_OBJS =	regress/model/answer.o regress/model/back.o \
		regress/model/change.o \
		regress/model/check.o regress/model/damage.o \
		regress/model/database.o \
		regress/model/fate.o regress/model/guard.o \
		regress/model/history.o regress/model/list.o \
		regress/model/main.o regress/model/peer.o \
		regress/model/rng.o regress/model/run.o \
		regress/model/server.o regress/model/trace.o \
		regress/model/transfer.o regress/model/writer.o
MODEL_LINK =	${MODEL_OBJS} ${ENGINE_OBJS} ${DB_CORE} ${LIB_OBJS}
MODEL_SAN_SRCS = ${MODEL_OBJS:.o=.c} ${ENGINE_OBJS:.o=.c} ${DB_CORE:.o=.c} \
		${MSG_SRCS} lib/log.c

${MODEL_OBJS}: regress/model/model.h ${LIB_HDRS} ${PARENT_HDRS} ${DB_HDRS}
build/model: ${MODEL_LINK}
	@mkdir -p build && echo "  build $@" && ${CC} ${ALLCFLAGS} \
	    ${ALLLDFLAGS} -o $@ ${MODEL_LINK} ${DB_LIBS}
build/model_san: ${MODEL_SAN_SRCS} regress/model/model.h ${LIB_HDRS} \
		${PARENT_HDRS} ${DB_HDRS}
	${TEST_BUILD} ${MODEL_SAN_SRCS} -lsqlite3 ${BSD_LIBS_${UNAME}}

model: build/model
	./build/model -n ${MODEL_N}
model-san: build/model_san
	./build/model_san -n ${MODEL_N}

.PHONY: model model-san

# The program with less patience (regress/integration/errors.py), in a tree of
# its own, where it finds its children.

HASTY =		build/hasty/interimap/interimap
${HASTY}: ${PROGS}
	@mkdir -p build/hasty/interimap build/hasty/imapchild \
	    build/hasty/statedb && echo "  build $@"
	@${CC} ${ALLCPPFLAGS} -DSERVER_TIMEOUT=2 ${ALLCFLAGS} -c \
	    -o build/hasty/children.o interimap/children.c
	@${CC} ${ALLCPPFLAGS} -DSECRET_SECONDS=2 ${ALLCFLAGS} -c \
	    -o build/hasty/secret.o interimap/secret.c
	@cp imapchild/imapchild build/hasty/imapchild
	@cp statedb/statedb build/hasty/statedb
	@${CC} ${ALLCFLAGS} ${ALLLDFLAGS} -o $@ build/hasty/children.o \
	    build/hasty/secret.o $$(echo ${PARENT_OBJS} | \
	    sed 's, interimap/children\.o,,; s, interimap/secret\.o,,') \
	    ${ENGINE_OBJS} ${LIB_OBJS} ${PARENT_LIBS}

# Each safety rule taken out in turn: the test named for it must fail.

mutants:
	@MAKE="${MAKE}" sh regress/mutants/run

.PHONY: mutants

# Faults at N random points, and a count of what was lost or doubled.
N = 1000
torture: ${PROGS}
	@python3 -B regress/integration/torture.py ${N}

.PHONY: torture

# Every test program; last, since a rule's list is read where it stands.
tests: ${UNIT_TESTS} ${REPLAYS} ${PROC_DB_TESTS} ${PROC_IMAP_TESTS} \
	build/imapchild_san build/tls_client build/tls_client_san \
	${SANDBOX_TESTS} build/model build/model_san ${HASTY}

.PHONY: tests
