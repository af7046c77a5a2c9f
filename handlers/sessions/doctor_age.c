/*
 * sessions doctor: what grows old, and the clock that it is judged by.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sessions/aging.h"
#include "sessions/doctor.h"

enum {
	DAY = 86400,
	COPY_DAYS = 2,		/* one night may be missed */
	END_DAYS = 14		/* for a certificate that nobody renews */
};

static const char *
date(int64_t when, char text[32])
{
	const time_t	t = when;
	struct tm	tm;

	(void)gmtime_r(&t, &tm);
	(void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

/* The times of the answers; 0 where there are none, or they are not to be had,
 * which doctor_database tells. */
static void
answers(struct doctor *d, int64_t *first, int64_t *newest)
{
	struct store	*store;

	*first = *newest = 0;
	if (d->settings->error[0] != '\0')
		return;		/* there may be no DATABASE in them */
	if (store_open(&store, d->settings->text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
		(void)aging_answers(store, first, newest);
	store_close(store);
}

void
doctor_copies(struct doctor *d)
{
	static const char	remedy[] = "See whether the timer runs "
				    "(systemctl status "
				    "ticketchat-upkeep.timer), or have "
				    "deploy/upkeep.sh run each night; "
				    "BACKUPS=0 where copies are made in "
				    "another way";
	const int64_t		now = time(NULL);
	int64_t			first, newest, copy;
	char			folder[PATH_MAX + 16], text[32];

	if (d->settings->number[SETTING_BACKUPS] == 0) {
		doctor_tell(d, DOCTOR_OK, "copies", "BACKUPS=0: none are made");
		return;
	}
	answers(d, &first, &newest);
	if ((copy = aging_copy(d->settings, folder, sizeof(folder))) == -1)
		doctor_tell(d, DOCTOR_WARNING, "copies", "%s: %s\nSee whose it "
		    "is", folder, strerror(errno));
	else if (copy > now + DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "the newest one in %s "
		    "is of %s, which is to come\nSet the clock", folder,
		    date(copy, text));
	else if (copy != 0 && now - copy > COPY_DAYS * DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "the newest one in %s "
		    "is %" PRId64 " days old\n%s", folder, (now - copy) / DAY,
		    remedy);
	else if (copy != 0)
		doctor_tell(d, DOCTOR_OK, "copies", "the newest one in %s is "
		    "of %s", folder, date(copy, text));
	else if (first != 0 && now - first > COPY_DAYS * DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "none in %s, and the "
		    "first answer is %" PRId64 " days old\n%s", folder,
		    (now - first) / DAY, remedy);
	else
		doctor_tell(d, DOCTOR_OK, "copies", "none yet in %s", folder);
}

void
doctor_certificate(struct doctor *d)
{
	const char	*file = d->settings->text[SETTING_TLS_CERT];
	const int64_t	 now = time(NULL);
	int64_t		 end;
	char		 error[512], text[32];

	if (*file == '\0')
		return;
	if ((end = aging_certificate(d->settings, error, sizeof(error))) == -1)
		doctor_tell(d, DOCTOR_ERROR, "certificate", "%s: %s\nSet "
		    "TLS_CERT to a certificate in PEM", file, error);
	else
		doctor_tell(d, end <= now ? DOCTOR_ERROR : end - now <
		    END_DAYS * DAY ? DOCTOR_WARNING : DOCTOR_OK,
		    "certificate", "%s: %s %s%s", file, end <= now ?
		    "it ended on" : "good until", date(end, text), end - now <
		    END_DAYS * DAY ? "\nRenew it, and restart the service" :
		    "");
}

void
doctor_clock(struct doctor *d)
{
	const int64_t	now = time(NULL);
	const time_t	t = now;
	int64_t		first, newest;
	struct tm	tm;
	char		text[32], other[32];

	answers(d, &first, &newest);
	(void)gmtime_r(&t, &tm);
	/* This was written in 2026; tokens' dates are judged by it. */
	if (tm.tm_year + 1900 < 2026 || tm.tm_year + 1900 > 2100)
		doctor_tell(d, DOCTOR_ERROR, "clock", "%s\nSet it: tokens "
		    "and answers bear its date", date(now, text));
	else if (newest > now + DAY)
		doctor_tell(d, DOCTOR_ERROR, "clock", "%s, and the newest "
		    "answer is of %s\nSet it: tokens and answers bear its "
		    "date", date(now, text), date(newest, other));
	else if (newest != 0 && now - newest > AGING_QUIET * DAY &&
	    d->settings->number[SETTING_RETENTION_DAYS] > 0)
		doctor_tell(d, DOCTOR_WARNING, "clock", "%s, and the newest "
		    "answer is of %s: RETENTION_DAYS deletes nothing until "
		    "there is a newer one\nSee that the clock is right; "
		    "`sessions purge --force' deletes", date(now, text),
		    date(newest, other));
	else
		doctor_tell(d, DOCTOR_OK, "clock", "%s", date(now, text));
}
