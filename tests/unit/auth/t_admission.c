/*
 * lib/auth/admission: who is admitted, in which order JWTs are tried, and how
 * many connections an address may have.
 */
#include <sys/stat.h>

#include "auth/admission.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/module.h"
#include "t.h"

#define SECRET	"0123456789abcdef0123456789abcdef"

static struct settings	settings;

static void
load_settings(void)
{
	settings_free(&settings);
	if (settings_load(&settings, NULL, 0) == -1)
		t_die(settings.error);
}

/* A connection from this address through websocketd. */
static struct connection
from(const char *remote)
{
	struct connection	c = { .websocketd = true, .ticket = 42,
				    .id = "1" };

	(void)snprintf(c.remote, sizeof(c.remote), "%s", remote);
	return c;
}

static enum failure_code
check_it(struct admission *a, const char *token)
{
	struct request	r = { .token = BUF_INIT(TOKEN_MAX) };
	struct failure	f;

	if (token != NULL && buf_puts(&r.token, token) == -1)
		t_die("buf");
	f = admission_check(a, &r);
	check_int(f.retry_after, f.code == FAILURE_RATE_LIMITED ?
	    RETRY_AFTER_VIEWERS : 0);
	buf_free(&r.token);
	return f.code;
}

static void
doors(void)
{
	static const struct {
		int64_t			 ticket;
		const char		*origin;
		enum failure_code	 want;
	} rows[] = {
		{ 42, NULL, 0 }, { 42, "http://localhost:3000", 0 },
		{ 0, NULL, FAILURE_BAD_TICKET_ID },
		{ 0, "http://evil.example", FAILURE_BAD_TICKET_ID },
		{ 42, "http://evil.example", FAILURE_FORBIDDEN_ORIGIN },
		{ 42, "null", FAILURE_FORBIDDEN_ORIGIN },
	};
	struct connection	c = from("1.2.3.4");
	struct admission	a;
	size_t			i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		c.ticket = rows[i].ticket;
		c.origin = rows[i].origin;
		admission_init(&a, &settings, &c);
		check_int(check_it(&a, NULL), rows[i].want);
		check_str(a.token.user, "");
		admission_free(&a);
	}
}

/* Makes a JWT for a ticket and a user, valid for so many seconds. */
static const char *
token(int64_t ticket, const char *user, long seconds)
{
	static struct buf	b[8];
	static size_t		i;
	struct buf		*t = &b[i++ % 8];
	char			error[256];
	const struct signature	*module;

	t->cap = TOKEN_MAX;
	buf_clear(t);
	module = module_load("signature.so", "signature_module", error,
	    sizeof(error));
	if (module == NULL) {
		(void)printf("%s\n", error);
		t_die("signature.so");
	}
	if (token_make(module, SECRET, 32, &settings, ticket, user,
	    (int64_t)time(NULL) + seconds, t) == -1)
		t_die("token_make");
	return t->data;
}

/* Appends to a text. */
static void
append(char *text, size_t size, const char *more)
{
	const size_t	len = strlen(text);

	(void)snprintf(text + len, size - len, "%s", more);
}

enum { NO = FAILURE_UNAUTHORIZED };

