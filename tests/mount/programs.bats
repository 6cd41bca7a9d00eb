#!/usr/bin/env bats
# Real programs as producers: each makes one job with its exact bytes, says that all went well, and
# leaves nothing over. programs.bash tells how; programs.requests has what each asks of the kernel.
# shellcheck disable=SC2016 # the programs' code is not expanded here

load harness
load programs

@test "shells: echo, printf, subshells, groups with children, exec" {
	mount_traced 'mail: {}'
	makes_one_job 'echo in bash' 'echo "$(cat "$P")" >"$F"' text big
	makes_one_job 'echo in dash' 'dash -c "echo \"\$(cat \"\$P\")\" >\"\$F\""' text big
	makes_one_job 'echo to new' 'echo "$(cat "$P")" >"$Q/new"' text big
	makes_one_job 'printf in bash' 'printf "$(od -An -v -to1 "$P" | tr -d "\n" | tr " " \\\\)" >"$F"' text bytes
	makes_one_job 'printf in dash' 'dash -c "printf \"\$(od -An -v -to1 \"\$P\" | tr -d \"\\n\" | tr \" \" \\\\\\\\)\" >\"\$F\""' text bytes
	makes_one_job 'echo, a line each' 'while IFS= read -r line; do echo "$line"; done <"$P" >"$F"' text big
	makes_one_job 'cat' 'cat "$P" >"$F"'
	makes_one_job 'a subshell' '(head -c 3 "$P"; (tail -c +4 "$P")) >"$F"'
	makes_one_job 'a group with children' '{ printf "%s" ""; head -c 3 "$P"; tail -c +4 "$P"; } >"$F"'
	makes_one_job 'a group in dash' 'dash -c "{ head -c 3 \"\$P\"; tail -c +4 \"\$P\"; } >\"\$F\""'
	makes_one_job 'exec 3>' 'exec 3>"$F"; head -c 3 "$P" >&3; (tail -c +4 "$P" >&3); exec 3>&-'
	makes_one_job 'exec 3> in dash' 'dash -c "exec 3>\"\$F\"; cat \"\$P\" >&3; exec 3>&-"'
	makes_one_job '>>' 'cat "$P" >>"$F"'
}

@test "copies: cp, mv, install, tee, dd, split" {
	mount_traced 'mail: {}'
	makes_one_job 'cp' 'cp payload "$F"'
	makes_one_job 'cp -a' 'cp -a payload "$F"'
	makes_one_job 'cp --remove-destination' 'cp --remove-destination payload "$F"'
	makes_one_job 'mv from another file system' 'mv payload "$F"'
	makes_one_job 'install' 'install -m 640 payload "$F"'
	makes_one_job 'tee' 'tee "$F" <payload >/dev/null'
	makes_one_job 'dd, small blocks' 'dd if=payload of="$F" bs=1000 status=none'
	makes_one_job 'dd conv=fsync' 'dd if=payload of="$F" bs=64k conv=fsync status=none'
	makes_one_job 'dd conv=notrunc' 'dd if=payload of="$F" bs=64k conv=notrunc status=none'
	makes_one_job 'split' 'split -b 1000000 payload "$F."'
}

@test "archives: rsync, tar, cpio, unzip, git archive" {
	mount_traced 'mail: {}'
	makes_one_job 'rsync -a' 'mv payload "$N" && rsync -a "$N" "$Q/"'
	makes_one_job 'rsync --inplace' 'mv payload "$N" && rsync -a --inplace "$N" "$Q/"'
	makes_one_job 'rsync --delay-updates' 'mv payload "$N" && rsync -a --delay-updates "$N" "$Q/"'
	makes_one_job 'tar x' 'mv payload "$N" && tar cf a.tar "$N" && tar -C "$Q" -xf a.tar'
	makes_one_job 'cpio -i' 'mv payload "$N" && echo "$N" | cpio --quiet -o >a.cpio && cd "$Q" && cpio --quiet -i <"$T/work/a.cpio"'
	makes_one_job 'cpio -p' 'mv payload "$N" && echo "$N" | cpio --quiet -p "$Q"'
	makes_one_job 'unzip' 'mv payload "$N" && zip -q a.zip "$N" && unzip -q a.zip -d "$Q"'
	makes_one_job 'git archive -o' 'git init -q . && git add payload &&
		git -c user.name=n -c user.email=e commit -q -m m && git archive -o expected HEAD && git archive -o "$F" HEAD'
}

