# Makes the manual page of websocketd.conf from the file itself, so that the
# two never differ: comments become paragraphs, `--- name: ---' sections.

# A text as mdoc(7): one sentence a line, nothing that it would obey.
function mdoc(text,    lines, n, i, out) {
	gsub(/[ \t]+/, " ", text)
	gsub(/\\/, "\\e", text)
	while (match(text, /`[^`']+'/))
		text = substr(text, 1, RSTART - 1) "\\(oq" \
		    substr(text, RSTART + 1, RLENGTH - 2) "\\(cq" \
		    substr(text, RSTART + RLENGTH)
	gsub(/\.  ?/, ".\n", text)
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		sub(/^ +/, "", lines[i])
		if (lines[i] ~ /^[.']/)
			lines[i] = "\\&" lines[i]
		if (lines[i] != "")
			out = out lines[i] "\n"
	}
	return out
}

# A comment: its paragraphs, and between them its tables, as they stand.
function paragraphs(text,    part, n, i) {
	n = split(text, part, "\001")
	for (i = 1; i <= n; i++) {
		if (i % 2)
			printf "%s", mdoc(part[i])
		else {
			gsub(/\\/, "\\e", part[i])
			print ".Bd -literal" part[i] "\n.Ed"
		}
	}
}

BEGIN {
	print ".\\\" Made from websocketd.conf by man/websocketd.conf.awk."
	print ".Dd November 23, 2026\n.Dt WEBSOCKETD.CONF 5\n.Os ticketchat"
	print ".Sh NAME\n.Nm websocketd.conf\n.Nd the settings of ticketchat"
	print ".Sh DESCRIPTION"
}

NR == 1 { next }

/^# ---/ {
	if (sections++)
		print ".El"
	sub(/^# --- /, "")
	sub(/:? *-+$/, "")
	sub(/:.*/, "")
	print ".Ss " $0 "\n.Bl -tag -width Ds"
	text = ""
	next
}

# Lines that are set in by three blanks are a table; \001 before and behind it.
/^#   / {
	sub(/^#   /, "")
	text = text (table ? "" : "\001") "\n" $0
	table = 1
	next
}

table {
	text = text "\001"
	table = 0
}

/^#/ {
	sub(/^# ?/, "")
	# At the line's end a sentence ends too.
	text = text (text == "" ? "" : " ") $0
	if ($0 ~ /\.$/)
		text = text " "
	next
}

/^[A-Z_]+=/ {
	value = $0
	sub(/^[^=]*=/, "", value)
	sub(/=.*/, "")
	print ".It Cm " $0
	if (text != "")
		held = text
	text = ""
	# Two keys of one comment stand together above it.
	if ($0 == "TLS_CERT" || $0 == "JWT_ISSUER" || $0 == "TICKETS_TABLE")
		next
	paragraphs(held)
	if (value != "")
		print "Default:\n.Ql " value " ."
	next
}

/^$/ {
	if (!sections && text != "") {
		printf "%s", mdoc(text)
		text = ""
	}
}

END {
	print ".El\n.Sh SEE ALSO\n.Xr answer 1 ,\n.Xr chat 1 ,"
	print ".Xr sessions 1"
}
