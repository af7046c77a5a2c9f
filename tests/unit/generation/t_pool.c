/*
 * lib/generation/pool: which of several servers is used, with an HTTP module of
 * the test.
 */
#include "base/clock.h"
#include "generation/pool.h"
#include "t.h"

/* What the servers a to d answer to /api/ps; NULL: nothing. */
static const char	*says[4];
static struct http_call	*calls[4];
static int		 started, running;
static bool		 refuse_start;

static int
start(struct http_call *c)
{
	check(strncmp(c->url, "http://", 7) == 0 &&
	    strcmp(c->url + 8, "/api/ps") == 0);
	check(c->body == NULL && c->timeout == LOADED_TIMEOUT);
	if (refuse_start && started == 1)
		return -1;
	if (check(c->url[7] >= 'a' && c->url[7] <= 'd'))
		calls[c->url[7] - 'a'] = c;
	started++;
	running++;
	c->end = HTTP_RUNNING;
	c->handle = c;
	return 0;
}

static void
cancel(struct http_call *c)
{
	if (c->handle != NULL)
		running--;
	c->handle = NULL;
}

static int
wait_for(int fd, int ms)
{
	(void)fd;
	(void)ms;
	return 0;
}

static void
finish(void)
{
}

static const struct http	http = { start, cancel, wait_for, finish };

static struct settings	settings;
static struct pool	p;
static struct slot	slot;
static struct node	*node;

static void
begin(const char *servers, const char *model, bool alone)
{
	(void)setenv("OLLAMA_SERVER", servers, 1);
	(void)setenv("OLLAMA_MODEL", model, 1);
	(void)setenv("TICKETCHAT_RUN_DIR", ".", 1);
	(void)setenv("TICKETCHAT_GENERATIONS", "1", 1);
	(void)unlink("health");
	if (settings_load(&settings, NULL, 0) == -1)
		t_die(settings.error);
	memset(&p, 0, sizeof(p));
	memset(&slot, 0, sizeof(slot));
	memset(says, 0, sizeof(says));
	started = 0;
	refuse_start = false;
	if (node_open(&node, &(struct node_wish){
	    &settings, 1, 1, 0, 0, "", "", "", NULL }) != FAILURE_NONE)
		t_die("node_open");
	pool_open(&p, &settings, alone);
}

static void
done(void)
{
	pool_close(&p);
	check_int(running, 0);
	slot_leave(&slot);
	node_close(node);
	settings_free(&settings);
}

/* Checks which server is chosen. */
static void
chooses(int want)
{
	if (slot_enter(&slot, ".") == -1)
		t_die("slot_enter");
	check_int(pool_try(&p, &slot, node, 9), 0);
	check_int(p.chosen, want);
}

static void
fails(void)
{
	pool_pass_over(&p, node, FAILURE_UPSTREAM_BUSY, "a \"test\"");
}

/* Lets the servers answer. */
static bool
prefers(int asked, int want)
{
	struct http_call	*c;
	bool			 stays;
	int			 i;

	started = 0;
	memset(calls, 0, sizeof(calls));
	check_int(pool_ask(&p, &http), true);
	check_int(started, asked);
	for (i = 0; i < p.count; i++) {
		if ((c = calls[i]) == NULL)
			continue;
		check(pool_asking(&p));
		c->status = 200;
		c->end = says[i] == NULL ? HTTP_TIMEOUT : HTTP_COMPLETE;
		if (says[i] != NULL)
			check(c->receive(c->context, 200, says[i],
			    strlen(says[i])));
		cancel(c);
	}
	check(!pool_asking(&p));
	stays = pool_prefer(&p, node);
	check_int(p.chosen, want);
	check_int(running, 0);
	return stays;
}

#define HAS	"{\"models\":[{\"name\":\"m:latest\"}]}"
#define OTHER	"{\"models\":[{\"name\":\"x\"}]}"
#define NONE	"{\"models\":[]}"

static void
alone(void)
{
	begin("http://a http://b", "m", true);
	check_int(pool_try(&p, &slot, NULL, 9), 0);
	check_int(p.chosen, 0);
	check(!pool_ask(&p, &http));
	check(pool_more(&p));
	pool_pass_over(&p, NULL, FAILURE_UPSTREAM_BUSY, "");
	check_int(pool_try(&p, &slot, NULL, 9), 0);
	check_int(p.chosen, 1);
	check(!pool_more(&p));
	pool_end(&p, POOL_FAILED);
	check(access("health", F_OK) == -1);
	done();
}

static void
one(void)
{
	begin("http://a weight=2", "m", false);
	chooses(0);
	check_int(p.slots[0].slots, 2);
	check(!pool_ask(&p, &http));
	check(!pool_more(&p));
	pool_end(&p, POOL_FAILED);
	check(access("health", F_OK) == -1);
	check_int(started, 0);
	done();
}

