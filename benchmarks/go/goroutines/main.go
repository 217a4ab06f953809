// Memory and CPU of a Go scheduler: a goroutine a target, asleep until its next poll, which is the
// obvious way; or a timer of the runtime a target (-how timer), which needs no stack.
//
//	goroutines -targets 100000 -interval 60s -watch 2s
//
// It prints one JSON line: resident bytes a target above the idle process, and how many fires there
// were while it watched, with their CPU and lateness.
package main

import (
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A target as the Python schedule keeps it: what it is called and how often it is due.
type target struct {
	key      string
	interval time.Duration
	timer    *time.Timer
}

func (t *target) run(due time.Time, note func(time.Time)) {
	for {
		time.Sleep(time.Until(due))
		note(due)
		due = due.Add(t.interval)
	}
}

func (t *target) start(due time.Time, note func(time.Time)) {
	t.timer = time.AfterFunc(time.Until(due), func() {
		note(due)
		due = due.Add(t.interval)
		t.timer.Reset(time.Until(due))
	})
}

func resident() int {
	body, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(body))[1])
	if err != nil {
		panic(err)
	}
	return pages * os.Getpagesize()
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	count := flag.Int("targets", 100_000, "goroutines")
	interval := flag.Duration("interval", 60*time.Second, "between the fires of one")
	how := flag.String("how", "goroutine", "or timer")
	watch := flag.Duration("watch", 2*time.Second, "how long to count fires")
	flag.Parse()
	base := resident()
	var lock sync.Mutex
	var late []time.Duration
	note := func(due time.Time) {
		lock.Lock()
		late = append(late, time.Since(due))
		lock.Unlock()
	}
	for number := range *count {
		t := &target{key: "mastodon/tag/name" + strconv.Itoa(number), interval: *interval}
		due := time.Now().Add(time.Duration(rand.Int63n(int64(t.interval))))
		if *how == "timer" {
			t.start(due, note)
		} else {
			go t.run(due, note)
		}
	}
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	debug.FreeOSMemory()
	grown := resident() - base
	lock.Lock()
	late = make([]time.Duration, 0, *count)
	lock.Unlock()
	before := cpu()
	time.Sleep(*watch)
	used := cpu() - before
	lock.Lock()
	defer lock.Unlock()
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	fires := max(len(late), 1)
	report := map[string]float64{
		"bytes":  float64(grown) / float64(*count),
		"fires":  float64(fires),
		"cpu_us": float64(used.Microseconds()) / float64(fires),
	}
	if len(late) > 0 {
		report["p99_ms"] = float64(late[len(late)*99/100].Microseconds()) / 1000
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		panic(err)
	}
}