static void
tokens(void)
{
	const char	*good = token(42, "ana", 600);
	const char	*bad = token(43, "eva", 600);
	const char	*old = token(42, "old", -600);
	char		bearer[2000], cookie[2000], both[2000], twins[2000];
	char		quoted[2000], three[2000], joined[2000], many[12000];
	char		more[12000];
	const struct {
		const char	*message, *authorization, *cookie;
		int		 want;
		const char	*user;
	} rows[] = {
		{ NULL, NULL, NULL, NO, "" }, { good, NULL, NULL, 0, "ana" },
		{ bad, NULL, NULL, NO, "" }, { "x", NULL, NULL, NO, "" },
		{ NULL, bearer, NULL, 0, "ana" },
		{ NULL, NULL, cookie, 0, "ana" },
		{ NULL, NULL, both, 0, "ana" },
		/* Every JWT of the connection is tried, and one good one is
		   enough; but a JWT in the message is the only one tried. */
		{ NULL, NULL, twins, 0, "ana" },
		{ NULL, NULL, quoted, 0, "ana" },
		{ NULL, NULL, three, 0, "ana" },
		{ NULL, NULL, joined, 0, "ana" },
		{ NULL, NULL, many, 0, "ana" },
		{ NULL, NULL, more, NO, "" },
		{ NULL, NULL, "token=\"\"; token=\"; token=\"x", NO, "" },
		{ bad, bearer, cookie, NO, "" }, { old, NULL, twins, NO, "" },
		{ bad, "Bearer x", "token=x", NO, "" },
		{ good, "Bearer x", "token=x", 0, "ana" },
		{ NULL, "Bearer x", cookie, 0, "ana" },
		{ NULL, "Bearer x", three, 0, "ana" },
		{ NULL, bearer, "token=x", 0, "ana" },
		{ NULL, "Basic x", cookie, 0, "ana" },
		{ NULL, "Bearer", NULL, NO, "" },
		{ NULL, "Bearer ", NULL, NO, "" },
		{ NULL, "", "", NO, "" }, { NULL, NULL, "token=", NO, "" },
		{ NULL, NULL, "xtoken=1; token", NO, "" },
	};
	struct connection	c = from("1.2.3.4");
	struct admission	a;
	size_t			i;

	(void)snprintf(bearer, sizeof(bearer), "bEARER  %s", good);
	(void)snprintf(cookie, sizeof(cookie), "token=%s", good);
	(void)snprintf(both, sizeof(both), "a=b; xtoken=%s;token=%s; z=1",
	    bad, good);
	(void)snprintf(twins, sizeof(twins), "token=%s; token=%s", old, good);
	(void)snprintf(quoted, sizeof(quoted), "token=\"%s\"", good);
	(void)snprintf(three, sizeof(three),
	    "token=;\ttoken=\"%s\" ; a=\"b;token=x, c=d;token=\"%s\"", bad,
	    good);
	/* Two headers, as websocketd joins them. */
	(void)snprintf(joined, sizeof(joined), "token=%s, a=1; token=%s", bad,
	    good);
	for (i = 0, many[0] = '\0'; i < COOKIES_MAX - 1; i++)
		append(many, sizeof(many), "token=x; ");
	(void)snprintf(more, sizeof(more), "token=x; %stoken=%s", many, good);
	append(many, sizeof(many), "token=");
	append(many, sizeof(many), good);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		c.authorization = rows[i].authorization;
		c.cookie = rows[i].cookie;
		admission_init(&a, &settings, &c);
		check_int(check_it(&a, rows[i].message), rows[i].want);
		check_str(a.token.user, rows[i].user);
		admission_free(&a);
	}
}

/* A good JWT is valid for the connection until it expires. */
static void
holds(void)
{
	char			cookie[2000];
	struct connection	c = from("1.2.3.4");
	struct admission	a;

	admission_init(&a, &settings, &c);
	check_int(check_it(&a, NULL), NO);
	check_int(check_it(&a, token(42, "ana", 600)), FAILURE_NONE);
	check_int(check_it(&a, NULL), FAILURE_NONE);
	row("a bad one does not undo it, but does not get in");
	check_int(check_it(&a, "x"), NO);
	check_int(check_it(&a, NULL), FAILURE_NONE);
	check_str(a.token.user, "ana");
	row("a newer one counts");
	check_int(check_it(&a, token(0, "eva", -59)), FAILURE_NONE);
	check_str(a.token.user, "eva");
	row("it runs out");
	t_sleep_ms(1100);
	check_int(check_it(&a, NULL), NO);
	check_int(check_it(&a, token(42, "ana", 5)), FAILURE_NONE);
	admission_free(&a);
	row("a cookie is good when a message's has run out");
	(void)snprintf(cookie, sizeof(cookie), "token=%s",
	    token(42, "ana", 600));
	c.cookie = cookie;
	admission_init(&a, &settings, &c);
	check_int(check_it(&a, token(42, "eva", -58)), FAILURE_NONE);
	check_str(a.token.user, "eva");
	t_sleep_ms(2100);
	check_int(check_it(&a, NULL), FAILURE_NONE);
	check_str(a.token.user, "ana");
	admission_free(&a);
	c.cookie = NULL;
	row("no keys, no entry");
	check(rename("key", "away") == 0);
	admission_init(&a, &settings, &c);
	check_int(check_it(&a, token(42, "ana", 600)), FAILURE_INTERNAL);
	check(rename("away", "key") == 0);
	check_int(check_it(&a, token(42, "ana", 600)), FAILURE_NONE);
	admission_free(&a);
}