@test "a whole directory, copied into a queue by its contents" {
	local how n=0
	mount_queues 'mail: {}'
	mkdir "$T/whole"
	for how in 'rsync -a "$T/whole/" "$M/mail/"' 'rsync -a --delay-updates "$T/whole/" "$M/mail/"' \
		'cp -a "$T/whole/." "$M/mail/"' 'tar -C "$T/whole" -c . | tar -C "$M/mail" -x'; do
		rm -f "$T/whole"/*
		echo one >"$T/whole/one$n"
		echo two >"$T/whole/two$n"
		touch -d yesterday "$T/whole"
		eval "$how"
		((n += 2))
		equal "$n" "$(count_in mail)"
	done
	equal "one one one one two two two two" "$(payloads mail | tr ' ' '\n' | sort | paste -s -d ' ')"
	equal "" "$(find "$M/mail" -maxdepth 1 -name '*~')"
	equal EPERM "$(errno_of 'os.chmod(a[0], 0o700)' "$M/mail")"
	equal EPERM "$(errno_of 'os.chown(a[0], 1, -1)' "$M/mail")"
}

@test "editors: sed -i, vim, ed" {
	mount_traced 'mail: {}'
	makes_one_job 'sed -i on a draft' 'cp payload "$F.tmp" && sed -i s/x/x/ "$F.tmp" && mv "$F.tmp" "$F"'
	makes_one_job 'vim, :w NAME' 'TERM=dumb vim.tiny -u NONE -es -b payload "+w $F" +qa'
	makes_one_job 'vim -n NAME' 'TERM=dumb vim.tiny -u NONE -n -es "$F" "+r payload" +wq' text big
	# A swap file is synced by the clock: not in programs.requests.
	makes_one_job 'vim NAME' 'TERM=dumb vim.tiny -u NONE -es "$F" "+r payload" +wq' big
	makes_one_job 'ed' 'printf "w %s\nq\n" "$F" | ed -s payload' text big
}

@test "languages: python, perl, awk, node, sqlite3" {
	mount_traced 'mail: {}'
	makes_one_job 'python, open and write' 'python3 -c "
import sys
with open(sys.argv[1], \"wb\") as f: f.write(open(\"payload\", \"rb\").read())" "$F"'
	makes_one_job 'python, small writes' 'python3 -c "
import os, sys
data = open(\"payload\", \"rb\").read()
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for i in range(0, len(data), 1000): os.write(fd, data[i:i + 1000])
os.close(fd)" "$F"'
	makes_one_job 'python, os.replace' 'python3 -c "
import os, sys
with open(sys.argv[1] + \".tmp\", \"wb\") as f:
    f.write(open(\"payload\", \"rb\").read())
    f.flush()
    os.fsync(f.fileno())
os.replace(sys.argv[1] + \".tmp\", sys.argv[1])" "$F"'
	makes_one_job 'python, shutil.copy2' 'python3 -c "
import shutil, sys
shutil.copy2(\"payload\", sys.argv[1])" "$F"'
	makes_one_job 'perl' 'perl -e "
		open my \$in, \"<\", \"payload\" or die; open my \$out, \">\", \$ARGV[0] or die \$!;
		print \$out \$_ while <\$in>; close \$out or die \$!" "$F"'
	makes_one_job 'awk' 'awk -v out="$F" "{ print > out }" payload' text big
	makes_one_job 'node, writeFileSync' 'node -e "fs.writeFileSync(process.argv[1], fs.readFileSync(\"payload\"))" "$F"'
	makes_one_job 'node, a stream' 'node -e "
		fs.createReadStream(\"payload\", { highWaterMark: 10000 }).pipe(fs.createWriteStream(process.argv[1]))" "$F"'
	makes_one_job 'sqlite3 .output' 'sqlite3 -cmd ".output $F" :memory: "select substr(cast(readfile(\"payload\") as text), 1, length(readfile(\"payload\")) - 1)"' text big
}

@test "over the network: curl, wget, sftp, scp" {
	local url
	mount_traced 'mail: {}'
	mkdir "$T/served"
	cp "$T/text" "$T/bytes" "$T/big" "$T/served/"
	python3 -u -m http.server --bind 127.0.0.1 --directory "$T/served" 0 >"$T/server" 2>"$T/served.log" 3>&- &
	eventually grep -q port "$T/server"
	url=http://127.0.0.1:$(sed 's/.* port \([0-9]*\) .*/\1/' "$T/server")
	printf '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n' >"$T/ssh" # no host, no keys
	chmod +x "$T/ssh"
	makes_one_job 'curl -o' "cp payload \"\$T/served/\$N\" && curl -sS --fail -o \"\$F\" $url/\$N"
	makes_one_job 'wget -O' "cp payload \"\$T/served/\$N\" && wget -q -O \"\$F\" $url/\$N"
	makes_one_job 'wget -P' "cp payload \"\$T/served/\$N\" && wget -q -P \"\$Q\" $url/\$N"
	makes_one_job 'sftp' 'echo "put payload $F" | sftp -q -b - -D /usr/lib/openssh/sftp-server'
	makes_one_job 'sftp -p' 'echo "put -p payload $F" | sftp -q -b - -D /usr/lib/openssh/sftp-server'
	makes_one_job 'scp' 'scp -q -S "$T/ssh" payload "host:$F"'
}

