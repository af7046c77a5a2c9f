# Turns the files of sql/ into a C header: each NNN_name.sql one string of the
# array store_migrations, each "-- name: X" block of the others a member of
# enum statement and of the array store_statements; "-- name: X again" declares
# what may be done twice (store_again).  With -v names=yes it prints the enum
# alone, of all files that it is given: both stores have the same one.
# A backslash would mean something else in C: it is refused.

function quote(line) {
	gsub(/"/, "\\\"", line)
	return "\t    \"" line "\\n\"\n"
}

BEGIN {
	print "/* Made by sql/embed.awk from sql/; do not edit. */"
	# Compilers need not take a string of over 4,095 bytes; all do.
	print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
}

/\\/ {
	print FILENAME ":" FNR ": a backslash" > "/dev/stderr"
	failed = 1
	exit 1
}

FILENAME ~ /\/[0-9][0-9][0-9]_[^\/]*\.sql$/ {
	if (FNR == 1)
		steps++
	migration[steps] = migration[steps] quote($0)
	next
}

/^-- name: / {
	name[++count] = $3
	again[count] = $4 == "again"
	next
}

count > 0 && !/^--/ && NF > 0 { text[count] = text[count] quote($0) }

END {
	if (failed)
		exit 1
	if (names) {
		print "#ifndef STATEMENTS_H\n#define STATEMENTS_H\n"
		print "enum statement {"
		for (i = 1; i <= count; i++)
			if (!seen[name[i]]++)
				print "\tSTATEMENT_" name[i] ","
		print "\tSTATEMENT__MAX\n};\n\n#endif"
		exit
	}
	print "#include \"statements.h\"\n"
	print "enum { SCHEMA_VERSION = " steps " };\n"
	print "static const char *const store_migrations[SCHEMA_VERSION] = {"
	for (i = 1; i <= steps; i++)
		print "\t[" i - 1 "] =\n" migration[i] "\t    \"\","
	print "};\n"
	print "static const char *const store_statements[STATEMENT__MAX] = {"
	for (i = 1; i <= count; i++)
		print "\t[STATEMENT_" name[i] "] =\n" text[i] "\t    \"\","
	print "};\n"
	print "static const _Bool store_again[STATEMENT__MAX] = {"
	for (i = 1; i <= count; i++)
		print "\t[STATEMENT_" name[i] "] = " again[i] + 0 ","
	print "};"
}
