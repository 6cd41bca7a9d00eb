#!/usr/bin/env bats
# A thousand workers that wait.

load harness

# ticks: what the daemons have used of the processor, in clock ticks.
ticks()
{
	local pid sum=0
	for pid in $(daemons); do
		sum=$((sum + $(awk '{print $14 + $15}' "/proc/$pid/stat")))
	done
	echo $sum
}

rss_kb()
{
	awk '/^Rss(Anon|Shmem)/ {sum += $2} END {print sum}' "/proc/$(engine)/status"
}

# crowd COUNT: a program that opens as many claims over 4 queues, in a thread each, the n-th when
# the one before waits. Then it does what it reads: "kill N" sends a signal to every second of them,
# N in all; "got N" waits until N have a job and prints which, in order.
crowd()
{
	cat >"$T/crowd.py" <<-'EOF'
	import ctypes, os, signal, sys, threading, time
	mount, count = sys.argv[1], int(sys.argv[2])
	threading.stack_size(65536)
	got, ended, lock = [], [], threading.Lock()
	signal.signal(signal.SIGUSR1, lambda *x: None)
	signal.siginterrupt(signal.SIGUSR1, True)
	libc = ctypes.CDLL(None, use_errno=True)
	tids, threads = {}, []
	def wait(n):
	    tids[n] = threading.get_native_id()
	    path = "%s/q%d/claim/w%d" % (mount, n % 4, n)
	    fd = libc.open(path.encode(), os.O_RDONLY)
	    if fd < 0:
	        with lock: ended.append((n, ctypes.get_errno()))
	        return
	    body = os.read(fd, 100)
	    with lock: got.append((n, body))
	def waits(n):
	    try:
	        with open("/proc/self/task/%d/wchan" % tids[n]) as f: return "request_wait" in f.read()
	    except (KeyError, FileNotFoundError): return False
	def until(what):
	    end = time.monotonic() + 60
	    while not what():
	        assert time.monotonic() < end, (len(got), len(ended))
	        time.sleep(0.0005)
	for n in range(count):
	    threads.append(threading.Thread(target=wait, args=(n,), daemon=True))
	    threads[n].start()
	    until(lambda: waits(n))
	print("all wait", flush=True)
	for line in sys.stdin:
	    word, number = line.split()
	    if word == "kill":
	        for n in range(0, count, 2):
	            signal.pthread_kill(threads[n].ident, signal.SIGUSR1)
	        until(lambda: len(ended) == int(number))
	        assert {e for n, e in ended} == {4}, ended
	        print("killed", flush=True)
	    else:
	        until(lambda: len(got) >= int(number))
	        print(" ".join(str(n) for n, body in got), flush=True)
	EOF
	mkfifo "$T/tell" "$T/hear"
	timeout 110 python3 "$T/crowd.py" "$M" "$1" <"$T/tell" >"$T/hear" 3>&- &
	exec 5>"$T/tell" 6<"$T/hear"
}

@test "1000 waiters over 4 queues: no processor time, a few kB each, any can leave, in order" {
	local before after line n
	mount_queues 'q0: { concurrency: 1000 }' 'q1: { concurrency: 1000 }' 'q2: { concurrency: 1000 }' \
		'q3: { concurrency: 1000 }'
	ls "$M/q0" "$M/q1" >/dev/null
	before=$(rss_kb)
	crowd 1000
	read -r line <&6
	equal "all wait" "$line"
	after=$(rss_kb)
	echo "$(((after - before) * 1024 / 1000)) bytes each"
	((after - before < 8000))
	eventually settled
	before=$(ticks)
	sleep 3 # what is measured is that nothing happens
	equal 0 $(($(ticks) - before))
	echo 'kill 500' >&5
	read -r line <&6
	equal killed "$line"
	equal 0 "$(ls "$M"/q*/claim | grep -c w)"
	for n in 1 3 5 7 9 11; do
		echo "job" >"$M/q$((n % 4))/new"
		echo "got $(((n + 1) / 2))" >&5
		read -r line <&6
		equal "$n" "${line##* }"
	done
	# Their turn came in order, and an interrupted wait has taken nothing.
	equal "1 3 5 7 9 11" "$line"
	equal 6 "$(ls "$M"/q*/claim | grep -c w)"
}

# settled: the daemon has gone to sleep.
settled()
{
	local now
	now=$(ticks)
	sleep 0.5
	equal "$now" "$(ticks)"
}
