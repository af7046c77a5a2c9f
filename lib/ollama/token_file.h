/*
 * A secret word in a file: OLLAMA_TOKEN_FILE.
 */
#ifndef TOKEN_FILE_H
#define TOKEN_FILE_H

/*
 * Reads the only word of a file, of printable ASCII characters, that nobody
 * else may read; white space and a byte order mark around it are dropped.
 * Returns 0, or -1 with words for what is wrong in *why (errno EILSEQ: with
 * what the file holds).  The caller frees it.
 */
int token_of_file(const char *path, char **token, const char **why);

#endif