# A file whose writes are known one by one cannot be mapped shared (FOPEN_DIRECT_IO).
@test "a C program that maps what it writes: ENODEV, and no job" {
	mount_traced 'mail: {}'
	refused 'No such device' "${SPOOLFS%/*}/tests/mount/mapper" "$T/text" "$M/mail/x"
	equal 0 "$(count_in mail)"
	[ ! -e "$M/mail/x" ]
}

@test "split into parts: a job each" {
	mount_traced 'mail: {}'
	split -b 100000 "$T/big" "$M/mail/part."
	equal 9 "$(count_in mail)"
	cat "$M"/mail/receipts/part.* | cmp - "$T/big"
}

@test "logrotate: what is open is renamed and closed, the new file is another job" {
	mount_traced 'mail: {}'
	exec 4>>"$M/mail/log"
	echo old >&4
	mv "$M/mail/log" "$M/mail/log.1"
	(umask 077 && : >"$M/mail/log") # create
	exec 5>>"$M/mail/log"
	echo new >&5
	exec 4>&-
	equal old "$(cat "$M/mail/receipts/log.1")"
	exec 5>&-
	equal new "$(cat "$M/mail/receipts/log")"
	equal "old new" "$(payloads mail)"
}

@test "a name that was used: mv, install, tar x, unzip -o, cpio -u, cp, curl and rsync make a second job" {
	local code jobs=1 second=0
	mount_traced 'mail: {}'
	echo first >"$M/mail/x"
	mkdir "$T/source"
	cd "$T/source"
	for code in 'mv x "$Q/x"' 'mv -f x "$Q/x"' 'install x "$Q/x"' 'tar c x | tar -C "$Q" -x' \
		'tar c x | tar -C "$Q" -x --unlink-first' 'zip -q a.zip x && unzip -q -o a.zip -d "$Q"; rm a.zip' \
		'echo x | cpio --quiet -o >a.cpio && (cd "$Q" && cpio --quiet -iu) <a.cpio' \
		'cp x "$Q/x"' 'cp --remove-destination x "$Q/x"' 'cp -f x "$Q/x"' 'cp -a x "$Q/x"' \
		'rsync -a --ignore-times x "$Q/x"' 'rsync -a --ignore-times --inplace x "$Q/x"' \
		'dd if=x of="$Q/x" status=none' 'tee "$Q/x" <x >/dev/null' 'cat x >>"$Q/x"' \
		'curl -sS -o "$Q/x" "file://$PWD/x"' \
		'rm "$Q/x"; cp x "$Q/x"'; do
		echo "$((++second)) $code" >x
		Q=$M/mail bash -c "$code" 3>&-
		equal "$((++jobs)) jobs after $code" "$(count_in mail) jobs after $code"
		equal "$second $code" "$(cat "$M/mail/$(jobs_in mail | tail -n 1)")"
		equal "" "$(find "$M/mail" -mindepth 1 -maxdepth 1 -type f -name 'x*')"
	done
	equal first "$(cat "$M/mail/$(jobs_in mail | head -n 1)")"
}