static void
viewers(void)
{
	struct connection	c[] = { from("1.2.3.4"), from("1.2.3.4"),
				    from("::ffff:1.2.3.4"), from("1.2.3.5"),
				    from("2001:db8::1"), from("2001:db8::2"),
				    from("2001:db8::3"), from("2001:db8:1::1")
				};
	static const int	want[] = { 0, 0, FAILURE_RATE_LIMITED, 0, 0, 0,
				    FAILURE_RATE_LIMITED, 0 };
	struct admission	a[8];
	size_t			i;

	for (i = 0; i < 8; i++) {
		row("%zu", i);
		admission_init(&a[i], &settings, &c[i]);
		check_int(check_it(&a[i], NULL), want[i]);
		/* Another message of the same connection takes no second
		   place. */
		check_int(check_it(&a[i], NULL), want[i]);
	}
	row("one leaves");
	admission_free(&a[0]);
	check_int(check_it(&a[2], NULL), FAILURE_NONE);
	row("in a shell");
	c[0].websocketd = false;
	admission_init(&a[0], &settings, &c[0]);
	check_int(check_it(&a[0], NULL), FAILURE_NONE);
	check_int(a[0].viewer, -1);
	for (i = 0; i < 8; i++)
		admission_free(&a[i]);
}

static void
users(void)
{
	struct connection	c = from("1.2.3.4"), shell = from("-");
	struct admission	a, s;
	char			who[ADMISSION_WHO];

	shell.websocketd = false;
	admission_init(&a, &settings, &c);
	admission_init(&s, &settings, &shell);
	admission_who(&a, a.token.user, who);
	check_str(who, "ip:1.2.3.4");
	row("the user, wherever he is");
	(void)snprintf(a.token.user, sizeof(a.token.user), "ana");
	admission_who(&a, a.token.user, who);
	check_str(who, "user:ana");
	row("nobody in a shell");
	admission_who(&s, s.token.user, who);
	check_str(who, "");
	admission_free(&a);
	admission_free(&s);
}

/* The numbers of other tickets are for a token without a ticket. */
static void
tells_tickets(void)
{
	struct connection	c = from("1.2.3.4"), shell = from("-");
	struct request		r = { .tickets = true };
	struct admission	a;

	admission_init(&a, &settings, &c);
	row("before there is a token");
	admission_note(&a, &r);
	check(!r.tickets);
	row("a token of this ticket");
	check_int(check_it(&a, token(42, "ana", 600)), FAILURE_NONE);
	admission_note(&a, &r);
	check(!r.tickets);
	check_str(r.user, "ana");
	row("a token for all tickets");
	check_int(check_it(&a, token(0, "eva", 600)), FAILURE_NONE);
	admission_note(&a, &r);
	check(r.tickets);
	check_str(r.user, "eva");
	row("the other one again");
	check_int(check_it(&a, token(42, "ana", 600)), FAILURE_NONE);
	admission_note(&a, &r);
	check(!r.tickets);
	admission_free(&a);
	row("at a shell without a token");
	shell.websocketd = false;
	admission_init(&a, &settings, &shell);
	admission_note(&a, &r);
	check(r.tickets);
	check_str(r.user, "");
	admission_free(&a);
}

int
main(void)
{
	t_begin();
	log_open("t", "log");
	check(setenv("TICKETCHAT_RUN_DIR", ".", 1) == 0);
	load_settings();
	run(doors);
	t_write("key", SECRET, 32);
	check(chmod("key", 0600) == 0);
	check(setenv("TICKETCHAT_AUTH", "required", 1) == 0);
	check(setenv("TICKETCHAT_JWT_KEY_FILE", "key", 1) == 0);
	check(setenv("TICKETCHAT_JWT_COOKIE", "token", 1) == 0);
	load_settings();
	run(tokens);
	run(holds);
	run(tells_tickets);
	(void)unsetenv("TICKETCHAT_AUTH");
	check(setenv("TICKETCHAT_MAX_VIEWERS", "2", 1) == 0);
	load_settings();
	run(viewers);
	run(users);
	settings_free(&settings);
	return t_end();
}
