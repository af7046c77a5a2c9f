# Turns a text file into a C string `system_prompt'; see prompt.c.
BEGIN {
	print "/* Made by lib/ollama/embed.awk; do not edit. */"
	print "static const char system_prompt[] ="
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	print "    \"" $0 "\\n\""
}
END { print "    \"\";" }