/* Each is tried once, one after the other; then failed ones are avoided. */
static void
passes(void)
{
	begin("http://a http://b http://c", "m", false);
	chooses(0);
	check(pool_more(&p));
	fails();
	check_int(p.chosen, -1);
	pool_end(&p, POOL_FAILED);	/* nothing is chosen */
	chooses(1);
	check(pool_more(&p));
	fails();
	chooses(2);
	check(!pool_more(&p));
	pool_end(&p, POOL_UNKNOWN);
	pool_close(&p);
	node_close(node);
	row("another generation");
	if (node_open(&node, &(struct node_wish){
	    &settings, 2, 2, 0, 0, "", "", "", NULL }) != FAILURE_NONE)
		t_die("node_open");
	memset(&p, 0, sizeof(p));
	pool_open(&p, &settings, false);
	chooses(2);
	row("nobody is well: each once, all the same");
	fails();
	chooses(0);
	fails();
	chooses(1);
	check(!pool_more(&p));
	row("an answer");
	pool_end(&p, POOL_GOOD);
	pool_close(&p);
	memset(&p, 0, sizeof(p));
	pool_open(&p, &settings, false);
	chooses(1);
	done();
}

/*
 * A failed server is tried again when its pause is over, if the next one is
 * full.
 */
static void
again(void)
{
	struct slots_server	b = { url_key("http://b", 8), 1, NULL };
	struct node		*other;

	begin("http://a http://b", "m", false);
	if (node_open(&other, &(struct node_wish){
	    &settings, 2, 2, 0, 0, "", "", "", NULL }) != FAILURE_NONE)
		t_die("node_open");
	check_int(slots_take(other, &b, 1, 0), 0);
	chooses(0);
	fails();
	check_int(slot_enter(&slot, "."), 0);
	check_int(pool_try(&p, &slot, node, 9), 1);
	check(p.server[0].again > clock_us() + 1000000);
	p.server[0].again = clock_us();
	health_good(p.health, p.slots[0].key);
	check_int(pool_try(&p, &slot, node, 9), 0);
	check_int(p.chosen, 0);
	check(pool_more(&p));
	row("and the next one when it is free");
	fails();
	slots_release(other);
	chooses(1);
	check(!pool_more(&p));
	node_close(other);
	done();
}

static void
moves(void)
{
	static const struct {
		const char	*model, *says[3];
		int		 want;
	} rows[] = {
		{ "m", { HAS, HAS, HAS }, 0 }, { "m", { NONE, NONE, NONE }, 0 },
		{ "m", { OTHER, OTHER, HAS }, 2 }, { "m", { OTHER, HAS, HAS },
		    1 }, { "m", { OTHER, NULL, HAS }, 2 },
		{ "m", { OTHER, NULL, NULL }, 0 },
		{ "m", { OTHER, "oh", "<html>" }, 0 },
		{ "m", { NULL, NONE, HAS }, 2 },
		{ "", { NONE, OTHER, HAS }, 1 }, { "", { OTHER, HAS, HAS }, 0 },
		{ "", { "", "", "" }, 0 },
	};
	size_t	i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%zu", i);
		begin("http://a http://b http://c", rows[i].model, false);
		chooses(0);
		memcpy(says, rows[i].says, sizeof(rows[i].says));
		check(prefers(3, rows[i].want));
		for (k = 0; k < 3; k++)
			check_int(p.server[k].again > clock_us(),
			    rows[i].says[k] == NULL);
		check(pool_more(&p));
		done();
	}
}

static void
silent(void)
{
	row("the chosen one: another one, though it has nothing loaded");
	begin("http://a http://b http://c", "m", false);
	chooses(0);
	says[1] = says[2] = NONE;
	check(!prefers(3, -1));
	chooses(1);
	check(prefers(2, 1));
	done();
	row("all of them: each is asked all the same");
	begin("http://a http://b", "m", false);
	chooses(0);
	check(!prefers(2, -1));
	chooses(1);
	check(prefers(0, 1));
	check(!pool_more(&p));
	done();
}

/* The server that has the model loaded is full. */
static void
full(void)
{
	struct slots_server	b = { url_key("http://b", 8), 1, NULL };
	struct node		*other;

	begin("http://a http://b", "m", false);
	if (node_open(&other, &(struct node_wish){
	    &settings, 2, 2, 0, 0, "", "", "", NULL }) != FAILURE_NONE)
		t_die("node_open");
	check_int(slots_take(other, &b, 1, 0), 0);
	chooses(0);
	says[0] = NONE;
	says[1] = HAS;
	check(prefers(2, 0));
	slots_release(other);
	check(prefers(2, 1));
	node_close(other);
	done();
}

static void
no_memory(void)
{
	begin("http://a http://b", "m", false);
	chooses(0);
	refuse_start = true;
	check(!pool_ask(&p, &http));
	check_int(started, 1);
	check_int(running, 0);
	done();
}

int
main(void)
{
	t_begin();
	run(alone);
	run(one);
	run(passes);
	run(again);
	run(moves);
	run(silent);
	run(full);
	run(no_memory);
	return t_end();
}
