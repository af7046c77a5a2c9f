/*
 * What grows old unnoticed: see aging.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/signature.h"
#include "base/file.h"
#include "base/limit.h"
#include "base/module.h"
#include "sessions/aging.h"

int64_t
aging_copy(const struct settings *s, char *folder, size_t size)
{
	const char	*state = getenv("STATE_DIRECTORY");
	const char	*form = store_is_file() ? "[0-9]*-[0-9]*-[0-9]*.db" :
			    "[0-9]*-[0-9]*-[0-9]*.dump";
	char		 path[PATH_MAX];
	int64_t		 newest = 0;
	struct dirent	*e;
	struct stat	 st;
	DIR		*d;

	(void)snprintf(path, sizeof(path), "%s", s->text[SETTING_DATABASE]);
	(void)snprintf(folder, size, "%s/backup", store_is_file() ?
	    dirname(path) : state != NULL ? state : ".");
	if ((d = opendir(folder)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((e = readdir(d)) != NULL) {
		if (fnmatch(form, e->d_name, 0) == 0 && fstatat(dirfd(d),
		    e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime > newest)
			newest = st.st_mtime;
	}
	(void)closedir(d);
	return newest;
}

int64_t
aging_certificate(const struct settings *s, char *error, size_t size)
{
	const struct signature	*module;
	char			*pem;
	int64_t			 end;
	size_t			 len;

	pem = file_read(s->text[SETTING_TLS_CERT], SETTINGS_FILE_MAX, false,
	    &len);
	if (pem == NULL) {
		(void)snprintf(error, size, "%s", strerror(errno));
		return -1;
	}
	module = module_load("signature.so", "signature_module", error, size);
	end = module == NULL ? -1 : module->certificate_end(pem, len, error,
	    size);
	free(pem);
	return end;
}

static bool
aging_row(void *context, const struct cell *c, int cells)
{
	int64_t	*times = context;

	times[0] = strtoll(c[0].text, NULL, 10);
	times[1] = strtoll(c[1].text, NULL, 10);
	return cells == 0;
}

enum failure_code
aging_answers(struct store *store, int64_t *first, int64_t *newest)
{
	enum failure_code	rc;
	int64_t			times[2] = { 0, 0 };

	rc = store_report(store, STORE_AGES, 0, 1, aging_row, times);
	*first = times[0];
	*newest = times[1];
	return rc;
}
