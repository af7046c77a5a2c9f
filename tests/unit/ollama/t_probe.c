/*
 * lib/ollama/probe: what `answer check' found, as `sessions doctor' reads it.
 */
#include "base/limit.h"
#include "ollama/probe.h"
#include "t.h"

static void
there_and_back(void)
{
	struct buf	line = BUF_INIT(OUTPUT_PENDING);
	struct probe	p, q;
	int		code;

	for (code = 0; code < FAILURE__MAX; code++) {
		row("%s", failure_name((enum failure_code)code));
		memset(&p, 0, sizeof(p));
		p.failure = failure_make((enum failure_code)code, "m");
		(void)snprintf(p.model, sizeof(p.model), "gem\"ma\n:1b");
		(void)snprintf(p.reason, sizeof(p.reason), "não há {\\}");
		(void)snprintf(p.note, sizeof(p.note), "\"ç\"");
		p.context = 4096;
		p.context_max = INT64_MAX;
		buf_clear(&line);
		check_int(probe_write(&p, &line), 0);
		check(line.data[line.len - 1] == '\n');
		check(memchr(line.data, '\n', line.len) ==
		    line.data + line.len - 1);
		check_int(probe_read(&q, line.data, line.len), 0);
		check_int(q.failure.code, p.failure.code);
		check_str(q.model, p.model);
		check_str(q.reason, p.reason);
		check_str(q.note, p.note);
		check_int(q.context, 4096);
		check_int(q.context_max, INT64_MAX);
	}
	row("no room");
	buf_free(&line);
	line.cap = 20;
	check_int(probe_write(&p, &line), -1);
	check_int(line.len, 0);
	buf_free(&line);
}

/* Output of another program, or of an older `answer'. */
static void
others(void)
{
	static const struct {
		const char	*line;
		int		 rc;
	} rows[] = {
		{ "", -1 }, { "\n", -1 }, { "answer: no such option\n", -1 },
		{ "{}", -1 }, { "[]", -1 }, { "[\"code\"]", -1 },
		{ "{\"code\":\"none\"", -1 },
		{ "{\"code\":\"none\",\"code\":\"none\"}", -1 },
		{ "{\"code\":\"none\"} x", -1 }, { "{\"code\":\"none\"}", 0 },
		{ "{\"code\":\"none\",\"model\":5,\"reason\":[],"
		    "\"context\":\"4096\",\"more\":{}}", 0 },
	};
	struct probe	p;
	size_t		i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].line);
		check_int(probe_read(&p, rows[i].line, strlen(rows[i].line)),
		    rows[i].rc);
		check_str(p.model, "");
		check_str(p.reason, "");
		check_str(p.note, "");
		check_int(p.context + p.context_max, 0);
	}
	row("a code of another version, or none");
	check_int(probe_read(&p, "{\"code\":\"new\"}", 14), 0);
	check_int(p.failure.code, FAILURE_INTERNAL);
	check_int(probe_read(&p, "{\"code\":1}", 10), 0);
	check_int(p.failure.code, FAILURE_INTERNAL);
}

int
main(void)
{
	t_begin();
	run(there_and_back);
	run(others);
	return t_end();
}
