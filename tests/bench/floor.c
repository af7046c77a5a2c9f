/*
 * The floor of the shape: what anything costs that websocketd starts for each
 * connection.  Reads a line, writes the frames of a saved answer, which are always
 * the same ones, and waits for the end.  Linked statically.
 */
#include <string.h>
#include <unistd.h>

int
main(void)
{
	static const char	frames[] = "{\"type\":\"cached\",\"response\":"
				    "\"Open the tray.\"}\n{\"type\":\"done\"}\n";
	char			in[4096];
	ssize_t			n;

	while ((n = read(STDIN_FILENO, in, sizeof(in))) > 0 &&
	    memchr(in, '\n', (size_t)n) == NULL)
		;
	if (write(STDOUT_FILENO, frames, sizeof(frames) - 1) == -1)
		return 111;
	while (read(STDIN_FILENO, in, sizeof(in)) > 0)
		;
	return 0;
}
