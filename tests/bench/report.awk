# The tables of tests/bench/run, from its figures. Each line is one measurement:
#
#   MOUNT CASE CLIENTS JOBS_PER_SECOND P50_US P99_US
#   MOUNT requests CASE REQUEST HOW_MANY
#   PROGRAM program REQUEST HOW_MANY
#
# The n-th measurement of a case on one mount was a neighbour of the n-th on each other.

$2 == "requests" && $4 ~ /FORGET/ {
	next
}

$2 == "requests" {
	sum[$1, $3] += $5
	if ($5 > .05)
		requests[$1, $3] = requests[$1, $3] " " $4 ($5 > .95 && $5 < 1.05 ? "" : sprintf(" x%.1f", $5))
	next
}

$2 == "program" {
	program_sum[$1] += $4
	if ($4 > .05)
		program_requests[$1] = program_requests[$1] " " $3 ($4 > .95 && $4 < 1.05 ? "" : sprintf(" x%.1f", $4))
	next
}

{
	key = $1 " " $2 " " $3
	at = ++count[key]
	rate[key, at] = $4
	p50[key, at] = $5
	p99[key, at] = $6
}

# Insertion sort: a handful of values.
function sort(values, n,    i, k, value) {
	for (i = 2; i <= n; i++) {
		value = values[i]
		for (k = i - 1; k >= 1 && values[k] > value; k--)
			values[k + 1] = values[k]
		values[k + 1] = value
	}
}

# `figures` is rate, p50 or p99.
function median(figures, key,    values, i) {
	for (i = 1; i <= count[key]; i++)
		values[i] = figures[key, i]
	sort(values, count[key])
	return values[int((count[key] + 1) / 2)]
}

function ratio(key, floor,    values, i, n) {
	n = count[key] < count[floor] ? count[key] : count[floor]
	if (!n)
		return "-"
	for (i = 1; i <= n; i++)
		values[i] = rate[key, i] / rate[floor, i]
	sort(values, n)
	return sprintf("%.2f (%.2f-%.2f)", values[int((n + 1) / 2)], values[1], values[n])
}

function line_print(title, clients, rate, p50, p99, first, second,    line) {
	line = sprintf("%7s %8s %8s %8s  %-22s %s", clients, rate, p50, p99, first, second)
	sub(/ +$/, "", line)
	printf "%-" (title ~ /^\n/ ? 37 : 36) "s%s\n", title, line
}

function head(title, first, second) {
	line_print("\n" title, "clients", "jobs/s", "p50 us", "p99 us", first, second)
}

function row(title, clients, key, first, second) {
	if (count[key])
		line_print(title, clients, sprintf("%.0f", median(rate, key)), sprintf("%.0f", median(p50, key)),
			sprintf("%.0f", median(p99, key)), first, second)
}

function thousands(n) {
	return n >= 1000000 ? n / 1000000 ",000,000" : n / 1000 ",000"
}

function main_table(    c, n, work) {
	head("spoolfs; medians of " count["spoolfs new 1"] " (range)", "of null FUSE, durable", "of null FUSE, discarding")
	for (c = 1; c <= cases; c++)
		for (n = 1; n <= 3; n++) {
			work = name[c] " " clients[n]
			row(title[c], clients[n], "spoolfs " work,
				ratio("spoolfs " work, "durable " work), ratio("spoolfs " work, "discarding " work))
		}
}

function floor_table(mount, heading,    c, n) {
	head(heading, "", "")
	for (c = 1; c <= cases; c++)
		for (n = 1; n <= 3; n++)
			row(title[c], clients[n], mount " " name[c] " " clients[n], "", "")
}

function verdicts_table(    n) {
	head("spoolfs, verdicts in words", "of claim + rm", "")
	for (n = 1; n <= 3; n++) {
		row("claim + done in words", clients[n], "spoolfs words " clients[n],
			ratio("spoolfs words " clients[n], "spoolfs claim " clients[n]), "")
		row("one descriptor", clients[n], "spoolfs onefd " clients[n],
			ratio("spoolfs onefd " clients[n], "spoolfs claim " clients[n]), "")
	}
}

function disk_table(    batch) {
	head("the disk, and SQLite alone", "of fdatasync", "")
	row("fdatasync of a 4 KiB overwrite", 1, "disk fsync 1", "", "")
	for (batch = 1; batch <= 64; batch *= 8)
		row("SQLite: enqueue, " batch " a transaction", 1, "sqlite enqueue " batch,
			ratio("sqlite enqueue " batch, "disk fsync 1"), "")
	for (batch = 1; batch <= 64; batch *= 8)
		row("SQLite: claim and delete, " batch " each", 1, "sqlite claim " batch,
			ratio("sqlite claim " batch, "disk fsync 1"), "")
}

function backlog_table(    c, n, few, many) {
	head("spoolfs, by jobs that wait", "of that at 1,000", "")
	for (c = 2; c <= 3; c++)
		for (n = 1; n <= 3; n += 2) {
			few = "waiting1000 " name[c] " " clients[n]
			many = "waiting" backlog " " name[c] " " clients[n]
			row(title[c] ", 1,000", clients[n], few, "", "")
			row(title[c] ", " thousands(backlog), clients[n], many, ratio(many, few), "")
		}
}

function requests_table(    c, s, key) {
	print "\nrequests per job (one client; without FORGET)"
	for (c = 1; c <= 3; c++)
		for (s = 1; s <= 2; s++) {
			key = (s == 1 ? "spoolfs" : "discarding") SUBSEP name[c]
			printf "%-28s %-9s %5s %s\n", title[c], s == 1 ? "spoolfs" : "null FUSE",
				key in sum ? sprintf("%.1f", sum[key]) : "-", requests[key]
		}
}

# What is said of savings is what each request is there for.
function programs_table(    n, i, programs, titles) {
	n = split("echo echo-new cp python C-named C-new", programs)
	split("echo > NAME, in bash|echo > new, in bash|cp FILE NAME|python, open(NAME)|C, open, write, close|C, the same on new", titles, "|")
	print "\nrequests per job, by program (without FORGET)"
	for (i = 1; i <= n; i++)
		printf "%-28s %5s %s\n", titles[i], programs[i] in program_sum ? sprintf("%.1f", program_sum[programs[i]]) : "-",
			program_requests[programs[i]]
	print "what could be saved of it"
	print "  GETATTR   of the queue, whose times have changed: with permissions checked here and not by the kernel"
	print "  LOOKUP    of a name: with new; cp looks twice, and a kept \"not there\" would hide jobs of that name"
	print "  FLUSH     the shell's first, when it moves the descriptor: only by giving up what close says"
	print "  GETXATTR  of security.capability, for O_TRUNC: with FUSE_HANDLE_KILLPRIV_V2"
	print "  IOCTL     of python, which asks for a terminal: with os.open"
	print "  RELEASE   nothing: nobody waits for it"
}

END {
	cases = split("named new claim both", name)
	split("enqueue, named file|enqueue, new|claim + rm|end to end", title, "|")
	split("1 4 16", clients)
	main_table()
	floor_table("durable", "null FUSE, durable")
	floor_table("discarding", "null FUSE, discarding")
	verdicts_table()
	disk_table()
	backlog_table()
	requests_table()
	programs_table()
}