@test "two writers of one name at once, also with >>: two jobs with their own bytes" {
	local name job
	mount_traced 'mail: {}'
	for name in a b; do
		# shellcheck disable=SC2094
		if [ $name = a ]; then
			exec 4>"$M/mail/$name" 5>"$M/mail/$name"
		else
			exec 4>>"$M/mail/$name" 5>>"$M/mail/$name"
		fi
		echo one >&4
		cat "$T/bytes" >&5
		echo more >&4
		exec 5>&- 4>&-
		equal 2 "$(count_in mail)"
		for job in $(jobs_in mail); do
			cmp -s "$T/bytes" "$M/mail/$job" || equal "one more" "$(paste -s -d ' ' "$M/mail/$job")"
			rm "$M/mail/$job"
		done
	done
}

@test ">> by several processes at once: a job each, with its own lines" {
	local n pids=()
	mount_traced 'mail: {}'
	for n in {1..8}; do
		bash -c 'exec 4>>"$1"; for i in 1 2 3; do echo "$2 $i" >&4; done; (echo "$2 4" >>"$1")' bash "$M/mail/x" "$n" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	equal 16 "$(count_in mail)"
	for n in $(jobs_in mail); do
		paste -s -d , "$M/mail/$n"
	done | sort >"$T/jobs"
	for n in {1..8}; do
		echo "$n 1,$n 2,$n 3"
		echo "$n 4"
	done | sort | diff - "$T/jobs"
}

@test "10 processes open one name again and again, with and without O_CREAT, O_APPEND, O_TRUNC: a job each time" {
	mount_queues 'mail: {}'
	py '
import multiprocessing
path = a[0] + "/x"
def write(w):
    for i in range(25):
        flags = os.O_WRONLY | ((w + i) % 3 > 0) * os.O_CREAT
        fd = os.open(path, flags | (i % 2) * os.O_APPEND | (i % 5 == 0) * os.O_TRUNC, 0o644)
        os.write(fd, b"%d " % w)
        os.write(fd, b"%d" % i)
        os.close(fd)
with open(path, "w") as f: f.write("first")
ps = [multiprocessing.Process(target=write, args=(w,)) for w in range(10)]
for p in ps: p.start()
for p in ps: p.join()
assert all(p.exitcode == 0 for p in ps)
names = [n for n in os.listdir(a[0]) if n.startswith("0")]
assert "x" not in os.listdir(a[0])
seen = sorted(open(a[0] + "/" + n).read() for n in names)
assert seen == sorted(["first"] + ["%d %d" % (w, i) for w in range(10) for i in range(25)])' "$M/mail"
	[ ! -e "$M/mail/rejected/x" ]
}

@test "after publication chmod, chown, times, attributes, rename, stat and reading succeed" {
	mount_traced 'mail: {}'
	cp "$T/bytes" "$M/mail/x"
	py '
path = a[0] + "/x"
os.chmod(path, 0o600)
os.chown(path, os.getuid(), os.getgid())
os.utime(path, (1, 1))
os.utime(path, ns=(10**18, 10**18))
os.setxattr(path, "user.comment", b"x")
assert os.stat(path).st_size == 256
with open(path, "rb") as f: assert f.read() == bytes(range(256))
os.rename(path, a[0] + "/y")
os.chmod(a[0] + "/y", 0o640)
os.utime(a[0] + "/y")
assert os.access(a[0] + "/y", os.R_OK)
with open(a[0] + "/y", "rb") as f: assert f.read() == bytes(range(256))' "$M/mail"
	equal 1 "$(count_in mail)"
	claim mail w | cmp - "$T/bytes"
}
