/*
 * sessions doctor: what grows old, and the clock by which that is judged.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sessions/aging.h"
#include "sessions/doctor.h"

enum {
	DAY = 86400,
	COPY_DAYS = 2,		/* one night may be missed */
	END_DAYS = 14		/* before the end of a certificate that nobody
				   renews */
};

/* The times of the oldest and newest answer; 0 if there is none or the database
   cannot be read, which doctor_database reports. */
static void
doctor_age_answers(struct doctor *d, int64_t *first, int64_t *newest)
{
	struct store	*store;

	*first = *newest = 0;
	if (d->settings->error[0] != '\0')
		return;		/* invalid settings: DATABASE may be missing */
	if (store_open(&store, d->settings->text[SETTING_DATABASE]) ==
	    FAILURE_NONE)
		(void)aging_answers(store, first, newest);
	store_close(store);
}

void
doctor_copies(struct doctor *d)
{
	static const char	remedy[] = "Check the timer (systemctl status "
	    "ticketchat-upkeep.timer), or run deploy/upkeep.sh each night; set "
	    "BACKUPS=0 if copies are made in another way";
	const int64_t		now = time(NULL);
	int64_t			first, newest, copy;
	char			folder[PATH_MAX + 16], text[CLOCK_DATE];

	if (d->settings->number[SETTING_BACKUPS] == 0) {
		doctor_tell(d, DOCTOR_OK, "copies", "BACKUPS=0: no copies are "
		    "made");
		return;
	}
	doctor_age_answers(d, &first, &newest);
	if ((copy = aging_copy(d->settings, folder, sizeof(folder))) == -1)
		doctor_tell(d, DOCTOR_WARNING, "copies", "%s: %s\nCheck its "
		    "owner and mode", folder, strerror(errno));
	else if (copy > now + DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "the newest copy in "
		    "%s is dated %s, which is in the future\nSet the clock",
		    folder, clock_date(copy, text));
	else if (copy != 0 && now - copy > COPY_DAYS * DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "the newest copy in "
		    "%s is %" PRId64 " days old\n%s",
		    folder, (now - copy) / DAY, remedy);
	else if (copy != 0)
		doctor_tell(d, DOCTOR_OK, "copies", "the newest copy in %s is "
		    "dated %s", folder, clock_date(copy, text));
	else if (first != 0 && now - first > COPY_DAYS * DAY)
		doctor_tell(d, DOCTOR_WARNING, "copies", "there is none in %s, "
		    "and the first answer is %" PRId64 " days old\n%s", folder,
		    (now - first) / DAY, remedy);
	else
		doctor_tell(d, DOCTOR_OK, "copies", "there is none yet in %s",
		    folder);
}

void
doctor_certificate(struct doctor *d)
{
	const char	*file = d->settings->text[SETTING_TLS_CERT];
	const int64_t	 now = time(NULL);
	int64_t		 end;
	char		 error[512], text[CLOCK_DATE];

	if (*file == '\0')
		return;
	if ((end = aging_certificate(d->settings, error, sizeof(error))) == -1)
		doctor_tell(d, DOCTOR_ERROR, "certificate", "%s: %s\nSet "
		    "TLS_CERT to a certificate in PEM", file, error);
	else
		doctor_tell(d, end <= now ? DOCTOR_ERROR : end - now <
		    END_DAYS * DAY ? DOCTOR_WARNING : DOCTOR_OK,
		    "certificate", "%s: %s %s%s", file, end <= now ?
		    "expired on" : "valid until", clock_date(end, text),
		    end - now <
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
	char		text[CLOCK_DATE], other[CLOCK_DATE];

	doctor_age_answers(d, &first, &newest);
	(void)gmtime_r(&t, &tm);
	/* Written in 2026.  The dates in JWTs are compared with this clock. */
	if (tm.tm_year + 1900 < 2026 || tm.tm_year + 1900 > 2100)
		doctor_tell(d, DOCTOR_ERROR, "clock", "%s\nSet it: JWTs and "
		    "answers depend on its date", clock_date(now, text));
	else if (newest > now + DAY)
		doctor_tell(d, DOCTOR_ERROR, "clock", "%s, but the newest "
		    "answer is dated %s\nSet it: JWTs and answers depend on "
		    "its date", clock_date(now, text),
		    clock_date(newest, other));
	else if (newest != 0 && now - newest > AGING_QUIET * DAY &&
	    d->settings->number[SETTING_RETENTION_DAYS] > 0)
		doctor_tell(d, DOCTOR_WARNING, "clock", "%s, and the newest "
		    "answer is dated %s: RETENTION_DAYS deletes nothing until "
		    "there is a newer one\nCheck the clock; `sessions purge "
		    "--force' deletes all the same", clock_date(now, text),
		    clock_date(newest, other));
	else
		doctor_tell(d, DOCTOR_OK, "clock", "%s", clock_date(now,
		    text));
}
